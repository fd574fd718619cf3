"""Vertices: the planner's own copy of a pending graph.

In: nodes in topological order. Out: `Vertex` objects that know their users, so that the planner
decides what is stored without touching a node (a plan outlives the nodes it was made for).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpuarray.graph.node import Layout, Node

if TYPE_CHECKING:
    from gpuarray.graph.rows import Rows

__all__ = ["ScalarInput", "Vertex", "topological", "vertices"]

DType = np.dtype[Any]


class ScalarInput(NamedTuple):
    """A Python scalar operand: its position among the flush's scalars, and its type."""

    position: int
    kind: type


class Vertex:
    """A node as the planner sees it.

    Attributes
    ----------
    slot
        Its position in the graph, and in the plan's table of buffers.
    op, inputs, attributes, dtype, shape
        As in the node; inputs are vertices and scalars.
    layout
        Where the elements lie: set for leaves, and for others once their storage is decided.
    is_leaf
        Already in memory when the plan starts.
    held
        An array, or another graph, still refers to it.
    sole
        A leaf that only this graph refers to, so that it may be overwritten.
    sharing
        Of such a leaf, the other leaves that lie in its buffer.
    users
        The vertices that read it, once for each reading.
    stored
        Its value is written to memory by this plan (or was before).
    in_place
        An `UPDATE` or `SCATTER` that writes into the buffer of its first input.
    alias
        A stored view that shares the buffer of this other vertex.
    cost
        Operations needed to compute one element from what is stored.
    rows
        What the vertices share that one kernel computes in several stages (see `rows`), or None.
    """

    __slots__ = (
        *("slot", "op", "inputs", "attributes", "dtype", "shape", "size", "layout", "is_leaf"),
        *("held", "sole", "sharing", "users", "stored", "in_place", "alias", "cost", "rows"),
    )

    def __init__(
        self,
        slot: int,
        op: Any,
        inputs: tuple[Vertex | ScalarInput, ...],
        attributes: tuple[Any, ...] | None,
        dtype: DType,
        shape: tuple[int, ...],
    ) -> None:
        self.slot = slot
        self.op = op
        self.inputs = inputs
        self.attributes = attributes
        self.dtype = dtype
        self.shape = shape
        self.size = math.prod(shape)
        self.layout: Layout | None = None
        self.is_leaf = op is None
        self.held = False
        self.sole = False
        self.sharing: tuple[Vertex, ...] = ()
        self.users: list[Vertex] = []
        self.stored = self.is_leaf
        self.in_place = False
        self.alias: Vertex | None = None
        self.cost = 0
        self.rows: Rows | None = None
        for x in inputs:
            if isinstance(x, Vertex):
                x.users.append(self)

    @property
    def parents(self) -> list[Vertex]:
        """The inputs that are vertices."""
        return [x for x in self.inputs if isinstance(x, Vertex)]

    def replace_input(self, position: int, new: Vertex) -> None:
        """Read `new` as the input at `position`."""
        old = self.inputs[position]
        self.inputs = (*self.inputs[:position], new, *self.inputs[position + 1 :])
        if isinstance(old, Vertex):
            old.users.remove(self)
        new.users.append(self)

    def __repr__(self) -> str:
        return f"Vertex({self.slot}, {self.op}, {self.dtype}{list(self.shape)})"


def vertices(nodes: list[Node], held: set[int], sole: dict[int, tuple[int, ...]]) -> list[Vertex]:
    """The planner's copy of `nodes`, which are in topological order; slot i is ``nodes[i]``.

    `held` are slots; `sole` maps slots to those that share their buffer. Scalars are numbered in
    the order in which `collect` lists them.
    """
    found: list[Vertex] = []
    position = 0
    for slot, node in enumerate(nodes):
        inputs: list[Vertex | ScalarInput] = []
        for x in node.inputs:
            if isinstance(x, Node):
                inputs.append(found[x.slot])
            else:
                inputs.append(ScalarInput(position, type(x)))
                position += 1
        vertex = Vertex(slot, node.op, tuple(inputs), node.attributes, node.dtype, node.shape)
        if node.op is None:
            vertex.layout = node.layout
        vertex.held = slot in held
        vertex.sole = slot in sole
        found.append(vertex)
    for slot, sharing in sole.items():
        found[slot].sharing = tuple(found[other] for other in sharing)
    return found


def topological(graph: list[Vertex]) -> list[Vertex]:
    """Inputs before users; vertices that the planner added stand behind their users in `graph`."""
    order: list[Vertex] = []
    state: dict[int, bool] = {}
    for start in graph:
        stack = [start]
        while stack:
            v = stack[-1]
            if v.slot in state:
                stack.pop()
                if not state[v.slot]:
                    state[v.slot] = True
                    order.append(v)
                continue
            state[v.slot] = False
            stack.extend(p for p in v.parents if p.slot not in state)
    return order
