"""The manipulation functions: each against NumPy, on memory, on views of it, and while pending."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpuarray as xp
from gpuarray.dtypes import DTYPES
from gpuarray.graph.node import intern_layout
from gpuarray.manipulation.reshaping import _strides

SHAPES = [(), (0,), (1,), (7,), (3, 5), (1, 4), (2, 0, 3), (2, 3, 4), (2, 1, 3, 1, 5)]


def host(x: xp.Array) -> np.ndarray[Any, Any]:
    return np.asarray(x.to_device("cpu"))


def check(x: xp.Array, expected: Any) -> None:
    expected = np.asarray(expected)
    assert x.shape == expected.shape
    assert x.dtype == expected.dtype
    np.testing.assert_array_equal(host(x), expected)


def values(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.arange(1.0, math.prod(shape) + 1).reshape(shape)


def forms(device: str, shape: tuple[int, ...]) -> list[tuple[xp.Array, np.ndarray[Any, Any]]]:
    """Arrays of a shape that are in memory, strided views of memory, and pending."""
    v = values(shape)
    x = xp.asarray(v, device=device)
    found = [(x, v), (x + 1, v + 1)]
    if shape:
        backwards = tuple(reversed(range(len(shape))))
        wide = values((*shape[:-1], shape[-1] * 2))
        found.append((xp.asarray(wide, device=device)[..., ::2], wide[..., ::2]))
        transposed = values(shape[::-1])
        y = xp.permute_dims(xp.asarray(transposed, device=device), backwards)
        found.append((y, transposed.transpose()))
        found.append((xp.flip(x), np.flip(v)))
    return found


@pytest.fixture(params=SHAPES, ids=str)
def pairs(request, device):
    return forms(device, request.param)


# Broadcasting, adding and removing axes


@pytest.mark.parametrize(
    ("shape", "target"),
    [
        *(((), ()), ((), (3,)), ((1,), (4,)), ((3,), (2, 3)), ((3, 1), (3, 4)), ((1, 1), (0, 2))),
        *(((2, 1, 3), (5, 2, 4, 3)), ((0,), (3, 0)), ((1,), (0,)), ((2, 3), (2, 3))),
    ],
    ids=str,
)
def test_broadcast_to_is_numpys(device, shape, target):
    for x, v in forms(device, shape):
        check(xp.broadcast_to(x, target), np.broadcast_to(v, target))


@pytest.mark.parametrize(("shape", "target"), [((3,), (4,)), ((2, 3), (3,)), ((2,), (2, 3))])
def test_broadcast_to_a_shape_that_does_not_fit_raises(device, shape, target):
    with pytest.raises(ValueError, match="does not broadcast"):
        xp.broadcast_to(xp.zeros(shape, device=device), target)


def test_broadcast_arrays_gives_a_tuple_of_one_shape(device):
    a, b = values((3, 1)), np.arange(4)
    found = xp.broadcast_arrays(xp.asarray(a, device=device), xp.asarray(b, device=device))
    assert isinstance(found, tuple)
    for x, v in zip(found, np.broadcast_arrays(a, b), strict=True):
        check(x, v)
    assert xp.broadcast_arrays() == ()
    with pytest.raises(ValueError, match="do not broadcast"):
        xp.broadcast_arrays(xp.zeros(3, device=device), xp.zeros(4, device=device))


@pytest.mark.parametrize("axis", [0, -1, (0,), (0, 1), (0, -1), (-1, -2)])
def test_expand_dims_is_numpys(pairs, axis):
    for x, v in pairs:
        check(xp.expand_dims(x, axis), np.expand_dims(v, axis))


def test_expand_dims_inserts_at_every_axis(device):
    v = values((2, 3))
    x = xp.asarray(v, device=device)
    for axis in range(-3, 3):
        check(xp.expand_dims(x, axis=axis), np.expand_dims(v, axis))
    for axis in itertools.permutations(range(4), 2):
        check(xp.expand_dims(x, axis), np.expand_dims(v, axis))
    for axis in (3, -4, (0, 4)):
        with pytest.raises(IndexError, match="out of range"):
            xp.expand_dims(x, axis)
    with pytest.raises(ValueError, match="more than once"):
        xp.expand_dims(x, (0, -4))


@pytest.mark.parametrize("axis", [1, -2, (1, 3), (3, -4), ()])
def test_squeeze_is_numpys(device, axis):
    for x, v in forms(device, (2, 1, 3, 1, 5)):
        check(xp.squeeze(x, axis), np.squeeze(v, axis))


def test_squeeze_errors(device):
    x = xp.zeros((1, 3), device=device)
    with pytest.raises(ValueError, match="extent 3"):
        xp.squeeze(x, 1)
    with pytest.raises(IndexError, match="axis 2 is out of range for an array of 2 dimensions"):
        xp.squeeze(x, 2)
    with pytest.raises(ValueError, match="more than once"):
        xp.squeeze(x, (0, -2))


# Order


def test_flip_is_numpys(pairs):
    for x, v in pairs:
        check(xp.flip(x), np.flip(v))
        for axis in range(-v.ndim, v.ndim):
            check(xp.flip(x, axis=axis), np.flip(v, axis))
        if v.ndim > 1:
            check(xp.flip(x, axis=(0, -1)), np.flip(v, (0, -1)))
        check(xp.flip(xp.flip(x)), v)


def test_permute_dims_is_numpys(pairs):
    for x, v in pairs:
        for axes in itertools.islice(itertools.permutations(range(v.ndim)), 0, 120, 7):
            check(xp.permute_dims(x, axes), np.transpose(v, axes))
            negative = tuple(axis - v.ndim for axis in axes)
            check(xp.permute_dims(x, negative), np.transpose(v, axes))


def test_permute_dims_errors(device):
    x = xp.zeros((2, 3), device=device)
    with pytest.raises(ValueError, match="more than once"):
        xp.permute_dims(x, (0, 0))
    with pytest.raises(ValueError, match="each of the 2 axes"):
        xp.permute_dims(x, (0,))
    with pytest.raises(IndexError):
        xp.permute_dims(x, (0, 2))


def test_moveaxis_is_numpys(device):
    for x, v in forms(device, (2, 1, 3, 1, 5)):
        for source, destination in itertools.product(range(-5, 5), repeat=2):
            moved = xp.moveaxis(x, source, destination)
            assert moved.shape == np.moveaxis(v, source, destination).shape
        for source, destination in (((0, 2), (4, 0)), ((4, 1, 0), (0, 2, -1)), ((), ())):
            check(xp.moveaxis(x, source, destination), np.moveaxis(v, source, destination))


def test_moveaxis_errors(device):
    x = xp.zeros((2, 3), device=device)
    with pytest.raises(ValueError, match="one length"):
        xp.moveaxis(x, (0, 1), 0)
    with pytest.raises(ValueError, match="more than once"):
        xp.moveaxis(x, (0, 1), (1, 1))
    with pytest.raises(IndexError):
        xp.moveaxis(x, 0, 2)


@pytest.mark.parametrize("shift", [0, 1, -2, 100, -101])
def test_roll_is_numpys(pairs, shift):
    for x, v in pairs:
        check(xp.roll(x, shift), np.roll(v, shift))
        for axis in range(-v.ndim, v.ndim):
            check(xp.roll(x, shift, axis=axis), np.roll(v, shift, axis))


def test_roll_of_several_axes(device):
    for x, v in forms(device, (3, 4, 5)):
        check(xp.roll(x, (1, -2), axis=(0, 2)), np.roll(v, (1, -2), (0, 2)))
        check(xp.roll(x, 2, axis=(0, -1)), np.roll(v, 2, (0, -1)))
        check(xp.roll(x, (1, 1), axis=(1, 1)), np.roll(v, 2, 1))
    with pytest.raises(ValueError, match="one length"):
        xp.roll(x, (1, 2), axis=0)
    with pytest.raises(TypeError, match="shift"):
        xp.roll(x, (1, 2))
    with pytest.raises(IndexError):
        xp.roll(x, 1, axis=3)


# Joining


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_concat_is_numpys(device, axis):
    for (x, v), (y, w) in itertools.product(forms(device, (3, 3)), repeat=2):
        check(xp.concat([x, y, x], axis=axis), np.concatenate([v, w, v], axis))


@pytest.mark.parametrize("extents", [(0,), (0, 0), (0, 3), (3, 0, 2), (1,), (2, 5, 1)])
def test_concat_of_unequal_and_empty_parts(device, extents):
    parts = [values((2, n, 3)) for n in extents]
    arrays = [xp.asarray(v, device=device) for v in parts]
    check(xp.concat(arrays, axis=1), np.concatenate(parts, 1))
    check(xp.concat(tuple(arrays), axis=None), np.concatenate(parts, None))
    check(xp.concat(arrays, axis=-2), np.concatenate(parts, 1))


@pytest.mark.parametrize("count", [16, 17, 33, 300])
def test_concat_of_many_arrays(device, count):
    parts = [values((1 + i % 3,)) + i for i in range(count)]
    check(xp.concat([xp.asarray(v, device=device) for v in parts]), np.concatenate(parts))


@pytest.mark.parametrize("a", DTYPES, ids=str)
@pytest.mark.parametrize("b", DTYPES, ids=str)
def test_concat_and_stack_promote(device, a, b):
    v, w = np.ones(2, a), np.zeros(2, b)
    x, y = xp.asarray(v, device=device), xp.asarray(w, device=device)
    check(xp.concat([x, y]), np.concatenate([v, w]))
    check(xp.stack([x, y]), np.stack([v, w]))
    empty = xp.zeros((0,), dtype=b, device=device)
    assert xp.concat([x, empty]).dtype == np.result_type(a, b)


def test_concat_of_one_array_is_another_array(device):
    x = xp.asarray([1.0, 2.0], device=device)
    y = xp.concat([x])
    x[0] = 5.0
    check(y, [1.0, 2.0])


def test_concat_of_scalars_needs_axis_none(device):
    x = xp.asarray(1.0, device=device)
    check(xp.concat([x, x], axis=None), [1.0, 1.0])
    with pytest.raises(IndexError):
        xp.concat([x, x])


def test_concat_errors(device):
    x = xp.zeros((2, 3), device=device)
    with pytest.raises(ValueError, match="must match"):
        xp.concat([x, xp.zeros((2, 4), device=device)])
    with pytest.raises(ValueError, match="must match"):
        xp.concat([x, xp.zeros(3, device=device)])
    with pytest.raises(ValueError, match="at least one"):
        xp.concat([])
    with pytest.raises(TypeError, match="tuple or list"):
        xp.concat(x)
    with pytest.raises(TypeError, match="int"):
        xp.concat([x, 1])
    with pytest.raises(IndexError):
        xp.concat([x], axis=2)


def test_stack_is_numpys(pairs):
    arrays, parts = zip(*pairs, strict=True)
    for axis in range(-parts[0].ndim - 1, parts[0].ndim + 1):
        check(xp.stack(arrays, axis=axis), np.stack(parts, axis))


def test_stack_errors(device):
    x = xp.zeros((2, 3), device=device)
    with pytest.raises(ValueError, match="must be equal"):
        xp.stack([x, xp.zeros((2, 4), device=device)])
    with pytest.raises(IndexError):
        xp.stack([x, x], axis=3)


def test_unstack_is_numpys(pairs):
    for x, v in pairs:
        for axis in range(-v.ndim, v.ndim):
            found = xp.unstack(x, axis=axis)
            assert isinstance(found, tuple) and len(found) == v.shape[axis]
            for part, expected in zip(found, np.moveaxis(v, axis, 0), strict=True):
                check(part, expected)
    with pytest.raises(IndexError):
        xp.unstack(xp.asarray(1.0))


# Repetition


@pytest.mark.parametrize("count", [0, 1, 3])
def test_repeat_is_numpys(pairs, count):
    for x, v in pairs:
        check(xp.repeat(x, count), np.repeat(v, count))
        for axis in range(-v.ndim, v.ndim):
            check(xp.repeat(x, count, axis=axis), np.repeat(v, count, axis))


@pytest.mark.parametrize("dtype", ["int8", "uint64", "int64"])
def test_repeat_by_an_array(device, dtype):
    counts = np.asarray([2, 0, 3], dtype)
    repeats = xp.asarray(counts, device=device)
    for x, v in forms(device, (2, 3, 4)):
        check(xp.repeat(x, repeats, axis=1), np.repeat(v, counts.astype("i8"), 1))
        one = xp.asarray([2], dtype=dtype, device=device)
        check(xp.repeat(x, one, axis=-1), np.repeat(v, 2, -1))
        check(xp.repeat(x, xp.asarray(2, device=device), axis=0), np.repeat(v, 2, 0))
    x = xp.asarray([[1.0], [2.0], [3.0]], device=device)
    check(xp.repeat(x, repeats), [1.0, 1.0, 3.0, 3.0, 3.0])
    check(xp.repeat(x, repeats - repeats), np.zeros(0))
    nothing = xp.zeros((0,), dtype=dtype, device=device)
    check(xp.repeat(xp.zeros((0, 2), device=device), nothing, axis=0), np.zeros((0, 2)))


def test_repeat_errors(device):
    x = xp.zeros((2, 3), device=device)
    with pytest.raises(ValueError, match="negative"):
        xp.repeat(x, -1)
    with pytest.raises(ValueError, match="negative"):
        xp.repeat(x, xp.asarray([1, -1], device=device), axis=0)
    with pytest.raises(ValueError, match=r"must have shape \(1,\) or \(3,\)"):
        xp.repeat(x, xp.asarray([1, 1], device=device), axis=1)
    with pytest.raises(TypeError, match="integer"):
        xp.repeat(x, 1.5)
    with pytest.raises(TypeError, match="integer array"):
        xp.repeat(x, xp.zeros(2, device=device), axis=0)
    with pytest.raises(IndexError):
        xp.repeat(x, 2, axis=2)


@pytest.mark.parametrize("repetitions", [(), (1,), (3,), (0,), (2, 3), (2, 1, 3), (1, 2, 1, 2)])
def test_tile_is_numpys(pairs, repetitions):
    for x, v in pairs:
        check(xp.tile(x, repetitions), np.tile(v, repetitions))


def test_tile_errors(device):
    x = xp.zeros((2, 3), device=device)
    with pytest.raises(ValueError, match="negative"):
        xp.tile(x, (1, -1))
    with pytest.raises(TypeError):
        xp.tile(x, (1.5,))


# Shape


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(((), (1,)), ((), ()), ((1,), ()), ((6,), (2, 3)), ((2, 3), (6,)), ((2, 3), (3, 2))),
        *(((2, 3, 4), (4, 3, 2)), ((2, 3, 4), (6, 4)), ((2, 3, 4), (-1, 2, 1)), ((0,), (3, 0))),
        *(((2, 0, 3), (0,)), ((0, 3), (-1, 3)), ((4, 6), (2, 2, 3, 2)), ((24,), (-1,))),
        *(((2, 1, 3, 1, 5), (1, 6, 5, 1)), ((7,), (7, 1, 1)), ((1, 1), (1,))),
    ],
    ids=str,
)
def test_reshape_is_numpys(device, old, new):
    for x, v in forms(device, old):
        check(xp.reshape(x, new), v.reshape(new))
        check(xp.reshape(x, new) * 2, v.reshape(new) * 2)
        check(xp.reshape(x, new, copy=True), v.reshape(new))


def test_reshape_of_memory_in_order_is_free_and_never_aliases(device):
    x = xp.asarray(values((4, 6)), device=device)
    y = xp.reshape(x, (24,), copy=False)
    assert y._node.op is None and y._node.buffer is x._node.buffer
    z = xp.reshape(x, (4, 6))
    assert z is not x
    x[0, 0] = 99.0
    check(y, values((24,)))
    check(z, values((4, 6)))


def test_reshape_without_a_copy_where_one_is_needed_raises(device):
    x = xp.permute_dims(xp.asarray(values((4, 6)), device=device), (1, 0))
    with pytest.raises(ValueError, match="copy=False"):
        xp.reshape(x, (24,), copy=False)
    check(xp.reshape(x, (3, 2, 4), copy=False), values((4, 6)).T.reshape(3, 2, 4))


@pytest.mark.parametrize("shape", [(5,), (4, -1), (-1, -1), (-2, 3), (0, -1), (2, 3, 2), ()])
def test_reshape_to_another_size_raises(device, shape):
    with pytest.raises(ValueError, match="reshape"):
        xp.reshape(xp.zeros((2, 3), device=device), shape)
    with pytest.raises(TypeError, match="integer"):
        xp.reshape(xp.zeros((2, 3), device=device), (2, 3.0))


@given(st.data())
def test_strides_of_a_reshape_are_numpys(data):
    shape = data.draw(st.lists(st.sampled_from([1, 2, 3, 4]), max_size=5))
    source = np.zeros([2 * n for n in shape], np.int8)
    view = source[
        tuple(
            slice(None, n * s, s)
            for n, s in zip(
                shape,
                data.draw(
                    st.lists(st.sampled_from([1, 2]), min_size=len(shape), max_size=len(shape))
                ),
                strict=True,
            )
        )
    ]
    if data.draw(st.booleans()):
        view = np.zeros(shape, np.int8)
    view = view.transpose(data.draw(st.permutations(range(view.ndim))))
    rest, new = view.size, []
    while rest > 1:
        n = data.draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0]))
        new.append(n)
        rest //= n
        if len(new) == 6:
            new.append(rest)
            break
    layout = intern_layout(view.dtype, view.shape, view.strides, 1)
    found = _strides(layout, tuple(new))
    try:
        expected = view.reshape(new, copy=False)
    except ValueError:
        assert found is None
        return
    assert found is not None
    assert [s for s, n in zip(found, new, strict=True) if n != 1] == [
        s for s, n in zip(expected.strides, new, strict=True) if n != 1
    ]


# What all have in common


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_passes_unchanged(device, dtype):
    v = np.arange(24).reshape(2, 3, 4).astype(dtype)
    x = xp.asarray(v, device=device)
    check(xp.permute_dims(xp.flip(x, axis=1), (2, 0, 1)), np.flip(v, 1).transpose(2, 0, 1))
    check(xp.roll(x, 5), np.roll(v, 5))
    check(xp.tile(x, (1, 2, 1)), np.tile(v, (1, 2, 1)))
    check(xp.repeat(x, 2, axis=1), np.repeat(v, 2, 1))
    check(xp.reshape(xp.permute_dims(x, (2, 1, 0)), (6, 4)), v.transpose().reshape(6, 4))


def test_long_chains_of_moves_compose(device):
    v = values((4, 6, 5))
    x = xp.asarray(v, device=device)
    x = xp.roll(xp.reshape(xp.permute_dims(x, (2, 0, 1)), (10, 12)), (3, -1), axis=(0, 1))
    v = np.roll(v.transpose(2, 0, 1).reshape(10, 12), (3, -1), (0, 1))
    x = xp.concat([xp.flip(x, axis=1), xp.tile(x, (1, 2))], axis=1)
    v = np.concatenate([np.flip(v, 1), np.tile(v, (1, 2))], 1)
    x = xp.repeat(xp.reshape(x[::2, 1:], (5, 5, 7)), 2, axis=1)
    v = np.repeat(v[::2, 1:].reshape(5, 5, 7), 2, 1)
    check(x, v)


@pytest.mark.parametrize(
    "function",
    [
        xp.flip,
        xp.unstack,
        lambda x: xp.reshape(x, (2,)),
        lambda x: xp.roll(x, 1),
        lambda x: xp.tile(x, (2,)),
        lambda x: xp.squeeze(x, 0),
        lambda x: xp.repeat(x, 2),
    ],
)
def test_what_is_not_an_array_is_rejected(function):
    with pytest.raises(TypeError, match="needs a gpuarray array, got list"):
        function([1, 2])


@pytest.mark.parametrize("axis", [1.0, True, "0", None])
def test_axes_are_integers(device, axis):
    x = xp.zeros((2, 3), device=device)
    with pytest.raises(TypeError, match="axis must be an integer"):
        xp.expand_dims(x, axis)
    with pytest.raises(TypeError, match="axis must be an integer"):
        xp.stack([x, x], axis=axis)
