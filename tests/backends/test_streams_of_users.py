"""`gpuarray.cuda.Stream` and `Event`: where work goes, in which order, and how long it takes."""

from __future__ import annotations

import contextvars
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import (
    Event,
    RawKernel,
    Stream,
    copy_to_host,
    current_stream,
    pinned_empty,
)
from tests.backends.conftest import REAL

BUSY = """
__global__ void busy(float* x, long long cycles) {
  const long long start = clock64();
  while (clock64() - start < cycles) {}
  x[threadIdx.x] += 1;
}
"""


@pytest.fixture(autouse=True)
def on_cuda() -> Iterator[None]:
    with xp.backend("cuda"):
        yield


def test_work_goes_to_the_stream_of_the_block() -> None:
    usual = current_stream().handle
    first, second = Stream(), Stream(priority=-1)
    assert len({usual, first.handle, second.handle}) == 3
    with first:
        x = xp.ones(8) + 1.0
        xp.evaluate(x)
        assert x._node.buffer.writer == current_stream().handle == first.handle
        with second, first:
            assert current_stream().handle == first.handle
        assert current_stream().handle == first.handle
    assert current_stream().handle == usual


def test_arrays_of_another_stream_are_waited_for(host: Any) -> None:
    """The simulator reports a use that does not wait; a GPU shows it in the values, at times."""
    streams = [Stream() for _ in range(3)]
    x = xp.arange(1000.0)
    for k in range(12):
        with streams[k % 3]:
            x = xp.roll(x, 1) + 1.0
            if k % 4 == 3:
                x[10:20] = 0.0
            xp.evaluate(x)
    answer = np.arange(1000.0)
    for k in range(12):
        answer = np.roll(answer, 1) + 1.0
        if k % 4 == 3:
            answer[10:20] = 0.0
    np.testing.assert_array_equal(host(x), answer)


def test_own_kernels_go_to_the_stream_too(host: Any) -> None:
    kernel = RawKernel("__global__ void twice(float* x) { x[threadIdx.x] *= 2; }", "twice")
    x = xp.ones(4, dtype="float32")
    for stream in (Stream(), Stream()):
        with stream:
            kernel(1, 4, (x,))
    assert host(x + 0.0).tolist() == [4] * 4


def test_an_error_within_a_block_ends_it() -> None:
    usual = current_stream().handle
    with pytest.raises(ZeroDivisionError), Stream():
        1 / 0  # noqa: B018
    assert current_stream().handle == usual


def test_a_block_is_its_threads_own() -> None:
    stream, found = Stream(), []
    with stream:
        thread = threading.Thread(target=lambda: found.append(current_stream().handle))
        thread.start()
        thread.join()
        assert found[0] != stream.handle


def test_events_happen_in_order_and_have_times() -> None:
    stream = Stream()
    with stream:
        start = stream.record()
        x = xp.sin(xp.arange(100_000.0))
        xp.evaluate(x)
        end = stream.record()
    end.synchronize()
    assert start.done and end.done
    stream.synchronize()  # what was freed since is behind the event
    assert stream.done
    assert 0 < end.elapsed(start) < 60
    assert end.elapsed(start) == -start.elapsed(end)


def test_a_stream_waits_for_an_event_and_for_another_stream(host: Any) -> None:
    first, second = Stream(), Stream()
    with first:
        x = xp.ones(1000) * 3.0
        xp.evaluate(x)
    second.wait(first.record())
    second.wait(first)
    with second:
        y = x + 1.0
        xp.evaluate(y)
    second.synchronize()
    assert host(y).tolist() == [4.0] * 1000


def test_streams_of_other_libraries_are_taken_and_given() -> None:
    own = Stream()

    class Other:
        def __cuda_stream__(self) -> tuple[int, int]:
            return 0, own.handle

    for given in (Other(), own.handle, own):
        stream = Stream(given)
        assert stream.handle == own.handle and stream.__cuda_stream__() == (0, own.handle)
        with stream:
            x = xp.ones(3) + 1.0
            xp.evaluate(x)
        assert x._node.buffer.writer == own.handle
    with Stream(0):
        assert float(xp.sum(xp.ones(3))) == 3.0


