"""Where the time goes: `timed` measures each task within a block, on the device.

In: a block of a program. Out: `Times`, what ran and for how long. It is a plugin that watches what
passes the hooks, and asks the backend for moments of its streams.
"""

from __future__ import annotations

import itertools
import math
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from gpuarray.plugins import register, unregister
from gpuarray.watching import Watcher

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["TimedTask", "Times", "timed"]

_WIDTH = 60
_numbers = itertools.count()


class TimedTask(NamedTuple):
    """One kernel, or one operation of a library.

    Attributes
    ----------
    name
        The operations in it; the name of a kernel of one's own.
    shape
        The space that a kernel loops over; () for a library's, the grid of a kernel of one's own.
    device
        The name of the device.
    seconds
        Of the device, from the end of what was before on its stream.
    """

    name: str
    shape: tuple[int, ...]
    device: str
    seconds: float


class Times:
    """What ran within a block of `timed`; complete behind it.

    Attributes
    ----------
    tasks
        In the order in which they were started.
    """

    def __init__(self) -> None:
        self.tasks: list[TimedTask] = []

    @property
    def seconds(self) -> float:
        """Of all tasks together."""
        return math.fsum(task.seconds for task in self.tasks)

    def __str__(self) -> str:
        """A line for each name, the longest time first."""
        found: dict[str, list[float]] = {}
        for task in self.tasks:
            found.setdefault(task.name, []).append(task.seconds)
        lines = [f"{'task':<{_WIDTH}}{'calls':>7}{'ms':>10}{'share':>7}"]
        whole = self.seconds or 1.0
        for name, seconds in sorted(found.items(), key=lambda item: -sum(item[1])):
            shown = name if len(name) < _WIDTH else f"{name[: _WIDTH - 4]}..."
            total = math.fsum(seconds)
            share = f"{100 * total / whole:.0f}%"
            lines.append(f"{shown:<{_WIDTH}}{len(seconds):>7}{1e3 * total:>10.3f}{share:>7}")
        return "\n".join(lines)


class _Watch(Watcher):
    """The plugin: notes a moment before and one behind each task."""

    def __init__(self) -> None:
        self.marks: list[tuple[str, tuple[int, ...], Device, Any, Any]] = []

    def begin(self, name: str, shape: tuple[int, ...], device: Device) -> Any:
        return name, shape, device, _moment(device)

    def end(self, token: Any, done: bool) -> None:
        if done:
            *rest, device, start = token
            self.marks.append((*rest, device, start, _moment(device)))


def _moment(device: Device) -> Any:
    """A moment of the calling thread's stream; of the host's clock, where there are no streams."""
    found = device.hook.gpuarray_mark(device=device)
    return perf_counter() if found is None else found


class timed:  # noqa: N801  (used as a function)
    """Context manager: measures each task that starts within the block.

    Use it as ``with gpuarray.timed() as times:``; behind the block, which waits for the device,
    ``print(times)`` shows a table, and ``times.tasks`` has every task. Only what runs within the
    block is measured, so that it may have to end with `gpuarray.evaluate`.

    Notes
    -----
    A task that is watched costs a few microseconds more. Compiled functions are replayed task by
    task, masks are stored, and what stands beside a running sum runs by itself, where these would
    be one piece of work otherwise.

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> with xp.timed() as times:
    ...     y = float(xp.sum(xp.exp(x) * 2.0))
    >>> [task.name for task in times.tasks]
    ['exp multiply sum']
    >>> times.seconds > 0
    True
    """

    def __enter__(self) -> Times:
        self._watch = _Watch()
        self._name = f"timed-{next(_numbers)}"
        self._times = Times()
        register(self._watch, name=self._name)
        return self._times

    def __exit__(self, *error: Any) -> None:
        unregister(self._name)
        for name, shape, device, start, end in self._watch.marks:
            if isinstance(start, float):
                seconds = end - start
            else:
                seconds = device.hook.gpuarray_elapsed(device=device, start=start, end=end)
            self._times.tasks.append(TimedTask(name, shape, str(device), seconds))
