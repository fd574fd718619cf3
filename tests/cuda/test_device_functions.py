"""The device functions: special cases, integers and casts on the CPU; all of them through NVRTC."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gpuarray_cuda.codegen.device_functions import source_for
from tests.standard.special_cases import COMPLEX, REAL, columns, disagreements

from .device_functions_on_cpu import C_NAMES, body, call, functions, library, parameters, rows

INTEGERS = [dtype for dtype in C_NAMES if dtype.kind in "iu"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", REAL)
def test_real_special_cases(name: str, dtype: str) -> None:
    found = functions(np.dtype(dtype))[name](*columns(REAL[name]))
    assert not disagreements(REAL[name], found.tolist(), 4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_special_cases(name: str, dtype: str) -> None:
    found = functions(np.dtype(dtype))[name](*columns(COMPLEX[name]))
    assert not disagreements(COMPLEX[name], found.tolist(), 4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("loop", INTEGERS, ids=str)
def test_integers_are_numpys(loop: np.dtype[Any]) -> None:
    info = np.iinfo(loop)
    if info.bits == 8:
        values = np.arange(info.min, info.max + 1).astype(loop)
    else:
        edges = [info.min, info.min + 1, info.max - 1, info.max, 2 ** (info.bits // 2)]
        near = range(max(info.min, -9), info.bits + 3)
        many = np.random.default_rng(3).integers(info.min, info.max, 60, loop, endpoint=True)
        values = np.asarray([*edges, *near, *many.tolist()], loop)
    a, b = (x.ravel() for x in np.meshgrid(values, values))
    for row in rows(loop):
        operands = {1: [values], 2: [a, b], 3: [a, b, b[::-1]]}[row.arity]
        if row.uncast:
            operands[0] = operands[0] % 2 == 0
        found = functions(loop)[row.name](*operands)
        np.testing.assert_array_equal(found, row.numpy(*operands), err_msg=row.name)


def test_bools_are_numpys() -> None:
    loop = np.dtype("bool")
    operands = [x.ravel() for x in np.meshgrid(*[[False, True]] * 3)]
    for row in rows(loop):
        found = functions(loop)[row.name](*operands[: row.arity])
        expected = row.numpy(*operands[: row.arity])
        np.testing.assert_array_equal(found, expected, err_msg=row.name)


def casts() -> str:
    return "\n".join(
        f'extern "C" void {a}_to_{b}(const {a}* from, {b}* to, i64 n) '
        f"{{ for (i64 i = 0; i < n; ++i) to[i] = cast<{b}>(from[i]); }}"
        for a in C_NAMES.values()
        for b in C_NAMES.values()
    )


@pytest.mark.parametrize("given", C_NAMES, ids=str)
def test_casts_are_numpys_where_the_value_exists_in_both(given: np.dtype[Any]) -> None:
    for to, c in C_NAMES.items():
        real_only = to.kind in "iuf"
        fractions = [0.75, -0.5 if to.kind != "u" else 0.25] if given.kind in "fc" else []
        values = np.asarray([0, 1, 3, 100, *fractions], given)
        if given.kind == "c" and not real_only:
            values = np.concatenate([values + 2j, values]).astype(given)
        out = np.empty(values.shape, to)
        call(library(casts())[f"{C_NAMES[given]}_to_{c}"], out, values)
        expected = values.real if given.kind == "c" and real_only else values
        np.testing.assert_array_equal(out, expected.astype(to), err_msg=f"to {to}")


def test_nan_is_true() -> None:
    out = np.zeros(2, np.bool_)
    call(library(casts())["c64_to_bool"], out, np.asarray([np.nan, complex(0, np.nan)], "c8"))
    assert out.all()


# The source.


def test_source_holds_what_is_named_and_what_that_needs() -> None:
    source = source_for("f32 r = ga_clip(x, low, high);")
    assert "T ga_clip(" in source
    assert "T ga_maximum(" in source
    assert "ga_pow" not in source


def test_source_has_no_complex_overloads_without_complex_types() -> None:
    assert "complex_t" not in source_for("f64 r = ga_sign(x);")
    assert "ga_sign(complex_t<T> z)" in source_for("c128 r = ga_sign(x);")


def test_source_is_the_same_for_the_same_names() -> None:
    text = "c64 ga_acos cast<f32> ga_floor_divide"
    assert source_for(text) == source_for(" ".join(reversed(text.split())))
    assert source_for(text) is source_for(f"{text} + another")


def test_source_includes_nothing() -> None:
    everything = " ".join(row.expression(loop) for loop in C_NAMES for row in rows(loop))
    assert "#include" not in source_for(f"{everything} c64 ga_shuffle_xor vec_t")


# NVRTC.


def compile_with_nvrtc(text: str, architecture: str) -> str:
    """The PTX; fails on any message of the compiler."""
    nvrtc = pytest.importorskip("cuda.bindings.nvrtc")
    _, program = nvrtc.nvrtcCreateProgram((source_for(text) + text).encode(), b"", 0, [], [])
    options = [b"-std=c++17", f"-arch={architecture}".encode()]
    nvrtc.nvrtcCompileProgram(program, len(options), options)
    _, size = nvrtc.nvrtcGetProgramLogSize(program)
    log = bytearray(size)
    nvrtc.nvrtcGetProgramLog(program, log)
    assert log.decode().strip("\0\n ") == ""
    _, size = nvrtc.nvrtcGetPTXSize(program)
    ptx = bytearray(size)
    nvrtc.nvrtcGetPTX(program, ptx)
    nvrtc.nvrtcDestroyProgram(program)
    return ptx.decode()


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90", "sm_100"])
@pytest.mark.parametrize("loop", C_NAMES, ids=str)
def test_every_expression_compiles_with_nvrtc(loop: np.dtype[Any], architecture: str) -> None:
    kernels = "\n".join(
        f'extern "C" __global__ void op_{row.name}({parameters(row, loop)}) '
        f"{{ int i = threadIdx.x; {body(row, loop)} }}"
        for row in rows(loop)
    )
    compile_with_nvrtc(kernels, architecture)


@pytest.mark.parametrize("shuffle", ["", "_up", "_down", "_xor"])
def test_shuffles_move_every_type_through_registers(shuffle: str) -> None:
    for dtype, c in C_NAMES.items():
        kernel = (
            f'extern "C" __global__ void k({c}* p) '
            f"{{ p[threadIdx.x] = ga_shuffle{shuffle}(p[threadIdx.x], 5); }}"
        )
        ptx = compile_with_nvrtc(kernel, "sm_90")
        assert ".local" not in ptx
        assert ptx.count("shfl.sync") == max(1, dtype.itemsize // 4)


def test_vectors_and_complex_numbers_are_moved_by_one_instruction() -> None:
    kernel = (
        'extern "C" __global__ void k(const vec_t<f32, 4>* a, vec_t<f32, 4>* b, const c128* c, '
        "c128* d) { b[threadIdx.x] = a[threadIdx.x]; d[threadIdx.x] = c[threadIdx.x]; }"
    )
    ptx = compile_with_nvrtc(kernel, "sm_90")
    assert ptx.count("ld.global.v") == 2
    assert ptx.count("st.global.v") == 2
