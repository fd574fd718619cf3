"""Solvers and decompositions on the device: every dtype, strides and stacks; what fails and how."""

from __future__ import annotations

import gc
import re
from typing import Any

import numpy as np
import pytest

from gpuarray.errors import DeviceError
from gpuarray_cuda.libraries import decompositions, eigenvalues, matrices

from .library_operands import REAL, Libraries, libraries, tolerance

__all__ = ["libraries"]

Array = np.ndarray[Any, Any]
DTYPES = ("float32", "float64", "complex64", "complex128")
STACKS: list[tuple[int, ...]] = [(), (1,), (3,), (2, 3)]
SIZES = (1, 2, 5, 35)
SIMULATED = pytest.mark.skipif(REAL, reason="looks at the simulator's calls")


def random(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    found = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * rng.standard_normal(shape)
    return found.astype(dtype)


def definite(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Array:
    x = random(rng, shape, dtype)
    return x @ adjoint(x) + shape[-1] * np.eye(shape[-1], dtype=dtype)


def adjoint(x: Array) -> Array:
    return x.conj().mT


def layouts(x: Array) -> list[Array]:
    """The same elements in memory in other ways."""
    padded = np.full((*x.shape[:-2], x.shape[-2] + 2, x.shape[-1] + 3), np.nan, x.dtype)
    inside = padded[..., 1:-1, 2:-1]
    inside[...] = x
    found = [np.ascontiguousarray(x), x.mT.copy().mT, inside]
    found.append(x[..., ::-1, ::-1].copy()[..., ::-1, ::-1])
    if x.ndim > 2:
        found.append(x[::-1].copy()[::-1])
        found.append(np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0))
    return found


def close(found: Array, expected: Array, scale: float = 1.0) -> None:
    """Equal up to rounding, relative to the largest element of all."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    size = max(expected.shape[-2:], default=1)
    bound = scale * tolerance(expected.dtype, size) * max(float(np.abs(expected).max()), 1e-30)
    assert np.abs(found - expected).max() <= bound


def orthonormal(x: Array) -> None:
    close(
        adjoint(x) @ x, np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), (adjoint(x) @ x).shape)
    )


CASES = [(stack, n) for stack in STACKS for n in SIZES]


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("stack", "n"), CASES, ids=str)
def test_cholesky(
    libraries: Libraries, stack: tuple[int, ...], n: int, dtype: str, upper: bool
) -> None:
    rng = np.random.default_rng(1)
    a = definite(rng, (*stack, n, n), dtype)
    # The other triangle is not read.
    rows, columns = np.tril_indices(n, -1) if upper else np.triu_indices(n, 1)
    a[..., rows, columns] = 7
    lower = np.linalg.cholesky(adjoint(a) if upper else a)
    for x in layouts(a):
        close(libraries("cholesky", a=x, upper=upper), adjoint(lower) if upper else lower)


@pytest.mark.parametrize("upper", [False, True])
def test_the_other_triangle_of_a_large_factor_is_zero(libraries: Libraries, upper: bool) -> None:
    n = 1030  # a block clears 1024 elements of a column
    a = np.eye(n) * n + np.minimum.outer(np.arange(n), np.arange(n))
    factor = libraries("cholesky", a=a, upper=upper)
    assert np.all((np.tril(factor, -1) if upper else np.triu(factor, 1)) == 0)
    close(adjoint(factor) @ factor if upper else factor @ adjoint(factor), a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("stack", "n"), CASES, ids=str)
def test_solve(libraries: Libraries, stack: tuple[int, ...], n: int, dtype: str) -> None:
    rng = np.random.default_rng(2)
    a = random(rng, (*stack, n, n), dtype) + 3 * np.eye(n, dtype=dtype)
    for k in (1, 4):
        b = random(rng, (*stack, n, k), dtype)
        for x, y in zip(layouts(a), layouts(b), strict=True):
            found = libraries("solve", a=x, b=y)
            close(x @ found, b, 10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("stack", "n"), CASES, ids=str)
def test_inverses_and_determinants(
    libraries: Libraries, stack: tuple[int, ...], n: int, dtype: str
) -> None:
    rng = np.random.default_rng(3)
    a = random(rng, (*stack, n, n), dtype)
    wide = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
    for x in layouts(a):
        inverse = libraries("inv", a=x)
        condition = float(np.max(np.linalg.cond(wide)))
        close(inverse, np.linalg.inv(wide).astype(dtype), condition)
        bound = tolerance(dtype, n) * condition
        np.testing.assert_allclose(libraries("det", a=x), np.linalg.det(wide), rtol=bound)
        sign, logarithm = libraries("slogdet", a=x)
        expected = np.linalg.slogdet(wide)
        assert sign.dtype == a.dtype
        assert logarithm.dtype == a.real.dtype
        np.testing.assert_allclose(sign, expected[0], atol=bound)
        np.testing.assert_allclose(logarithm, expected[1], rtol=bound, atol=bound)


def test_inverses_of_ill_conditioned_matrices_have_a_small_residual(libraries: Libraries) -> None:
    """That of A X, as NumPy's have; the inverse of a transpose has one of X A."""
    n, eps = 8, float(np.finfo(np.float64).eps)
    rng = np.random.default_rng(12)
    u, v = (np.linalg.qr(rng.standard_normal((1000, n, n)))[0] for _ in range(2))
    a = (u * np.geomspace(1, 100 * eps, n)) @ v
    x = libraries("inv", a=a)
    norms = np.linalg.norm(a, axis=(-2, -1)) * np.linalg.norm(x, axis=(-2, -1))
    assert np.max(np.linalg.norm(a @ x - np.eye(n), axis=(-2, -1)) / norms) <= 10 * n * eps


@pytest.mark.parametrize("dtype", DTYPES)
def test_determinants_beyond_the_range_of_numbers(libraries: Libraries, dtype: str) -> None:
    n = 40
    a = np.stack([1e15 * np.eye(n), 1e-15 * np.eye(n), np.diag([1e15, 1e-15] * (n // 2))])
    a = a.astype(dtype)
    a[2, [0, 1]] = a[2, [1, 0]]
    found = libraries("det", a=a)
    if np.dtype(dtype).itemsize <= 8 and dtype != "float64":
        assert not np.isfinite(found[0])
        assert found[1] == 0
    np.testing.assert_allclose(found[2], -1, rtol=1e-4)
    sign, logarithm = libraries("slogdet", a=a)
    np.testing.assert_array_equal(sign, [1, 1, -1])
    expected = n * 15 * np.log(10)
    np.testing.assert_allclose(logarithm[:2], [expected, -expected], rtol=1e-6)
    np.testing.assert_allclose(logarithm[2], 0, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("n", [3, 40])
def test_determinants_of_singular_matrices_are_zero(
    libraries: Libraries, dtype: str, count: int, n: int
) -> None:
    a = np.broadcast_to(np.ones((n, n), dtype), (count, n, n))
    assert np.all(libraries("det", a=a) == 0)
    sign, logarithm = libraries("slogdet", a=a)
    assert np.all(sign == 0)
    assert np.all(logarithm == -np.inf)


QR_SHAPES = [(1, 1), (4, 4), (7, 3), (3, 7), (5, 1), (1, 5), (9, 8)]


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", QR_SHAPES, ids=str)
@pytest.mark.parametrize("stack", [*STACKS, (5,)], ids=str)
def test_qr(
    libraries: Libraries,
    stack: tuple[int, ...],
    shape: tuple[int, int],
    dtype: str,
    complete: bool,
) -> None:
    rng = np.random.default_rng(4)
    a = random(rng, (*stack, *shape), dtype)
    m, n = shape
    k = m if complete else min(m, n)
    for x in layouts(a):
        q, r = libraries("qr", a=x, complete=complete)
        assert q.shape == (*stack, m, k)
        assert r.shape == (*stack, k, n)
        close(q @ r, a)
        orthonormal(q)
        assert np.all(np.tril(r, -1) == 0)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*QR_SHAPES, (40, 33), (33, 40), (50, 2), (2, 50)], ids=str)
@pytest.mark.parametrize("stack", STACKS, ids=str)
def test_svd(
    libraries: Libraries, stack: tuple[int, ...], shape: tuple[int, int], dtype: str, full: bool
) -> None:
    rng = np.random.default_rng(5)
    a = random(rng, (*stack, *shape), dtype)
    m, n = shape
    k = min(m, n)
    for x in layouts(a):
        u, s, vh = libraries("svd", a=x, full=full)
        assert u.shape == (*stack, m, m if full else k)
        assert vh.shape == (*stack, n if full else k, n)
        close(u[..., :k] * s[..., None, :] @ vh[..., :k, :], a)
        orthonormal(u)
        orthonormal(adjoint(vh))
        expected = np.linalg.svd(a, compute_uv=False)
        close(s[..., None], expected[..., None])
        close(libraries("svdvals", a=x)[..., None], expected[..., None])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("stack", "n"), [*CASES, ((), 40), ((3,), 40)], ids=str)
def test_hermitian_eigenvalues(
    libraries: Libraries, stack: tuple[int, ...], n: int, dtype: str
) -> None:
    rng = np.random.default_rng(6)
    a = random(rng, (*stack, n, n), dtype)
    a = a + adjoint(a)
    expected = np.linalg.eigvalsh(a)
    for x in layouts(a):
        w, v = libraries("eigh", a=x)
        close(a @ v, v * w[..., None, :].astype(dtype))
        orthonormal(v)
        close(w[..., None], expected[..., None])
        close(libraries("eigvalsh", a=x)[..., None], expected[..., None])


@pytest.mark.parametrize("other", [9.0, np.nan])
def test_eigh_reads_the_lower_triangle(libraries: Libraries, other: float) -> None:
    a = np.array([[1.0, other], [2.0, 3.0]])
    expected = np.linalg.eigvalsh(a, UPLO="L")
    np.testing.assert_allclose(libraries("eigh", a=a)[0], expected)
    np.testing.assert_allclose(libraries("eigvalsh", a=np.asfortranarray(a)), expected)


@pytest.mark.parametrize("on_host", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("stack", "n"), CASES, ids=str)
def test_general_eigenvalues(
    libraries: Libraries,
    stack: tuple[int, ...],
    n: int,
    dtype: str,
    on_host: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not on_host:
        monkeypatch.setattr(eigenvalues, "LARGEST_ON_HOST", 0)
    rng = np.random.default_rng(7)
    a = random(rng, (*stack, n, n), dtype)
    complex_dtype = np.result_type(dtype, np.complex64)
    for x in layouts(a):
        w, v = libraries("eig", a=x)
        assert w.dtype == v.dtype == complex_dtype
        close(a @ v, v * w[..., None, :], 10)
        np.testing.assert_allclose(np.linalg.norm(v, axis=-2), 1, rtol=1e-5)
        values = libraries("eigvals", a=x)
        assert values.dtype == complex_dtype
        distance = np.abs(values[..., :, None] - w[..., None, :]).min(axis=-1)
        assert distance.max() <= 1e-3 if np.dtype(dtype).itemsize < 16 else 1e-10
    if not REAL:
        assert ("geev" in libraries.calls) == (not on_host)


def test_real_matrices_with_conjugate_pairs(
    libraries: Libraries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eigenvalues, "LARGEST_ON_HOST", 0)
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    a = np.zeros((5, 5))
    a[:2, :2], a[2, 2], a[3:, 3:] = 2 * turn, 5, turn
    w, v = libraries("eig", a=a)
    np.testing.assert_allclose(a @ v, v * w, atol=1e-14)
    np.testing.assert_allclose(np.sort_complex(w), [-2j, -1j, 1j, 2j, 5], atol=1e-14)


# Which routine


@SIMULATED
@pytest.mark.parametrize(
    ("count", "n", "together"),
    [(1, 5, True), (6, 5, True), (1, 40, False), (6, 40, True), (2, 257, False)],
)
def test_small_matrices_and_many_of_them_go_together(
    libraries: Libraries, count: int, n: int, together: bool
) -> None:
    a = definite(np.random.default_rng(8), (count, n, n), "float64")
    suffix = "_batched" if together else ""
    for name, calls in (
        ("cholesky", [f"potrf{suffix}"]),
        ("inv", [f"getrf{suffix}", f"getrs{suffix}"]),
        ("det", [f"getrf{suffix}"]),
        ("qr", [] if together else ["geqrf", "orgqr"]),
        ("eigvalsh", ["syev_batched" if count > 1 else "syevd"]),
    ):
        more = {"cholesky": {"upper": False}, "qr": {"complete": False}}.get(name, {})
        libraries.calls  # noqa: B018
        libraries(name, a=a, **more)
        found = libraries.calls
        assert found == (calls if together or name == "eigvalsh" else _each(calls, count))


def _each(calls: list[str], count: int) -> list[str]:
    """So many of each, one routine after the other."""
    return [call for call in calls for _ in range(count)]


@SIMULATED
def test_large_matrices_go_one_by_one(
    libraries: Libraries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "_ALWAYS_BATCHED", 4)
    monkeypatch.setattr(matrices, "_LARGEST_BATCHED", 4)
    monkeypatch.setattr(decompositions, "ALWAYS_TOGETHER", 4)
    monkeypatch.setattr(eigenvalues, "LARGEST_HERMITIAN_TOGETHER", 4)
    monkeypatch.setattr(decompositions, "LARGEST_QR_TOGETHER", 4)
    a = definite(np.random.default_rng(9), (6, 5, 5), "complex128")
    lower = libraries("cholesky", a=a, upper=False)
    close(lower @ adjoint(lower), a)
    close(a @ libraries("inv", a=a), np.broadcast_to(np.eye(5, dtype=a.dtype), a.shape), 10)
    close(a @ libraries("solve", a=a, b=a[..., :2]), a[..., :2])
    np.testing.assert_allclose(libraries("det", a=a), np.linalg.det(a))
    q, r = libraries("qr", a=a, complete=False)
    close(q @ r, a)
    w, v = libraries("eigh", a=a)
    close(a @ v, v * w[:, None, :].astype(a.dtype))
    calls = libraries.calls
    expected = {"potrf": 6, "getrf": 18, "getrs": 12, "geqrf": 6, "orgqr": 6, "syevd": 6}
    assert {call: calls.count(call) for call in calls} == expected


@SIMULATED
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(40, 33), (33, 40), (40, 40)], ids=str)
@pytest.mark.parametrize("reason", ["perturbed", "not converged"])
def test_a_doubtful_polar_decomposition_is_done_again(
    libraries: Libraries, shape: tuple[int, int], dtype: str, reason: str
) -> None:
    assert libraries.runtime is not None
    simulated = libraries.runtime.libraries
    a = random(np.random.default_rng(10), (2, *shape), dtype)
    if reason == "perturbed":
        simulated.perturbation = 0.1
    else:
        simulated.fail.add("gesvdp")
    try:
        libraries.calls  # noqa: B018
        for x in layouts(a):
            for full in (False, True):
                u, s, vh = libraries("svd", a=x, full=full)
                k = min(shape)
                close(u[..., :k] * s[..., None, :] @ vh[..., :k, :], a)
                assert libraries.calls == ["gesvdp", "gesvdp", "gesvd", "gesvd"]
            expected = np.linalg.svd(a, compute_uv=False)
            close(libraries("svdvals", a=x)[..., None], expected[..., None])
            assert libraries.calls == ["gesvdp", "gesvdp", "gesvd", "gesvd"]
    finally:
        simulated.perturbation = 0.0
        simulated.fail.clear()


@SIMULATED
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3)], ids=str)
def test_what_jacobi_leaves_is_done_again(
    libraries: Libraries, shape: tuple[int, int], dtype: str
) -> None:
    assert libraries.runtime is not None
    a = random(np.random.default_rng(10), (2, *shape), dtype)
    k = min(shape)
    libraries.runtime.libraries.fail.add("gesvdj_batched")
    try:
        libraries.calls  # noqa: B018
        for full in (False, True):
            u, s, vh = libraries("svd", a=a, full=full)
            assert libraries.calls[-2:] == ["gesvd", "gesvd"]
            close(u[..., :k] * s[..., None, :] @ vh[..., :k, :], a)
            orthonormal(u)
            orthonormal(adjoint(vh))
        expected = np.linalg.svd(a, compute_uv=False)
        close(libraries("svdvals", a=a)[..., None], expected[..., None])
    finally:
        libraries.runtime.libraries.fail.clear()