def test_a_stream_that_is_gone_is_used_again() -> None:
    gc.collect()
    for priority in (0, -2):
        stream = Stream(priority=priority)
        handle = stream.handle
        del stream
        assert Stream(priority=priority).handle == handle


@pytest.mark.skipif(not REAL, reason="the simulator does everything at once")
def test_a_kernel_is_not_waited_for() -> None:
    kernel = RawKernel(BUSY, "busy")
    stream = Stream()
    x = xp.zeros(1, dtype="float32")
    xp.evaluate(x)
    xp.synchronize()
    with stream:
        start = stream.record()
        kernel(1, 1, (x, 200_000_000))
        end = stream.record()
    assert not end.done
    end.synchronize()
    assert end.done and 0.05 < end.elapsed(start) < 2.0


def test_wrong_arguments_are_named() -> None:
    stream = Stream()
    event = stream.record()
    with pytest.raises(TypeError, match="wait: needs an Event or a Stream, got int"):
        stream.wait(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="elapsed: since must be an Event, got Stream"):
        event.elapsed(stream)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="priority must be an integer, got float"):
        Stream(priority=1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="stream: needs an int handle or an object"):
        Stream("default")
    with pytest.raises(ValueError, match="a handle is not negative"):
        Stream(-1)
    with pytest.raises(TypeError, match="Stream: needs a CUDA device"):
        Stream(device="cpu")
    assert isinstance(event, Event)


def test_callbacks_come_behind_the_work_in_order(host: Any) -> None:
    stream, found = Stream(), []
    x = xp.arange(1000.0)
    with stream:
        for k in range(5):
            x = x + 1.0
            # One for each: what is put on the stream later does not wait for the function.
            pinned = pinned_empty(1000, "float64")
            copy_to_host(x, pinned)
            stream.add_callback(
                lambda k=k, pinned=pinned: found.append((k, pinned[3], threading.get_ident()))
            )
            stream.synchronize()
            stream.add_callback(found.append, k)
    _wait_for(lambda: len(found) == 10)
    assert [entry[0] if isinstance(entry, tuple) else entry for entry in found] == [
        k for k in range(5) for _ in range(2)
    ]
    assert [entry[1] for entry in found if isinstance(entry, tuple)] == [4.0, 5.0, 6.0, 7.0, 8.0]
    assert all(entry[2] != threading.get_ident() for entry in found if isinstance(entry, tuple))


def test_callbacks_may_use_arrays_and_keep_context_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variable = contextvars.ContextVar("variable", default=0)
    variable.set(5)
    stream, found = Stream(), []
    runtime = stream._executor.runtime
    wait = runtime.wait_on_host
    monkeypatch.setattr(
        runtime, "wait_on_host", lambda event: (found.append("waited"), wait(event))
    )
    stream.add_callback(lambda: found.append((variable.get(), xp.sum(xp.arange(10.0)) * 2.0)))
    _wait_for(lambda: len(found) == 2)
    assert found[0] == "waited"
    assert found[1][0] == 5 and str(found[1][1].device) == "cuda:0" and float(found[1][1]) == 90.0


def test_what_a_callback_raises_is_reported_and_the_next_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    stream, found = Stream(), []
    stream.add_callback(lambda: 1 / 0)
    stream.add_callback(found.append, 1)
    _wait_for(lambda: bool(found))
    (report,) = reported
    assert report.exc_type is ZeroDivisionError
    assert report.thread.name.startswith("gpuarray callbacks")
    with pytest.raises(TypeError, match="add_callback: needs a function, got int"):
        stream.add_callback(3)  # type: ignore[arg-type]


def test_the_interpreter_waits_for_callbacks() -> None:
    program = (
        "import time\n"
        + ("" if REAL else "from gpuarray_cuda.plugin import use_runtime\n"
           "from tests.simulator import simulated_runtime\nuse_runtime(simulated_runtime())\n")
        + "import gpuarray as xp\nfrom gpuarray.cuda import Stream\n"
        "with xp.backend('cuda'):\n    stream = Stream()\n"
        "    stream.add_callback(lambda: (time.sleep(0.3), print('called')))\n"
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "called\n"), done.stderr


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)
