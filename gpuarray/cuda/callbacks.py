"""Python functions that are called when a stream has come to a point.

In: events, and functions. Out: calls, for each stream one after the other, in a thread that lives
while there are any. A function of the driver's own would have to do without CUDA; this one may use
arrays.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, NamedTuple

__all__ = ["call_behind"]


class _Call(NamedTuple):
    event: object
    function: Callable[..., object]
    arguments: tuple[Any, ...]
    context: Context


# What has not been called yet, by runtime and stream; while there is a queue, a thread works on it.
_queues: dict[tuple[Any, int], deque[_Call]] = {}
_lock = threading.Lock()


def call_behind(
    runtime: Any, stream: int, function: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    """Have `function` called once everything that was put on the stream is done."""
    call = _Call(runtime.record(stream), function, arguments, copy_context())
    key = runtime, stream
    with _lock:
        queue = _queues.get(key)
        if queue is not None:
            queue.append(call)
            return
        _queues[key] = deque([call])
    # No daemon: the interpreter waits for it at its end.
    threading.Thread(target=_work, args=key, name=f"gpuarray callbacks of {stream:#x}").start()


def _work(runtime: Any, stream: int) -> None:
    key = runtime, stream
    while True:
        with _lock:
            queue = _queues[key]
            if not queue:
                del _queues[key]
                return
            call = queue.popleft()
        try:
            runtime.wait_on_host(call.event)
            call.context.run(call.function, *call.arguments)
        except BaseException:  # which ends neither the thread nor the calls behind it
            threading.excepthook(
                threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
            )
        del call
