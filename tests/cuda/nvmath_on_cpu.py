"""`nvmath.bindings` without a GPU: its names and parameters, with the answers of the simulator.

In: calls of functions of cuBLAS, cuSOLVER and cuFFT, as the backend makes them. Each is bound to
the parameters that nvmath's docstring gives, which are those of NVIDIA's headers, and then carried
out by name on the simulator's memory. So a wrong order of arguments, a type or a flag shows as a
wrong result, and a function that does not exist as that.
"""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from typing import Any

import numpy as np

from gpuarray_cuda.libraries import interface
from gpuarray_cuda.libraries.interface import Transform
from gpuarray_cuda.libraries.loading import Bindings
from tests.simulator import SimulatedDeviceRuntime
from tests.simulator.libraries import SimulatedLibraries

__all__ = ["NvmathOnCpu"]

# cudaDataType_t, cublasComputeType_t.
TYPES = {0: "float32", 1: "float64", 4: "complex64", 5: "complex128"}
COMPUTE = {"float32": 68, "float64": 70, "complex64": 68, "complex128": 70}
LETTERS = {"s": "float32", "d": "float64", "c": "complex64", "z": "complex128"}
REAL = {4: 0, 5: 1}
# cufftType.
KINDS = {0x2A: "R2C", 0x2C: "C2R", 0x29: "C2C", 0x6A: "R2C", 0x6C: "C2R", 0x69: "C2C"}
WORK_BYTES, HOST_BYTES = 96, 40

Named = dict[str, Any]


class NvmathOnCpu:
    """The four modules; `called` counts calls by module and function."""

    def __init__(self, device: SimulatedDeviceRuntime) -> None:
        self.device = device
        self.called: Counter[str] = Counter()
        # Its own, so that a device may have the libraries under test in its place.
        self.simulated = SimulatedLibraries(device)
        self.bindings = Bindings(
            cublas=_Cublas(self, "cublas"),
            cublaslt=_Cublaslt(self, "cublasLt"),
            cusolver=_Cusolver(self, "cusolverDn"),
            cufft=_Cufft(self, "cufft"),
        )


class _Module:
    """A module of nvmath; a subclass has a method for each function, which gets named arguments."""

    def __init__(self, owner: NvmathOnCpu, name: str) -> None:
        from importlib import import_module

        self.owner = owner
        self.simulated = owner.simulated
        self.name = name
        self.real = import_module(f"nvmath.bindings.{name}")
        self.streams: dict[int, int] = {}

    def __getattr__(self, name: str) -> Any:
        text = getattr(self.real, name).__doc__.split("\n", 1)[0]
        listed = re.match(r"\w+\((.*?)\)", text)
        assert listed is not None
        parameters = [p.split() for p in listed[1].split(", ") if p]
        names = [words[-1] for words in parameters]
        own, dtype = name.removesuffix("_64"), None
        if not hasattr(type(self), f"on_{own}"):
            own, dtype = own[1:], np.dtype(LETTERS[own[0]])
        answer = getattr(self, f"on_{own}")

        def call(*arguments: Any) -> Any:
            assert len(arguments) == len(names), f"{name}: {names}"
            for words, argument in zip(parameters, arguments, strict=True):
                integral = words[0] in ("int", "int64_t", "intptr_t", "size_t", "long", "signed")
                assert not integral or type(argument) is int, f"{name}: {words} {argument!r}"
            self.owner.called[f"{self.name}.{name}"] += 1
            named = dict(zip(names, arguments, strict=True))
            return answer(named) if dtype is None else answer(dtype, named)

        return call

    def on_create(self, n: Named) -> int:
        handle = 1000 + len(self.streams)
        self.streams[handle] = -1
        return handle

    def on_set_stream(self, n: Named) -> None:
        handle = n["handle"] if "handle" in n else n["plan"]
        self.streams[handle] = n["stream_id"] if "stream_id" in n else n["stream"]

    def room(self, pointer: int, nbytes: int) -> None:
        """Memory for a workspace, which is written to."""
        with self.simulated._call("workspace", np.dtype("u4"), 0):
            self.owner.device._memory.range(pointer, nbytes, "workspace of")
            ctypes.memset(pointer, 0xA5, nbytes)


