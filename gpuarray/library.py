"""Library operations: those with a better algorithm than a fused loop, such as sorting and solvers.

In: arrays and parameters of one hook. Out: new arrays, in memory. A library operation is not
recorded: it starts at its call, on operands that are evaluated first, so that a singular matrix
is an error of the call. On a GPU the work itself is as asynchronous as that of any kernel.

A backend that lacks the operation gets NumPy's, through the host, and a warning the first time.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from typing import Any

import numpy as np

from gpuarray.array import Array
from gpuarray.graph import flush
from gpuarray.graph.node import contiguous_layout, leaf
from gpuarray.graph.tape import call_hook, needs_value, recordings
from gpuarray.operations.library import LIBRARY, WAITING
from gpuarray.plugins import Operand
from gpuarray.recording import same_device

__all__ = ["call", "fallbacks"]

fallbacks: Counter[tuple[str, str]] = Counter()
"""How often each (backend, operation) was computed by NumPy for a backend that lacks it."""


def call(name: str, /, **arguments: Any) -> tuple[Array, ...]:
    """Run the hook ``gpuarray_<name>``.

    Parameters
    ----------
    name : str
        A key of `gpuarray.operations.library.LIBRARY`.
    **arguments
        The hook's: arrays, on one device, and parameters.

    Returns
    -------
    tuple of Array
        In memory, or being computed.
    """
    arrays = {key: x for key, x in arguments.items() if x.__class__ is Array}
    same_device(name, *arrays.values())
    nodes = [x._node for x in arrays.values()]
    device = nodes[0].device
    if recordings and name in WAITING:
        needs_value(WAITING[name])
    with flush.lock:
        if any(node.op is not None for node in nodes):
            flush.flush(nodes)
        operands = {}
        for key, node in zip(arrays, nodes, strict=True):
            assert node.buffer is not None
            operands[key] = Operand(node.buffer, node.offset, node.layout)
        if recordings:
            parameters = {key: x for key, x in arguments.items() if key not in operands}
            found = call_hook(name, device, operands, parameters)
        else:
            hook = getattr(device.hook, f"gpuarray_{name}")
            found = hook(device=device, **(arguments | operands))
    if found is None:
        found = _by_numpy(name, device, arguments)
    return tuple(Array(leaf(device, x.buffer, x.offset, x.layout)) for x in found)


def _by_numpy(name: str, device: Any, arguments: dict[str, Any]) -> list[Operand]:
    from gpuarray.interop.numpy import to_numpy

    backend = device.backend.name
    fallbacks[backend, name] += 1
    if fallbacks[backend, name] == 1:
        warnings.warn(
            f"{name}: backend {backend!r} has no such operation; NumPy computes it on the host",
            RuntimeWarning,
            stacklevel=_level_of_the_caller(),
        )
    asked = f"{name}(), which backend {backend!r} leaves to NumPy,"
    host = {k: to_numpy(x, asked) if x.__class__ is Array else x for k, x in arguments.items()}
    # Not ascontiguousarray, which gives a 0-dimensional array an axis.
    results = [np.asarray(x, order="C") for x in LIBRARY[name](**host)]
    return [
        Operand(
            device.hook.gpuarray_copy_in(device=device, array=x),
            0,
            contiguous_layout(x.dtype, x.shape),
        )
        for x in results
    ]


def _level_of_the_caller() -> int:
    """The `stacklevel`, for a warning of the function that asks, of the first frame outside."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("gpuarray."):
        frame, level = frame.f_back, level + 1
    return level
