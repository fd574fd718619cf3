"""What tests attach to a simulated runtime: counters, and failures at a chosen call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gpuarray.errors import DeviceError, OutOfMemory

COPIES = frozenset({"copy_in", "copy_out", "copy"})
KINDS = COPIES | {
    *("allocate", "compile", "create_stream", "fill", "launch", "library"),
    *("begin_capture", "end_capture", "launch_graph"),
    *("record", "synchronize", "trim", "wait"),
}


@dataclass(slots=True)
class Counters:
    """Calls and bytes since the counters were made.

    `compiled` counts sources that a device had not seen before, whether or not they were on disk.
    """

    launches: int = 0
    allocations: int = 0
    frees: int = 0
    copies: int = 0
    compiled: int = 0
    synchronizations: int = 0
    library_calls: int = 0
    graph_launches: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    bytes_between: int = 0
    bytes_filled: int = 0


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch that happened."""

    kernel: str
    grid: int
    block: int
    shared_bytes: int
    stream: int


@dataclass(slots=True)
class Failure:
    """A failure to come: `after` more calls of its kind succeed, then `times` of them fail."""

    kind: str
    after: int
    error: BaseException | type[BaseException]
    times: int
    raised: int = 0

    def matches(self, kind: str) -> bool:
        return self.kind in ("any", kind) or (self.kind == "copy" and kind in COPIES)

    def next_call(self, kind: str) -> None:
        """Raise if the turn has come."""
        if self.after > 0:
            self.after -= 1
        elif self.raised < self.times:
            self.raised += 1
            if isinstance(self.error, BaseException):
                raise self.error
            raise self.error(f"injected failure of {kind}")


class Instruments:
    """The instruments of one runtime."""

    def __init__(self) -> None:
        self.counters = Counters()
        self._counting = [self.counters]
        self._failures: list[Failure] = []

    def call(self, kind: str) -> None:
        """A call of `kind` begins; raises the failure that is due."""
        for failure in self._failures:
            if failure.matches(kind):
                failure.next_call(kind)

    def add(self, **amounts: int) -> None:
        for counters in self._counting:
            for name, amount in amounts.items():
                setattr(counters, name, getattr(counters, name) + amount)

    @contextmanager
    def counting(self) -> Iterator[Counters]:
        """Count within a block, from zero."""
        counters = Counters()
        self._counting.append(counters)
        try:
            yield counters
        finally:
            self._counting = [c for c in self._counting if c is not counters]

    @contextmanager
    def failing(
        self,
        after: int = 0,
        kind: str = "allocate",
        error: BaseException | type[BaseException] | None = None,
        times: int = 1,
    ) -> Iterator[Failure]:
        """Within a block, let a call fail before it does anything.

        Parameters
        ----------
        after : int
            So many calls of this kind succeed first.
        kind : str
            A method's name; "copy" stands for all three copies, "any" for every method but
            `free`, which never raises.
        error : exception or its class, optional
            `OutOfMemory` for "allocate" and `DeviceError` for the rest, unless given.
        times : int
            How many calls fail, one after the other.

        Yields
        ------
        Failure
            Its `raised` says how many calls have failed.
        """
        if kind != "any" and kind not in KINDS:
            raise ValueError(f"kind: 'any' or one of {sorted(KINDS)}, got {kind!r}")
        if error is None:
            error = OutOfMemory if kind == "allocate" else DeviceError
        failure = Failure(kind, after, error, times)
        self._failures.append(failure)
        try:
            yield failure
        finally:
            self._failures = [f for f in self._failures if f is not failure]