def dtype_of(n: Named, *names: str) -> np.dtype[Any]:
    """The dtype that all of these parameters give."""
    given = {n[name] for name in names}
    assert len(given) == 1, given
    return np.dtype(TYPES[given.pop()])


def number(pointer: int, dtype: np.dtype[Any]) -> Any:
    """A number on the host."""
    return np.frombuffer(ctypes.string_at(pointer, dtype.itemsize), dtype)[0]


def numbers(pointer: int, count: int) -> Any:
    return np.ctypeslib.as_array((ctypes.c_int64 * count).from_address(pointer)).copy()


def evenly(pointer: int, count: int) -> tuple[int, int]:
    """The first of the addresses in an array, and the bytes between them."""
    found = numbers(pointer, count)
    steps = set(np.diff(found).tolist())
    assert len(steps) <= 1
    return int(found[0]), int(steps.pop()) if steps else 0


class _Cublas(_Module):
    def on_set_workspace(self, n: Named) -> None:
        assert self.streams[n["handle"]] != -1, "set_stream would take the workspace away again"
        self.room(n["workspace"], n["workspace_size_in_bytes"])

    def _checked(self, n: Named) -> np.dtype[Any]:
        dtype = dtype_of(n, "atype", "btype", "ctype")
        raw = ctypes.string_at(n["beta"], dtype.itemsize)
        assert np.frombuffer(raw, dtype)[0] == 0
        assert n["compute_type"] == COMPUTE[dtype.name]
        assert n["algo"] == -1
        return dtype

    def on_gemm_ex(self, n: Named) -> None:
        self.on_gemm_strided_batched_ex(
            n | {"stride_a": 0, "stride_b": 0, "stride_c": 0, "batch_count": 1}
        )

    def on_gemm_strided_batched_ex(self, n: Named) -> None:
        self.simulated.gemm(
            *(self._checked(n), n["transa"] == 1, n["transb"] == 1, n["m"], n["n"], n["k"]),
            *(n["a"], n["lda"], n["stride_a"], n["b"], n["ldb"], n["stride_b"]),
            *(n["c"], n["ldc"], n["stride_c"], n["batch_count"], self.streams[n["handle"]]),
            number(n["alpha"], dtype_of(n, "atype")),
        )

    def on_gemm_batched_ex(self, n: Named) -> None:
        count = n["batch_count"]
        assert number(n["alpha"], dtype_of(n, "atype")) == 1
        a, b, c = (numbers(n[name], count) for name in ("aarray", "barray", "carray"))
        self.simulated.gemm_pointers(
            *(self._checked(n), n["transa"] == 1, n["transb"] == 1, n["m"], n["n"], n["k"]),
            *(a, n["lda"], b, n["ldb"], c, n["ldc"], self.streams[n["handle"]]),
        )

    def on_getrf_batched(self, dtype: np.dtype[Any], n: Named) -> None:
        first, step = evenly(n["a"], n["batch_size"])
        assert step in (0, n["lda"] * n["n"] * dtype.itemsize)
        self.simulated.getrf_batched(
            *(dtype, n["n"], first, n["p"], n["info"], n["batch_size"]),
            self.streams[n["handle"]],
        )

    def on_getrs_batched(self, dtype: np.dtype[Any], n: Named) -> None:
        a, _ = evenly(n["aarray"], n["batch_size"])
        b, step = evenly(n["barray"], n["batch_size"])
        assert step in (0, n["ldb"] * n["nrhs"] * dtype.itemsize)
        ctypes.c_int32.from_address(n["info"]).value = 0  # on the host
        assert n["trans"] == 0
        self.simulated.getrs_batched(
            *(dtype, n["n"], n["nrhs"], a, n["dev_ipiv"], b),
            *(n["batch_size"], self.streams[n["handle"]]),
        )


