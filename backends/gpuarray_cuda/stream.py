"""Streams and events of one device, as integer handles.

In comes a device's context, out go stream handles and events.  A stream made here does not wait
for the legacy default stream.  Nothing here waits on the host, except `synchronize`.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable
from typing import Any

from .context import Context

__all__ = ["Event", "Lease", "Streams", "TimedEvent", "as_stream_handle"]


def as_stream_handle(stream: object) -> int:
    """The driver's handle of a stream that any library made.

    Parameters
    ----------
    stream : int or object with ``__cuda_stream__``
        A handle, or a stream of ``cuda.core`` or any library that follows its protocol (the
        method returns the protocol's version, 0, and the handle).

    Returns
    -------
    int
        The handle; 0 is the legacy default stream.  The object must outlive its use.

    Raises
    ------
    TypeError
        For any other object.
    ValueError
        For a negative handle, or a version of the protocol that is not known here.

    Examples
    --------
    >>> as_stream_handle(0)
    0
    """
    protocol = getattr(stream, "__cuda_stream__", None)
    if protocol is None:
        if isinstance(stream, bool) or not hasattr(stream, "__index__"):
            raise TypeError(
                "stream: needs an int handle or an object with __cuda_stream__, got "
                f"{type(stream).__name__}"
            )
        handle = operator.index(stream)
    else:
        version, handle = protocol()
        if version != 0:
            raise ValueError(
                f"stream: {type(stream).__name__} follows version {version} of the "
                "__cuda_stream__ protocol; this release of gpuarray knows version 0"
            )
        handle = operator.index(handle)
    if handle < 0:
        raise ValueError(f"stream: a handle is not negative, got {handle}")
    return handle


class Lease:
    """A thread's hold on its stream, which goes to another thread when this one ends.

    Work of both is then in the order of one stream, so nothing has to be waited for.
    """

    __slots__ = ("_free", "stream")

    def __init__(self, stream: int, free: deque[int]) -> None:
        self.stream = stream
        self._free = free

    def __del__(self) -> None:
        self._free.append(self.stream)


class Event:
    """A moment on a stream.  Its driver event is used again when nobody holds this object."""

    __slots__ = ("_spare", "handle")

    def __init__(self, handle: Any, spare: deque[Any]) -> None:
        self.handle = handle
        self._spare = spare

    def __del__(self) -> None:
        # Recording again is safe although a stream may still wait for the last recording: the
        # driver takes what an event stands for when the wait is enqueued.
        self._spare.append(self.handle)


class TimedEvent(Event):
    """A moment on a stream whose time is kept."""

    __slots__ = ()


class Streams:
    """The streams and events of one device.

    Streams live until the process ends: the driver frees them with the context, and a handle
    that another object still holds must not become another stream.
    """

    __slots__ = ("_context", "_event_flags", "_spare", "_spare_timed", "_stream_flags")

    def __init__(self, context: Context) -> None:
        driver = context.driver
        self._context = context
        self._spare: deque[Any] = deque()
        self._spare_timed: deque[Any] = deque()
        # Timing makes an event dearer to record and to wait for, and nothing here reads it.
        self._event_flags = int(driver.CUevent_flags.CU_EVENT_DISABLE_TIMING)
        self._stream_flags = int(driver.CUstream_flags.CU_STREAM_NON_BLOCKING)

    def create(self, priority: int) -> int:
        """See `runtime.DeviceRuntime.create_stream`."""
        context = self._context
        with context.current():
            made = context.driver.cuStreamCreateWithPriority(self._stream_flags, priority)
            return int(context.check(made, "create a stream"))

    def record(self, stream: int | None) -> Event:
        """See `runtime.DeviceRuntime.record`."""
        context = self._context
        with context.current():
            try:
                handle = self._spare.pop()
            except IndexError:
                handle = context.check(
                    context.driver.cuEventCreate(self._event_flags), "create an event"
                )
            event = Event(handle, self._spare)
            if stream is None:
                result = context.driver.cuCtxRecordEvent(context.handle, handle)
            else:
                result = context.driver.cuEventRecord(handle, stream)
            context.check(result, "record an event")
        return event

    def record_time(self, stream: int) -> TimedEvent:
        """See `runtime.DeviceRuntime.record_time`."""
        context = self._context
        with context.current():
            try:
                handle = self._spare_timed.pop()
            except IndexError:
                handle = context.check(context.driver.cuEventCreate(0), "create an event")
            event = TimedEvent(handle, self._spare_timed)
            context.check(context.driver.cuEventRecord(handle, stream), "record an event")
        return event

    def reached(self, event: Any) -> bool:
        """See `runtime.DeviceRuntime.reached`."""
        driver = self._context.driver
        return self._is_ready(lambda: driver.cuEventQuery(event.handle), "ask for an event")

    def is_done(self, stream: int) -> bool:
        """See `runtime.DeviceRuntime.is_done`."""
        driver = self._context.driver
        return self._is_ready(lambda: driver.cuStreamQuery(stream), "ask for a stream")

    def _is_ready(self, query: Callable[[], tuple[Any]], doing: str) -> bool:
        context = self._context
        with context.current():
            (code,) = query()
        if code == context.driver.CUresult.CUDA_ERROR_NOT_READY:
            return False
        context.check((code,), doing)
        return True

    def wait_on_host(self, event: Any) -> None:
        """See `runtime.DeviceRuntime.wait_on_host`."""
        context = self._context
        with context.current():
            context.check(context.driver.cuEventSynchronize(event.handle), "wait for an event")

    def elapsed(self, start: Any, end: Any) -> float:
        """See `runtime.DeviceRuntime.elapsed`."""
        context = self._context
        self.wait_on_host(start)
        self.wait_on_host(end)
        with context.current():
            found = context.driver.cuEventElapsedTime(start.handle, end.handle)
            return float(context.check(found, "read the time between events")) / 1000

    def wait(self, stream: int, event: object) -> None:
        """See `runtime.DeviceRuntime.wait`."""
        if not isinstance(event, Event):
            raise TypeError(f"wait: needs an event from record(), got {type(event).__name__}")
        context = self._context
        with context.current():
            context.check(
                context.driver.cuStreamWaitEvent(stream, event.handle, 0), "wait for an event"
            )

    def synchronize(self, stream: int | None) -> None:
        """See `runtime.DeviceRuntime.synchronize`."""
        context = self._context
        with context.current():
            if stream is not None:
                context.check(context.driver.cuStreamSynchronize(stream), "wait for a stream")
                return
            pending = context.last_kernel
            context.check(context.driver.cuCtxSynchronize(), "wait for the device")
            if context.last_kernel == pending:
                context.last_kernel = ""
