"""The functions about dtypes: limits, kinds, promotion."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.dtypes import DTYPES, KINDS

FLOATS = {
    xp.float32: xp.float32,
    xp.float64: xp.float64,
    xp.complex64: xp.float32,
    xp.complex128: xp.float64,
}
INTEGERS = [d for d in DTYPES if d.kind in "iu"]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_finfo_is_that_of_the_parts_in_python_numbers(device, dtype):
    for given in (dtype, dtype.name, dtype.type, xp.zeros(2, dtype=dtype)):
        found = xp.finfo(given)
        assert found.dtype is FLOATS[dtype]
        expected = np.finfo(dtype)
        assert found.bits == expected.bits
        for name in ("eps", "max", "min", "smallest_normal"):
            value = getattr(found, name)
            assert type(value) is float
            assert value == getattr(expected, name)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_iinfo_is_in_python_integers(device, dtype):
    for given in (dtype, dtype.name, dtype.type, xp.zeros(2, dtype=dtype)):
        found = xp.iinfo(given)
        assert found.dtype is dtype
        assert (found.bits, found.min, found.max) == (
            8 * dtype.itemsize,
            np.iinfo(dtype).min,
            np.iinfo(dtype).max,
        )
        assert {type(found.bits), type(found.min), type(found.max)} == {int}


def test_limits_of_other_dtypes_are_errors(device):
    for dtype in (xp.bool, xp.int8, xp.zeros(1, dtype=xp.uint8)):
        with pytest.raises(TypeError, match="finfo: needs a floating-point dtype"):
            xp.finfo(dtype)
    for dtype in (xp.bool, xp.float32, xp.zeros(1)):
        with pytest.raises(TypeError, match="iinfo: needs an integer dtype"):
            xp.iinfo(dtype)
    for function in (xp.finfo, xp.iinfo):
        with pytest.raises(TypeError, match="not a dtype of the standard"):
            function("float16")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("bool", "bool"),
        ("signed integer", "int8 int16 int32 int64"),
        ("unsigned integer", "uint8 uint16 uint32 uint64"),
        ("integral", "int8 int16 int32 int64 uint8 uint16 uint32 uint64"),
        ("real floating", "float32 float64"),
        ("complex floating", "complex64 complex128"),
        (
            "numeric",
            "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 "
            "complex64 complex128",
        ),
    ],
)
def test_kinds_are_those_of_the_standard(kind, names):
    found = [d.name for d in DTYPES if xp.isdtype(d, kind)]
    assert found == names.split()
    assert set(KINDS) >= {kind}
    for dtype in DTYPES:
        assert type(xp.isdtype(dtype, kind)) is bool
        assert xp.isdtype(dtype, (kind, dtype))


def test_a_dtype_is_a_kind():
    for a, b in itertools.product(DTYPES, DTYPES):
        assert xp.isdtype(a, b) == (a is b)
        assert xp.isdtype(dtype=a, kind=(b, "bool")) == (a is b or a is xp.bool)
    assert not xp.isdtype(xp.int8, ())


@pytest.mark.parametrize("kind", ["float", 5, None, ("bool", "whole"), (xp.bool, 5)])
def test_what_is_no_kind_is_an_error(kind):
    if kind == "float":  # which NumPy takes for float64
        assert xp.isdtype(xp.float64, kind)
        return
    with pytest.raises(ValueError, match="isdtype: kind must be a dtype or one of 'bool'"):
        xp.isdtype(xp.bool, kind)


def test_can_cast_is_what_promotion_does(device):
    for a, b in itertools.product(DTYPES, DTYPES):
        expected = np.promote_types(a, b) == b
        assert xp.can_cast(a, b) is expected
        assert xp.can_cast(xp.zeros(1, dtype=a), b) is expected
        assert xp.can_cast(a.name, b.type) is expected
    with pytest.raises(TypeError, match="not a dtype of the standard"):
        xp.can_cast(xp.int8, "float16")


def test_result_type_of_dtypes_and_arrays(device):
    for a, b in itertools.product(DTYPES, DTYPES):
        expected = np.promote_types(a, b)
        x = xp.zeros((), dtype=b)
        assert xp.result_type(a, b) is expected
        assert xp.result_type(a, x) is expected
        assert xp.result_type(x, a.name) is expected
    assert xp.result_type(xp.int8, xp.int16, xp.uint8, xp.float32) is xp.float32
    assert xp.result_type(xp.int8, np.float32(1)) is xp.float32


@pytest.mark.parametrize("scalars", [(True,), (1,), (1.0,), (1j,), (1, True, 2.5), (1j, 10**30)])
def test_result_type_is_that_of_an_operation_with_scalars(device, scalars):
    for dtype in DTYPES:
        x = xp.ones(1, dtype=dtype)
        expected = dtype
        for scalar in sorted(scalars, key=abs):
            expected = np.result_type(np.zeros(1, expected), type(scalar)(1))
        for given in itertools.permutations((x, *scalars)):
            assert xp.result_type(*given) is expected


def test_result_type_needs_something_with_a_dtype(device):
    for given in ((), (1, 2.0), (True,)):
        with pytest.raises(ValueError, match="result_type: needs at least one array or dtype"):
            xp.result_type(*given)
    with pytest.raises(TypeError, match="not a dtype of the standard"):
        xp.result_type(xp.float32, "f2")


def test_none_is_no_dtype(device):
    x = xp.zeros(1)
    for call in (
        lambda: xp.astype(x, None),
        lambda: xp.can_cast(None, xp.float64),
        lambda: xp.can_cast(x, None),
        lambda: xp.finfo(None),
        lambda: xp.isdtype(None, "bool"),
        lambda: xp.result_type(x, None),
    ):
        with pytest.raises(TypeError, match="dtype: None is not a dtype of the standard"):
            call()


def test_flags_of_astype_are_bools(device):
    with pytest.raises(TypeError, match="astype: copy must be True or False, got 'no'"):
        xp.astype(xp.zeros(1), xp.int8, copy="no")
