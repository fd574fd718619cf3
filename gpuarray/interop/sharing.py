"""Memory shared with other libraries: lending that of an array, and adopting theirs.

In: an array, or an address with its layout and owner. Out: a `Loan`, or an array. Memory that
another library can write is read when the reading is recorded, is never written here, and belongs
to one array alone: so what another library writes changes that array and no other.
"""

from __future__ import annotations

import weakref
from collections import deque
from sys import getrefcount
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray import recording
from gpuarray.array import Array
from gpuarray.dtypes import DTYPES
from gpuarray.graph import flush
from gpuarray.graph.node import (
    AT_ONCE,
    CAST,
    NEVER,
    Buffer,
    Layout,
    Node,
    contiguous_layout,
    intern_layout,
    leaf,
)
from gpuarray.graph.tape import needs_value, recordings
from gpuarray.interop.numpy import is_host

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["CopyNeeded", "Loan", "Owner", "adopted", "copied", "lend", "shown"]


class CopyNeeded(BufferError, ValueError):
    """`copy` is False, and there is no way without one.

    The standard asks for a `BufferError` in one place and for a `ValueError` in another.
    """


class Loan:
    """Memory of an array in the hands of another library, until this object is collected."""

    __slots__ = ("_account", "node")

    def __init__(self, node: Node, account: _Account | None) -> None:
        self.node = node
        # None for memory that another library has lent to us.
        self._account = account

    @property
    def buffer(self) -> Buffer:
        """The memory."""
        assert self.node.buffer is not None
        return self.node.buffer

    @property
    def read_only(self) -> bool:
        """Whether it is memory of a third library, which does not let it be written."""
        return bool(getattr(getattr(self.buffer, "owner", None), "read_only", False))

    def __del__(self) -> None:
        if self._account is not None:
            # A consumer may let go of it at any moment, so that nothing here waits for a lock.
            _returned.append(self._account)
            _settle()


class _Account:
    """Lent memory, with a mark for each loan."""

    __slots__ = ("loans", "node")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.loans: list[None] = []


# By the id of the buffer. A finalizer may change all of these while they are being changed, so
# that each change is one step.
_lent: dict[int, _Account] = {}
_returned: deque[_Account] = deque()


def _settle() -> None:
    """Make memory ours alone again when all who had it have given it back."""
    while _returned and flush.lock.acquire(blocking=False):
        try:
            while _returned:
                account = _returned.popleft()
                account.loans.pop()
                if not account.loans:
                    node = account.node
                    assert node.buffer is not None
                    node.low = NEVER
                    node.buffer.exclusive = True
                    _lent.pop(id(node.buffer), None)
        finally:
            flush.lock.release()


class Owner:
    """An object whose memory is adopted, and whether nobody may write to it."""

    __slots__ = ("obj", "read_only")

    def __init__(self, obj: object, read_only: bool) -> None:
        self.obj = obj
        self.read_only = read_only


def lend(x: Array) -> Loan:
    """The memory of `x`, computed, for another library to read and write.

    As for an update of `x`, memory that others refer to, too, is copied first, and so is a layout
    that few libraries take: strides that are negative or zero.
    """
    if recordings:
        needs_value("sharing its memory with another library")
    with flush.lock:
        _settle()
        flush.flush((x._node,))
        if _exclusive(x) and not (_is_sole(x) and _is_plain(x._node.layout)):
            x._node = copied(x)._node
        node = x._node
        buffer = node.buffer
        assert buffer is not None
        account = _lent.get(id(buffer))
        if account is None and buffer.exclusive:
            account = _lent[id(buffer)] = _Account(node)
        if account is not None:
            account.loans.append(None)
            buffer.exclusive = False
            node.low = AT_ONCE
        return Loan(node, account)


def shown(x: Array) -> Loan:
    """The memory of `x`, lent for as long as the object `x` lives."""
    loan = lend(x)
    loans = _shown.get(id(x))
    if loans is None:
        loans = _shown[id(x)] = {}
        weakref.finalize(x, _shown.pop, id(x), None).atexit = False
    return loans.setdefault(id(loan.buffer), loan)


# By the ids of arrays, then of buffers.
_shown: dict[int, dict[int, Loan]] = {}


def copied(x: Array) -> Array:
    """The values of `x` in memory of their own."""
    node = x._node
    copy = recording.record(CAST, (node,), (node.dtype,), node.dtype, node.shape, node.device)
    flush.flush((copy._node,))
    return copy


def adopted(
    name: str,
    device: Device,
    pointer: int,
    layout: tuple[np.dtype[Any], tuple[int, ...], tuple[int, ...]],
    owner: object,
    exclusive: bool = False,
) -> Array:
    """An array of memory of another library.

    Parameters
    ----------
    name : str
        The function that is called, for messages.
    device : Device
        Where the memory is.
    pointer : int
        The address of the first element.
    layout : tuple
        The dtype, the shape, and the strides in elements.
    owner : object
        Keeps the memory alive; where its attribute `read_only` is true, nobody may write to it.
    exclusive : bool
        Whether nobody but `owner` has the memory.

    Raises
    ------
    BufferError
        If the dtype is none of the standard's, or the memory is none that the device can read.
    """
    dtype, shape, strides = layout
    if dtype not in DTYPES:
        raise BufferError(f"{name}: dtype {dtype} is not one of the standard's; convert it first")
    if 0 in shape:
        empty = device.hook.gpuarray_allocate(device=device, nbytes=0)
        return Array(leaf(device, empty, 0, contiguous_layout(dtype, shape)))
    reach = [s * (n - 1) for s, n in zip(strides, shape, strict=True)]
    before = sum(r for r in reach if r < 0)
    nbytes = (sum(r for r in reach if r > 0) - before + 1) * dtype.itemsize
    offset = -before * dtype.itemsize
    alignment = min(pointer & -pointer, 16) if pointer else 16
    if alignment < dtype.itemsize and not is_host(device):
        raise BufferError(
            f"{name}: memory at {pointer:#x} is not aligned to the {dtype.itemsize} bytes of "
            f"{dtype}, as {str(device)!r} needs it; copy it first"
        )
    buffer = pointer and device.hook.gpuarray_wrap(
        device=device, pointer=pointer - offset, nbytes=nbytes, owner=owner
    )
    if not buffer:
        raise BufferError(f"{name}: {pointer:#x} is no address of memory of {str(device)!r}")
    buffer.exclusive = exclusive
    return Array(leaf(device, buffer, offset, intern_layout(dtype, shape, strides, alignment)))


def _exclusive(x: Array) -> bool:
    buffer = x._node.buffer
    assert buffer is not None
    return buffer.exclusive


def _is_plain(layout: Layout) -> bool:
    return all(s > 0 or n <= 1 for s, n in zip(layout.strides, layout.shape, strict=True))


def _references(x: Any) -> tuple[int, int]:
    node = x._node
    return getrefcount(node), getrefcount(node.buffer)


class _Sample:
    __slots__ = ("_node", "buffer")

    _node: object
    buffer: object


def _own_references() -> tuple[int, int]:
    """What `_references` gives for an array whose node and buffer nothing else refers to."""
    x = _Sample()
    x._node = node = _Sample()
    node.buffer = object()
    del node
    return _references(x)


_OWN_REFERENCES = _own_references()


def _is_sole(x: Array) -> bool:
    """Whether no other array and no pending operation refers to the memory of `x`."""
    return _references(x) == _OWN_REFERENCES
