"""`timed`: each task within a block, its name, and a time."""

from __future__ import annotations

import numpy as np

import gpuarray as xp
from gpuarray.cuda import RawKernel


def test_each_task_is_named_and_takes_time(device: str) -> None:
    x = xp.reshape(xp.arange(12.0), (3, 4))
    xp.evaluate(x)
    with xp.timed() as times:
        xp.evaluate(xp.sqrt(x) * 2.0)
        order = xp.sort(x, axis=1)
        product = xp.matmul(x, x.T)
        xp.evaluate(order, product)
    names = [task.name for task in times.tasks]
    assert names[0] == "sqrt multiply" and "sort" in names and "matmul" in " ".join(names)
    first = times.tasks[0]
    assert first.shape in ((3, 4), (12,)) and first.device == device
    assert all(task.seconds >= 0 for task in times.tasks) and 0 < times.seconds < 60
    table = str(times).splitlines()
    assert table[0].split() == ["task", "calls", "ms", "share"]
    assert len(table) == 1 + len(set(names))


def test_nothing_is_watched_behind_the_block(device: str) -> None:
    with xp.timed() as times:
        pass
    xp.evaluate(xp.ones(3) + 1.0)
    assert times.tasks == [] and times.seconds == 0 and len(str(times).splitlines()) == 1


def test_blocks_may_be_nested_and_end_with_errors(device: str, host: object) -> None:
    with xp.timed() as outer:
        xp.evaluate(xp.ones(3) + 1.0)
        try:
            with xp.timed() as inner:
                xp.evaluate(xp.ones(3) * 3.0)
                raise ArithmeticError
        except ArithmeticError:
            pass
    assert len(inner.tasks) == 1 and len(outer.tasks) == 2


def test_compiled_functions_are_seen_task_by_task(device: str) -> None:
    compiled = xp.compile(lambda x: xp.cumulative_sum(xp.exp(x)) / xp.sum(x))
    x = xp.asarray(np.linspace(0, 1, 50))
    for _ in range(3):
        expected = compiled(x)
    with xp.timed() as times:
        found = compiled(x)
    assert len(times.tasks) > 1
    assert bool(xp.all(found == expected))


def test_kernels_of_ones_own_are_seen() -> None:
    source = "__global__ void twice(float* x) { x[blockIdx.x * blockDim.x + threadIdx.x] *= 2; }"
    with xp.backend("cuda"):
        x = xp.ones(64, dtype="float32")
        xp.evaluate(x)
        with xp.timed() as times:
            RawKernel(source, "twice")(4, 16, (x,))
        assert [(task.name, task.shape) for task in times.tasks] == [("twice", (4, 1, 1))]
        assert times.seconds > 0
        assert float(xp.sum(x)) == 128.0
