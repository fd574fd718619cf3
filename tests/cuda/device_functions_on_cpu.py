"""The device functions as functions of NumPy arrays: compiled for the CPU, called by ctypes.

In: a loop dtype, or C++ with entry points. Out: callables, compiled once in a process.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gpuarray.errors import BackendUnavailable
from gpuarray.operations import TABLE, Operation
from gpuarray_cuda.codegen.device_functions import source_for
from tests.simulator.compiler import find_compiler

Array = npt.NDArray[Any]
DType = np.dtype[Any]

C_NAMES: dict[DType, str] = {
    np.dtype("?"): "bool",
    **{np.dtype(f"i{n}"): f"i{8 * n}" for n in (1, 2, 4, 8)},
    **{np.dtype(f"u{n}"): f"u{8 * n}" for n in (1, 2, 4, 8)},
    **{np.dtype(f"f{n}"): f"f{8 * n}" for n in (4, 8)},
    **{np.dtype(f"c{n}"): f"c{8 * n}" for n in (8, 16)},
}

_MATHEMATICS = Path(__file__).parent.parent / "simulator" / "cuda_math.h"
_PREAMBLE = f"""
#include "{_MATHEMATICS}"
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
"""
# No -fwrapv: what may overflow must not be signed arithmetic, on the GPU either.
_FLAGS = ("-std=c++17", "-O1", "-ffp-contract=off", "-fno-strict-aliasing", "-fPIC", "-shared")


def rows(loop: DType) -> list[Operation]:
    """The operations that can be computed in a dtype."""
    return [row for row in TABLE.values() if loop in row.results]


def parameters(row: Operation, loop: DType) -> str:
    """The parameters of a kernel: pointers ``p0``, ``p1`` ... to the operands, and ``out``."""
    given = ["bool" if k < row.uncast else C_NAMES[loop] for k in range(row.arity)]
    pointers = "".join(f"const {c}* p{k}, " for k, c in enumerate(given))
    return f"{pointers}{C_NAMES[row.results[loop]]}* out"


def body(row: Operation, loop: DType) -> str:
    """The statements with which a kernel computes ``out[i]``, as in generated ones."""
    loads = "".join(f"auto v{k} = p{k}[i]; " for k in range(row.arity))
    names = [f"v{k}" for k in range(row.arity)]
    expression = row.expression(loop).format(*names, T=C_NAMES[loop])
    result = C_NAMES[row.results[loop]]
    return f"{loads}{result} r = ({result})({expression}); out[i] = r;"


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gpuarray-device-functions-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def library(text: str) -> ctypes.CDLL:
    """C++ with the device functions that it names, compiled; skips where there is no compiler."""
    try:
        compiler = find_compiler()
    except BackendUnavailable as reason:
        pytest.skip(str(reason))
    stem = _folder() / f"library{len(list(_folder().iterdir()))}"
    source = stem.with_suffix(".cpp")
    source.write_text(_PREAMBLE + source_for(text) + text)
    shared = stem.with_suffix(".so")
    subprocess.run([*compiler, *_FLAGS, str(source), "-o", str(shared), "-lm"], check=True)
    return ctypes.CDLL(str(shared))


def call(entry: Any, out: Array, *operands: Array) -> None:
    """Call ``entry(operands..., out, n)``."""
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*operands, out)]
    entry(*pointers, ctypes.c_longlong(out.size))


def _apply(entry: Any, row: Operation, loop: DType, *operands: Any) -> Array:
    arrays = [
        np.ascontiguousarray(operand, np.bool_ if k < row.uncast else loop)
        for k, operand in enumerate(operands)
    ]
    out = np.empty(arrays[0].shape, row.results[loop])
    call(entry, out, *arrays)
    return out


@functools.cache
def functions(loop: DType) -> dict[str, Callable[..., Array]]:
    """The operations computed in `loop`, by name, as functions of one-dimensional arrays."""
    text = "\n".join(
        f'extern "C" void op_{row.name}({parameters(row, loop)}, i64 n) '
        f"{{ for (i64 i = 0; i < n; ++i) {{ {body(row, loop)} }} }}"
        for row in rows(loop)
    )
    shared = library(text)
    return {
        row.name: functools.partial(_apply, shared[f"op_{row.name}"], row, loop)
        for row in rows(loop)
    }
