"""Random numbers, as the namespace `gpuarray.random`: NumPy's generator, on every backend.

In: a seed. Out: arrays with pending draws, which fuse, and are the same on every backend.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .generator import Generator, default_rng
from .sobol import Sobol

__all__ = ["Generator", "Sobol", "default_rng"]

if not _TYPE_CHECKING:  # which would take any name for one that is there

    def __getattr__(name: str) -> _Any:
        from gpuarray.suggestions import unknown_name

        raise unknown_name(__name__, name)
