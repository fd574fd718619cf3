"""Compiling a function: recorded once for each kind of arguments, replayed afterwards.

In: a Python function of arrays. Out: a `Compiled` one with the same results. A first call runs the
function and writes a `Tape` of what reaches the backend; later calls run the tape, and neither the
function nor anything of the graph. A tape of several actions may be captured by the backend.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import get_ident
from types import MethodType
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

from gpuarray.array import Array
from gpuarray.containers import Template, describe_argument, name_of, unpack
from gpuarray.devices import Device, chosen
from gpuarray.evaluation import evaluate
from gpuarray.graph import flush, limits, tape
from gpuarray.graph.node import Layout, Node, leaf
from gpuarray.graph.tape import Memory, Run, Tape, extent

__all__ = ["Compiled", "Recording", "compile", "finished_recording"]

P = ParamSpec("P")
R = TypeVar("R")


def compile(function: Callable[P, R], /) -> Compiled[P, R]:
    """A function that does what `function` does, without its cost on the host.

    The first call runs `function` and records what it asks the device to do. Later calls with
    arguments of the same structure, shapes and dtypes replay that, from the second on as a CUDA
    graph where there are several kernels. Others are recorded anew. Results are the same, bit for
    bit.

    Parameters
    ----------
    function : callable
        Takes arrays and plain values (numbers, strings, None, dtypes, functions, modules), also in
        tuples, lists and dicts, and returns the same. Plain values are part of what a recording is
        made for: each other value is recorded anew. May be updating its arguments; then the
        compiled function updates them, too.

    Returns
    -------
    Compiled
        To be called like `function`; its method `clear()` forgets all recordings. Usable as a
        decorator.

    Raises
    ------
    TypeError
        At a call: an argument or a result is none of these, or the function needs the value of an
        array (an ``if``, ``float()``, a mask as an index, a solver that waits for failures): a
        replay would not come to the same for other values.

    Notes
    -----
    While it is replayed, Python code of the function does not run. Arrays and variables that it
    takes from outside have the values that they had when it was recorded; what it prints or
    assigns outside happens at recording alone. All work has to be done in the calling thread.

    A recording that is captured keeps memory for copies of its inputs and for intermediates, at
    most `GPUARRAY_MAX_CAPTURED_BYTES`; one that needs more is replayed kernel by kernel. Results
    are always in memory of their own.

    Examples
    --------
    >>> import gpuarray as xp
    >>> @xp.compile
    ... def step(x, rate):
    ...     return x - rate * (x * x - 2.0)
    >>> x = xp.asarray([1.0, 2.0])
    >>> for _ in range(20):
    ...     x = step(x, 0.25)
    >>> [round(float(element), 6) for element in x]
    [1.414214, 1.414214]
    """
    if not callable(function):
        raise TypeError(f"compile: needs a function, got {type(function).__name__}")
    return Compiled(function)


class _Result(NamedTuple):
    """Where an array of the result comes from: an argument, or the memory of a tape's result."""

    argument: int
    memory: int
    device: Device
    layout: Layout


class Recording:
    """A tape, and how to make the results of a call from its results.

    `updates` are the arguments that the function gives another value. `run` replays; it is chosen
    at the first replay, so that what is called once is never captured.
    """

    __slots__ = ("generation", "results", "run", "tape", "template", "updates")

    def __init__(
        self,
        written: Tape,
        template: Template,
        results: list[_Result],
        updates: list[tuple[int, _Result]],
    ) -> None:
        self.tape = written
        self.template = template
        self.results = results
        self.updates = updates
        self.generation = tape.generation
        self.run: Callable[[Sequence[Memory]], list[Memory]] | None = None

    def replay(self, arrays: Sequence[Array], inputs: list[Memory]) -> Any:
        """The result of a call with these arguments; `inputs` are their memory."""
        with flush.lock:
            run = self.run
            if run is None:
                run = self.run = _fastest(self.tape, inputs)
            memory = run(inputs)
        found = []
        for argument, position, device, layout in self.results:
            if argument >= 0:
                found.append(arrays[argument])
                continue
            place = memory[position]
            array = Array.__new__(Array)
            array._node = leaf(device, place[0], place[1], layout)
            found.append(array)
        for argument, x in self.updates:
            arrays[argument]._node = leaf(x.device, *memory[x.memory], x.layout)
        return found[0] if self.template.is_array else self.template.fill(found)


