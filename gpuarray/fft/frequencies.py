"""The frequencies of a Fourier transform, and shifts that put frequency zero into the middle.

In: the size of a transform, or a spectrum. Out: pending formulas and changes of index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy.typing as npt

from gpuarray.arguments import checked_array, checked_axes, checked_integer, checked_real
from gpuarray.array import Array
from gpuarray.creation import arange
from gpuarray.dtypes import canonical, float64
from gpuarray.elementwise import divide
from gpuarray.manipulation import roll
from gpuarray.recording import cast

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]


def fftfreq(
    n: int,
    /,
    *,
    d: float = 1.0,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """The frequencies to which the elements of `fft` belong.

    Parameters
    ----------
    n : int
        The size of the transform, at least 1.
    d : float, optional
        The distance of the samples; the result is in cycles of its unit.
    dtype : dtype, optional
        Real floating; None: float64.
    device : Device or str, optional
        None: the default device.

    Returns
    -------
    Array
        Shape ``(n,)``: ``0, 1, ..., (n - 1) // 2, -(n // 2), ..., -1``, divided by ``n * d``.

    Raises
    ------
    TypeError
        If `n` is not an integer, `d` not a real number, or `dtype` not real floating.
    ValueError
        If `n` is less than 1, `d` is 0, or there is no such device.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.fftfreq.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.fft.fftfreq(4, d=0.5)
    Array([ 0. ,  0.5, -1. , -0.5], dtype=float64, device='cpu')
    """
    size = _size("fftfreq", n)
    cycles = roll(arange(-(size // 2), (size + 1) // 2, device=device), -(size // 2))
    return _per_length("fftfreq", cycles, size, d, dtype)


def rfftfreq(
    n: int,
    /,
    *,
    d: float = 1.0,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """The frequencies to which the elements of `rfft` belong.

    Parameters
    ----------
    n : int
        The size of the transform, at least 1.
    d : float, optional
        The distance of the samples; the result is in cycles of its unit.
    dtype : dtype, optional
        Real floating; None: float64.
    device : Device or str, optional
        None: the default device.

    Returns
    -------
    Array
        Shape ``(n // 2 + 1,)``: ``0, 1, ..., n // 2``, divided by ``n * d``.

    Raises
    ------
    TypeError, ValueError
        As for `fftfreq`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.rfftfreq.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.fft.rfftfreq(4, d=0.5)
    Array([0. , 0.5, 1. ], dtype=float64, device='cpu')
    """
    size = _size("rfftfreq", n)
    return _per_length("rfftfreq", arange(size // 2 + 1, device=device), size, d, dtype)


def fftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """A spectrum with frequency zero in the middle.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    axes : int or sequence of int, optional
        The axes to shift; None: all.

    Returns
    -------
    Array
        The shape and dtype of `x`. Along each of the axes element 0 is now number ``n // 2``.

    Raises
    ------
    TypeError
        If `x` is not an array, or an axis not an integer.
    IndexError
        If an axis is out of range.
    ValueError
        If an axis is given twice.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.fftshift.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.fft.fftshift(xp.asarray([0, 1, 2, -2, -1]))
    Array([-2, -1,  0,  1,  2], dtype=int64, device='cpu')
    """
    return _shifted("fftshift", x, axes, 1)


def ifftshift(x: Array, /, *, axes: int | Sequence[int] | None = None) -> Array:
    """The inverse of `fftshift`; where an axis has an odd number of elements, the two differ.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    axes : int or sequence of int, optional
        The axes to shift; None: all.

    Returns
    -------
    Array
        The shape and dtype of `x`. Along each of the axes element ``n // 2`` is now number 0.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `fftshift`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/extensions/generated/array_api.fft.ifftshift.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.fft.ifftshift(xp.asarray([-2, -1, 0, 1, 2]))
    Array([ 0,  1,  2, -2, -1], dtype=int64, device='cpu')
    """
    return _shifted("ifftshift", x, axes, -1)


def _size(name: str, n: int) -> int:
    size = checked_integer(name, "`n`", n)
    if size < 1:
        raise ValueError(f"{name}: `n` must be at least 1, got {size}")
    return size


def _per_length(name: str, cycles: Array, n: int, d: float, dtype: npt.DTypeLike | None) -> Array:
    wanted = float64 if dtype is None else canonical(dtype)
    if wanted.kind != "f":
        raise TypeError(f"{name}: `dtype` must be real floating, got {wanted}")
    spacing = checked_real(name, "`d`", d)
    if spacing == 0:
        raise ValueError(f"{name}: `d` must not be 0")
    return cast(divide(cast(cycles, float64), n * spacing), wanted)


def _shifted(name: str, x: Array, axes: int | Sequence[int] | None, sign: int) -> Array:
    checked_array(name, x)
    found = tuple(range(x.ndim)) if axes is None else checked_axes(name, axes, x.ndim)
    return roll(x, tuple(sign * (x.shape[d] // 2) for d in found), axis=found)
