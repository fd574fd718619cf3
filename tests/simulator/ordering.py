"""Vector clocks: which work on which stream is known to be done before which.

Everything in the simulator happens at once and in the order of the calls, so a missing wait can't
show in the values.  It shows here: each use of memory is compared with the last uses before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# A device's ordinal and a stream's handle: events may cross devices.
Stream = tuple[int, int]
Clock = dict[Stream, int]


@dataclass(frozen=True, slots=True)
class Moment:
    """One piece of work: the `tick`-th on its stream, and what it was."""

    stream: Stream
    tick: int
    what: str


@dataclass(frozen=True, slots=True)
class Event:
    """What was known to be done when the event was recorded."""

    clock: Clock


@dataclass(frozen=True, slots=True)
class TimedEvent(Event):
    """An event, and when it was recorded: everything happens at once."""

    seconds: float


@dataclass(slots=True)
class Usage:
    """Who wrote an allocation last, and which streams have read it since."""

    written: Moment | None = None
    read: dict[Stream, Moment] = field(default_factory=dict)


def _merge(clock: Clock, other: Clock) -> None:
    # A copy, since a finalizer may interrupt this and change a clock.
    for stream, tick in other.copy().items():
        if tick > clock.get(stream, 0):
            clock[stream] = tick


def _name(stream: Stream) -> str:
    return f"stream {stream[1]} of device {stream[0]}"


class Streams:
    """The clocks of all streams and of the host."""

    def __init__(self) -> None:
        self._clocks: dict[Stream, Clock] = {}
        self._host: Clock = {}

    def enqueue(self, stream: Stream, what: str) -> Moment:
        """Add a piece of work to a stream, after all that the host has waited for."""
        clock = self._clock(stream)
        _merge(clock, self._host)
        clock[stream] = clock.get(stream, 0) + 1
        return Moment(stream, clock[stream], what)

    def record(self, ordinal: int, stream: int | None) -> Event:
        """An event of what is on a stream, or on every stream, of a device."""
        clock: Clock = {}
        for found, own in self._clocks.items():
            if found[0] == ordinal and stream in (None, found[1]):
                _merge(clock, own)
        return Event(clock)

    def wait(self, stream: Stream, event: Event) -> None:
        _merge(self._clock(stream), event.clock)

    def synchronize(self, stream: Stream) -> None:
        """The host has waited for a stream."""
        _merge(self._host, self._clock(stream))

    def reach(self, event: Event) -> None:
        """The host has waited for an event."""
        _merge(self._host, event.clock)

    def synchronize_device(self, ordinal: int) -> None:
        """The host has waited for every stream of a device."""
        for stream, clock in self._clocks.items():
            if stream[0] == ordinal:
                _merge(self._host, clock)

    def reads(self, usage: Usage, moment: Moment) -> str | None:
        """Note that `moment` reads; what is wrong with that, or None."""
        before = usage.written
        usage.read[moment.stream] = moment
        if before is None or self._is_after(moment, before):
            return None
        return (
            f"{_name(moment.stream)} uses memory that {_name(before.stream)} wrote "
            f"({before.what}), without waiting for it"
        )

    def writes(self, usage: Usage, moment: Moment) -> str | None:
        """Note that `moment` writes; what is wrong with that, or None."""
        problem = self.reads(usage, moment)
        for before in usage.read.values():
            if problem is None and not self._is_after(moment, before):
                problem = (
                    f"{_name(moment.stream)} writes memory that {_name(before.stream)} uses "
                    f"({before.what}), without waiting for it"
                )
        usage.written = moment
        usage.read = {}
        return problem

    def _clock(self, stream: Stream) -> Clock:
        return self._clocks.setdefault(stream, {})

    def _is_after(self, moment: Moment, before: Moment) -> bool:
        return self._clock(moment.stream).get(before.stream, 0) >= before.tick
