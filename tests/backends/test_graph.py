"""`gpuarray.cuda.Graph`: a block of array code, run again with other values."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray.cuda import Graph, RawKernel
from gpuarray_cuda.graphs import CapturedTape


def numbers(n: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=(n, n))


def layers(x: Any, w: Any, module: Any) -> tuple[Any, Any]:
    """Several kernels and products, whichever module the arrays are of."""
    h = module.tanh(x @ w)
    return h, module.sum(module.cumulative_sum(h @ w, axis=1) - h, axis=0)


def test_a_replay_computes_with_new_values(device: str, host: Any) -> None:
    x, w = xp.asarray(numbers(8)), xp.asarray(numbers(8, 1))
    with Graph(x, w) as graph:
        h, total = layers(x, w, xp)
        graph.outputs(h, total)
    for seed in (0, 2, 3, 3, 4):
        if seed:
            x[...] = xp.asarray(numbers(8, seed))
            earlier = h
            graph.replay()
            assert h is earlier
        expected = layers(numbers(8, seed), numbers(8, 1), np)
        np.testing.assert_allclose(host(h), expected[0], rtol=1e-12)
        np.testing.assert_allclose(host(total), expected[1], rtol=1e-12)
    captured = isinstance(graph._recording.run, CapturedTape)  # type: ignore[union-attr]
    assert captured == (device != "cpu")


def test_results_of_earlier_replays_are_kept(device: str, host: Any) -> None:
    x = xp.asarray([1.0, 2.0])
    with Graph(x) as graph:
        y = x * 2.0 + 1.0
        graph.outputs(y)
    kept = []
    for k in range(4):
        x[...] = xp.asarray([float(k), 10.0 * k])
        graph.replay()
        kept.append(y + 0.0)
        kept.append(y[1])
    assert [host(a).tolist() for a in kept[::2]] == [[2.0 * k + 1, 20.0 * k + 1] for k in range(4)]
    assert [float(a) for a in kept[1::2]] == [20.0 * k + 1 for k in range(4)]


def test_other_arrays_may_take_the_place_of_the_inputs(device: str, host: Any) -> None:
    x, y = xp.arange(6.0), xp.ones(6)
    with Graph(x, y, name="mine") as graph:
        z = xp.flip(x) - y
        graph.outputs(z)
    graph.replay(xp.arange(12.0)[::2], xp.reshape(xp.arange(12.0), (2, 6))[1, ...])
    assert host(z).tolist() == [10.0 - 2 * k - (6 + k) for k in range(6)]
    graph.replay()
    assert host(z).tolist() == [5.0 - k - 1 for k in range(6)]
    for wrong, error, message in [
        ((x,), TypeError, "mine: has 2 inputs, got 1"),
        ((x, xp.ones(5)), ValueError, r"mine: input 1 must be float64 of shape \(6,\)"),
        ((x, xp.ones(6, dtype="float32")), ValueError, "got float32"),
        ((x, np.ones(6)), TypeError, "inputs must be arrays, got ndarray as number 1"),
        ((x, x), ValueError, "the same array is given as two inputs"),
    ]:
        with pytest.raises(error, match=message):
            graph.replay(*wrong)  # type: ignore[arg-type]
    assert host(z).tolist() == [5.0 - k - 1 for k in range(6)]


def test_an_input_that_the_block_updates_goes_on(device: str, host: Any) -> None:
    x, rate = xp.asarray([1.0, 2.0]), xp.asarray(0.5)
    with Graph(x, rate) as graph:
        x -= rate * (x * x - 2.0) / (2.0 * x)
        x += 0.0
        graph.outputs(x)
    expected = np.asarray([1.0, 2.0])
    expected -= 0.5 * (expected * expected - 2.0) / (2.0 * expected)
    np.testing.assert_allclose(host(x), expected, rtol=1e-15)
    rate[...] = 1.0
    for _ in range(5):
        graph.replay()
    np.testing.assert_allclose(host(x), np.sqrt([2.0, 2.0]), rtol=1e-12)


def test_views_and_shared_memory_are_inputs_as_well(device: str, host: Any) -> None:
    values = np.arange(12.0).reshape(3, 4)
    base = xp.asarray(values)
    columns, first, second = base.T, base[0, ...], base[1, ...]
    with Graph(columns, first, second) as graph:
        y = columns * 2.0 + xp.expand_dims(first, axis=1) - xp.expand_dims(second, axis=1)
        graph.outputs(y)
    np.testing.assert_array_equal(host(y), values.T * 2 + (values[0] - values[1])[:, None])
    columns[...] = xp.asarray(values[::-1].T + 0.5)
    second[...] = xp.asarray([7.0, 0.0, 0.0, 1.0])
    graph.replay()
    expected = (values[::-1].T + 0.5) * 2 + (values[0] - [7, 0, 0, 1])[:, None]
    np.testing.assert_array_equal(host(y), expected)
    graph.replay(xp.asarray(values).T, base[2, ...], base[1, ...])
    np.testing.assert_array_equal(host(y), values.T * 2 + (values[2] - values[1])[:, None])
    np.testing.assert_array_equal(host(base), values)


def test_a_replay_updates_the_arrays_that_it_is_given(device: str, host: Any) -> None:
    x = xp.zeros((2, 3))
    with Graph(x) as graph:
        x += 1.0
        graph.outputs(x)
    values = np.arange(6.0).reshape(3, 2)
    other = xp.asarray(values).T
    graph.replay(other)
    np.testing.assert_array_equal(host(other), values.T + 1)
    graph.replay(other)
    np.testing.assert_array_equal(host(other), values.T + 2)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "complex128"])
def test_inputs_of_every_kind_are_copied(device: str, dtype: str, host: Any) -> None:
    given = np.arange(12).reshape(3, 4) % 3
    x = xp.astype(xp.asarray(given), dtype).T
    with Graph(x) as graph:
        y = xp.flip(x, axis=0)
        graph.outputs(y)
    np.testing.assert_array_equal(host(y), given.T[::-1].astype(dtype))
    x[...] = xp.astype(xp.asarray(2 - given), dtype).T
    graph.replay()
    np.testing.assert_array_equal(host(y), (2 - given).T[::-1].astype(dtype))


def test_outside_arrays_keep_their_values(device: str, host: Any) -> None:
    x, c = xp.ones(3), xp.asarray([1.0, 2.0, 3.0])
    with Graph(x) as graph:
        y = x + c
        graph.outputs(y)
    c[...] = 100.0
    x[...] = 5.0
    graph.replay()
    assert host(y).tolist() == [6.0, 7.0, 8.0]


def test_wrong_blocks_leave_nothing(device: str, host: Any) -> None:
    x = xp.ones(3)
    graph = Graph(x)
    with pytest.raises(TypeError, match=r"graph: .* needs the values of an array"), graph:
        bool(x[0] > 0)
    with pytest.raises(RuntimeError, match="nothing to replay"):
        graph.replay()
    with pytest.raises(ZeroDivisionError), graph:
        1 / 0  # noqa: B018
    with pytest.raises(RuntimeError, match=r"outputs\(\) belongs into the block"):
        graph.outputs(x)
    with pytest.raises(TypeError, match="outputs must be arrays, got float as number 0"), graph:
        graph.outputs(1.0)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="can't be recorded within another"), graph, Graph(x):
        pass
    with pytest.raises(TypeError, match="inputs must be arrays, got int"):
        Graph(3)  # type: ignore[arg-type]
    with graph:
        y = x + 1.0
        graph.outputs(y)
    graph.replay()
    assert host(y).tolist() == [2.0] * 3
    assert repr(graph) == "<gpuarray.cuda.Graph graph, recorded>"


def test_another_backend_may_start_between() -> None:
    """Its start changes nothing of what was recorded."""
    program = (
        "import gpuarray as xp\nfrom gpuarray.cuda import Graph\n"
        "from gpuarray_cuda.plugin import use_runtime\n"
        "from tests.simulator import simulated_runtime\nuse_runtime(simulated_runtime())\n"
        "with xp.backend('cuda'):\n    x = xp.ones(3)\n"
        "    with Graph(x) as graph:\n        y = x + 1.0\n        graph.outputs(y)\n"
        "    y.to_device('cpu')\n    x[...] = 5.0\n    graph.replay()\n    print(float(y[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "6.0\n"), done.stderr


def test_plugins_that_come_later_are_seen(device: str) -> None:
    x = xp.ones(3)
    with Graph(x) as graph:
        graph.outputs(x * 2.0)
    with xp.timed():
        pass
    with pytest.raises(RuntimeError, match="plugins have changed since the block ran"):
        graph.replay()


def test_kernels_of_ones_own_are_refused_in_a_block() -> None:
    with xp.backend("cuda"):
        x = xp.ones(3)
        kernel = RawKernel("__global__ void f(double* x) { x[0] = 1; }", "f")
        with pytest.raises(TypeError, match="a launch of kernel f"), Graph(x):
            kernel(1, 1, (x,))


def test_other_threads_are_not_recorded(device: str, host: Any) -> None:
    x = xp.ones(3)
    with Graph(x) as graph:
        y = x * 3.0
        found: list[float] = []
        thread = threading.Thread(target=lambda: found.append(float(xp.sum(xp.ones(5)))))
        thread.start()
        thread.join()
        graph.outputs(y)
    assert found == [5.0]
    graph.replay()
    assert host(y).tolist() == [3.0] * 3
