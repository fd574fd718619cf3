"""`gpuarray.compile`: the results of the plain function, bit for bit, without its recording."""

from __future__ import annotations

import gc
import re
import threading
import warnings
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import gpuarray as xp
from benchmarks import programs as workloads
from gpuarray.cuda import Stream
from gpuarray.errors import DeviceError, OutOfMemory
from gpuarray.graph import flush, limits
from gpuarray.graph.node import clock
from gpuarray_cuda.graphs import CapturedTape
from gpuarray_cuda.single_launch import SingleLaunch
from tests.simulator import simulated_runtime

from .conftest import REAL
from .observer import observing
from .programs import make, programs

on_simulator = pytest.mark.skipif(REAL, reason="looks into the simulator")


def bits(x: Any) -> Any:
    """A result as something that is equal only if it is the same, bit for bit."""
    if isinstance(x, xp.Array):
        host = np.asarray(x.to_device("cpu"))
        return str(x.dtype), x.shape, str(x.device), host.tobytes()
    if isinstance(x, dict):
        return {k: bits(v) for k, v in x.items()}
    if isinstance(x, (tuple, list)):
        return type(x), [bits(v) for v in x]
    return type(x), x


def check(function: Any, *calls: Any, compiled: Any = None) -> Any:
    """Each of `calls`, a function that makes new arguments, three times; the compiled function."""
    compiled = compiled or xp.compile(function)
    for arguments in calls:
        expected = bits(function(*arguments()))
        for _ in range(3):
            assert bits(compiled(*arguments())) == expected
    return compiled


def numbers(*shape: int, dtype: str = "float64", seed: int = 0) -> xp.Array:
    return xp.asarray(make(shape, dtype, seed))


def recording(compiled: Any) -> Any:
    (found,) = compiled._recordings.values()
    return found


