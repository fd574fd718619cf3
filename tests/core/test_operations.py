"""The operation table: its rows are complete, and its NumPy functions obey the standard."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gpuarray.operations import CATEGORIES, TABLE, Operation
from tests.standard.special_cases import COMPLEX, REAL, columns, disagreements

STANDARD = """
    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_invert bitwise_left_shift
    bitwise_or bitwise_right_shift bitwise_xor ceil clip conj copysign cos cosh divide equal exp
    expm1 floor floor_divide greater greater_equal hypot imag isfinite isinf isnan less less_equal
    log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor maximum minimum
    multiply negative nextafter not_equal positive pow real reciprocal remainder round sign signbit
    sin sinh sqrt square subtract tan tanh trunc
"""

ROWS = list(TABLE.values())
INTEGERS = [np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)]


def operands(row: Operation, loop: np.dtype[Any], shape: tuple[int, ...]) -> list[Any]:
    """Small numbers and, in floating dtypes, an infinity and NaN; uncast operands are bool."""
    generator = np.random.default_rng(7)
    found = []
    for position in range(row.arity):
        values = generator.integers(0 if loop.kind == "u" else -3, 4, shape)
        dtype = np.dtype("bool") if position < row.uncast else loop
        array = np.asarray(values).astype(dtype)
        if array.size > 3 and dtype.kind in "fc":
            array.flat[:2] = np.inf, np.nan
        found.append(array)
    return found


def test_every_function_of_the_standard_has_a_row() -> None:
    assert set(STANDARD.split()) | {"where"} == set(TABLE)
    assert all(name == row.name for name, row in TABLE.items())


def test_every_floating_function_has_special_cases() -> None:
    real = {row.name for row in ROWS if np.dtype("f8") in row.dtypes} - {"where"}
    complex_ = {row.name for row in ROWS if np.dtype("c16") in row.dtypes} - {"where"}
    assert real == set(REAL)
    assert complex_ == set(COMPLEX)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", REAL)
def test_real_special_cases(name: str, dtype: str) -> None:
    cases = REAL[name]
    found = TABLE[name].numpy(*(np.asarray(c, dtype) for c in columns(cases)))
    assert not disagreements(cases, found.tolist(), 4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_special_cases(name: str, dtype: str) -> None:
    cases = COMPLEX[name]
    found = TABLE[name].numpy(*(np.asarray(c, dtype) for c in columns(cases)))
    assert not disagreements(cases, found.tolist(), 4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_results_are_new_arrays_of_the_stated_dtype_and_never_warn(row: Operation) -> None:
    for promoted in row.dtypes:
        loop = row.loops[promoted]
        for shape in ((), (0,), (3, 4)):
            given = operands(row, loop, shape)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = row.numpy(*given)
            assert isinstance(found, np.ndarray)
            assert (found.dtype, found.shape) == (row.results[loop], shape)
            assert not any(np.shares_memory(found, array) for array in given)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_scalars_and_arrays_have_the_same_values(row: Operation) -> None:
    for loop in row.results:
        given = operands(row, loop, (12,))
        found = row.numpy(*given)
        single = [row.numpy(*(np.asarray(a[i]) for a in given)) for i in range(12)]
        np.testing.assert_array_equal(found, np.asarray(single))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_expression_names_every_operand(row: Operation) -> None:
    names = ["first", "second", "third"][: row.arity]
    for loop in row.results:
        text = row.expression(loop).format(*names, T="f32")
        assert all(name in text for name in names)
        assert "{" not in text


def test_divide_computes_integers_in_float64() -> None:
    for dtype in INTEGERS:
        assert TABLE["divide"].loops[dtype] == np.float64
    assert TABLE["divide"].loops[np.dtype("f4")] == np.float32


def test_modulus_and_parts_of_complex_numbers_are_real() -> None:
    for name in ("abs", "real", "imag"):
        assert TABLE[name].results[np.dtype("c8")] == np.float32
        assert TABLE[name].results[np.dtype("c16")] == np.float64


def test_categories_are_those_of_the_standard() -> None:
    assert len(CATEGORIES["all"]) == 13
    assert CATEGORIES["numeric"] == CATEGORIES["real"] | CATEGORIES["complex"]
    assert np.dtype("bool") not in TABLE["add"].dtypes
    assert np.dtype("int64") not in TABLE["exp"].dtypes
    assert np.dtype("c16") not in TABLE["less"].dtypes


def test_a_row_of_an_unknown_category_is_refused() -> None:
    with pytest.raises(ValueError, match="operation 'erf': accepts='float' is unknown; use one of"):
        Operation("erf", 1, "float", "same", np.abs, "erf({0})")


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integer_results_that_c_leaves_undefined(dtype: np.dtype[Any]) -> None:
    info = np.iinfo(dtype)
    low, high, bits = int(info.min), int(info.max), info.bits
    lowest_over_minus_one = [("floor_divide", (low, -1), low), ("remainder", (low, -1), 0)]
    signed = [
        ("abs", (low,), low),
        ("bitwise_left_shift", (1, -1), 0),
        ("bitwise_right_shift", (-5, -1), -1),
        ("bitwise_right_shift", (-5, bits), -1),
        ("bitwise_right_shift", (-5, 1), -3),
        ("floor_divide", (-7, 2), -4),
        ("negative", (low,), low),
        ("pow", (-1, -3), -1),
        ("pow", (-1, -2), 1),
        ("pow", (0, -1), 0),
        ("pow", (1, -5), 1),
        ("pow", (2, -1), 0),
        ("remainder", (-7, 3), 2),
        ("remainder", (7, -3), -2),
        ("sign", (low,), -1),
        *lowest_over_minus_one,
    ]
    cases: list[tuple[str, tuple[int, ...], int]] = [
        ("add", (high, 1), low),
        ("bitwise_left_shift", (1, bits), 0),
        ("bitwise_left_shift", (3, bits - 1), low if low else 2 ** (bits - 1)),
        ("bitwise_right_shift", (high, bits), 0),
        ("floor_divide", (7, 0), 0),
        ("multiply", (high, high), 1),
        ("pow", (0, 0), 1),
        ("pow", (2, bits), 0),
        ("pow", (3, 4), 81),
        ("remainder", (7, 0), 0),
        ("square", (high,), 1),
        ("subtract", (low, 1), high),
        *(signed if low else [("negative", (1,), high)]),
    ]
    for name, given, expected in cases:
        found = TABLE[name].numpy(*(np.asarray([x], dtype) for x in given))
        assert (name, given, int(found[0])) == (name, given, expected)


def test_crossed_bounds_clip_to_the_upper_one() -> None:
    assert TABLE["clip"].numpy(*map(np.asarray, (5, 9, 3))) == 3


def relative_error(found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Of each part by itself, in units of the precision of the result."""
    eps = np.finfo(found.dtype).eps
    parts = [(found.real, expected.real), (found.imag, expected.imag)]
    errors = [abs(f - e) / np.where(e == 0, 1, abs(e)) / eps for f, e in parts]
    return np.asarray(np.maximum(*errors))


def test_log1p_is_precise_where_the_modulus_rounds_to_one() -> None:
    # On the circle |1 + z| = 1 the real part is b**4 / 8 - ..., far below the rounding of 1 + z.
    b = np.ldexp(1.0, -np.arange(2, 20))
    a = np.ldexp(-1.0, -2 * np.arange(2, 20) - 1)  # a = -b**2 / 2, so that 2a + b**2 is 0
    z = a + 1j * b
    exact = np.log1p(a * a) / 2 + 1j * np.arctan2(b, 1 + a)
    assert relative_error(TABLE["log1p"].numpy(z), exact).max() < 4


def test_expm1_is_precise_near_zero() -> None:
    z = np.ldexp(1.0, -np.arange(30, 300, 10)) * (1 + 1j)
    series = z + z * z / 2
    assert relative_error(TABLE["expm1"].numpy(z), series).max() < 4
