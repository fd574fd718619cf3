"""Modules from compiled code, how many blocks run at once, clusters and cooperative launches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import RawKernel, RawModule, compile_code
from gpuarray.errors import DeviceError
from gpuarray_cuda.sources import Source, kind_of
from tests.backends.conftest import REAL
from tests.simulator import simulated_runtime

on_hardware = pytest.mark.skipif(not REAL, reason="the simulator runs no compiled code")
on_simulator = pytest.mark.skipif(REAL, reason="looks into the simulator")

FILL = """
extern "C" __global__ void fill(int* x, int value, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = value + i;
}
__device__ int shift;
extern "C" __global__ void move(int* x) { x[threadIdx.x] += shift; }
"""
FUNCTION = "__device__ int twice(int x) { return 2 * x; }"
CALLER = """
extern __device__ int twice(int x);
extern "C" __global__ void fill(int* x) { x[threadIdx.x] = twice(threadIdx.x); }
"""


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


def zeros(n: int) -> xp.Array:
    return xp.zeros(n, dtype="int32")


# Compiled code


@pytest.mark.parametrize("kind", ["cubin", "ptx", "ltoir"])
def test_a_source_is_compiled_to_what_is_asked_for(kind: str) -> None:
    code = compile_code(FILL, kind)
    assert kind_of(code) == kind
    assert code != compile_code(FILL + "\n__device__ int other;", kind)
    if kind == "ptx":
        major, minor = (9, 0) if not REAL else _capability()
        assert f".target sm_{major}{minor}".encode() in code
        assert b".entry fill(" in code and b"shift" in code


def _capability() -> Any:
    plugin: Any = xp.zeros(1).device.backend.manager.get_plugin("cuda")
    return plugin.executor(xp.zeros(1).device).runtime.properties.compute_capability


def test_options_headers_and_instances_reach_the_compiler() -> None:
    source = '#include "n.h"\ntemplate <class T> __global__ void f(T* x) { x[0] = N + M; }'
    code = compile_code(
        source,
        "ptx",
        options=["-DM=1"],
        headers={"n.h": "#define N 41\n"},
        name_expressions=["f<int>", "f<double>"],
    )
    assert code.count(b".entry") == 2 and b"42" in code


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (b"\x7fELF\x02\x01", "cubin"),
        (bytes.fromhex("50ed55ba01001000"), "fatbin"),
        (b"//\n.version 9.0\n.target sm_90\n", "ptx"),
        (b"\xed\x43\x4e\x7f\x00\x01", "ltoir"),
    ],
)
def test_code_is_known_by_its_first_bytes(code: bytes, kind: str) -> None:
    assert kind_of(code) == kind


@on_hardware
@pytest.mark.parametrize("kind", ["cubin", "ptx", "ltoir"])
def test_compiled_code_runs(kind: str, host: Any, tmp_path: Path) -> None:
    code = compile_code(FILL, kind)
    path = tmp_path / f"fill.{kind}"
    path.write_bytes(code)
    for module in (RawModule(code), RawModule(path=path), RawModule(path=[str(path)])):
        x = zeros(100)
        module.get_kernel("fill")(2, 64, (x, np.int32(7), np.int32(99)))
        assert host(x).tolist() == [*range(7, 106), 0]
        module.get_global("shift").set(np.int32(3))
        module.get_kernel("move")(1, 100, (x,))
        assert host(x).tolist() == [*range(10, 109), 3]
        with pytest.raises(
            ValueError, match=r"no kernel 'full'; there are: (fill, move|move, fill)"
        ):
            module.get_kernel("full")(1, 1, (x,))
        with pytest.raises(TypeError, match="fill: takes 3 arguments, got 1"):
            module.get_kernel("fill")(1, 1, (x,))
        with pytest.raises(TypeError, match="its type is not known from the source"):
            module.get_kernel("fill")(1, 1, (x, 7, 99))


@on_hardware
@pytest.mark.parametrize("kind", ["cubin", "ltoir"])
def test_codes_are_linked(kind: str, host: Any) -> None:
    options = ["-rdc=true"] if kind == "cubin" else []
    parts = [compile_code(text, kind, options=options) for text in (FUNCTION, CALLER)]
    x = zeros(5)
    RawModule(parts).get_kernel("fill")(1, 5, (x,))
    assert host(x).tolist() == [0, 2, 4, 6, 8]
    with pytest.raises(DeviceError, match=r"module 'half' does not load|kernel 'fill'"):
        RawModule(parts[1:], name="half").get_kernel("fill")(1, 5, (x,))


@on_hardware
def test_kept_code_that_the_driver_refuses_is_made_anew(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpuarray_cuda import modules

    kept: dict[str, bytes] = {}
    made: list[str] = []

    class Cache:
        def get(self, key: str) -> bytes | None:
            return kept.get(key)

        def put(self, key: str, code: bytes) -> None:
            kept[key] = code

        def discard(self, key: str) -> None:
            del kept[key]

    plugin: Any = xp.zeros(1).device.backend.manager.get_plugin("cuda")
    runtime = plugin.executor(xp.zeros(1).device).runtime
    monkeypatch.setattr(runtime._modules, "_cache", Cache())
    compiled = modules.compiled
    monkeypatch.setattr(
        modules,
        "compiled",
        lambda *x: made.append("once") or compiled(*x),  # type: ignore[func-returns-value]
    )
    RawModule(FILL).compile()
    ((key, whole),) = kept.items()
    length = int.from_bytes(whole[:8], "little")
    # That of another architecture; what is broken the driver may crash at.
    foreign, _ = compiled(Source(FILL, "module", (), ("fill", "move")), "sm_80")
    kept[key] = whole[: 8 + length] + foreign
    x = zeros(3)
    RawModule(FILL).get_kernel("fill")(1, 3, (x, 1, 3))
    assert host(x).tolist() == [1, 2, 3]
    assert made == ["once", "once"] and kept == {key: whole}


def test_a_file_of_cuda_cpp_is_compiled(tmp_path: Path, host: Any) -> None:
    path = tmp_path / "mine.cu"
    path.write_text(FILL)
    module = RawModule(path=path)
    assert module.name == "mine"
    x = zeros(4)
    module.get_kernel("fill")(1, 4, (x, 2, 4))
    assert host(x).tolist() == [2, 3, 4, 5]


@on_simulator
def test_the_simulator_refuses_compiled_code() -> None:
    module = RawModule(compile_code(FILL), name="mine")
    with pytest.raises(DeviceError, match=r"mine: the simulator runs CUDA C\+\+ only, got cubin"):
        module.get_kernel("fill")(1, 1, (zeros(1),))


def test_wrong_modules_are_errors(tmp_path: Path) -> None:
    code = b"\x7fELF"
    for arguments, error, message in [
        ({}, ValueError, "either a source or a path"),
        ({"source": FILL, "path": "x.cu"}, ValueError, "either a source or a path"),
        ({"source": 3}, TypeError, "must be text, bytes or a sequence of bytes, got int"),
        ({"source": [FILL]}, TypeError, "sequence of bytes, got list"),
        ({"source": []}, ValueError, "there is no code"),
        ({"source": code, "options": ["-G"]}, TypeError, r"for CUDA C\+\+, got compiled code"),
        ({"path": tmp_path / "missing.ptx"}, OSError, "missing.ptx"),
    ]:
        with pytest.raises(error, match=message):
            RawModule(**arguments)  # type: ignore[arg-type]
    (tmp_path / "a.cu").write_text(FILL)
    (tmp_path / "b.cubin").write_bytes(code)
    with pytest.raises(ValueError, match="only compiled code is linked"):
        RawModule(path=[tmp_path / "a.cu", tmp_path / "b.cubin"])
    with pytest.raises(ValueError, match="kind must be one of cubin, ptx, ltoir, got 'elf'"):
        compile_code(FILL, "elf")
    with pytest.raises(TypeError, match="source must be text, got bytes"):
        compile_code(code)  # type: ignore[arg-type]
    with pytest.raises(DeviceError, match=r"(?s)line 1: .*missing.*>    1 \|"):
        compile_code("__global__ void f() { missing(); }")
    with pytest.raises(TypeError, match="needs a CUDA device"):
        compile_code(FILL, device="cpu")


# Occupancy


def test_occupancy_is_what_the_kernel_allows() -> None:
    kernel = RawKernel(FILL, "fill")
    assert kernel.occupancy(1024) == 2
    assert kernel.occupancy((16, 8, 8)) == 2
    assert kernel.occupancy(32) == 32
    # 227 KiB a block, of which a multiprocessor of sm_90 has one block's.
    assert kernel.occupancy(64, shared_bytes=120 << 10) == 1
    grid, block = kernel.suggested_launch()
    assert block % 32 == 0 and kernel.occupancy(block) * block == 2048
    plugin: Any = xp.zeros(1).device.backend.manager.get_plugin("cuda")
    properties = plugin.executor(xp.zeros(1).device).runtime.properties
    assert grid == kernel.occupancy(block) * properties.multiprocessors
    with pytest.raises(ValueError, match="block has 2048 threads, and the kernel may have 1024"):
        kernel.occupancy(2048)
    with pytest.raises(ValueError, match="shared_bytes must be from 0 to"):
        kernel.suggested_launch(shared_bytes=1 << 20)
    with pytest.raises(TypeError, match="shared_bytes must be an integer, got float"):
        kernel.occupancy(32, shared_bytes=1.5)  # type: ignore[arg-type]


# Clusters and cooperative launches


@on_simulator
def test_the_shape_of_a_launch_reaches_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    device = simulated_runtime().open(0)
    seen: list[Any] = []
    launch = device.launch_raw

    def noting(kernel: Any, shape: Any, *rest: Any) -> None:
        seen.append(shape)
        launch(kernel, shape, *rest)

    monkeypatch.setattr(device, "launch_raw", noting)
    kernel = RawKernel(FILL, "fill")
    x = zeros(8)
    kernel((4, 2), 2, (x, 1, 8), cluster=2, shared_bytes=64)
    kernel(4, 2, (x, 1, 8), cooperative=True)
    kernel(4, 2, (x, 1, 8))
    assert [(s.grid, s.block, s.shared_bytes) for s in seen] == [
        ((4, 2, 1), (2, 1, 1), 64), ((4, 1, 1), (2, 1, 1), 0), ((4, 1, 1), (2, 1, 1), 0),
    ]  # fmt: skip
    assert [(s.cluster, s.cooperative) for s in seen] == [
        ((2, 1, 1), False), (None, True), (None, False),
    ]  # fmt: skip


@on_hardware
@pytest.mark.parametrize("cluster", [1, 2, 4, 8, (2, 2), 16])
def test_blocks_of_a_cluster_know_it(cluster: Any, host: Any) -> None:
    if _capability() < (9, 0):
        pytest.skip("the device has no clusters")
    source = """
    __global__ void ask(int* rank, int* size) {
      int r, s;
      asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(r));
      asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(s));
      const int block = blockIdx.y * gridDim.x + blockIdx.x;
      rank[block] = r;
      size[block] = s;
    }
    """
    rank, size = zeros(64), zeros(64)
    RawKernel(source, "ask")((16, 4), 32, (rank, size), cluster=cluster)
    blocks = int(np.prod(cluster))
    assert set(host(size).tolist()) == {blocks}
    assert sorted(host(rank).tolist()) == sorted([*range(blocks)] * (64 // blocks))


@on_hardware
def test_blocks_of_a_cooperative_grid_wait_for_each_other(host: Any) -> None:
    source = """
    __global__ void meet(unsigned* arrived, int* x, int* y) {
      const int i = blockIdx.x;
      if (threadIdx.x == 0) {
        x[i] = i + 1;
        __threadfence();
        atomicAdd(arrived, 1u);
        while (atomicAdd(arrived, 0u) < gridDim.x) {}
        __threadfence();
        y[i] = ((volatile int*)x)[gridDim.x - 1 - i];
      }
    }
    """
    kernel = RawKernel(source, "meet")
    plugin: Any = xp.zeros(1).device.backend.manager.get_plugin("cuda")
    properties = plugin.executor(xp.zeros(1).device).runtime.properties
    blocks = kernel.occupancy(256) * properties.multiprocessors
    x, y = zeros(blocks), zeros(blocks)
    kernel(blocks, 256, (xp.zeros(1, dtype="uint32"), x, y), cooperative=True)
    assert host(y).tolist() == [*range(blocks, 0, -1)]


def test_wrong_clusters_and_grids_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = RawKernel(FILL, "fill")
    x = zeros(4)

    def launch(grid: Any, **more: Any) -> None:
        kernel(grid, 32, (x, 1, 4), **more)

    with pytest.raises(ValueError, match="a cluster may have 16 blocks, got 32"):
        launch(64, cluster=(8, 4))
    with pytest.raises(ValueError, match=r"clusters of \(3, 1, 1\) blocks do not divide the grid"):
        launch(4, cluster=3)
    with pytest.raises(TypeError, match="cluster must be made of integers"):
        launch(4, cluster=2.0)
    most = kernel.occupancy(32) * (4 if not REAL else 1 << 20)
    with pytest.raises(ValueError, match=r"a cooperative grid of blocks with 32 threads may have"):
        launch(most + 1, cooperative=True)
    assert xp.all(x == 0)
