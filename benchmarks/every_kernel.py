"""Every kind of kernel once, on small arrays of awkward sizes, compared with NumPy.

``python -m benchmarks.every_kernel [--large] [--seed N]``, made to run under ``compute-sanitizer``:
few launches, many kinds of code. In: the default device. Out: a line for each group of kernels, and
a status of 1 if any value is wrong.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import gpuarray as xp
from benchmarks.every_hand_written import compactions, matrices, scans, sorts
from gpuarray.operations import TABLE
from gpuarray.random import Generator

__all__ = ["main"]

INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
REALS = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
DTYPES = ("bool", *INTEGERS, *REALS, *COMPLEX)
# Below, at and beyond a vector, a warp, a block; odd, so that every kernel has a tail.
SIZES = (1, 3, 31, 33, 257, 1025, 4099)
EPSILON = {"float32": 1.2e-7, "complex64": 1.2e-7, "float64": 2.3e-16, "complex128": 2.3e-16}

Array = Any
Check = tuple[str, Any, Any]


class Values:
    """Random arrays on both sides."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def host(self, dtype: str, *shape: int) -> np.ndarray[Any, Any]:
        """Integers from the whole range, reals from -2 to 2, half of the bools true."""
        kind = np.dtype(dtype)
        if kind.kind == "b":
            return self._random.random(shape) < 0.5
        if kind.kind in "iu":
            bounds = np.iinfo(kind)
            return self._random.integers(bounds.min, bounds.max, shape, kind, endpoint=True)
        values = self._random.uniform(-2, 2, shape)
        if kind.kind == "c":
            return (values + 1j * self._random.uniform(-2, 2, shape)).astype(kind)
        return values.astype(kind)

    def pair(self, dtype: str, *shape: int) -> tuple[np.ndarray[Any, Any], Array]:
        host = self.host(dtype, *shape)
        return host, xp.asarray(host)

    def indices(self, below: int, *shape: int) -> np.ndarray[Any, Any]:
        return self._random.integers(0, below, shape)


def loops(row: Any) -> list[np.dtype[Any]]:
    """The dtypes that an operation computes in."""
    return [dtype for dtype in row.results if dtype.name in DTYPES]


def operations(values: Values) -> Iterator[Check]:
    """Every row of the operation table in every dtype, the rows of a dtype sharing kernels."""
    pending: dict[str, list[tuple[str, Array, Any]]] = {}
    for name, row in TABLE.items():
        function = getattr(xp, name, None)
        if function is None:
            continue
        for dtype in loops(row):
            operands = [values.pair(dtype.name, 1025) for _ in range(row.arity)]
            if name in ("pow", "bitwise_left_shift", "bitwise_right_shift") and dtype.kind in "iu":
                host = (values.indices(8, 1025)).astype(dtype)
                operands[1] = (host, xp.asarray(host))
            if name == "where":
                operands[0] = values.pair("bool", 1025)
            if name == "clip":
                low, high = sorted((operands[1], operands[2]), key=lambda pair: pair[0].sum())
                lower = np.minimum(low[0], high[0])
                upper = np.maximum(low[0], high[0])
                operands[1:] = [(lower, xp.asarray(lower)), (upper, xp.asarray(upper))]
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                expected = row.numpy(*(host for host, _ in operands))
                found = function(*(array for _, array in operands))
            label = f"{name} {dtype.name}"
            pending.setdefault(dtype.name, []).append((label, found, expected))
    for rows in pending.values():
        xp.evaluate(*(found for _, found, _ in rows))
        yield from rows


def casts(values: Values) -> Iterator[Check]:
    """Every cast between two dtypes whose result NumPy defines."""
    for source in DTYPES:
        host, x = values.pair(source, 259)
        if source in (*REALS, *COMPLEX):
            host = np.abs(host).astype(source)
            x = xp.asarray(host)
        rows = []
        for target in DTYPES:
            if source in COMPLEX and target not in COMPLEX:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rows.append((f"{source} to {target}", xp.astype(x, target), host.astype(target)))
        xp.evaluate(*(found for _, found, _ in rows))
        yield from rows


