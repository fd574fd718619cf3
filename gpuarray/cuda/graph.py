"""Graphs: array code that is recorded once, in a block, and run again with other values.

In: arrays, and a block that computes others of them. Out: a `Graph`, which does the work of the
block again, on CUDA as one CUDA graph. It is what `gpuarray.compile` makes of a function, for code
that stands where it is.
"""

from __future__ import annotations

import threading
from typing import Any

from gpuarray.array import Array
from gpuarray.compilation import Recording, finished_recording
from gpuarray.containers import unpack
from gpuarray.evaluation import evaluate
from gpuarray.graph import tape
from gpuarray.graph.node import Node, contiguous_layout
from gpuarray.graph.tape import Tape, extent
from gpuarray.manipulation import reshape
from gpuarray.operations import TABLE
from gpuarray.recording import unary

__all__ = ["Graph"]


class Graph:
    """A block of array code that can be run again.

    The block runs once, and what it asks the device to do is kept. `replay` does that again with
    the values that the inputs have then.

    Parameters
    ----------
    *inputs : Array
        What may have other values at a replay. All other arrays from outside of the block keep
        those that they had when it ran.
    name : str, optional
        For messages.

    Raises
    ------
    TypeError
        An input is no array. In the block: something needs the value of an array, such as an
        ``if``, or a kernel of one's own is launched.

    Notes
    -----
    Python does not run again: what the block decides, prints or counts is decided once. All work
    has to be done in the thread that entered the block. An input that the block updates in place is
    updated by each replay, so that an iteration goes on from where it was.

    Examples
    --------
    >>> import gpuarray as xp
    >>> from gpuarray.cuda import Graph
    >>> x = xp.asarray([1.0, 2.0])
    >>> with Graph(x) as graph:
    ...     y = xp.sum(x * x)
    ...     graph.outputs(y)
    >>> float(y)
    5.0
    >>> x[...] = xp.asarray([3.0, 4.0])
    >>> graph.replay()
    >>> float(y)
    25.0
    """

    def __init__(self, *inputs: Array, name: str = "graph") -> None:
        self.name = name
        self._inputs = inputs
        self._check(inputs)
        self._outputs: tuple[Array, ...] = ()
        self._recording: Recording | None = None
        self._tape: Tape | None = None
        self._thread = 0
        self._nodes: list[Node] = []

    def __repr__(self) -> str:
        state = "recording" if self._tape else "recorded" if self._recording else "empty"
        return f"<gpuarray.cuda.Graph {self.name}, {state}>"

    def __enter__(self) -> Graph:
        thread = threading.get_ident()
        if thread in tape.recordings:
            raise RuntimeError(
                f"{self.name}: a graph can't be recorded within another, or within a function of "
                "gpuarray.compile"
            )
        self._recording, self._outputs = None, ()
        for x in self._inputs:
            memory = _own_memory(x, self._inputs)
            x._node = memory._node
        self._nodes = [x._node for x in self._inputs]
        extents = [extent(layout) for layout in self._layouts]
        self._tape = Tape([(n.buffer, n.offset) for n in self._nodes], extents, self.name)  # type: ignore[misc]
        self._thread = thread
        tape.recordings[thread] = self._tape
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        written, self._tape = self._tape, None
        assert written is not None
        try:
            if kind is None:
                template, found = unpack(_results, list(self._outputs))
                self._recording = finished_recording(
                    written, template, found, list(self._inputs), self._nodes
                )
        finally:
            del tape.recordings[self._thread]
            self._nodes = []

    def outputs(self, *arrays: Array) -> None:
        """Say, in the block, which arrays get other values at each replay; may be called again.

        Raises
        ------
        TypeError
            One is no array.
        RuntimeError
            It is called outside of the block.
        """
        if self._tape is None:
            raise RuntimeError(f"{self.name}: outputs() belongs into the block of the graph")
        self._check(arrays, "outputs")
        self._outputs += arrays

    def replay(self, *inputs: Array) -> None:
        """Do the work of the block again; not waited for.

        Afterwards the outputs have new values. Arrays that were made of the old ones keep these.

        Parameters
        ----------
        *inputs : Array
            Other arrays in the place of the inputs, of the same shapes and dtypes; none: the inputs
            of the graph.

        Raises
        ------
        RuntimeError
            Nothing has been recorded, the block ended with an error, or a plugin was registered
            since.
        TypeError, ValueError
            The arrays do not match the inputs.
        """
        recording = self._recording
        if recording is None:
            raise RuntimeError(f"{self.name}: there is nothing to replay; record a block first")
        if recording.generation is not tape.generation:
            raise RuntimeError(
                f"{self.name}: plugins have changed since the block ran; record it again"
            )
        if threading.get_ident() in tape.recordings:
            raise RuntimeError(f"{self.name}: a graph can't be replayed while another is recorded")
        given = self._inputs
        if inputs:
            self._check(inputs)
            given = inputs
            self._match(given)
        evaluate(*given)
        memory: list[Any] = []
        used = []
        for x in given:
            x = _own_memory(x, given)
            used.append(x)
            memory.append((x._node.buffer, x._node.offset))
        made = recording.replay(used, memory)
        for x, other in zip(given, used, strict=True):
            x._node = other._node
        for output, new in zip(self._outputs, made, strict=True):
            output._node = new._node

    @property
    def _layouts(self) -> list[Any]:
        return [contiguous_layout(x.dtype, x.shape) for x in self._inputs]

    def _check(self, arrays: tuple[Any, ...], what: str = "inputs") -> None:
        for k, x in enumerate(arrays):
            if not isinstance(x, Array):
                raise TypeError(
                    f"{self.name}: {what} must be arrays, got {type(x).__name__} as number {k}"
                )
        if what == "inputs" and len({id(x) for x in arrays}) != len(arrays):
            raise ValueError(f"{self.name}: the same array is given as two inputs")

    def _match(self, given: tuple[Array, ...]) -> None:
        if len(given) != len(self._inputs):
            raise TypeError(f"{self.name}: has {len(self._inputs)} inputs, got {len(given)}")
        for k, (x, own) in enumerate(zip(given, self._inputs, strict=True)):
            if (x.dtype, x.shape, x.device) != (own.dtype, own.shape, own.device):
                raise ValueError(
                    f"{self.name}: input {k} must be {own.dtype} of shape {own.shape} on "
                    f"{str(own.device)!r}, got {x.dtype} of shape {x.shape} on {str(x.device)!r}"
                )


def _results() -> None:
    """Stands for the block in messages."""


def _own_memory(x: Array, others: tuple[Array, ...]) -> Array:
    """The array, or a copy of it, in row-major order and in memory that no other input has."""
    evaluate(x)
    node: Any = x._node
    shares = any(
        y is not x and y._node.op is None and y._node.buffer is node.buffer for y in others
    )
    if node.layout is contiguous_layout(x.dtype, x.shape) and not shares:
        return x
    # What is computed lies as its operand does: flat, therefore in row-major order.
    flat = reshape(x, (-1,))
    if x.dtype.kind == "b":
        flat = unary(TABLE["logical_not"], unary(TABLE["logical_not"], flat))
    else:
        flat = unary(TABLE["positive"], flat)
    evaluate(flat)
    copy = reshape(flat, x.shape)
    evaluate(copy)
    return copy
