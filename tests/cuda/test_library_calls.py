"""The calls of cuBLAS, cuSOLVER and cuFFT, as nvmath-python has them; needs no GPU.

The hooks run through the code that the real device runs through, up to nvmath's functions; these
are `nvmath_on_cpu`'s. Whether NVIDIA's libraries do what they promise only a device can show.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pytest

from gpuarray.errors import BackendUnavailable, DeviceError, OutOfMemory
from gpuarray.graph.node import intern_layout
from gpuarray.operations.library import LIBRARY
from gpuarray.plugins import Operand
from gpuarray_cuda.libraries import (
    blas,
    eigenvalues,
    fourier,
    interface,
    light,
    loading,
    solver,
)
from gpuarray_cuda.libraries.nvidia import NvidiaLibraries

from .library_operands import REAL, Libraries, libraries

pytest.importorskip("nvmath.bindings", reason="nvmath-python is not installed")
if REAL:
    pytest.skip("the real libraries answer there", allow_module_level=True)

from .nvmath_on_cpu import NvmathOnCpu

__all__ = ["libraries"]

Array = np.ndarray[Any, Any]
DTYPES = ("float32", "float64", "complex64", "complex128")


class Context:
    """As much of `gpuarray_cuda.context.Context` as the libraries use."""

    ordinal = 0

    def current(self) -> AbstractContextManager[None]:
        return nullcontext()


@pytest.fixture
def nvmath(libraries: Libraries, monkeypatch: pytest.MonkeyPatch) -> NvmathOnCpu:
    """NVIDIA's libraries by their functions, in the place of the simulator's."""
    device = libraries.runtime
    assert device is not None
    found = NvmathOnCpu(device)
    for module in (blas, light, solver, fourier):
        monkeypatch.setattr(module, "bindings", lambda: found.bindings)
    monkeypatch.setattr(blas, "WORKSPACE_BYTES", 4096)
    made = NvidiaLibraries(Context(), device)  # type: ignore[arg-type]
    monkeypatch.setattr(device, "libraries", made)
    return found


def random(shape: tuple[int, ...], dtype: str) -> Array:
    rng = np.random.default_rng(1)
    found = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * rng.standard_normal(shape)
    return found.astype(dtype)


def definite(shape: tuple[int, ...], dtype: str) -> Array:
    x = random(shape, dtype)
    return x @ x.conj().mT + shape[-1] * np.eye(shape[-1], dtype=dtype)


def check(libraries: Libraries, name: str, **arguments: Any) -> None:
    """The result of a hook is NumPy's."""
    found = libraries(name, **arguments)
    expected = LIBRARY[name](**arguments)
    for x, y in zip(found if isinstance(found, list) else [found], expected, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=2e-3, atol=2e-3)


ADDENDS: dict[str, Callable[[Array], Array]] = {
    "a row": lambda c: np.broadcast_to(c[:1], c.shape),
    "a matrix": lambda c: c,
    "a matrix with padding": lambda c: np.concatenate([c, c], axis=1)[:, : c.shape[1]],
    "a column": lambda c: np.broadcast_to(c[:, :1], c.shape),
    "a row backwards": lambda c: np.broadcast_to(c[:1, ::-1], c.shape),
}


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("name", ADDENDS)
def test_products_with_an_addition(
    libraries: Libraries,
    nvmath: NvmathOnCpu,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    left: bool,
    right: bool,
) -> None:
    monkeypatch.setattr(light, "SMALLEST_RESULT", 1)
    a, b = random((8, 12), "float32"), random((12, 20), "float32")
    a, b = a.T.copy().T if left else a, b.T.copy().T if right else b
    c = ADDENDS[name](random((8, 20), "float32"))
    given = {key: libraries.operand(x) for key, x in {"a": a, "b": b, "c": c}.items()}
    hook = libraries.device.hook.gpuarray_matmul_add
    found = hook(device=libraries.device, **given)
    taken = name in ("a row", "a matrix")
    assert (found is not None) == taken
    if taken:
        np.testing.assert_allclose(libraries.array(found[0]), a @ b + c, rtol=1e-5, atol=1e-5)
        # The product alone is computed by the same algorithm, which is looked for once.
        check(libraries, "matmul", a=a, b=b)
        assert nvmath.called["cublasLt.matmul"] == 2
        assert nvmath.called["cublasLt.matmul_algo_get_heuristic"] == 1
        assert nvmath.called["cublas.gemm_ex"] == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("smallest", [1, 1 << 12])
