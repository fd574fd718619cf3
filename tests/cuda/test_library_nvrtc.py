"""NVRTC compiles the kernels beside NVIDIA's libraries for three architectures, without spills.

It needs neither a driver nor a GPU. The kernels are those that an H200 gets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gpuarray.graph.node import contiguous_layout, intern_layout
from gpuarray.plugins.manager import Backend
from gpuarray_cuda.executor import Executor
from gpuarray_cuda.libraries import kernels, scaling
from gpuarray_cuda.libraries.copying import copy
from gpuarray_cuda.libraries.integer_products import integer_product
from gpuarray_cuda.libraries.matrices import Stack
from gpuarray_cuda.plugin import CudaBackend

from .kernels import Source, SourceRuntime, resources

pytest.importorskip("cuda.bindings.nvrtc", reason="NVRTC (nvidia-cuda-nvrtc) is not installed")

ARCHITECTURES = ("sm_80", "sm_90", "sm_100")
FLOATS = ("float32", "float64", "complex64", "complex128")
INTEGERS = ("bool", "int8", "uint16", "int32", "int64")

# The most registers of a thread, and the most that were measured on the three architectures (NVRTC
# 13.5.37, 2026-11). Blocks have 256 threads: with 40 registers six of them share a multiprocessor,
# and with 128 two.
COPIES = 40  # 32
SOLVERS = 48  # 42
ORTHOGONAL = 128  # 126
PRODUCTS = 128  # 124
A, B, C = 1 << 40, 1 << 41, 1 << 42


def recorded(record: Callable[[Executor], None]) -> list[Source]:
    """The kernels that `record` launches."""
    runtime = SourceRuntime()
    plugin = CudaBackend(runtime)  # type: ignore[arg-type]
    device = Backend("cuda", plugin).devices[0]
    record(plugin.executor(device))
    return list(runtime.compiled)


def check(
    record: Callable[[Executor], None], architecture: str, registers: int, count: int
) -> None:
    sources = recorded(record)
    assert len(sources) == count
    for source in sources:
        taken = resources(source.text, architecture)[source.name]
        assert taken.spilled == 0, (source.name, taken)
        assert taken.registers <= registers, (source.name, taken)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", ["bool", "float32", "complex64", "complex128"])
def test_copies(dtype: str, architecture: str) -> None:
    def record(executor: Executor) -> None:
        kind = np.dtype(dtype)
        for conjugate in (False, True) if kind.kind == "c" else (False,):
            copy(executor, kind, (100, 200), A, (400, 2), B, (200, 1), conjugate)  # a stride
            copy(executor, kind, (1 << 16, 1 << 16), A, (1 << 17, 2), B, (1 << 16, 1), conjugate)
            copy(executor, kind, (100, 200), A, (1, 100), B, (200, 1), conjugate)  # transposed
            eight = (2,) * 8
            strides = tuple(3**k for k in range(8))
            copy(executor, kind, eight, A, strides, B, strides[::-1], conjugate)

    check(record, architecture, COPIES, 8 if np.dtype(dtype).kind == "c" else 4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_what_solvers_lack(dtype: str, architecture: str) -> None:
    kind = np.dtype(dtype)

    def record(executor: Executor) -> None:
        kernels.clear_triangle(executor, kind, A, 5, 4, 20, 3, True)
        kernels.unit_matrices(executor, kind, A, 5, 3)
        stack = Stack(executor.allocate(0), kind, (3,), 3, 5, 4, 20)
        sizes = scaling.largest(executor, stack, lower=True)
        scaling.scale(executor, stack, sizes)
        for pivot_bytes in (4, 8):
            for logarithms in (0, C):
                kernels.determinants(executor, kind, A, B, pivot_bytes, C, 5, 3, A, logarithms)
        if kind.kind == "c":
            kernels.make_real_ends(executor, kind, A, (3, 4, 5), 1, True)
        else:
            kernels.complex_eigenvectors(executor, kind, A, B, C, 5, 3)

    check(record, architecture, SOLVERS, 9)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_reflectors_and_orthogonal_factors(dtype: str, architecture: str) -> None:
    def record(executor: Executor) -> None:
        kind = np.dtype(dtype)
        kernels.reflectors(executor, kind, A, B, 5, 4, 20, 3)
        kernels.orthogonal_factors(executor, kind, A, B, 5, 4, 4, 3)

    check(record, architecture, ORTHOGONAL, 2)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_products(dtype: str, architecture: str) -> None:
    def record(executor: Executor) -> None:
        kind = np.dtype(dtype)
        rows = contiguous_layout(kind, (100, 100))
        columns = intern_layout(kind, (100, 100), (1, 100), 16)
        stack = intern_layout(kind, (3, 4, 100, 100), (10**4, 10**5, 1, 100), 16)
        integer_product(executor, A, rows, B, rows, C)
        integer_product(executor, A, rows, B, columns, C)
        integer_product(executor, A, columns, B, rows, C)
        integer_product(executor, A, stack, B, stack, C)

    check(record, architecture, PRODUCTS, 4)
