"""Every kind of hand-written kernel of masks, scans and sorts: groups of `benchmarks.every_kernel`.

In: random values. Out: labels, what gpuarray finds, and what NumPy expects, all of it exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

import gpuarray as xp

if TYPE_CHECKING:
    from benchmarks.every_kernel import Check, Values

__all__ = ["compactions", "scans", "sorts"]

REALS = ("float32", "float64")
COMPLEX = ("complex64", "complex128")


def compactions(values: Values) -> Iterator[Check]:
    """Masks that are pending (bits) or in memory (bytes), around the size of a tile (4096)."""
    for size in (1, 15, 4095, 4096, 4097, 70001):
        a, x = values.pair("float64", size)
        yield f"some of {size}", x[x > 0.5], a[a > 0.5]
        yield f"none of {size}", x[x > 5], a[a > 5]
        yield f"all of {size}", x[x < 5], a[a < 5]
        yield f"places of {size}", xp.nonzero(x > 0.5)[0], np.flatnonzero(a > 0.5)
        mask = xp.asarray(a > 0.5)
        yield f"some of {size}, stored mask", x[mask], a[a > 0.5]
        yield f"places of {size}, stored mask", xp.nonzero(mask)[0], np.flatnonzero(a > 0.5)
    for dtype in ("bool", "int8", "uint16", "int32", "complex128"):
        (a, x), (b, y) = values.pair(dtype, 4999), values.pair("float32", 4999)
        yield f"{dtype} by another", x[y > 0], a[b > 0]
        yield f"{dtype} backwards", x[xp.flip(y) > 0], a[np.flip(b) > 0]
    a, x = values.pair("int16", 33, 70)
    yield "in two dimensions", x[x > 0], a[a > 0]
    yield "transposed", x.T[x.T > 0], a.T[a.T > 0]


def scans(values: Values) -> Iterator[Check]:
    """Running sums and products: rows for lanes and for tiles, of each size of element.

    All of them are exact, in whatever order. A tile has 16 KiB or more, so that the longest rows
    have dozens of tiles of the larger elements.
    """
    for dtype in ("int8", "uint16", "int32", "int64", *REALS, *COMPLEX):
        kind = np.dtype(dtype)
        for shape in ((50, 7), (3, 1000), (2, 1025), (1, 100003)):
            whole = values.indices(11, *shape) - 5
            if kind.kind == "c":
                whole = whole + 1j * (values.indices(11, *shape) - 5)
            a, signs = whole.astype(kind), values.indices(2, *shape) * 2 - 1
            if kind.kind == "c":
                signs = signs * np.where(values.indices(2, *shape) > 0, 1, 1j)
            b = a if kind.kind in "iu" else signs.astype(kind)
            x, y = xp.asarray(a), xp.asarray(b)
            label = f"{dtype} {shape}"
            found = xp.cumulative_sum(x, axis=1, dtype=dtype)
            yield f"sums of {label}", found, np.cumsum(a, axis=1, dtype=dtype)
            found = xp.cumulative_prod(y, axis=1, dtype=dtype)
            yield f"products of {label}", found, np.cumprod(b, axis=1, dtype=dtype)
    a = (values.indices(11, 1100, 33) - 5).astype("float64")
    x = xp.asarray(a)
    yield "sums along columns", xp.cumulative_sum(x, axis=0), np.cumsum(a, axis=0)
    flat, row = xp.reshape(x, (-1,)), a.reshape(-1)
    yield "sums from an odd element", xp.cumulative_sum(flat[1:]), np.cumsum(row[1:])
    yield "sums of the reversed", xp.cumulative_sum(xp.flip(flat)), np.cumsum(row[::-1])


def sorts(values: Values) -> Iterator[Check]:
    """Rows that lanes sort, that a block sorts, and those that take the passes of a radix sort."""
    for dtype in ("int8", "uint16", "int32", "int64", *REALS):
        for shape in ((50, 3), (9, 200), (3, 257), (2, 1500), (1, 8193), (2, 12001)):
            a, x = values.pair(dtype, *shape)
            ordered = np.sort(a, axis=1)
            yield f"{dtype} {shape}", xp.sort(x), ordered
            yield f"{dtype} {shape}, falling", xp.sort(x, descending=True), ordered[:, ::-1]
            places = np.argsort(a, axis=1, stable=True)
            yield f"{dtype} {shape}, places", xp.argsort(x), places
        a, x = values.pair(dtype, 9001)
        sought, wanted = values.pair(dtype, 333)
        for side in ("left", "right"):
            yield (
                f"{dtype} sought, {side}",
                xp.searchsorted(xp.sort(x), wanted, side=side),
                np.searchsorted(np.sort(a), sought, side=side),
            )
        yield f"{dtype} distinct", xp.unique_values(x), np.unique(a)
