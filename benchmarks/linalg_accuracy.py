"""Accuracy of linear algebra and Fourier transforms on a device: the worst of many matrices.

``python -m benchmarks.linalg_accuracy [--backend cuda] [--seconds 110]``. Out: for each operation,
dtype and quantity the largest error, divided by the rounding error of the dtype and the size of the
matrices (of transforms: the logarithm of theirs), and the matrices where it was. What is backward
stable is of the order of 1; a `!` marks what is above `BOUNDS`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import gpuarray as xp
from benchmarks.timing import Clock

__all__ = ["main"]

Array = np.ndarray[Any, Any]
DTYPES = ("float32", "float64", "complex64", "complex128")
# Of residuals, orthogonality and errors. The vectors of small singular value decompositions are as
# far from orthonormal as cuSOLVER's Jacobi method leaves them; a smaller tolerance does not help.
BOUND, BOUNDS = 10.0, {"svd": 32.0}
# The errors of smaller matrices are no smaller than those of this size.
SMALLEST_UNIT = 10
# Where larger matrices are decomposed one by one, so many of a stack are enough.
ONE_BY_ONE, OF_A_STACK = 32, 3
# (stack, rows, columns); the large ones last, which may be left out for lack of time.
SQUARE: tuple[tuple[int, int], ...] = (
    *((1, 1), (1, 2), (1, 3), (1, 7), (1, 16), (1, 31), (1, 32), (1, 33), (1, 64), (1, 100)),
    *((1000, 1), (1000, 2), (1000, 3), (1000, 8), (1000, 17), (1000, 32), (100, 33), (40, 64)),
    *((16, 128), (3, 255), (2, 300), (1, 512), (1, 1024), (1, 2048)),
)
RECTANGLES = (
    *((1, 5, 3), (1, 3, 5), (1, 1, 40), (1, 40, 1), (500, 8, 3), (500, 3, 8), (500, 32, 9)),
    *((50, 60, 20), (50, 20, 60), (1, 1000, 33), (1, 33, 1000), (1, 2048, 1), (1, 1024, 512)),
)
KINDS = ("random", "ill-conditioned", "deficient", "repeated", "graded", "zero")
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 12, 13, 16, 31, 64, 97, 100, 128, 1000, 1009, 4096, 8192, 16384)

worst: dict[tuple[str, str, str], tuple[float, str]] = {}


def note(operation: str, dtype: str, quantity: str, error: float, where: str) -> None:
    """Keep an error if it is the largest of its kind; NaN is."""
    key = (operation, dtype, quantity)
    if not error <= worst.get(key, (-1.0, ""))[0]:
        worst[key] = (error if error == error else np.inf, where)


def matrices(kind: str, stack: int, m: int, n: int, dtype: str, hermitian: bool = False) -> Array:
    """A stack of matrices of a kind, with known singular values or eigenvalues, in `dtype`."""
    rng = np.random.default_rng(m * 1009 + n)
    k = min(m, n)

    def orthonormal(rows: int) -> Array:
        x = rng.standard_normal((stack, rows, k))
        if np.dtype(dtype).kind == "c":
            x = x + 1j * rng.standard_normal((stack, rows, k))
        return np.linalg.qr(x)[0]

    eps = float(np.finfo(dtype).eps)
    if kind == "random":
        x = rng.standard_normal((stack, m, n))
        if np.dtype(dtype).kind == "c":
            x = x + 1j * rng.standard_normal((stack, m, n))
        return ((x + x.conj().mT) if hermitian else x).astype(dtype)
    if kind == "zero":
        return np.zeros((stack, m, n), dtype)
    if kind == "graded":
        x = rng.standard_normal((stack, m, n)) * np.logspace(0, -10, m)[:, None]
        return ((x + x.mT) if hermitian else x).astype(dtype)
    values = {
        "ill-conditioned": np.geomspace(1, 100 * eps, k),
        "deficient": np.where(np.arange(k) < (k + 1) // 2, 1.0 + np.arange(k), 0.0),
        "repeated": np.where(np.arange(k) < k // 2, 2.0, 1.0),
    }[kind]
    u = orthonormal(m)
    if hermitian:
        signs = np.where(np.arange(k) % 3 == 1, -1.0, 1.0)
        x = (u * (values * signs)) @ u.conj().mT
        return ((x + x.conj().mT) / 2).astype(dtype)
    return ((u * values) @ orthonormal(n).conj().mT).astype(dtype)


class Checks:
    """Norms of differences, computed on the device in double precision."""

    def __init__(self, device: Any) -> None:
        self.device = device

    def wide(self, x: Any) -> Any:
        return xp.astype(x, "complex128" if x.dtype.kind == "c" else "float64")

    def norms(self, x: Any) -> Any:
        """The Frobenius norm of each matrix."""
        return xp.sqrt(xp.sum(xp.square(xp.abs(x)), axis=(-2, -1)))

    def largest(self, numerator: Any, denominator: Any) -> float:
        """The largest quotient; 0 / 0 is 0."""
        up = np.asarray(numerator.to_device("cpu"), float)
        down = np.asarray(denominator.to_device("cpu"), float)
        return float(np.max(np.where(up == 0, 0.0, up / np.where(down == 0, 1e-300, down))))

    def unitary(self, q: Any) -> float:
        """How far the columns are from orthonormal."""
        q = self.wide(q)
        n = q.shape[-1]
        gap = xp.matmul(xp.conj(q).mT, q) - xp.eye(n, dtype=q.dtype, device=q.device)
        return self.largest(self.norms(gap), xp.ones(gap.shape[:-2], device=q.device))


def check_general(c: Checks, a: Any, dtype: str, unit: float, where: str) -> None:
    """QR and singular values."""
    wide = c.wide(a)
    norm = c.norms(wide)
    for mode in ("reduced", "complete"):
        q, r = xp.linalg.qr(a, mode=mode)
        note(
            "qr",
            dtype,
            "residual",
            c.largest(c.norms(wide - c.wide(q) @ c.wide(r)), norm) / unit,
            where,
        )
        note("qr", dtype, "orthogonality", c.unitary(q) / unit, where)
    if max(a.shape[-2:]) > ONE_BY_ONE:
        a, wide, norm = a[:OF_A_STACK], wide[:OF_A_STACK], norm[:OF_A_STACK]
    values = None
    for full in (False, True):
        u, s, vh = xp.linalg.svd(a, full_matrices=full)
        k = s.shape[-1]
        product = c.wide(u[..., :k]) * c.wide(xp.expand_dims(s, -2)) @ c.wide(vh[..., :k, :])
        note("svd", dtype, "residual", c.largest(c.norms(wide - product), norm) / unit, where)
        note("svd", dtype, "orthogonality of u", c.unitary(u) / unit, where)
        note("svd", dtype, "orthogonality of v", c.unitary(vh.mT) / unit, where)
        values = s
    alone = xp.linalg.svdvals(a)
    gap = xp.max(xp.abs(c.wide(alone) - c.wide(values)), axis=-1)
    note("svdvals", dtype, "difference from svd", c.largest(gap, norm) / unit, where)
    if max(a.shape) <= 1000:
        expected = np.linalg.svd(np.asarray(wide.to_device("cpu")), compute_uv=False)
        found = np.asarray(alone.to_device("cpu"), float)
        scale = np.maximum(expected[..., :1], 1e-300)
        note(
            "svdvals", dtype, "error", float(np.max(np.abs(found - expected) / scale)) / unit, where
        )


def check_hermitian(c: Checks, a: Any, dtype: str, unit: float, where: str) -> None:
    """Eigenvalues and eigenvectors of Hermitian matrices."""
    wide = c.wide(a)
    norm = c.norms(wide)
    w, v = xp.linalg.eigh(a)
    v = c.wide(v)
    gap = wide @ v - v * c.wide(xp.expand_dims(w, -2))
    note("eigh", dtype, "residual", c.largest(c.norms(gap), norm) / unit, where)
    note("eigh", dtype, "orthogonality", c.unitary(v) / unit, where)
    alone = xp.linalg.eigvalsh(a)
    gap = xp.max(xp.abs(c.wide(alone) - c.wide(w)), axis=-1)
    note("eigvalsh", dtype, "difference from eigh", c.largest(gap, norm) / unit, where)


def check_square(c: Checks, a: Any, kind: str, dtype: str, unit: float, where: str) -> None:
    """Systems, inverses and general eigenvalues."""
    wide = c.wide(a)
    norm = c.norms(wide)
    if kind in ("random", "ill-conditioned", "repeated"):
        rng = np.random.default_rng(5)
        b = xp.asarray(rng.standard_normal((*a.shape[:-1], 3)).astype(dtype), device=c.device)
        x = c.wide(xp.linalg.solve(a, b))
        residual = c.norms(wide @ x - c.wide(b))
        note("solve", dtype, "residual", c.largest(residual, norm * c.norms(x)) / unit, where)
        x = c.wide(xp.linalg.inv(a))
        one = xp.eye(a.shape[-1], dtype=x.dtype, device=c.device)
        residual = c.norms(wide @ x - one)
        note("inv", dtype, "residual", c.largest(residual, norm * c.norms(x)) / unit, where)
        if max(a.shape) <= 1000 and kind != "ill-conditioned":
            host = np.asarray(wide.to_device("cpu"))
            condition = np.linalg.cond(host)
            sign, logarithm = (np.asarray(y.to_device("cpu")) for y in xp.linalg.slogdet(a))
            expected = np.linalg.slogdet(host)
            gap = np.abs(sign - expected[0]) + np.abs(logarithm - expected[1])
            note(
                "slogdet", dtype, "error / condition", float(np.max(gap / condition)) / unit, where
            )
    if a.shape[-1] <= 512:
        few = OF_A_STACK if a.shape[-1] > ONE_BY_ONE else 50
        a, wide, norm = a[:few], wide[:few], norm[:few]
        w, v = xp.linalg.eig(a)
        w, v = c.wide(w), c.wide(v)
        wide = xp.astype(wide, "complex128")
        gap = c.norms(wide @ v - v * xp.expand_dims(w, -2))
        note("eig", dtype, "residual", c.largest(gap, norm * c.norms(v)) / unit, where)
        lengths = xp.sqrt(xp.sum(xp.square(xp.abs(v)), axis=-2))
        note("eig", dtype, "lengths", float(xp.max(xp.abs(lengths - 1))) / unit, where)


def check_definite(c: Checks, a: Any, dtype: str, unit: float, where: str) -> None:
    """Cholesky factors of a a^H + 1."""
    one = xp.eye(a.shape[-1], dtype=c.wide(a).dtype, device=c.device)
    definite = xp.astype(c.wide(a) @ xp.conj(c.wide(a)).mT + one, dtype)
    wide = c.wide(definite)
    for upper in (False, True):
        factor = c.wide(xp.linalg.cholesky(definite, upper=upper))
        adjoint = xp.conj(factor).mT
        product = adjoint @ factor if upper else factor @ adjoint
        error = c.largest(c.norms(wide - product), c.norms(wide))
        note("cholesky", dtype, "residual", error / unit, where)


def check_products(c: Checks, dtype: str) -> None:
    """Products against NumPy's in double precision, element by element."""
    rng = np.random.default_rng(2)
    for stack, m, k, n in ((1, 1, 1000, 1), (1, 300, 200, 100), (64, 33, 65, 17), (1, 7, 4096, 5)):
        a, b = (rng.standard_normal((stack, *shape)) for shape in ((m, k), (k, n)))
        if np.dtype(dtype).kind == "c":
            a, b = a + 1j * a[::-1], b - 2j * b
        a, b = a.astype(dtype), b.astype(dtype)
        for x, y in ((a, b), (np.asfortranarray(a), b), (a, b.mT.copy().mT)):
            found = xp.matmul(xp.asarray(x, device=c.device), xp.asarray(y, device=c.device))
            exact = a.astype(np.complex128) @ b.astype(np.complex128)
            gap = np.abs(np.asarray(found.to_device("cpu")) - exact)
            bound = np.abs(a).astype(float) @ np.abs(b).astype(float)
            error = float(np.max(gap / bound)) / (k * float(np.finfo(dtype).eps))
            note("matmul", dtype, "error", error, f"{stack} x {m} x {k} x {n}")


