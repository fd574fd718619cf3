"""Fourier transforms to and from real spectra, of signals with Hermitian symmetry.

In: halves of such signals, or real spectra. Out: the other one, of the same precision.
"""

from __future__ import annotations

from gpuarray.array import Array
from gpuarray.elementwise import conj
from gpuarray.fft.real_transforms import from_half_spectrum, half_spectrum
from gpuarray.fft.sizes import Norm, axis_and_size, complex_input, real_input, scale

__all__ = ["hfft", "ihfft"]


def hfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """The discrete Fourier transform of a signal with Hermitian symmetry, which is real.

    Parameters
    ----------
    x : Array
        Complex, shape ``(..., m, ...)``: the first half of the signal. Imaginary parts that such a
        signal has not are ignored. Real floating arrays are cast.
    n : int, optional
        The size of the result: `x` is cropped or padded with zeros to ``n // 2 + 1``. None:
        ``2 * (m - 1)``; an odd size has to be given.
    axis : int, optional
        The axis to transform.
    norm : {"backward", "ortho", "forward"}, optional
        Divides by nothing, by the root of ``n``, or by ``n``.

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
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.hfft.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.fft.hfft(xp.asarray([1.0, 2.0, 1.0]))
    >>> x.shape, float(x[0])
    ((4,), 6.0)
    """
    values = complex_input("hfft", x)
    axes, sizes = axis_and_size("hfft", values, n, axis, halved=True)
    factor = scale("hfft", norm, sizes, inverse=False)
    # The inverse transform has the other sign in its exponent, which conjugation changes back.
    return from_half_spectrum(conj(values), axes, sizes, factor)


def ihfft(x: Array, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Array:
    """The inverse of `hfft`: the first half of a signal, from its real spectrum.

    Parameters
    ----------
    x : Array
        Real floating, shape ``(..., m, ...)``.
    n : int, optional
        The size of the transform: `x` is cropped or padded with zeros to it. None: ``m``.
    axis : int, optional
        The axis to transform.
    norm : {"backward", "ortho", "forward"}, optional
        Divides by ``n``, by its root, or by nothing.

    Returns
    -------
    Array
        Shape ``(..., n // 2 + 1, ...)``; complex, of the precision of `x`.

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
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.ihfft.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.fft.ihfft(xp.asarray([6.0, 0.0, -2.0, 0.0]))
    >>> x.shape, float(xp.real(x[1]))
    ((3,), 2.0)
    """
    real_input("ihfft", x)
    axes, sizes = axis_and_size("ihfft", x, n, axis)
    return conj(half_spectrum(x, axes, sizes, scale("ihfft", norm, sizes, inverse=True)))
