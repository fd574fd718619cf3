"""The hooks: everything the core asks of a backend, and all that a plugin may see or replace.

This module is the contract; a backend author needs to read nothing else but `graph/program.py`,
which says what a task is. All hooks are called with keyword arguments. The hooks marked
*firstresult* stop at the first plugin that returns something other than None, so a plugin
registered before the backend may answer for one case and return None for the rest. Hook wrappers
(``hookimpl(wrapper=True)``) see each call before and after.

A call costs 1.2 us with one implementation and 2.0 us with a wrapper, once for each kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pluggy

from gpuarray.operations import CustomOperation, Operation

if TYPE_CHECKING:
    from gpuarray.devices import Device
    from gpuarray.graph.node import Buffer
    from gpuarray.graph.program import Operand, Step, Task
    from gpuarray.graph.tape import Tape

__all__ = ["MemoryInfo", "hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("gpuarray")
hookimpl = pluggy.HookimplMarker("gpuarray")


class MemoryInfo(NamedTuple):
    """Memory of a device, in bytes.

    `used` by living buffers, `held` by the backend in all (used and kept for reuse), `limit` the
    most it may hold (None: no limit but the device's), `free` and `total` of the device, and the
    largest `used` so far, `peak`. What a backend cannot know is None.
    """

    used: int
    held: int
    limit: int | None
    free: int | None
    total: int | None
    peak: int


# Life of a device


@hookspec(firstresult=True)
def gpuarray_devices() -> list[str]:  # type: ignore[empty-body]
    """The names of the devices there are, such as ``["cpu"]`` or ``["cuda:0", "cuda:1"]``.

    Raises `gpuarray.errors.BackendUnavailable`, saying why and what to do, where the backend
    cannot start. Asked once, before anything else. The text before the colon must be the
    backend's own; the first device listed is its default.
    """


@hookspec(firstresult=True)
def gpuarray_synchronize(device: Device) -> bool:  # type: ignore[empty-body]
    """Wait until all work on the device is done; then True. Faults of earlier work surface here."""


@hookspec(firstresult=True)
def gpuarray_memory(device: Device) -> MemoryInfo:  # type: ignore[empty-body]
    """The memory of the device."""


@hookspec(firstresult=True)
def gpuarray_describe(device: Device) -> str:  # type: ignore[empty-body]
    """One line about the device for a human: its name, capability, size."""


# Memory. There is no hook to free: a buffer gives its memory back when it is collected.


@hookspec(firstresult=True)
def gpuarray_allocate(device: Device, nbytes: int) -> Buffer:  # type: ignore[empty-body]
    """A buffer of `nbytes` uninitialised bytes, aligned to 16 bytes at least; 0 bytes is allowed.

    Raises `gpuarray.errors.OutOfMemory`.
    """


@hookspec(firstresult=True)
def gpuarray_copy_in(device: Device, array: np.ndarray[Any, Any]) -> Buffer:  # type: ignore[empty-body]
    """A new buffer with the bytes of `array`, which is C-contiguous and may change afterwards."""


@hookspec(firstresult=True)
def gpuarray_copy_out(  # type: ignore[empty-body]
    device: Device, buffer: Buffer, offset: int, array: np.ndarray[Any, Any]
) -> bool:
    """Fill the C-contiguous `array` from byte `offset` of `buffer` on, and wait for it; True."""


@hookspec(firstresult=True)
def gpuarray_copy_from(  # type: ignore[empty-body]
    device: Device, source: Device, buffer: Buffer, offset: int, nbytes: int
) -> Buffer:
    """A new buffer on `device` with bytes of a buffer on `source`, another device.

    None, or no such hook, where the way leads through host memory. Both are devices of the backend
    that is asked. The copy comes after what was done to `buffer`, and before its memory is freed.
    """


# Memory shared with other libraries. A backend without these hooks shares none.


@hookspec(firstresult=True)
def gpuarray_dlpack_device(device: Device) -> tuple[int, int]:  # type: ignore[empty-body]
    """DLPack's type and number of the device: ``(1, 0)`` for host memory, ``(2, k)`` for CUDA."""


@hookspec(firstresult=True)
def gpuarray_stream(device: Device) -> int:  # type: ignore[empty-body]
    """The stream that work of the calling thread is put on, in DLPack's numbers.

    For CUDA these are 1 and 2, the legacy and the per-thread default stream, or a handle. A device
    without streams has no such hook, or returns None.
    """


@hookspec(firstresult=True)
def gpuarray_mark(device: Device) -> object:
    """A moment of the calling thread's stream: when all is done that was put there so far.

    A device without streams has no such hook, or returns None.
    """


@hookspec(firstresult=True)
def gpuarray_elapsed(device: Device, start: object, end: object) -> float:  # type: ignore[empty-body]
    """Seconds of the device between two moments of `gpuarray_mark`, which are waited for."""


@hookspec(firstresult=True)
def gpuarray_wrap(device: Device, pointer: int, nbytes: int, owner: object) -> Buffer:  # type: ignore[empty-body]
    """A buffer of memory that is another library's, at least one byte of it.

    The buffer is not `exclusive`. It keeps `owner` in an attribute of that name and lets go of it
    when it is collected, by which time (in the order of the streams) nothing reads the memory. The
    other library may go on writing: what reads the buffer comes after everything enqueued on the
    device before, and what is enqueued on the default stream afterwards comes after the reading.
    None where the address is not the device's memory.
    """


@hookspec(firstresult=True)
def gpuarray_lend(device: Device, buffer: Buffer, stream: int | None) -> int:  # type: ignore[empty-body]
    """The address of a buffer, for another library to read and write from now on.

    Work enqueued on `stream` (as numbered by `gpuarray_stream`) from now on comes after what has
    been done to the buffer; -1 asks for no order, None is what a device without streams gets. The
    core marks the buffer as not `exclusive`, and as exclusive again when the other library is
    done with it: in between, it is read as one that `gpuarray_wrap` gave.
    """


# Work


@hookspec(firstresult=True)
def gpuarray_run(task: Task) -> list[Buffer]:  # type: ignore[empty-body]
    """Run a task; the buffers of its outputs, in the order of ``task.step.outputs``.

    An output with ``task.bases[i]`` set is written in place, and that buffer returned. The work
    may be asynchronous, in the order of the calls. Equal inputs give equal bits. After an
    exception nothing may have been written in place that running the task again would not write.
    """


@hookspec(firstresult=True)
def gpuarray_launch(  # type: ignore[empty-body]
    device: Device,
    name: str,
    grid: tuple[int, ...],
    block: tuple[int, ...],
    launch: Callable[[], None],
) -> bool:
    """Launch a kernel of a user's own (`gpuarray.cuda`): call `launch`, and answer True.

    `grid` and `block` are () where the user does not choose them. The kernel's arguments are
    checked and ordered. A plugin may watch, or decide not to call `launch`.
    """


@hookspec(firstresult=True)
def gpuarray_check_custom(device: Device, operation: CustomOperation) -> bool:  # type: ignore[empty-body]
    """Whether the backend computes operations that a user has written, by their C++ definition.

    Asked before such an operation is first recorded. Raises `gpuarray.errors.DeviceError` if the
    definition does not compile, with what the compiler said. A backend that computes them by their
    NumPy function has no such hook.
    """


@hookspec(firstresult=True)
def gpuarray_capture(  # type: ignore[empty-body]
    device: Device, tape: Tape, inputs: list[tuple[Buffer, int]]
) -> Callable[[Sequence[tuple[Buffer, int]]], list[tuple[Buffer, int]]]:
    """A function that replays a tape of `gpuarray.compile` in less time than task by task.

    Asked at the first replay of a tape whose actions are all on `device`, and several, or one task
    (``tape.only``); nobody but the backend answers or watches their hooks. The flush lock is held,
    and also at each call of the function. `inputs` are what the tape will be replayed with first.
    The function gets others, which lie alike: ``tape.extents[k]`` says which bytes, from the given
    one on, belong to input k, and the first byte is aligned alike up to 16 bytes. It gives what
    ``tape.replay(inputs)`` gives, in the order of earlier work: memory that nothing writes to
    afterwards, so that what a call gave is whole after any later one. Nothing may be kept of the
    inputs, nor written to them or to ``tape.constants``; the function keeps these alive, and gives
    memory of its own back when it is collected. None leaves the tape to be replayed task by task,
    and so does a missing hook.

    Raises `gpuarray.errors.OutOfMemory`, after which the next call asks again.
    """


@hookspec(firstresult=True)
def gpuarray_nonzero(  # type: ignore[empty-body]
    device: Device, buffer: Buffer, offset: int, size: int
) -> tuple[Buffer, int]:
    """Where a mask holds: a buffer of ascending int64 positions, and how many there are.

    The mask is `size` contiguous booleans from byte `offset` of `buffer` on. The number has to be
    known to the host, so this waits.
    """


@hookspec(firstresult=True)
def gpuarray_compact(task: Task, x: Operand | None) -> Operand:  # type: ignore[empty-body]
    """The elements of `x` for which a mask holds that is not in memory; 1-d, in order.

    `task` would compute the mask: its only output are bools of the shape of `x`, row-major, and is
    not to be stored. Without `x`, the result is where the mask holds: the int64 positions in its
    flattened form, ascending. The number has to be known to the host, so this waits. Asked only
    where no plugin replaces or watches `gpuarray_run`. None, or no such hook, has the task run,
    and `gpuarray_select` or `gpuarray_nonzero` asked afterwards.
    """


@hookspec(firstresult=True)
def gpuarray_source(step: Step, device: Device) -> str:  # type: ignore[empty-body]
    """The source that a step is compiled from, for `gpuarray.explain`; "" where there is none."""


# Operations


@hookspec
def gpuarray_operations(table: dict[str, Operation]) -> list[Operation]:  # type: ignore[empty-body]
    """Rows to add to the operation table of the backend, or to put in the place of others.

    Asked of every plugin when the backend opens, and when a plugin is registered afterwards. A row
    replaces the one of its name: wherever the core records that operation, this backend
    computes the new row, fused like any other.
    """