class Unsupported(Exception):
    """CUBLAS_STATUS_NOT_SUPPORTED."""

    status = 15


class _Cublaslt(_Module):
    """cuBLASLt; `refused` are epilogues that no algorithm has, `living` descriptors by handle."""

    def __init__(self, owner: NvmathOnCpu, name: str) -> None:
        super().__init__(owner, name)
        self.refused: set[int] = set()
        self.living: dict[int, dict[Any, Any]] = {}
        self.made = 0

    def _made(self, **properties: Any) -> int:
        self.made += 1
        self.living[self.made] = dict(properties)
        return self.made

    @staticmethod
    def _value(n: Named) -> int:
        return int.from_bytes(ctypes.string_at(n["buf"], n["size_in_bytes"]), "little")

    def on_matmul_desc_create(self, n: Named) -> int:
        assert TYPES[n["scale_type"]] == "float32"
        assert n["compute_type"] == COMPUTE["float32"]
        return self._made(kind="operation")

    def on_matmul_desc_set_attribute(self, n: Named) -> None:
        # cublasLtMatmulDescAttributes_t: transposes are int32, the epilogue uint32, the bias void*.
        assert n["size_in_bytes"] == {3: 4, 4: 4, 7: 4, 8: 8}[n["attr"]]
        self.living[n["matmul_desc"]][n["attr"]] = self._value(n)

    def on_matrix_layout_create(self, n: Named) -> int:
        assert TYPES[n["type"]] == "float32"
        assert n["ld"] >= n["rows"]
        return self._made(kind="layout", rows=n["rows"], columns=n["cols"], ld=n["ld"])

    def on_matmul_preference_create(self, n: Named) -> int:
        return self._made(kind="preference")

    def on_matmul_preference_set_attribute(self, n: Named) -> None:
        assert n["size_in_bytes"] == {1: 8, 5: 4, 6: 4, 7: 4, 8: 4}[n["attr"]]
        self.living[n["pref"]][n["attr"]] = self._value(n)

    def on_matmul_desc_destroy(self, n: Named) -> None:
        assert self.living.pop(n["matmul_desc"])["kind"] == "operation"

    def on_matrix_layout_destroy(self, n: Named) -> None:
        assert self.living.pop(n["mat_layout"])["kind"] == "layout"

    def on_matmul_algo_get_heuristic(self, n: Named) -> None:
        preference = self.living[n["preference"]]
        assert [preference[k] for k in (5, 6, 7, 8)] == [16] * 4
        assert n["requested_algo_count"] == 1
        operation = self.living[n["operation_desc"]]
        assert 7 not in operation, "the algorithm is that of the product alone"
        found = 1 not in self.refused
        ctypes.c_int32.from_address(n["return_algo_count"]).value = int(found)
        ctypes.memset(n["heuristic_results_array"], 0x5A if found else 0, 64)

    def on_matmul_algo_check(self, n: Named) -> None:
        assert ctypes.string_at(n["algo"], 64) == b"\x5a" * 64
        if self.living[n["operation_desc"]].get(7, 1) in self.refused:
            raise Unsupported
        ctypes.memset(n["result"], 0, 96)

    def on_matmul(self, n: Named) -> None:
        assert ctypes.string_at(n["algo"], 64) == b"\x5a" * 64
        self.room(n["workspace"], n["workspace_size_in_bytes"])
        operation = self.living[n["compute_desc"]]
        a, b, c, d = (self.living[n[name]] for name in ("adesc", "bdesc", "cdesc", "ddesc"))
        transposes = operation.get(3, 0) == 1, operation.get(4, 0) == 1
        k = a["rows"] if transposes[0] else a["columns"]
        assert k == (b["columns"] if transposes[1] else b["rows"])
        assert d["rows"] == (a["columns"] if transposes[0] else a["rows"])
        assert d["columns"] == (b["rows"] if transposes[1] else b["columns"])
        for name in ("a", "b", "c", "d"):
            assert n[name] % 16 == 0
        alpha, beta = (ctypes.c_float.from_address(n[name]).value for name in ("alpha", "beta"))
        epilogue = operation.get(7, 1)
        assert alpha == 1 or (epilogue, beta) == (1, 0)
        assert (epilogue, beta) in ((1, 0), (1, 1), (4, 0))
        given = (
            *(np.dtype("float32"), *transposes, d["rows"], d["columns"], k),
            *(n["a"], a["ld"]),
        )
        if epilogue == 1 and beta == 0:
            assert n["c"] == n["d"]
            matrices = (0, n["b"], b["ld"], 0, n["d"], d["ld"], 0, 1)
            self.simulated.gemm(*given, *matrices, n["stream"], alpha)
            return
        addend, ld = (operation[8], 0) if epilogue == 4 else (n["c"], c["ld"])
        self.simulated.gemm_add(*given, n["b"], b["ld"], n["d"], d["ld"], addend, ld, n["stream"])


