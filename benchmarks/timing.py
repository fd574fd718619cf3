"""Timing of asynchronous work, one way for every library.

In: a function that starts work and returns its result, and one that waits for a result. Out: the
time of one call, device included. A batch of calls stands between two waits; it is long enough for
what waiting costs to vanish.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter
from typing import Any

__all__ = ["BATCH_SECONDS", "LIMIT", "REPEATS", "Clock", "Timing", "measure"]

REPEATS = 20
# Waiting for the device costs some 10 us, a thousandth of this or less.
BATCH_SECONDS = 0.01
# Seconds after which no further batch of one measurement is started, if there are three: what
# takes long (NumPy at the sizes of a GPU) varies less.
LIMIT = 3.0


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median of the batches, and the tenth and the ninetieth percentile.

    A difference between two medians that is smaller than this spread is noise.
    """

    seconds: float
    low: float
    high: float
    calls: int
    """Calls in a batch."""


def measure(
    call: Callable[[], Any],
    wait: Callable[[Any], None],
    *,
    repeats: int = REPEATS,
    batch_seconds: float = BATCH_SECONDS,
) -> Timing:
    """Time `call`, which starts work, back to back; `wait` gets the last result of a batch."""

    def batch(calls: int) -> float:
        start = perf_counter()
        for _ in range(calls):
            result = call()
        wait(result)
        return perf_counter() - start

    began = perf_counter()
    for _ in range(3):
        batch(1)
    calls = 1
    while (seconds := batch(calls)) < batch_seconds:
        calls = max(2 * calls, int(1.2 * calls * batch_seconds / max(seconds, 1e-6)))
    samples: list[float] = []
    while len(samples) < repeats and (len(samples) < 3 or perf_counter() - began < LIMIT):
        samples.append(batch(calls) / calls)
    tenths = quantiles(samples, n=10, method="inclusive")
    return Timing(median(samples), tenths[0], tenths[-1], calls)


class Clock:
    """What is left of the time for the whole run, and a log of what happens when."""

    def __init__(self, seconds: float) -> None:
        self._start = perf_counter()
        self._seconds = seconds

    def elapsed(self) -> float:
        return perf_counter() - self._start

    def left(self) -> float:
        return self._seconds - self.elapsed()

    def log(self, text: str) -> None:
        print(f"[{self.elapsed():6.1f} s] {text}", file=sys.stderr, flush=True)
