"""Memory that a kernel may write to: an array's own, in row-major order.

In: arrays in memory on a CUDA device. Out: the same arrays, with memory that no other array has.
"""

from __future__ import annotations

import sys
from typing import Any

from gpuarray.array import Array
from gpuarray.graph.node import (
    Buffer,
    Layout,
    Node,
    contiguous_layout,
    contiguous_strides,
    leaf,
)

__all__ = ["copied", "layout_of", "own"]


def layout_of(x: Array) -> Layout:
    layout: Layout = x._node.layout
    return layout


def copied(x: Array, executor: Any) -> Array:
    """Another array with the same values, in memory of its own and in row-major order."""
    from gpuarray_cuda.libraries.copying import copy

    node: Any = x._node
    layout = node.layout
    made = executor.allocate(layout.nbytes)
    if layout.nbytes:
        source = node.buffer.read_on(executor.stream) + node.offset
        strides = contiguous_strides(layout.shape)
        copy(
            executor, layout.dtype, layout.shape, source, layout.strides, made.pointer, strides
        )  # fmt: skip
    return Array(leaf(node.device, made, 0, contiguous_layout(layout.dtype, layout.shape)))


def _references() -> tuple[int, int]:
    """What counting itself adds to the references of a node and a buffer that an array owns."""
    array = Array.__new__(Array)
    node = Node.__new__(Node)
    node.buffer = Buffer.__new__(Buffer)
    array._node = node
    del node
    return sys.getrefcount(array._node), sys.getrefcount(array._node.buffer)


def own(x: Array, executor: Any) -> None:
    """Give an array memory that no other has, so that writing to it changes no other array.

    What another library shares is written where it is: that is what sharing means.
    """
    used = sys.getrefcount(x._node), sys.getrefcount(x._node.buffer)
    node: Any = x._node
    alone = used == _references() and node.layout.contiguous
    if not alone and (node.buffer.exclusive or not node.layout.contiguous):
        x._node = copied(x, executor)._node
