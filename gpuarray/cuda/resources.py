"""Memory resources: where the memory of arrays comes from.

In: a resource of cuda.core, of RMM, or of one's own. Out: arrays in its memory, from now on or
within a block.
"""

from __future__ import annotations

from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from gpuarray.cuda.raw_module import executor_of
from gpuarray.cuda.streams import Stream
from gpuarray.devices import device as find_device

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["MemoryResource", "pool_resource", "set_memory_resource"]


@runtime_checkable
class MemoryResource(Protocol):
    """A resource of one's own. Its methods may be called in any thread and by finalizers."""

    def allocate(self, nbytes: int, stream: int) -> int:
        """The address of `nbytes` of the device's memory, a multiple of 256.

        Work that is put on `stream`, a handle, from now on may use it. Raises `MemoryError` where
        there is none.
        """

    def deallocate(self, pointer: int, nbytes: int, stream: int) -> None:
        """Take back what `allocate` gave; work on `stream` may still be using it."""


def set_memory_resource(resource: Any, device: Device | str | None = None) -> _Setting:
    """Let the memory of arrays come from a resource from now on.

    What came from elsewhere goes back there. The limit and `memory_info` hold as before.

    Parameters
    ----------
    resource : MemoryResource, cuda.core.MemoryResource or rmm.mr.DeviceMemoryResource; or None
        None: the device's own pool.
    device : Device or str, optional
        A CUDA device; None: the default device.

    Returns
    -------
    context manager
        At the end of its block the resource of before is in use again. Without a block, this one
        stays.

    Raises
    ------
    TypeError
        It is no resource, or the device no CUDA device.

    Notes
    -----
    The pool keeps freed blocks for the next arrays, which takes less than a microsecond; a resource
    is asked for each block.
    """
    found = find_device(device)
    runtime = executor_of("set_memory_resource", found).runtime
    before = _current.get(found)
    runtime.use_resource(None if resource is None else _adapted(resource, found))
    _current[found] = resource
    return _Setting(found, before)


def pool_resource(device: Device | str | None = None) -> MemoryResource:
    """The device's own pool as a resource, for one of one's own to take its memory from.

    Raises
    ------
    TypeError
        The device is no CUDA device.
    """
    found: MemoryResource = executor_of(
        "pool_resource", find_device(device)
    ).runtime.pool_resource()
    return found


# The resources of the devices, as they were given.
_current: dict[str, Any] = {}


class _Setting:
    """The block of `set_memory_resource`."""

    def __init__(self, device: Device, before: Any) -> None:
        self._device = device
        self._before = before

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        set_memory_resource(self._before, self._device)


def _adapted(resource: Any, device: Device) -> MemoryResource:
    """The resource with our calls."""
    origins = {kind.__module__.split(".")[0] for kind in type(resource).__mro__}
    if "cuda" in origins:
        return _OfCudaCore(resource)
    if not isinstance(resource, MemoryResource):
        raise TypeError(
            "set_memory_resource: resource must have allocate(nbytes, stream) and "
            f"deallocate(pointer, nbytes, stream), got {type(resource).__name__}"
        )
    return _OfRmm(resource, device) if "rmm" in origins else resource


class _OfCudaCore:
    """A `cuda.core.MemoryResource`, which takes its own streams and gives buffers."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource
        self._stream: Any = import_module("cuda.core").Stream.from_handle
        self._buffers: dict[int, Any] = {}

    def allocate(self, nbytes: int, stream: int) -> int:
        try:
            buffer = self._resource.allocate(nbytes, stream=self._stream(stream))
        except Exception as error:
            if "OUT_OF_MEMORY" in str(error):
                raise MemoryError(str(error)) from error
            raise
        pointer = int(buffer.handle)
        self._buffers[pointer] = buffer
        return pointer

    def deallocate(self, pointer: int, nbytes: int, stream: int) -> None:
        self._buffers.pop(pointer).close(self._stream(stream))


class _OfRmm:
    """An RMM resource, which takes RMM's streams."""

    def __init__(self, resource: Any, device: Device) -> None:
        self._resource = resource
        self._device = device
        self._rmm_stream: Any = import_module("rmm.pylibrmm.stream").Stream

    def allocate(self, nbytes: int, stream: int) -> int:
        return int(self._resource.allocate(nbytes, self._stream(stream)))

    def deallocate(self, pointer: int, nbytes: int, stream: int) -> None:
        self._resource.deallocate(pointer, nbytes, self._stream(stream))

    def _stream(self, handle: int) -> Any:
        return self._rmm_stream(Stream(handle, device=self._device))