# Elements whose squares overflow or vanish


@pytest.mark.parametrize("power", [120, -120])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (5, 5), (20, 20), (40, 33), (33, 70)], ids=str)
@pytest.mark.parametrize("stack", [(), (3,)], ids=str)
def test_extreme_matrices(
    libraries: Libraries, stack: tuple[int, ...], shape: tuple[int, int], dtype: str, power: int
) -> None:
    """One matrix of a stack is extreme, the others are not."""
    if np.finfo(dtype).dtype == np.float64:
        power *= 8
    a = random(np.random.default_rng(11), (*stack, *shape), dtype)
    factors = np.ones(stack)
    factors[(..., 0) if stack else ()] = 2.0**power
    extreme = (a * factors[..., None, None]).astype(dtype)
    back = (1 / factors)[..., None, None]

    def near(x: Array) -> Array:
        return (x * back).astype(x.dtype)

    q, r = libraries("qr", a=extreme, complete=False)
    close(q @ near(r), a)
    orthonormal(q)
    u, s, vh = libraries("svd", a=extreme, full=False)
    close(u * near(s[..., None])[..., 0][..., None, :] @ vh, a)
    orthonormal(u)
    orthonormal(adjoint(vh))
    close(libraries("svdvals", a=extreme)[..., None], s[..., None])
    if shape[0] == shape[1]:
        # Half of its range, in which the solutions are numbers too.
        root = np.exp2(np.log2(factors) / 2)[..., None, None]
        b = (a[..., :1] * root).astype(dtype)
        x = libraries("solve", a=extreme, b=b)
        condition = float(np.max(np.linalg.cond(a.astype(np.complex128))))
        close(
            (x * root).astype(dtype),
            np.broadcast_to(np.eye(*shape, dtype=dtype)[:, :1], x.shape),
            condition,
        )
        sign, logarithm = libraries("slogdet", a=extreme)
        expected = np.linalg.slogdet(a.astype(np.complex128))
        shift = shape[0] * np.log(factors)
        np.testing.assert_allclose(sign, expected[0], atol=1e-3)
        np.testing.assert_allclose(logarithm, expected[1] + shift, rtol=1e-4, atol=1e-4)
        hermitian = a + adjoint(a)
        w, v = libraries("eigh", a=extreme + adjoint(extreme))
        close(hermitian @ v, v * near(w[..., None])[..., 0][..., None, :].astype(dtype))
        orthonormal(v)


