"""What recording must not change: values, memory, and errors that come from the call.

Arrays are values, whenever they are computed; what is held is computed once, and what is not held
is never stored; loops that never ask for a value run in constant memory.
"""

from __future__ import annotations

import gc
import operator
import sys
import threading
import weakref
from random import Random
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.graph import limits
from gpuarray.graph.node import Node
from gpuarray.plugins import hookimpl

from .conftest import REAL
from .observer import observing

KILOBYTE = 1024


def used(device: str) -> int:
    """Bytes of living arrays."""
    found = xp.zeros(1, device=device).device
    xp.synchronize(device)
    memory: int = found.hook.gpuarray_memory(device=found).used
    return memory


def nodes() -> int:
    """Nodes that are alive, whoever holds them."""
    return sum(type(x) is Node for x in gc.get_objects())


# Loops


@pytest.mark.parametrize("count", [pytest.param(100_000, marks=pytest.mark.slow), 3_000])
def test_a_loop_without_a_flush_runs_in_constant_memory(device, host, count):
    if count > 10_000 and device != "cpu" and not REAL:
        count = 10_000  # the simulator launches a thousand kernels a second
    n = 1000
    y = xp.full((n,), 0.001, device=device)
    x = xp.ones(n, device=device)
    expected = np.ones(n)
    before, most = used(device), 0
    for k in range(count):
        x = x * 0.999 + y
        if k % 499 == 0:
            most = max(most, used(device) - before)
    # The result, the value before it, and one while the kernel runs.
    assert most <= 3 * 8 * n
    for _ in range(count):
        expected = expected * 0.999 + 0.001
    np.testing.assert_allclose(host(x), expected, rtol=1e-10)


def test_a_pending_graph_has_a_bounded_number_of_nodes(device):
    x = xp.ones(3, device=device)
    before, most = nodes(), 0
    with observing() as seen:
        for k in range(10 * limits.NODES):
            x = x + 1
            if k % 99 == 0:
                most = max(most, nodes() - before)
    assert most <= limits.NODES + 2
    # Flushed in time, and not more often than needed: kernels of half the limit are long enough.
    assert 5 <= seen.tasks <= 20
    assert float(x[0]) == 1 + 10 * limits.NODES


def test_a_loop_that_keeps_every_value_stores_each_once(device):
    x = xp.zeros(4, device=device)
    kept = []
    with observing() as seen:
        for _ in range(3 * limits.NODES // 2):
            x = x + 1
            kept.append(x)
        xp.evaluate(*kept)
    assert sum(seen.stored) == 32 * len(kept)
    assert [float(k[0]) for k in kept] == list(range(1, len(kept) + 1))


def test_big_temporaries_are_not_kept_alive_by_a_pending_graph(device, monkeypatch):
    from gpuarray.graph.node import clock

    monkeypatch.setattr(clock, "per_byte", limits.NODES / (64 * KILOBYTE))
    n = 2 * KILOBYTE  # 16 KiB an array
    total = xp.zeros(n, device=device)
    before, most = used(device), 0
    for k in range(40):
        total = total + xp.asarray(np.full(n, float(k)), device=device)
        most = max(most, used(device) - before)
    assert most <= 7 * 8 * n
    assert float(total[5]) == sum(range(40))


@pytest.fixture
def shallow():
    """Room for few more Python frames than pytest needs itself."""
    depth = 0
    frame: Any = sys._getframe()
    while frame is not None:
        depth += 1
        frame = frame.f_back
    old = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 90)
    try:
        yield
    finally:
        sys.setrecursionlimit(old)


@pytest.mark.parametrize(
    "step",
    [
        lambda x: x + 1,
        lambda x: xp.roll(x, 1) + 1,
        lambda x: xp.sum(x, axis=0, keepdims=True) * 0 + x + 1,
        lambda x: xp.where(x < 0, x, x + 1),
        lambda x: xp.stack([x, x + 1])[1],
    ],
    ids=["add", "roll", "reduce", "where", "stack"],
)
def test_a_chain_of_nodes_is_no_deep_recursion(device, host, shallow, step):
    x = xp.asarray([0.0, 1.0, 2.0], device=device)
    for _ in range(190 // 4):
        x = step(x)
    assert sorted(host(x)) == [47, 48, 49]


def test_giving_up_a_long_chain_is_no_deep_recursion(device, shallow):
    x = xp.asarray([0.0, 1.0], device=device)
    for _ in range(limits.NODES - 10):
        x = x + 1
    del x


def test_giving_up_an_unbounded_chain_of_nodes_overflows_no_stack(device):
    # The trashcan of CPython is not for slotted classes without a cycle collector's header.
    from gpuarray.graph.node import clock

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "limit", 1 << 60)
        x = xp.asarray([0.0, 1.0], device=device)
        for _ in range(100_000):
            x = x + 1
    del x