def layouts(values: Values) -> Iterator[Check]:
    """Vectors, tails, strides, unaligned and broadcast operands, gathers, joins, outputs."""
    for dtype in ("uint8", "float32", "complex128"):
        for size in SIZES:
            (a, x), (b, y) = values.pair(dtype, size), values.pair(dtype, size)
            yield f"contiguous {dtype} {size}", x + y, a + b
            yield f"strided {dtype} {size}", x[::2] + y[::-2], a[::2] + b[::-2]
            yield f"unaligned {dtype} {size}", x[1:] + y[:-1], a[1:] + b[:-1]
            yield f"joined {dtype} {size}", xp.concat([x, y[:1], x]), np.concatenate([a, b[:1], a])
            where = values.indices(size, 2 * size + 1)
            yield f"gathered {dtype} {size}", xp.take(x, xp.asarray(where)), a[where]
    for shape in ((1, 1), (7, 5), (33, 64), (64, 33), (3, 1, 257)):
        a, x = values.pair("float32", *shape)
        b, y = values.pair("float32", shape[-1])
        yield f"broadcast {shape}", x * 2 + y, a * 2 + b
        yield f"transposed {shape}", xp.permute_dims(x, (*range(len(shape))[::-1],)) + 1, a.T + 1
        yield f"flipped {shape}", xp.flip(x) - x, np.flip(a) - a
        yield f"rolled {shape}", xp.roll(x, 2, axis=-1) + x, np.roll(a, 2, axis=-1) + a
        yield f"stacked {shape}", xp.stack([x, x + 1], axis=-1), np.stack([a, a + 1], axis=-1)
        yield f"triangle {shape}", xp.tril(x, k=-1), np.tril(a, k=-1)
        yield f"repeated {shape}", xp.repeat(x, 3, axis=-1), np.repeat(a, 3, axis=-1)
    a, x = values.pair("float32", 3, 2, 4, 1, 3, 2, 2, 5)
    order = (7, 2, 5, 0, 3, 6, 1, 4)
    yield "eight dimensions", xp.permute_dims(x, order)[::-1] + 1, a.transpose(order)[::-1] + 1
    yield "reshaped", xp.reshape(xp.permute_dims(x, order), (-1,)), a.transpose(order).reshape(-1)
    yield "created", xp.arange(1000, dtype=xp.int32) * 3, np.arange(1000, dtype=np.int32) * 3
    yield "linspace", xp.linspace(0.0, 1.0, 333), np.linspace(0.0, 1.0, 333)
    yield "identity", xp.eye(17, 33, k=2), np.eye(17, 33, k=2)
    many = [values.pair("float32", 1027) for _ in range(23)]
    total, expected = many[0][1], many[0][0]
    for host, array in many[1:]:
        total, expected = total + array, expected + host
    yield "23 inputs", total, expected
    results = [(many[k][1] * many[k + 1][1], many[k][0] * many[k + 1][0]) for k in range(10)]
    xp.evaluate(*(found for found, _ in results))
    for k, (found, host) in enumerate(results):
        yield f"10 outputs, number {k}", found, host


def tiles(values: Values) -> Iterator[Check]:
    """Operands along different axes, read and written through tiles; patches without tiles."""
    for dtype in ("bool", "int16", "float32", "float64", "complex128"):
        for shape in ((16, 16), (65, 65), (300, 300), (33, 130), (257, 40)):
            (a, x), (b, y) = values.pair(dtype, *shape), values.pair(dtype, *shape[::-1])
            yield f"transposed {dtype} {shape}", xp.where(y == x.T, y, x.T), a.T
            joined = xp.concat([x.T, y], axis=1) == xp.concat([y, y], axis=1)
            expected = np.concatenate([a.T, b], axis=1) == np.concatenate([b, b], axis=1)
            yield f"transposed and joined {dtype} {shape}", joined, expected
            rolled = xp.roll(x.T, 3, axis=0) == y
            yield f"transposed and rolled {dtype} {shape}", rolled, np.roll(a.T, 3, axis=0) == b
            view, expected = xp.permute_dims(xp.asarray(a), (1, 0)), a.T.copy()
            view[1:, :-2] = y[1:, :-2]
            expected[1:, :-2] = b[1:, :-2]
            yield f"into a transposed view {dtype} {shape}", view, expected
    for order in ((0, 2, 1), (2, 1, 0), (1, 2, 0)):
        a, x = values.pair("float32", 18, 33, 70)
        b, y = values.pair("float32", *(a.shape[k] for k in order))
        yield f"permuted {order}", xp.permute_dims(x, order) + y, a.transpose(order) + b
    for dtype in ("uint8", "float32", "complex128"):
        a, x = values.pair(dtype, 45, 270)
        total = x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:]
        expected = a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:]
        yield f"stencil {dtype}", total, expected
        rolled = xp.flip(xp.roll(x, (3, 5), axis=(0, 1))) + x
        yield f"rolled and flipped {dtype}", rolled, np.flip(np.roll(a, (3, 5), axis=(0, 1))) + a