class _Call:
    """A call whose arguments were arrays in memory, no two of them in one buffer."""

    __slots__ = ("_chosen", "_devices", "_layouts", "recording")

    def __init__(self, recording: Recording, default: object, nodes: list[Node]) -> None:
        self.recording = recording
        self._chosen = default
        self._layouts = tuple(node.layout for node in nodes)
        self._devices = tuple(node.device for node in nodes)

    def inputs_of(self, args: Sequence[Any]) -> list[Memory] | None:
        """The memory of the arguments of a call like this one; None if it is not, at a glance."""
        layouts = self._layouts
        if (
            len(args) != len(layouts)
            or self.recording.generation is not tape.generation
            or self._chosen is not chosen.get()
        ):
            return None
        inputs: list[Any] = []
        for k, x in enumerate(args):
            if type(x) is not Array:
                return None
            node = x._node
            if (
                node.op is not None
                or node.layout is not layouts[k]
                or node.device is not self._devices[k]
            ):
                return None
            for buffer, _ in inputs:
                if buffer is node.buffer:
                    return None
            inputs.append((node.buffer, node.offset))
        return inputs


class Compiled(Generic[P, R]):
    """A function made by `compile`; ``__wrapped__`` is the original."""

    __wrapped__: Callable[P, R]

    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._recordings: OrderedDict[tuple[Any, ...], Recording] = OrderedDict()
        # The call before this one, where it took nothing but arrays: what a new one is held
        # against before anything is looked up.
        self._last: _Call | None = None

    def __call__(self, *args: P.args, **keywords: P.kwargs) -> R:
        if tape.recordings and get_ident() in tape.recordings:
            # Within another compiled function: part of its recording.
            return self._function(*args, **keywords)
        last = self._last
        if last is not None and not keywords:
            given: Sequence[Any] = args
            again = last.inputs_of(given)
            if again is not None:
                repeated: R = last.recording.replay(given, again)
                return repeated
        # On the way of every call, so written out where it is short.
        arrays: list[Array] = []
        key: list[Any] = [chosen.get()]
        for position, x in enumerate(args):
            if type(x) is Array:
                arrays.append(x)
                key.append(Array)
            else:
                describe_argument(self._function, position, x, key, arrays)
        if keywords:
            for name, x in keywords.items():
                key.append(name)
                describe_argument(self._function, name, x, key, arrays)
        nodes: list[Node] = []
        inputs: list[Any] = []
        for x in arrays:
            node = x._node
            if node.op is not None:
                evaluate(*arrays)
                node = x._node
            nodes.append(node)
            inputs.append((node.buffer, node.offset))
            key += (node.layout, node.device)
        if len(nodes) > 1 and len({id(node.buffer) for node in nodes}) != len(nodes):
            inputs = _shared(arrays, nodes, key)
        found = self._recordings.get(tuple(key))
        if found is None or found.generation is not tape.generation:
            return self._record(tuple(key), args, keywords, arrays, nodes, inputs)
        if len(arrays) == len(args) and not keywords and len(inputs) == len(nodes):
            self._last = _Call(found, chosen.get(), nodes)
        result: R = found.replay(arrays, inputs)
        return result

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<compiled {name_of(self._function)}, {len(self._recordings)} recordings>"

    def clear(self) -> None:
        """Forget all recordings, and give back the memory that they hold."""
        self._last = None
        self._recordings.clear()

    def _record(
        self,
        key: tuple[Any, ...],
        args: Any,
        keywords: Any,
        arrays: list[Array],
        nodes: list[Node],
        inputs: list[Memory],
    ) -> R:
        written = Tape(inputs, _extents(nodes), name_of(self._function))
        thread = get_ident()
        tape.recordings[thread] = written
        try:
            result = self._function(*args, **keywords)
            template, found = unpack(self._function, result)
            recording = finished_recording(written, template, found, arrays, nodes)
        finally:
            del tape.recordings[thread]
        kept = self._recordings
        self._last = None
        while len(kept) >= max(limits.RECORDINGS, 1):
            kept.popitem(last=False)
        kept[key] = recording
        return result


