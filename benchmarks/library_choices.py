"""Which routine for which matrices: both sides of every threshold of `gpuarray_cuda.libraries`.

``python -m benchmarks.library_choices [--only NAME,...]``. In: a CUDA device. Out: for each
operation and size the routine that is chosen, then the time and, in roundings, the residual of each
that could be. A threshold is right where the chosen routine is the fastest.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

import gpuarray as xp
from benchmarks.ours import Ours
from benchmarks.timing import Clock, measure
from gpuarray_cuda.libraries import decompositions, eigenvalues, systems, transforms

__all__ = ["main"]

Array = np.ndarray[Any, Any]
BATCH_SECONDS, REPEATS = 0.005, 5


class Choice(NamedTuple):
    """An operation, the matrices it is tried on, and what makes it take each of its routines."""

    name: str
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    function: Callable[[Any], Any]
    residual: Callable[[Array, Sequence[Array]], float]
    routines: dict[str, dict[Any, dict[str, Any]]]


def _always(count: int, size: int) -> bool:
    return True


def _never(count: int, size: int) -> bool:
    return False


def _gesvd_only(*arguments: Any) -> float:
    return math.inf


def _relative(difference: Array, a: Array) -> float:
    return float(np.linalg.norm(np.ravel(difference)) / np.linalg.norm(np.ravel(a)))


def _cholesky(a: Array, found: Sequence[Array]) -> float:
    return _relative(found[0] @ found[0].conj().mT - a, a)


def _inverse(a: Array, found: Sequence[Array]) -> float:
    return _relative(a @ found[0] - np.eye(a.shape[-1]), a) / float(np.linalg.norm(found[0]))


def _qr(a: Array, found: Sequence[Array]) -> float:
    return _relative(found[0] @ found[1] - a, a)


def _svd(a: Array, found: Sequence[Array]) -> float:
    u, s, vh = found
    return _relative(u * s[..., None, :] @ vh - a, a)


def _svdvals(a: Array, found: Sequence[Array]) -> float:
    expected = np.linalg.svd(a, compute_uv=False)
    return _relative(found[0] - expected, expected)


def _eigen(a: Array, found: Sequence[Array]) -> float:
    w, v = found
    return _relative(a @ v - v * w[..., None, :], a)


def _transform(a: Array, found: Sequence[Array]) -> float:
    expected = np.fft.fft(a, axis=1)
    return _relative(found[0] - expected, expected)


def choices(libraries: Any) -> list[Choice]:
    """All of them; `libraries` are the device's."""
    together = {systems: {"batched": _always}}
    apart = {systems: {"batched": _never}}
    stacks = tuple(
        (count, n, n)
        for n in (8, 32, 64, 128, 256, 512)
        for count in (1, 8, 64)
        if count * n < 9999
    )
    both = ("float32", "float64")
    return [
        Choice(
            *("cholesky", (*stacks, (1, 4096, 4096)), both, xp.linalg.cholesky, _cholesky),
            {"potrf": apart, "potrf_batched": together},
        ),
        Choice(
            *("inv", stacks, both, xp.linalg.inv, _inverse),
            {"getrf": apart, "getrf_batched": together},
        ),
        Choice(
            *("qr", stacks, ("float32", "complex128"), xp.linalg.qr, _qr),
            {
                "geqrf, orgqr": {
                    decompositions: {"FEWEST_QR_TOGETHER": 1 << 40, "ALWAYS_TOGETHER": 0}
                },
                "batched": {decompositions: {"ALWAYS_TOGETHER": 1 << 40}},
            },
        ),
        Choice(
            *("svd", ((1, 16, 16), (1, 32, 32), (1, 64, 64), (1, 256, 256), (1, 1024, 1024))),
            *(both, lambda a: xp.linalg.svd(a, full_matrices=False), _svd),
            {
                "gesvdp": {decompositions: {"LARGEST_JACOBI": 0}},
                "gesvd": {
                    decompositions: {"LARGEST_JACOBI": 0},
                    libraries: {"gesvdp": _gesvd_only},
                },
                "as chosen": {},
            },
        ),
        Choice(
            *("svdvals", ((1, 32, 32), (1, 128, 128), (1, 1024, 1024)), both),
            *(xp.linalg.svdvals, _svdvals),
            {
                "gesvdp": {decompositions: {"LARGEST_JACOBI": 0}},
                "gesvd": {
                    decompositions: {"LARGEST_JACOBI": 0},
                    libraries: {"gesvdp": _gesvd_only},
                },
                "as chosen": {},
            },
        ),
        Choice(
            *("eigh", (*stacks, (1, 1024, 1024), (4, 1024, 1024)), both, xp.linalg.eigh, _eigen),
            {
                "syevd": {eigenvalues: {"FEWEST_HERMITIAN_TOGETHER": 1 << 40}},
                "syev_batched": {
                    eigenvalues: {
                        "FEWEST_HERMITIAN_TOGETHER": 1,
                        "LARGEST_HERMITIAN_TOGETHER": 1 << 40,
                    }
                },
            },
        ),
        Choice(
            *("eig", ((1, 16, 16), (1, 64, 64), (1, 128, 128), (1, 256, 256), (16, 64, 64))),
            *(("float64", "complex64"), xp.linalg.eig, _eigen),
            {
                "geev": {eigenvalues: {"LARGEST_ON_HOST": 0}},
                "host": {eigenvalues: {"LARGEST_ON_HOST": 1 << 40}},
            },
        ),
        Choice(
            *("fft axis 1", ((8, 256, 64), (64, 256, 64), (64, 64, 1024), (256, 1024, 256))),
            *(("complex64",), lambda a: xp.fft.fft(a, axis=1), _transform),
            {
                "calls": {transforms: {"MOST_CALLS": 1 << 40}},
                "brought to the end": {
                    transforms: {"MOST_CALLS": 0, "ELEMENTS_OF_A_CALL": 1 << 60}
                },
            },
        ),
    ]


