"""Runs workloads in each library, checks them, and times them.

In: workloads, opened libraries, a clock. Out: a record for each pair, by names; what fails is part
of it and never ends the run. Nothing is printed here but the log.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import numpy as np

from benchmarks.agreement import Expected, expected, worst_error
from benchmarks.first_call import COMPILERS, first_calls
from benchmarks.ours import Ours, OursCompiled, has_compile
from benchmarks.peers import PEERS, NotApplicable, Peer, Record
from benchmarks.timing import BATCH_SECONDS, REPEATS, Clock, measure
from benchmarks.workload import Array, Function, Workload

__all__ = ["Runner", "opened"]

# Inputs in rotation have this many bytes together, several times the L2 of an H200 (60 MB).
ROTATED_BYTES = 256 << 20
# The first calls of gpuarray take a second each; those of others up to half a minute.
OUR_FIRST_CALLS = 3


def opened(names: Sequence[str], ours: Ours, clock: Clock) -> list[Peer]:
    """gpuarray and the libraries that can be imported; the others are named in the log."""
    found: list[Peer] = [ours]
    if has_compile():
        found.append(OursCompiled("cuda" if ours.executor else "numpy"))
    for name in names:
        for make in PEERS[name]:
            clock.log(f"importing {name}")
            try:
                found.append(make())
            except Exception as error:
                clock.log(f"{name} is left out: {type(error).__name__}: {error}")
    return found


@dataclass
class Runner:
    """Measures workloads in libraries.

    Attributes
    ----------
    peers
        The libraries; gpuarray first.
    clock
        Nothing new is started when its time is up.
    repeats, batch_seconds
        As `timing.measure` takes them.
    after
        Called after each measurement, for what is cut off should not be lost.
    measured
        Records by the names of workload and library.
    omitted
        What there was no time for, ``workload: library``.
    """

    peers: Sequence[Peer]
    clock: Clock
    repeats: int = REPEATS
    batch_seconds: float = BATCH_SECONDS
    after: Callable[[], object] = lambda: None
    measured: dict[str, dict[str, Record]] = field(default_factory=dict)
    omitted: list[str] = field(default_factory=list)
    _expected: dict[str, Expected] = field(default_factory=dict)

    def run(self, workloads: Sequence[Workload], late: bool) -> None:
        """Measure each workload in the libraries that are late, or in those that are not."""

        # What the host bounds comes first: while few libraries have started threads of their own.
        def turn(workload: Workload) -> tuple[bool, bool, bool]:
            return late and workload.long, workload.group == "more", workload.bound != "host"

        for workload in sorted(workloads, key=turn):
            peers = [peer for peer in self.peers if peer.late == late]
            # A compiler that takes seconds for each workload is there for those with targets.
            if late and workload.group == "more":
                continue
            for peer in peers:
                if self.clock.left() < 0:
                    self.omitted.append(f"{workload.name}: {peer.name}")
                    continue
                self.clock.log(f"{workload.name}: {peer.name}")
                try:
                    if peer.name in workload.without:
                        raise NotApplicable(workload.without[peer.name])
                    record = self._measure(peer, workload)
                except NotApplicable as reason:
                    record = {"skipped": str(reason)}
                except Exception as error:  # one library's failure must not end the others' run
                    record = {"failed": _message(error)}
                if "failed" in record:
                    self.clock.log(f"{workload.name}: {peer.name} failed: {record['failed']}")
                self.measured.setdefault(workload.name, {})[peer.name] = record
                gc.collect()
                peer.release()
                self.after()

    def run_first_calls(self, names: Sequence[str], late: bool) -> None:
        """Measure the first calls of gpuarray, or those of the other libraries, all at once."""
        if not names:
            return
        libraries = ["gpuarray"] if not late else [p.name for p in self.peers[1:]]
        libraries = [name for name in libraries if not late or name in COMPILERS]
        if self.clock.left() < 0:
            self.omitted += [f"first-call: {name}" for name in libraries]
            return
        if libraries:
            self.clock.log(f"first calls: {', '.join(libraries)}")

        def found(library: str) -> dict[str, Record]:
            ours = self.peers[0]
            backend = "cuda" if isinstance(ours, Ours) and ours.executor else "numpy"
            repeats = 1 if late else OUR_FIRST_CALLS
            try:
                times = first_calls(library, backend, min(repeats, self.repeats))
            except Exception as error:
                return {name: {"failed": _message(error)} for name in names}
            return {name: {"seconds": times[name], "agrees": True} for name in names}

        with ThreadPoolExecutor(max(len(libraries), 1)) as pool:
            for library, records in zip(libraries, pool.map(found, libraries), strict=True):
                for name in names:
                    self.measured.setdefault(name, {})[library] = records[name]
        self.after()

    def _measure(self, peer: Peer, workload: Workload) -> Record:
        """The best of the ways that a library has; a wrong one counts only if all are wrong."""
        host = workload.inputs()
        if workload.name not in self._expected:
            self._expected[workload.name] = expected(workload, host)
        wanted = self._expected[workload.name]
        ways: dict[str, Record] = {}
        for name, function in peer.ways(workload).items():
            try:
                ways[name] = self._way(peer, function, workload, host, wanted)
            except Exception as error:
                ways[name] = {"failed": _message(error)}
            gc.collect()
        timed = [
            (not w["agrees"], w["seconds"], name) for name, w in ways.items() if "seconds" in w
        ]
        if not timed:
            return {**next(iter(ways.values())), "ways": ways}
        name = min(timed)[2]
        return {**ways[name], "way": name, "ways": ways if len(ways) > 1 else {}}

    def _way(
        self,
        peer: Peer,
        function: Function,
        workload: Workload,
        host: Sequence[Array],
        wanted: Expected,
    ) -> Record:
        """Check and time one way."""

        def uploaded() -> tuple[Any, ...]:
            return tuple(peer.array(x) for x in host)

        def results(inputs: Sequence[Any]) -> list[Array]:
            found = function(*inputs)
            peer.wait(found)
            return [peer.host(x) for x in (found if isinstance(found, tuple) else (found,))]

        with peer.watch() as seen:
            inputs = uploaded()
            started = self.clock.elapsed()
            found = function(*inputs)
            peer.wait(found)
            first = self.clock.elapsed() - started
        first_results = [peer.host(x) for x in (found if isinstance(found, tuple) else (found,))]
        del found
        record: Record = {"first seconds": first}
        record["error"] = worst_error(first_results, wanted)
        record["agrees"] = record["error"] <= workload.tolerance
        record["needed bytes"] = sum(x.nbytes for x in (*host, *first_results))
        if "peak" in seen:
            record["peak bytes"] = seen["peak"]
        if isinstance(peer, Ours):
            # A workload may write to its inputs, so these are new.
            inputs = uploaded()
            with peer.watch() as again:
                second = results(inputs)
            record |= {name: again[name] for name in ("kernels", "library calls") if name in again}
            record["same bits"] = all(map(_same_bits, first_results, second))
        nbytes = sum(x.nbytes for x in host)
        rotated = workload.bound == "memory" and nbytes >= 1 << 20
        sets = [
            inputs,
            *(uploaded() for _ in range(-(-ROTATED_BYTES // nbytes) - 1 if rotated else 0)),
        ]
        del inputs
        turns = cycle(sets)
        timing = measure(
            lambda: function(*next(turns)), peer.wait,
            repeats=self.repeats, batch_seconds=self.batch_seconds,
        )  # fmt: skip
        record |= {"seconds": timing.seconds, "low": timing.low, "high": timing.high}
        record |= {"calls": timing.calls, "GB/s": workload.moved / timing.seconds / 1e9}
        return record


def _same_bits(x: Array, y: Array) -> bool:
    return x.dtype == y.dtype and np.array_equal(
        np.ascontiguousarray(x).reshape(-1).view(np.uint8),
        np.ascontiguousarray(y).reshape(-1).view(np.uint8),
    )


def _message(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
