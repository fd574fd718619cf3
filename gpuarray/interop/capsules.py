"""DLPack capsules: the structures of the protocol, written and read.

In: an address with its dtype, shape and strides, and the object that keeps it alive. Out: a
capsule; and back. NumPy makes the capsules: its deleters are C functions, which may run while an
exception is raised and after the interpreter has ended, as functions of Python may not. Knows
nothing of arrays, devices and streams.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["VERSION", "Imported", "Tensor", "consumed", "produced"]

VERSION = (1, 0)
"""The newest version of the protocol that is spoken here."""

_READ_ONLY = 1 << 0
_IS_COPIED = 1 << 1

# NumPy's letters for DLPack's codes.
_KINDS = {0: "i", 1: "u", 2: "f", 5: "c", 6: "b"}


class Tensor(NamedTuple):
    """Strided memory as DLPack describes it.

    `pointer` is the address of the first element, `device` a pair of DLPack's type and number,
    `strides` count elements. `read_only` asks the consumer not to write, `copied` says that nobody
    but the consumer has the memory.
    """

    pointer: int
    device: tuple[int, int]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    read_only: bool = False
    copied: bool = False


class _Device(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int32), ("number", ctypes.c_int32))


class _DataType(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("dtype", _DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _Managed(ctypes.Structure):
    """DLPack before 1.0."""

    _fields_ = (("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class _Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    )


# The capsule keeps the address of its name, so the names have to stay where they are.
_LEGACY, _USED_LEGACY = b"dltensor", b"used_dltensor"
_MODERN, _USED_MODERN = b"dltensor_versioned", b"used_dltensor_versioned"

# Prototypes of our own: the attributes of `ctypes.pythonapi` are everybody's.
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_IsValid", ctypes.pythonapi)
)
_get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_set_name = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_SetName", ctypes.pythonapi)
)
_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Memory:
    """What NumPy makes an array of that it can export; kept alive by the array."""

    __slots__ = ("__array_interface__", "_keep")

    def __init__(self, tensor: Tensor, keep: object) -> None:
        self._keep = keep
        self.__array_interface__ = {
            "version": 3,
            "typestr": tensor.dtype.str,
            "shape": tensor.shape,
            "strides": tuple(s * tensor.dtype.itemsize for s in tensor.strides),
            # NumPy refuses to export read-only memory in the old way; the flag is set below.
            "data": (tensor.pointer, False),
        }


def produced(tensor: Tensor, keep: object, versioned: bool) -> Any:
    """A capsule that holds on to `keep` until its consumer, or nobody, needs it any more.

    The old capsule, before DLPack 1.0, cannot say that it is read-only or copied.
    """
    # No element is read here, so it may be memory that the host cannot reach.
    array = np.asarray(_Memory(tensor, keep))
    capsule: Any = array.__dlpack__(max_version=VERSION if versioned else None)
    if versioned:
        modern = _Versioned.from_address(_get_pointer(capsule, _MODERN))
        modern.flags = _READ_ONLY * tensor.read_only | _IS_COPIED * tensor.copied
        described = modern.tensor
    else:
        described = _Managed.from_address(_get_pointer(capsule, _LEGACY)).tensor
    described.device.kind, described.device.number = tensor.device
    if 0 in tensor.shape:
        described.data = None
    return capsule


class Imported:
    """Memory of a consumed capsule; when this is collected, its producer gets it back."""

    __slots__ = ("_address", "_delete", "tensor")

    def __init__(self, tensor: Tensor, address: int, deleter: int | None) -> None:
        self.tensor = tensor
        self._address = address
        self._delete: Callable[[int], None] | None = _Deleter(deleter) if deleter else None

    @property
    def read_only(self) -> bool:
        """Whether nobody may write to the memory."""
        return self.tensor.read_only

    def __del__(self) -> None:
        if self._delete is not None:
            self._delete(self._address)


def consumed(capsule: Any) -> Imported:
    """Take over the memory of a capsule.

    Raises
    ------
    BufferError
        It is no capsule of DLPack, has been consumed already, is of a version or dtype that is
        not known here. It is not consumed then.
    """
    managed: _Managed | _Versioned
    flags = 0
    if _is_valid(capsule, _MODERN):
        used = _USED_MODERN
        managed = _Versioned.from_address(_get_pointer(capsule, _MODERN))
        if managed.major > VERSION[0]:
            raise BufferError(
                f"from_dlpack: the capsule is of DLPack {managed.major}.{managed.minor}; this "
                f"release of gpuarray knows {VERSION[0]}"
            )
        flags = managed.flags
    elif _is_valid(capsule, _LEGACY):
        used = _USED_LEGACY
        managed = _Managed.from_address(_get_pointer(capsule, _LEGACY))
    else:
        raise BufferError(
            f"from_dlpack: {capsule!r} is no DLPack capsule, or one that was consumed before"
        )
    tensor = _described(managed.tensor, flags)
    found = Imported(tensor, ctypes.addressof(managed), managed.deleter)
    _set_name(capsule, used)
    return found


def _described(tensor: Any, flags: int) -> Tensor:
    ndim = tensor.ndim
    shape = tuple(tensor.shape[d] for d in range(ndim))
    if tensor.strides:
        strides = tuple(tensor.strides[d] for d in range(ndim))
    else:
        found = [1] * ndim
        for d in range(ndim - 2, -1, -1):
            found[d] = found[d + 1] * max(shape[d + 1], 1)
        strides = tuple(found)
    return Tensor(
        (tensor.data or 0) + tensor.byte_offset,
        (tensor.device.kind, tensor.device.number),
        _dtype(tensor.dtype),
        shape,
        strides,
        bool(flags & _READ_ONLY),
        bool(flags & _IS_COPIED),
    )


def _dtype(found: Any) -> np.dtype[Any]:
    code, bits, lanes = found.code, found.bits, found.lanes
    if lanes == 1 and bits % 8 == 0 and code in _KINDS:
        try:
            return np.dtype(f"{_KINDS[code]}{bits // 8}")
        except TypeError:
            pass
    raise BufferError(
        f"from_dlpack: DLPack's dtype of code {code}, {bits} bits and {lanes} lanes is none of the "
        "standard's; convert it first"
    )