REDUCTIONS: tuple[tuple[str, Sequence[str]], ...] = (
    ("sum", (*INTEGERS, *REALS, *COMPLEX)),
    ("prod", ("int8", "int64", "uint32", "uint64", *REALS, *COMPLEX)),
    ("max", (*INTEGERS, *REALS)),
    ("min", (*INTEGERS, *REALS)),
    ("mean", (*REALS, *COMPLEX)),
    ("var", REALS),
    ("std", REALS),
    ("any", DTYPES),
    ("all", DTYPES),
    ("argmax", (*INTEGERS, *REALS)),
    ("argmin", (*INTEGERS, *REALS)),
    ("count_nonzero", DTYPES),
)


def reductions(values: Values) -> Iterator[Check]:
    """Every kind in every dtype: by rows, by columns, in full."""
    for name, dtypes in REDUCTIONS:
        for dtype in dtypes:
            a, x = values.pair(dtype, 37, 70)
            if name == "prod" and dtype in (*REALS, *COMPLEX):
                a = (1 + 0.01 * a).astype(dtype)
                x = xp.asarray(a)
            for axis in (None, 0, 1):
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    if dtype == "complex64" and name in ("sum", "prod", "mean"):
                        expected = getattr(np, name)(a.astype("complex128"), axis=axis)
                    elif dtype == "float32" and name not in ("argmax", "argmin"):
                        expected = getattr(np, name)(a.astype("float64"), axis=axis)
                    else:
                        expected = getattr(np, name)(a, axis=axis)
                found = getattr(xp, name)(x, axis=axis)
                yield f"{name} {dtype} axis {axis}", found, np.asarray(expected, found.dtype)


def reduction_shapes(values: Values) -> Iterator[Check]:
    """Lengths around the limits of a thread, a warp, a block, and of splitting."""
    shapes = (
        *((1, 1), (5, 3), (300, 16), (40, 100), (33, 1025), (3, 5000), (2, 70001)),
        *((1, 300001), (70001, 2), (20000, 33), (5000, 64), (100, 3, 7), (7, 1000, 40)),
        *((4, 3, 2, 5, 6), (0, 4), (4, 0)),
    )
    for shape in shapes:
        # Positive, so that NumPy's own sums keep their digits.
        a = values.host("float64", *shape) + 2.5
        x = xp.asarray(a)
        axes: list[Any] = [None, *range(len(shape))]
        if len(shape) > 2:
            axes += [(0, 2), (0, 1), (1, 2)]
        for axis in axes:
            yield f"sum {shape} {axis}", xp.sum(x, axis=axis), a.sum(axis=axis)
            yield f"any {shape} {axis}", xp.any(x > 4.4, axis=axis), (a > 4.4).any(axis=axis)
            if 0 not in shape:
                yield f"var {shape} {axis}", xp.var(x, axis=axis), a.var(axis=axis)
                if not isinstance(axis, tuple):
                    found = xp.argmax(x, axis=axis)
                    yield f"argmax {shape} {axis}", found, a.argmax(axis=axis)
    for size in (1000, 100003):
        a, x = values.pair("float32", size)
        wide = a.astype(np.float64)
        yield "sum of strided", xp.sum(x[::3]), wide[::3].sum()
        yield "sum of unaligned", xp.sum(x[1:]), wide[1:].sum()
        yield (
            "fused before and after",
            xp.sqrt(xp.sum((x - 1) ** 2)),
            np.sqrt(((wide - 1) ** 2).sum()),
        )
        low, high = xp.min(x), xp.max(x)
        xp.evaluate(low, high)
        yield "two in one kernel, min", low, a.min()
        yield "two in one kernel, max", high, a.max()
    # Held by a warp, by the registers of a block, by its shared memory; several blocks of each.
    for length in (130, 9000, 20003):
        a, x = values.pair("float64", 65 if length < 1000 else 600, length)
        scaled = (x - xp.mean(x, axis=1, keepdims=True)) / xp.std(x, axis=1, keepdims=True)
        expected = (a - a.mean(axis=1, keepdims=True)) / a.std(axis=1, keepdims=True)
        yield f"standardised rows of {length}", scaled, expected
    a, x = values.pair("float64", 65, 130)
    yield "sum of transposed", xp.sum(x.T, axis=0), a.T.sum(axis=0)


