"""Data type functions: casts between the standard's dtypes.

In: an array and anything that names a dtype. Out: an array with a pending cast. What a cast means,
element by element, is the backends' business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuarray.arguments import checked_array
from gpuarray.array import Array
from gpuarray.devices import device as find_device
from gpuarray.dtypes import canonical
from gpuarray.graph import flush
from gpuarray.graph.node import CAST
from gpuarray.recording import cast, record

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["astype", "check_cast"]


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
    return _copied(x) if copy else x


def check_cast(name: str, found: np.dtype[Any], wanted: np.dtype[Any]) -> None:
    """Raise `TypeError` for a cast that would drop imaginary parts."""
    if found.kind == "c" and wanted.kind in "iuf":
        raise TypeError(
            f"{name}: cannot cast {found} to {wanted}, it would drop the imaginary part; "
            "take real() or imag() first"
        )


def _copied(x: Array) -> Array:
    """An array of the same values that nothing done to `x` or its memory will change."""
    node = x._node
    if node.op is None and node.buffer is not None and not node.buffer.exclusive:
        # Somebody else can write to this memory, so it is read now.
        copy = record(CAST, (node,), (node.dtype,), node.dtype, node.shape, node.device)
        flush.flush((copy._node,))
        return copy
    # Memory of our own is never changed while two arrays refer to it.
    return Array(node)
