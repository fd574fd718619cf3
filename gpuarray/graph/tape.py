"""Tapes: what a function asked of a backend, written down so that it can be asked for again.

In: the tasks and library calls of one thread, as they run. Out: a `Tape`, whose `replay` does the
same work on other inputs. A tape knows buffers by slots, and no values: what depends on the value
of an array can't be replayed, and is refused while a tape is being written.

Slots are numbered: inputs first, then constants (memory that was there before, or that came from
the host), then what the actions make. A place is a slot and bytes from its beginning.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from threading import get_ident
from typing import TYPE_CHECKING, Any, NamedTuple

from gpuarray.graph.program import Operand, Step, Task

if TYPE_CHECKING:
    from gpuarray.devices import Device
    from gpuarray.graph.node import Buffer, Layout, Node

__all__ = [
    "Call",
    "Memory",
    "OnlyRun",
    "Place",
    "Run",
    "Tape",
    "call_hook",
    "extent",
    "forget_tapes",
    "keep_constant",
    "needs_value",
    "owned_bases",
    "recordings",
    "run_of",
]

Place = tuple[int, int]
Memory = tuple["Buffer", int]

recordings: dict[int, Tape] = {}
"""The tapes that are being written, by thread."""

generation: object = object()
"""Another one each time that tapes written so far are out of date."""


class Run(NamedTuple):
    """A task: `bases` are None where every output is new memory."""

    device: Device
    step: Step
    inputs: tuple[Place, ...]
    scalars: tuple[Any, ...]
    bases: tuple[Place | None, ...] | None
    outputs: tuple[int, ...]


class Call(NamedTuple):
    """A call of the library hook ``gpuarray_<name>``."""

    device: Device
    name: str
    operands: Mapping[str, tuple[int, int, Layout]]
    parameters: Mapping[str, Any]
    outputs: tuple[int, ...]


def forget_tapes() -> None:
    """Replay no tape that was written before now: plugins or the operation table have changed."""
    global generation
    generation = object()


def needs_value(what: str) -> None:
    """Raise `TypeError` if the calling thread is writing a tape: `what` would not be replayed."""
    tape = recordings.get(get_ident()) if recordings else None
    if tape is not None:
        tape.refuse(
            f"{what} needs the values of an array while the function is recorded, and a replay "
            "could not follow other values; use where() instead of a decision, or leave this part "
            "outside of the compiled function"
        )


def run_of(device: Device) -> Any:
    """What runs a task on `device` for the calling thread: the device, by way of its tape."""
    tape = recordings.get(get_ident())
    return device.run if tape is None else tape.run


def call_hook(
    name: str, device: Device, operands: Mapping[str, Operand], parameters: Mapping[str, Any]
) -> Any:
    """Call a library hook, and write it down if the calling thread is writing a tape."""
    tape = recordings.get(get_ident())
    if tape is not None:
        return tape.call(name, device, operands, parameters)
    return device.library[name](device=device, **operands, **parameters)


def keep_constant(buffer: Buffer) -> None:
    """Tell the tape of the calling thread of memory that was filled from the host."""
    tape = recordings.get(get_ident())
    if tape is not None:
        tape.place(buffer, 0)


def owned_bases(
    nodes: Sequence[Node], sole: dict[int, tuple[int, ...]]
) -> dict[int, tuple[int, ...]]:
    """Those leaves of `sole` that may be overwritten when the tape is replayed, too.

    Inputs and constants are there again at the next call.
    """
    tape = recordings.get(get_ident())
    if tape is None:
        return sole
    return {slot: others for slot, others in sole.items() if tape.has_made(nodes[slot].buffer)}


def extent(layout: Layout) -> tuple[int, int]:
    """The first byte of an array and the one past its last, from its first element on."""
    reach = [s * (n - 1) for s, n in zip(layout.strides, layout.shape, strict=True)]
    size = layout.dtype.itemsize
    if layout.nbytes == 0:
        return 0, 0
    return sum(r for r in reach if r < 0) * size, (sum(r for r in reach if r > 0) + 1) * size


class Tape:
    """The work of one call of a function.

    Parameters
    ----------
    inputs
        Different buffers, each with the byte that places in it are counted from.
    extents
        The first byte of each input that belongs to it, and the one past its last, counted alike.
    name
        The function, for messages.

    Attributes
    ----------
    actions
        Runs and calls, in order; complete after `finish`, like all that follows.
    releases
        For each action, the slots that no later one needs, nor the caller.
    constants
        The buffers of the slots that follow those of the inputs.
    results
        Slot, byte and layout of each result.
    devices
        Where the actions run.
    nbytes
        The most memory that is needed at a time for what the actions make.
    only
        The one task, if it makes all results and needs no more than the inputs; else None.
    """

    def __init__(
        self, inputs: Sequence[Memory], extents: Sequence[tuple[int, int]], name: str
    ) -> None:
        self.name = name
        self.extents = tuple(extents)
        self.inputs = len(inputs)
        self.actions: list[Run | Call] = []
        self.releases: list[tuple[int, ...]] = []
        self.constants: list[Buffer] = []
        self.results: list[tuple[int, int, Layout]] = []
        self.nbytes = 0
        self._refusal = ""
        self.only: OnlyRun | None = None
        self._origins = [offset for _, offset in inputs]
        # Buffers that live, by id. One that is gone must not be taken for a new one at its address.
        self._slots: dict[int, tuple[weakref.ref[Buffer], int]] = {}
        self._sizes: list[int] = []
        self._constant_slots: list[int] = []
        for buffer, _ in inputs:
            self._new_slot(buffer)
        self._made: list[None] = []

    @property
    def devices(self) -> set[Device]:
        return {action.device for action in self.actions}

    # Writing

    def run(self, task: Task) -> list[Buffer]:
        """Run a task and write it down."""
        step = task.step
        inputs = tuple(self.place(*x) for x in task.inputs)
        bases = None
        if task.bases is not step.no_bases:
            bases = tuple(None if b is None else self.place(*b) for b in task.bases)
        buffers: list[Buffer] = task.device.run(task=task)
        outputs = tuple(self._slot_of(b) for b in buffers)
        # Scalars in a tuple are those of a tape, the same at each replay.
        scalars = tuple(task.scalars)
        self.actions.append(Run(task.device, step, inputs, scalars, bases, outputs))
        return buffers

    def call(
        self,
        name: str,
        device: Device,
        operands: Mapping[str, Operand],
        parameters: Mapping[str, Any],
    ) -> Any:
        """Call a library hook and write it down."""
        places = {k: (*self.place(x.buffer, x.offset), x.layout) for k, x in operands.items()}
        found = device.library[name](device=device, **operands, **parameters)
        if found is not None:
            outputs = tuple(self._slot_of(x.buffer) for x in found)
            self.actions.append(Call(device, name, places, dict(parameters), outputs))
        return found

    def place(self, buffer: Buffer, offset: int) -> Place:
        """Where an operand is; a buffer that is not known yet becomes a constant."""
        slot = self._known(buffer)
        if slot is None:
            if not buffer.exclusive:
                self.refuse(
                    "it reads memory that is shared with another library, which may write to it; "
                    "make that array an argument, or copy it with asarray() before"
                )
            slot = self._new_slot(buffer)
            self.constants.append(buffer)
            self._constant_slots.append(slot)
        return slot, offset - (self._origins[slot] if slot < self.inputs else 0)

    def has_made(self, buffer: Buffer | None) -> bool:
        """Whether an action has made this buffer."""
        slot = None if buffer is None else self._known(buffer)
        return slot is not None and slot >= self.inputs and slot not in self._constant_slots

    def refuse(self, why: str) -> None:
        """Raise `TypeError`, now and, should the function catch it, in `finish` again."""
        self._refusal = self._refusal or f"compile: {self.name}: {why}"
        raise TypeError(self._refusal)

    def finish(self, results: Iterable[tuple[Buffer, int, Layout]]) -> None:
        """End the tape: `results` are what its caller wants of it."""
        if self._refusal:
            raise TypeError(self._refusal)
        wanted = [(*self.place(buffer, offset), layout) for buffer, offset, layout in results]
        used = {slot for slot, *_ in wanted}
        actions = self._needed(used)
        for action in actions:
            used.update(action.outputs, (slot for slot, *_ in _operands(action)))
        known = dict(zip(self._constant_slots, self.constants, strict=True))
        constants = [slot for slot in known if slot in used]
        self.constants = [known[slot] for slot in constants]
        made = [s for s in sorted(used) if s >= self.inputs and s not in known]
        order = {old: new for new, old in enumerate([*range(self.inputs), *constants, *made])}
        self.actions = [_renumbered(action, order) for action in actions]
        self.results = [(order[slot], offset, layout) for slot, offset, layout in wanted]
        self._made = [None] * len(made)
        self._release({order[slot]: self._sizes[slot] for slot in made})
        self._slots.clear()
        if len(self.actions) == 1 and not self.constants:
            (action,) = self.actions
            if type(action) is Run and action.bases is None:
                made_by = {slot: k for k, slot in enumerate(action.outputs)}
                if all(slot in made_by for slot, *_ in self.results):
                    places = tuple((made_by[slot], offset) for slot, offset, _ in self.results)
                    self.only = OnlyRun(action, places, self.inputs)

    def _known(self, buffer: Buffer) -> int | None:
        found = self._slots.get(id(buffer))
        return found[1] if found is not None and found[0]() is buffer else None

    def _new_slot(self, buffer: Buffer) -> int:
        slot = len(self._sizes)
        self._slots[id(buffer)] = weakref.ref(buffer), slot
        self._sizes.append(buffer.nbytes)
        return slot

    def _slot_of(self, buffer: Buffer) -> int:
        """The slot of an output: that of the buffer which was written in place, or a new one."""
        slot = self._known(buffer)
        return self._new_slot(buffer) if slot is None else slot

    def _needed(self, wanted: set[int]) -> list[Run | Call]:
        """The actions that contribute to the wanted slots."""
        needed, found = set(wanted), []
        for action in reversed(self.actions):
            if needed.intersection(action.outputs):
                needed.update(slot for slot, *_ in _operands(action))
                found.append(action)
        return found[::-1]

    def _release(self, sizes: Mapping[int, int]) -> None:
        """Find out when each slot is needed for the last time, and the most memory in between."""
        first = self.inputs + len(self.constants)
        results = {slot for slot, *_ in self.results}
        last: dict[int, int] = {}
        for number, action in enumerate(self.actions):
            for slot in (*action.outputs, *(slot for slot, *_ in _operands(action))):
                if slot >= first and slot not in results:
                    last[slot] = number
        self.releases = [() for _ in self.actions]
        for slot, number in last.items():
            self.releases[number] += (slot,)
        living: set[int] = set()
        for action, releases in zip(self.actions, self.releases, strict=True):
            living.update(slot for slot in action.outputs if slot >= first)
            self.nbytes = max(self.nbytes, sum(sizes[slot] for slot in living))
            living.difference_update(releases)

    # Replaying

    def replay(
        self, inputs: Sequence[Memory], constants: Sequence[Buffer] | None = None
    ) -> list[Memory]:
        """Do the work on other inputs, laid out alike; where the results are.

        The flush lock is held. `constants` stand for those of the tape.
        """
        if self.only is not None:
            return self.only.replay(inputs)
        given = self.constants if constants is None else constants
        memory: list[Any] = [*inputs, *((buffer, 0) for buffer in given), *self._made]
        for action, releases in zip(self.actions, self.releases, strict=True):
            if type(action) is Run:
                step = action.step
                bases: Any = step.no_bases
                if action.bases is not None:
                    bases = [None if b is None else _at(memory, b) for b in action.bases]
                task = Task(
                    step,
                    action.device,
                    [_at(memory, x) for x in action.inputs],
                    action.scalars,
                    bases,
                )
                buffers: Any = action.device.run(task=task)
                del task, bases
            else:
                buffers = [x.buffer for x in _called(action, memory)]
            for slot, buffer in zip(action.outputs, buffers, strict=True):
                memory[slot] = (buffer, 0)
            buffers = buffer = None
            for slot in releases:
                memory[slot] = None
        return [_at(memory, (slot, offset)) for slot, offset, _ in self.results]


class OnlyRun:
    """One task that makes all results: its replay is nearly nothing but the task itself.

    Attributes
    ----------
    run
        The task.
    places
        Which of its outputs each result is in, and at which byte.
    """

    __slots__ = ("_as_given", "_device", "_inputs", "_scalars", "_step", "places", "run")

    def __init__(self, run: Run, places: tuple[Place, ...], inputs: int) -> None:
        self.run = run
        self.places = places
        self._step = run.step
        self._device = run.device
        self._inputs = run.inputs
        self._scalars = run.scalars
        self._as_given = run.inputs == tuple((slot, 0) for slot in range(inputs))

    def replay(self, inputs: Sequence[Memory]) -> list[Memory]:
        given: Any = inputs
        if not self._as_given:
            given = [(inputs[slot][0], inputs[slot][1] + offset) for slot, offset in self._inputs]
        step = self._step
        task = Task(step, self._device, given, self._scalars, step.no_bases)
        buffers = self._device.run(task=task)
        return [(buffers[k], offset) for k, offset in self.places]


def _at(memory: list[Any], place: Place) -> Memory:
    buffer, origin = memory[place[0]]
    return buffer, origin + place[1]


def _called(action: Any, memory: list[Any]) -> list[Operand]:
    hook = action.device.library[action.name]
    operands = {
        k: Operand(*_at(memory, (slot, offset)), layout)
        for k, (slot, offset, layout) in action.operands.items()
    }
    found: list[Operand] = hook(device=action.device, **operands, **action.parameters)
    return found


def _operands(action: Run | Call) -> list[tuple[Any, ...]]:
    """The places that an action reads, and those that it writes in place."""
    if isinstance(action, Call):
        return list(action.operands.values())
    return [*action.inputs, *(b for b in action.bases or () if b is not None)]


def _renumbered(action: Run | Call, order: Mapping[int, int]) -> Run | Call:
    outputs = tuple(order[slot] for slot in action.outputs)
    if isinstance(action, Call):
        operands = {k: (order[x[0]], x[1], x[2]) for k, x in action.operands.items()}
        return action._replace(operands=operands, outputs=outputs)
    bases = action.bases
    if bases is not None:
        bases = tuple(None if b is None else (order[b[0]], b[1]) for b in bases)
    inputs = tuple((order[slot], offset) for slot, offset in action.inputs)
    return action._replace(inputs=inputs, bases=bases, outputs=outputs)
