"""Whether a result is right: NumPy in float64 computes it, or a part of it, independently.

In: a workload and its inputs. Out: the expected elements, where they stand in a result, and how far
a library's result is from them. The same program is the reference, run by NumPy on wide dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.workload import Array, Arrays, Workload

__all__ = ["Expected", "expected", "worst_error"]

# Rows at each end, which are compared besides those at random.
ENDS = 4096
# Rows of a band, where a row depends on its neighbours.
BAND = 32
WIDE = {"f": np.float64, "c": np.complex128}


class Expected(NamedTuple):
    """The elements that results are compared with, and which rows of a result those are."""

    results: Arrays
    rows: Any


def expected(workload: Workload, inputs: Sequence[Array]) -> Expected:
    """NumPy's results in float64."""
    size = len(inputs[0])
    if not workload.sampled:
        return Expected(_computed(workload, inputs), ...)
    if not workload.halo:
        ends = min(ENDS, workload.sample_rows, size)
        random = np.random.default_rng(3).integers(0, size, workload.sample_rows)
        rows = np.unique(np.concatenate([np.arange(ends), np.arange(size - ends, size), random]))
        return Expected(_computed(workload, _cut(workload, inputs, rows)), rows)
    parts, rows = [], []
    for start in sorted({0, max(size - BAND, 0) // 2, max(size - BAND, 0)}):
        stop = min(start + BAND, size)
        low, high = max(start - workload.halo, 0), min(stop + workload.halo, size)
        found = _computed(workload, _cut(workload, inputs, slice(low, high)))
        parts.append([x[start - low : stop - low] for x in found])
        rows.append(np.arange(start, stop))
    whole = tuple(np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    return Expected(whole, np.concatenate(rows))


def _cut(workload: Workload, inputs: Sequence[Array], rows: Any) -> list[Array]:
    return [x[rows] if k < workload.sampled else x for k, x in enumerate(inputs)]


def _computed(workload: Workload, inputs: Sequence[Array]) -> Arrays:
    # Copies, since a workload may write to its inputs. What overflows does so everywhere.
    wide = [x.astype(WIDE.get(x.dtype.kind, x.dtype)) for x in inputs]
    with np.errstate(all="ignore"):
        found = workload.function(np, *wide)
    return tuple(map(np.asarray, found)) if isinstance(found, tuple) else (np.asarray(found),)


def worst_error(results: Sequence[Array], wanted: Expected) -> float:
    """How far results are from what is expected; infinite if shapes differ or a NaN is new.

    For real and complex dtypes the norm of the difference over the norm of the reference, for the
    others the share of elements that differ.
    """
    worst = 0.0
    if len(results) != len(wanted.results):
        return math.inf
    for whole, e in zip(results, wanted.results, strict=True):
        try:
            x = whole[wanted.rows]
        except IndexError:
            return math.inf
        if x.shape != e.shape or x.dtype.kind != e.dtype.kind:
            return math.inf
        if e.dtype.kind not in "fc":
            error = float(np.mean(x != e)) if e.size else 0.0
        else:
            norm = float(np.linalg.norm(e.ravel())) or 1.0
            error = float(np.linalg.norm((x - e).ravel())) / norm
        worst = max(worst, error if error == error else math.inf)
    return worst