def check_transforms(c: Checks, dtype: str) -> None:
    """Transforms against NumPy's in double precision; inverse ones of any spectrum."""
    rng = np.random.default_rng(3)
    eps = float(np.finfo(dtype).eps)
    real = np.dtype(dtype).kind == "f"
    for n in LENGTHS:
        for shape, axes in (((n,), (0,)), ((3, n), (1,)), ((n, 3), (0,)), ((n, 5), (0, 1))):
            x = rng.standard_normal(shape)
            unit = eps * max(np.log2(np.prod([shape[axis] for axis in axes])), 1)
            if not real:
                x = x + 1j * rng.standard_normal(shape)
            x = x.astype(dtype)
            on_device = xp.asarray(x, device=c.device)
            wide = x.astype(float if real else complex)
            pairs: list[tuple[str, Any, Array]] = []
            if real:
                pairs.append(
                    ("rfft", xp.fft.rfftn(on_device, axes=axes), np.fft.rfftn(wide, axes=axes))
                )
            else:
                pairs.append(
                    ("fft", xp.fft.fftn(on_device, axes=axes), np.fft.fftn(wide, axes=axes))
                )
                back = np.fft.ifftn(wide, axes=axes)
                pairs.append(("ifft", xp.fft.ifftn(on_device, axes=axes), back))
                half = shape[axes[-1]]
                for size in {2 * half - 2, 2 * half - 1} - {0}:
                    inverse = xp.fft.irfft(on_device, n=size, axis=axes[-1])
                    pairs.append(("irfft", inverse, np.fft.irfft(wide, size, axes[-1])))
            for name, found, expected in pairs:
                gap = np.linalg.norm(np.ravel(np.asarray(found.to_device("cpu")) - expected))
                error = float(gap / (np.linalg.norm(np.ravel(expected)) or 1)) / unit
                note(name, dtype, "error", error, f"{shape} axes {axes}")


