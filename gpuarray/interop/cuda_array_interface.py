"""The CUDA array interface, version 3: a dictionary with an address, both ways.

In: an array on a CUDA device, or an object with ``__cuda_array_interface__``. Out: the dictionary,
or an array. It knows no owner but the object that it is an attribute of; DLPack knows more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuarray.array import Array
from gpuarray.devices import Device, all_devices
from gpuarray.graph.node import contiguous_strides
from gpuarray.interop.sharing import Owner, adopted, shown

__all__ = ["adopt", "interface"]

_CUDA = 2


def interface(x: Array) -> dict[str, Any]:
    """What ``x.__cuda_array_interface__`` gives."""
    device = x.device
    place = device.hook.gpuarray_dlpack_device(device=device)
    if place is None or place[0] != _CUDA:
        raise AttributeError(f"__cuda_array_interface__: the array is on {str(device)!r}")
    loan = shown(x)
    stream = device.hook.gpuarray_stream(device=device)
    pointer = device.hook.gpuarray_lend(device=device, buffer=loan.buffer, stream=stream)
    node = loan.node
    strides = tuple(s * node.dtype.itemsize for s in node.layout.strides)
    return {
        "version": 3,
        "shape": node.shape,
        "typestr": node.dtype.str,
        "data": (pointer + node.offset if 0 not in node.shape else 0, loan.read_only),
        "strides": None if node.layout.contiguous else strides,
        "stream": stream,
    }


def adopt(name: str, obj: Any) -> Array:
    """An array of the memory of `obj`, on the device where it is.

    What was enqueued on the device before is waited for, whatever stream the interface names.

    Raises
    ------
    BufferError
        If it has a mask, its dtype is none of the standard's, or no device here has the memory.
    """
    found = obj.__cuda_array_interface__
    if found.get("mask") is not None:
        raise BufferError(f"{name}: a __cuda_array_interface__ with a mask is not supported")
    dtype = np.dtype(found["typestr"])
    shape = tuple(found["shape"])
    pointer, read_only = found["data"]
    given = found.get("strides")
    if given is None:
        strides = contiguous_strides(shape)
    else:
        strides = tuple(s // dtype.itemsize for s in given)
        if any(s % dtype.itemsize for s in given):
            raise BufferError(f"{name}: strides {given} are no multiples of {dtype.itemsize} bytes")
    problem = BufferError(f"{name}: no CUDA device can be used for a {type(obj).__name__}")
    for device in _cuda_devices():
        try:
            owner = Owner(obj, bool(read_only))
            return adopted(name, device, pointer, (dtype, shape, strides), owner)
        except BufferError as error:
            problem = error
    raise problem


def _cuda_devices() -> list[Device]:
    places = ((d, d.hook.gpuarray_dlpack_device(device=d)) for d in all_devices())
    return [device for device, place in places if place is not None and place[0] == _CUDA]
