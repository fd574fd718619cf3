"""Every elementwise function in every dtype it accepts, against NumPy.

NumPy computes single precision in double and rounds, which is an independent reference; double
precision is compared with NumPy's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.operations import TABLE, Operation

HostArray = np.ndarray[Any, Any]

WIDE = {"float32": "float64", "complex64": "complex128"}

# Correctly rounded or exact in IEEE arithmetic, so every device has the same bits.
EXACT = {
    *("abs", "add", "ceil", "clip", "conj", "copysign", "divide", "equal", "floor", "greater"),
    *("greater_equal", "imag", "isfinite", "isinf", "isnan", "less", "less_equal", "maximum"),
    *("minimum", "multiply", "negative", "not_equal", "positive", "real", "reciprocal"),
    *("round", "sign", "signbit", "sqrt", "square", "subtract", "trunc"),
}
# CUDA's guide allows float64 functions 2 units in the last place (pow: 2, tgamma apart) and float32
# ones 4; NumPy's may be off by as many. Complex functions chain several of them.
UNITS = {"f": 8, "c": 32}


def numbers(dtype: np.dtype[Any]) -> HostArray:
    """Values inside and outside of the domains of all functions; all extremes of integers."""
    if dtype.kind == "b":
        return np.asarray([False, True] * 8)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low, high = int(info.min), int(info.max)
        some = [0, 1, 2, 3, 5, 7, 11, 64, high, high - 1, high // 2, 100]
        some += [low, low + 1, -1, -7] if low else [4, 6, 8, high // 3]
        return np.asarray(some, dtype)
    real = [
        0.0,
        0.125,
        -0.5,
        0.7,
        -0.9,
        1.0,
        -1.25,
        1.5,
        2.5,
        -2.5,
        3.3,
        -4.75,
        7.0,
        13.1,
        1e-3,
        20.0,
    ]
    if dtype.kind == "f":
        return np.asarray(real).astype(dtype)
    return (np.asarray(real) + 1j * np.asarray(real)[::-1]).astype(dtype)


def operands(row: Operation, dtype: np.dtype[Any]) -> list[HostArray]:
    """As many as the operation takes; of two, every pair."""
    v = numbers(dtype)
    if row.arity == 1:
        return [v]
    if row.name == "clip":
        middle = v[2:3]
        return [v, np.minimum(middle, v[5]), np.maximum(middle, v[5])]
    first, second = (a.ravel().copy() for a in np.meshgrid(v, v, indexing="ij"))
    if row.name == "pow" and dtype.kind in "iu":
        second = (second % np.asarray(6, dtype)).astype(
            dtype
        )  # negative ones are an error in NumPy
    if row.name in ("floor_divide", "remainder") and dtype.kind in "fc":
        second = np.where(second == 0, dtype.type(0.3), second)  # 0 is among the special cases
    return [first, second]


def reference(row: Operation, given: list[HostArray]) -> HostArray:
    dtype = given[0].dtype
    if dtype.kind in "iu" and row.name in ("ceil", "floor", "trunc", "round"):
        return given[0]
    if row.name == "nextafter":
        return np.nextafter(*given)  # a matter of the dtype itself
    wide = WIDE.get(dtype.name)
    with np.errstate(all="ignore"):
        if wide is None or row.name in EXACT - {"abs"}:
            return np.asarray(getattr(np, row.name)(*given))
        found = np.asarray(getattr(np, row.name)(*(g.astype(wide) for g in given)))
        return found.astype(row.results[row.loops[dtype]])


def magnification(row: Operation, given: list[HostArray], expected: HostArray) -> HostArray:
    """How much larger a relative error of the result is than that of an intermediate value.

    A sum is as inexact as its larger term (``logaddexp`` adds one to a logarithm), and an
    exponential turns the absolute error of ``w log z``, in a complex power, into a relative one.
    """
    if row.name == "logaddexp":
        largest = np.maximum(abs(given[0]), abs(given[1]))
        return np.maximum(largest / np.maximum(abs(expected), 1e-3), 1.0)
    if row.name == "pow" and given[0].dtype.kind == "c":
        exponent = abs(given[1] * np.log(given[0]))
        return np.where(np.isfinite(exponent), np.maximum(exponent, 1.0), 1.0)
    return np.ones(1)


def compare(row: Operation, found: HostArray, expected: HostArray, given: list[HostArray]) -> None:
    where = f"{row.name} of {given[0].dtype}"
    assert found.dtype == expected.dtype, where
    assert found.shape == expected.shape, where
    kind = given[0].dtype.kind
    if expected.dtype.kind not in "fc" or (row.name in EXACT and kind != "c"):
        np.testing.assert_array_equal(found, expected, where)
        return
    eps = float(np.finfo(expected.dtype).eps)
    units = UNITS.get(kind, 0)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), where)
        error = abs(found - expected) / np.maximum(abs(expected), 1e-3)
        allowed = units * eps * magnification(row, given, expected)
    fine = np.isnan(expected) | (found == expected) | (error <= allowed)
    bad = np.flatnonzero(~fine)
    assert not len(bad), (
        f"{where}: {[g.flat[bad[0]] if g.size > 1 else g for g in given]} gives {found[bad[0]]}, "
        f"not {expected[bad[0]]}"
    )


NAMES = sorted(set(TABLE) - {"where"})


@pytest.mark.parametrize("name", NAMES)
def test_values_in_every_dtype(device, host, name):
    row = TABLE[name]
    dtypes = sorted(row.dtypes, key=str)
    given = [operands(row, dtype) for dtype in dtypes]
    arrays = [[xp.asarray(g, device=device) for g in each] for each in given]
    results = [getattr(xp, name)(*each) for each in arrays]
    # Together, so that all dtypes share a few kernels.
    xp.evaluate(*results)
    for dtype, each, result in zip(dtypes, given, results, strict=True):
        assert result.dtype == row.results[row.loops[dtype]]
        compare(row, host(result), reference(row, each), each)


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "less", "atan2", "bitwise_xor"])
def test_two_dtypes_are_promoted(device, host, name):
    row = TABLE[name]
    dtypes = [d for d in sorted(row.dtypes, key=str) if d != np.uint64]
    pairs = [(a, b) for a in dtypes for b in dtypes if np.promote_types(a, b) in row.dtypes]
    results, expected = [], []
    for a, b in pairs:
        v, w = numbers(a)[:7], numbers(b)[1:8]
        results.append(
            getattr(xp, name)(xp.asarray(v, device=device), xp.asarray(w, device=device))
        )
        promoted = np.promote_types(a, b)
        with np.errstate(all="ignore"):
            expected.append(getattr(np, name)(v.astype(promoted), w.astype(promoted)))
    xp.evaluate(*results)
    for (a, b), x, e in zip(pairs, results, expected, strict=True):
        assert x.dtype == e.dtype
        eps = 8 * float(np.finfo(e.dtype).eps) if e.dtype.kind in "fc" else 0
        np.testing.assert_allclose(host(x), e, rtol=eps, atol=eps, err_msg=f"{a} {b}")


@pytest.mark.parametrize("dtype", ["float32", "complex128", "int8", "bool", "uint64"])
def test_where_selects_and_broadcasts(device, host, dtype):
    v = numbers(np.dtype(dtype))
    condition = np.asarray([[True], [False]])
    x = xp.asarray(v, device=device)
    c = xp.asarray(condition, device=device)
    np.testing.assert_array_equal(host(xp.where(c, x, x[::-1])), np.where(condition, v, v[::-1]))


@pytest.mark.parametrize("source", sorted(TABLE["equal"].dtypes, key=str), ids=str)
def test_casts(device, host, source):
    v = numbers(source)
    x = xp.asarray(v, device=device)
    targets = [d for d in TABLE["equal"].dtypes if source.kind != "c" or d.kind in "cb"]
    if source.kind == "f":
        # Out of range is undefined; 20 is the largest here, and negative ones are not unsigned.
        v = abs(v)
        x = xp.abs(x)
    results = [xp.astype(x, d) for d in targets]
    xp.evaluate(*results)
    for d, found in zip(targets, results, strict=True):
        np.testing.assert_array_equal(host(found), v.astype(d), str(d))


def test_fused_values_are_those_of_single_operations(device, host):
    # No operation may look through another: a fused expression rounds at each step.
    v = np.linspace(-3, 3, 101).astype("float32")
    x = xp.asarray(v, device=device)
    fused = xp.sqrt(x * x + 1) - x * x * x
    square = x * x
    xp.evaluate(square)
    cube = square * x
    root = xp.sqrt(square + 1)
    xp.evaluate(cube, root)
    np.testing.assert_array_equal(host(fused), host(root - cube))