def test_products_with_a_factor(
    libraries: Libraries,
    nvmath: NvmathOnCpu,
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    smallest: int,
) -> None:
    monkeypatch.setattr(light, "SMALLEST_RESULT", smallest)
    a, b = random((8, 12), dtype), random((12, 20), dtype)
    given = {key: libraries.operand(x) for key, x in {"a": a, "b": b}.items()}
    hook = libraries.device.hook.gpuarray_matmul_scaled
    for scale in (0.25, -3.0, 1.0):
        (found,) = hook(device=libraries.device, **given, scale=scale)
        np.testing.assert_allclose(libraries.array(found), scale * (a @ b), rtol=1e-4, atol=1e-5)
    by_light = smallest == 1 and dtype == "float32"
    assert nvmath.called["cublasLt.matmul"] == 3 * by_light
    assert nvmath.called["cublas.gemm_ex"] == 3 * (not by_light)
    for scale in (1e-40, 1e39):
        found = hook(device=libraries.device, **given, scale=scale)
        assert (found is None) == (np.dtype(dtype).itemsize == 4)


def test_what_cublaslt_does_not_add_is_left_to_a_kernel(
    libraries: Libraries, nvmath: NvmathOnCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(light, "SMALLEST_RESULT", 1)

    def added(dtype: str = "float32", aligned: bool = True, row: bool = True) -> bool:
        a, b, c = random((8, 12), dtype), random((12, 20), dtype), random((8, 20), dtype)
        c = np.broadcast_to(c[:1], c.shape) if row else c
        hook = libraries.device.hook.gpuarray_matmul_add
        operands = {key: libraries.operand(x) for key, x in {"a": a, "b": b, "c": c}.items()}
        if not aligned:
            raw = libraries.operand(np.zeros(12 * 20 + 4, dtype))
            layout = intern_layout(np.dtype(dtype), (12, 20), (20, 1), 4)
            operands["b"] = Operand(raw.buffer, 4, layout)
        return hook(device=libraries.device, **operands) is not None

    assert added()
    assert not added("float64")
    assert not added("complex64")
    assert not added(aligned=False)
    nvmath.bindings.cublaslt.refused.add(4)
    assert added(), "the algorithm of these sizes is known"
    libraries.runtime.libraries._recipes.clear()  # type: ignore[union-attr, attr-defined]
    assert not added()
    assert added(row=False)
    nvmath.bindings.cublaslt.refused.add(1)
    libraries.runtime.libraries._recipes.clear()  # type: ignore[union-attr, attr-defined]
    assert not added(row=False)
    check(libraries, "matmul", a=random((8, 12), "float32"), b=random((12, 20), "float32"))
    assert nvmath.called["cublas.gemm_ex"] == 1


def test_recipes_are_kept_and_the_oldest_is_given_up(
    libraries: Libraries, nvmath: NvmathOnCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(light, "SMALLEST_RESULT", 64)
    monkeypatch.setattr(light, "KEPT_RECIPES", 2)
    b = random((8, 8), "float32")
    for rows in (8, 9, 10, 10, 9, 8):
        check(libraries, "matmul", a=random((rows, 8), "float32"), b=b)
    assert nvmath.called["cublasLt.matmul_algo_get_heuristic"] == 4
    # Two recipes of two operations and three layouts each, and the preference.
    assert len(nvmath.bindings.cublaslt.living) == 2 * 5 + 1
    check(libraries, "matmul", a=random((4, 8), "float32"), b=b)
    assert nvmath.called["cublas.gemm_ex"] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_products(
    libraries: Libraries, nvmath: NvmathOnCpu, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blas, "LARGEST_BATCH", 2)
    a, b = random((2, 3, 4, 5), dtype), random((2, 3, 5, 6), dtype)
    check(libraries, "matmul", a=a[0, 0], b=b[0, 0])
    check(libraries, "matmul", a=b[0, 0].T, b=a[0, 0].T)
    check(libraries, "matmul", a=a, b=b)
    check(
        libraries, "matmul", a=np.broadcast_to(a[:1], a.shape), b=np.broadcast_to(b[:, :1], b.shape)
    )
    assert nvmath.called["cublas.gemm_ex"] == 2
    assert nvmath.called["cublas.gemm_strided_batched_ex"] == 3
    assert nvmath.called["cublas.gemm_batched_ex"] == 3
    # A handle and a workspace for the stream, once.
    assert nvmath.called["cublas.create"] == nvmath.called["cublas.set_workspace"] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_wide_products(
    libraries: Libraries, nvmath: NvmathOnCpu, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blas, "_LARGEST_INT", 3)
    a, b = random((2, 3, 4, 5), dtype), random((2, 3, 5, 6), dtype)
    check(libraries, "matmul", a=a[0, 0], b=b[0, 0])
    check(libraries, "matmul", a=a, b=b)
    check(
        libraries, "matmul", a=np.broadcast_to(a[:1], a.shape), b=np.broadcast_to(b[:, :1], b.shape)
    )
    names = ("gemm_ex_64", "gemm_strided_batched_ex_64", "gemm_batched_ex_64")
    assert all(nvmath.called[f"cublas.{name}"] == 1 for name in names)


@pytest.mark.parametrize("largest", [2, 65535])
@pytest.mark.parametrize("stack", [(), (5,)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_systems(
    libraries: Libraries,
    nvmath: NvmathOnCpu,
    dtype: str,
    stack: tuple[int, ...],
    largest: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blas, "LARGEST_BATCH", largest)
    monkeypatch.setattr(solver, "LARGEST_BATCH", largest)
    n = 4 if stack else 40
    a = definite((*stack, n, n), dtype)
    for x in (a, a.mT.copy().mT):
        check(libraries, "cholesky", a=x, upper=False)
        check(libraries, "cholesky", a=x, upper=True)
        check(libraries, "solve", a=x, b=random((*stack, n, 2), dtype))
        check(libraries, "inv", a=x)
        check(libraries, "slogdet", a=x)
    letter = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}[dtype]
    single = [f"cusolverDn.{letter}{name}" for name in ("potrf", "getrf", "getrs")]
    many = (
        f"cusolverDn.{letter}potrf_batched",
        f"cublas.{letter}getrf_batched",
        f"cublas.{letter}getrs_batched",
    )
    assert all(nvmath.called[name] for name in (many if stack else single))


@pytest.mark.parametrize("dtype", DTYPES)
def test_systems_beyond_32_bits(
    libraries: Libraries, nvmath: NvmathOnCpu, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interface, "NARROW", 39)
    a = definite((2, 40, 40), dtype)[0]
    check(libraries, "cholesky", a=a, upper=False)
    check(libraries, "solve", a=a, b=random((40, 2), dtype))
    check(libraries, "inv", a=a)
    check(libraries, "slogdet", a=a)
    assert nvmath.called["cusolverDn.xgetrf"] and nvmath.called["cusolverDn.xgetrs"]


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("shape", [(40, 3), (3, 40), (40, 40), (5, 5, 3), (5, 3, 5)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_qr(
    libraries: Libraries,
    nvmath: NvmathOnCpu,
    dtype: str,
    shape: tuple[int, ...],
    complete: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blas, "LARGEST_BATCH", 2)
    a = random(shape, dtype)
    q, r = libraries("qr", a=a, complete=complete)
    np.testing.assert_allclose(q @ r, a, atol=1e-5)


@pytest.mark.parametrize("stack", [(), (5,)])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (40, 35), (35, 40)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_singular_values(
    libraries: Libraries,
    nvmath: NvmathOnCpu,
    dtype: str,
    shape: tuple[int, ...],
    stack: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solver, "LARGEST_JACOBI_STACK", 2)
    a = random((*stack, *shape), dtype)
    k = min(shape)
    for perturbation in (0.0, 1.0):
        nvmath.simulated.perturbation = perturbation
        for full in (False, True):
            u, s, vh = libraries("svd", a=a, full=full)
            np.testing.assert_allclose(u[..., :k] * s[..., None, :] @ vh[..., :k, :], a, atol=1e-4)
        check(libraries, "svdvals", a=a)
    assert nvmath.called["cusolverDn.xgesvd"] == (3 * max(sum(stack), 1) if k > 32 else 0)


@pytest.mark.parametrize("shape", [(4, 4), (5, 4, 4)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_eigenvalues(
    libraries: Libraries,
    nvmath: NvmathOnCpu,
    dtype: str,
    shape: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solver, "LARGEST_EIGENVALUE_STACK", 2)
    monkeypatch.setattr(eigenvalues, "LARGEST_ON_HOST", 0)
    a = definite(shape, dtype)
    check(libraries, "eigvalsh", a=a)
    w, v = libraries("eigh", a=a)
    np.testing.assert_allclose(a @ v, v * w[..., None, :], atol=1e-4)
    b = random(shape, dtype)
    w, v = libraries("eig", a=b)
    np.testing.assert_allclose(b @ v, v * w[..., None, :], atol=1e-4)
    values = libraries("eigvals", a=b)
    np.testing.assert_allclose(np.sort_complex(values), np.sort_complex(w), atol=1e-4)


@pytest.mark.parametrize("double", [False, True])
def test_transforms(libraries: Libraries, nvmath: NvmathOnCpu, double: bool) -> None:
    complex_dtype, real = ("complex128", "float64") if double else ("complex64", "float32")
    x = random((3, 4, 6), complex_dtype)
    for axes in [(2,), (0,), (1,), (0, 1, 2), (0, 2)]:
        for inverse in (False, True):
            check(libraries, "fft", x=x, axes=axes, inverse=inverse)
        check(libraries, "rfft", x=random((3, 4, 6), real), axes=axes)
        check(libraries, "irfft", x=x, axes=axes, size=2 * x.shape[axes[-1]] - 1)


def test_plans_are_kept_and_given_up(
    libraries: Libraries, nvmath: NvmathOnCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fourier, "KEPT_PLANS", 2)
    cufft = nvmath.bindings.cufft
    for size in (4, 5, 4, 6, 4, 5):
        check(libraries, "fft", x=random((size,), "complex64"), axes=(0,), inverse=False)
    # 5 was the oldest when 6 came, and 6 when 5 came back.
    assert cufft.made == 4
    assert sorted(plan["plan"].sizes[0] for plan in cufft.plans.values()) == [4, 5]


def test_plans_give_way_where_memory_is_short(
    libraries: Libraries, nvmath: NvmathOnCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    cufft = nvmath.bindings.cufft
    check(libraries, "fft", x=random((4,), "complex64"), axes=(0,), inverse=False)
    make = type(cufft).on_make_plan_many64

    def short(self: Any, n: dict[str, Any]) -> int:
        if len(self.plans) > 1:
            raise Refused(2)
        result: int = make(self, n)
        return result

    monkeypatch.setattr(type(cufft), "on_make_plan_many64", short)
    check(libraries, "fft", x=random((5,), "complex64"), axes=(0,), inverse=False)
    assert len(cufft.plans) == 1


class Refused(Exception):
    """As the errors of nvmath: with the number of the library."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (3, OutOfMemory, "cuda:0: cuBLAS found no memory left"),
        (7, DeviceError, "cuda:0: cuBLAS refused a call: status 7"),
    ],
)
def test_errors_of_a_library_are_translated(
    libraries: Libraries,
    nvmath: NvmathOnCpu,
    status: int,
    error: type[Exception],
    text: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: Any, n: dict[str, Any]) -> None:
        raise Refused(status)

    monkeypatch.setattr(type(nvmath.bindings.cublas), "on_gemm_ex", refuse)
    with pytest.raises(error, match=text):
        libraries("matmul", a=np.eye(3), b=np.eye(3))


def test_a_handle_is_tried_again_when_memory_has_been_given_back(
    libraries: Libraries, nvmath: NvmathOnCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    cublas = type(nvmath.bindings.cublas)
    create = cublas.on_create
    tries = []

    def short(self: Any, n: dict[str, Any]) -> int:
        tries.append(n)
        if len(tries) == 1:
            raise Refused(3)
        result: int = create(self, n)
        return result

    monkeypatch.setattr(cublas, "on_create", short)
    check(libraries, "matmul", a=np.eye(3), b=np.eye(3))
    assert len(tries) == 2


def test_a_library_that_is_not_there_names_the_extra(
    libraries: Libraries, nvmath: NvmathOnCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(self: Any, n: dict[str, Any]) -> int:
        raise RuntimeError("Failure finding libcusolver.so.12")

    monkeypatch.setattr(type(nvmath.bindings.cusolver), "on_create", missing, raising=False)
    with pytest.raises(BackendUnavailable, match=r"cuSOLVER does not load.*gpuarray-xp\[cuda\]"):
        libraries("cholesky", a=np.eye(3), upper=False)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ModuleNotFoundError("no", name="nvmath"), r"'nvmath-python' is not installed.*\[cuda\]"),
        (ModuleNotFoundError("no", name="cuda"), r"'cuda' is not installed.*\[cuda\]"),
        (ImportError("damaged"), r"does not import \(damaged\).*--force-reinstall"),
    ],
)
def test_a_missing_package_names_the_extra(
    error: Exception, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr(loading.importlib, "import_module", fail)
    with pytest.raises(BackendUnavailable, match=text):
        loading.bindings.__wrapped__()


def test_numbers_of_enumerations_are_nvidias() -> None:
    import nvmath
    from nvmath.bindings import cublas, cublasLt, cufft, cusolver

    for dtype, e in loading.ELEMENTS.items():
        kind = "C" if dtype.kind == "c" else "R"
        bits = 64 if dtype.name in ("float64", "complex128") else 32
        assert e.data == nvmath.CudaDataType[f"CUDA_{kind}_{bits}F"]
        assert e.real == nvmath.CudaDataType[f"CUDA_R_{bits}F"]
        assert e.compute == cublas.ComputeType[f"COMPUTE_{bits}F"]
    assert blas._ANY_ALGORITHM == cublas.GemmAlgo.DFALT
    assert (int(False), int(True)) == (cublas.Operation.N, cublas.Operation.T)
    assert solver._LOWER == cublas.FillMode.LOWER
    assert solver._NOT_TRANSPOSED == blas._NOT_TRANSPOSED == cublas.Operation.N
    assert (int(False), int(True)) == (cusolver.EigMode.NOVECTOR, cusolver.EigMode.VECTOR)
    types = {
        ("R2C", False): "R2C",
        ("C2R", False): "C2R",
        ("C2C", False): "C2C",
        ("R2C", True): "D2Z",
        ("C2R", True): "Z2D",
        ("C2C", True): "Z2Z",
    }
    assert {key: value for key, (value, _) in fourier._TYPES.items()} == {
        key: cufft.Type[name] for key, name in types.items()
    }
    attribute, preference = cublasLt.MatmulDescAttribute, cublasLt.MatmulPreferenceAttribute
    assert (light._TRANSPOSE_A, light._TRANSPOSE_B) == (attribute.TRANSA, attribute.TRANSB)
    assert light._EPILOGUE == attribute.EPILOGUE
    assert light._BIAS_POINTER == attribute.BIAS_POINTER
    assert light._BIAS == cublasLt.Epilogue.BIAS
    assert light._WORKSPACE_BYTES == preference.MAX_WORKSPACE_BYTES
    assert (
        tuple(preference[f"MIN_ALIGNMENT_{matrix}_BYTES"] for matrix in "ABCD") == light._ALIGNMENTS
    )
    assert cublasLt.matmul_heuristic_result_dtype.itemsize == light._RESULT_BYTES
    assert light._UNSUPPORTED == (cublas.Status.INVALID_VALUE, cublas.Status.NOT_SUPPORTED)
    assert loading.OUT_OF_MEMORY == {
        "cuBLAS": cublas.Status.ALLOC_FAILED,
        "cuBLASLt": cublas.Status.ALLOC_FAILED,
        "cuSOLVER": cusolver.Status.ALLOC_FAILED,
        "cuFFT": cufft.Result.ALLOC_FAILED,
    }
