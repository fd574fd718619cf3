"""The creation functions of the standard.

In: Python scalars, sequences, host memory. Out: arrays; those that follow from a formula are
pending, take no memory, and fuse with what reads them.
"""

from .constants import (
    empty,
    empty_like,
    full,
    full_like,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from .conversion import asarray, from_dlpack
from .matrices import (
    eye,
    meshgrid,
    tril,
    triu,
)
from .ranges import (
    arange,
    linspace,
)

__all__ = [
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
]