def broadcast_reductions(values: Values) -> Iterator[Check]:
    """Operands that are broadcast along axes of the results: threads with several results."""
    sizes = ((517, 390, 50), (300, 515, 64), (1025, 130, 3), (600, 33, 1000), (70, 140, 9001))
    for dtype in ("int64", "float32", "float64", "complex128"):
        for n, m, length in (*sizes, (70, 140, 9004), (6, 5, 20003)):
            # Positive, so that NumPy's own sums keep their digits.
            a, b = (values.host(dtype, *shape) + 3 for shape in ((n, length), (m, length)))
            x, y, u, v = map(xp.asarray, (a, b, a.T.copy(), b.T.copy()))
            kind = np.result_type(a, np.int64 if dtype == "int64" else np.float64)
            expected = a.astype(kind) @ b.T.astype(kind)
            label = f"{dtype} {n} x {m} x {length}"
            yield f"rows {label}", xp.sum(x[:, None, :] * y[None, :, :], axis=-1), expected
            yield f"columns {label}", xp.sum(u[:, :, None] * v[:, None, :], axis=0), expected
    a, x = values.pair("float64", 1030)
    distances = np.abs(a[None, :] - a[:, None])
    found = xp.abs(x[None, :] - x[:, None])
    farthest, total = xp.max(found, axis=1), xp.sum(xp.sqrt(found + 1), axis=1)
    xp.evaluate(farthest, total)
    yield "the farthest of points", farthest, distances.max(axis=1)
    yield "several results", total, np.sqrt(distances + 1).sum(axis=1)


def updates(values: Values) -> Iterator[Check]:
    """Assignments: slices in place and not, masks, and scatters whose indices collide."""
    for dtype in ("int8", "float32", "complex128"):
        for size in (33, 5000):
            a, x = values.pair(dtype, size)
            b, y = values.pair(dtype, size)
            key = slice(1, None, 3)
            x[key] = y[key] + 1
            a[key] = b[key] + 1
            yield f"slice {dtype} {size}", x, a
            x[0], a[0] = 7, 7
            yield f"element {dtype} {size}", x, a
            mask = values.host("bool", size)
            x[xp.asarray(mask)], a[mask] = 3, 3
            yield f"mask {dtype} {size}", x, a
            # Far fewer places than values, so that most of them collide; the last one wins.
            where = values.indices(size // 8 + 1, size)
            x[xp.asarray(where)] = y
            a[where] = b
            yield f"collisions {dtype} {size}", x, a
    a, x = values.pair("float32", 40, 33)
    rows, columns = values.indices(40, 500), values.indices(33, 500)
    b, y = values.pair("float32", 500)
    old, kept = x + 0, a.copy()
    x[xp.asarray(rows), xp.asarray(columns)] = y
    a[rows, columns] = b
    yield "collisions in two axes", x, a
    yield "the value before", old, kept
    for _ in range(3):
        inner = (slice(1, -1), slice(1, -1))
        x[inner] = 0.25 * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])
        a[inner] = 0.25 * (a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:])
    yield "stencil in place", x, a


