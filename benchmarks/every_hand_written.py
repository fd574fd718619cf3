"""Every kind of hand-written kernel: groups of `benchmarks.every_kernel`.

In: random values. Out: labels, what gpuarray finds, and what NumPy expects: exactly, but for
matrices, whose factors are multiplied again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

import gpuarray as xp
from gpuarray.cuda import ExclusiveScanKernel, InclusiveScanKernel

if TYPE_CHECKING:
    from benchmarks.every_kernel import Array, Check, Values

__all__ = ["compactions", "matrices", "scans", "sorts"]

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
    texts = "T x", "T y", "x", "a + b", "0"
    upto, before = InclusiveScanKernel(*texts, "upto"), ExclusiveScanKernel(*texts, "before")
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
            found, sums = xp.cumulative_sum(x, axis=1, dtype=dtype), np.cumsum(a, 1, dtype=dtype)
            yield f"sums of {label}", found, sums
            yield f"sums of {label}, a user's", upto(x), sums
            yield f"sums of {label}, a user's, exclusive", before(x), sums - a
            found = xp.cumulative_prod(y, axis=1, dtype=dtype)
            yield f"products of {label}", found, np.cumprod(b, axis=1, dtype=dtype)
        for shape in ((50, 7), (1, 20003)):
            a, b = (values.indices(11, *shape).astype(kind) for _ in range(2))
            x, y = xp.asarray(a), xp.asarray(b)
            found = 2 * xp.cumulative_sum(x - y + 1, axis=1, dtype=dtype) + y
            expected = 2 * np.cumsum(a - b + 1, axis=1, dtype=dtype) + b
            yield f"sums of {dtype} {shape}, joined", found, expected.astype(dtype)
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


def matrices(values: Values) -> Iterator[Check]:
    """What surrounds calls of cuBLAS, cuSOLVER and cuFFT: copies, triangles, scales and others."""
    for dtype in (*REALS, *COMPLEX):
        kind = np.dtype(dtype)
        for shape in ((3, 5, 5), (40, 40), (2, 70, 70)):
            a, _ = values.pair(dtype, *shape)
            n = shape[-1]
            definite = (a @ np.conj(np.swapaxes(a, -1, -2)) + n * np.eye(n)).astype(kind)
            label = f"{dtype} {shape}"
            for order, x in (
                ("", xp.asarray(definite)),
                (", columns stored", xp.asarray(np.swapaxes(definite, -1, -2).copy()).mT),
            ):
                for upper in (False, True):
                    f = xp.linalg.cholesky(x, upper=upper)
                    g = xp.conj(f.mT)
                    product = g @ f if upper else f @ g
                    yield f"Cholesky of {label}{order}, upper={upper}", product, definite
                q, r = xp.linalg.qr(x)
                yield _by_norm(f"QR of {label}{order}", q @ r, definite)
                unit = np.broadcast_to(np.eye(n, dtype=kind), shape)
                # What is wrong by a rounding of 1 is right.
                yield f"inverse of {label}{order}", xp.linalg.inv(x) @ x + 1, unit + 1
                sign, logarithm = xp.linalg.slogdet(x)
                expected = np.linalg.slogdet(definite)
                yield f"sign of {label}{order}", sign, expected.sign
                yield f"logarithm of {label}{order}", logarithm, expected.logabsdet
            tall = xp.asarray(definite[..., : n // 2])
            q, r = xp.linalg.qr(tall, mode="complete")
            yield _by_norm(f"complete QR of {label}", q @ r, definite[..., : n // 2])
            extreme = (definite * kind.type(np.finfo(kind).tiny * 1e3)).astype(kind)
            found = xp.linalg.svdvals(xp.asarray(extreme))
            expected = np.linalg.svd(definite, compute_uv=False) * np.finfo(kind).tiny * 1e3
            yield f"tiny singular values of {label}", found, expected.astype(found.dtype)
        if kind.kind == "f":
            a, x = values.pair(dtype, 70, 70)
            w, v = xp.linalg.eig(x)
            product = np.asarray(((x + 0j) @ v).to_device("cpu"))
            yield _by_norm(f"eigenvectors of {dtype}", v * w, product)
            a, x = values.pair(dtype, 6, 33)
            spectrum = xp.fft.rfft(x)
            yield f"half a spectrum of {dtype}", xp.fft.irfft(spectrum, n=33), a
    for dtype in ("int8", "uint32", "int64"):
        (a, x), (b, y) = values.pair(dtype, 3, 40, 33), values.pair(dtype, 33, 50)
        yield f"products of {dtype}", x @ y, a @ b


def _by_norm(label: str, found: Array, expected: np.ndarray[Any, Any]) -> Check:
    """What is right to a rounding of the matrix's norm, not of each element.

    Householder reflections and the QR iteration mix whole columns, so an element that is small
    beside its column has the error of the column.
    """
    norm = float(np.linalg.norm(expected.reshape(-1)))
    return label, found / norm + 1, expected / norm + 1
