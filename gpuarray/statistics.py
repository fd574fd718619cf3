"""Statistical functions: sums, products, extremes, means and variances.

In: an array and the axes to fold. Out: an array with a pending reduction, computed in the dtype of
the result. `sum`, `max` and `min` shadow the built-in functions in this module.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_array, checked_flag, reduced_axes
from gpuarray.array import Array
from gpuarray.data_types import check_cast
from gpuarray.dtypes import canonical, float64, int64, real_of, uint64
from gpuarray.operations import TABLE
from gpuarray.recording import binary, cast, same_values, unary
from gpuarray.reductions import check_not_empty, count, keep, kept, reduced

__all__ = ["accumulation_dtype", "max", "mean", "min", "prod", "std", "sum", "var"]

Axis = int | tuple[int, ...] | None


def sum(
    x: Array,
    /,
    *,
    axis: Axis = None,
    dtype: npt.DTypeLike | None = None,
    keepdims: bool = False,
) -> Array:
    """The sum of elements.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    axis : int or tuple of int, optional
        The axes to fold; None: all. For ``()`` each element is its own sum.
    dtype : dtype, optional
        The dtype in which elements are added, and of the result. None: that of `x`, but int64 for
        bools and signed integers, and uint64 for unsigned ones.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        Zero where there is nothing to add. Integers wrap.

    Raises
    ------
    TypeError
        If `x` is not an array, an axis is not an integer, or `x` is complex and `dtype` is not.
    IndexError
        If an axis is out of range.
    ValueError
        If an axis is given twice.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.sum.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.sum(xp.asarray([1, 2, 3], dtype=xp.int8)))
    6
    """
    return _accumulated("sum", x, axis, dtype, keepdims)


def prod(
    x: Array,
    /,
    *,
    axis: Axis = None,
    dtype: npt.DTypeLike | None = None,
    keepdims: bool = False,
) -> Array:
    """The product of elements.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    axis : int or tuple of int, optional
        The axes to fold; None: all. For ``()`` each element is its own product.
    dtype : dtype, optional
        The dtype in which elements are multiplied, and of the result. None: that of `x`, but
        int64 for bools and signed integers, and uint64 for unsigned ones.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        One where there is nothing to multiply. Integers wrap.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `sum`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.prod.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.prod(xp.asarray([1.0, 2.0, 4.0])))
    8.0
    """
    return _accumulated("prod", x, axis, dtype, keepdims)


def max(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The largest element.

    Parameters
    ----------
    x : Array
        Integer or real floating.
    axis : int or tuple of int, optional
        The axes to fold; None: all.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        The dtype of `x`. NaN where one of the elements is.

    Raises
    ------
    TypeError
        If `x` is not an array of a real dtype, or an axis is not an integer.
    IndexError
        If an axis is out of range.
    ValueError
        If a folded axis has no elements, or an axis is given twice.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.max.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.max(xp.asarray([3, 9, 4])))
    9
    """
    return _extreme("max", x, axis, keepdims)


