"""Creation functions: arrays from what Python and other libraries hold.

In: scalars, nested sequences, host memory, arrays. Out: an array. Host memory is always copied,
since whoever owns it may write to it later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.array import Array
from gpuarray.creation.scalars import scalar_array
from gpuarray.data_types import astype, check_cast
from gpuarray.devices import device as find_device
from gpuarray.dtypes import DTYPES, canonical, int64
from gpuarray.interop.numpy import from_numpy
from gpuarray.manipulation.joining import stack
from gpuarray.recording import cast, promote_operands

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["asarray"]

HostArray = np.ndarray[Any, Any]

_SCALARS = (bool, int, float, complex, np.generic)


def asarray(
    obj: Any,
    /,
    *,
    dtype: npt.DTypeLike | None = None,
    device: Device | str | None = None,
    copy: bool | None = None,
) -> Array:
    """An array of the data in `obj`.

    Parameters
    ----------
    obj : Array, scalar, nested sequence, numpy.ndarray, or object with the buffer protocol
        Sequences may be nested, and may hold Python and NumPy scalars, NumPy arrays and arrays.
    dtype : dtype, optional
        None: that of `obj`; for Python scalars bool, int64, float64 or complex128, the first that
        holds all of their kinds.
    device : Device or str, optional
        None: that of the arrays in `obj`, else the default device.
    copy : bool, optional
        True always copies. None returns `obj` itself where it is an array of that dtype on that
        device. False raises where that is not so.

    Returns
    -------
    Array
        Of the shape of `obj`: ``()`` for a scalar.

    Raises
    ------
    TypeError
        If `obj` is none of these, its dtype is not one of the standard's or not in the machine's
        byte order, or it is complex and `dtype` is not.
    ValueError
        If sequences are ragged, there is no such device, or a copy is needed and `copy` is False.
    OverflowError
        If an integer does not fit the dtype (int64 if none is given).

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/generated/array_api.asarray.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> x = xp.asarray([[1, 2], [3, 4.5]])
    >>> x.shape, x.dtype
    ((2, 2), dtype('float64'))
    """
    wanted = None if dtype is None else canonical(dtype)
    if obj.__class__ is Array:
        return _of_array(obj, wanted, device, copy)
    if copy is False:
        raise ValueError(
            f"asarray: copy=False, and a {type(obj).__name__} can only be copied to a device"
        )
    if isinstance(obj, _SCALARS):
        return scalar_array("asarray", (), obj, wanted, find_device(device))
    memory = None if isinstance(obj, list | tuple) else _memory(obj)
    if memory is not None:
        return _of_host(memory, wanted, find_device(device))
    if isinstance(obj, Sequence) and not isinstance(obj, str):
        return _of_sequence(obj, wanted, device)
    raise TypeError(
        f"asarray: cannot convert a {type(obj).__name__}; give a scalar, a sequence of scalars, "
        "an array, or an object with the buffer protocol"
    )


def _of_array(
    x: Array, dtype: np.dtype[Any] | None, device: Device | str | None, copy: bool | None
) -> Array:
    target = x.device if device is None else find_device(device)
    wanted = x.dtype if dtype is None else dtype
    if copy is False and (target is not x.device or wanted is not x.dtype):
        raise ValueError(
            f"asarray: copy=False, and from {x.dtype} on {str(x.device)!r} to {wanted} on "
            f"{str(target)!r} needs a copy"
        )
    check_cast("asarray", x.dtype, wanted)
    return astype(x, wanted, copy=copy is True, device=target)


def _memory(obj: Any) -> HostArray | None:
    """What NumPy sees of an object that has the buffer protocol or one of NumPy's; else None."""
    if isinstance(obj, np.ndarray):
        return np.asarray(obj)
    try:
        return np.asarray(memoryview(obj))
    except (TypeError, ValueError):
        pass
    if hasattr(obj, "__array_interface__") or hasattr(obj, "__array__"):
        return np.asarray(obj)
    return None


def _of_host(array: HostArray, dtype: np.dtype[Any] | None, device: Device) -> Array:
    _check_host_dtype(array.dtype)
    wanted = canonical(array.dtype) if dtype is None else dtype
    check_cast("asarray", array.dtype, wanted)
    return cast(from_numpy(array, device), wanted)


def _check_host_dtype(dtype: np.dtype[Any]) -> None:
    if not dtype.isnative:
        raise TypeError(
            f"asarray: {dtype} is not in this machine's byte order; "
            f"convert it with astype({dtype.newbyteorder('=').name!r}) first"
        )
    if dtype not in DTYPES:
        names = ", ".join(d.name for d in DTYPES)
        raise TypeError(f"asarray: dtype {dtype} is not supported; convert it to one of {names}")


def _of_sequence(
    obj: Sequence[Any], dtype: np.dtype[Any] | None, device: Device | str | None
) -> Array:
    kinds = _kinds(obj)
    if Array in kinds:
        return _of_arrays(obj, dtype, device)
    inferred = dtype
    if dtype is None and kinds and kinds <= {bool, int} and int in kinds:
        # NumPy would take uint64 or object for what int64 cannot hold.
        inferred = int64
    try:
        array = np.array(obj, dtype=inferred)
    except OverflowError as error:
        raise OverflowError(
            f"asarray: an integer does not fit {inferred or 'int64'} ({error})"
        ) from None
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise ValueError(f"asarray: {error}") from None
        raise ValueError(
            "asarray: the nested sequences are ragged; those of one level must have one length"
        ) from None
    except TypeError as error:
        raise TypeError(f"asarray: cannot convert to {inferred}: {error}") from None
    return _of_host(array, dtype, find_device(device))


def _kinds(obj: Sequence[Any]) -> set[type]:
    """The types of all scalars and arrays in nested sequences; `TypeError` for any other."""
    found: set[type] = set()
    pending: list[Sequence[Any]] = [obj]
    while pending:
        sequence = pending.pop()
        # One pass at C speed: 20 ns an element, where a loop would take 100.
        kinds = set(map(type, sequence))
        for kind in kinds:
            if issubclass(kind, (*_SCALARS, Array, np.ndarray)):
                found.add(kind)
            elif issubclass(kind, Sequence) and not issubclass(kind, str | bytes | bytearray):
                pending.extend(x for x in sequence if type(x) is kind)
            else:
                raise TypeError(f"asarray: cannot convert a {kind.__name__} in a sequence")
    return found


def _of_arrays(
    obj: Sequence[Any], dtype: np.dtype[Any] | None, device: Device | str | None
) -> Array:
    """Sequences that hold arrays: scalars go to the device of these, and combine by kind alone."""
    leaves = list(_leaves(obj))
    wanted = promote_operands("asarray", tuple(leaves)) if dtype is None else dtype
    home = next(x.device for x in leaves if x.__class__ is Array)

    def joined(x: Any) -> Array:
        if isinstance(x, Sequence):
            if not x:
                return asarray(x, dtype=wanted, device=home)
            return stack([joined(element) for element in x])
        return astype(asarray(x, device=home), wanted, copy=False)

    try:
        result = joined(obj)
    except ValueError as error:
        raise ValueError(f"asarray: the arrays do not join: {error}") from None
    return result if device is None else result.to_device(device)


def _leaves(obj: Any) -> Iterator[Any]:
    """The scalars and arrays in nested sequences, as operands for promotion."""
    for x in obj:
        if isinstance(x, Sequence):
            yield from _leaves(x)
        elif isinstance(x, np.generic | np.ndarray):
            yield asarray(x)
        else:
            yield x
