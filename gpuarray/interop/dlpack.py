"""DLPack: arrays for other libraries, and theirs for us, on the host and on CUDA devices.

In: an array and what a consumer asks for, or an object with ``__dlpack__``. Out: a capsule, or an
array. Nothing is copied that need not be; which streams wait for which is settled here.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.arguments import checked_copy
from gpuarray.array import Array
from gpuarray.data_types import astype
from gpuarray.devices import Device, all_devices
from gpuarray.devices import device as find_device
from gpuarray.interop.capsules import VERSION, Tensor, consumed, produced
from gpuarray.interop.numpy import to_numpy
from gpuarray.interop.sharing import CopyNeeded, adopted, copied, lend
from gpuarray.recording import owned

if TYPE_CHECKING:
    from gpuarray.graph.node import Node

__all__ = ["dlpack_device", "export", "from_dlpack"]

Place = tuple[int, int]

_CPU = 1
_CUDA = 2
_HOST: Place = (_CPU, 0)
# Pinned host memory is host memory, and managed memory belongs to a CUDA device.
_SAME = {3: _CPU, 13: _CUDA}
_LEGACY_STREAM = 1


def dlpack_device(x: Array) -> Place:
    """DLPack's type and number of the device of `x`; `BufferError` where it has none."""
    device = x.device
    found: Place | None = device.hook.gpuarray_dlpack_device(device=device)
    if found is None:
        raise BufferError(
            f"__dlpack_device__: backend {device.backend.name!r} shares no memory; move the array "
            'with to_device("cpu") first'
        )
    return found


def export(x: Array, stream: Any, max_version: Any, dl_device: Any, copy: bool | None) -> Any:
    """The capsule that ``x.__dlpack__`` returns."""
    own = dlpack_device(x)
    place = own if dl_device is None else _pair("dl_device", dl_device)
    versioned = max_version is not None and _pair("max_version", max_version)[0] >= VERSION[0]
    copy = checked_copy("__dlpack__", copy)
    ready = _checked_stream(stream, place)
    if place != own:
        return _on_host(x, own, place, copy, versioned)
    # A private copy is lent, too: its stream has to be waited for.
    loan = lend(copied(x) if copy else x)
    tensor = _tensor(loan.node, own, ready, loan.read_only, copy is True)
    return produced(tensor, loan, versioned)


def from_dlpack(
    x: object, /, *, device: Device | str | None = None, copy: bool | None = None
) -> Array:
    """An array of the data of another library's array.

    Parameters
    ----------
    x : object
        Has ``__dlpack__`` and ``__dlpack_device__``; of any shape, strides and standard dtype.
    device : Device or str, optional
        Where the result is; None: where `x` is.
    copy : bool, optional
        None shares the memory of `x` where it is on that device, and copies it otherwise. False
        raises where a copy is needed. True always copies.

    Returns
    -------
    Array
        Of the shape and dtype of `x`. What its owner writes to shared memory changes this array,
        and none that was computed from it: all that reads it is computed at once. Nothing done to
        this array changes `x`. An `Array` that is where it is wanted is returned as it is.

    Raises
    ------
    AttributeError
        If `x` does not have the two methods.
    BufferError
        If the memory cannot be shared: a dtype that is none of the standard's, a device that
        there is no backend for, or whatever the owner of `x` raises.
    ValueError
        If there is no such device, or a copy is needed and `copy` is False (it is a `BufferError`,
        too).

    Notes
    -----
    On a GPU, work of ours waits for all that was enqueued on the device before. What another
    library enqueues afterwards waits for our reading on the default stream; on a stream of its
    own, call `synchronize` before it writes.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.from_dlpack.html

    Examples
    --------
    >>> import numpy as np
    >>> import gpuarray as xp
    >>> a = np.asarray([1.0, 2.0])
    >>> x = xp.from_dlpack(a)
    >>> y = x * 10
    >>> a[0] = 5.0
    >>> x, y
    (Array([5., 2.], dtype=float64, device='cpu'), Array([10., 20.], dtype=float64, device='cpu'))
    """
    copy = checked_copy("from_dlpack", copy)
    wanted = None if device is None else find_device(device)
    if isinstance(x, Array):
        if copy is False and wanted not in (None, x.device):
            raise _crossing(x.device, wanted)
        return astype(x, x.dtype, copy=copy is True, device=wanted) if copy or wanted else x
    if not (hasattr(x, "__dlpack__") and hasattr(x, "__dlpack_device__")):
        raise AttributeError(
            f"from_dlpack: a {type(x).__name__} has no __dlpack__ and __dlpack_device__; asarray() "
            "takes scalars, sequences and objects with the buffer protocol"
        )
    kind, number = x.__dlpack_device__()
    place = (int(kind), int(number))
    home = _device_at(place)
    if wanted is not None and wanted is not home:
        if copy is False:
            raise _crossing(home or f"DLPack device {place}", wanted)
        copy = None  # the move is one
    if home is None:
        if wanted is None:
            there = ", ".join(repr(str(d)) for d in all_devices())
            raise BufferError(
                f"from_dlpack: x is on DLPack device {place}, and there are only {there}; copy it "
                'with device="cpu"'
            )
        found = _adopted(x, find_device("cpu"), None, dl_device=_HOST)
    else:
        found = _adopted(x, home, copy)
    if copy:
        found = owned(found)
    return found if wanted is None else found.to_device(wanted)


