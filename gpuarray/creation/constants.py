"""Creation functions: arrays of one value.

In: a shape and a Python scalar. Out: an array with a pending constant: it takes no memory until it
is stored, and the value is an argument of the kernels that read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray import recording
from gpuarray.arguments import checked_array, checked_shape
from gpuarray.array import Array
from gpuarray.creation.scalars import Scalar, scalar_array
from gpuarray.data_types import check_cast
from gpuarray.devices import device as find_device
from gpuarray.dtypes import canonical, float64

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = [
    "empty",
    "empty_like",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


def full(
    shape: int | tuple[int, ...],
    fill_value: Scalar,
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """An array filled with one value.

    Parameters
    ----------
    shape : int or tuple of int
        The extents; an integer stands for one axis.
    fill_value : bool, int, float or complex
        The value of every element. A NumPy scalar and a 0-dimensional array are accepted too.
    dtype : dtype, optional
        None: bool, int64, float64 or complex128, by the type of `fill_value`.
    device : Device or str, optional
        None: the default device.

    Returns
    -------
    Array
        Of shape `shape`.

    Raises
    ------
    TypeError
        If the shape has something other than integers, `fill_value` is no scalar, or it is complex
        and `dtype` is not.
    ValueError
        If an extent is negative, there is no such device, or a NaN should become an integer.
    OverflowError
        If an integer does not fit the dtype.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.full.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.full((2, 3), 7)
    >>> x.shape, x.dtype, int(xp.sum(x))
    ((2, 3), dtype('int64'), 42)
    """
    return _filled("full", checked_shape("full", shape), fill_value, dtype, device)


def full_like(
    x: Array,
    /,
    fill_value: Scalar,
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """An array of the shape of `x`, filled with one value.

    Parameters
    ----------
    x : Array
        Gives the shape, and what `dtype` and `device` leave open; its values are not read.
    fill_value : bool, int, float or complex
        The value of every element.
    dtype : dtype, optional
        None: that of `x`.
    device : Device or str, optional
        None: that of `x`.

    Returns
    -------
    Array
        Of the shape of `x`.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As for `full`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.full_like.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.sum(xp.full_like(xp.zeros(4), 0.5)))
    2.0
    """
    checked_array("full_like", x)
    target = x.device if device is None else find_device(device)
    wanted = x.dtype if dtype is None else dtype
    return _filled("full_like", x.shape, fill_value, wanted, target)


def zeros(
    shape: int | tuple[int, ...],
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """An array of zeros.

    Parameters
    ----------
    shape : int or tuple of int
        The extents; an integer stands for one axis.
    dtype : dtype, optional
        None: float64.
    device : Device or str, optional
        None: the default device.

    Returns
    -------
    Array
        Of shape `shape`.

    Raises
    ------
    TypeError, ValueError
        As for `full`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.zeros.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.zeros((2, 0)).shape
    (2, 0)
    """
    return _constant("zeros", shape, 0, dtype, device)


def zeros_like(
    x: Array,
    /,
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """An array of zeros of the shape of `x`.

    `dtype` and `device` are those of `x` unless given. Raises as `zeros` does.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.zeros_like.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.zeros_like(xp.asarray([True, False])).dtype
    dtype('bool')
    """
    return _like("zeros_like", x, 0, dtype, device)


def ones(
    shape: int | tuple[int, ...],
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """An array of ones.

    Parameters
    ----------
    shape : int or tuple of int
        The extents; an integer stands for one axis.
    dtype : dtype, optional
        None: float64.
    device : Device or str, optional
        None: the default device.

    Returns
    -------
    Array
        Of shape `shape`.

    Raises
    ------
    TypeError, ValueError
        As for `full`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.ones.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.sum(xp.ones((3, 4), dtype=xp.int32)))
    12
    """
    return _constant("ones", shape, 1, dtype, device)


def ones_like(
    x: Array,
    /,
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """An array of ones of the shape of `x`.

    `dtype` and `device` are those of `x` unless given. Raises as `ones` does.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.ones_like.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.ones_like(xp.zeros((3, 4)), dtype=xp.uint8).dtype
    dtype('uint8')
    """
    return _like("ones_like", x, 1, dtype, device)


def empty(
    shape: int | tuple[int, ...],
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """An array whose values nobody should rely on; they are zeros.

    Parameters
    ----------
    shape : int or tuple of int
        The extents; an integer stands for one axis.
    dtype : dtype, optional
        None: float64.
    device : Device or str, optional
        None: the default device.

    Returns
    -------
    Array
        Of shape `shape`. It is pending as `zeros` is: a constant costs no memory traffic, and
        leaving memory unset would make results depend on what was in it.

    Raises
    ------
    TypeError, ValueError
        As for `full`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.empty.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.empty(3, dtype=xp.float32).dtype
    dtype('float32')
    """
    return _constant("empty", shape, 0, dtype, device)


def empty_like(
    x: Array,
    /,
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """An array of the shape of `x` whose values nobody should rely on.

    `dtype` and `device` are those of `x` unless given. Raises as `empty` does.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.empty_like.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.empty_like(xp.zeros((3, 4))).shape
    (3, 4)
    """
    return _like("empty_like", x, 0, dtype, device)


def _constant(
    name: str,
    shape: int | tuple[int, ...],
    value: int,
    dtype: npt.DTypeLike | None,
    device: Device | str | None,
) -> Array:
    extents = checked_shape(name, shape)
    wanted = float64 if dtype is None else canonical(dtype)
    return scalar_array(name, extents, value, wanted, find_device(device))


def _like(
    name: str,
    x: Array,
    value: int,
    dtype: npt.DTypeLike | None,
    device: Device | str | None,
) -> Array:
    checked_array(name, x)
    target = x.device if device is None else find_device(device)
    return scalar_array(name, x.shape, value, x.dtype if dtype is None else dtype, target)


def _filled(
    name: str,
    shape: tuple[int, ...],
    value: Any,
    dtype: npt.DTypeLike | None,
    device: Device | str | None,
) -> Array:
    if not isinstance(value, Array):
        if not isinstance(value, bool | int | float | complex | np.generic):
            raise TypeError(
                f"{name}: fill_value must be a scalar or a 0-dimensional array, got "
                f"{type(value).__name__}"
            )
        return scalar_array(name, shape, value, dtype, find_device(device))
    if value.shape != ():
        raise TypeError(
            f"{name}: fill_value must be a scalar or a 0-dimensional array, got shape {value.shape}"
        )
    wanted = value.dtype if dtype is None else canonical(dtype)
    check_cast(name, value.dtype, wanted)
    target = value.device if device is None else find_device(device)
    return recording.view(recording.cast(value, wanted).to_device(target), shape, ())
