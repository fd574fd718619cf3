"""Fourier transforms of real arrays, and back: half of the spectrum, which determines the rest.

In: real arrays, or halves of Hermitian spectra. Out: the other one, of the same precision.
"""

from __future__ import annotations

from gpuarray.array import Array
from gpuarray.creation import zeros
from gpuarray.dtypes import complex64, promote, real_of
from gpuarray.fft.sizes import (
    Axes,
    Norm,
    Sizes,
    axes_and_sizes,
    axis_and_size,
    complex_input,
    real_input,
    resized,
    scale,
    scaled,
)
from gpuarray.library import call

__all__ = ["from_half_spectrum", "half_spectrum", "irfft", "irfftn", "rfft", "rfftn"]


def rfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """The discrete Fourier transform of real numbers along an axis: the first half of it.

    Parameters
    ----------
    x : Array
        Real floating, shape ``(..., m, ...)``.
    n : int, optional
        The size of the transform: `x` is cropped or padded with zeros to it. None: ``m``.
    axis : int, optional
        The axis to transform.
    norm : {"backward", "ortho", "forward"}, optional
        Divides by nothing, by the root of ``n``, or by ``n``.

    Returns
    -------
    Array
        Shape ``(..., n // 2 + 1, ...)``; complex, of the precision of `x`. What is left out are the
        conjugates of these, in reverse order.

    Raises
    ------
    TypeError
        If `x` is not a real floating array, or `n` or the axis not an integer.
    IndexError
        If the axis is out of range.
    ValueError
        If the size is less than 1, or `norm` none of the three.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.rfft.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.fft.rfft(xp.asarray([1.0, 0.0, -1.0, 0.0]))
    >>> x.shape, complex(x[1])
    ((3,), (2+0j))
    """
    real_input("rfft", x)
    axes, sizes = axis_and_size("rfft", x, n, axis)
    return half_spectrum(x, axes, sizes, scale("rfft", norm, sizes, inverse=False))


def irfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """The inverse of `rfft`, to `n` real numbers along an axis.

    Parameters
    ----------
    x : Array
        Complex, shape ``(..., m, ...)``: the first half of a Hermitian spectrum. Imaginary parts
        that such a spectrum has not are ignored. Real floating arrays are cast.
    n : int, optional
        The size of the result: `x` is cropped or padded with zeros to ``n // 2 + 1``. None:
        ``2 * (m - 1)``; an odd size has to be given.
    axis : int, optional
        The axis to transform.
    norm : {"backward", "ortho", "forward"}, optional
        Divides by ``n``, by its root, or by nothing.

    Returns
    -------
    Array
        Shape ``(..., n, ...)``; real, of the precision of `x`.

    Raises
    ------
    TypeError
        If `x` is not a floating array, or `n` or the axis not an integer.
    IndexError
        If the axis is out of range.
    ValueError
        If the size is less than 1, or `norm` none of the three.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.irfft.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.fft.irfft(xp.asarray([0.0, 2.0, 0.0]))
    >>> x.shape, float(x[0]), float(x[2])
    ((4,), 1.0, -1.0)
    """
    values = complex_input("irfft", x)
    axes, sizes = axis_and_size("irfft", values, n, axis, halved=True)
    return from_half_spectrum(values, axes, sizes, scale("irfft", norm, sizes, inverse=True))


def rfftn(x: Array, /, *, s: Sizes = None, axes: Axes = None, norm: Norm = "backward") -> Array:
    """The discrete Fourier transform of real numbers over several axes: half of it.

    Parameters
    ----------
    x : Array
        Real floating.
    s : sequence of int, optional
        The size of the transform along each of `axes`, which must be given too: `x` is cropped or
        padded with zeros to it. None, and -1 for one axis: that of `x`.
    axes : sequence of int, optional
        The axes to transform, at least one; None: all.
    norm : {"backward", "ortho", "forward"}, optional
        Divides by nothing, by the root of the product of the sizes, or by the product.

    Returns
    -------
    Array
        The shape of `x`, but for the sizes along `axes`, and ``n // 2 + 1`` for the last of them;
        complex, of the precision of `x`.

    Raises
    ------
    TypeError
        If `x` is not a real floating array, or a size or an axis not an integer.
    IndexError
        If an axis is out of range.
    ValueError
        If there is no axis, a size is less than 1, an axis is given twice, `s` is given without
        `axes` or of another length, or `norm` is none of the three.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.rfftn.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.fft.rfftn(xp.ones((3, 4))).shape
    (3, 3)
    """
    real_input("rfftn", x)
    found, sizes = _some(*axes_and_sizes("rfftn", x, s, axes), "rfftn")
    return half_spectrum(x, found, sizes, scale("rfftn", norm, sizes, inverse=False))


def irfftn(x: Array, /, *, s: Sizes = None, axes: Axes = None, norm: Norm = "backward") -> Array:
    """The inverse of `rfftn`, to real numbers.

    Parameters
    ----------
    x : Array
        Complex: half of a Hermitian spectrum, as from `rfftn`. Real floating arrays are cast.
    s : sequence of int, optional
        The size of the result along each of `axes`, which must be given too: `x` is cropped or
        padded with zeros to it, to ``n // 2 + 1`` along the last of them. None, and -1 for one
        axis: that of `x`, and ``2 * (m - 1)`` for the last; an odd size has to be given.
    axes : sequence of int, optional
        The axes to transform, at least one; None: all.
    norm : {"backward", "ortho", "forward"}, optional
        Divides by the product of the sizes, by its root, or by nothing.

    Returns
    -------
    Array
        The shape of `x`, but for the sizes along `axes`; real, of the precision of `x`.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `rfftn`; complex arrays are expected here.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.irfftn.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> y = xp.fft.irfftn(xp.fft.rfftn(x), s=(2, 2), axes=(0, 1))
    >>> y.shape, float(y[1, 0])
    ((2, 2), 3.0)
    """
    values = complex_input("irfftn", x)
    found, sizes = _some(*axes_and_sizes("irfftn", values, s, axes, halved=True), "irfftn")
    return from_half_spectrum(values, found, sizes, scale("irfftn", norm, sizes, inverse=True))


def half_spectrum(x: Array, axes: tuple[int, ...], sizes: tuple[int, ...], factor: float) -> Array:
    """The transform of a real array, multiplied; along the last of the axes its first half."""
    values = resized(x, axes, sizes)
    if 0 in values.shape:
        shape = list(values.shape)
        shape[axes[-1]] = sizes[-1] // 2 + 1
        return zeros(tuple(shape), dtype=promote(x.dtype, complex64), device=x.device)
    (found,) = call("rfft", x=values, axes=axes)
    return scaled(found, factor)


def from_half_spectrum(
    x: Array, axes: tuple[int, ...], sizes: tuple[int, ...], factor: float
) -> Array:
    """The real array of which `x` is half of the unscaled spectrum, multiplied."""
    values = resized(x, axes, (*sizes[:-1], sizes[-1] // 2 + 1))
    if 0 in values.shape:
        shape = list(values.shape)
        shape[axes[-1]] = sizes[-1]
        return zeros(tuple(shape), dtype=real_of(x.dtype), device=x.device)
    (found,) = call("irfft", x=values, axes=axes, size=sizes[-1])
    return scaled(found, factor)


def _some(
    axes: tuple[int, ...], sizes: tuple[int, ...], name: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if not axes:
        raise ValueError(f"{name}: needs at least one axis, of which half is left out")
    return axes, sizes
