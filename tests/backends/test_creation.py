"""The creation functions, and `astype`: values, dtypes, shapes, devices and errors."""

from __future__ import annotations

import array
import math
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.dtypes import DTYPES

NUMERIC = [d for d in DTYPES if d.kind != "b"]


def host(x: xp.Array) -> np.ndarray[Any, Any]:
    return np.asarray(x.to_device("cpu"))


def check(x: xp.Array, expected: Any, dtype: Any = None) -> None:
    expected = np.asarray(expected)
    assert x.shape == expected.shape
    assert x.dtype == (expected.dtype if dtype is None else dtype)
    np.testing.assert_array_equal(host(x), expected)


# Constants


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 0, 2), (2, 1, 3, 1, 5)], ids=str)
def test_zeros_ones_and_full_have_their_value_everywhere(device, dtype, shape):
    check(xp.zeros(shape, dtype=dtype, device=device), np.zeros(shape, dtype))
    check(xp.ones(shape, dtype=dtype, device=device), np.ones(shape, dtype))
    check(xp.full(shape, 3, dtype=dtype, device=device), np.full(shape, 3, dtype))
    assert xp.empty(shape, dtype=dtype, device=device).shape == shape


def test_default_dtypes_are_numpys(device):
    assert xp.zeros(2, device=device).dtype == xp.float64
    assert xp.ones(2, device=device).dtype == xp.float64
    assert xp.empty(2, device=device).dtype == xp.float64
    for value, dtype in ((True, "bool"), (1, "int64"), (1.0, "float64"), (1j, "complex128")):
        assert xp.full(2, value, device=device).dtype == np.dtype(dtype)
        assert xp.asarray(value, device=device).dtype == np.dtype(dtype)
    assert xp.full(2, np.float32(1), device=device).dtype == xp.float32


def test_like_functions_take_shape_dtype_and_device_from_the_array(device):
    x = xp.asarray([[1, 2, 3]], dtype=xp.int16, device=device)
    for made, value in (
        (xp.zeros_like(x), 0),
        (xp.ones_like(x), 1),
        (xp.full_like(x, 9), 9),
    ):
        check(made, np.full((1, 3), value, np.int16))
        assert made.device == x.device
    assert xp.empty_like(x).shape == (1, 3)
    assert xp.full_like(x, 2.5, dtype=xp.float32).dtype == xp.float32
    assert xp.zeros_like(x, device="cpu").device == "cpu"


def test_special_values_fill_exactly(device):
    filled = host(xp.full(3, -0.0, device=device))
    assert np.all(np.signbit(filled)) and np.all(filled == 0)
    assert np.all(np.isnan(host(xp.full(3, math.nan, dtype=xp.float32, device=device))))
    check(xp.full(2, 2**64 - 1, dtype=xp.uint64, device=device), np.full(2, 2**64 - 1, np.uint64))
    check(xp.full(2, -(2**63), device=device), np.full(2, -(2**63)))


def test_full_converts_to_the_kind_of_the_dtype(device):
    check(xp.full(2, 2.75, dtype=xp.int8, device=device), np.full(2, 2, np.int8))
    check(xp.full(2, 5, dtype=bool, device=device), np.full(2, True))
    check(xp.full(2, True, dtype=xp.complex64, device=device), np.full(2, 1, np.complex64))
    check(xp.full((2, 2), xp.asarray(4.0, device=device)), np.full((2, 2), 4.0))


def test_full_rejects_values_that_the_dtype_cannot_hold(device):
    with pytest.raises(OverflowError, match="uint8"):
        xp.full(2, 256, dtype=xp.uint8, device=device)
    with pytest.raises(OverflowError, match="int64"):
        xp.full(2, 2**63, device=device)
    with pytest.raises(ValueError, match="nan"):
        xp.full(2, math.nan, dtype=xp.int32, device=device)
    with pytest.raises(TypeError, match="imaginary"):
        xp.full(2, 1j, dtype=xp.float64, device=device)
    with pytest.raises(TypeError, match="scalar"):
        xp.full(2, "1", device=device)


@pytest.mark.parametrize("shape", [2.0, (2, 1.5), True, (True, 2), "2", None])
def test_shapes_are_integers(device, shape):
    with pytest.raises(TypeError, match="zeros: each extent of a shape must be an integer"):
        xp.zeros(shape, device=device)


