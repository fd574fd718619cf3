"""Copies between addresses, and filling memory with a value: the driver's operations as they are.

In: addresses, arrays on a device, NumPy arrays in pinned memory. Out: work on the current stream,
which the host does not wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.array import Array
from gpuarray.cuda.ownership import copied, layout_of, own
from gpuarray.cuda.raw_module import executor_of
from gpuarray.cuda.streams import Stream
from gpuarray.cuda.transfers import keep_until_done
from gpuarray.devices import device as find_device
from gpuarray.evaluation import evaluate
from gpuarray.graph.tape import needs_value, recordings

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["memcpy", "memcpy2d", "memset"]

Memory = Any  # an address, an array on a device, or a NumPy array in pinned memory


def memcpy(
    destination: Memory,
    source: Memory,
    nbytes: int | None = None,
    *,
    stream: Stream | None = None,
    device: Device | str | None = None,
) -> None:
    """Copy bytes between memory of devices and pinned memory; the host does not wait.

    Parameters
    ----------
    destination, source : int, Array or ndarray
        An address, an array on a CUDA device, whose elements are taken in row-major order, or a
        C-contiguous NumPy array in pinned memory. The two ranges do not overlap. A destination
        that shares memory with other arrays gets memory of its own before.
    nbytes : int, optional
        How many bytes, from the beginning of each. None: all of the arrays, which then have to be
        of one size.
    stream : Stream, optional
        None: the current stream of the thread.
    device : Device or str, optional
        Whose stream carries it out, where both are addresses; None: the default device.

    Raises
    ------
    TypeError
        An argument is of another type, or a device is no CUDA device.
    ValueError
        An array has fewer bytes, is not in such memory, or on another device than `stream`.

    Notes
    -----
    Work on arrays comes in their order, on every stream. What an address leads to is ordered by the
    stream alone, and has to live until the copy is done.
    """
    work = _Work("memcpy", (destination, source), stream, device)
    sizes = [x.nbytes for x in (destination, source) if isinstance(x, Array | np.ndarray)]
    if nbytes is None:
        if len(set(sizes)) != 1:
            raise ValueError(
                "memcpy: nbytes must be given unless the arrays have as many bytes as each other, "
                f"got {' and '.join(map(str, sizes)) or 'two addresses'}"
            )
        nbytes = sizes[0]
    count = _count("memcpy", "nbytes", nbytes)
    if count:
        out_of = work.reading("source", source, count)
        into = work.writing("destination", destination, count)
        work.runtime.addresses.copy(into, out_of, count, work.stream)
        work.end()


def memcpy2d(
    destination: Memory,
    source: Memory,
    width: int,
    height: int,
    *,
    destination_pitch: int,
    source_pitch: int,
    stream: Stream | None = None,
    device: Device | str | None = None,
) -> None:
    """Copy rows of bytes that lie at even distances; the host does not wait.

    Parameters
    ----------
    destination, source, stream, device
        As for `memcpy`.
    width, height : int
        Bytes of a row, and how many rows.
    destination_pitch, source_pitch : int
        Bytes from one row to the next, at least `width`.

    Raises
    ------
    TypeError, ValueError
        As for `memcpy`, or a pitch is less than the width.
    """
    work = _Work("memcpy2d", (destination, source), stream, device)
    row, rows = _count("memcpy2d", "width", width), _count("memcpy2d", "height", height)
    pitches = {"destination_pitch": destination_pitch, "source_pitch": source_pitch}
    for what, pitch in pitches.items():
        if _count("memcpy2d", what, pitch) < row:
            raise ValueError(f"memcpy2d: {what} must be at least the width, {row}, got {pitch}")
    if row and rows:
        reach = [(rows - 1) * pitch + row for pitch in pitches.values()]
        out_of = work.reading("source", source, reach[1])
        into = work.writing("destination", destination, reach[0])
        work.runtime.addresses.copy_2d(
            (into, destination_pitch), (out_of, source_pitch), row, rows, work.stream
        )
        work.end()


def memset(
    pointer: Memory,
    value: int,
    nbytes: int | None = None,
    *,
    itemsize: int = 1,
    stream: Stream | None = None,
    device: Device | str | None = None,
) -> None:
    """Fill memory with a value of 1, 2 or 4 bytes; the host does not wait.

    Parameters
    ----------
    pointer : int, Array or ndarray
        As the destination of `memcpy`.
    value : int
        From 0 to ``256 ** itemsize - 1``.
    nbytes : int, optional
        How many bytes, a multiple of `itemsize`. None: all of an array.
    itemsize : {1, 2, 4}
        Bytes of the value. An address is a multiple of it.
    stream, device
        As for `memcpy`.

    Raises
    ------
    TypeError, ValueError
        As for `memcpy`, or the value does not fit.
    """
    work = _Work("memset", (pointer,), stream, device)
    if itemsize not in (1, 2, 4):
        raise ValueError(f"memset: itemsize must be 1, 2 or 4, got {itemsize!r}")
    if not 0 <= _count("memset", "value", value) < 256**itemsize:
        raise ValueError(
            f"memset: value must be from 0 to {256**itemsize - 1} for itemsize={itemsize}, "
            f"got {value}"
        )
    if nbytes is None:
        if not isinstance(pointer, Array | np.ndarray):
            raise ValueError("memset: nbytes must be given unless pointer is an array")
        nbytes = pointer.nbytes
    count = _count("memset", "nbytes", nbytes)
    if count % itemsize or (isinstance(pointer, int) and pointer % itemsize):
        raise ValueError(
            f"memset: nbytes and an address must be multiples of itemsize={itemsize}, got "
            f"{count} bytes"
        )
    if count:
        into = work.writing("pointer", pointer, count)
        work.runtime.addresses.fill(into, value, itemsize, count // itemsize, work.stream)
        work.end()


class _Work:
    """An operation on a stream, and the memory that it uses."""

    def __init__(
        self, name: str, given: tuple[Memory, ...], stream: Stream | None, device: Any
    ) -> None:
        if recordings:
            needs_value(name)
        if stream is not None and not isinstance(stream, Stream):
            raise TypeError(f"{name}: stream must be a Stream, got {type(stream).__name__}")
        arrays = [x for x in given if isinstance(x, Array)]
        if stream is not None:
            found = stream.device
        else:
            found = arrays[0].device if arrays else find_device(device)
        for x in arrays:
            if x.device is not found:
                raise ValueError(
                    f"{name}: an array is on {str(x.device)!r}, and the stream on {str(found)!r}; "
                    "to_device() copies between devices"
                )
        self.name = name
        self._executor = executor_of(name, found)
        self.runtime = self._executor.runtime
        self.stream: int = self._executor.stream if stream is None else stream.handle
        self._pinned: list[np.ndarray[Any, Any]] = []
        self._sources: list[Any] = []  # whose memory must not be handed out before the copy

    def reading(self, what: str, x: Memory, nbytes: int) -> int:
        """The address of memory that is read."""
        if not isinstance(x, Array):
            return self._address(what, x, nbytes)
        self._fits(what, x.nbytes, nbytes)
        evaluate(x)
        source: Any = (x if layout_of(x).contiguous else copied(x, self._executor))._node
        self._sources.append(source)
        return int(source.buffer.read_on(self.stream) + source.offset)

    def writing(self, what: str, x: Memory, nbytes: int) -> int:
        """The address of memory that is written."""
        if not isinstance(x, Array):
            if isinstance(x, np.ndarray) and not x.flags.writeable:
                raise ValueError(f"{self.name}: {what} must be writable")
            return self._address(what, x, nbytes)
        self._fits(what, x.nbytes, nbytes)
        evaluate(x)
        own(x, self._executor)
        node: Any = x._node
        return int(node.buffer.write_on(self.stream) + node.offset)

    def end(self) -> None:
        """After the work is enqueued: keep the pinned memory that it uses."""
        for host in self._pinned:
            keep_until_done(self._executor, self.stream, host)

    def _address(self, what: str, x: Memory, nbytes: int) -> int:
        if isinstance(x, np.ndarray):
            if not x.flags.c_contiguous:
                raise ValueError(f"{self.name}: {what} must be C-contiguous")
            self._fits(what, x.nbytes, nbytes)
            pointer = int(x.ctypes.data)
            if not self.runtime.is_pinned(pointer):
                raise ValueError(
                    f"{self.name}: {what} must be in pinned memory, such as pinned_empty makes"
                )
            self._pinned.append(x)
            return pointer
        if isinstance(x, bool) or not isinstance(x, int):
            raise TypeError(
                f"{self.name}: {what} must be an address, an array or a NumPy array, got "
                f"{type(x).__name__}"
            )
        if x <= 0:
            raise ValueError(f"{self.name}: {what} must be an address, got {x}")
        return x

    def _fits(self, what: str, there: int, nbytes: int) -> None:
        if nbytes > there:
            raise ValueError(f"{self.name}: {what} has {there} bytes, fewer than {nbytes}")


def _count(name: str, what: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: {what} must be an integer, got {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{name}: {what} must not be negative, got {value}")
    return value
