"""What a launch writes into a kernel's arguments, with a driver that only notes it."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from gpuarray_cuda.launch import CudaKernel, Launcher


class Noting:
    """A driver whose launches are the arguments' bytes."""

    def __init__(self) -> None:
        self.launched: list[bytes] = []
        self.kernel: Any = None

    def launch(self, *_: int) -> int:
        self.launched.append(self.kernel.buffer.raw)
        return 0


@pytest.fixture
def launched() -> Any:
    """``launch(values, tail)``, which gives the bytes of the arguments."""
    driver = Noting()
    context: Any = SimpleNamespace(driver=driver, last_kernel="")
    launcher = Launcher(context, lambda: None, driver.launch)
    driver.kernel = CudaKernel("scale", "qqqf", None, 0)

    def launch(values: Any, *tail: Any) -> bytes:
        launcher.launch(driver.kernel, 1, 32, 0, 0, values, *tail)
        return driver.launched[-1]

    return launch


def packed(*values: Any) -> bytes:
    return struct.pack("=qqqf4x", *values)


def test_a_tail_is_part_of_the_arguments(launched: Any) -> None:
    tail = (7, 0.5)
    assert launched([1, 2], tail) == packed(1, 2, 7, 0.5)
    assert launched([3, 4], tail) == packed(3, 4, 7, 0.5)
    assert launched([5, 6], (8, 1.5)) == packed(5, 6, 8, 1.5)
    assert launched([5, 6], tail) == packed(5, 6, 7, 0.5)


def test_values_without_a_tail_end_what_was_remembered(launched: Any) -> None:
    tail = (7, 0.5)
    launched([1, 2], tail)
    assert launched([9, 9, 9, 2.5]) == packed(9, 9, 9, 2.5)
    assert launched([1, 2], tail) == packed(1, 2, 7, 0.5)


def test_a_list_as_a_tail_may_change(launched: Any) -> None:
    tail = [7, 0.5]
    launched([1, 2], tail)
    tail[0] = 8
    assert launched([1, 2], tail) == packed(1, 2, 8, 0.5)


def test_another_division_of_the_same_arguments(launched: Any) -> None:
    assert launched([1, 2], (3, 0.5)) == packed(1, 2, 3, 0.5)
    tail = (0.25,)
    assert launched([4, 5, 6], tail) == packed(4, 5, 6, 0.25)
    assert launched([7, 8, 9], tail) == packed(7, 8, 9, 0.25)


def test_too_few_and_too_many_are_refused_with_a_known_tail(launched: Any) -> None:
    tail = (7, 0.5)
    launched([1, 2], tail)
    for wrong in ([1], [1, 2, 3], [1, "a"]):
        with pytest.raises(ValueError, match="kernel 'scale' takes 'qqqf'"):
            launched(wrong, tail)
        assert launched([1, 2], tail) == packed(1, 2, 7, 0.5)
