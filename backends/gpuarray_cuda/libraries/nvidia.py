"""NVIDIA's libraries on one device: `interface.Libraries`, put together from the modules here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .blas import Blas
from .fourier import Fourier
from .loading import Session
from .solver import Solver

if TYPE_CHECKING:
    from gpuarray_cuda.context import Context
    from gpuarray_cuda.runtime import DeviceRuntime

__all__ = ["NvidiaLibraries"]


class NvidiaLibraries(Blas, Solver, Fourier):
    """cuBLAS, cuSOLVER and cuFFT; see `interface.Libraries`.

    Parameters
    ----------
    context
        The device's context.
    runtime
        Where workspaces come from.
    """

    def __init__(self, context: Context, runtime: DeviceRuntime) -> None:
        self._session = Session(context, runtime)
        Blas.__init__(self)
        Solver.__init__(self)
        Fourier.__init__(self)
