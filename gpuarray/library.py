"""Library operations: those with a better algorithm than a fused loop, such as sorting and solvers.

In: arrays and parameters of one hook. Out: new arrays, in memory. A library operation is not
recorded: it starts at its call, on operands that are evaluated first, so that a singular matrix
is an error of the call. (The product of two matrices has no such error, and `linear_algebra`
records it.) On a GPU the work itself is as asynchronous as that of any kernel.

A backend that lacks the operation gets NumPy's, through the host, and a warning the first time.
"""

from __future__ import annotations

from typing import Any

from gpuarray.array import Array
from gpuarray.graph import flush
from gpuarray.graph.calls import answer, fallbacks
from gpuarray.graph.node import leaf
from gpuarray.graph.tape import needs_value, recordings
from gpuarray.operations.library import WAITING
from gpuarray.plugins import Operand
from gpuarray.recording import same_device

__all__ = ["call", "fallbacks"]


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
        parameters = {key: x for key, x in arguments.items() if key not in operands}
        found = answer(name, device, operands, parameters)
    return tuple(Array(leaf(device, x.buffer, x.offset, x.layout)) for x in found)