# Arrays are values


def test_an_in_place_operator_leaves_a_pending_expression_alone(device, host):
    x = xp.asarray([1, 2, 3], device=device)
    y = x + 1
    x += 1
    z = x * 10
    x -= 1
    assert host(y).tolist() == [2, 3, 4]
    assert host(z).tolist() == [20, 30, 40]
    assert host(x).tolist() == [1, 2, 3]


@pytest.mark.parametrize("pending", [False, True])
@pytest.mark.parametrize("flush_first", [False, True])
def test_a_slice_survives_an_update_of_its_base(device, host, pending, flush_first):
    x = xp.asarray([0, 1, 2, 3], device=device)
    if pending:
        x = x + 0
    a = x[1:]
    if flush_first:
        xp.evaluate(a)
    x[2] = 9
    assert host(a).tolist() == [1, 2, 3]
    assert host(x).tolist() == [0, 1, 9, 3]


def test_an_update_of_a_slice_leaves_its_base_alone(device, host):
    x = xp.asarray([0, 1, 2, 3], device=device)
    a = x[1:]
    a[0] = 7
    a += 1
    assert host(x).tolist() == [0, 1, 2, 3]
    assert host(a).tolist() == [8, 3, 4]


def test_arrays_that_share_a_node_part_at_an_update(device, host):
    x = xp.asarray([0, 1, 2, 3], device=device)
    same = [+x, x[...], x[:], xp.reshape(x, (4,)), xp.asarray(x), xp.astype(x, x.dtype, copy=False)]
    same += [xp.reshape(x, (2, 2)), xp.broadcast_to(x, (4,)), xp.permute_dims(x, (0,))]
    same = [s for s in same if s is not x]
    x[1] = 100
    x[[2]] = 200
    for s in same:
        assert host(s).ravel().tolist() == [0, 1, 2, 3]
    assert host(x).tolist() == [0, 100, 200, 3]


def test_the_host_never_shares_memory(device):
    v = np.arange(4)
    x = xp.asarray(v, device=device)
    y = x + 0
    v[0] = 50
    w = np.asarray(x.to_device("cpu"))
    w[1] = 60
    assert [int(y[k]) for k in range(4)] == [0, 1, 2, 3]
    assert [int(x[k]) for k in range(4)] == [0, 1, 2, 3]


# Updates in place

N = 100_000


def sole(device: str, n: int = N) -> xp.Array:
    x = xp.zeros(n, device=device)
    xp.evaluate(x)
    return x


UPDATES = {
    "element": lambda x, k: x.__setitem__(k, k + 1.0),
    "array": lambda x, k: x.__setitem__(k, xp.asarray(k + 1.0, device=x.device)),
    "slice": lambda x, k: x.__setitem__(slice(k, k + 2), k + 1.0),
    "indices": lambda x, k: x.__setitem__([k, k + 1], k + 1.0),
    "element +=": lambda x, k: x.__setitem__(k, x[k] + k + 1),
    "slice +=": lambda x, k: x.__setitem__(slice(k, k + 2), x[k : k + 2] + k + 1),
    "indices +=": lambda x, k: x.__setitem__([k], x[[k]] + k + 1),
    "from itself": lambda x, k: x.__setitem__(k, x[-1] + k + 1),
}


@pytest.mark.parametrize("evaluate", [False, True], ids=["recorded", "evaluated"])
@pytest.mark.parametrize("update", UPDATES, ids=str)
def test_an_update_of_a_sole_owner_costs_its_own_bytes(device, host, update, evaluate):
    x = sole(device)
    expected = np.zeros(N)
    with observing() as seen:
        for k in range(0, 40, 3):
            UPDATES[update](x, k)
            last = k
            if evaluate:
                xp.evaluate(x)
    for k in range(0, 40, 3):
        expected[k] = k + 1
        if update in ("slice", "indices", "slice +="):
            expected[k + 1] = k + 1
    if update == "from itself":
        expected[-1] = 0
    with observing() as seen_last:
        xp.evaluate(x)
    assert max((*seen.stored, *seen_last.stored), default=0) <= 64
    np.testing.assert_array_equal(host(x), expected)
    assert last == 39


