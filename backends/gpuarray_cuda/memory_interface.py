"""Memory beside the pool, and copies between addresses: what is asked of a device, as protocols.

In: bytes, addresses, handles of streams. Out: addresses. `dedicated.py` and `addresses.py` answer
with a GPU, `tests/simulator/dedicated.py` with the CPU. The rules of `runtime.py` hold here, too.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

__all__ = ["AddressCopies", "DedicatedMemory", "Kind"]

Kind = Literal["managed", "mapped", "exportable"]


class DedicatedMemory(Protocol):
    """Memory that is not the pool's, each block by a call of the driver.

    ``"managed"`` memory moves to whoever uses it, the host or the device. ``"mapped"`` memory is
    the host's and pinned; the device reads and writes it over the bus. ``"exportable"`` memory is
    the device's, and another process may open it.
    """

    def allocate(self, nbytes: int, kind: Kind) -> int:
        """The address of a new block of at least one byte, the same for the device and the host.

        Raises
        ------
        OutOfMemory
            There is none left.
        DeviceError
            The device has no such memory.
        """

    def free(self, pointer: int) -> None:
        """Give a block of `allocate` or `open_exported` back.

        It is kept until everything is done that was enqueued on the legacy stream, which has to
        come after all uses. Never waits for that, so that finalizers may call it.
        """

    def prefetch(self, pointer: int, nbytes: int, to_host: bool, stream: int) -> None:
        """Move managed memory, in the order of a stream, to the device or to the host."""

    def advise(self, pointer: int, nbytes: int, advice: str, on_host: bool) -> None:
        """Tell the driver how managed memory is used; `advice` is a name of ``CUmem_advise``
        behind ``CU_MEM_ADVISE_``, and the place is the device or the host."""

    def export(self, pointer: int) -> bytes:
        """A handle by which another process opens the exportable block that begins there.

        Raises
        ------
        DeviceError
            The device or its system cannot share memory between processes.
        """

    def open_exported(self, handle: bytes) -> int:
        """The address here of a block of another process, on the same device."""


class AddressCopies(Protocol):
    """Copies between any two addresses that a device reaches."""

    def copy(self, destination: int, source: int, nbytes: int, stream: int) -> None:
        """Copy between memory of devices and pinned memory; the ranges do not overlap."""

    def copy_2d(
        self,
        destination: tuple[int, int],
        source: tuple[int, int],
        width: int,
        height: int,
        stream: int,
    ) -> None:
        """Copy `height` rows of `width` bytes; each side is an address and the bytes from one row
        to the next."""

    def fill(self, pointer: int, value: int, itemsize: int, count: int, stream: int) -> None:
        """Set `count` items of 1, 2 or 4 bytes to an unsigned `value`."""

    def copy_from_peer(
        self, destination: int, other: Any, source: int, nbytes: int, stream: int
    ) -> None:
        """Copy from memory of the device of another runtime; `stream` is this device's."""

    def reaches_peer(self, ordinal: int) -> bool:
        """Whether this device reads the memory of another one without the host."""
