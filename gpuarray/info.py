"""Inspection: what this library can do, which devices and dtypes there are.

In: nothing, or a device. Out: dictionaries and tuples, in the form of the standard. This module is
what ``gpuarray.__array_namespace_info__()`` returns.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

from gpuarray.devices import Device, all_devices
from gpuarray.devices import default_device as current_device
from gpuarray.devices import device as find_device
from gpuarray.dtypes import DTYPES, KINDS, complex128, float64, int64

__all__ = [
    "__array_namespace_info__",
    "capabilities",
    "default_device",
    "default_dtypes",
    "devices",
    "dtypes",
]

# NumPy's limit: no more can be printed, or reach the host.
_MAX_DIMENSIONS = 64


def __array_namespace_info__() -> ModuleType:  # noqa: N807  (the standard's name)
    """The namespace with the inspection functions, which is this module.

    References
    ----------
    https://data-apis.org/array-api/2025.12/API_specification/inspection.html

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.__array_namespace_info__().default_device()
    'cpu'
    """
    return sys.modules[__name__]


def capabilities() -> dict[str, bool | int]:
    """What is optional in the standard, and whether it is here.

    Returns
    -------
    dict
        "boolean indexing" and "data-dependent shapes" are True; "max dimensions" is an integer.

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.__array_namespace_info__().capabilities()["boolean indexing"]
    True
    """
    return {
        "boolean indexing": True,
        "data-dependent shapes": True,
        "max dimensions": _MAX_DIMENSIONS,
    }


def default_device() -> Device:
    """Where new arrays go: the choice of `gpuarray.backend`, else that of ``GPUARRAY_BACKEND``.

    Raises
    ------
    BackendUnavailable
        The backend that ``GPUARRAY_BACKEND`` names cannot start.

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.__array_namespace_info__().default_device() == xp.zeros(1).device
    True
    """
    return current_device()


def default_dtypes(*, device: Device | str | None = None) -> dict[str, np.dtype[Any]]:
    """The dtypes of arrays that are made without one, the same on every device.

    Parameters
    ----------
    device : Device or str, optional
        None: the default device.

    Returns
    -------
    dict
        The dtypes for "real floating", "complex floating", "integral" and "indexing".

    Raises
    ------
    ValueError
        If there is no such device.

    Examples
    --------
    >>> import gpuarray as xp
    >>> xp.__array_namespace_info__().default_dtypes()["real floating"]
    dtype('float64')
    """
    _check(device)
    return {
        "real floating": float64,
        "complex floating": complex128,
        "integral": int64,
        "indexing": int64,
    }


def devices() -> tuple[Device, ...]:
    """All devices that can be used here, those of the default backend first.

    Returns
    -------
    tuple of Device
        Each equal to its name.

    Examples
    --------
    >>> import gpuarray as xp
    >>> "cpu" in xp.__array_namespace_info__().devices()
    True
    """
    return all_devices()


def dtypes(
    *, device: Device | str | None = None, kind: str | tuple[str, ...] | None = None
) -> dict[str, np.dtype[Any]]:
    """The dtypes that arrays may have, the same on every device.

    Parameters
    ----------
    device : Device or str, optional
        None: the default device.
    kind : str or tuple of str, optional
        "bool", "signed integer", "unsigned integer", "integral", "real floating",
        "complex floating", "numeric", or several of these; None: all.

    Returns
    -------
    dict
        The dtypes by their names.

    Raises
    ------
    ValueError
        If there is no such device or kind.

    Examples
    --------
    >>> import gpuarray as xp
    >>> list(xp.__array_namespace_info__().dtypes(kind="real floating"))
    ['float32', 'float64']
    """
    _check(device)
    if kind is None:
        return {d.name: d for d in DTYPES}
    kinds = kind if isinstance(kind, tuple) else (kind,)
    for each in kinds:
        if not isinstance(each, str) or each not in KINDS:
            names = ", ".join(map(repr, KINDS))
            raise ValueError(f"dtypes: kind must be one of {names}, or a tuple, got {each!r}")
    return {d.name: d for d in DTYPES if any(d in KINDS[each] for each in kinds)}


def _check(device: Device | str | None) -> None:
    """Raise `ValueError` for a device that there is not; the default one need not be looked for."""
    if device is not None:
        find_device(device)
