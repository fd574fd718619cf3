"""Buffers in host memory, and how much of it they use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.errors import OutOfMemory
from gpuarray.plugins import Buffer

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["ForeignHostBuffer", "HostBuffer", "HostMemory"]

_ALIGNMENT = 64


class HostMemory:
    """Bytes in use by buffers now, and at most so far."""

    __slots__ = ("peak", "used")

    def __init__(self) -> None:
        self.used = 0
        self.peak = 0


class HostBuffer(Buffer):
    """Host memory, aligned to a cache line; `memory` are its bytes."""

    __slots__ = ("_account", "memory")

    def __init__(self, device: Device, nbytes: int, account: HostMemory) -> None:
        try:
            block = np.empty(nbytes + _ALIGNMENT, np.uint8)
        except MemoryError as error:
            raise OutOfMemory(
                f"the host has no {nbytes} bytes left ({account.used} are in use by arrays)"
            ) from error
        start = -block.ctypes.data % _ALIGNMENT
        self.memory = block[start : start + nbytes]
        self._account = account
        account.used += nbytes
        account.peak = max(account.peak, account.used)
        super().__init__(device, nbytes)

    def __del__(self) -> None:
        if hasattr(self, "_account") and hasattr(self, "nbytes"):
            self._account.used -= self.nbytes

    def elements(self, dtype: np.dtype[Any], offset: int) -> np.ndarray[Any, Any]:
        """All whole elements of the buffer that lie a multiple of the itemsize from `offset`."""
        first = offset % dtype.itemsize
        count = (self.nbytes - first) // dtype.itemsize
        return np.ndarray((count,), dtype, self.memory.data, first)


class _Bytes:
    """Bytes at an address, as NumPy takes them. ctypes would keep a type for each length."""

    def __init__(self, pointer: int, nbytes: int) -> None:
        # Not marked as read-only where it is: nothing that is not exclusive is ever written.
        self.__array_interface__ = {
            "version": 3,
            "typestr": "|u1",
            "shape": (nbytes,),
            "data": (pointer, False),
        }


class ForeignHostBuffer(HostBuffer):
    """Host memory of another library, which `owner` keeps alive."""

    __slots__ = ("owner",)

    def __init__(self, device: Device, pointer: int, nbytes: int, owner: object) -> None:
        self.memory = np.asarray(_Bytes(pointer, nbytes))
        self.owner = owner
        Buffer.__init__(self, device, nbytes, exclusive=False)