# Failures


def failing(stack: tuple[int, ...], bad: list[tuple[int, ...]], value: Array) -> Array:
    found = np.broadcast_to(np.eye(len(value)) * 2, (*stack, *value.shape)).copy()
    for index in bad:
        found[index] = value
    return found


SINGULAR = np.ones((3, 3))
INDEFINITE = np.diag([1.0, -1.0, 1.0])
NOT_FINITE = np.full((3, 3), np.nan)
STACKED: list[tuple[tuple[int, ...], list[tuple[int, ...]], str]] = [
    ((), [()], "the matrix"),
    ((3,), [(1,)], "matrix [1] of the stack"),
    ((2, 3), [(1, 0), (1, 2)], "matrix [1, 0] of the stack (and 1 more)"),
]


@pytest.mark.parametrize(("stack", "bad", "which"), STACKED, ids=["one", "stack", "several"])
@pytest.mark.parametrize(
    ("name", "value", "problem", "more"),
    [
        ("cholesky", INDEFINITE, "is not positive definite", {"upper": False}),
        ("cholesky", INDEFINITE, "is not positive definite", {"upper": True}),
        ("inv", SINGULAR, "is singular", {}),
        ("solve", SINGULAR, "is singular", {}),
        ("svd", NOT_FINITE, "has infinities or NaN", {"full": True}),
        ("svdvals", NOT_FINITE, "has infinities or NaN", {}),
        ("eigh", NOT_FINITE, "has infinities or NaN", {}),
        ("eigvalsh", NOT_FINITE, "has infinities or NaN", {}),
        ("eig", NOT_FINITE, "has infinities or NaN", {}),
        ("eigvals", NOT_FINITE, "has infinities or NaN", {}),
    ],
)
def test_failures_name_the_operation_and_the_matrix(
    libraries: Libraries,
    name: str,
    value: Array,
    problem: str,
    more: dict[str, Any],
    stack: tuple[int, ...],
    bad: list[tuple[int, ...]],
    which: str,
) -> None:
    a = failing(stack, bad, value)
    if name == "solve":
        more = {"b": a.copy()}
    for x in layouts(a):
        with pytest.raises(np.linalg.LinAlgError, match=re.escape(f"{name}: {which} {problem}")):
            libraries(name, a=x, **more)


