"""A flush that fails, at whatever point, leaves every array usable: pending, or whole.

A program is run again and again, and each time a later call to the device fails: out of memory, a
device error, or an interrupt. Then all of its arrays must have the values they would have had.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.errors import DeviceError, OutOfMemory
from gpuarray.plugins import hookimpl
from tests.simulator import simulated_runtime

from .conftest import REAL
from .observer import observing

N = 64


def chain(x: Any, y: Any) -> list[Any]:
    a = x * 2 + y
    b = a - 1
    return [a, b, b * b]


def reductions(x: Any, y: Any) -> list[Any]:
    total = xp.sum(x * y)
    return [total, x / (total + 1), xp.max(x) + y]


def updates(x: Any, y: Any) -> list[Any]:
    x = x + 0
    xp.evaluate(x)
    for k in range(3):
        x[k] = 10.0 + k
    x[5:9] = y[5:9] * 2
    x[[1, 1, 40]] = y[:3]
    return [x]


def updates_that_read_what_they_overwrite(x: Any, y: Any) -> list[Any]:
    x = x + 0
    xp.evaluate(x)
    x[3] = xp.sum(x) + 1
    x[1:5] = x[4:0:-1] * 2
    x[[7, 8]] = x[[8, 7]] + x[3]
    x[9:12] += 1
    return [x]


def old_values_are_held(x: Any, y: Any) -> list[Any]:
    x = x + 0
    xp.evaluate(x)
    pending = x + y
    part = x[::2]
    x[4] = 99.0
    x[[6, 2]] = 98.0
    return [pending, part, x]


def in_place_operators(x: Any, y: Any) -> list[Any]:
    x = x + 0
    y = +y
    for _ in range(3):
        x += y
        y *= 0.5
        x[::3] -= y[::3]
    return [x, y]


def several_kernels(x: Any, y: Any) -> list[Any]:
    s = xp.sqrt(xp.exp(x / N) + y * y)
    t = xp.concat([s, xp.flip(s)]) + 1
    u = xp.reshape(t, (2, N)) * xp.roll(s, 3)
    return [u, xp.sum(u, axis=0), xp.argmax(t)]


PROGRAMS = [
    chain,
    reductions,
    updates,
    updates_that_read_what_they_overwrite,
    old_values_are_held,
    in_place_operators,
    several_kernels,
]

ERRORS: list[type[BaseException]] = [OutOfMemory, DeviceError, KeyboardInterrupt]


def inputs(device: str) -> tuple[xp.Array, xp.Array]:
    v = np.arange(float(N))
    return xp.asarray(v / 8, device=device), xp.asarray(np.cos(v), device=device)


class Failing:
    """Fails when its turn comes: before a task runs, or after it ran and before that is known."""

    def __init__(self, after: int, late: bool, error: type[BaseException]) -> None:
        self.after = after
        self.late = late
        self.error = error
        self.raised = 0

    def _due(self) -> bool:
        self.after -= 1
        if self.after != -1:
            return False
        self.raised += 1
        return True

    @hookimpl(wrapper=True)
    def gpuarray_run(self, task):
        due = self._due()
        if due and not self.late:
            raise self.error("injected")
        buffers = yield
        if due:
            raise self.error("injected")
        return buffers


def finish(arrays: list[xp.Array], host: Any) -> list[Any]:
    return [host(x) for x in arrays]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_failure_around_any_task(device, host, program, late, error):
    expected = finish(program(*inputs(device)), host)
    for after in range(100):
        x, y = inputs(device)
        plugin = Failing(after, late, error)
        with observing(plugin):
            arrays = retried(program, x, y, error)
            for _ in range(2):
                try:
                    xp.evaluate(*arrays)
                except error:
                    continue
        for found, value in zip(finish(arrays, host), expected, strict=True):
            np.testing.assert_array_equal(found, value)
        np.testing.assert_array_equal(host(x), np.arange(N) / 8)
        np.testing.assert_array_equal(host(y), np.cos(np.arange(N)))
        if not plugin.raised:
            break
    assert 1 <= after < 99


def retried(program: Any, x: xp.Array, y: xp.Array, error: type[BaseException]) -> Any:
    """The results of a program, started anew where it failed itself: it leaves its inputs alone."""
    try:
        return program(x, y)
    except error:
        return program(x, y)


@pytest.fixture
def runtime(device):
    if device == "cpu" or REAL:
        pytest.skip("the calls of the simulated driver are counted and fail")
    return simulated_runtime()


@pytest.mark.parametrize("device", ["cuda:0"], indirect=True)
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("allocate", OutOfMemory),
        ("launch", DeviceError),
        ("any", KeyboardInterrupt),
        ("any", DeviceError),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_failure_of_any_call_to_the_driver(device, host, runtime, program, kind, error):
    expected = finish(program(*inputs(device)), host)
    for after in range(200):
        x, y = inputs(device)
        with runtime.failing(after=after, kind=kind, error=error) as failure:
            arrays = retried(program, x, y, error)
            with suppress(error):
                xp.evaluate(*arrays)
        for found, value in zip(finish(arrays, host), expected, strict=True):
            np.testing.assert_array_equal(found, value)
        np.testing.assert_array_equal(host(x), np.arange(N) / 8)
        if not failure.raised:
            break
    assert 1 <= after < 199


@pytest.mark.parametrize("device", ["cuda:0"], indirect=True)
def test_nothing_leaks_when_flushes_fail(device, runtime):
    x, y = inputs(device)
    found = x.device
    before = None
    for _ in range(3):
        for after in range(12):
            failing = runtime.failing(after=after, kind="any", error=KeyboardInterrupt)
            with failing, suppress(KeyboardInterrupt):
                xp.evaluate(*several_kernels(x, y))
        used = found.hook.gpuarray_memory(device=found).used
        if before is None:
            before = used
    assert used == before


def test_an_error_of_the_device_names_the_operations(device):
    x, y = inputs(device)
    z = xp.exp(x) + y
    with observing(Failing(0, False, OutOfMemory)), pytest.raises(OutOfMemory, match=r"exp -> add"):
        xp.evaluate(z)
    assert float(z[0]) == 2.0


def test_out_of_memory_in_the_middle_of_a_loop(device, host):
    x, _ = inputs(device)
    x = x + 0
    expected = np.arange(N) / 8
    with observing(Failing(1, False, OutOfMemory)) as plugin:
        for _ in range(600):
            try:
                x = x * 0.5 + 1
            except OutOfMemory:
                continue
            expected = expected * 0.5 + 1
    assert plugin.raised == 1
    np.testing.assert_array_equal(host(x), expected)


def test_a_failed_update_at_the_limit_is_not_made(device, host):
    x = xp.zeros(50, device=device)
    xp.evaluate(x)
    expected = np.zeros(50)
    with observing(Failing(3, False, KeyboardInterrupt)) as plugin:
        for k in range(700):
            try:
                x[k % 50] = k
            except KeyboardInterrupt:
                continue
            expected[k % 50] = k
    assert plugin.raised == 1
    np.testing.assert_array_equal(host(x), expected)


def test_a_failed_mask_leaves_its_arrays_alone(device, host):
    for after in range(4):
        x, _ = inputs(device)
        z = x * 2
        with observing(Failing(after, True, KeyboardInterrupt)) as plugin:
            try:
                z[x > 3] = -1.0
                picked = z[z > 0]
                xp.evaluate(picked)
            except KeyboardInterrupt:
                z = x * 2
                z[x > 3] = -1.0
        v = np.arange(N) / 8
        np.testing.assert_array_equal(host(z), np.where(v > 3, -1, v * 2))
        if not plugin.raised:
            return
    raise AssertionError("more tasks than expected")
