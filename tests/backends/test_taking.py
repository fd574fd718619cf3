"""`take_along_axis`, against a loop over the elements of the result, and what `take` refuses."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import gpuarray as xp
from gpuarray.dtypes import DTYPES

quick = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    # The device is the same for all examples of a test.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def expected(v: np.ndarray[Any, Any], i: np.ndarray[Any, Any], axis: int) -> Any:
    axis %= v.ndim
    shape = list(np.broadcast_shapes(v.shape[:axis], i.shape[:axis]))
    shape += [i.shape[axis], *np.broadcast_shapes(v.shape[axis + 1 :], i.shape[axis + 1 :])]
    found = np.empty(shape, v.dtype)
    for place in np.ndindex(*shape):
        at = i[tuple(min(p, n - 1) for p, n in zip(place, i.shape, strict=True))]
        source = [min(p, n - 1) for p, n in zip(place, v.shape, strict=True)]
        source[axis] = int(at)
        found[place] = v[tuple(source)]
    return found


def check(host: Any, x: xp.Array, v: np.ndarray[Any, Any], i: Any, axis: int) -> None:
    found = xp.take_along_axis(x, xp.asarray(i), axis=axis)
    answer = expected(v, i, axis)
    assert (found.dtype, found.shape) == (answer.dtype, answer.shape)
    np.testing.assert_array_equal(host(found), answer)


def indices(shape: tuple[int, ...], n: int) -> np.ndarray[Any, Any]:
    """From -n to n - 1, in no order."""
    return (np.arange(math.prod(shape)) * 37 % (2 * n) - n).reshape(shape)


@pytest.mark.parametrize(
    "shape", [(5,), (3, 4), (1, 4), (4, 1), (2, 3, 4), (2, 1, 3, 1, 5)], ids=str
)
def test_every_axis_and_layout(device, host, shape):
    v = np.arange(math.prod(shape)).reshape(shape)
    x = xp.asarray(v)
    for axis, m in itertools.product(range(-v.ndim, v.ndim), (1, 2, 7)):
        rows = list(shape)
        rows[axis] = m
        i = indices(tuple(rows), shape[axis])
        check(host, x, v, i, axis)
        check(host, x * 3, v * 3, i, axis)
        check(host, xp.flip(x), np.flip(v), i, axis)
        # One row of indices for all rows, and rows of indices for one row.
        lone = tuple(m if d == axis % v.ndim else 1 for d in range(v.ndim))
        check(host, x, v, indices(lone, shape[axis]), axis)
        one = tuple(slice(None) if d == axis % v.ndim else slice(1) for d in range(v.ndim))
        check(host, x[one], v[one], i, axis)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_and_index_dtype(device, host, dtype):
    v = np.arange(12).reshape(3, 4).astype(dtype)
    for index in DTYPES:
        if index.kind in "iu":
            i = (indices((3, 2), 4) % 4).astype(index)
            check(host, xp.asarray(v), v, i, 1)


@quick
@given(data=st.data())
def test_anything_that_broadcasts(device, host, data):
    ndim = data.draw(st.integers(1, 4))
    axis = data.draw(st.integers(0, ndim - 1))
    both = data.draw(
        nps.mutually_broadcastable_shapes(
            num_shapes=2, base_shape=(1,) * ndim, min_dims=ndim, max_dims=ndim, max_side=4
        )
    )
    shape, rows = (list(s) for s in both.input_shapes)
    shape[axis], rows[axis] = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 4))
    v = np.arange(math.prod(shape)).reshape(shape)
    elements = st.integers(-shape[axis], shape[axis] - 1)
    i = data.draw(nps.arrays(np.int64, tuple(rows), elements=elements))
    check(host, xp.asarray(v), v, i, axis)


def test_zero_sized_operands(device):
    for shape, rows, axis, result in (
        ((0,), (0,), 0, (0,)),
        ((3, 0), (3, 0), 1, (3, 0)),
        ((3, 0), (2, 0), 0, (2, 0)),
        ((3, 0), (2, 1), 0, (2, 0)),
        ((3, 4), (0, 4), 0, (0, 4)),
        ((0, 0), (1, 3), 1, (0, 3)),
    ):
        found = xp.take_along_axis(xp.zeros(shape), xp.zeros(rows, dtype=xp.int64), axis=axis)
        assert found.shape == result
        xp.evaluate(found)


def test_sorting_by_positions(device, host):
    v = np.asarray([[3, 1, 2], [9, 9, 1]])
    x = xp.asarray(v)
    found = xp.take_along_axis(x, xp.argsort(x, axis=0, descending=True), axis=0)
    np.testing.assert_array_equal(host(found), -np.sort(-v, axis=0))


def test_it_fuses_with_what_stands_around_it(device, host):
    x, i = xp.asarray([[1, 2, 3], [4, 5, 6]]), xp.asarray([[0], [2]])
    found = xp.take_along_axis(x * 10, i + 0, axis=1) + 1
    np.testing.assert_array_equal(host(found), [[11], [61]])


def test_indices_out_of_range_take_the_nearest_element(device, host):
    x = xp.asarray([[1, 2, 3], [4, 5, 6]])
    found = xp.take_along_axis(x, xp.asarray([[99], [-99]]), axis=1)
    np.testing.assert_array_equal(host(found), [[3], [4]])


def test_what_take_along_axis_refuses(device):
    x, i = xp.zeros((3, 4)), xp.zeros((3, 4), dtype=xp.int64)
    refused: list[Any] = [
        (TypeError, "take_along_axis: x: needs a gpuarray array", [1], i, {}),
        (TypeError, "take_along_axis: indices: needs a gpuarray array", x, [1], {}),
        (TypeError, "take_along_axis: indices: need an integer dtype, got float64", x, x, {}),
        (ValueError, "take_along_axis: indices of shape", x, i[0], {}),
        (ValueError, "take_along_axis: shapes", x, i[:2], {"axis": 1}),
        (IndexError, "take_along_axis: axis 2 is out of range", x, i, {"axis": 2}),
        (IndexError, "take_along_axis: axis 1 is empty", x[:, :0], i, {}),
        (IndexError, "take_along_axis: axis -1 is out of range", x[0, 0], i[0, 0], {}),
    ]
    for error, message, array, index, how in refused:
        with pytest.raises(error, match=message):
            xp.take_along_axis(array, index, **how)


def test_what_take_refuses(device):
    x, i = xp.zeros((3, 4)), xp.asarray([0])
    refused: list[Any] = [
        (TypeError, "take: x: needs a gpuarray array", [1], i, {"axis": 0}),
        (TypeError, "take: indices: need an integer dtype", x, x, {"axis": 0}),
        (TypeError, "take: axis must be an integer", x, i, {"axis": 0.0}),
        (ValueError, "take: axis: must be given", x, i, {}),
        (IndexError, "take: axis 2 is out of range", x, i, {"axis": 2}),
        (IndexError, "take: axis 0 is empty", x[:0], i, {"axis": 0}),
    ]
    for error, message, array, index, how in refused:
        with pytest.raises(error, match=message):
            xp.take(array, index, **how)


def test_common_shapes_of_broadcasting():
    assert xp.broadcast_shapes() == ()
    assert xp.broadcast_shapes((3, 1), (4,), ()) == (3, 4)
    assert xp.broadcast_shapes((0, 1), (1, 5)) == (0, 5)
    with pytest.raises(ValueError, match=r"broadcast_shapes: shapes .* do not broadcast"):
        xp.broadcast_shapes((2,), (3,))
    with pytest.raises(ValueError, match=r"broadcast_shapes: shape .* has a negative extent"):
        xp.broadcast_shapes((2,), (-1,))
    with pytest.raises(TypeError, match="broadcast_shapes: each extent of a shape must be an int"):
        xp.broadcast_shapes((2, None))