def min(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The smallest element.

    Parameters
    ----------
    x : Array
        Integer or real floating.
    axis : int or tuple of int, optional
        The axes to fold; None: all.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        The dtype of `x`. NaN where one of the elements is.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `max`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.min.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> int(xp.min(xp.asarray([3, 9, 4])))
    3
    """
    return _extreme("min", x, axis, keepdims)


def mean(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """The arithmetic mean.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    axis : int or tuple of int, optional
        The axes to fold; None: all.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        The dtype of `x`, or float64 for integers and bools, in which the sum is made too. NaN
        where there are no elements.

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
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.mean.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.mean(xp.asarray([1, 2, 6])))
    3.0
    """
    total = kept("mean", x, axis, keepdims)
    if total is not None:
        return binary(TABLE["divide"], total, float(x.size // total.size))
    checked_array("mean", x)
    keepdims = checked_flag("mean", "keepdims", keepdims)
    axes = reduced_axes("mean", axis, x.ndim)
    floating = _floating(x)
    total = _folded("sum", floating, axes, keepdims, floating.dtype)
    if total.size:
        keep("mean", x, axis, keepdims, total)
    return binary(TABLE["divide"], total, float(count(x, axes)))


def var(
    x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """The variance: the sum of squared deviations from the mean, over the degrees of freedom.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    axis : int or tuple of int, optional
        The axes to fold; None: all.
    correction : int or float, optional
        What is taken off the number of elements for the divisor: 0 for a whole population, 1 for
        a sample of one.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        The dtype of `x`, float64 for integers and bools, the real dtype of complex numbers. NaN
        where the divisor is zero or negative.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `mean`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.var.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.var(xp.asarray([1.0, 2.0, 3.0]), correction=1))
    1.0
    """
    return _variance("var", x, axis, correction, keepdims)


def std(
    x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """The standard deviation, the square root of `var`.

    Parameters
    ----------
    x : Array
        Any shape and dtype.
    axis : int or tuple of int, optional
        The axes to fold; None: all.
    correction : int or float, optional
        What is taken off the number of elements for the divisor.
    keepdims : bool, optional
        Whether folded axes remain, with extent 1.

    Returns
    -------
    Array
        The dtype of `var`. NaN where the divisor is zero or negative.

    Raises
    ------
    TypeError, IndexError, ValueError
        As for `mean`.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.std.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> float(xp.std(xp.asarray([1.0, 5.0])))
    2.0
    """
    return unary(TABLE["sqrt"], _variance("std", x, axis, correction, keepdims))


def accumulation_dtype(name: str, x: Array, dtype: npt.DTypeLike | None) -> np.dtype[Any]:
    """The dtype in which elements of `x` are added up or multiplied: `dtype`, or a wide one."""
    if dtype is None:
        kind = x.dtype.kind
        return uint64 if kind == "u" else int64 if kind in "bi" else x.dtype
    wanted = canonical(dtype)
    if wanted.kind == "b":
        raise TypeError(f"{name}: dtype must be numeric, got bool; use any() or all()")
    check_cast(name, x.dtype, wanted)
    return wanted


def _accumulated(
    name: str, x: Array, axis: Axis, dtype: npt.DTypeLike | None, keepdims: bool
) -> Array:
    found = kept(name, x, axis, keepdims) if dtype is None else None
    if found is not None:
        return found
    checked_array(name, x)
    keepdims = checked_flag(name, "keepdims", keepdims)
    axes = reduced_axes(name, axis, x.ndim)
    found = _folded(name, x, axes, keepdims, accumulation_dtype(name, x, dtype))
    return keep(name, x, axis, keepdims, found) if dtype is None else found


def _extreme(name: str, x: Array, axis: Axis, keepdims: bool) -> Array:
    found = kept(name, x, axis, keepdims)
    if found is not None:
        return found
    if checked_array(name, x).dtype.kind not in "iuf":
        raise TypeError(f"{name}: needs an array of a real dtype, got {x.dtype}")
    keepdims = checked_flag(name, "keepdims", keepdims)
    axes = reduced_axes(name, axis, x.ndim)
    check_not_empty(name, x, axes)
    return keep(name, x, axis, keepdims, _folded(name, x, axes, keepdims, x.dtype))


def _variance(name: str, x: Array, axis: Axis, correction: float, keepdims: bool) -> Array:
    checked_array(name, x)
    if isinstance(correction, bool) or not isinstance(correction, int | float | np.number):
        raise TypeError(f"{name}: correction must be a real number, got {correction!r}")
    keepdims = checked_flag(name, "keepdims", keepdims)
    axes = reduced_axes(name, axis, x.ndim)
    parts = [_floating(x)]
    if x.dtype.kind == "c":
        parts = [unary(TABLE["real"], x), unary(TABLE["imag"], x)]
    # With all axes kept, a deviation is zero, or NaN where the element is not finite.
    sums = [
        reduced("squares", part, axes, keepdims, real_of(part.dtype))
        if axes
        else binary(TABLE["subtract"], part, part)
        for part in parts
    ]
    total = sums[0] if len(sums) == 1 else binary(TABLE["add"], sums[0], sums[1])
    divisor = float(count(x, axes) - correction)
    # The standard asks for NaN, where a quotient by zero would be infinite.
    return binary(TABLE["divide"], total, divisor if divisor > 0 else math.nan)


def _folded(
    name: str, x: Array, axes: tuple[int, ...], keepdims: bool, dtype: np.dtype[Any]
) -> Array:
    """The fold of `x` in a dtype; each element itself where there are no axes to fold."""
    operand = cast(x, dtype)
    if not axes:
        return same_values(operand)
    return reduced(name, operand, axes, keepdims, dtype)


def _floating(x: Array) -> Array:
    return x if x.dtype.kind in "fc" else cast(x, float64)
