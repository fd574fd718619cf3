"""What the page for those who come from PyCUDA says is written here, runs."""

from __future__ import annotations

import ast
import functools
import itertools
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from tests.core.test_from_pycuda import STANDS_FOR, TEXT, parsed, spans

from .conftest import REAL

SOURCE = "__global__ void add(float* x, int n) { if (threadIdx.x < n) x[threadIdx.x] += 1; }"

# In lines about what is not here: files, objects of other libraries, PyCUDA's own calls.
ELSEWHERE = (".cubin", "handle", "block=(256", "ReductionKernel(np.float32")

# Arrays of which a line has to take one.
ARRAYS = [((6, 8), "float32"), ((6,), "float32"), ((1, 6), "float32"), ((6,), "complex64")]


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield
        xp.cuda.set_memory_limit(None)


class Foreign:
    """An array of another library."""

    def __init__(self, x: xp.Array) -> None:
        self.__cuda_array_interface__ = x.__cuda_array_interface__


def runs_here(span: str) -> bool:
    """Whether a span is a line of ours: Python, with a name that the tests know."""
    tree = parsed(span)
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} if tree else set()
    return bool(names & {*STANDS_FOR, "f"}) and not any(text in span for text in ELSEWHERE)


def own_function(kind: int) -> Any:
    """What `f` may be: an elementwise function or a reduction."""
    if kind == 0:
        return xp.cuda.ElementwiseKernel("float x, float s", "float y", "y = x * s")
    return xp.cuda.ReductionKernel("float x", "float y", "x", "a + b", "y = a", "0")


def surroundings(shape: tuple[int, ...], dtype: str, kind: int) -> dict[str, Any]:
    """Values of all names that the lines use."""
    a = xp.cuda.pinned_empty(shape, dtype)
    a[...] = np.arange(math.prod(shape)).reshape(shape)
    out = xp.cuda.pinned_empty(shape, dtype)
    x, y, z, d, r = (xp.asarray(a) for _ in range(5))
    stream = xp.cuda.Stream()
    since, event = stream.record(), stream.record()
    module = xp.cuda.RawModule(f"__device__ float scale[2];\n{SOURCE}")
    return {
        "np": np, "xp": xp, "math": math, "functools": functools,
        "a": a, "out": out, "a_gpu": Foreign(x), "other": Foreign(x),
        "x": x, "y": y, "z": z, "d": d, "r": r, "e": 3, "i": 2, "alpha": 2.0, "beta": 3.0,
        "value": 1, "arrays": [x, y], "mask": y != 0, "then": x, "otherwise": 0.0,
        "indices": xp.asarray([0, 1]), "subset": xp.asarray([0, 1]), "axis": 0,
        "axes": tuple(range(len(shape))), "shape": (math.prod(shape),), "dtype": np.dtype("f4"),
        "n": 4, "nbytes": 1 << 30, "start": 0, "stop": 10, "step": 2, "seed": 7, "key": 1,
        "position": 2, "lam": 4.0, "mean": 0.0, "sigma": 1.0, "values": np.float32([1, 2]),
        "u": x, "sums": xp.arange(5.0),
        "source": SOURCE, "code": SOURCE, "module": module, "kernel": module.get_kernel("add"),
        "grid": 2, "block": 32, "args": (xp.zeros(4, dtype="float32"), 4),
        "variable": module.get_global("scale"), "stream": stream, "since": since, "event": event,
        "rng": xp.random.Generator(5), "f": own_function(kind),
    }  # fmt: skip


@pytest.mark.parametrize("line", sorted({span for span in spans() if runs_here(span)}))
def test_lines_of_the_page_run(line: str) -> None:
    if '"cuda:1"' in line and "cuda:1" not in xp.__array_namespace_info__().devices():
        pytest.skip("there is one GPU")
    if "profiler.range" in line:
        pytest.importorskip("nvtx")
    text = f"{line} pass" if line.endswith(":") else line
    problems = []
    kinds = (0, 1) if "f(" in line else (0,)
    for (shape, dtype), kind in itertools.product(ARRAYS, kinds):
        try:
            exec(text, surroundings(shape, dtype, kind))
        except (TypeError, ValueError, IndexError) as error:
            problems.append(f"{dtype} of shape {shape}: {error}")
        else:
            return
    pytest.fail("\n".join(problems))


def test_the_program_doubles_its_array() -> None:
    programs = re.findall(r"^```python\n((?!>>>).*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    (program,) = programs
    names: dict[str, Any] = {}
    exec(program, names)
    assert names["doubled"].dtype == np.float32
    assert np.array_equal(names["doubled"], 2 * np.arange(1000))


@pytest.mark.parametrize(
    ("kernel", "inputs", "computed"),
    [
        ("fmod(x, y)", ("x", "y"), np.fmod),
        ("frexp(x, &e)", ("x",), np.frexp),
        ("ldexp(x, e)", ("x", "e"), np.ldexp),
        ("s * x", ("x", "y"), lambda x, s: np.where(x > 0, x, s * x)),
        ("fabs(x)", ("x",), lambda x: np.max(np.abs(x))),
    ],
)
def test_kernels_of_the_page_have_numpys_values(
    kernel: str, inputs: tuple[str, ...], computed: Callable[..., Any], host: Any
) -> None:
    (line,) = {s for s in spans() if kernel in s and s.startswith("xp.cuda.")}
    values = {
        "x": np.float32([-5.5, -1, 0.75, 3, 100]), "y": np.float32([2, 3, 0.5, -2, 7]),
        "e": np.int32([3, 0, -2, 1, 5]),
    }  # fmt: skip
    function = eval(line, {"xp": xp})
    results = function(*(xp.asarray(values[name]) for name in inputs))
    expected = computed(*(values[name] for name in inputs))
    for result, want in zip(
        results if isinstance(results, tuple) else [results],
        expected if isinstance(expected, tuple) else [expected],
        strict=True,
    ):
        assert np.array_equal(host(result), want)


@pytest.mark.skipif(not REAL, reason="needs a device")
def test_pycuda_and_gpuarray_share_memory_in_one_process() -> None:
    pytest.importorskip("pycuda.autoprimaryctx")
    driver = pytest.importorskip("pycuda.driver")
    theirs = pytest.importorskip("pycuda.gpuarray").to_gpu(np.arange(1000, dtype="float32"))
    x = xp.asarray(theirs, copy=False)
    assert x.__cuda_array_interface__["data"][0] == int(theirs.gpudata)
    np.testing.assert_array_equal(np.asarray((x * 2).to_device("cpu")), np.arange(1000) * 2)
    theirs += 1
    driver.Context.synchronize()
    np.testing.assert_array_equal(np.asarray((x + 0).to_device("cpu")), np.arange(1000) + 1)
    ours = xp.arange(1000, dtype="float32") + 5
    xp.evaluate(ours)
    xp.synchronize()
    module = pytest.importorskip("pycuda.compiler").SourceModule(
        "__global__ void twice(float* x) { x[blockIdx.x * 250 + threadIdx.x] *= 2; }"
    )
    module.get_function("twice")(ours, block=(250, 1, 1), grid=(4, 1))
    driver.Context.synchronize()
    np.testing.assert_array_equal(
        np.asarray((ours + 0).to_device("cpu")), (np.arange(1000) + 5) * 2
    )