def test_an_endless_loop_of_updates_stays_in_place(device):
    x = sole(device)
    before = used(device)
    with observing() as seen:
        for k in range(2000):
            x[5] = k
    assert seen.stored == []
    assert used(device) - before <= 64
    assert float(x[5]) == 1999


@pytest.mark.parametrize("other", ["array", "slice", "pending", "pending slice"])
def test_the_old_value_survives_where_something_needs_it(device, host, other):
    x = sole(device, 50)
    expected = np.zeros(50)
    needed = {
        "array": lambda: xp.reshape(x, (50,)),
        "slice": lambda: x[::-1],
        "pending": lambda: x + 0,
        "pending slice": lambda: (x + 0)[::-1],
    }[other]()
    for k in (3, 4):
        x[k] = k
        expected[k] = k
        xp.evaluate(x)
    np.testing.assert_array_equal(host(needed), np.zeros(50))
    np.testing.assert_array_equal(host(x), expected)


def test_a_value_that_reads_what_it_overwrites(device, host):
    v = np.arange(12.0)
    x = xp.asarray(v, device=device)
    for target, source in [
        (slice(1, None), slice(None, -1)),
        (slice(None, -1), slice(1, None)),
        (slice(None), slice(None, None, -1)),
        (slice(0, 3), slice(1, 4)),
        (slice(2, 5), slice(4, 1, -1)),
    ]:
        x[target] = x[source]
        v[target] = v[source].copy()
        xp.evaluate(x)
    x[[0, 1, 2]] = x[[2, 0, 1]]
    v[[0, 1, 2]] = v[[2, 0, 1]]
    np.testing.assert_array_equal(host(x), v)


def test_an_update_of_a_broadcast_array_changes_one_place(device, host):
    x = xp.broadcast_to(xp.asarray([1.0, 2.0], device=device), (3, 2))
    x[1, 0] = 5.0
    x[[2], [1]] = 6.0
    assert host(x).tolist() == [[1, 2], [5, 2], [1, 6]]


def test_a_broadcast_array_that_nobody_else_owns_is_not_overwritten(device, host):
    y = xp.asarray([1.0, 2.0], device=device)
    x = xp.broadcast_to(y, (3, 2))
    del y
    x[1] = 5.0
    assert host(x).tolist() == [[1, 2], [5, 5], [1, 2]]


# Held intermediates


def test_a_held_intermediate_is_computed_once(device):
    x = xp.asarray(np.linspace(0, 1, 1000), device=device)
    held = xp.exp(x)
    results = [held + k for k in range(5)]
    with observing() as seen:
        for r in results:
            xp.evaluate(r)
    assert sum("exp" in names for names in seen.names) == 1
    assert seen.stored == [8000] * 6


def test_what_nobody_holds_is_never_stored(device):
    x = xp.asarray(np.linspace(0, 1, 1000), device=device)
    with observing() as seen:
        total = float(xp.sum(xp.sqrt(xp.exp(xp.sin(x) + 1)[::-2] * 2)))
    assert seen.stored == [8]
    v = np.sqrt(np.exp(np.sin(np.linspace(0, 1, 1000)) + 1)[::-2] * 2)
    assert total == pytest.approx(float(v.sum()), rel=1e-12)


def test_an_intermediate_dropped_before_the_flush_is_not_stored(device):
    x = xp.asarray(np.ones(1000), device=device)
    held = x + 1
    result = held * 2
    del held
    with observing() as seen:
        xp.evaluate(result)
    assert seen.stored == [8000]