def test_shapes_are_not_negative(device):
    with pytest.raises(ValueError, match="negative"):
        xp.ones((2, -1), device=device)
    check(xp.zeros([2, np.int32(3)], device=device), np.zeros((2, 3)))


def test_unknown_devices_and_dtypes_are_named(device):
    with pytest.raises(ValueError, match="nowhere"):
        xp.zeros(2, device="nowhere")
    with pytest.raises(TypeError, match="float16"):
        xp.zeros(2, dtype="float16", device=device)


# Ranges


@pytest.mark.parametrize(
    "arguments",
    [
        *((0,), (5,), (-3,), (2, 9), (9, 2), (9, 2, -1), (0, 10, 3), (0, 9, 3), (10, -1, -4)),
        *((7, 7), (2**62, 2**62 + 5), (-(2**63), -(2**63) + 7, 3), (1, 2, 5)),
    ],
    ids=str,
)
def test_integer_arange_is_exact(device, arguments):
    check(xp.arange(*arguments, device=device), np.asarray(range(*arguments), np.int64))


@pytest.mark.parametrize(
    "arguments",
    [(0.0,), (3.5,), (0.0, 1.0, 0.1), (1.0, 0.0, -0.3), (5.0, 1.0), (-1.5, 4), (0, 1, 1 / 3)],
    ids=str,
)
def test_float_arange_is_start_plus_i_times_step(device, arguments):
    start, stop, step = (0, *arguments, 1) if len(arguments) == 1 else (*arguments, 1)[:3]
    n = max(math.ceil((stop - start) / step), 0)
    x = xp.arange(*arguments, device=device)
    assert x.shape == (n,) == np.arange(*arguments).shape
    assert x.dtype == xp.float64
    # One rounding of the product and one of the sum, which a device may leave out.
    np.testing.assert_allclose(host(x), start + np.arange(n) * step, rtol=0, atol=1e-15 * 8)


@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
def test_arange_has_the_dtype_asked_for(device, dtype):
    check(xp.arange(2, 40, 7, dtype=dtype, device=device), np.arange(2, 40, 7).astype(dtype))


def test_arange_of_uint64_goes_beyond_int64_both_ways(device):
    top = 2**64 - 1
    x = xp.arange(top - 4, top, 2, dtype=xp.uint64, device=device)
    check(x, np.asarray([top - 4, top - 2], np.uint64))
    x = xp.arange(top, top - 5, -2, dtype=xp.uint64, device=device)
    check(x, np.asarray([top, top - 2, top - 4], np.uint64))


def test_arange_accepts_numpy_scalars_and_arrays_of_no_dimension(device):
    check(xp.arange(np.int32(3), device=device), np.arange(3))
    check(xp.arange(xp.asarray(3, device=device), device=device), np.arange(3))
    assert xp.arange(np.float32(3), device=device).dtype == xp.float64


def test_arange_errors(device):
    with pytest.raises(ValueError, match="step must not be 0"):
        xp.arange(0, 3, 0, device=device)
    with pytest.raises(ValueError, match="not finite"):
        xp.arange(0.0, math.inf, device=device)
    with pytest.raises(TypeError, match="start"):
        xp.arange("3", device=device)
    with pytest.raises(TypeError, match="real"):
        xp.arange(1j, device=device)
    with pytest.raises(TypeError, match="numeric"):
        xp.arange(3, dtype=bool, device=device)
    with pytest.raises(OverflowError, match="int8"):
        xp.arange(200, dtype=xp.int8, device=device)
    check(xp.arange(200, 0, dtype=xp.int8, device=device), np.zeros(0, np.int8))


