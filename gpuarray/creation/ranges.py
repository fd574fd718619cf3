"""Creation functions: evenly spaced numbers.

In: the ends of an interval and a step or a count. Out: a one-dimensional array with a pending
formula of the element's position; the ends and the step are arguments of the kernels that read it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_flag, checked_integer
from gpuarray.array import Array
from gpuarray.data_types import check_cast
from gpuarray.devices import device as find_device
from gpuarray.dtypes import canonical, check_integer, complex128, float64, int64, uint64
from gpuarray.graph.node import IOTA
from gpuarray.operations import TABLE
from gpuarray.recording import binary, cast, full, record, ternary, unary

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["arange", "iota", "linspace"]


def iota(n: int, device: Device) -> Array:
    """0, 1, ..., n - 1 as int64."""
    return record(IOTA, (), (n,), int64, (n,), device)


def arange(
    start: float,
    /,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
) -> Array:
    """Numbers from `start` up to, and without, `stop`, at distances of `step`.

    Parameters
    ----------
    start : int or float
        The first number; the end of the interval, which then starts at 0, if `stop` is None.
    stop : int or float, optional
        The end of the interval.
    step : int or float, optional
        The distance; it may be negative.
    dtype : dtype, optional
        None: int64 if all three are integers, else float64.
    device : Device or str, optional
        None: the default device.

    Returns
    -------
    Array
        Of shape ``(n,)`` with ``n = max(ceil((stop - start) / step), 0)``. Integers are exact.
        Floats are ``start + i * step``, computed in float64, so rounding may let the last
        one reach `stop` where `step` is no integer.

    Raises
    ------
    TypeError
        If an argument is not a real scalar, or `dtype` is bool.
    ValueError
        If `step` is 0, or the length is not finite.
    OverflowError
        If `dtype` is an integer dtype that does not hold a number of the range.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.arange.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.arange(10, 0, -3)
    >>> x.shape, int(x[3])
    ((4,), 1)
    """
    first = _real("start", start)
    last = None if stop is None else _real("stop", stop)
    distance = _real("step", step)
    if last is None:
        first, last = 0, first
    if distance == 0:
        raise ValueError("arange: step must not be 0")
    exact = all(isinstance(value, int) for value in (first, last, distance))
    wanted = canonical(dtype) if dtype is not None else int64 if exact else float64
    if wanted.kind == "b":
        raise TypeError("arange: dtype must be numeric, got bool")
    n = _length(first, last, distance)
    where = find_device(device)
    if exact and wanted.kind in "iu":
        if n:
            check_integer("arange", first, wanted)
            check_integer("arange", first + (n - 1) * distance, wanted)
        return _integers(n, first, distance, wanted, where)
    i = cast(iota(n, where), float64)
    points = binary(TABLE["add"], binary(TABLE["multiply"], i, float(distance)), float(first))
    return cast(points, wanted)


def linspace(
    start: complex,
    stop: complex,
    /,
    num: int,
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
    endpoint: bool = True,
) -> Array:
    """`num` evenly spaced numbers from `start` to `stop`.

    Parameters
    ----------
    start, stop : int, float or complex
        The ends of the interval.
    num : int
        How many numbers.
    dtype : dtype, optional
        None: float64, or complex128 if an end is complex. For an integer dtype the numbers are
        rounded down.
    device : Device or str, optional
        None: the default device.
    endpoint : bool, optional
        Whether `stop` is the last number, exactly. If not, it would be the one after the last.

    Returns
    -------
    Array
        Of shape ``(num,)``.

    Raises
    ------
    TypeError
        If an end is not a scalar, `num` is not an integer, `dtype` is bool, or an end is complex
        and `dtype` is not.
    ValueError
        If `num` is negative.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.linspace.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.linspace(0, 1, 5)
    >>> float(x[1]), float(x[4])
    (0.25, 1.0)
    """
    first = _scalar("linspace", "start", start)
    last = _scalar("linspace", "stop", stop)
    n = checked_integer("linspace", "num", num)
    endpoint = checked_flag("linspace", "endpoint", endpoint)
    if n < 0:
        raise ValueError(f"linspace: num must not be negative, got {n}")
    is_complex = isinstance(first, complex) or isinstance(last, complex)
    loop = complex128 if is_complex else float64
    wanted = loop if dtype is None else canonical(dtype)
    check_cast("linspace", loop, wanted)
    if wanted.kind == "b":
        raise TypeError("linspace: dtype must be numeric, got bool")
    kind = complex if is_complex else float
    first, last = kind(first), kind(last)
    where = find_device(device)
    if n == 0 or (n == 1 and endpoint):
        points = full((n,), first, loop, where)
    else:
        intervals = n - 1 if endpoint else n
        # Half the width of an interval is finite where its ends are; the width may not be.
        wide = abs(last - first) == math.inf
        scale = 0.5 if wide else 1.0
        step = (last * scale - first * scale) / intervals
        position = iota(n, where)
        points = binary(TABLE["multiply"], cast(position, loop), step)
        points = binary(TABLE["add"], points, first * scale)
        if wide:
            points = binary(TABLE["multiply"], points, 2.0)
        if endpoint:
            # start + (n - 1) * step may miss it by a rounding.
            at_end = binary(TABLE["equal"], position, n - 1)
            points = ternary(TABLE["where"], at_end, last, points)
    if wanted.kind in "iu":
        points = unary(TABLE["floor"], points)
    return cast(points, wanted)


def _scalar(name: str, what: str, value: Any) -> Any:
    """A Python int, float or complex of a scalar, NumPy's and 0-dimensional arrays included."""
    if isinstance(value, Array) and value.shape == () and value.dtype.kind != "b":
        kind: type = {"i": int, "u": int, "f": float, "c": complex}[value.dtype.kind]
        return kind(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float | complex):
        return value
    raise TypeError(
        f"{name}: {what} must be a scalar, got {value!r} of type {type(value).__name__}"
    )


def _real(what: str, value: Any) -> Any:
    """An end or the step of a range, by the name that the caller gave it."""
    found = _scalar("arange", what, value)
    if isinstance(found, complex):
        raise TypeError(f"arange: {what} must be real, got {value!r}")
    return found


def _length(start: Any, stop: Any, step: Any) -> int:
    """How many numbers there are; exact for integers of any size."""
    if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int):
        return max(-((start - stop) // step), 0)
    count = float((stop - start) / step)
    if not math.isfinite(count):
        raise ValueError(
            f"arange: the length is not finite, from {start} to {stop} with step {step}"
        )
    return max(math.ceil(count), 0)


def _integers(n: int, start: int, step: int, dtype: np.dtype[Any], device: Device) -> Array:
    """``start + i * step`` without rounding, in 64 bits."""
    i = iota(n, device)
    if dtype == uint64:
        # Modulo 2**64, in which a negative step is a large one.
        i = cast(i, uint64)
        step %= 1 << 64
    if step != 1 and n > 1:
        i = binary(TABLE["multiply"], i, step)
    if start != 0 and n > 0:
        i = binary(TABLE["add"], i, start)
    return cast(i, dtype)
