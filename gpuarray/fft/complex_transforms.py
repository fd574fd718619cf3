"""Fourier transforms of complex arrays.

In: floating arrays; real ones become complex. Out: complex arrays of the same precision.
"""

from __future__ import annotations

from gpuarray.array import Array
from gpuarray.creation import zeros
from gpuarray.fft.sizes import (
    Axes,
    Norm,
    Sizes,
    axes_and_sizes,
    axis_and_size,
    complex_input,
    resized,
    scale,
    scaled,
)
from gpuarray.library import call
from gpuarray.recording import same_values

__all__ = ["fft", "fftn", "ifft", "ifftn"]


def fft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """The discrete Fourier transform along an axis.

    Parameters
    ----------
    x : Array
        Complex, shape ``(..., m, ...)``; real floating arrays are cast.
    n : int, optional
        The size of the transform: `x` is cropped or padded with zeros to it. None: ``m``.
    axis : int, optional
        The axis to transform.
    norm : {"backward", "ortho", "forward"}, optional
        Divides by nothing, by the root of ``n``, or by ``n``.

    Returns
    -------
    Array
        Shape ``(..., n, ...)``; complex, of the precision of `x`. Element k is the sum of
        ``x[j] * exp(-2j * pi * j * k / n)``.

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
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.fft.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.fft.fft(xp.asarray([1.0, 1.0, 1.0, 1.0]))
    >>> complex(x[0]), complex(x[1])
    ((4+0j), 0j)
    """
    values = complex_input("fft", x)
    axes, sizes = axis_and_size("fft", values, n, axis)
    return _transform("fft", values, axes, sizes, norm, inverse=False)


def ifft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """The inverse of `fft`, for the same arguments.

    Parameters
    ----------
    x : Array
        Complex, shape ``(..., m, ...)``; real floating arrays are cast.
    n : int, optional
        The size of the transform: `x` is cropped or padded with zeros to it. None: ``m``.
    axis : int, optional
        The axis to transform.
    norm : {"backward", "ortho", "forward"}, optional
        Divides by ``n``, by its root, or by nothing.

    Returns
    -------
    Array
        Shape ``(..., n, ...)``; complex, of the precision of `x`.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `fft`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.ifft.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.fft.ifft(xp.asarray([4.0, 0.0, 0.0, 0.0]))
    >>> complex(x[0]), complex(x[1])
    ((1+0j), (1+0j))
    """
    values = complex_input("ifft", x)
    axes, sizes = axis_and_size("ifft", values, n, axis)
    return _transform("ifft", values, axes, sizes, norm, inverse=True)


def fftn(x: Array, /, *, s: Sizes = None, axes: Axes = None, norm: Norm = "backward") -> Array:
    """The discrete Fourier transform over several axes.

    Parameters
    ----------
    x : Array
        Complex; real floating arrays are cast.
    s : sequence of int, optional
        The size of the transform along each of `axes`, which must be given too: `x` is cropped or
        padded with zeros to it. None, and -1 for one axis: that of `x`.
    axes : sequence of int, optional
        The axes to transform; None: all.
    norm : {"backward", "ortho", "forward"}, optional
        Divides by nothing, by the root of the product of the sizes, or by the product.

    Returns
    -------
    Array
        The shape of `x`, but for the sizes along `axes`; complex, of the precision of `x`.

    Raises
    ------
    TypeError
        If `x` is not a floating array, or a size or an axis not an integer.
    IndexError
        If an axis is out of range.
    ValueError
        If a size is less than 1, an axis is given twice, `s` is given without `axes` or of another
        length, or `norm` is none of the three.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.fftn.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.fft.fftn(xp.ones((2, 3)))
    >>> complex(x[0, 0]), complex(x[1, 1])
    ((6+0j), 0j)
    """
    values = complex_input("fftn", x)
    found, sizes = axes_and_sizes("fftn", values, s, axes)
    return _transform("fftn", values, found, sizes, norm, inverse=False)


def ifftn(x: Array, /, *, s: Sizes = None, axes: Axes = None, norm: Norm = "backward") -> Array:
    """The inverse of `fftn`, for the same arguments.

    Parameters
    ----------
    x : Array
        Complex; real floating arrays are cast.
    s : sequence of int, optional
        The size of the transform along each of `axes`, as for `fftn`.
    axes : sequence of int, optional
        The axes to transform; None: all.
    norm : {"backward", "ortho", "forward"}, optional
        Divides by the product of the sizes, by its root, or by nothing.

    Returns
    -------
    Array
        The shape of `x`, but for the sizes along `axes`; complex, of the precision of `x`.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `fftn`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.ifftn.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.fft.ifftn(xp.ones((2, 4)))
    >>> complex(x[0, 0]), complex(x[1, 1])
    ((1+0j), 0j)
    """
    values = complex_input("ifftn", x)
    found, sizes = axes_and_sizes("ifftn", values, s, axes)
    return _transform("ifftn", values, found, sizes, norm, inverse=True)


def _transform(
    name: str,
    x: Array,
    axes: tuple[int, ...],
    sizes: tuple[int, ...],
    norm: Norm,
    *,
    inverse: bool,
) -> Array:
    factor = scale(name, norm, sizes, inverse=inverse)
    values = resized(x, axes, sizes)
    if not axes:
        return same_values(values)
    if 0 in values.shape:
        return zeros(values.shape, dtype=values.dtype, device=values.device)
    (found,) = call("fft", x=values, axes=axes, inverse=inverse)
    return scaled(found, factor)