def cases() -> Iterator[tuple[str, str, int, int, int]]:
    """(kind, dtype, stack, rows, columns), small ones first."""
    shapes = [*((s, n, n) for s, n in SQUARE), *RECTANGLES]
    for stack, m, n in sorted(shapes, key=lambda shape: max(shape[1:])):
        for kind in KINDS if max(m, n) <= 512 else ("random", "deficient"):
            # The largest in two dtypes, which differ in everything.
            for dtype in DTYPES if max(m, n) <= 1024 else ("float32", "complex128"):
                yield kind, dtype, stack, m, n


def run(c: Checks, case: tuple[str, str, int, int, int]) -> None:
    """All operations on one stack."""
    kind, dtype, stack, m, n = case
    where = f"{kind} {stack} x {m} x {n}"
    unit = float(np.finfo(dtype).eps) * max(m, n, SMALLEST_UNIT)
    checks: list[tuple[str, Callable[[], None]]] = []
    a = xp.asarray(matrices(kind, stack, m, n, dtype), device=c.device)
    checks.append(("svd", lambda: check_general(c, a, dtype, unit, where)))
    if m == n:
        b = xp.asarray(matrices(kind, stack, n, n, dtype, hermitian=True), device=c.device)
        checks.append(("eigh", lambda: check_hermitian(c, b, dtype, unit, where)))
        checks.append(("solve", lambda: check_square(c, a, kind, dtype, unit, where)))
        checks.append(("cholesky", lambda: check_definite(c, a, dtype, unit, where)))
    for name, check in checks:
        try:
            check()
        except Exception as error:  # the other operations are worth knowing without it
            note(name, dtype, f"{type(error).__name__}: {error}"[:60], np.inf, where)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compute and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.linalg_accuracy", description=__doc__
    )
    parser.add_argument("--backend", default="cuda", help="whose default device")
    parser.add_argument("--seconds", type=float, default=110.0, help="start nothing new after")
    options = parser.parse_args(arguments)

    clock = Clock(options.seconds)
    omitted = 0
    with xp.backend(options.backend) as backend:
        c = Checks(backend.devices[0])
        for dtype in DTYPES:
            clock.log(f"products and transforms, {dtype}")
            check_products(c, dtype)
            check_transforms(c, dtype)
        size = 0
        for case in cases():
            if clock.left() < 0:
                omitted += 1
                continue
            if max(case[3:]) != size:
                size = max(case[3:])
                clock.log(f"matrices of {size}")
            run(c, case)
    print(f"\nerrors in roundings of the dtype, by size; {clock.elapsed():.0f} s")
    print(f"{'operation':<10}{'quantity':<24}" + "".join(f"{dtype:>12}" for dtype in DTYPES))
    for operation, quantity in dict.fromkeys((key[0], key[2]) for key in worst):
        line = f"{operation:<10}{quantity:<24}"
        for dtype in DTYPES:
            found = worst.get((operation, dtype, quantity))
            mark = "" if found is None or found[0] <= BOUNDS.get(operation, BOUND) else "!"
            line += f"{'' if found is None else f'{found[0]:.2g}{mark}':>12}"
        where = max(
            (worst[key] for key in worst if key[0] == operation and key[2] == quantity),
            key=lambda found: found[0],
        )[1]
        print(f"{line}   {where}")
    if omitted:
        print(f"out of time, not run: {omitted} of the largest stacks of matrices")
    return 1 if any(worst[key][0] > BOUNDS.get(key[0], BOUND) for key in worst) else 0


if __name__ == "__main__":
    sys.exit(main())
