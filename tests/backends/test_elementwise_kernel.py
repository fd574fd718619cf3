"""`gpuarray.cuda.ElementwiseKernel`: a user's C++ among other operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import ElementwiseKernel
from gpuarray.errors import DeviceError


@pytest.fixture
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


def test_statements_compute_each_element(on_cuda: None, host: Any) -> None:
    kernel = ElementwiseKernel("float x, float y", "float z", "z = x * x + y", "squares")
    x, y = np.linspace(-2, 2, 9, dtype="float32"), np.arange(9, dtype="float32")
    found = host(kernel(xp.asarray(x), xp.asarray(y)))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x * x + y)


def test_letters_stand_for_any_dtype(on_cuda: None, host: Any) -> None:
    kernel = ElementwiseKernel("T x, T y, S s", "T sum, S twice", "sum = x + y; twice = s + s")
    x, s = xp.asarray([1, 2], dtype="int16"), xp.asarray([1.5, 2 + 1j])
    total, twice = kernel(x, xp.asarray([10, 20], dtype="int32"), s)
    assert (total.dtype, twice.dtype) == (np.int32, np.complex128)
    assert host(total).tolist() == [11, 22] and host(twice).tolist() == [3, 4 + 2j]
    total, _ = kernel(x, 2.5, 1.0 + s)
    assert total.dtype == np.float64 and host(total).tolist() == [3.5, 4.5]


def test_shapes_and_strides_are_any_that_broadcast(on_cuda: None, host: Any) -> None:
    kernel = ElementwiseKernel("T x, T y", "T z", "z = x - y")
    x = np.arange(24.0).reshape(4, 6)
    found = kernel(
        xp.asarray(x)[::2, ::-1].T, xp.asarray([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]])
    )
    np.testing.assert_array_equal(host(found), x[::2, ::-1].T - np.arange(1.0, 7.0)[:, None])
    assert kernel(xp.ones((0, 3)), 1.0).shape == (0, 3)
    assert float(kernel(xp.asarray(3.0), 1.0)) == 2.0


def test_it_is_one_kernel_with_the_operations_around_it(on_cuda: None, host: Any) -> None:
    kernel = ElementwiseKernel("T x", "T z", "z = x > 0 ? x : 0.01f * x", "leaky")
    x = xp.asarray([[1.0, -2.0], [3.0, -4.0]])
    result = xp.sum(kernel(x * 2.0 + 1.0) * 3.0, axis=1)
    text = xp.explain(result, source=False)
    assert text.count("\n  kernel ") == 1 and "leaky" in text
    v = np.asarray([[1.0, -2.0], [3.0, -4.0]]) * 2 + 1
    np.testing.assert_allclose(host(result), (np.where(v > 0, v, np.float32(0.01) * v) * 3).sum(1))


def test_a_running_sum_may_follow(on_cuda: None, host: Any) -> None:
    kernel = ElementwiseKernel("T x", "T z", "z = x + 1")
    found = xp.cumulative_sum(kernel(xp.asarray([1.0, 2.0, 3.0]))) * 2.0
    assert host(found).tolist() == [4.0, 10.0, 18.0]


def test_two_kernels_with_one_name_and_preamble_share_a_kernel(on_cuda: None, host: Any) -> None:
    helper = "__device__ float f(float x) {{ return x * {}; }}"
    twice, thrice = (
        ElementwiseKernel("float x", "float z", "z = f(x)", preamble=helper.format(k))
        for k in (2, 3)
    )
    x = xp.asarray([1.0, 2.0], dtype="float32")
    result = twice(x) + thrice(x)
    assert xp.explain(result, source=False).count("\n  kernel ") == 1
    assert host(result).tolist() == [5.0, 10.0]


def test_the_place_and_the_number_of_elements_have_names(on_cuda: None, host: Any) -> None:
    kernel = ElementwiseKernel("T x", "T z", "z = x + (double)i / n")
    found = host(kernel(xp.zeros((2, 2))))
    assert found.tolist() == [[0, 0.25], [0.5, 0.75]]
    own = ElementwiseKernel("T i, T n", "T z", "z = i * n")
    assert host(own(xp.asarray([2.0]), 3.0)).tolist() == [6.0]


def test_outputs_may_be_given(on_cuda: None, host: Any) -> None:
    kernel = ElementwiseKernel("float x", "float y, int32 k", "y = 2 * x; k = (int)x")
    x = xp.asarray([1.5, 2.5], dtype="float32")
    y, k = xp.zeros(2, dtype="float32"), xp.zeros(2, dtype="int32")
    found = kernel(x, y, k)
    assert found[0] is y and host(y).tolist() == [3.0, 5.0] and host(k).tolist() == [1, 2]
    with pytest.raises(ValueError, match="k must be int32 of shape"):
        kernel(x, y, xp.zeros(3, dtype="int32"))
    with pytest.raises(TypeError, match="y must be an array, got ndarray"):
        kernel(x, np.zeros(2, "float32"), k)


def test_what_does_not_compile_is_an_error_at_the_call(on_cuda: None) -> None:
    kernel = ElementwiseKernel("float x", "float z", "float y = 2;\nz = x +* y", "broken")
    with pytest.raises(DeviceError, match=r"(?s)broken.*z = x \+\* y"):
        kernel(xp.ones(3))
    assert float(xp.sum(xp.ones(3))) == 3.0


def test_on_numpy_it_says_what_to_use_instead() -> None:
    kernel = ElementwiseKernel("T x", "T z", "z = x", "mine")
    with (
        xp.backend("numpy"),
        pytest.raises(TypeError, match=r"mine: CUDA C\+\+ runs on a CUDA device only.*vectorize"),
    ):
        kernel(xp.ones(3))


WRONG: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: ElementwiseKernel("x", "T y", ""), ValueError, "'x' is no declaration"),
    (lambda: ElementwiseKernel("flt x", "float y", ""), ValueError, "'flt x' is no declaration"),
    (lambda: ElementwiseKernel("float* x", "float y", ""), ValueError, "without 'raw'"),
    (lambda: ElementwiseKernel("raw T x", "T y", ""), ValueError, "without 'raw'"),
    (lambda: ElementwiseKernel("T x, T x", "T y", ""), ValueError, "'x' is declared twice"),
    (lambda: ElementwiseKernel("T x", "T x", ""), ValueError, "'x' is an input and an output"),
    (lambda: ElementwiseKernel("T x", "S y", ""), ValueError, "the type S of output 'y'"),
    (lambda: ElementwiseKernel("", "S y", ""), ValueError, "at least one input and one output"),
    (lambda: ElementwiseKernel(3, "T y", ""), TypeError, "must be text, got int"),  # type: ignore[arg-type]
    (lambda: ElementwiseKernel("T x", "T y", "", "a b"), ValueError, "must be an identifier"),
]


@pytest.mark.parametrize(("make", "kind", "message"), WRONG)
def test_wrong_declarations_are_errors(
    make: Callable[[], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        make()


def test_wrong_arguments_are_errors_at_the_call(on_cuda: None) -> None:
    kernel = ElementwiseKernel("int32 x, T y", "T z", "z = y", "mine")
    x = xp.ones(3, dtype="int32")
    for arguments, kind, message in (
        ((x,), TypeError, "mine: takes 2 inputs, and 1 outputs behind them.*got 1"),
        ((1, 2), TypeError, "mine: at least one input must be an array"),
        ((x, 2), TypeError, "mine: no array says what T is: y is a scalar"),
        ((1.5, xp.ones(3)), TypeError, "mine: x is int32, and float does not fit it"),
        ((xp.ones(3), xp.ones(3)), TypeError, "mine: x is int32, and float64 does not fit"),
        ((1 << 40, xp.ones(3)), OverflowError, "mine"),
        ((x, "2"), TypeError, "mine: y must be an array or a scalar, got str"),
        ((x, np.ones(3)), TypeError, "mine: y must be an array or a scalar, got ndarray"),
        ((x, xp.ones(2)), ValueError, "mine: shapes"),
    ):
        with pytest.raises(kind, match=message):
            kernel(*arguments)