@pytest.mark.parametrize("seed", range(10))
def test_of_a_random_graph_exactly_what_is_held_is_stored(device, seed):
    random = Random(seed)
    arrays: list[Any] = [xp.asarray(np.ones(1000), device=device)]
    inputs: list[set[int]] = [set()]
    for _ in range(40):
        a, b = (random.randrange(max(len(arrays) - 8, 0), len(arrays)) for _ in range(2))
        arrays.append(arrays[a] + arrays[b])
        inputs.append({a, b})

    def needed(goals: set[int]) -> set[int]:
        found: set[int] = set()
        while goals:
            found |= goals
            goals = set().union(*(inputs[k] for k in goals)) - found
        return found

    root = len(arrays) - 1
    graph = needed({root})
    kept = set(random.sample(range(root), 6)) | {root}
    # What is outside of the graph and alive holds its inputs, as an array holds its node.
    outside = needed(kept) - graph
    held = graph & (kept | set().union(*(inputs[k] for k in outside))) - {0}
    arrays = [x if k in kept else None for k, x in enumerate(arrays)]
    with observing() as seen:
        xp.evaluate(arrays[root])
    assert len(seen.stored) == len(held)


def test_buffers_go_back_when_their_arrays_do(device):
    before = used(device)
    x = xp.asarray(np.ones(10_000), device=device)
    y = x * 2
    xp.evaluate(y)
    assert used(device) - before >= 160_000
    gone = weakref.ref(x)
    del x, y
    assert gone() is None
    assert used(device) == before


def test_memory_goes_back_during_a_flush(device):
    n = 10_000
    x = xp.asarray(np.ones((n, 1)), device=device)
    before, most = used(device), []

    class Peak:
        @hookimpl(wrapper=True)
        def gpuarray_run(self, task):
            result = yield
            most.append(used_now() - before)
            return result

    found = x.device

    def used_now() -> int:
        return found.hook.gpuarray_memory(device=found).used

    with observing(Peak()):
        # Each sum needs all of what is before it, so these are a dozen kernels.
        for _ in range(12):
            x = x * xp.sum(x) / n
        xp.evaluate(x)
    assert max(most) <= 3 * 8 * n
    assert float(x[0, 0]) == 1


# Threads


def test_threads_record_and_flush_shared_arrays(device, host):
    v = np.arange(500.0)
    shared = xp.asarray(v, device=device) + 1  # pending, and held by all
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with xp.backend("numpy" if device == "cpu" else "cuda"):
                total = shared * number
                for k in range(15):
                    total = total + shared[::-1]
                    mine = xp.where(shared > k, shared, 0.0)
                    mine[number] = -1.0
                    if k % 4 == number % 4:
                        expected = np.where(v + 1 > k, v + 1, 0)
                        expected[number] = -1
                        np.testing.assert_array_equal(host(mine), expected)
                expected = (v + 1) * number + 15 * (v + 1)[::-1]
                np.testing.assert_allclose(host(total), expected, rtol=1e-14)
        except BaseException as error:
            problems.append(error)

    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(old)
    assert problems == []
    np.testing.assert_array_equal(host(shared), v + 1)


def test_an_array_of_another_thread_can_be_updated_in_place(device, host):
    arrays = [xp.zeros(100, device=device) for _ in range(4)]

    def fill(k: int) -> None:
        for j in range(20):
            arrays[k][j] = j
            if j % 7 == 0:
                xp.evaluate(arrays[k])

    for _ in range(2):
        threads = [threading.Thread(target=fill, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for x in arrays:
        x[99] = 1
        assert host(x).tolist() == [*range(20), *[0] * 79, 1]


# Shapes


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (1, 1, 1)], ids=str)
def test_small_shapes(device, host, shape):
    v = np.full(shape, 2.5)
    x = xp.asarray(v, device=device)
    np.testing.assert_array_equal(host(xp.sqrt(x * x) + x), v + v)
    np.testing.assert_array_equal(host(xp.sum(x)), v.sum())
    np.testing.assert_array_equal(host(xp.stack([x, x])), np.stack([v, v]))
    np.testing.assert_array_equal(host(x[...]), v)
    x[...] = 1.0
    x += 1
    np.testing.assert_array_equal(host(x), np.full(shape, 2.0))
    np.testing.assert_array_equal(host(x[x > 1]), np.full(x.size, 2.0))
    x[x > 1] = 4.0
    np.testing.assert_array_equal(host(x), np.full(shape, 4.0))


