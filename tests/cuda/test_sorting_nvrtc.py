"""NVRTC compiles the kernels of sorting for three architectures: no spills, and bounded registers.

It needs neither a driver nor a GPU. The kernels are those that an H200 gets for each kind of row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gpuarray.cuda import ExclusiveScanKernel, InclusiveScanKernel
from gpuarray.plugins.manager import Backend
from gpuarray_cuda.compaction import distinct, selected, selected_by_bits
from gpuarray_cuda.executor import Executor
from gpuarray_cuda.plugin import CudaBackend
from gpuarray_cuda.scanning import Elements, scanned
from gpuarray_cuda.searching import searched
from gpuarray_cuda.sorting.keys import Order
from gpuarray_cuda.sorting.rows import sorted_rows

from .hand_written import INTEGERS, REALS
from .kernels import ARCHITECTURES, Resources, SourceRuntime, on_architectures, resources

pytest.importorskip("cuda.bindings.nvrtc", reason="NVRTC (nvidia-cuda-nvrtc) is not installed")

COMPLEX = ("complex64", "complex128")
ADDRESS, OTHER = 1 << 40, 1 << 41

# The most registers, and beside them the most that were measured (NVRTC 13.5.37, 2026-11). Blocks
# of 384 threads share a multiprocessor by two with 80 registers, and so they do where that spills
# nothing; blocks of 256 threads by three.
PASS = {1: 136, 2: 80}  # 128 80
ROWS = 136  # 128
GROUPS = 80  # 71
SCAN = 136  # 124
OTHERS = 64  # 64
SELECTIONS = 120  # 110, for elements of 16 bytes

_RESIDENT = re.compile(r"constexpr int RESIDENT = (\d+);")
# Kernels that the executor compiles for fewer resident blocks until they spill nothing.
_SETTLED = ("gpuarray_sort_pass", "gpuarray_scan_tiles")
Record = Callable[[Executor], object]


def compiled(record: Record, architecture: str) -> dict[str, tuple[Resources, int]]:
    """What each kernel takes that `record` launches, and how many blocks it is compiled for.

    As the executor settles on it: for fewer resident blocks where it spills.
    """
    runtime = SourceRuntime()
    plugin = CudaBackend(runtime)
    device = Backend("cuda", plugin).devices[0]
    record(plugin.executor(device))
    found = {}
    for text, name, _ in runtime.compiled:
        taken = resources(text, architecture)[name]
        match = _RESIDENT.search(text)
        resident = int(match[1]) if match else 1
        while taken.spilled and resident > 1 and name in _SETTLED:
            resident -= 1
            again = _RESIDENT.sub(f"constexpr int RESIDENT = {resident};", text)
            taken = resources(again, architecture)[name]
        found[name] = taken, resident
    return found


def check(record: Record, architecture: str, registers: int) -> None:
    found = compiled(record, architecture)
    assert found
    for name, (taken, _) in found.items():
        assert taken.spilled == 0, (name, taken)
        assert taken.registers <= registers, (name, taken)


@pytest.mark.parametrize(
    ("dtype", "architecture"),
    [
        *((dtype, "sm_90") for dtype in ("uint16", "int32", "float64")),
        *((dtype, name) for name in ARCHITECTURES for dtype in ("int8", "float32", "int64")),
    ],
)
@pytest.mark.parametrize("positions", [False, True], ids=["sort", "argsort"])
def test_radix_sort(dtype: str, positions: bool, architecture: str) -> None:
    order = Order(np.dtype(dtype), False, positions)
    found = compiled(lambda e: sorted_rows(e, order, ADDRESS, 1, 1 << 24), architecture)
    taken, resident = found.pop("gpuarray_sort_pass")
    assert taken.spilled == 0
    assert taken.registers <= PASS[resident]
    assert resident == 2 or architecture == "sm_100"
    assert found.keys() == {"gpuarray_sort_histogram", "gpuarray_sort_plan"}
    assert all(t.spilled == 0 and t.registers <= OTHERS for t, _ in found.values())


@pytest.mark.parametrize(
    ("dtype", "architecture"), on_architectures(["int8", "float32", "float64"])
)
@pytest.mark.parametrize("positions", [False, True], ids=["sort", "argsort"])
def test_sorts_of_rows(dtype: str, positions: bool, architecture: str) -> None:
    order = Order(np.dtype(dtype), True, positions)
    for size, bound in ((3, GROUPS), (256, GROUPS), (1024, ROWS), (8192, ROWS)):
        check(lambda e, size=size: sorted_rows(e, order, ADDRESS, 9, size), architecture, bound)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_sort_of_more_elements_than_32_bits_count(architecture: str) -> None:
    order = Order(np.dtype("float32"), False, True)
    found = compiled(lambda e: sorted_rows(e, order, ADDRESS, 1, (1 << 32) + 1), architecture)
    assert all(taken.spilled == 0 for taken, _ in found.values())


@pytest.mark.parametrize(
    ("dtype", "architecture"),
    on_architectures(["int8", "uint16", "int32", "int64", *REALS, *COMPLEX]),
)
@pytest.mark.parametrize("kind", ["sum", "prod"])
def test_scans(dtype: str, kind: str, architecture: str) -> None:
    for size in (3, 100, 1024, 1 << 24):
        check(
            lambda e, size=size: scanned(e, np.dtype(dtype), kind, ADDRESS, ADDRESS, 4, size),
            architecture,
            SCAN,
        )


@pytest.mark.parametrize("kernel", [InclusiveScanKernel, ExclusiveScanKernel])
@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "float32", "float64", "complex128"])
def test_scans_of_a_users_own(dtype: str, kernel: Any) -> None:
    identities = {"bool": "0", "int8": "-128", "int64": "-9223372036854775807", "complex128": "1"}
    identity = identities.get(dtype, "-1.0 / 0")
    expression = "a * b" if dtype == "complex128" else "higher(a, b)"
    preamble = "template <class T> __device__ T higher(T a, T b) { return a > b ? a : b; }"
    own = kernel("T x", "T y", "x", expression, identity, "own", preamble)
    elements = Elements(own._written(np.dtype(dtype)), own._exclusive)
    for size in (3, 100, 1024, 1 << 24):
        check(
            lambda e, size=size: scanned(
                e, np.dtype(dtype), "sum", ADDRESS, OTHER, 4, size, elements=elements
            ),
            "sm_90",
            SCAN,
        )


@pytest.mark.parametrize(("dtype", "architecture"), on_architectures([*INTEGERS, *REALS]))
def test_searches(dtype: str, architecture: str) -> None:
    check(
        lambda e: searched(e, np.dtype(dtype), True, ADDRESS, 99, OTHER, 99),
        architecture,
        OTHERS,
    )


@pytest.mark.parametrize(
    ("dtype", "architecture"),
    on_architectures(["bool", "int16", "float32", "float64", "complex128"]),
)
def test_selections(dtype: str, architecture: str) -> None:
    # The sources hold the kernel that writes, too, although the runtime here counts no elements.
    for select in (selected, selected_by_bits):
        check(
            lambda e, select=select: select(e, np.dtype(dtype), ADDRESS, OTHER, 1 << 24),
            architecture,
            SELECTIONS,
        )
    if dtype not in COMPLEX:
        check(lambda e: distinct(e, np.dtype(dtype), ADDRESS, 1 << 24), architecture, SELECTIONS)
