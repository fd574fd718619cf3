"""Data type functions: casts between the standard's dtypes, and what there is to know of them.

In: arrays, anything that names a dtype, Python scalars. Out: an array with a pending cast, a dtype,
limits, yes or no. What a cast means, element by element, is the backends' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_array, checked_flag
from gpuarray.array import Array
from gpuarray.devices import device as find_device
from gpuarray.dtypes import (
    INTEGER_BOUNDS,
    KINDS,
    canonical,
    promote,
    promote_all,
    promote_scalar,
    python_scalar,
    real_of,
)
from gpuarray.recording import cast, same_values

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = [
    "FloatLimits",
    "IntegerLimits",
    "astype",
    "can_cast",
    "check_cast",
    "finfo",
    "iinfo",
    "isdtype",
    "result_type",
]


def astype(
    x: Array,
    dtype: npt.DTypeLike,
    /,
    *,
    copy: bool = True,
    device: Device | str | None = None,
) -> Array:
    """`x` in another dtype, whether or not promotion would allow it.

    Parameters
    ----------
    x : Array
        Shape ``(...,)``, any dtype.
    dtype : dtype
        Floats become integers by dropping the fraction (NaN, infinities and what is out of range
        are undefined); integers wrap; anything but zero becomes True.
    copy : bool, optional
        False returns `x` itself where its dtype and device are already those asked for.
    device : Device, str or None, optional
        Where the result goes; None: where `x` is.

    Returns
    -------
    Array
        The shape of `x`, of `dtype`.

    Raises
    ------
    TypeError
        If `x` is complex and `dtype` is an integer or a real one: take `real` or `imag` first.
    ValueError
        If there is no such device.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.astype.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.astype(xp.asarray([1.5, -2.5]), xp.int32).dtype
    dtype('int32')
    """
    checked_array("astype", x)
    copy = checked_flag("astype", "copy", copy)
    wanted = canonical(dtype)
    check_cast("astype", x.dtype, wanted)
    target = x.device if device is None else find_device(device)
    if target is not x.device:
        # The narrower of the two is what crosses between the devices.
        if wanted.itemsize < x.itemsize:
            return cast(x, wanted).to_device(target)
        return cast(x.to_device(target), wanted)
    if wanted is not x.dtype:
        return cast(x, wanted)
    return same_values(x) if copy else x


def check_cast(name: str, found: np.dtype[Any], wanted: np.dtype[Any]) -> None:
    """Raise `TypeError` for a cast that would drop imaginary parts."""
    if found.kind == "c" and wanted.kind in "iuf":
        raise TypeError(
            f"{name}: cannot cast {found} to {wanted}, it would drop the imaginary part; "
            "take real() or imag() first"
        )


def can_cast(from_: npt.DTypeLike | Array, to: npt.DTypeLike, /) -> bool:
    """Whether promotion may turn one dtype into another.

    Parameters
    ----------
    from_ : dtype or Array
        What is to be cast; of an array, its dtype.
    to : dtype
        What it would become.

    Returns
    -------
    bool
        True where arrays of the two dtypes together have the dtype `to`. Beyond the standard's
        table promotion is NumPy's: bool to every dtype, integers to floats that hold them.

    Raises
    ------
    TypeError
        If an argument names no dtype of the standard.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.can_cast.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.can_cast(xp.int16, xp.int32), xp.can_cast(xp.float64, xp.float32)
    (True, False)
    """
    wanted = canonical(to)
    return promote(_dtype_of(from_), wanted) is wanted


@dataclass(frozen=True, slots=True)
class FloatLimits:
    """What `finfo` gives.

    Attributes
    ----------
    bits : int
        The size of a number.
    eps : float
        The distance from 1 to the next larger number.
    max, min : float
        The largest and the smallest finite number.
    smallest_normal : float
        The smallest positive number of full precision.
    dtype : numpy.dtype
        float32 or float64.
    """

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class IntegerLimits:
    """What `iinfo` gives.

    Attributes
    ----------
    bits : int
        The size of a number.
    max, min : int
        The largest and the smallest number.
    dtype : numpy.dtype
        The integer dtype.
    """

    bits: int
    max: int
    min: int
    dtype: np.dtype[Any]


def finfo(type: npt.DTypeLike | Array, /) -> FloatLimits:
    """The limits of a floating-point dtype.

    Parameters
    ----------
    type : dtype or Array
        A floating dtype, or an array of one. For a complex one the limits are those of the real
        and of the imaginary part.

    Returns
    -------
    FloatLimits
        `bits`, `eps`, `max`, `min`, `smallest_normal` as Python numbers, and `dtype`.

    Raises
    ------
    TypeError
        If the dtype is not floating.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.finfo.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.finfo(xp.complex64).eps
    1.1920928955078125e-07
    """
    dtype = _dtype_of(type)
    if dtype.kind not in "fc":
        raise TypeError(f"finfo: needs a floating-point dtype, got {dtype}; iinfo() has integers")
    return _float_limits(real_of(dtype))


def iinfo(type: npt.DTypeLike | Array, /) -> IntegerLimits:
    """The limits of an integer dtype.

    Parameters
    ----------
    type : dtype or Array
        An integer dtype, or an array of one.

    Returns
    -------
    IntegerLimits
        `bits`, `max` and `min` as Python integers, and `dtype`.

    Raises
    ------
    TypeError
        If the dtype is no integer one.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.iinfo.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.iinfo("int8").min
    -128
    """
    dtype = _dtype_of(type)
    if dtype.kind not in "iu":
        raise TypeError(f"iinfo: needs an integer dtype, got {dtype}; finfo() has floats")
    low, high = INTEGER_BOUNDS[dtype]
    return IntegerLimits(bits=8 * dtype.itemsize, max=high, min=low, dtype=dtype)


def isdtype(
    dtype: npt.DTypeLike, kind: npt.DTypeLike | str | tuple[npt.DTypeLike | str, ...]
) -> bool:
    """Whether a dtype is of a kind.

    Parameters
    ----------
    dtype : dtype
        One of the standard's.
    kind : str, dtype, or tuple of these
        "bool", "signed integer", "unsigned integer", "integral", "real floating",
        "complex floating" or "numeric"; a dtype is a kind with one member; of a tuple one has to
        fit.

    Returns
    -------
    bool
        Whether it is.

    Raises
    ------
    TypeError
        If `dtype` is none of the standard's.
    ValueError
        If `kind` is neither such a string nor a dtype.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.isdtype.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.isdtype(xp.int8, "integral"), xp.isdtype(xp.int8, ("bool", xp.int16))
    (True, False)
    """
    found = canonical(dtype)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    # All of them are looked at, so that a wrong name is found whatever stands before it.
    answers = [_is_kind(found, each) for each in kinds]
    return True in answers


def result_type(
    *arrays_and_dtypes: Array | npt.DTypeLike | bool | int | float | complex,
) -> np.dtype[Any]:
    """The dtype of an operation on arrays, dtypes and Python scalars.

    Parameters
    ----------
    *arrays_and_dtypes : Array, dtype, or Python scalar
        At least one array or dtype. Scalars count by their type alone: a float beside a float32
        array leaves that dtype as it is.

    Returns
    -------
    numpy.dtype
        The promoted dtype; where the standard leaves it open, as for integers with floats, NumPy's.

    Raises
    ------
    TypeError
        If something names no dtype of the standard.
    ValueError
        If there is neither an array nor a dtype.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.result_type.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.result_type(xp.asarray([1, 2], dtype=xp.int8), xp.uint8, 3)
    dtype('int16')
    """
    scalars = [type(s) for s in map(python_scalar, arrays_and_dtypes) if s is not None]
    dtypes = [_dtype_of(x) for x in arrays_and_dtypes if python_scalar(x) is None]
    if not dtypes:
        raise ValueError("result_type: needs at least one array or dtype")
    result = promote_all(dtypes)
    for kind in scalars:
        result = promote_scalar(result, kind)
    return result


def _dtype_of(x: Any) -> np.dtype[Any]:
    return canonical(x.dtype if isinstance(x, Array | np.generic) else x)


def _is_kind(dtype: np.dtype[Any], kind: Any) -> bool:
    if isinstance(kind, str) and kind in KINDS:
        return dtype in KINDS[kind]
    try:
        return dtype is canonical(kind)
    except TypeError:
        names = ", ".join(map(repr, KINDS))
        raise ValueError(f"isdtype: kind must be a dtype or one of {names}, got {kind!r}") from None


@cache
def _float_limits(dtype: np.dtype[Any]) -> FloatLimits:
    found = np.finfo(dtype)
    return FloatLimits(
        bits=found.bits,
        eps=float(found.eps),
        max=float(found.max),
        min=float(found.min),
        smallest_normal=float(found.smallest_normal),
        dtype=dtype,
    )
