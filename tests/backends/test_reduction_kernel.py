"""`gpuarray.cuda.ReductionKernel`: folds of a user's own, against NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import ReductionKernel
from gpuarray.errors import DeviceError

GCD = """
__device__ inline int gcd(int a, int b) {
  while (b) { const int rest = a % b; a = b; b = rest; }
  return a < 0 ? -a : a;
}
"""


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


def largest() -> ReductionKernel:
    return ReductionKernel("T x", "T y", "fabs(x)", "a > b ? a : b", "y = a", "0", "largest")


def divisor() -> ReductionKernel:
    return ReductionKernel(
        "int x", "int y", "x", "gcd(a, b)", "y = a", "0", "divisor", preamble=GCD
    )


@pytest.mark.parametrize("shape", [(7,), (5000,), (3, 5), (40, 700), (700, 40), (2, 3, 4), (1, 1)])
def test_folds_have_numpys_values(host: Any, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).integers(-50, 50, shape) * 6
    x, exact = xp.asarray(values, dtype="float64"), values.astype("float64")
    kernel, greatest = largest(), divisor()
    axes: list[Any] = [None, 0, -1, tuple(range(len(shape)))]
    for axis in axes:
        for keepdims in (False, True):
            found = host(kernel(x, axis=axis, keepdims=keepdims))
            np.testing.assert_array_equal(found, np.abs(exact).max(axis=axis, keepdims=keepdims))
        found = host(greatest(xp.asarray(values, dtype="int32"), axis=axis))
        np.testing.assert_array_equal(found, np.gcd.reduce(values, axis=axis)
                                      if not isinstance(axis, tuple) and axis is not None
                                      else np.gcd.reduce(values.reshape(-1)))  # fmt: skip


def test_types_of_elements_contributions_and_results_may_differ(host: Any) -> None:
    dot = ReductionKernel(
        "float x, T y", "float z", "(double)x * y", "a + b", "z = (float)(a / 2)", "0", "dot",
        reduce_type="double",
    )  # fmt: skip
    x, y = np.arange(2000, dtype="f4"), np.linspace(0, 1, 2000)
    found = dot(xp.asarray(x), xp.asarray(y))
    assert found.dtype == np.float32
    assert float(found) == pytest.approx(float(x.astype("f8") @ y) / 2, rel=1e-6)


def test_it_is_one_kernel_with_what_is_around_it(host: Any) -> None:
    kernel = largest()
    values = np.random.default_rng(2).standard_normal((6, 300))
    x = xp.asarray(values)
    xp.evaluate(x)
    scaled = x / kernel(x, axis=1, keepdims=True) + 1.0
    text = xp.explain(scaled, source=False)
    assert text.count("\n  kernel ") == 1
    np.testing.assert_allclose(
        host(scaled), values / np.abs(values).max(1, keepdims=True) + 1, rtol=1e-14
    )
    total = kernel(x - 2.0) * 3.0
    assert xp.explain(total, source=False).count("\n  kernel ") == 1
    assert float(total) == pytest.approx(3 * np.abs(values - 2).max())


def test_two_folds_share_a_kernel(host: Any) -> None:
    x = xp.asarray(np.arange(-5.0, 6.0))
    smallest = ReductionKernel("T x", "T y", "x", "a < b ? a : b", "y = a", "1e300", "smallest")
    both = smallest(x) + largest()(x) * 10.0 + xp.sum(x)
    assert xp.explain(both, source=False).count("\n  kernel ") == 1
    assert float(both) == -5 + 50 + 0


def test_nothing_to_reduce_gives_the_identity(host: Any) -> None:
    product = ReductionKernel("T x", "T y", "x", "a * b", "y = a + 1", "1", "product")
    assert float(product(xp.zeros(0))) == 2.0
    assert host(product(xp.zeros((3, 0)), axis=1)).tolist() == [2.0] * 3
    named = ReductionKernel("T x", "T y", "x", "a * b", "y = a", "one()", "named",
                            preamble="__device__ inline int one() { return 1; }")  # fmt: skip
    assert float(named(xp.ones(3))) == 1.0
    with pytest.raises(ValueError, match="named: nothing to reduce, and the identity 'one"):
        named(xp.zeros(0))


@pytest.mark.parametrize(
    ("identity", "dtype", "value"),
    [
        ("9223372036854775807", "int64", 2**63 - 1),
        ("18446744073709551615ull", "uint64", 2**64 - 1),
        ("0x10", "int32", 16),
        ("-1e2", "int32", -100),
        ("-1e300", "float64", -1e300),
        ("inf", "float32", math.inf),
        ("2", "complex64", 2 + 0j),
    ],
)
def test_the_identity_is_exact_where_there_is_nothing(
    identity: str, dtype: str, value: Any
) -> None:
    kernel = ReductionKernel("T x", "T y", "x", "a", "y = a", identity, "first")
    assert kernel._start(np.dtype(dtype)) == value


@pytest.mark.parametrize("identity", ["inf", "-1", "256", "0.5"])
def test_an_identity_that_is_no_value_of_the_dtype_is_an_error(identity: str) -> None:
    kernel = ReductionKernel("T x", "T y", "x", "a", "y = a", identity, "first")
    with pytest.raises(ValueError, match=f"first: nothing to reduce, .*'{identity}' is no uint8"):
        kernel._start(np.dtype("uint8"))


def test_wrong_use_is_an_error_at_the_call() -> None:
    kernel = largest()
    wrong: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: kernel(xp.ones(3), axis=2), IndexError, "largest: axis 2 is out of range"),
        (lambda: kernel(xp.ones(3), keepdims=1), TypeError, "largest: keepdims must be True"),
        (lambda: kernel(), TypeError, "largest_map: takes 1 inputs"),
        (
            lambda: ReductionKernel("T x", "T y, T z", "x", "a", "", "0"),
            ValueError,
            "one output is needed",
        ),
        (
            lambda: ReductionKernel("T x", "T y", "x", "a +* ", "y = a", "0", "bad")(xp.ones(3)),
            DeviceError,
            r"(?s)bad.*a \+\*",
        ),
    ]
    for call, kind, message in wrong:
        with pytest.raises(kind, match=message):
            call()
    with xp.backend("numpy"), pytest.raises(TypeError, match="runs on a CUDA device only"):
        kernel(xp.ones(3))
