"""Stream handles of other libraries, and the reuse of events.  Needs no GPU."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from gpuarray_cuda.stream import Event, as_stream_handle


class Foreign:
    def __init__(self, version: int, handle: object) -> None:
        self.answer = (version, handle)

    def __cuda_stream__(self) -> tuple[int, object]:
        return self.answer


@pytest.mark.parametrize(
    ("stream", "handle"),
    [(0, 0), (2, 2), (np.int64(77), 77), (Foreign(0, 1 << 40), 1 << 40), (Foreign(0, 0), 0)],
)
def test_a_handle_is_read_from(stream: object, handle: int) -> None:
    result = as_stream_handle(stream)
    assert result == handle
    assert type(result) is int


@pytest.mark.parametrize("stream", [None, True, 1.5, "0", object()])
def test_what_is_no_stream_is_named(stream: object) -> None:
    with pytest.raises(TypeError, match=rf"__cuda_stream__, got {type(stream).__name__}"):
        as_stream_handle(stream)


def test_a_later_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match=r"version 1 .* knows version 0"):
        as_stream_handle(Foreign(1, 5))


def test_a_negative_handle_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        as_stream_handle(-1)


def test_an_event_that_nobody_holds_is_used_again() -> None:
    spare: deque[object] = deque()
    event = Event("handle", spare)
    assert not spare
    del event
    assert list(spare) == ["handle"]
