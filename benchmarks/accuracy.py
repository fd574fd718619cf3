"""The error of every elementwise function in float32, in units in the last place.

``python -m benchmarks.accuracy [--size N] [--json FILE]``. In: the default device. Out: for each
function the largest error over N random operands (2**24) and the edges, where it was, and the bound
that CUDA documents for its own function; a status of 1 if one is passed. The reference is float64.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import gpuarray as xp
from gpuarray.operations import TABLE

__all__ = ["main"]

Host = np.ndarray[Any, Any]

# The largest errors of CUDA's single-precision functions, from the mathematical appendix of its
# programming guide: of a result against the correctly rounded one.
BOUNDS = {
    "hypot": 3, "exp": 2, "expm1": 1, "log": 1, "log1p": 1, "log2": 1, "log10": 2,
    "sin": 2, "cos": 2, "tan": 4, "asin": 2, "acos": 2, "atan": 2, "atan2": 3,
    "sinh": 3, "cosh": 2, "tanh": 2, "asinh": 3, "acosh": 4, "atanh": 3, "pow": 4,
}  # fmt: skip
# Neighbours in float64 are other numbers, and a quotient's floor depends on its last bit; logaddexp
# is a sum that cancels near zero, and CUDA has none.
LEFT_OUT = ("nextafter", "floor_divide", "logaddexp")

EDGES = np.array(
    [0, 1e-45, 1.1754942e-38, 1.1754944e-38, 1e-30, 6e-8, 1e-4, 0.1, 0.25, 0.5, 0.70710677,
     0.9999999, 1, 1.0000001, 1.5707964, 2, 3.1415927, 10, 42, 87.3, 88.7, 89, 103.9, 104, 1e4,
     8388607.5, 1e10, 1e19, 1e30, 3.4028235e38, np.inf, np.nan],
    np.float32,
)  # fmt: skip
EDGES = np.concatenate([EDGES, -EDGES])


def operands(arity: int, size: int, seed: int) -> Iterator[list[Host]]:
    """Random floats of all exponents, random ones of moderate size, and all pairs of edges."""
    generator = np.random.default_rng(seed)
    half = size // 2
    yield [generator.integers(0, 1 << 32, half, np.uint32).view(np.float32) for _ in range(arity)]
    yield [generator.uniform(-12, 12, half).astype(np.float32) for _ in range(arity)]
    yield [np.array(x) for x in zip(*itertools.product(EDGES, repeat=arity), strict=True)]


def errors(found: Host, exact: Host) -> Host:
    """Units in the last place from the exact values; infinity where one is of another kind."""
    rounded = exact.astype(np.float32)
    # Beyond the largest number the unit goes on as if there were larger ones.
    unit = np.spacing(np.minimum(np.abs(rounded), np.finfo(np.float32).max)).astype(np.float64)
    difference = np.abs(found.astype(np.float64) - exact) / unit
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    infinite = np.isinf(found) ^ np.isinf(rounded)
    almost = infinite & (np.abs(np.where(np.isinf(found), rounded, found)) > 3.4028e38)
    difference = np.where(same, np.where(np.isfinite(difference), difference, 0), difference)
    difference = np.where(infinite, np.where(almost, 1, np.inf), difference)
    return np.where(np.isnan(difference), np.inf, difference)


def functions() -> Iterator[tuple[str, int, Callable[..., Host]]]:
    """Name, arity and reference of what gives a float32 that is not simply exact."""
    single = np.dtype("float32")
    for name, row in TABLE.items():
        public = name == "reciprocal" or hasattr(xp, name)
        floating = row.results.get(single) == single and row.arity <= 2 and not row.uncast
        if public and floating and name not in LEFT_OUT:
            yield name, row.arity, row.numpy


def apply(name: str, arrays: list[Any]) -> Any:
    return 1 / arrays[0] if name == "reciprocal" else getattr(xp, name)(*arrays)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.accuracy", description=__doc__)
    parser.add_argument("--size", type=int, default=1 << 24, help="random operands (2**24)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    np.seterr(all="ignore")
    rows = []
    for name, arity, reference in functions():
        worst, where = -1.0, ""
        for given in operands(arity, options.size, options.seed):
            found = np.asarray(apply(name, [xp.asarray(x) for x in given]).to_device("cpu"))
            error = errors(found, reference(*(x.astype(np.float64) for x in given)))
            k = int(np.argmax(error))
            if error[k] > worst:
                worst, where = float(error[k]), ", ".join(repr(float(x[k])) for x in given)
        bound = BOUNDS.get(name, 0)
        # A correctly rounded result is half a unit off.
        rows.append({"function": name, "error": worst, "bound": bound, "at": where,
                     "within": worst <= bound + 0.5})  # fmt: skip
        passed = "" if rows[-1]["within"] else "  PASSED ITS BOUND"
        print(f"{name:<12} {worst:10.3f}  bound {bound} + 0.5  at {where}{passed}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    wrong = sum(not row["within"] for row in rows)
    print(
        f"{len(rows)} functions on {xp.asarray(0).device}, {options.size} operands; {wrong} wrong"
    )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