@contextmanager
def plans_forbidden():
    """Nothing is collected, so nothing planned, in the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("collect", "plan_for", "_lone"):
            patch.setattr(flush, name, None)
        yield


# The same results


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint32", "int64", "float32", "complex128"])
@pytest.mark.parametrize("shape", [(), (1,), (0,), (7,), (3, 5), (2, 3, 4)])
def test_results_are_those_of_the_plain_function(device, shape, dtype):
    def function(x, y):
        total = xp.astype(x, "float64" if xp.isdtype(x.dtype, "bool") else x.dtype) * 2 + y
        return xp.sum(total, axis=-1) if total.ndim else total

    check(
        function,
        lambda: (numbers(*shape, dtype=dtype), numbers(*shape, dtype=dtype, seed=1)),
        lambda: (numbers(*shape, dtype=dtype, seed=2), numbers(dtype=dtype, seed=3)),
    )


def many(x, y):
    """Several kernels and library calls, with an intermediate that is read twice."""
    z = xp.matmul(x, xp.exp(-y))
    w = xp.sort(z - xp.max(z, axis=-1, keepdims=True), axis=0)
    return xp.cumulative_sum(w, axis=1), xp.matmul(w, z.T) * xp.sum(z)


def test_many_kernels_are_replayed_for_each_shape(device):
    compiled = check(
        many,
        lambda: (numbers(4, 4), numbers(4, 4, seed=1)),
        lambda: (numbers(3, 5), numbers(5, 4, seed=1)),
        lambda: (numbers(3, 5, dtype="float32"), numbers(5, 4, dtype="float32", seed=1)),
    )
    assert len(compiled._recordings) == 3
    check(many, lambda: (numbers(4, 4, seed=5), numbers(4, 4, seed=6)), compiled=compiled)
    assert len(compiled._recordings) == 3


@pytest.mark.parametrize("name", ["thirty", "logistic"])
def test_workloads_that_the_host_bounds(device, name):
    program = getattr(workloads, name)
    if name == "thirty":
        arguments = [(xp, numbers(50, seed=k), numbers(50, seed=9)) for k in range(2)]
    else:
        y = xp.astype(numbers(16) > 0, "float64")
        arguments = [(xp, numbers(16, 4, seed=k), y, xp.zeros(4)) for k in range(2)]
    compiled = check(program, lambda: arguments[0], lambda: arguments[1])
    with plans_forbidden():
        compiled(*arguments[0])
    captured = isinstance(recording(compiled).run, CapturedTape)
    assert captured == (device != "cpu" and name == "logistic")


def standardised(x, y):
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    return centred, xp.sum(centred * centred, axis=-1)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x, y: (x + y) * (2 - 0.5j), (40,)),
        (lambda x, y: (x + y)[3:, ::2], (8, 9)),
        (lambda x, y: (x[2:, :-1] * y[1:-1, 1:], x[2:, :-1] - 1), (8, 9)),
        (lambda x, y: xp.flip(x.T) + y, (9, 9)),
        (lambda x, y: xp.max(xp.abs(x - y)), (300, 301)),
        (standardised, (30, 70)),
    ],
    ids=["scalars", "view of the result", "two results", "flipped", "shared", "rows"],
)
def test_one_kernel_is_replayed_as_a_launch(device, function, shape):
    compiled = check(
        function,
        lambda: (numbers(*shape), numbers(*shape, seed=1)),
        lambda: (numbers(*shape, seed=2), numbers(*shape, seed=3)),
        # Not from the beginning of their memory.
        lambda: (numbers(2, *shape, seed=4)[1, ...], numbers(2, *shape, seed=5)[1, ...]),
    )
    found = next(iter(compiled._recordings.values())).run
    assert isinstance(found.__self__, SingleLaunch) == (device != "cpu")


@pytest.mark.parametrize("device", ["cuda:0"], indirect=True)
def test_a_launch_waits_for_other_streams_and_they_for_it(device):
    def function(x, y):
        return x * y - 1

    compiled = xp.compile(function)
    x, y = numbers(5000), numbers(5000, seed=1)
    expected = function(function(x, y), y)
    first, second = Stream(), Stream()
    for _ in range(3):
        with first:
            held = compiled(x, y)
        with second:
            held = compiled(held, y)
        assert bits(held) == bits(expected)


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("device", ["cpu", "cuda:0"], indirect=True)
@given(program=programs())
@settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_random_programs(device, eager, program):
    first = re.compile(r"(v\d+) = make\((.*)\)$")
    inputs = [found.groups() for line in program.lines if (found := first.match(line))]
    rest = [line for line in program.lines if not first.match(line)]

    def arguments(step: int) -> dict[str, Any]:
        arrays = {name: make(*eval(f"({text},)")) for name, text in inputs}
        return {k: xp.asarray(np.flip(x) if step % 2 else x) for k, x in arrays.items()}

    def function(given):
        names = {
            "xp": xp,
            "evaluate": xp.evaluate,
            "make": lambda *a: xp.asarray(make(*a)),
            **given,
        }
        for line in rest:
            exec(line, names)
        return {k: x for k, x in names.items() if isinstance(x, xp.Array)}

    compiled = xp.compile(function)
    with pytest.MonkeyPatch.context() as patch:
        if eager:
            patch.setattr(clock, "limit", 0)
        try:
            compiled(arguments(0))
            refused = ""
        except TypeError as error:
            refused = str(error)
        if refused:
            assert "a mask as an index needs the values" in refused
            return
        for step in range(4):
            # The arguments may be updated, which both do.
            plain, replayed = arguments(step), arguments(step)
            expected = bits(function(plain))
            assert bits(compiled(replayed)) == expected
            assert bits(replayed) == bits(plain)


# Arguments and results


Pair = namedtuple("Pair", "left right")


def test_nested_arguments_and_results(device):
    def function(weights, *, scale, names=("a",)):
        layer = weights["layer"]
        return {
            "sum": [w * scale for w in layer],
            names[0]: Pair(layer[0] + layer[1], (names, scale, None)),
        }

    def plain(scale, names):
        return function({"layer": [numbers(3), numbers(3, seed=1)]}, scale=scale, names=names)

    compiled = xp.compile(function)
    for scale, names in [(2.0, ("a",)), (3.0, ("b",)), (2, ("a",)), (True, ("a",)), (-0.0, ("a",))]:
        for _ in range(2):
            found = compiled({"layer": [numbers(3), numbers(3, seed=1)]}, scale=scale, names=names)
            assert bits(found) == bits(plain(scale, names))
    # 2.0, 2 and True are equal, and so are 0.0 and -0.0; as static values they differ.
    assert len(compiled._recordings) == 5


def test_a_nan_is_recorded_once(device):
    compiled = xp.compile(lambda x, fill: xp.where(x > 0, x, fill))
    for _ in range(3):
        compiled(numbers(3), float("nan"))
    assert len(compiled._recordings) == 1


def test_a_named_tuple_of_the_library_is_given_back_as_one(device):
    compiled = check(xp.linalg.qr, lambda: (numbers(4, 3) + xp.eye(4, 3),))
    found = compiled(numbers(4, 3))
    assert found.Q.shape == (4, 3)


def test_results_that_are_arguments(device):
    x, y = numbers(3), numbers(3, seed=1)
    compiled = xp.compile(lambda x, y: (y, x, x[1:], +x, y))
    for _ in range(3):
        second, first, part, same, again = compiled(x, y)
        assert first is x
        assert second is y is again
        assert bits((part, same)) == bits((x[1:], x))
    part[0] = 100.0
    assert bits(x) == bits(numbers(3))
    assert bits(compiled(x, y)[2]) == bits(x[1:])


def test_one_array_twice_in_a_result_stays_one(device):
    def function(x):
        y = x + 1.0
        return y, [y]

    compiled = xp.compile(function)
    for _ in range(3):
        first, (second,) = compiled(numbers(3))
        assert first is second


def test_results_that_share_memory(device):
    def function(x):
        y = xp.matmul(x, x)
        return y, y[1:, ::2], y.T, xp.sort(y[0])

    check(function, lambda: (numbers(4, 4),), lambda: (numbers(4, 4, seed=1),))


def test_updates_of_arguments_reach_the_caller(device):
    def function(u, v):
        u[1:3] = v[0] * 2.0
        v += u
        return xp.matmul(u, v), xp.matmul(v, v), xp.sort(u), xp.sort(v)

    compiled = xp.compile(function)
    for seed in range(4):
        plain = [numbers(5, seed=seed), numbers(5, seed=seed + 9)]
        found = [numbers(5, seed=seed), numbers(5, seed=seed + 9)]
        kept = xp.asarray(found[0], copy=True)
        alias = found[0][:]
        assert bits(compiled(*found)) == bits(function(*plain))
        assert bits(found) == bits(plain)
        assert bits(alias) == bits(kept)


def test_updates_within_a_function(device):
    def function(x):
        y = xp.zeros(6)
        table = xp.asarray(np.arange(6.0))
        for k in range(3):
            y[k : k + 3] += x
            xp.evaluate(y)
            table[k] = y[k]
            xp.evaluate(table)
        return table, y

    check(function, lambda: (numbers(3),), lambda: (numbers(3, seed=1),))


def test_the_same_array_twice_is_recorded_apart(device):
    def function(x, y):
        x += 1.0
        return x * y

    def calls():
        x = numbers(4)
        return x, x

    compiled = check(function, calls, lambda: (numbers(4), numbers(4, seed=1)))
    assert len(compiled._recordings) == 2
    check(function, lambda: (numbers(4, seed=2), numbers(4, seed=3)), calls, compiled=compiled)


def test_views_of_one_array(device):
    def parts(step: int, first: int, second: int):
        x = numbers(40)
        xp.evaluate(x)
        return lambda: (x[first : first + 4 * step : step], x[second : second + 8 : 2])

    def function(x, y):
        return xp.cumulative_sum(x - y), xp.sort(x + 2.0 * y), xp.sort(y)

    check(
        function,
        parts(1, 0, 8),
        parts(1, 4, 8),
        parts(1, 2, 3),
        parts(3, 1, 30),
        parts(-1, 20, 1),
        lambda: (numbers(4), numbers(4, seed=1)),
    )


def test_strided_inputs(device):
    def function(x):
        return x * 2.0, xp.sort(x + 1.0, axis=-1) if x.ndim else x, xp.sum(x)

    base = numbers(6, 8, seed=3)
    xp.evaluate(base)
    for x in (base.T, base[::2, 1::3], base[::-1], xp.broadcast_to(base[0], (3, 8)), base[5, 7]):
        check(function, lambda x=x: (x,))


def test_earlier_results_are_not_overwritten(device):
    for function in (lambda x, y: x + y, many):
        compiled = xp.compile(function)
        calls = [(numbers(4, 4, seed=k), numbers(4, 4, seed=k + 9)) for k in range(5)]
        expected = [bits(function(*arguments)) for arguments in calls]
        found = [compiled(*arguments) for arguments in calls]
        assert [bits(x) for x in found] == expected


def test_results_may_be_updated(device):
    compiled = xp.compile(many)
    x, y = numbers(4, 4), numbers(4, 4, seed=1)
    expected = bits(many(x, y))
    for _ in range(4):
        first, second = compiled(x, y)
        assert bits((first, second)) == expected
        first[...] = 7.0
        second += first


def test_inputs_that_change_in_place_are_seen(device):
    compiled = xp.compile(many)
    x, y = numbers(4, 4), numbers(4, 4, seed=1)
    xp.evaluate(x, y)
    for k in range(4):
        x[0, k] = float(k)
        xp.evaluate(x)
        assert bits(compiled(x, y)) == bits(many(x, y))


def test_memory_that_another_library_writes_to_is_read_at_each_call(device):
    if device != "cpu":
        pytest.skip("NumPy has no memory there")
    host = np.asarray(make((4, 4), "float64", 0))
    shared = xp.from_dlpack(host)
    compiled = xp.compile(many)
    for k in range(4):
        host[0, 0] = k
        assert bits(compiled(shared, shared)) == bits(many(shared, shared))


def test_pending_arguments_are_evaluated_first(device):
    compiled = xp.compile(many)
    for _ in range(3):
        x = numbers(4, 4) * 2.0
        assert bits(compiled(x, x + 1.0)) == bits(many(x, x + 1.0))


def test_what_is_captured_has_the_value_of_the_recording(device):
    outer = numbers(4, seed=1)
    pending = outer * 3.0
    compiled = xp.compile(lambda x: xp.sort(xp.sort(xp.sort(x * outer) + pending) - pending))
    expected = bits(compiled(numbers(4)))
    outer[0] = 100.0
    outer = None
    pending = pending + 1.0
    gc.collect()
    for _ in range(3):
        assert bits(compiled(numbers(4))) == expected


def test_a_captured_array_is_not_spoilt_by_updates_outside_or_inside(device):
    outer = xp.zeros(4)
    xp.evaluate(outer)

    def function(x):
        y = outer[:]
        y[1:] = x
        return y, outer

    compiled = xp.compile(function)
    first = bits(compiled(numbers(3)))
    for k in range(3):
        found = compiled(numbers(3))
        assert bits(found) == first
        found[1][0] = 5.0
        outer[2] = 9.0 + k
        xp.evaluate(outer, found[1])


def test_an_update_that_is_pending_outside_is_made_once(device):
    outer = xp.zeros(8)
    xp.evaluate(outer)
    outer[0] += 1.0
    compiled = xp.compile(lambda x: xp.sort(x + outer))
    expected = bits(compiled(numbers(8)))
    for _ in range(3):
        assert bits(compiled(numbers(8))) == expected
    assert float(outer[0]) == 1.0


def test_creation_within_a_function(device):
    def function(n):
        return xp.arange(n) * 2, xp.asarray([1.0, 2.0]), xp.eye(3), xp.zeros(0)

    check(function, lambda: (3,), lambda: (4,))


def test_the_default_device_is_part_of_the_key():
    compiled = xp.compile(lambda n: xp.arange(n))
    for name in ("numpy", "cuda", "numpy", "cuda"):
        with xp.backend(name):
            assert str(compiled(3).device) == {"numpy": "cpu", "cuda": "cuda:0"}[name]


def test_compiled_functions_within_compiled_functions(device):
    inner = xp.compile(lambda x: xp.sort(x) + 1.0)

    def function(x):
        return inner(inner(x) * 2.0)

    check(function, lambda: (numbers(5),))
    assert not inner._recordings or len(inner._recordings) == 1


def test_usable_as_a_decorator_with_its_names(device):
    @xp.compile
    def doubled(x):
        """Twice."""
        return x * 2

    assert (doubled.__name__, doubled.__doc__) == ("doubled", "Twice.")
    assert bits(doubled.__wrapped__(numbers(3))) == bits(doubled(numbers(3)))
    assert "doubled" in repr(doubled)


# Nothing is recorded again


@on_simulator
def test_a_replay_launches_one_kernel_or_one_graph():
    runtime = simulated_runtime()
    with xp.backend("cuda"):
        x, y = numbers(100), numbers(100, seed=1)
        chain = xp.compile(lambda x, y: workloads.thirty(xp, x, y))
        for _ in range(2):
            chain(x, y)
        with runtime.counting() as counted, plans_forbidden():
            held = chain(x, y)
        assert (counted.launches, counted.graph_launches, counted.allocations) == (1, 0, 1)
        assert (counted.copies, counted.compiled) == (0, 0)
        x, y = numbers(8, 8), numbers(8, 8, seed=1)
        compiled = xp.compile(many)
        for _ in range(2):
            compiled(x, y)
        with runtime.counting() as counted, plans_forbidden():
            held = compiled(x, y)
        # The same inputs as before are not copied; both results are.
        assert (counted.graph_launches, counted.copies, counted.allocations) == (1, 2, 2)
        z = numbers(8, 8, seed=4)
        with runtime.counting() as counted, plans_forbidden():
            held = compiled(z, y)
        assert (counted.graph_launches, counted.copies) == (1, 3)
        assert bits(held) == bits(many(z, y))


def test_memory_stays_the_same_over_many_calls(device):
    where = xp.asarray(0).device
    compiled = xp.compile(many)
    x, y = numbers(4, 4), numbers(4, 4, seed=1)
    for _ in range(3):
        x, z = compiled(x, y)
    used = where.hook.gpuarray_memory(device=where).used
    for _ in range(1000):
        x, z = compiled(x, y)
    assert z.shape == (4, 4)
    assert where.hook.gpuarray_memory(device=where).used == used


def test_clear_gives_the_memory_back(device):
    where = xp.asarray(0).device
    x, y = numbers(4, 4), numbers(4, 4, seed=1)
    xp.evaluate(x, y)
    compiled = xp.compile(many)
    many(x, y)
    compiled(x, y)
    compiled(x, y)
    compiled.clear()
    gc.collect()
    used = where.hook.gpuarray_memory(device=where).used
    for _ in range(2):
        for _ in range(3):
            compiled(x, y)
        compiled.clear()
        gc.collect()
        assert where.hook.gpuarray_memory(device=where).used == used
    assert not compiled._recordings


def test_recordings_are_bounded(device, monkeypatch):
    monkeypatch.setattr(limits, "RECORDINGS", 3)
    compiled = xp.compile(lambda x: x + 1)
    for n in range(10):
        assert bits(compiled(numbers(n))) == bits(numbers(n) + 1)
    assert len(compiled._recordings) == 3


def test_what_needs_too_much_memory_is_replayed_kernel_by_kernel(device, monkeypatch):
    monkeypatch.setattr(limits, "CAPTURED_BYTES", 100)
    compiled = check(many, lambda: (numbers(4, 4), numbers(4, 4, seed=1)))
    assert not isinstance(recording(compiled).run, CapturedTape)


# Plugins


def test_an_observer_sees_every_task_of_a_replay(device):
    compiled = xp.compile(many)
    for _ in range(3):
        compiled(numbers(4, 4), numbers(4, 4, seed=1))
    with observing() as seen:
        tasks = []
        for _ in range(3):
            compiled(numbers(4, 4), numbers(4, 4, seed=1))
            tasks.append(seen.names[:])
            seen.names.clear()
    assert len(tasks[0]) > 2
    assert tasks[0] == tasks[1] == tasks[2]
    # Without the observer it is recorded again, and captured.
    check(many, lambda: (numbers(4, 4), numbers(4, 4, seed=1)), compiled=compiled)


# Errors


NEEDS_VALUE = {
    "bool()": lambda x: x if x[0, 0] > 0 else -x,
    "float()": lambda x: x * float(x[0, 0]),
    "int()": lambda x: x * int(x[0, 0]),
    "operator.index()": lambda x: range(xp.astype(x[0, 0], "int64")),
    "repr()": lambda x: repr(x),
    "a mask as an index": lambda x: x[x > 0],
    "nonzero()": lambda x: xp.nonzero(x),
    "unique_values()": lambda x: xp.unique_values(x),
    "a set function": lambda x: xp.unique_counts(x),
    "solve(), which waits for failures,": lambda x: xp.linalg.solve(x, x),
    "svdvals(), which waits for failures,": lambda x: xp.linalg.matrix_rank(x),
    "repeat() with an array of counts": lambda x: xp.repeat(x, xp.asarray([1, 2, 3]), axis=0),
    "sharing its memory with another library": lambda x: np.from_dlpack(x),
}


@pytest.mark.parametrize("what", NEEDS_VALUE)
def test_what_needs_a_value_is_refused_by_name(device, what):
    function = NEEDS_VALUE[what]
    x = xp.eye(3) + 0.5
    compiled = xp.compile(function)
    with pytest.raises(TypeError, match=re.escape(what)) as caught:
        compiled(x)
    assert "where()" in str(caught.value)
    assert not compiled._recordings
    # Nothing is left: the array works, and so do other compiled functions.
    check(many, lambda: (x, x))


def test_an_error_that_the_function_catches_is_raised_all_the_same(device):
    def function(x):
        try:
            return x * float(x[0])
        except TypeError:
            return x

    with pytest.raises(TypeError, match=r"float\(\)"):
        xp.compile(function)(numbers(3))


def test_moves_to_another_device_are_refused():
    with xp.backend("cuda"), pytest.raises(TypeError, match=r"to_device\(\)"):
        xp.compile(lambda x: x.to_device("cpu"))(numbers(3))


def test_memory_of_another_library_is_refused_inside(device):
    if device != "cpu":
        pytest.skip("NumPy has no memory there")
    shared = xp.from_dlpack(np.zeros(3))
    with pytest.raises(TypeError, match="shared with another library"):
        xp.compile(lambda x: x + shared)(numbers(3))


@pytest.mark.parametrize(
    ("arguments", "keywords", "where"),
    [
        ((np.zeros(3),), {}, r"argument first is of type ndarray.*asarray"),
        ((1, {2}), {}, r"argument second is of type set"),
        ((1, {"a": [0, object()]}), {}, r"argument second\['a'\]\[1\] is of type object"),
        ((1, 2, np.zeros(3)), {}, r"argument number 3 is of type ndarray"),
        ((1, 2), {"named": bytearray()}, r"argument named is of type bytearray"),
    ],
)
def test_a_wrong_argument_is_named(device, arguments, keywords, where):
    def function(first, second=0, *others, named=0):
        return first

    with pytest.raises(TypeError, match=where):
        xp.compile(function)(*arguments, **keywords)


def test_a_wrong_result_is_named(device):
    with pytest.raises(TypeError, match=r"returns ndarray at \[1\]\['k'\]"):
        xp.compile(lambda x: (x, {"k": np.zeros(3)}))(numbers(3))
    with pytest.raises(TypeError, match="needs a function, got int"):
        xp.compile(3)  # type: ignore[arg-type]


def test_an_error_of_the_function_leaves_nothing(device):
    broken = [True]

    def function(x, y):
        z = xp.sort(x) + y
        if broken[0]:
            raise KeyError("mine")
        return z

    compiled = xp.compile(function)
    for _ in range(2):
        with pytest.raises(KeyError, match="mine"):
            compiled(numbers(3), numbers(3))
    assert not compiled._recordings
    with pytest.raises(ValueError, match="broadcast"):
        compiled(numbers(3), numbers(2))
    broken[0] = False
    check(function, lambda: (numbers(3), numbers(3, seed=1)), compiled=compiled)


@on_simulator
@pytest.mark.parametrize("kind", ["allocate", "launch", "copy", "library"])
@pytest.mark.parametrize("after", [0, 1, 3, 6, 12])
def test_a_failure_during_capture_or_replay_leaves_the_function_whole(kind, after):
    runtime = simulated_runtime()
    with xp.backend("cuda"):
        x, y = numbers(4, 4), numbers(4, 4, seed=1)
        expected = bits(many(x, y))
        compiled = xp.compile(many)
        compiled(x, y)
        with (
            runtime.failing(after, kind) as failure,
            suppress(OutOfMemory, DeviceError),
            warnings.catch_warnings(),
        ):
            warnings.filterwarnings("ignore", ".*kernel by kernel")
            compiled(x, y)
        assert failure.raised or after
        for _ in range(3):
            assert bits(compiled(x, y)) == expected


@on_simulator
def test_what_cannot_be_captured_is_replayed_with_a_warning(monkeypatch):
    from gpuarray_cuda.libraries import products

    usual = products.matmul

    def waiting(executor, a, b):
        executor.runtime.synchronize(executor.stream)
        return usual(executor, a, b)

    monkeypatch.setattr(products, "matmul", waiting)
    with xp.backend("cuda"):
        x, y = numbers(4, 4), numbers(4, 4, seed=1)
        expected = bits(many(x, y))
        compiled = xp.compile(many)
        compiled(x, y)
        with pytest.warns(RuntimeWarning, match="many: cannot be captured"):
            assert bits(compiled(x, y)) == expected
        assert bits(compiled(x, y)) == expected


# Threads


def test_threads_may_share_a_compiled_function(device):
    compiled = xp.compile(many)
    x, y = numbers(4, 4), numbers(4, 4, seed=1)
    expected = [bits(many(x * float(k), y)) for k in range(4)]
    backend = "numpy" if device == "cpu" else "cuda"
    barrier = threading.Barrier(4)

    def work(k):
        with xp.backend(backend):
            mine = x * float(k)
            barrier.wait(30)
            return [bits(compiled(mine, y)) for _ in range(5)]

    with ThreadPoolExecutor(4) as pool:
        for k, found in enumerate(pool.map(work, range(4))):
            assert found == [expected[k]] * 5


def test_another_thread_is_not_recorded(device):
    backend = "numpy" if device == "cpu" else "cuda"
    other = numbers(4)

    def elsewhere():
        with xp.backend(backend):
            return bits(xp.sort(other * 3.0))

    expected = elsewhere()

    def function(x):
        y = x + 1.0
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(elsewhere).result() == expected
        return xp.sort(y)

    compiled = xp.compile(function)
    compiled(numbers(4))
    assert len(recording(compiled).tape.actions) == 2
