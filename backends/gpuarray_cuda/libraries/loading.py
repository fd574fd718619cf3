"""Find NVIDIA's libraries, and what every call of them needs: the context, memory, errors in words.

In: a device's context and runtime. Out: the modules of `nvmath.bindings`, imported at their first
use, which takes 0.3 s; and a `Session`, whose blocks surround the calls.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from gpuarray.errors import BackendUnavailable, DeviceError, OutOfMemory
from gpuarray_cuda.context import INSTALL

if TYPE_CHECKING:
    from gpuarray_cuda.context import Context
    from gpuarray_cuda.runtime import DeviceRuntime

__all__ = ["ELEMENTS", "Bindings", "Element", "Session", "Work", "bindings", "parts"]

T = TypeVar("T")

# The code of each library for "no memory left"; the numbers are part of its ABI.
OUT_OF_MEMORY = {"cuBLAS": 3, "cuBLASLt": 3, "cuSOLVER": 2, "cuFFT": 2}


class Element(NamedTuple):
    """How the libraries call a dtype.

    `letter` begins the names of functions, `data` is its cudaDataType_t and `real` that of real
    numbers of its precision, `compute` the cublasComputeType_t that keeps the precision (for
    float32 neither TF32 nor bfloat16), `one` and `zero` are addresses of scalars on the host.
    """

    letter: str
    data: int
    real: int
    compute: int
    one: int
    zero: int


_scalars = {
    name: np.array([1, 0], name) for name in ("float32", "float64", "complex64", "complex128")
}


def _element(name: str, letter: str, data: int, real: int, compute: int) -> Element:
    one = int(_scalars[name].ctypes.data)
    return Element(letter, data, real, compute, one, one + _scalars[name].itemsize)


ELEMENTS: dict[np.dtype[Any], Element] = {
    np.dtype("float32"): _element("float32", "s", 0, 0, 68),
    np.dtype("float64"): _element("float64", "d", 1, 1, 70),
    np.dtype("complex64"): _element("complex64", "c", 4, 0, 68),
    np.dtype("complex128"): _element("complex128", "z", 5, 1, 70),
}


@dataclass(frozen=True, slots=True)
class Bindings:
    """The modules of nvmath-python; typed `Any` because they are compiled."""

    cublas: Any
    cublaslt: Any
    cusolver: Any
    cufft: Any


@functools.cache
def bindings() -> Bindings:
    """Import nvmath-python, once.

    Raises
    ------
    BackendUnavailable
        If it is not installed, or does not import.
    """
    try:
        return Bindings(
            cublas=importlib.import_module("nvmath.bindings.cublas"),
            cublaslt=importlib.import_module("nvmath.bindings.cublasLt"),
            cusolver=importlib.import_module("nvmath.bindings.cusolverDn"),
            cufft=importlib.import_module("nvmath.bindings.cufft"),
        )
    except ModuleNotFoundError as error:
        package = "nvmath-python" if error.name == "nvmath" else error.name
        raise BackendUnavailable(
            f"cuda: the Python package {package!r} is not installed, and products of matrices, "
            f"solvers and Fourier transforms need it; {INSTALL}"
        ) from error
    except Exception as error:
        raise BackendUnavailable(
            f"cuda: nvmath-python does not import ({error}); reinstall it: "
            f"{INSTALL} --force-reinstall"
        ) from error


# Workspaces on the host up to this size are kept, one for each stream: enough for the eigenvalues
# of some thousand rows.
KEPT_HOST_BYTES = 64 << 20


def parts(batch: int, largest: int) -> list[tuple[int, int]]:
    """The first matrix, and how many, of each call for a stack.

    >>> parts(5, 2)
    [(0, 2), (2, 2), (4, 1)]
    """
    return [(first, min(batch - first, largest)) for first in range(0, batch, largest)]


class Work(NamedTuple):
    """Workspaces of a call, in the order in which cuSOLVER takes them."""

    device: int
    device_bytes: int
    host: int
    host_bytes: int


class Session:
    """One device's way to the libraries.

    Parameters
    ----------
    context
        The device's context, which the libraries find current during their calls.
    runtime
        Where workspaces come from.
    """

    def __init__(self, context: Context, runtime: DeviceRuntime) -> None:
        self._context = context
        self.runtime = runtime
        self._host_work: dict[int, np.ndarray[Any, Any]] = {}

    def calling(self, library: str) -> _Calling:
        """``with session.calling("cuBLAS"):`` around calls of that library."""
        return _Calling(self._context, library)

    def retried(self, library: str, make: Callable[[], T]) -> T:
        """What `make` returns; tried again, with all unused memory given back, if that is short.

        The libraries allocate handles and plans from the device, not from this library's pool.
        """
        try:
            with self.calling(library):
                return make()
        except OutOfMemory:
            self.runtime.trim()
            with self.calling(library):
                return make()

    @contextmanager
    def scratch(self, nbytes: int, stream: int) -> Iterator[int]:
        """A pointer to memory that work enqueued within the block may use."""
        pointer = self.runtime.allocate(nbytes, stream)
        try:
            yield pointer
        finally:
            self.runtime.free(pointer, nbytes, stream)

    @contextmanager
    def work(self, sizes: tuple[int, int], stream: int) -> Iterator[Work]:
        """Workspaces on the device and on the host, of `sizes` bytes."""
        device_bytes, host_bytes = sizes
        # The libraries copy from pageable memory, so that they are done with it when they return,
        # and the next call on the stream may have it. New memory costs a fault for each page of it.
        host = self._host_work.get(stream)
        if host is None or host.nbytes < host_bytes:
            host = np.empty(host_bytes, np.uint8)
            if host_bytes <= KEPT_HOST_BYTES:
                self._host_work[stream] = host
        with self.scratch(device_bytes, stream) as device:
            yield Work(device, device_bytes, int(host.ctypes.data), host_bytes)

    @contextmanager
    def pointers(self, first: int, distance: int, count: int, stream: int) -> Iterator[int]:
        """The address, on the device, of an array of `count` addresses, `distance` bytes apart."""
        with self.addresses(first + distance * np.arange(count, dtype=np.int64), stream) as found:
            yield found

    @contextmanager
    def addresses(self, host: np.ndarray[Any, Any], stream: int) -> Iterator[int]:
        """The address, on the device, of a copy of an array of addresses."""
        with self.scratch(host.nbytes, stream) as pointer:
            self.runtime.copy_in(pointer, host, stream)
            yield pointer


class _Calling:
    """The block of `Session.calling`: the context is current, and errors are this library's."""

    __slots__ = ("_current", "_library", "_ordinal")

    def __init__(self, context: Context, library: str) -> None:
        self._current = context.current()
        self._library = library
        self._ordinal = context.ordinal

    def __enter__(self) -> None:
        self._current.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: Any
    ) -> None:
        self._current.__exit__(kind, error, traceback)
        if error is None or not isinstance(error, Exception):
            return
        if isinstance(error, DeviceError | OutOfMemory | BackendUnavailable):
            return
        library, device = self._library, f"cuda:{self._ordinal}"
        status = getattr(error, "status", None)
        if status is not None:
            if int(status) == OUT_OF_MEMORY[library]:
                raise OutOfMemory(
                    f"{device}: {library} found no memory left on the device; delete arrays that "
                    "are no longer needed, or work in parts"
                ) from error
            raise DeviceError(f"{device}: {library} refused a call: {error}") from error
        if isinstance(error, RuntimeError):
            # The libraries themselves are loaded at the first call, and looked up by name.
            raise BackendUnavailable(
                f"{device}: {library} does not load ({error}); {INSTALL}"
            ) from error