def finished_recording(
    written: Tape,
    template: Template,
    found: list[Array],
    arrays: list[Array],
    nodes: list[Node],
) -> Recording:
    """What was written while the function ran: `found` are its results, `arrays` its arguments.

    `nodes` are what the arguments were before; those that have become others are results, too. The
    tape is still being written.
    """
    updated = {
        id(x): k
        for k, (x, node) in enumerate(zip(arrays, nodes, strict=True))
        if x._node is not node
    }
    wanted = [*found, *(arrays[k] for k in updated.values())]
    evaluate(*wanted)
    leaves: list[Any] = [x._node for x in wanted]
    written.finish((node.buffer, node.offset, node.layout) for node in leaves)
    positions = {id(x): k for k, x in enumerate(arrays)}
    results = [
        _Result(positions.get(id(x), -1), k, x._node.device, x._node.layout)
        for k, x in enumerate(wanted)
    ]
    updates = list(zip(updated.values(), results[len(found) :], strict=True))
    return Recording(written, template, results[: len(found)], updates)


def _shared(arrays: list[Array], nodes: list[Node], key: list[Any]) -> list[Any]:
    """The different buffers of arguments that share some, with how they do in `key`."""
    slots: dict[int, int] = {}
    inputs: list[Any] = []
    for k, node in enumerate(nodes):
        slot = slots.setdefault(id(node.buffer), len(inputs))
        if slot == len(inputs):
            inputs.append((node.buffer, node.offset))
        same = next(j for j, x in enumerate(arrays) if x is arrays[k])
        key.append((slot, node.offset - inputs[slot][1], same))
    return inputs


def _extents(nodes: list[Node]) -> list[tuple[int, int]]:
    """For each different buffer, the bytes that its arrays span, from the first one's place on."""
    spans: dict[int, tuple[int, int, int]] = {}
    for node in nodes:
        low, high = extent(node.layout)
        origin, least, most = spans.get(id(node.buffer), (node.offset, low, high))
        shift = node.offset - origin
        spans[id(node.buffer)] = origin, min(least, low + shift), max(most, high + shift)
    return [(low, high) for _, low, high in spans.values()]


def _fastest(written: Tape, inputs: list[Memory]) -> Callable[[Sequence[Memory]], list[Memory]]:
    """How a tape is replayed: captured, where that helps and nobody wants to see its tasks."""
    devices = written.devices
    if len(devices) == 1:
        (device,) = devices
        if _is_worth_capturing(written) and _is_plain(written, device):
            found = device.hook.gpuarray_capture(device=device, tape=written, inputs=inputs)
            if found is not None:
                captured: Callable[[Sequence[Memory]], list[Memory]] = found
                return captured
    return written.replay


def _is_worth_capturing(written: Tape) -> bool:
    """Whether a captured tape takes less of the host's time, and not too much memory.

    A task takes some 6 us one by one, a captured tape as much in all, and 3 us for each input and
    result that is copied. One task alone needs no copies, and no memory.
    """
    if written.only is not None:
        return True
    copies = written.inputs + len(written.results)
    nbytes = written.nbytes + sum(high - low for low, high in written.extents)
    return 2 * len(written.actions) > 2 + copies and nbytes <= limits.CAPTURED_BYTES


def _is_plain(written: Tape, device: Device) -> bool:
    """Whether a backend alone answers the hooks of a tape: a plugin shall see each task."""
    names = {"run" if isinstance(x, Run) else x.name for x in written.actions}
    manager = device.backend.manager
    return all(manager.is_plain(f"gpuarray_{name}") for name in names)