def _adopted(x: Any, home: Device, copy: bool | None, **keywords: Any) -> Array:
    """The memory of `x` on the device where it is; a private copy if the producer makes one."""
    stream = home.hook.gpuarray_stream(device=home)
    basic = {} if stream is None else {"stream": stream}
    if copy is not None:
        keywords["copy"] = copy
    try:
        capsule = x.__dlpack__(max_version=VERSION, **basic, **keywords)
    except TypeError:
        if "dl_device" in keywords:
            raise
        # A producer from before the standard of 2023, which never copies.
        capsule = x.__dlpack__(**basic)
    found = consumed(capsule)
    tensor = found.tensor
    return adopted(
        "from_dlpack",
        home,
        tensor.pointer,
        (tensor.dtype, tensor.shape, tensor.strides),
        found,
        exclusive=tensor.copied and not tensor.read_only,
    )


def _on_host(x: Array, own: Place, place: Place, copy: bool | None, versioned: bool) -> Any:
    """A capsule of a copy on the host."""
    if place != _HOST:
        raise BufferError(
            f"__dlpack__: dl_device {place} is neither that of the array, {own}, nor the host, "
            f"{_HOST}"
        )
    if copy is False:
        raise CopyNeeded(
            f"__dlpack__: copy=False, and from {str(x.device)!r} to the host needs a copy"
        )
    host = to_numpy(x, "__dlpack__()")
    strides = tuple(s // host.itemsize for s in host.strides)
    pointer = host.ctypes.data
    tensor = Tensor(pointer, _HOST, host.dtype, host.shape, strides, copied=True)
    return produced(tensor, host, versioned)


def _tensor(node: Node, place: Place, stream: int | None, read_only: bool, copy: bool) -> Tensor:
    device = node.device
    pointer = device.hook.gpuarray_lend(device=device, buffer=node.buffer, stream=stream)
    layout = node.layout
    return Tensor(
        pointer + node.offset, place, node.dtype, node.shape, layout.strides, read_only, copy
    )


def _device_at(place: Place) -> Device | None:
    """The device of DLPack's type and number, if a backend has it."""
    kind = _SAME.get(place[0], place[0])
    if kind == _CPU:
        return find_device("cpu")
    for device in all_devices():
        if device.hook.gpuarray_dlpack_device(device=device) == (kind, place[1]):
            return device
    return None


def _crossing(home: object, wanted: object) -> CopyNeeded:
    return CopyNeeded(f"from_dlpack: copy=False, and from {home} to {wanted} needs a copy")


def _pair(what: str, value: Any) -> Place:
    """A pair of integers; the first may be a member of an enumeration."""
    if isinstance(value, tuple) and len(value) == 2:
        first = value[0].value if isinstance(value[0], Enum) else value[0]
        if isinstance(first, int | np.integer) and isinstance(value[1], int | np.integer):
            return int(first), int(value[1])
    raise TypeError(f"__dlpack__: {what} must be a tuple of two integers, got {value!r}")


def _checked_stream(stream: Any, place: Place) -> int | None:
    """The consumer's stream; None for memory of the host."""
    if place[0] != _CUDA:
        if stream is not None:
            raise ValueError(
                f"__dlpack__: stream must be None for memory of the host, got {stream!r}"
            )
        return None
    if stream is None:
        return _LEGACY_STREAM
    if isinstance(stream, bool) or not isinstance(stream, int | np.integer):
        raise TypeError(
            f"__dlpack__: stream must be an integer, got {stream!r} of type {type(stream).__name__}"
        )
    if stream < -1 or stream == 0:
        raise ValueError(
            f"__dlpack__: stream must be -1, 1 (the legacy default stream), 2 (that of each "
            f"thread) or a handle, got {stream}"
        )
    return int(stream)
