"""Streams and events under one's own control.

In: a device, or a stream of another library. Out: a `Stream`, on which work is put within a block,
and the `Event`s recorded on it. Arrays need no care: who uses one on another stream waits, on the
device, for what wrote it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpuarray.cuda.callbacks import call_behind
from gpuarray.cuda.raw_module import executor_of
from gpuarray.devices import device as find_device

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Event", "Stream", "current_stream"]


class Event:
    """A moment on a stream: when everything is done that was put there before.

    Made by `Stream.record`.
    """

    def __init__(self, runtime: Any, event: object) -> None:
        self._runtime = runtime
        self._event = event

    @property
    def done(self) -> bool:
        """Whether it has happened."""
        return bool(self._runtime.reached(self._event))

    def synchronize(self) -> None:
        """Wait until it has happened.

        Raises
        ------
        DeviceError
            Work before it has failed.
        """
        self._runtime.wait_on_host(self._event)

    def elapsed(self, since: Event) -> float:
        """Seconds of the device's time since another event, which came before; waits for both.

        Raises
        ------
        TypeError
            `since` is no event.
        ValueError
            It is of another device.
        """
        if not isinstance(since, Event):
            raise TypeError(f"elapsed: since must be an Event, got {type(since).__name__}")
        if since._runtime is not self._runtime:
            raise ValueError("elapsed: the two events are of different devices")
        return float(self._runtime.elapsed(since._event, self._event))


class Stream:
    """A stream; as a context manager, what is evaluated within the block goes there.

    Recorded operations go where they are evaluated: a value that is first needed behind the block
    is computed there. `gpuarray.evaluate` within the block settles it.

    Parameters
    ----------
    stream : int or object with ``__cuda_stream__``, optional
        A stream of another library, which must outlive this object and the memory allocated on it;
        0 is the legacy default stream. None: a new one.
    priority : int, optional
        Of a new stream: of those that have work, the device prefers lower numbers. 0 is the lowest
        priority, -5 the highest on current devices.
    device : Device or str, optional
        A CUDA device; None: the default device.

    Raises
    ------
    TypeError
        The device is no CUDA device, or the stream is none.

    Notes
    -----
    Work of a block, and waiting for it, is that of the calling thread; a stream may be used in
    several. Within a block memory is allocated on the stream, as everywhere.
    """

    def __init__(
        self,
        stream: object = None,
        *,
        priority: int = 0,
        device: Device | str | None = None,
    ) -> None:
        self.device = find_device(device)
        self._executor = executor_of("Stream", self.device)
        if isinstance(priority, bool) or not isinstance(priority, int):
            raise TypeError(f"Stream: priority must be an integer, got {type(priority).__name__}")
        self._priority = priority
        self._given = stream  # its owner has to live
        self._blocks = threading.local()
        if stream is None:
            self.handle: int = self._executor.take_stream(priority)
        else:
            from gpuarray_cuda.stream import as_stream_handle

            self.handle = as_stream_handle(stream)

    def __repr__(self) -> str:
        return f"<gpuarray.cuda.Stream {self.handle:#x} of {str(self.device)!r}>"

    def __del__(self) -> None:
        if getattr(self, "handle", None) is not None and self._given is None:
            self._executor.give_stream_back(self.handle, self._priority)

    def __cuda_stream__(self) -> tuple[int, int]:
        """For other libraries: version 0 of the protocol, and the handle."""
        return 0, self.handle

    def __enter__(self) -> Stream:
        block = self._executor.working_on(self.handle)
        block.__enter__()
        self._entered().append(block)
        return self

    def __exit__(self, *error: Any) -> None:
        self._entered().pop().__exit__(None, None, None)

    def _entered(self) -> list[Any]:
        """The blocks of the calling thread that are open, the innermost last."""
        found: list[Any] | None = getattr(self._blocks, "open", None)
        if found is None:
            found = self._blocks.open = []
        return found

    def record(self) -> Event:
        """An event behind everything that was put on the stream so far."""
        runtime = self._executor.runtime
        return Event(runtime, runtime.record_time(self.handle))

    def wait(self, other: Event | Stream) -> None:
        """Let later work on this stream wait for an event, or for all there is on another stream.

        The caller does not wait.

        Raises
        ------
        TypeError
            `other` is neither.
        """
        if isinstance(other, Stream):
            other = other.record()
        if not isinstance(other, Event):
            raise TypeError(f"wait: needs an Event or a Stream, got {type(other).__name__}")
        self._executor.runtime.wait(self.handle, other._event)

    def add_callback(self, function: Callable[..., object], *args: Any) -> None:
        """Have a function called on the host, once everything that was put on the stream is done.

        Functions of one stream are called in their order, in a thread of their own, with the
        context variables (such as the default device) of this call. They may use arrays. Work that
        is put on the stream later does not wait for them. What one of them raises goes to
        `threading.excepthook`, and the next ones are called; so does a fault of the device, instead
        of the call. The interpreter waits for them before it ends.

        Parameters
        ----------
        function : callable
            To be called with `args`; what it returns is not used.

        Raises
        ------
        TypeError
            `function` can't be called.
        """
        if not callable(function):
            raise TypeError(f"add_callback: needs a function, got {type(function).__name__}")
        call_behind(self._executor.runtime, self.handle, function, args)

    @property
    def done(self) -> bool:
        """Whether everything that was put on the stream is done."""
        return bool(self._executor.runtime.is_done(self.handle))

    def synchronize(self) -> None:
        """Wait until everything that was put on the stream is done.

        Raises
        ------
        DeviceError
            Some of it has failed.
        """
        self._executor.runtime.synchronize(self.handle)


def current_stream(device: Device | str | None = None) -> Stream:
    """The stream on which the calling thread works now, such as that of the innermost block."""
    found = find_device(device)
    return Stream(executor_of("current_stream", found).stream, device=found)