@pytest.mark.parametrize("dtype", [None, xp.float32, xp.float64, xp.complex64, xp.complex128])
@pytest.mark.parametrize("num", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("endpoint", [True, False])
def test_linspace_is_numpys(device, dtype, num, endpoint):
    x = xp.linspace(-0.3, 1.7, num, dtype=dtype, device=device, endpoint=endpoint)
    expected = np.linspace(-0.3, 1.7, num, dtype=dtype, endpoint=endpoint)
    assert x.dtype == expected.dtype
    # Each number comes from one product and one sum in float64, then one cast.
    tolerance = 4 * np.finfo(expected.dtype).eps
    np.testing.assert_allclose(host(x), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("num", [2, 3, 10, 50, 1001])
def test_linspace_ends_exactly_at_stop(device, num):
    for stop in (0.1, 1 / 3, 1e300, -7.7):
        x = host(xp.linspace(0.7, stop, num, device=device))
        assert x[0] == 0.7 and x[-1] == stop


def test_linspace_of_complex_numbers_and_wide_intervals(device):
    x = xp.linspace(1 + 1j, 3 - 5j, 9, device=device)
    assert x.dtype == xp.complex128
    np.testing.assert_allclose(host(x), np.linspace(1 + 1j, 3 - 5j, 9), rtol=1e-14)
    x = host(xp.linspace(-1.7e308, 1.7e308, 5, device=device))
    assert np.all(np.isfinite(x)) and abs(x[2]) < 1e293
    check(xp.linspace(0, 3, 5, dtype=xp.int32, device=device), np.asarray([0, 0, 1, 2, 3], "i4"))


def test_linspace_errors(device):
    with pytest.raises(ValueError, match="num"):
        xp.linspace(0, 1, -1, device=device)
    with pytest.raises(TypeError, match="num"):
        xp.linspace(0, 1, 2.0, device=device)
    with pytest.raises(TypeError, match="imaginary"):
        xp.linspace(0, 1j, 3, dtype=xp.float64, device=device)
    with pytest.raises(TypeError, match="numeric"):
        xp.linspace(0, 1, 3, dtype=bool, device=device)


# Matrices


@pytest.mark.parametrize("shape", [(3,), (3, 5), (5, 3), (0,), (0, 3), (3, 0), (1, 1)], ids=str)
@pytest.mark.parametrize("k", [0, 1, -2, 100, -100])
def test_eye_is_numpys(device, shape, k):
    check(xp.eye(*shape, k=k, device=device), np.eye(*shape, k=k))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_eye_has_the_dtype_asked_for(device, dtype):
    check(xp.eye(3, 4, k=-1, dtype=dtype, device=device), np.eye(3, 4, k=-1, dtype=dtype))


def test_eye_errors(device):
    with pytest.raises(ValueError, match="negative"):
        xp.eye(-1, device=device)
    with pytest.raises(TypeError, match="n_rows"):
        xp.eye(2.0, device=device)
    with pytest.raises(TypeError, match="k must"):
        xp.eye(2, k=0.5, device=device)


@pytest.mark.parametrize(
    "shape", [(4, 4), (3, 5), (5, 3), (2, 1, 3, 4), (0, 3), (2, 3, 0)], ids=str
)
@pytest.mark.parametrize("k", [0, 1, -1, 3, -4, 99])
def test_triangles_are_numpys(device, shape, k):
    values = np.arange(1.0, math.prod(shape) + 1).reshape(shape)
    x = xp.asarray(values, device=device)
    check(xp.tril(x, k=k), np.tril(values, k))
    check(xp.triu(x, k=k), np.triu(values, k))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_triangles_keep_the_dtype(device, dtype):
    values = np.ones((3, 3), dtype)
    check(xp.tril(xp.asarray(values, device=device)), np.tril(values))
    check(xp.triu(xp.asarray(values, device=device), k=1), np.triu(values, 1))


def test_triangles_put_zeros_over_nan(device):
    x = xp.full((2, 2), math.nan, device=device)
    assert float(xp.tril(x)[0, 1]) == 0.0
    with pytest.raises(ValueError, match="two dimensions"):
        xp.tril(xp.zeros(3, device=device))


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("lengths", [(), (4,), (3, 2), (2, 3, 4), (2, 0, 3), (1, 2, 1, 3)], ids=str)
def test_meshgrid_is_numpys(device, indexing, lengths):
    vectors = [np.arange(n) * 10.0 for n in lengths]
    found = xp.meshgrid(*(xp.asarray(v, device=device) for v in vectors), indexing=indexing)
    expected = np.meshgrid(*vectors, indexing=indexing)
    assert isinstance(found, tuple) and len(found) == len(expected)
    for x, y in zip(found, expected, strict=True):
        check(x, y)


def test_meshgrid_errors(device):
    with pytest.raises(ValueError, match="indexing"):
        xp.meshgrid(xp.arange(2, device=device), indexing="yx")
    with pytest.raises(ValueError, match="one-dimensional"):
        xp.meshgrid(xp.zeros((2, 2), device=device))
    with pytest.raises(TypeError, match="list"):
        xp.meshgrid([1, 2])


# asarray


@pytest.mark.parametrize(
    ("obj", "dtype"),
    [
        ([True, False], "bool"),
        ([True, 2], "int64"),
        ([1, 2.5], "float64"),
        ([True, 1, 2.0, 3j], "complex128"),
        ([[1, 2], [3, 4]], "int64"),
        (((1.0,), (2.0,)), "float64"),
        ([], "float64"),
        ([[], []], "float64"),
        (range(4), "int64"),
        ([np.float32(1), np.float32(2)], "float32"),
        ([np.asarray([1, 2], "i2"), np.asarray([3, 4], "i2")], "int16"),
    ],
    ids=str,
)
def test_asarray_of_sequences_has_the_default_dtypes(device, obj, dtype):
    check(xp.asarray(obj, device=device), np.asarray(obj, dtype))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_asarray_takes_numpy_arrays_of_any_dtype_and_strides(device, dtype):
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    for v in (values, values[:, ::-2, 1:], values.T, values[0, 0, 0], values[:, :0], values[()]):
        check(xp.asarray(v, device=device), v)
    check(xp.asarray(values[0, 1, 2], device=device), values[0, 1, 2])


@pytest.mark.parametrize("dtype", NUMERIC, ids=str)
def test_asarray_casts_to_the_dtype_asked_for(device, dtype):
    check(xp.asarray([1, 2], dtype=dtype, device=device), np.asarray([1, 2], dtype))
    check(
        xp.asarray(np.asarray([1, 2], "u1"), dtype=dtype, device=device), np.asarray([1, 2], dtype)
    )
    check(xp.asarray(3, dtype=dtype, device=device), np.asarray(3, dtype))


def test_asarray_copies_host_memory(device):
    values = np.zeros(3)
    x = xp.asarray(values, device=device)
    y = x + 1
    values[:] = 5
    check(x, np.zeros(3))
    check(y, np.ones(3))


def test_asarray_reads_buffers(device):
    check(xp.asarray(array.array("h", [1, -2]), device=device), np.asarray([1, -2], "i2"))
    check(xp.asarray(b"ab", device=device), np.asarray([97, 98], "u1"))
    check(xp.asarray(memoryview(np.arange(6.0).reshape(2, 3)).cast("B"), device=device),
          np.frombuffer(np.arange(6.0).tobytes(), "u1"))  # fmt: skip


def test_asarray_of_an_array_is_that_array(device):
    x = xp.asarray([1.0, 2.0], device=device)
    assert xp.asarray(x) is x
    assert xp.asarray(x, dtype=xp.float64, device=device, copy=False) is x
    copied = xp.asarray(x, copy=True)
    assert copied is not x
    x[0] = 9.0
    check(copied, [1.0, 2.0])
    check(xp.asarray(x, dtype=xp.float32), np.asarray([9, 2], "f4"))
    assert xp.asarray(x, device="cpu").device == "cpu"


def test_asarray_without_a_copy_where_one_is_needed_raises(device):
    x = xp.asarray([1.0, 2.0], device=device)
    with pytest.raises(ValueError, match="copy=False"):
        xp.asarray(x, dtype=xp.float32, copy=False)
    for obj in ([1, 2], 1.0):
        with pytest.raises(ValueError, match="copy=False"):
            xp.asarray(obj, device=device, copy=False)
    for obj in (np.zeros(2), b"ab"):
        with pytest.raises(ValueError, match="copy=False"):
            xp.asarray(obj, dtype=xp.float32, device=device, copy=False)


def test_asarray_joins_arrays_in_sequences(device):
    a = xp.asarray(1, dtype=xp.int16, device=device)
    b = xp.asarray(2, dtype=xp.int32, device=device)
    check(xp.asarray([a, b]), np.asarray([1, 2], "i4"))
    check(xp.asarray([[a, 7], [b, a]]), np.asarray([[1, 7], [2, 1]], "i4"))
    check(xp.asarray([a, 0.5]), np.asarray([1, 0.5]))
    check(xp.asarray([xp.asarray(1, dtype=xp.float32, device=device), 2.5]),
          np.asarray([1, 2.5], "f4"))  # fmt: skip
    check(xp.asarray([a, np.uint8(3)], dtype=xp.float32), np.asarray([1, 3], "f4"))
    check(xp.asarray([xp.arange(3, device=device), (4, 5, 6)]), [[0, 1, 2], [4, 5, 6]])
    assert xp.asarray([a, b]).device == a.device
    many = [xp.asarray(i, device=device) for i in range(50)]
    check(xp.asarray(many), np.arange(50))
    with pytest.raises(ValueError, match="do not join"):
        xp.asarray([xp.arange(3, device=device), (4, 5)])


@pytest.mark.parametrize("obj", [[[1, 2], [3]], [[1], 2], [1, [2, 3]], [[[1]], [[1, 2]]]], ids=str)
def test_ragged_sequences_are_rejected(device, obj):
    with pytest.raises(ValueError, match="ragged"):
        xp.asarray(obj, device=device)


@pytest.mark.parametrize("obj", [2**63, [2**63], [[1], [-(2**63) - 1]], [2**63, -1], [True, 2**70]])
def test_integers_beyond_int64_overflow(device, obj):
    with pytest.raises(OverflowError, match="int64"):
        xp.asarray(obj, device=device)


def test_integers_beyond_the_dtype_overflow(device):
    with pytest.raises(OverflowError, match="int8"):
        xp.asarray([1, 128], dtype=xp.int8, device=device)
    with pytest.raises(OverflowError, match="uint8"):
        xp.asarray(-1, dtype=xp.uint8, device=device)
    top = np.asarray([2**64 - 1], np.uint64)
    check(xp.asarray([2**64 - 1], dtype=xp.uint64, device=device), top)


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        (np.zeros(2, np.float16), "float16"),
        (np.zeros(2, ">f8"), "byte order"),
        (np.zeros(2, "S3"), "not supported"),
        (np.asarray([None, 1]), "object"),
        (np.float16(1), "float16"),
        (["a"], "str"),
        ("a", "str"),
        ([None], "NoneType"),
        (None, "NoneType"),
        ({1: 2}, "dict"),
        ([{1}], "set"),
        ((i for i in range(3)), "generator"),
        (np.asarray([1j]), "imaginary"),
        ([1j], "complex"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_an_array_is_named(device, obj, words):
    complex_input = words in ("imaginary", "complex")
    with pytest.raises(TypeError, match=words):
        xp.asarray(obj, dtype=xp.float64 if complex_input else None, device=device)


# astype


@pytest.mark.parametrize("wanted", DTYPES, ids=str)
@pytest.mark.parametrize("found", DTYPES, ids=str)
def test_astype_between_all_dtypes(device, found, wanted):
    values = np.asarray([0, 1, 2, 100]).astype(found)
    x = xp.asarray(values, device=device)
    if found.kind == "c" and wanted.kind in "iuf":
        with pytest.raises(TypeError, match="imaginary"):
            xp.astype(x, wanted)
    else:
        check(xp.astype(x, wanted), values.astype(wanted))


def test_astype_copies_unless_told_otherwise(device):
    x = xp.asarray([1.0, 2.0], device=device)
    assert xp.astype(x, xp.float64, copy=False) is x
    copied = xp.astype(x, xp.float64)
    assert copied is not x
    x[1] = 5.0
    check(copied, [1.0, 2.0])


def test_astype_to_another_device(device):
    x = xp.asarray([1.5, -2.5], device=device)
    moved = xp.astype(x, xp.float32, device="cpu")
    assert moved.device == "cpu"
    check(moved, np.asarray([1.5, -2.5], "f4"))
    check(xp.astype(x, xp.complex128, device="cpu"), np.asarray([1.5, -2.5], "c16"))


def test_astype_to_bool_is_nonzero(device):
    x = xp.asarray([0.0, -0.0, math.nan, math.inf, 1e-320], device=device)
    check(xp.astype(x, bool), [False, False, True, True, True])
    x = xp.asarray([0, 1j, complex(math.nan, 0)], device=device)
    check(xp.astype(x, bool), [False, True, True])


@pytest.mark.parametrize("shape", [(2**40, 2**40), (0, 2**62)])
def test_a_shape_beyond_any_memory_is_rejected_at_the_call(device, shape):
    with pytest.raises(ValueError, match=r"zeros: shape .* has more elements than any memory"):
        xp.zeros(shape)