class _Cusolver(_Module):
    def on_create_params(self, n: Named) -> int:
        return 77

    def on_create_gesvdj_info(self, n: Named) -> int:
        return 88

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_buffer_size"):
            # The parameters are there; what is asked for does not depend on them.
            text = getattr(self.real, name).__doc__.split("\n", 1)[0]
            count = text.split("->")[0].count(",") + 1

            def size(*arguments: int) -> Any:
                assert len(arguments) == count, text
                assert all(type(argument) is int for argument in arguments), text
                return (WORK_BYTES, HOST_BYTES) if "-> tuple" in text else WORK_BYTES // 4

            return size
        return super().__getattr__(name)

    def _work(self, n: Named) -> int:
        """Check the workspaces; the stream."""
        assert n.get("params", 77) in (77, 88)
        if "buffer_on_device" in n:
            assert n["workspace_in_bytes_on_device"] == WORK_BYTES
            assert n["workspace_in_bytes_on_host"] == HOST_BYTES
            self.room(n["buffer_on_device"], WORK_BYTES)
            ctypes.memset(n["buffer_on_host"], 0xA5, HOST_BYTES)
        return self.streams[n["handle"]]

    def on_xpotrf(self, n: Named) -> None:
        dtype = dtype_of(n, "data_type_a", "compute_type")
        stream = self._work(n)
        assert n["lda"] == n["n"]
        assert n["uplo"] == 0
        self.simulated.potrf(dtype, n["n"], n["a"], n["info"], stream)

    def on_potrf(self, dtype: np.dtype[Any], n: Named) -> None:
        assert n["lda"] == n["n"] <= interface.NARROW
        assert n["uplo"] == 0
        assert n["lwork"] == WORK_BYTES // 4
        self.room(n["workspace"], WORK_BYTES // 4 * dtype.itemsize)
        self.simulated.potrf(dtype, n["n"], n["a"], n["dev_info"], self._work(n))

    def on_potrf_batched(self, dtype: np.dtype[Any], n: Named) -> None:
        first, step = evenly(n["aarray"], n["batch_size"])
        assert step in (0, n["lda"] * n["n"] * dtype.itemsize)
        assert n["uplo"] == 0
        self.simulated.potrf_batched(
            *(dtype, n["n"], first, n["info_array"], n["batch_size"]),
            self._work(n),
        )

    def on_xgetrf(self, n: Named) -> None:
        dtype = dtype_of(n, "data_type_a", "compute_type")
        assert n["m"] == n["n"] == n["lda"]
        stream = self._work(n)
        self.simulated.getrf(dtype, n["n"], n["a"], n["ipiv"], n["info"], stream)

    def on_getrf(self, dtype: np.dtype[Any], n: Named) -> None:
        assert n["m"] == n["n"] == n["lda"] <= interface.NARROW
        self.room(n["workspace"], WORK_BYTES // 4 * dtype.itemsize)
        self.simulated.getrf(*(dtype, n["n"], n["a"], n["dev_ipiv"], n["dev_info"]), self._work(n))

    def on_getrs(self, dtype: np.dtype[Any], n: Named) -> None:
        assert n["lda"] == n["ldb"] == n["n"] <= interface.NARROW
        assert n["trans"] == 0
        self.room(n["dev_info"], 4)
        self.simulated.getrs(
            *(dtype, n["n"], n["nrhs"], n["a"], n["dev_ipiv"], n["b"]), self._work(n)
        )

    def on_xgetrs(self, n: Named) -> None:
        dtype = dtype_of(n, "data_type_a", "data_type_b")
        assert n["lda"] == n["ldb"] == n["n"]
        self.room(n["info"], 4)
        assert n["trans"] == 0
        self.simulated.getrs(
            *(dtype, n["n"], n["nrhs"], n["a"], n["ipiv"], n["b"]),
            self._work(n),
        )

    def on_xgeqrf(self, n: Named) -> None:
        dtype = dtype_of(n, "data_type_a", "data_type_tau", "compute_type")
        self.room(n["info"], 4)
        assert n["lda"] == n["m"]
        stream = self._work(n)
        self.simulated.geqrf(dtype, n["m"], n["n"], n["a"], n["tau"], stream)

    def on_orgqr(self, dtype: np.dtype[Any], n: Named) -> None:
        assert dtype.kind == "f"
        self._form(dtype, n)

    def on_ungqr(self, dtype: np.dtype[Any], n: Named) -> None:
        assert dtype.kind == "c"
        self._form(dtype, n)

    def _form(self, dtype: np.dtype[Any], n: Named) -> None:
        self.room(n["work"], n["lwork"] * dtype.itemsize)
        self.room(n["info"], 4)
        assert n["lda"] == n["m"]
        arguments = (dtype, n["m"], n["n"], n["k"], n["a"], n["tau"], self._work(n))
        self.simulated.orgqr(*arguments)

    def on_xsyevd(self, n: Named) -> None:
        dtype = dtype_of(n, "data_type_a", "compute_type")
        self._checked_eigenvalues(n)
        stream = self._work(n)
        self.simulated.syevd(dtype, n["jobz"] == 1, n["n"], n["a"], n["w"], n["info"], stream)

    def on_xsyev_batched(self, n: Named) -> None:
        dtype = dtype_of(n, "data_type_a", "compute_type")
        self._checked_eigenvalues(n)
        self.simulated.syev_batched(
            *(dtype, n["jobz"] == 1, n["n"], n["a"], n["w"], n["info"], n["batch_size"]),
            self._work(n),
        )

    def _checked_eigenvalues(self, n: Named) -> None:
        assert n["uplo"] == 0
        assert n["lda"] == n["n"]
        assert n["data_type_w"] == REAL.get(n["data_type_a"], n["data_type_a"])

    def on_xgeev(self, n: Named) -> None:
        dtype = dtype_of(n, "data_type_a", "data_type_vl", "data_type_vr", "compute_type")
        assert TYPES[n["data_type_w"]] == np.result_type(dtype, np.complex64).name
        assert n["jobvl"] == 0
        assert n["lda"] == n["ldvl"] == n["ldvr"] == n["n"]
        stream = self._work(n)
        self.simulated.geev(
            *(dtype, n["jobvr"] == 1, n["n"], n["a"], n["w"], n["vr"], n["info"], stream)
        )

    def on_xgesvd(self, n: Named) -> None:
        dtype = dtype_of(n, "data_type_a", "data_type_u", "data_type_vt", "compute_type")
        self._checked_singular_values(n)
        assert n["jobu"] == n["jobvt"]
        assert n["ldvt"] == n["n"]
        stream = self._work(n)
        self.simulated.gesvd(
            *(dtype, chr(n["jobu"]), n["m"], n["n"], n["a"], n["s"], n["u"], n["vt"], n["info"]),
            stream,
        )

    def on_xgesvdp(self, n: Named) -> float:
        dtype = dtype_of(n, "data_type_a", "data_type_u", "data_type_v", "compute_type")
        self._checked_singular_values(n)
        assert n["ldv"] == n["n"]
        stream = self._work(n)
        return self.simulated.gesvdp(
            *(dtype, n["jobz"] == 1, n["econ"] == 0, n["m"], n["n"], n["a"], n["s"], n["u"]),
            *(n["v"], n["d_info"], stream),
        )

    def _checked_singular_values(self, n: Named) -> None:
        assert n["lda"] == n["ldu"] == n["m"]
        assert n["data_type_s"] == REAL.get(n["data_type_a"], n["data_type_a"])

    def on_gesvdj_batched(self, dtype: np.dtype[Any], n: Named) -> None:
        assert n["params"] == 88
        assert n["lda"] == n["ldu"] == n["m"]
        assert n["ldv"] == n["n"]
        self.room(n["work"], n["lwork"] * dtype.itemsize)
        self.simulated.gesvdj_batched(
            *(dtype, n["jobz"] == 1, n["m"], n["n"], n["a"], n["s"], n["u"], n["v"]),
            *(n["info"], n["batch_size"], self._work(n)),
        )


class _Cufft(_Module):
    """cuFFT; a plan is known from `create` to `destroy`."""

    def __init__(self, owner: NvmathOnCpu, name: str) -> None:
        super().__init__(owner, name)
        self.plans: dict[int, dict[str, Any]] = {}
        self.made = 0

    def on_create(self, n: Named) -> int:
        self.made += 1
        self.plans[self.made] = {}
        return self.made

    def on_destroy(self, n: Named) -> None:
        del self.plans[n["plan"]]

    def on_set_auto_allocation(self, n: Named) -> None:
        assert "plan" not in self.plans[n["plan"]], "the work area is there already"
        self.plans[n["plan"]]["own"] = n["auto_allocate"] == 0

    def on_make_plan_many64(self, n: Named) -> int:
        plan = self.plans[n["plan"]]
        assert plan["own"]
        assert n["rank"] == len(n["n"]) == len(n["inembed"]) == len(n["onembed"])
        double = n["type"] > 0x60
        plan["plan"] = Transform(
            *(KINDS[n["type"]], double, tuple(n["n"])),
            *(tuple(n["inembed"]), n["istride"], n["idist"]),
            *(tuple(n["onembed"]), n["ostride"], n["odist"], n["batch"]),
        )
        return WORK_BYTES

    def on_set_work_area(self, n: Named) -> None:
        self.plans[n["plan"]]["area"] = n["work_area"]

    def _run(self, n: Named, kind: str, double: bool, inverse: bool) -> None:
        plan = self.plans[n["plan"]]
        transform = plan["plan"]
        assert (transform.kind, transform.double) == (kind, double)
        self.room(plan["area"], WORK_BYTES)
        stream = self.streams[n["plan"]]
        self.simulated.transform(transform, n["idata"], n["odata"], inverse, stream)

    def on_exec_c2c(self, n: Named) -> None:
        self._run(n, "C2C", False, {-1: False, 1: True}[n["direction"]])

    def on_exec_z2z(self, n: Named) -> None:
        self._run(n, "C2C", True, {-1: False, 1: True}[n["direction"]])

    def on_exec_r2c(self, n: Named) -> None:
        self._run(n, "R2C", False, False)

    def on_exec_d2z(self, n: Named) -> None:
        self._run(n, "R2C", True, False)

    def on_exec_c2r(self, n: Named) -> None:
        self._run(n, "C2R", False, True)

    def on_exec_z2d(self, n: Named) -> None:
        self._run(n, "C2R", True, True)