@contextmanager
def with_values(values: dict[Any, dict[str, Any]]) -> Iterator[None]:
    """Other values of attributes within a block."""
    before = [
        (target, name, target.__dict__.get(name))
        for target, changed in values.items()
        for name in changed
    ]
    try:
        for target, changed in values.items():
            for name, value in changed.items():
                setattr(target, name, value)
        yield
    finally:
        for target, name, value in before:
            if value is None:
                delattr(target, name)
            else:
                setattr(target, name, value)


def made(name: str, shape: tuple[int, ...], dtype: str) -> Array:
    """A stack of matrices that the operation is for."""
    rng = np.random.default_rng(1)
    a = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.standard_normal(shape)
    if name == "cholesky":
        a = a @ a.conj().mT / shape[-1] + np.eye(shape[-1])
    if name == "eigh":
        a = a + a.conj().mT
    return a.astype(dtype)


def routines_of(choice: Choice, libraries: Any, x: Any) -> str:
    """The routine that is taken by itself, as its calls show."""
    seen: set[str] = set()
    noted = {
        routine: _noting(getattr(libraries, routine), routine, seen)
        for routine in (
            *("potrf", "potrf_batched", "getrf", "getrf_batched", "geqrf"),
            *("gesvdp", "gesvd", "gesvdj_batched", "syevd", "syev_batched", "geev", "transform"),
        )
    }
    with with_values({libraries: noted}):
        choice.function(x)
    return " ".join(sorted(seen)) or "host"


def _noting(function: Callable[..., Any], name: str, seen: set[str]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        seen.add(name)
        return function(*arguments, **named)

    return call


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.library_choices", description=__doc__
    )
    parser.add_argument("--only", default="", help="names of operations, separated by commas")
    parser.add_argument("--seconds", type=float, default=120.0, help="start nothing new after")
    options = parser.parse_args(arguments)

    clock = Clock(options.seconds)
    ours = Ours()
    libraries = ours.executor.runtime.libraries
    print(f"milliseconds and, in brackets, roundings of the residual; {ours.version}")
    for choice in choices(libraries):
        if options.only and choice.name not in options.only.split(","):
            continue
        for dtype in choice.dtypes:
            for shape in choice.shapes:
                if clock.left() < 0:
                    print(f"out of time before {choice.name} {dtype} {shape}")
                    return 0
                print(line(choice, shape, dtype, ours, libraries), flush=True)
    return 0


def line(choice: Choice, shape: tuple[int, ...], dtype: str, ours: Ours, libraries: Any) -> str:
    """What each routine takes for matrices of a shape."""
    host = made(choice.name, shape, dtype)
    x = ours.array(host)
    rounding = float(np.finfo(dtype).eps)
    taken = routines_of(choice, libraries, x)
    cells = []
    for name, values in choice.routines.items():
        with with_values(values):
            try:
                found = choice.function(x)
                results = [ours.host(y) for y in (found if isinstance(found, tuple) else (found,))]
                roundings = choice.residual(host, results) / rounding
                timing = measure(
                    lambda: choice.function(x),
                    ours.wait,
                    repeats=REPEATS,
                    batch_seconds=BATCH_SECONDS,
                )
                cell = f"{name} {1e3 * timing.seconds:.3f} ({roundings:.2g})"
            except Exception as error:  # the others are worth knowing without it
                cell = f"{name} failed: {type(error).__name__}: {error}"[:120]
        cells.append(cell)
    title = f"{choice.name} {dtype} {'x'.join(map(str, shape))}"
    return f"{title:<36}{taken:<18}" + "".join(f"{cell:<36}" for cell in cells)


if __name__ == "__main__":
    sys.exit(main())
