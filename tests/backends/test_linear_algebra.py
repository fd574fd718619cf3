"""Products of matrices and vectors in the main namespace, and the operator ``@``."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.dtypes import DTYPES

from .matrices import check, check_close, forms, host, integers, normal, wide
from .observer import observing

NUMERIC = [d for d in DTYPES if d.kind != "b"]

PRODUCTS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((2, 3), (3, 4)),
    ((1, 1), (1, 1)),
    ((5, 1), (1, 6)),
    ((3,), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((3,), (2, 5, 3, 4)),
    ((2, 5, 4, 3), (3,)),
    ((33, 65), (65, 17)),
]


@pytest.mark.parametrize("shapes", PRODUCTS, ids=str)
@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
def test_products_are_numpys(device, shapes, dtype):
    a, b = integers(shapes[0], dtype, 1), integers(shapes[1], dtype, 2)
    expected = np.matmul(a, b)
    x, y = xp.asarray(a, device=device), xp.asarray(b, device=device)
    check(xp.matmul(x, y), expected, dtype)
    check(x @ y, expected, dtype)


@pytest.mark.parametrize("dtype", ["int32", "float32", "complex128"])
@pytest.mark.parametrize("shapes", [((4, 2, 3), (3, 5)), ((3,), (3, 2)), ((6,), (6,))], ids=str)
def test_operands_of_any_layout(device, shapes, dtype):
    a, b = integers(shapes[0], dtype, 1), integers(shapes[1], dtype, 2)
    expected = np.matmul(a, b)
    for x, y in itertools.product(forms(a, device).values(), forms(b, device).values()):
        check(x @ y, expected, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_products_round_as_sums_of_products_do(device, dtype):
    a, b = normal((40, 300), dtype, 1), normal((300, 50), dtype, 2)
    product = xp.asarray(a, device=device) @ xp.asarray(b, device=device)
    # Below the square root of 300 on average, and 300 at most.
    check_close(product, wide(a) @ wide(b), dtype, 20)


def test_one_operand_broadcast_over_the_other_is_not_copied(device, monkeypatch):
    seen: list[dict[str, Any]] = []

    def call(name: str, **arguments: Any) -> Any:
        seen.append(arguments)
        return (xp.zeros((7, 5, 2, 4), device=device),)

    monkeypatch.setattr("gpuarray.linear_algebra.call", call)
    x = xp.asarray(integers((5, 2, 3), "float64"), device=device)
    y = xp.asarray(integers((3, 4), "float64"), device=device)
    z = xp.asarray(integers((7, 1, 3, 4), "float64"), device=device)
    with observing() as tasks:
        _ = x @ y
        _ = x @ z
        pending = y + 1
        _ = x @ pending
    strides = [(call["a"]._node.layout.strides, call["b"]._node.layout.strides) for call in seen]
    assert strides[0] == ((6, 3, 1), (0, 4, 1))
    assert strides[1] == ((0, 6, 3, 1), (12, 0, 4, 1))
    assert seen[0]["b"]._node.buffer is y._node.buffer
    # The pending operand was stored once, and not five times.
    assert strides[2] == ((6, 3, 1), (0, 4, 1))
    assert tasks.stored == [y.nbytes]


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        ("int8", "int32", "int32"),
        ("uint8", "int8", "int16"),
        ("float32", "float64", "float64"),
        ("float32", "complex64", "complex64"),
        ("float64", "complex64", "complex128"),
        ("int32", "float32", "float64"),
        ("bool", "int16", "int16"),
    ],
)
def test_dtypes_are_promoted_first(device, first, second, result):
    a, b = integers((3, 4), first, 1), integers((4, 2), second, 2)
    x, y = xp.asarray(a, device=device), xp.asarray(b, device=device)
    expected = a.astype(result) @ b.astype(result)
    check(x @ y, expected, result)
    check(xp.tensordot(x, y, axes=1), expected, result)
    check(xp.vecdot(x, y.mT[:1, :]), (a.astype(result) * b.T[:1, :]).sum(-1).astype(result), result)


def test_integers_wrap(device):
    a = np.full((2, 300), 100, np.int8)
    x = xp.asarray(a, device=device)
    expected = np.full((2, 2), 300 * 10000, np.int64).astype(np.int8)
    check(x @ x.mT, expected)
    check(x[0, :] @ x[1, :], expected[0, 0])
    check(xp.vecdot(x, x), expected[0])
    check(xp.tensordot(x, x, axes=2), np.int64(600 * 10000).astype(np.int8))


@pytest.mark.parametrize("dtype", ["int64", "float32", "complex64"])
def test_without_terms_products_are_zeros(device, dtype):
    for a, b in [((2, 0), (0, 3)), ((0,), (0,)), ((0,), (4, 0, 2)), ((5, 2, 0), (0,))]:
        x, y = xp.zeros(a, dtype=dtype), xp.zeros(b, dtype=dtype)
        check(x @ y, np.zeros(a, dtype) @ np.zeros(b, dtype))
    assert (xp.zeros((0, 3)) @ xp.zeros((3, 2))).shape == (0, 2)
    assert (xp.zeros((0, 2, 3)) @ xp.zeros((1, 3, 2))).shape == (0, 2, 2)
    assert (xp.zeros((0, 2, 3)) @ xp.zeros(3)).shape == (0, 2)
    check(xp.tensordot(xp.zeros((2, 0), dtype=dtype), xp.zeros((0, 3), dtype=dtype), axes=1),
          np.zeros((2, 3), dtype))  # fmt: skip
    check(xp.vecdot(xp.zeros((2, 0), dtype=dtype), xp.zeros(0, dtype=dtype)), np.zeros(2, dtype))


# The operators


def test_products_in_place_change_one_array(device):
    a, b = integers((3, 3), "float64", 1), integers((3, 3), "float64", 2)
    x, y = xp.asarray(a, device=device), xp.asarray(b, device=device)
    other = x
    same = x[:, :]
    x @= y
    check(x, a @ b)
    assert other is x
    check(same, a)
    check(y, b)


def test_products_in_place_keep_shape_and_dtype(device):
    x = xp.ones((3, 2), dtype=xp.float32)
    with pytest.raises(ValueError, match=r"matmul: in place, the result's shape \(3, 5\)"):
        x @= xp.ones((2, 5), dtype=xp.float32)
    with pytest.raises(TypeError, match="matmul: in place, the result's dtype float64"):
        x @= xp.ones((2, 2))
    check(x, np.ones((3, 2), np.float32))


def test_only_arrays_are_multiplied_as_matrices(device):
    x = xp.ones((2, 2))
    for other in (2, 1.5, [[1.0, 2.0], [3.0, 4.0]], np.ones((2, 2)), None):
        with pytest.raises(TypeError):
            _ = x @ other
        with pytest.raises(TypeError):
            _ = other @ x
        with pytest.raises(TypeError):
            x @= other
        with pytest.raises(TypeError, match="matmul: `x2` must be a gpuarray array"):
            xp.matmul(x, other)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="tensordot: `x1` must be a gpuarray array"):
            xp.tensordot(other, x)  # type: ignore[arg-type]


def test_errors_of_matmul(device):
    x = xp.ones((2, 3))
    with pytest.raises(ValueError, match="`x1` must have at least one dimension"):
        xp.matmul(xp.asarray(1.0), x)
    with pytest.raises(ValueError, match="`x2` must have at least one dimension"):
        xp.matmul(x, xp.asarray(1.0))
    for a, b in [((2, 3), (2, 3)), ((3,), (4,)), ((3,), (4, 3)), ((2, 3), (2,))]:
        with pytest.raises(ValueError, match="matmul: the last axis of `x1`"):
            xp.ones(a) @ xp.ones(b)
    with pytest.raises(ValueError, match="do not broadcast"):
        xp.ones((2, 4, 3)) @ xp.ones((3, 3, 4))
    truth = xp.ones((2, 2), dtype=xp.bool)
    for function in (xp.matmul, xp.tensordot, xp.vecdot):
        with pytest.raises(TypeError, match=f"{function.__name__}: .* must be numeric, got bool"):
            function(truth, truth)


def test_devices_do_not_mix():
    x = xp.ones((2, 2), device="cpu")
    y = xp.ones((2, 2), device="cuda:0")
    for function in (xp.matmul, xp.tensordot, xp.vecdot):
        with pytest.raises(ValueError, match=f"{function.__name__}: the arrays are on different"):
            function(x, y)


# Transposes


def test_transposes_are_views(device):
    v = integers((4, 2, 3), "int16")
    x = xp.asarray(v, device=device)
    check(xp.matrix_transpose(x), np.swapaxes(v, -1, -2))
    assert xp.matrix_transpose(x)._node.buffer is x._node.buffer
    check(xp.matrix_transpose(x > 0), np.swapaxes(v > 0, -1, -2))
    with pytest.raises(ValueError, match="matrix_transpose: `x` must have at least two dimensions"):
        xp.matrix_transpose(xp.ones(3))


# tensordot

CONTRACTIONS: list[tuple[tuple[int, ...], tuple[int, ...], Any]] = [
    ((2, 3, 4), (3, 4, 5), 2),
    ((2, 3, 4), (4, 5), 1),
    ((2, 3), (4, 5), 0),
    ((), (2, 3), 0),
    ((2,), (), 0),
    ((3, 4), (3, 4), 2),
    ((), (), 0),
    ((2, 3, 4), (4, 3, 5), ((1, 2), (1, 0))),
    ((2, 3, 4), (4, 3, 5), ([-1, -2], [0, -2])),
    ((2, 3, 4), (5, 2), ((0,), (1,))),
    ((2, 3, 4), (4, 2, 3), ((0, 1, 2), (1, 2, 0))),
    ((2, 3, 2), (2, 2), ((0, 2), (1, 0))),
    ((2, 3, 4), (5, 4), (2, 1)),
    ((2, 1, 3), (3, 1), ((1,), (1,))),
    ((2, 0, 3), (0, 4), ((1,), (0,))),
    ((0, 3), (3, 4), 1),
    ((0, 3), (4,), 0),
]


@pytest.mark.parametrize(("first", "second", "axes"), CONTRACTIONS, ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "complex64"])
def test_contractions_are_numpys(device, first, second, axes, dtype):
    a, b = integers(first, dtype, 1), integers(second, dtype, 2)
    x, y = xp.asarray(a, device=device), xp.asarray(b, device=device)
    check(xp.tensordot(x, y, axes=axes), np.tensordot(a, b, axes=axes), dtype)


@pytest.mark.parametrize("axes", [2, 1, 0, ((1, 2), (1, 2)), ((0, 2), (2, 1))], ids=str)
def test_contractions_of_any_layout(device, axes):
    a, b = integers((3, 3, 3), "float64", 1), integers((3, 3, 3), "float64", 2)
    expected = np.tensordot(a, b, axes=axes)
    first, second = forms(a, device), forms(b, device)
    for x, y in zip(first.values(), reversed(second.values()), strict=True):
        check(xp.tensordot(x, y, axes=axes), expected)


def test_errors_of_tensordot(device):
    x, y = xp.ones((2, 3)), xp.ones((3, 4))
    for axes in (-1, 3, ((0,), (0,), (0,))):
        with pytest.raises(ValueError, match="tensordot: `axes`"):
            xp.tensordot(x, y, axes=axes)  # type: ignore[arg-type]
    for axes in (2, ((0,), (0,)), ((0, 1), (0,))):
        with pytest.raises(ValueError, match="must have the same extents"):
            xp.tensordot(x, y, axes=axes)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="more than once"):
        xp.tensordot(x, x, axes=((0, 0), (0, 1)))
    with pytest.raises(IndexError, match="axis 2 is out of range"):
        xp.tensordot(x, y, axes=((2,), (0,)))
    for wrong in (1.5, True, "ab"):
        with pytest.raises(TypeError, match="must be an integer"):
            xp.tensordot(x, y, axes=wrong)  # type: ignore[arg-type]


# vecdot


@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
@pytest.mark.parametrize(
    ("first", "second", "axis"),
    [
        ((7,), (7,), -1),
        ((4, 7), (4, 7), -1),
        ((4, 7), (7,), -1),
        ((7, 4), (7, 1), -2),
        ((2, 7, 1), (5, 1, 7, 4), -2),
    ],
    ids=str,
)
def test_dot_products(device, dtype, first, second, axis):
    a, b = integers(first, dtype, 1), integers(second, dtype, 2)
    expected = (np.conj(a) * b).sum(axis, dtype=dtype)
    for x, y in zip(forms(a, device).values(), forms(b, device).values(), strict=True):
        check(xp.vecdot(x, y, axis=axis), expected, dtype)


def test_the_first_vector_is_conjugated(device):
    x, y = xp.asarray([1j, 2.0]), xp.asarray([1.0, 3.0])
    assert complex(xp.vecdot(x, y)) == 6 - 1j
    assert complex(xp.vecdot(y, x)) == 6 + 1j
    assert complex(x @ y) == 6 + 1j


def test_dot_products_are_fused_with_what_stands_around(device):
    v = integers((50, 20), "float64")
    x = xp.asarray(v, device=device)
    with observing() as seen:
        result = xp.sqrt(xp.vecdot(x + 1, x * 2) ** 2)
        xp.evaluate(result)
    assert seen.tasks == 1
    np.testing.assert_array_equal(host(result), np.abs(((v + 1) * v * 2).sum(-1)))
    with observing() as seen:
        result = (x[0, :] + 1) @ x[1, :] + 2
        xp.evaluate(result)
    assert seen.tasks == 1
    assert float(result) == (v[0] + 1) @ v[1] + 2


def test_errors_of_vecdot(device):
    x = xp.ones((2, 3))
    with pytest.raises(ValueError, match="vectors along axis -1 must be equally long"):
        xp.vecdot(x, xp.ones((2, 1)))
    with pytest.raises(ValueError, match="do not broadcast"):
        xp.vecdot(x, xp.ones((4, 3)))
    for axis in (0, 1, -2):
        with pytest.raises(IndexError, match=r"`axis` must count from the end, in \[-1, -1\]"):
            xp.vecdot(x, xp.ones(3), axis=axis)
    with pytest.raises(IndexError, match="vecdot: `x1` and `x2` must have at least one dimension"):
        xp.vecdot(xp.asarray(1.0), x)
    with pytest.raises(TypeError, match="`axis` must be an integer"):
        xp.vecdot(x, x, axis=-1.0)  # type: ignore[arg-type]