def test_large_matrices_that_are_not_finite(libraries: Libraries) -> None:
    n = eigenvalues.LARGEST_ON_HOST + 1
    a = np.eye(n)
    a[3, 2] = np.inf
    for name in ("eig", "eigvals", "svdvals", "eigh"):
        with pytest.raises(np.linalg.LinAlgError, match=f"{name}: the matrix has infinities"):
            libraries(name, a=a)


@SIMULATED
@pytest.mark.parametrize(
    ("name", "routines", "shape"),
    [
        ("svdvals", "gesvdj_batched gesvd", (4, 4)),
        ("eigh", "syevd", (4, 4)),
        ("eigvalsh", "syev_batched", (2, 4, 4)),
        ("eig", "geev", (70, 70)),
    ],
)
def test_iterations_that_do_not_converge(
    libraries: Libraries, name: str, routines: str, shape: tuple[int, ...]
) -> None:
    assert libraries.runtime is not None
    simulated = libraries.runtime.libraries
    simulated.fail.update(routines.split())
    try:
        with pytest.raises(np.linalg.LinAlgError, match=f"{name}: .* do not converge"):
            libraries(name, a=np.broadcast_to(np.eye(shape[-1]), shape))
    finally:
        simulated.fail.clear()


@SIMULATED
def test_faults_of_libraries_are_errors_of_the_call(libraries: Libraries) -> None:
    assert libraries.runtime is not None
    with (
        libraries.runtime._runtime.failing(kind="library", error=DeviceError("no handle")),
        pytest.raises(DeviceError, match="no handle"),
    ):
        libraries("inv", a=np.eye(3))
    np.testing.assert_array_equal(libraries("inv", a=np.eye(3)), np.eye(3))


@SIMULATED
def test_all_scratch_memory_is_given_back(libraries: Libraries) -> None:
    assert libraries.runtime is not None
    a = definite(np.random.default_rng(11), (2, 40, 40), "complex64")
    gc.collect()  # what failures before this test have left behind
    libraries("inv", a=a)
    before = libraries.runtime.memory().used
    for name, more in (
        ("matmul", {"b": a}),
        ("solve", {"b": a}),
        ("cholesky", {"upper": True}),
        ("qr", {"complete": True}),
        ("svd", {"full": True}),
        ("eigh", {}),
        ("eig", {}),
        ("slogdet", {}),
    ):
        libraries(name, a=a, **more)
        assert libraries.runtime.memory().used == before
    libraries("irfft", x=a, axes=(0, 1, 2), size=78)
    assert libraries.runtime.memory().used == before