@pytest.mark.parametrize("dtype", ["int8", "float32", "float64", "complex128"])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 15, 16, 17, 31, 33, 255, 257, 1023, 4097])
def test_sizes_that_are_no_multiple_of_a_vector(device, host, n, dtype):
    v = (np.arange(n) % 50).astype(dtype)
    x = xp.asarray(v, device=device)
    np.testing.assert_array_equal(host(x + x), v + v)
    np.testing.assert_array_equal(host(xp.sum(x)), v.sum())


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "float64"])
@pytest.mark.parametrize("offset", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("n", [64, 67])
def test_unaligned_slices(device, host, offset, n, dtype):
    v = (np.arange(n + 8) % 100).astype(dtype)
    x = xp.asarray(v, device=device)
    other = xp.asarray(v, device=device)
    a, w = x[offset : offset + n], v[offset : offset + n]
    np.testing.assert_array_equal(
        host(a - other[8:]) if n == n + 8 else host(a - a[::-1]), w - w[::-1]
    )
    np.testing.assert_array_equal(host(xp.max(a) + other[1 : n + 1]), w.max() + v[1 : n + 1])
    np.testing.assert_array_equal(host(a), w)
    del a
    x[offset : offset + n] = other[8 : n + 8]
    expected = v.copy()
    expected[offset : offset + n] = v[8 : n + 8]
    np.testing.assert_array_equal(host(x), expected)


@pytest.mark.parametrize("rank", [5, 8])
def test_many_strided_axes(device, host, rank):
    wide = (5, 4, 3, 4, 3) if rank == 5 else (3, 2, 3, 2, 2, 3, 2, 2)
    v = np.arange(float(np.prod(wide))).reshape(wide)
    x = xp.asarray(v, device=device)
    keys = [slice(None, None, (-1, 2, 1, -2)[d % 4]) for d in range(rank)]
    order = tuple((3 * d + 1) % rank for d in range(rank))
    a = xp.permute_dims(x[tuple(keys)], order)
    w = np.transpose(v[tuple(keys)], order)
    np.testing.assert_array_equal(host(a * 2 + a), w * 3)
    np.testing.assert_array_equal(host(a + xp.flip(a)), w + np.flip(w))
    axes = tuple(range(0, rank, 2))
    np.testing.assert_array_equal(host(xp.sum(a, axis=axes)), w.sum(axis=axes))
    x[tuple(keys)] = 7.0
    v[tuple(keys)] = 7.0
    np.testing.assert_array_equal(host(x), v)


def test_negative_steps(device, host):
    v = np.arange(60.0).reshape(6, 10)
    x = xp.asarray(v, device=device)
    for key in [
        np.s_[::-1], np.s_[:, ::-1], np.s_[::-2, ::-3], np.s_[4:1:-1, 8::-4], np.s_[-1:-7:-1],
    ]:  # fmt: skip
        np.testing.assert_array_equal(host(x[key]), v[key])
        np.testing.assert_array_equal(host(x[key] + x[key]), v[key] * 2)
        np.testing.assert_array_equal(host((x + 1)[key]), v[key] + 1)
        y, w = x + 0, v.copy()
        y[key] = xp.flip(x[key])
        w[key] = np.flip(v[key])
        np.testing.assert_array_equal(host(y), w)


# Scalars and dtypes


@pytest.mark.parametrize(
    ("dtype", "scalar", "expected"),
    [
        ("int8", 1, "int8"),
        ("uint64", 1, "uint64"),
        ("int32", True, "int32"),
        ("float32", 1, "float32"),
        ("float32", 1.5, "float32"),
        ("float32", True, "float32"),
        ("float32", 1j, "complex64"),
        ("float64", 1j, "complex128"),
        ("complex64", 1.5, "complex64"),
        ("int32", 1.5, "float64"),
        ("int8", 1j, "complex128"),
        ("bool", 1, "int64"),
        ("bool", 1.5, "float64"),
    ],
)
def test_a_scalar_takes_the_dtype_of_the_array(device, dtype, scalar, expected):
    x = xp.asarray([1], dtype=dtype, device=device)
    for result in (x * scalar, scalar * x):
        assert result.dtype == np.dtype(expected)
        assert complex(result[0]) == scalar


@pytest.mark.parametrize("a", ["int8", "uint8", "int32", "int64", "uint64", "bool"])
@pytest.mark.parametrize("b", ["float32", "float64", "complex64"])
def test_integer_and_floating_arrays_promote_as_in_numpy(device, host, a, b):
    v, w = np.asarray([1, 0, 1]).astype(a), np.asarray([0.5, 2, -1]).astype(b)
    found = xp.asarray(v, device=device) * xp.asarray(w, device=device)
    assert found.dtype == (v * w).dtype
    np.testing.assert_array_equal(host(found), v * w)


@pytest.mark.parametrize(
    ("dtype", "scalar"),
    [("int8", 128), ("int8", -129), ("uint8", -1), ("uint8", 256), ("int64", 1 << 63),
     ("uint64", 1 << 64), ("int32", 1 << 31), ("uint16", -1)],
)  # fmt: skip
def test_an_integer_out_of_range_is_an_error_at_the_call(device, dtype, scalar):
    x = xp.asarray([1, 2], dtype=dtype, device=device)
    with pytest.raises(OverflowError, match=f"{scalar} is out of range for {dtype}"):
        x + scalar
    with pytest.raises(OverflowError, match="out of range"):
        scalar * x
    with pytest.raises(OverflowError, match="out of range"):
        x += scalar
    with pytest.raises(OverflowError, match="out of range"):
        x[0] = scalar
    with pytest.raises(OverflowError, match="out of range"):
        xp.where(x > 0, x, scalar)


@pytest.mark.parametrize(
    "call",
    [
        lambda f, i, b: f & f,
        lambda f, i, b: f << 1,
        lambda f, i, b: ~f,
        lambda f, i, b: i & 1.5,
        lambda f, i, b: b + b,
        lambda f, i, b: xp.exp(i),
        lambda f, i, b: xp.logical_and(i, i),
        lambda f, i, b: (f + 1j) < f,
        lambda f, i, b: xp.floor(f + 1j),
        lambda f, i, b: f + "1",
        lambda f, i, b: operator.add(f, [1.0]),
        lambda f, i, b: xp.add(1, 2),
        lambda f, i, b: i.__setitem__(0, 1.5),
        lambda f, i, b: i.__iadd__(1.5),
        lambda f, i, b: f[1.0],
        lambda f, i, b: xp.take(f, f),
    ],
)
def test_the_wrong_kind_is_a_type_error_at_the_call(device, call):
    f = xp.asarray([1.0], device=device)
    i = xp.asarray([1], device=device)
    b = xp.asarray([True], device=device)
    with pytest.raises(TypeError):
        call(f, i, b)
    assert (float(f[0]), int(i[0]), bool(b[0])) == (1.0, 1, True)


def test_arrays_of_two_devices_are_an_error_that_names_both(device):
    other = "cuda:0" if device == "cpu" else "cpu"
    x, y = xp.ones(3, device=device), xp.ones(3, device=other)
    for call in (
        lambda: x + y,
        lambda: xp.where(x > 0, x, y),
        lambda: xp.concat([x, y]),
        lambda: xp.stack([x, y]),
        lambda: x.__setitem__(0, y[0]),
        lambda: x.__iadd__(y),
        lambda: x[xp.asarray([0], device=other)],
        lambda: x[xp.asarray([True, False, True], device=other)],
        lambda: xp.take(x, xp.asarray([0], device=other)),
    ):
        with pytest.raises(ValueError, match="different devices") as error:
            call()
        assert "'cpu'" in str(error.value)
        assert "'cuda:0'" in str(error.value)


def test_shapes_are_checked_at_the_call(device):
    x = xp.ones((2, 3), device=device)
    with pytest.raises(ValueError, match="broadcast"):
        x + xp.ones(2, device=device)
    with pytest.raises(ValueError, match="shape"):
        x += xp.ones((2, 2, 3), device=device)
    with pytest.raises(ValueError, match="broadcast"):
        x[0] = xp.ones(2, device=device)
    with pytest.raises(IndexError):
        x[2]
    with pytest.raises(IndexError):
        x[:, 3] = 0


@pytest.mark.parametrize("device", ["cuda:0"], indirect=True)
def test_threads_that_come_and_go_share_a_stream(device):
    """A stream is for good, so a server's short-lived threads must not each leave one behind."""
    streams = []

    def work() -> None:
        x = xp.ones(3, device=device) + 1
        xp.evaluate(x)
        streams.append(x._node.buffer.writer)

    for _ in range(5):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(set(streams)) == 1
