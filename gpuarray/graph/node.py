"""Nodes: what has been recorded and has not run, and the buffers of what has.

In: an operation with its inputs, or a buffer with its layout. Out: a vertex of the graph.
Shapes and dtypes are checked before a node is made; a node never raises.

A node is *pending* while `op` is set, and a *leaf* afterwards: `op` is None and `buffer`,
`offset` and `layout` say where its elements are. Setting `op` to None is the one step that turns
a pending node into a leaf, so a reader in another thread sees either state whole.
"""

import math
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gpuarray.graph import limits

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = [
    "Buffer",
    "Layout",
    "Node",
    "Structural",
    "clock",
    "contiguous_layout",
    "contiguous_strides",
    "intern_layout",
    "leaf",
    "viewed",
]

Shape = tuple[int, ...]

# The `low` of leaves. Memory of our own is younger than every pending node, so it never makes a
# graph look long; memory that another library can write is older than any limit, so what reads it
# is flushed when it is recorded.
NEVER: Final = sys.maxsize
AT_ONCE: Final = -math.inf

DEBUG: Final = os.environ.get("GPUARRAY_DEBUG", "0") not in ("", "0")


class Structural:
    """An operation that moves values: it has an index map instead of an expression.

    What a node of it means is fixed by its attributes, listed beside each name below.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


# (shape, ((axis, start, step), ...)): dimension d of the input is read at
# start + step * index[axis], or at start where axis is -1.
VIEW = Structural("view")
RESHAPE = Structural("reshape")  # (shape,)
ROLL = Structural("roll")  # (shift of each axis, ...)
CONCAT = Structural("concat")  # (axis, number of inputs)
# (axes indexed, position of the indices' dimensions in the result, number of inputs)
GATHER = Structural("gather")
# (shape of the region, ((axis, start, step), ...)): as VIEW, but written.
UPDATE = Structural("update")
SCATTER = Structural("scatter")  # as GATHER, but written; inputs (base, value, indices...)
IOTA = Structural("iota")  # (n,): 0, 1, ... as int64
FULL = Structural("full")  # (dtype, shape): the scalar that is the only input
CAST = Structural("astype")  # (dtype,)
REDUCE = Structural("reduce")  # (reduction's name, axes, shape of the result)
# A hook's own task, between kernels: (name,). "matmul": the product of two matrices or vectors.
LIBRARY = Structural("library")


class Buffer:
    """A block of memory on a device; a backend's own buffers derive from it.

    Parameters
    ----------
    device
        Where the memory is.
    nbytes
        Its size in bytes.
    exclusive
        Whether it is ours alone: memory that another library can reach, whichever of the two it
        belongs to, is never overwritten, and what reads it is computed at once.
    """

    __slots__ = ("__weakref__", "device", "exclusive", "nbytes")

    def __init__(self, device: "Device", nbytes: int, exclusive: bool = True) -> None:
        self.device = device
        self.nbytes = nbytes
        self.exclusive = exclusive
        clock.now += 1 + nbytes * clock.per_byte


class Layout:
    """How a leaf's elements lie in its buffer. Interned: compare with `is`.

    `strides` count elements, not bytes. `alignment` is the largest power of two up to 16 bytes
    that divides the address of the first element.
    """

    __slots__ = ("alignment", "contiguous", "dtype", "nbytes", "shape", "strides")

    def __init__(self, dtype: np.dtype, shape: Shape, strides: Shape, alignment: int) -> None:
        self.dtype = dtype
        self.shape = shape
        self.strides = strides
        self.alignment = alignment
        self.contiguous = strides == contiguous_strides(shape)
        size = 1
        for extent in shape:
            size *= extent
        self.nbytes = size * dtype.itemsize

    def __repr__(self) -> str:
        return f"Layout({self.dtype}, shape={self.shape}, strides={self.strides})"


_layouts: dict[tuple[np.dtype, Shape, Shape, int], Layout] = {}


def intern_layout(dtype: np.dtype, shape: Shape, strides: Shape, alignment: int) -> Layout:
    """The one `Layout` of these properties."""
    key = (dtype, shape, strides, alignment)
    found = _layouts.get(key)
    if found is None:
        if len(_layouts) >= 65536:
            # A leaf keeps its own layout; a new one with the same key only misses a cached plan.
            _layouts.clear()
        found = _layouts.setdefault(key, Layout(dtype, shape, strides, alignment))
    return found


def contiguous_strides(shape: Shape) -> Shape:
    """Row-major strides, in elements."""
    strides = [1] * len(shape)
    for d in range(len(shape) - 2, -1, -1):
        strides[d] = strides[d + 1] * max(shape[d + 1], 1)
    return tuple(strides)


def contiguous_layout(dtype: np.dtype, shape: Shape) -> Layout:
    """The layout of a fresh, row-major array."""
    return intern_layout(dtype, shape, contiguous_strides(shape), 16)


def viewed(
    layout: Layout, shape: Shape, maps: tuple[tuple[int, int, int], ...]
) -> tuple[int, Layout]:
    """Where a view begins, in bytes from its base's first element, and how it lies.

    `maps` are as in `VIEW`.
    """
    offset = 0
    strides = [0] * len(shape)
    for stride, (axis, start, step) in zip(layout.strides, maps, strict=True):
        offset += stride * start
        if axis >= 0:
            strides[axis] += stride * step
    offset *= layout.dtype.itemsize
    alignment = min(layout.alignment, offset & -offset) if offset else layout.alignment
    return offset, intern_layout(layout.dtype, shape, tuple(strides), alignment)


class _Clock:
    """Time as a pending graph feels it: one tick for a node, more for a large new buffer.

    A graph's age is the clock's advance since its oldest node, and `limit` bounds it. So one
    comparison bounds nodes and bytes alike. Threads may lose ticks to each other; that
    delays a flush by a few nodes and nothing else.
    """

    __slots__ = ("limit", "now", "per_byte")

    now: float
    limit: float
    per_byte: float

    def __init__(self) -> None:
        self.now = 0
        self.limit = limits.NODES
        self.per_byte = limits.NODES / max(limits.BYTES, 1)


clock = _Clock()


class Node:
    """One recorded operation, or one array in memory.

    `epoch`, `slot` and `uses` belong to the flush that is running and hold its lock. `line` is set
    with `GPUARRAY_DEBUG=1` only: the line that recorded the operation. `consumed` is set, to True,
    once a selection has computed it without storing it (see `flush.deferred`).
    """

    __slots__ = (
        *("op", "inputs", "attributes", "dtype", "shape", "device", "low"),
        *("buffer", "offset", "layout", "epoch", "slot", "uses", "line", "consumed"),
    )

    op: object
    inputs: tuple[object, ...]
    attributes: tuple[object, ...] | None
    dtype: np.dtype
    shape: Shape
    device: "Device"
    low: float
    buffer: Buffer | None
    offset: int
    layout: Layout
    epoch: int
    slot: int
    uses: int
    line: str | None
    consumed: bool

    def __init__(
        self,
        op: object,
        inputs: tuple[object, ...],
        attributes: tuple[object, ...] | None,
        dtype: np.dtype,
        shape: Shape,
        device: "Device",
        low: float,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.attributes = attributes
        self.dtype = dtype
        self.shape = shape
        self.device = device
        self.low = low
        self.epoch = 0
        if DEBUG:
            trace(self)

    def become_leaf(self, buffer: Buffer, offset: int, layout: Layout) -> None:
        """Turn this pending node into a leaf; idempotent, and safe to interrupt anywhere."""
        self.buffer = buffer
        self.offset = offset
        self.layout = layout
        self.op = None
        self.low = NEVER
        self.inputs = ()


def trace(node: Node) -> None:
    """Note the line that records `node`: that of the innermost frame outside this package."""
    frame: Any = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("gpuarray."):
        frame = frame.f_back
    node.line = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "<unknown>"


def leaf(device: "Device", buffer: Buffer, offset: int, layout: Layout) -> Node:
    """A leaf whose first element is `offset` bytes into `buffer`."""
    # As Node.__init__ does, without its call.
    node = Node.__new__(Node)
    node.op = None
    node.inputs = ()
    node.attributes = None
    node.dtype = layout.dtype
    node.shape = layout.shape
    node.device = device
    node.low = NEVER if buffer.exclusive else AT_ONCE
    node.epoch = 0
    if DEBUG:
        trace(node)
    node.buffer = buffer
    node.offset = offset
    node.layout = layout
    return node


if DEBUG:
    from gpuarray.graph import leaks

    leaks.report_at_exit(Node, Buffer)