def large(values: Values) -> Iterator[Check]:
    """More than 2**31 elements: 64-bit indices. Needs 7 GB."""
    size = (1 << 31) + 5
    x = xp.astype(xp.arange(size, dtype=xp.int64) % 251, xp.uint8)
    places = np.asarray([0, 12345, (1 << 31) - 1, 1 << 31, size - 1])
    yield "large elementwise", (x + 1)[xp.asarray(places)], (places % 251 + 1).astype(np.uint8)
    x[size - 1] = 255
    yield "large argmax", xp.argmax(x), np.asarray(size - 1)
    whole, rest = divmod(size - 1, 251)
    total = whole * (250 * 251 // 2) + rest * (rest - 1) // 2 + 255
    yield "large sum", xp.sum(x), np.asarray(total, np.uint64)
    found = xp.count_nonzero(xp.reshape(x[: 1 << 31], (1 << 16, 1 << 15)) == 250, axis=0)
    yield "large columns", xp.sum(found), np.asarray(((1 << 31) - 251 + 0) // 251 + 1)


def random_numbers(values: Values) -> Iterator[Check]:
    """Every row of random numbers, from each place in a block on; NumPy's backend is right."""
    draws: dict[str, Callable[[Generator, int], Array]] = {
        "random float32": lambda g, n: g.random(n, dtype="float32"),
        "random": lambda g, n: g.random(n),
        "normal float32": lambda g, n: g.standard_normal(n, dtype="float32"),
        "normal": lambda g, n: g.standard_normal(n),
        "integers": lambda g, n: g.integers(-5, 1 << 40, n),
        "gamma": lambda g, n: g.gamma(2.5, 1.0, n),
        "poisson": lambda g, n: g.poisson(40.0, n),
        "binomial": lambda g, n: g.binomial(100, 0.3, n),
    }
    for name, draw in draws.items():
        for skipped in range(4):
            ours, numpys = Generator(skipped), Generator(skipped, device="cpu")
            for generator in (ours, numpys):
                draw(generator, skipped)
            yield f"{name} from {skipped}", draw(ours, 1003), np.asarray(draw(numpys, 1003))


GROUPS: tuple[Callable[[Values], Iterator[Check]], ...] = (
    *(operations, casts, layouts, tiles, reductions, reduction_shapes, broadcast_reductions),
    *(updates, compactions, scans, sorts, matrices, random_numbers),
)


def wrong(found: np.ndarray[Any, Any], expected: Any) -> str:
    """What differs, or nothing. Floats may be 64 units in the last place of the largest off."""
    expected = np.asarray(expected)
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    if found.dtype.kind not in "fc":
        count = int(np.count_nonzero(found != expected))
        return f"{count} of {found.size} elements" if count else ""
    if found.size == 0:
        return ""
    finite = np.isfinite(expected)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    scale = np.abs(np.where(finite, expected, 0)).max(initial=1e-30)
    # Complex functions and long sums may lose some digits against the largest of the values.
    allowed = 64 * EPSILON[found.dtype.name] * np.maximum(np.abs(expected), 0.01 * scale)
    with np.errstate(all="ignore"):
        bad = ~same & ~(np.abs(found - expected) <= allowed)
    if not bad.any():
        return ""
    first = tuple(int(k[0]) for k in np.nonzero(bad)) if bad.ndim else ()
    return f"{int(bad.sum())} of {bad.size} elements, first {found[first]} for {expected[first]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all groups; 1 if a value is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.every_kernel", description=__doc__)
    parser.add_argument("--large", action="store_true", help="arrays beyond 2**31 elements, too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="names of groups, separated by commas")
    options = parser.parse_args(arguments)
    groups = (*GROUPS, large) if options.large else GROUPS
    if options.only:
        groups = tuple(group for group in groups if group.__name__ in options.only.split(","))
    failures = 0
    print(f"on {xp.asarray([0.0]).device}")
    for group in groups:
        checks, bad = 0, 0
        for label, found, expected in group(Values(options.seed)):
            checks += 1
            difference = wrong(np.asarray(found.to_device("cpu")), expected)
            if difference:
                bad += 1
                print(f"  WRONG {group.__name__}: {label}: {difference}")
        failures += bad
        print(f"{group.__name__:<18}{checks:>6} checks, {bad} wrong", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
