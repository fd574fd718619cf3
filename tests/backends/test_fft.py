"""`gpuarray.fft` against the definition of the transform, and against NumPy in double precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gpuarray as xp

from .matrices import FLOATING, check, check_close, complex_of, forms, host, integers, normal, wide
from .observer import observing

REAL, COMPLEX = FLOATING[:2], FLOATING[2:]
NORMS = ["backward", "ortho", "forward"]

STANDARD = """fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift
ifftshift"""

fft = xp.fft

# Of each function: what it takes, and what it gives.
ONE_AXIS = {
    "fft": ("complex", "complex"),
    "ifft": ("complex", "complex"),
    "rfft": ("real", "complex"),
    "irfft": ("complex", "real"),
    "hfft": ("complex", "real"),
    "ihfft": ("real", "complex"),
}
SEVERAL_AXES = {
    "fftn": ("complex", "complex"),
    "ifftn": ("complex", "complex"),
    "rfftn": ("real", "complex"),
    "irfftn": ("complex", "real"),
}


def given(kind: str, precision: str) -> str:
    """The dtype of a kind and precision, "single" or "double"."""
    return (REAL if kind == "real" else COMPLEX)[precision == "double"]


def test_the_namespace_is_the_standards():
    assert sorted(fft.__all__) == sorted(STANDARD.split())


# Along one axis


@pytest.mark.parametrize("n", [1, 2, 3, 8, 12, 17])
@pytest.mark.parametrize("dtype", FLOATING)
def test_the_transform_is_the_sum_that_defines_it(device, n, dtype):
    v = normal((n,), dtype)
    k = np.arange(n)
    waves = np.exp(-2j * math.pi * np.outer(k, k) / n)
    x = xp.asarray(v, device=device)
    check_close(fft.fft(x), waves @ wide(v), complex_of(dtype), n)
    check_close(fft.ifft(x), np.conj(waves) @ wide(v) / n, complex_of(dtype), n)


@pytest.mark.parametrize("name", ONE_AXIS)
@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("norm", NORMS)
def test_transforms_along_an_axis_are_numpys(device, name, precision, norm):
    takes, gives = ONE_AXIS[name]
    v = normal((4, 6, 5), given(takes, precision))
    for axis in (-1, 0, 1, -3):
        # 4, 5 and 6 elements: cropped, as they are, padded; even and odd.
        for n in (None, 1, 4, 5, 7, 10):
            expected = getattr(np.fft, name)(wide(v), n=n, axis=axis, norm=norm)
            found = getattr(fft, name)(xp.asarray(v, device=device), n=n, axis=axis, norm=norm)
            check_close(found, expected, given(gives, precision), 4)


@pytest.mark.parametrize("name", ONE_AXIS)
def test_operands_of_any_layout(device, name):
    v = normal((3, 6, 4), given(ONE_AXIS[name][0], "double"))
    gives = given(ONE_AXIS[name][1], "double")
    for x in forms(v, device).values():
        for axis in range(3):
            check_close(
                getattr(fft, name)(x, axis=axis), getattr(np.fft, name)(v, axis=axis), gives, 2
            )
        check_close(getattr(fft, name)(x, n=3, axis=1), getattr(np.fft, name)(v, 3, 1), gives, 2)
        repeated = xp.broadcast_to(x, (2, *v.shape))
        expected = np.broadcast_to(getattr(np.fft, name)(v), (2, *getattr(np.fft, name)(v).shape))
        check_close(getattr(fft, name)(repeated), expected, gives, 2)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [2, 5, 8])
@pytest.mark.parametrize("dtype", REAL)
def test_inverses_undo_transforms(device, norm, n, dtype):
    v = normal((3, n), dtype)
    x = xp.asarray(v, device=device)
    z = xp.asarray(normal((3, n), complex_of(dtype)), device=device)
    check_close(fft.ifft(fft.fft(z, norm=norm), norm=norm), host(z), complex_of(dtype), 2)
    check_close(fft.irfft(fft.rfft(x, norm=norm), n=n, norm=norm), v, dtype, 2)
    check_close(fft.hfft(fft.ihfft(x, norm=norm), n=n, norm=norm), v, dtype, 2)
    check_close(fft.ifftn(fft.fftn(z, norm=norm), norm=norm), host(z), complex_of(dtype), 2)
    again = fft.irfftn(fft.rfftn(x, norm=norm), s=(3, n), axes=(0, 1), norm=norm)
    check_close(again, v, dtype, 2)


def test_imaginary_parts_that_symmetry_forbids_are_ignored(device):
    v = normal((5,), "complex128")
    clean = v.copy()
    clean[[0, -1]] = clean[[0, -1]].real
    for n in (8, 9):
        clean[-1] = clean[-1].real if n == 8 else v[-1]
        expected = np.fft.irfft(clean, n)
        check_close(fft.irfft(xp.asarray(v, device=device), n=n), expected, "float64", 2)


# Over several axes


@pytest.mark.parametrize("name", SEVERAL_AXES)
@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("norm", NORMS)
def test_transforms_over_several_axes_are_numpys(device, name, precision, norm):
    takes, gives = SEVERAL_AXES[name]
    v = normal((4, 3, 5, 2), given(takes, precision))
    x = xp.asarray(v, device=device)
    cases: list[tuple[Any, Any]] = [
        (None, None),
        (None, (0, 1)),
        (None, (2,)),
        (None, [-2, 0]),
        (None, (3, 1, 0)),
        ((6, 2), (0, 2)),
        ((3, 8), (-1, 0)),
        ([5, 4, 3, 2], [0, 1, 2, 3]),
        ((1,), (1,)),
    ]
    for s, axes in cases:
        expected = getattr(np.fft, name)(wide(v), s=s, axes=axes, norm=norm)
        found = getattr(fft, name)(x, s=s, axes=axes, norm=norm)
        check_close(found, expected, given(gives, precision), 4)


@pytest.mark.parametrize("name", SEVERAL_AXES)
def test_a_size_of_minus_one_is_that_of_the_array(device, name):
    function = getattr(fft, name)
    x = xp.asarray(normal((4, 3, 5), given(SEVERAL_AXES[name][0], "double")), device=device)
    check(function(x, s=(-1, 7), axes=(0, 1)), host(function(x, s=(4, 7), axes=(0, 1))))
    check(function(x, s=(7, -1), axes=(0, 2)),
          host(function(x, s=(7, 8 if name == "irfftn" else 5), axes=(0, 2))))  # fmt: skip


def test_several_axes_are_one_library_call(device, monkeypatch):
    seen: list[tuple[str, tuple[int, ...]]] = []
    for module in ("complex_transforms", "real_transforms"):
        original = getattr(fft, module).call

        def spy(name: str, original: Any = original, **arguments: Any) -> Any:
            seen.append((name, arguments["axes"]))
            return original(name, **arguments)

        monkeypatch.setattr(f"gpuarray.fft.{module}.call", spy)
    x = xp.ones((4, 3, 5))
    fft.fftn(x)
    fft.ifftn(x, axes=(-1, 0))
    fft.rfftn(x, axes=(2, 1))
    fft.irfftn(x, s=(6, 6), axes=(0, -1))
    assert seen == [("fft", (0, 1, 2)), ("fft", (2, 0)), ("rfft", (2, 1)), ("irfft", (0, 2))]


def test_scaling_is_fused_with_what_follows(device):
    x = xp.asarray(normal((64,), "float32"), device=device)
    with observing() as seen:
        y = fft.rfft(x, norm="forward") * 2 + 1
        xp.evaluate(y)
    assert seen.tasks == 1
    check_close(y, np.fft.rfft(wide(host(x)), norm="forward") * 2 + 1, "complex64", 4)


def test_no_axes_leave_the_array(device):
    v = normal((3, 4), "float32")
    x = xp.asarray(v, device=device)
    check(fft.fftn(x, axes=()), v.astype(np.complex64))
    check(fft.ifftn(xp.asarray(2.0), norm="forward"), np.complex128(2))
    for function in (fft.rfftn, fft.irfftn):
        with pytest.raises(ValueError, match=f"{function.__name__}: needs at least one axis"):
            function(x, axes=())


# Arguments


@pytest.mark.parametrize("name", [*ONE_AXIS, *SEVERAL_AXES])
def test_arguments_are_checked(device, name):
    function = getattr(fft, name)
    x = xp.ones((2, 4))
    for dtype in ("int32", "bool"):
        with pytest.raises(TypeError, match=rf"{name}: needs .*floating arrays, `x` is {dtype}"):
            function(xp.ones((2, 4), dtype=dtype))
    with pytest.raises(TypeError, match=f"{name}: needs a gpuarray array, got list"):
        function([1.0, 2.0])
    for norm in ("both", None):
        with pytest.raises(ValueError, match=f"{name}: `norm` must be 'backward', 'ortho' or"):
            function(x, norm=norm)
    if name in ("rfft", "rfftn", "ihfft"):
        other = {"rfft": "fft", "rfftn": "fftn", "ihfft": "ifft"}[name]
        with pytest.raises(TypeError, match=rf"{name}: .* `x` is complex128; use {other}\(\)"):
            function(x + 0j)
    with pytest.raises(TypeError):
        function(x, 2)


@pytest.mark.parametrize("name", ONE_AXIS)
def test_arguments_of_one_axis_are_checked(device, name):
    function = getattr(fft, name)
    x = xp.ones((2, 4))
    for n in (0, -1):
        with pytest.raises(ValueError, match=f"{name}: the size along axis 1 must be at least 1"):
            function(x, n=n)
    for n in (2.0, True):
        with pytest.raises(TypeError, match=f"{name}: `n` must be an integer"):
            function(x, n=n)
    with pytest.raises(ValueError, match=f"{name}: shape .* has more elements than any memory"):
        function(x, n=2**60)
    with pytest.raises(IndexError, match=f"{name}: axis 2 is out of range"):
        function(x, axis=2)
    with pytest.raises(IndexError, match=f"{name}: axis -1 is out of range"):
        function(xp.asarray(1.0))
    with pytest.raises(ValueError, match=f"{name}: the size along axis 1 must be at least 1"):
        function(x[:, :0])
    if name in ("irfft", "hfft"):
        with pytest.raises(ValueError, match=r"must be at least 1, got 0: `x` has shape \(2, 1\)"):
            function(x[:, :1])


@pytest.mark.parametrize("name", SEVERAL_AXES)
def test_arguments_of_several_axes_are_checked(device, name):
    function = getattr(fft, name)
    x = xp.ones((2, 4))
    with pytest.raises(ValueError, match=f"{name}: `s` needs `axes`"):
        function(x, s=(2, 4))
    with pytest.raises(ValueError, match=f"{name}: `s` has 1 sizes for 2 axes"):
        function(x, s=(2,), axes=(0, 1))
    with pytest.raises(ValueError, match=f"{name}: the size along axis 0 must be at least 1"):
        function(x, s=(0, 4), axes=(0, 1))
    with pytest.raises(TypeError, match=f"{name}: `s` must be a sequence of integers, got int"):
        function(x, s=4, axes=(0,))
    with pytest.raises(TypeError, match=f"{name}: each of `s` must be an integer"):
        function(x, s=(4.0,), axes=(0,))
    with pytest.raises(ValueError, match="more than once"):
        function(x, axes=(0, -2))
    with pytest.raises(IndexError, match=f"{name}: axis 5 is out of range"):
        function(x, axes=(5,))


@pytest.mark.parametrize("name", [*ONE_AXIS, *SEVERAL_AXES])
def test_arrays_without_elements(device, name):
    takes, gives = (ONE_AXIS | SEVERAL_AXES)[name]
    x = xp.zeros((0, 5), dtype=given(takes, "single"))
    how = {"axis": -1} if name in ONE_AXIS else {"axes": (-1,)}
    expected = getattr(np.fft, name)(np.zeros((1, 5)), **how).shape[-1]
    found = getattr(fft, name)(x, **how)
    assert found.shape == (0, expected) and found.dtype == given(gives, "single")
    # Padded from nothing, there is something to transform: zeros.
    how = {"n": 4, "axis": 0} if name in ONE_AXIS else {"s": (4,), "axes": (0,)}
    expected = getattr(np.fft, name)(np.zeros((4, 5)), **how).shape
    check(getattr(fft, name)(x, **how), np.zeros(expected, given(gives, "single")))


# Frequencies and shifts


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 100])
@pytest.mark.parametrize("d", [1.0, 0.1, 2, np.float32(0.5), -3.0])
def test_frequencies_are_numpys(device, n, d):
    for dtype in (None, "float32", xp.float64):
        wanted = np.dtype(dtype or "float64")
        check_close(fft.fftfreq(n, d=d, dtype=dtype), np.fft.fftfreq(n, float(d)), wanted, 1)
        check_close(fft.rfftfreq(n, d=d, dtype=dtype), np.fft.rfftfreq(n, float(d)), wanted, 1)
    assert fft.fftfreq(n).device == device
    assert fft.fftfreq(n, device="cpu").device == "cpu"
    assert fft.rfftfreq(n, device="cpu").device == "cpu"


@pytest.mark.parametrize("function", [fft.fftfreq, fft.rfftfreq], ids=lambda f: f.__name__)
def test_arguments_of_frequencies_are_checked(device, function):
    name = function.__name__
    for n in (0, -2):
        with pytest.raises(ValueError, match=f"{name}: `n` must be at least 1, got {n}"):
            function(n)
    with pytest.raises(TypeError, match=f"{name}: `n` must be an integer"):
        function(4.0)
    for dtype in (xp.int64, xp.complex64, xp.bool):
        with pytest.raises(TypeError, match=f"{name}: `dtype` must be real floating, got {dtype}"):
            function(4, dtype=dtype)
    with pytest.raises(ValueError, match=f"{name}: `d` must not be 0"):
        function(4, d=0)
    for d in (1j, "1", None, True):
        with pytest.raises(TypeError, match=f"{name}: `d` must be a real number"):
            function(4, d=d)
    with pytest.raises(TypeError):
        function(4, 1.0)


@pytest.mark.parametrize("dtype", ["int16", "bool", *FLOATING])
def test_shifts_are_numpys(device, dtype):
    v = integers((4, 5, 1, 3), dtype)
    cases: list[Any] = [None, 0, -1, (0,), (1, 3), [-1, 0], ()]
    for x in forms(v, device).values():
        for axes in cases:
            check(fft.fftshift(x, axes=axes), np.fft.fftshift(v, axes))
            check(fft.ifftshift(x, axes=axes), np.fft.ifftshift(v, axes))
            check(fft.ifftshift(fft.fftshift(x, axes=axes), axes=axes), v)
    check(fft.fftshift(xp.asarray(3)), np.asarray(3))
    assert fft.fftshift(xp.zeros((0, 3))).shape == (0, 3)


def test_arguments_of_shifts_are_checked(device):
    x = xp.ones((2, 3))
    for function in (fft.fftshift, fft.ifftshift):
        name = function.__name__
        with pytest.raises(IndexError, match=f"{name}: axis 2 is out of range"):
            function(x, axes=2)
        with pytest.raises(ValueError, match="more than once"):
            function(x, axes=(0, -2))
        with pytest.raises(TypeError, match=f"{name}: needs a gpuarray array"):
            function([1.0])  # type: ignore[arg-type]
