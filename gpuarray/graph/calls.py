"""Library calls, in a plan and at once: the hook that is called, and NumPy where nobody answers.

In: operands, or the actions of a plan and its table of buffers. Out: results in memory; in a flush,
the nodes that are leaves then.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpuarray.errors import DeviceError, OutOfMemory
from gpuarray.graph.node import contiguous_layout, leaf
from gpuarray.graph.program import Operand, Step, Task
from gpuarray.graph.tape import call_hook, recordings
from gpuarray.operations import TABLE
from gpuarray.operations.library import LIBRARY

if TYPE_CHECKING:
    from gpuarray.devices import Device
    from gpuarray.graph.node import Layout, Node

__all__ = [
    "Call",
    "Folded",
    "Joined",
    "answer",
    "fallbacks",
    "run_call",
    "run_folded",
    "run_joined",
]

fallbacks: Counter[tuple[str, str]] = Counter()
"""How often each (backend, operation) was computed by NumPy for a backend that lacks it."""


class Call:
    """Slot `slot` is what the library hook ``gpuarray_<name>`` makes of its operands.

    Attributes
    ----------
    slot
        Where the result goes, row-major and of `layout`.
    operands
        By the hook's keywords: the slot of each, and how it lies for the hook.
    result
        The result as the hook gives it, which may have an axis of extent 1 more.
    parameters
        The hook's other keywords.
    releases
        Slots that no later action needs.
    """

    __slots__ = ("layout", "name", "operands", "parameters", "releases", "result", "slot")

    def __init__(
        self,
        slot: int,
        name: str,
        operands: tuple[tuple[str, int, Layout], ...],
        result: Layout,
        layout: Layout,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.slot = slot
        self.name = name
        self.operands = operands
        self.parameters = parameters or {}
        self.result = result
        self.layout = layout
        self.releases: tuple[int, ...] = ()


class Folded(NamedTuple):
    """A product and one operation on it, as one call where the backend has it.

    The hook is ``gpuarray_<name>``, with `operands` as those of a `Call`; `scale` is the position
    of its number in the flush's scalars, or -1. The result goes to `slot`. `operation` is the name
    of the operation; `call` and `step` are what to do where nobody answers the hook.
    """

    slot: int
    name: str
    operation: str
    operands: tuple[tuple[str, int, Layout], ...]
    scale: int
    call: Call
    step: Step


class Joined(NamedTuple):
    """A scan, the kernel that computes what it scans, and the one that goes on with its result.

    The hook ``gpuarray_scan_joined`` does all of it, where a backend has it. `before` and `after`
    are steps that may be None; `position` is that of the scan among the inputs of `after`.
    """

    before: Step | None
    call: Call
    after: Step | None
    position: int


def answer(
    name: str, device: Device, operands: Mapping[str, Operand], parameters: Mapping[str, Any]
) -> list[Operand]:
    """The results of the library hook ``gpuarray_<name>``, or of NumPy where nobody answers it."""
    if recordings:
        found = call_hook(name, device, operands, parameters)
    else:
        found = device.library[name](device=device, **operands, **parameters)
    if found is None:
        return _by_numpy(name, device, operands, parameters)
    return found  # type: ignore[no-any-return]


def run_call(call: Call, device: Device, places: list[Any], targets: dict[int, Node]) -> None:
    """Run a library operation of a plan."""
    operands = _operands(call.operands, places)
    try:
        (found,) = answer(call.name, device, operands, call.parameters)
    except (OutOfMemory, DeviceError) as error:
        _explain_call(error, call, operands, targets.get(call.slot))
        raise
    _called(call, found, call.slot, places, targets, call.releases)


def run_folded(
    action: Folded, device: Device, places: list[Any], targets: dict[int, Node], scalars: list[Any]
) -> bool:
    """Run a product and an operation as one library operation; False if the backend has none."""
    if device.backend.operations[action.operation] is not TABLE[action.operation]:
        return False  # a plugin's own, which a library does not know
    parameters = {}
    if action.scale >= 0:
        scale = scalars[action.scale]
        # To a library 0 is no factor: infinities and NaN would vanish.
        if type(scale) is not float or scale == 0 or not math.isfinite(scale):
            return False
        parameters["scale"] = scale
    operands = _operands(action.operands, places)
    try:
        if recordings:
            found = call_hook(action.name, device, operands, parameters)
        else:
            found = device.library[action.name](device=device, **operands, **parameters)
    except (OutOfMemory, DeviceError) as error:
        _explain_call(error, action.call, operands, targets.get(action.slot))
        raise
    if found is None:
        return False
    releases = (*action.call.releases, *action.step.releases)
    _called(action.call, found[0], action.slot, places, targets, releases)
    return True


def run_joined(
    action: Joined, device: Device, places: list[Any], targets: dict[int, Node], scalars: list[Any]
) -> bool:
    """Run a scan with what is before and after it; False if the backend does not.

    Nor is it done where a plugin replaces or watches one of them, or a tape is written, which holds
    tasks and calls.
    """
    manager = device.backend.manager
    if recordings or not (manager.is_plain("gpuarray_run") and manager.is_plain("gpuarray_scan")):
        return False
    before, call, after, position = action

    def task(step: Step | None) -> Task | None:
        if step is None:
            return None
        inputs = [places[slot] for slot in step.inputs]
        return Task(step, device, inputs, [scalars[k] for k in step.scalars], step.no_bases)

    operands = {} if before else _operands(call.operands, places)
    try:
        found = device.library["scan_joined"](
            device=device,
            x=operands.get("x"),
            kind=call.parameters["kind"],
            layout=call.layout,
            before=task(before),
            after=task(after),
            position=position,
        )
    except (OutOfMemory, DeviceError) as error:
        steps = [step for step in (before, after) if step]
        names = " -> ".join(
            (*(before.names if before else ()), "scan", *(after.names if after else ()))
        )
        error.args = (f"{error}\n  while computing {names} over {steps[0].shape}", *error.args[1:])
        raise
    if found is None:
        return False
    slot, layout = call.slot, call.layout
    if after is not None:
        (output,) = after.outputs
        slot, layout = output.slot, output.layout
    places[slot] = (found.buffer, found.offset)
    if slot in targets:
        targets[slot].become_leaf(found.buffer, found.offset, layout)
    for step in (before, call, after):
        for released in step.releases if step else ():
            places[released] = None
            targets.pop(released, None)
    return True


def _operands(given: Sequence[tuple[str, int, Layout]], places: list[Any]) -> dict[str, Operand]:
    found = {}
    for key, slot, layout in given:
        buffer, offset = places[slot]
        found[key] = Operand(buffer, offset, layout)
    return found


def _called(
    call: Call,
    found: Operand,
    slot: int,
    places: list[Any],
    targets: dict[int, Node],
    releases: Sequence[int],
) -> None:
    """Put the result of a hook where it belongs."""
    layout, expected = found.layout, call.result
    # Equal layouts are nearly always one object; plans outlive the table of them.
    if layout is not expected and (
        (layout.dtype, layout.shape, layout.strides, layout.alignment)
        != (expected.dtype, expected.shape, expected.strides, expected.alignment)
    ):
        raise DeviceError(
            f"{call.name}: the result of the plugin must be row-major and start at a multiple of "
            f"16 bytes: expected {expected!r}, got {layout!r}"
        )
    places[slot] = (found.buffer, found.offset)
    if slot in targets:
        targets[slot].become_leaf(found.buffer, found.offset, call.layout)
    for released in releases:
        places[released] = None
        targets.pop(released, None)


def _explain_call(
    error: Exception, call: Call, operands: dict[str, Operand], target: Node | None
) -> None:
    """Add to a device's error which library operation ran, on what."""
    shapes = " and ".join(str(x.layout.shape) for x in operands.values())
    where = f"\n  while computing {call.name} of {shapes}"
    line = getattr(target, "line", None)
    if line:
        where += f"\n  recorded at {line}"
    error.args = (f"{error}{where}", *error.args[1:])


def _by_numpy(
    name: str,
    device: Any,
    operands: Mapping[str, Operand],
    parameters: Mapping[str, Any],
) -> list[Operand]:
    # What turns arrays into NumPy's stands above the graph.
    from gpuarray.array import Array
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
    arrays = {k: Array(leaf(device, *x)) for k, x in operands.items()}
    host = {k: to_numpy(x, asked) for k, x in arrays.items()}
    # Not ascontiguousarray, which gives a 0-dimensional array an axis.
    results = [np.asarray(x, order="C") for x in LIBRARY[name](**host, **parameters)]
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
