"""Masks: the elements that one selects, and where it holds.

In: a mask, pending or in memory. Out: arrays in memory, whose size depends on its values, so both
functions wait. A pending mask is computed by the kernel that counts, and is not stored, where the
backend knows how to (`gpuarray_compact`).
"""

from __future__ import annotations

import numpy as np

from gpuarray import library, recording
from gpuarray.array import Array
from gpuarray.dtypes import int64
from gpuarray.errors import DeviceError, OutOfMemory
from gpuarray.graph import flush
from gpuarray.graph.node import CAST, contiguous_layout, leaf
from gpuarray.graph.tape import needs_value, recordings
from gpuarray.operations.library import WAITING
from gpuarray.plugins import Operand

__all__ = ["positions", "selected"]


def selected(x: Array, mask: Array) -> Array:
    """The elements of `x` for which `mask`, of its shape and not of size 0, holds; 1-d."""
    if recordings:
        needs_value(WAITING["select"])
    found = _compacted(mask, x)
    if found is None:
        (found,) = library.call("select", x=x, mask=mask)
    return found


def positions(mask: Array, asked: str = "a mask as an index") -> tuple[Array, int]:
    """Where a mask holds, as positions in its flattened form; waits for their number."""
    if recordings:
        needs_value(asked)
    mask = recording.cast(mask, np.dtype(bool))
    found = _compacted(mask, None) if mask.size else None
    if found is not None:
        return found, found.size
    flat = _contiguous(mask)
    node = flat._node
    buffer, count = node.device.hook.gpuarray_nonzero(
        device=node.device, buffer=node.buffer, offset=node.offset, size=flat.size
    )
    return Array(leaf(node.device, buffer, 0, contiguous_layout(int64, (count,)))), count


def _compacted(mask: Array, x: Array | None) -> Array | None:
    """`selected`, or without `x` the positions, of a mask that is pending and stays so.

    None where it has to be stored: the backend cannot do without, a plugin wants to see every
    task, or `flush.deferred` says so.
    """
    node = mask._node
    device = node.device
    manager = device.backend.manager
    if (
        node.op is None
        or not manager.hook.gpuarray_compact.get_hookimpls()
        or not manager.is_plain("gpuarray_run")
    ):
        return None
    with flush.lock:
        operand = None
        if x is not None:
            source = x._node
            flush.flush((source,))
            assert source.buffer is not None
            operand = Operand(source.buffer, source.offset, source.layout)
        task = flush.deferred(node)
        if task is None:
            return None
        try:
            found = device.hook.gpuarray_compact(task=task, x=operand)
        except (OutOfMemory, DeviceError) as error:
            flush.explain_failure(error, task.step, {})
            raise
    if found is None:
        return None
    return Array(leaf(device, found.buffer, found.offset, found.layout))


def _contiguous(x: Array) -> Array:
    """`x` in memory, row-major and 1-dimensional."""
    from gpuarray.manipulation import reshape

    flat = reshape(x, (-1,))
    flush.flush((flat._node,))
    if not flat._node.layout.contiguous:
        # A view of memory, which a cast copies.
        flat = recording.record(
            CAST, (flat._node,), (flat.dtype,), flat.dtype, flat.shape, flat.device
        )
        flush.flush((flat._node,))
    return flat
