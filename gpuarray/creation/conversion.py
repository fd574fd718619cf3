"""Creation functions: arrays from what Python and other libraries hold.

In: scalars, nested sequences, memory of other libraries, arrays. Out: an array. Memory of others is
copied unless that is forbidden, since whoever owns it may write to it later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_copy
from gpuarray.array import Array
from gpuarray.creation.scalars import scalar_array
from gpuarray.data_types import astype, check_cast
from gpuarray.devices import device as find_device
from gpuarray.dtypes import DTYPES, canonical, int64
from gpuarray.interop.cuda_array_interface import adopt
from gpuarray.interop.dlpack import from_dlpack
from gpuarray.interop.numpy import from_numpy, is_host
from gpuarray.interop.sharing import Owner, adopted
from gpuarray.manipulation.joining import stack
from gpuarray.recording import cast, owned, promote_operands

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["asarray", "from_dlpack"]

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
    obj : Array, scalar, nested sequence, or array of another library
        Sequences may be nested, and may hold Python and NumPy scalars, NumPy arrays and arrays.
        Other libraries' arrays are objects with the buffer protocol, ``__dlpack__``,
        ``__cuda_array_interface__``, ``__array_interface__`` or ``__array__``.
    dtype : dtype, optional
        None: that of `obj`; for Python scalars bool, int64, float64 or complex128, the first that
        holds all of their kinds.
    device : Device or str, optional
        None: that of the arrays in `obj` or, for another library's memory, the GPU where it is;
        else the default device.
    copy : bool, optional
        True always copies. None returns `obj` itself where it is an array of that dtype on that
        device, and copies what others may write to. False raises where that is not so, and shares
        the memory of another library's array as `from_dlpack` does.

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
    copy = checked_copy("asarray", copy)
    if obj.__class__ is Array:
        return _of_array(obj, wanted, device, copy)
    if not isinstance(obj, (*_SCALARS, list, tuple)):
        found = _of_memory(obj, wanted, device, copy)
        if found is not None:
            return found
    if copy is False:
        raise ValueError(
            f"asarray: copy=False, and a {type(obj).__name__} has no memory that can be shared"
        )
    if isinstance(obj, _SCALARS):
        return scalar_array("asarray", (), obj, wanted, find_device(device))
    if isinstance(obj, Sequence) and not isinstance(obj, str):
        return _of_sequence(obj, wanted, device)
    raise TypeError(
        f"asarray: cannot convert a {type(obj).__name__}; give a scalar, a sequence of scalars, "
        "an array, or an object with the buffer protocol, __dlpack__ or __cuda_array_interface__"
    )


def _of_array(
    x: Array, dtype: np.dtype[Any] | None, device: Device | str | None, copy: bool | None
) -> Array:
    target = x.device if device is None else find_device(device)
    wanted = x.dtype if dtype is None else dtype
    check_cast("asarray", x.dtype, wanted)
    if copy is False and (target is not x.device or wanted is not x.dtype):
        raise _copy_needed(x.dtype, x.device, wanted, target)
    return astype(x, wanted, copy=copy is True, device=target)


def _of_memory(
    obj: Any, dtype: np.dtype[Any] | None, device: Device | str | None, copy: bool | None
) -> Array | None:
    """An array of what has memory of its own, copied unless `copy` is False; None for the rest."""
    try:
        if not isinstance(obj, np.ndarray):
            obj = np.asarray(memoryview(obj))
    except (TypeError, ValueError):
        pass
    else:
        return _of_host(obj, dtype, find_device(device), copy)
    if hasattr(obj, "__dlpack__") and hasattr(obj, "__dlpack_device__"):
        try:
            found = from_dlpack(obj)
        except BufferError:
            # As of sparse matrices, which NumPy's protocol can give nevertheless.
            if not hasattr(obj, "__array__"):
                raise
        else:
            return _of_shared(found, dtype, device, copy)
    if hasattr(obj, "__cuda_array_interface__"):
        return _of_shared(adopt("asarray", obj), dtype, device, copy)
    if hasattr(obj, "__array_interface__") or hasattr(obj, "__array__"):
        return _of_host(np.asarray(obj), dtype, find_device(device), copy)
    return None


def _of_shared(
    x: Array, dtype: np.dtype[Any] | None, device: Device | str | None, copy: bool | None
) -> Array:
    """An array over memory of another library; on the device where it is, the host's aside."""
    target = find_device(device) if device is not None or is_host(x.device) else x.device
    found = _of_array(x, dtype, target, False if copy is False else None)
    return found if copy is False else owned(found)


def _of_host(
    array: HostArray, dtype: np.dtype[Any] | None, device: Device, copy: bool | None
) -> Array:
    _check_host_dtype(array.dtype)
    found = canonical(array.dtype)
    wanted = found if dtype is None else dtype
    check_cast("asarray", found, wanted)
    if copy is not False:
        return cast(from_numpy(array, device), wanted)
    if wanted is not found or not is_host(device):
        raise _copy_needed(found, "cpu", wanted, device)
    if any(s % found.itemsize for s in array.strides):
        raise ValueError(
            f"asarray: copy=False, and strides {array.strides} are no multiples of "
            f"{found.itemsize} bytes"
        )
    strides = tuple(s // found.itemsize for s in array.strides)
    owner = Owner(array, not array.flags.writeable)
    return adopted("asarray", device, array.ctypes.data, (found, array.shape, strides), owner)


def _copy_needed(
    dtype: np.dtype[Any], home: str, wanted: np.dtype[Any], target: str
) -> ValueError:  # fmt: skip
    return ValueError(
        f"asarray: copy=False, and from {dtype} on {home!s} to {wanted} on {target!s} needs a copy"
    )


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
    return _of_host(array, dtype, find_device(device), None)


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
