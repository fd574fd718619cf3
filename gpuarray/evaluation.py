"""Starting and awaiting work: `evaluate` and `synchronize`."""

from __future__ import annotations

from typing import Any

from gpuarray.array import Array
from gpuarray.devices import device as find_device
from gpuarray.graph import flush
from gpuarray.graph.node import Node

__all__ = ["evaluate", "synchronize"]


def evaluate(*arrays: Array) -> None:
    """Start the work that `arrays` wait for, together, and do not wait for its end.

    Arrays of one shape that are evaluated together share their kernels.

    Parameters
    ----------
    *arrays : Array
        Of any shapes and devices. What is in memory already costs nothing.

    Raises
    ------
    TypeError
        An argument is no array.
    OutOfMemory
        A device has no memory left; the arrays can still be used.

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([1.0, 2.0])
    >>> low, high = x - 1, x + 1
    >>> xp.evaluate(low, high)
    """
    if len(arrays) == 1 and arrays[0].__class__ is Array:
        node = arrays[0]._node
        if node.op is not None:
            flush.flush((node,))
        return
    wanted: dict[Any, list[Node]] = {}
    for x in arrays:
        if not isinstance(x, Array):
            raise TypeError(f"evaluate: needs gpuarray arrays, got {type(x).__name__}")
        wanted.setdefault(x._node.device, []).append(x._node)
    for nodes in wanted.values():
        flush.flush(nodes)


def synchronize(device: object = None) -> None:
    """Wait until all work that was started on a device is done.

    Parameters
    ----------
    device : str, optional
        Its name; the default device if left out.

    Raises
    ------
    ValueError
        There is no such device.
    DeviceError
        Earlier work has failed.

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.synchronize()
    """
    found = find_device(device)
    found.hook.gpuarray_synchronize(device=found)
