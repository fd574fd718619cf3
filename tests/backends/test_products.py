"""Products of matrices in a graph: pending until they are needed, and no memory more than needed.

Values are compared with NumPy's in float64; what is stored, with what the kernels' plan promises.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

import gpuarray as xp
from gpuarray import linear_algebra
from gpuarray.errors import BackendUnavailable, DeviceError
from gpuarray.graph import node
from gpuarray.graph.node import clock, intern_layout
from gpuarray.plugins import Buffer, Operand, Operation, Task, hookimpl
from gpuarray_cuda.libraries import products

from .conftest import REAL
from .observer import observing

NumPyArray = np.ndarray[Any, Any]


class Watched:
    """The tasks and products that run, in order: names, and whether one is written in place."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bool]] = []

    @hookimpl(wrapper=True)
    def gpuarray_run(self, task: Task) -> Generator[None, list[Buffer], list[Buffer]]:
        found = yield
        self.seen.append((" ".join(task.step.names), any(b is not None for b in task.bases)))
        return found

    @hookimpl(wrapper=True)
    def gpuarray_matmul(self) -> Generator[None, list[Operand], list[Operand]]:
        found = yield
        self.seen.append(("matmul", False))
        return found

    @hookimpl(wrapper=True)
    def gpuarray_matmul_add(self) -> Generator[None, list[Operand] | None, list[Operand] | None]:
        found = yield
        if found is not None:
            self.seen.append(("matmul add", False))
        return found

    @hookimpl(wrapper=True)
    def gpuarray_matmul_scaled(self) -> Generator[None, list[Operand] | None, list[Operand] | None]:
        found = yield
        if found is not None:
            self.seen.append(("matmul scaled", False))
        return found


def random(*shape: int, dtype: str = "float64", seed: int = 0) -> NumPyArray:
    found = np.random.default_rng(seed).standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        found = found + 1j * np.random.default_rng(seed + 1).standard_normal(shape)
    return found.astype(dtype)


def close(found: xp.Array, expected: NumPyArray) -> None:
    np.testing.assert_allclose(np.asarray(found.to_device("cpu")), expected, rtol=1e-12, atol=1e-12)


def test_a_product_is_pending_and_what_follows_takes_its_memory(device: str) -> None:
    a, b, bias = random(6, 5), random(5, 7), random(7)
    x, y, z = (xp.asarray(v) for v in (a, b, bias))
    with observing(Watched()) as watched:
        found = xp.tanh(xp.matmul(x, y) + z) * 2.0
        assert watched.seen == []
        xp.evaluate(found)
    assert watched.seen == [("matmul", False), ("add tanh multiply", True)]
    close(found, np.tanh(a @ b + bias) * 2.0)


def test_layers_are_one_flush(device: str) -> None:
    a, b, c = random(6, 5), random(5, 7), random(7, 3)
    x, y, z = (xp.asarray(v) for v in (a, b, c))
    with observing(Watched()) as watched:
        found = xp.exp(xp.tanh(x @ y) @ z)
        xp.evaluate(found)
    assert watched.seen == [("matmul", False), ("tanh", True), ("matmul", False), ("exp", True)]
    close(found, np.exp(np.tanh(a @ b) @ c))


ADDENDS = {
    "a row": (lambda ns, h, c: h + c[0], True),
    "a row of a matrix": (lambda ns, h, c: c[:1, :] + h, True),
    "a matrix": (lambda ns, h, c: h + c, True),
    "a column": (lambda ns, h, c: h + c[:, :1], False),
    "a transposed matrix": (lambda ns, h, c: h + ns.flip(c, axis=1), False),
    "a scalar": (lambda ns, h, c: h + 1.0, False),
    "a difference": (lambda ns, h, c: h - c[0], False),
    "more than a sum": (lambda ns, h, c: (h + c[0]) * 2.0, False),
    "an expression": (lambda ns, h, c: h + (c * 2.0), None),
    "itself": (lambda ns, h, c: h + h, False),
}


@pytest.mark.parametrize("size", [(7, 5, 9), (300, 70, 130), (1, 40, 70), (70, 40, 1)])
@pytest.mark.parametrize("name", ADDENDS)
def test_a_sum_has_the_same_bits_whether_the_library_adds_or_a_kernel(
    device: str, name: str, size: tuple[int, int, int]
) -> None:
    m, k, n = size
    program, folds = ADDENDS[name]
    a, b, c = (random(*s, dtype="float32") for s in ((m, k), (k, n), (m, n)))
    x, y, z = (xp.asarray(v) for v in (a, b, c))
    with observing(Watched()) as watched:
        found = program(xp, x @ y, z)
        xp.evaluate(found)
    names = [name for name, _ in watched.seen]
    if device != "cpu" and folds is not None and min(m, n) > 1 and m * n > 1 << 12:
        assert ("matmul add" in names) == folds
    product = x @ y
    xp.evaluate(product)
    apart = program(xp, product, z)
    np.testing.assert_array_equal(
        np.asarray(found.to_device("cpu")), np.asarray(apart.to_device("cpu"))
    )
    expected = program(np, a.astype("f8") @ b.astype("f8"), c.astype("f8"))
    np.testing.assert_allclose(np.asarray(found.to_device("cpu")), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize(
    ("scale", "folds"),
    [
        *((0.3, True), (-1e30, True), (0.0, False), (math.inf, False), (math.nan, False)),
        *((2, False), (1e-42, None), (1e300, None)),
    ],
)
def test_a_multiple_has_the_same_bits_whether_the_library_scales_or_a_kernel(
    device: str, scale: float, folds: bool | None, dtype: str
) -> None:
    a, b = random(70, 60, dtype=dtype), random(60, 80, dtype=dtype)
    a[0, 0] = np.inf
    x, y = xp.asarray(a), xp.asarray(b)
    for program in (lambda h: h * scale, lambda h: scale * h):
        with observing(Watched()) as watched:
            found = program(x @ y)
            xp.evaluate(found)
        names = [name for name, _ in watched.seen]
        if device != "cpu" and folds is not None:
            assert ("matmul scaled" in names) == (folds and dtype != "complex64")
        product = x @ y
        xp.evaluate(product)
        np.testing.assert_array_equal(
            np.asarray(found.to_device("cpu")), np.asarray(program(product).to_device("cpu"))
        )


def test_an_operation_that_a_plugin_has_replaced_is_not_the_librarys(device: str) -> None:
    class Negating:
        @hookimpl
        def gpuarray_operations(self, table: Any) -> list[Any]:
            assert "add" in table
            return [Operation("add", 2, "numeric", "same", np.subtract, "{0} - {1}")]

    a, b, c = (random(*s, dtype="float32") for s in ((70, 60), (60, 80), (80,)))
    with observing(Negating()):
        found = xp.asarray(a) @ xp.asarray(b) + xp.asarray(c)
        np.testing.assert_allclose(
            np.asarray(found.to_device("cpu")), a @ b - c, rtol=1e-4, atol=1e-4
        )


def test_sums_are_replayed(device: str) -> None:
    a, b, c = (random(*s, dtype="float32") for s in ((80, 70), (70, 90), (90,)))
    x, y, z = (xp.asarray(v) for v in (a, b, c))
    layer = xp.compile(lambda x, y, z: xp.tanh(x @ y + z) @ y.T + x)
    expected = np.asarray((xp.tanh(x @ y + z) @ y.T + x).to_device("cpu"))
    for _ in range(4):
        np.testing.assert_array_equal(np.asarray(layer(x, y, z).to_device("cpu")), expected)
    np.testing.assert_allclose(expected, np.tanh(a @ b + c) @ b.T + a, rtol=1e-4, atol=1e-4)


# Each reads a product in a way that forbids to overwrite it, or wants another size of element.
KEPT = {
    "itself transposed": lambda ns, h: h + h.T,
    "another row": lambda ns, h: h + ns.roll(h, 1, axis=0),
    "one row of it": lambda ns, h: h + h[:1, :],
    "smaller elements": lambda ns, h: ns.astype(h * 2.0, ns.float32),
    "a reduction": lambda ns, h: ns.sum(h * h, axis=1),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_product_that_is_read_elsewhere_is_not_overwritten(device: str, name: str) -> None:
    a, b = random(6, 5), random(5, 6)
    x, y = xp.asarray(a), xp.asarray(b)
    with observing(Watched()) as watched:
        found = KEPT[name](xp, x @ y)
        xp.evaluate(found)
    assert [place for _, place in watched.seen] == [False, False]
    # The result of "smaller elements" is rounded to float32.
    np.testing.assert_allclose(
        np.asarray(found.to_device("cpu")), KEPT[name](np, a @ b) if name != "smaller elements"
        else (a @ b * 2.0).astype(np.float32), rtol=1e-6 if name == "smaller elements" else 1e-12,
        atol=1e-12,
    )  # fmt: skip


def test_a_product_that_is_held_is_not_overwritten(device: str) -> None:
    a, b = random(6, 5), random(5, 6)
    product = xp.asarray(a) @ xp.asarray(b)
    doubled = product * 2.0
    xp.evaluate(doubled)
    close(doubled, a @ b * 2)
    close(product, a @ b)


def test_a_view_of_a_product_that_is_held_is_not_overwritten(device: str) -> None:
    a, b = random(6, 5), random(5, 6)
    product = xp.asarray(a) @ xp.asarray(b)
    turned, doubled = product.T, product * 2.0
    del product
    xp.evaluate(doubled, turned)
    close(doubled, a @ b * 2)
    close(turned, (a @ b).T)


def test_a_product_that_two_kernels_read_is_overwritten_by_none_or_the_last(device: str) -> None:
    a, b = random(6, 5), random(5, 6)
    h = xp.asarray(a) @ xp.asarray(b)
    found = (xp.sum(h, axis=0), h * 2.0, xp.asarray(a).T @ h)
    del h
    xp.evaluate(*found)
    for x, expected in zip(found, (np.sum(a @ b, axis=0), a @ b * 2, a.T @ (a @ b)), strict=True):
        close(x, expected)


def test_an_update_of_a_product_writes_the_region_alone(device: str) -> None:
    a, b = random(6, 5), random(5, 6)
    points: list[int] = []

    class Counting:
        @hookimpl(wrapper=True)
        def gpuarray_run(self, task: Task) -> Generator[None, list[Buffer], list[Buffer]]:
            points.append(math.prod(task.step.shape))
            return (yield)

    with observing(Counting()):
        found = xp.asarray(a) @ xp.asarray(b)
        found[1, 2] = 7.0
        xp.evaluate(found)
    expected = a @ b
    expected[1, 2] = 7.0
    close(found, expected)
    assert points == [1]


@pytest.mark.parametrize("held", [True, False])
def test_what_is_added_may_be_computed_after_the_product(device: str, held: bool) -> None:
    a, b = random(70, 60, dtype="float32"), random(60, 80, dtype="float32")
    c = random(50, 80, dtype="float32")
    x, y, z = (xp.asarray(v) for v in (a, b, c))
    # The left operand is the plan's own, and released with its last use.
    with observing(Watched()) as watched:
        scaled = x * 2.0
        product = scaled @ y
        column = xp.sum(scaled, axis=0)
        if not held:
            del scaled
        found = product + xp.sum(z, axis=0)
        del product
        xp.evaluate(found, column)
    names = [name for name, _ in watched.seen]
    assert device == "cpu" or "matmul add" in names
    for got, expected in (
        (found, (a * 2) @ b + np.sum(c, axis=0)), (column, np.sum(a * 2, axis=0)),
    ):  # fmt: skip
        np.testing.assert_allclose(np.asarray(got.to_device("cpu")), expected, rtol=1e-4, atol=1e-4)


def test_operands_that_are_gone_when_the_addend_is_there_are_multiplied_before(device: str) -> None:
    a, b = random(70, 64, dtype="float32"), random(64, 64, dtype="float32")
    x, y = xp.asarray(a), xp.asarray(b)
    scaled = x * 2.0
    # The sum is the last to read the left operand of the product, and comes after it.
    found = xp.sum(scaled, axis=0) + scaled @ y
    del scaled
    with observing(Watched()) as watched:
        xp.evaluate(found)
    assert [name for name, _ in watched.seen] == ["multiply", "matmul", "sum", "add"]
    np.testing.assert_allclose(
        np.asarray(found.to_device("cpu")),
        (a * 2) @ b + np.sum(a * 2, axis=0),
        rtol=1e-4,
        atol=1e-4,
    )


def test_pending_products_are_bounded_by_the_bytes_that_they_will_take(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = random(16, 16), random(16, 16)
    x, y = xp.asarray(a), xp.asarray(b)
    monkeypatch.setattr(clock, "per_byte", clock.limit / (4 * a.nbytes))
    total = xp.zeros((16, 16))
    with observing(Watched()) as watched:
        most = 0
        for k in range(1, 33):
            total = total + x @ (y * float(k))
            most = max(most, k - [name for name, _ in watched.seen].count("matmul"))
    assert most <= 4
    close(total, a @ b * sum(range(33)))


def test_an_interrupt_after_the_overwriting_kernel_leaves_arrays_that_can_be_computed(
    device: str,
) -> None:
    a, b = random(6, 5), random(5, 6)
    found = (xp.asarray(a) @ xp.asarray(b)) * 2.0 + 1.0

    class Interrupting:
        @hookimpl(wrapper=True)
        def gpuarray_run(self, task: Task) -> Generator[None, list[Buffer], list[Buffer]]:
            found = yield
            assert task.bases[0] is not None
            raise KeyboardInterrupt
            return found

    with observing(Interrupting()), pytest.raises(KeyboardInterrupt):
        xp.evaluate(found)
    close(found, a @ b * 2 + 1)


def test_operands_are_computed_first_and_views_are_read_by_their_strides(device: str) -> None:
    a, b = random(5, 6), random(7, 6)
    x, y = xp.asarray(a), xp.asarray(b)
    with observing(Watched()) as watched:
        found = xp.matmul((x * 2.0).T, xp.exp(y)[:5, :] + 0.0)
        xp.evaluate(found)
    close(found, (a * 2).T @ np.exp(b)[:5])
    assert [name for name, _ in watched.seen].count("matmul") == 1
    # Both operands are of one shape, so one kernel stores them; neither is stored twice.
    assert len(watched.seen) == 2


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int32"])
@pytest.mark.parametrize("fused", [True, False])
def test_products_with_vectors(
    device: str, monkeypatch: pytest.MonkeyPatch, fused: bool, dtype: str
) -> None:
    if not fused:
        monkeypatch.setattr(linear_algebra, "LARGEST_FUSED_MATRIX", 0)
    for m, k in ((6, 5), (1, 4), (4, 1), (1, 1), (70, 300)):
        a = (random(m, k, dtype=dtype if dtype != "int32" else "float64") * 3).astype(dtype)
        v, w = a[0] + a.dtype.type(1), a[:, 0] - a.dtype.type(1)
        x, y, z = xp.asarray(a), xp.asarray(v), xp.asarray(w)
        tolerance = 1e-4 if dtype in ("float32", "complex64") else 1e-11
        with observing(Watched()) as watched:
            for found, expected in (
                (x @ y, a @ v), (z @ x, w @ a), (y @ x.T, v @ a.T), (x.T @ z, a.T @ w),
                (x @ y[::-1], a @ v[::-1]), (xp.conj(z) @ (x + 1), np.conj(w) @ (a + 1)),
            ):  # fmt: skip
                assert found.shape == expected.shape
                assert found.dtype == expected.dtype
                np.testing.assert_allclose(
                    np.asarray(found.to_device("cpu")), expected, rtol=tolerance, atol=tolerance
                )
        assert ("matmul", False) not in watched.seen if fused else ("matmul", False) in watched.seen


def test_a_step_of_gradient_descent_is_two_kernels(device: str) -> None:
    a, t, w = random(20, 5), random(20, seed=1), random(5, seed=2)
    x, y, weights = (xp.asarray(v) for v in (a, t, w))
    with observing(Watched()) as watched:
        predicted = 1.0 / (1.0 + xp.exp(-(x @ weights)))
        weights = weights - 0.1 * (x.T @ (predicted - y))
        xp.evaluate(weights)
    # `predicted` is held, and so stored by the kernel that stores its difference from y.
    assert len(watched.seen) == 2
    close(weights, w - 0.1 * (a.T @ (1 / (1 + np.exp(-(a @ w))) - t)))


def test_explain_shows_products_and_whose_memory_is_written(device: str) -> None:
    x = xp.asarray(random(3, 3))
    text = xp.explain(x @ x + 1.0, source=False)
    assert "library call: matmul of %0 and %0 to %1" in text
    assert "in the memory of %1" in text


@pytest.mark.skipif(REAL, reason="needs memory statistics of its own")
def test_activations_of_a_layer_are_in_memory_once(device: str) -> None:
    if device == "cpu":
        pytest.skip("the host counts no memory")
    x, w = xp.asarray(random(64, 32)), xp.asarray(random(32, 512))
    live: set[int] = set()
    most = 0

    class Counting:
        @hookimpl(wrapper=True)
        def gpuarray_run(self, task: Task) -> Generator[None, list[Buffer], list[Buffer]]:
            nonlocal most
            buffers = yield
            live.update(
                id(b) for b in (*buffers, *(b for b, _ in task.inputs)) if b.nbytes > 1 << 17
            )
            most = max(most, len(live))
            return buffers

    with observing(Counting()):
        found = xp.tanh(x @ w) @ xp.asarray(random(512, 4))
        xp.evaluate(found)
    assert most == 1


def test_a_plugin_that_lays_a_product_out_otherwise_is_told_so(device: str) -> None:
    class Columns:
        @hookimpl(tryfirst=True)
        def gpuarray_matmul(self, a: Operand, b: Operand) -> list[Operand]:
            layout = intern_layout(a.layout.dtype, a.layout.shape, a.layout.strides[::-1], 16)
            return [Operand(a.buffer, a.offset, layout)]

    x = xp.asarray(random(3, 3))
    with observing(Columns()), pytest.raises(DeviceError, match="row-major"):
        xp.evaluate(x @ x)


def test_plans_outlive_the_table_of_layouts(device: str) -> None:
    a = random(6, 6, dtype="float32")
    x = xp.asarray(a)
    for _ in range(2):
        found = x @ x
        xp.evaluate(found)
        np.testing.assert_allclose(np.asarray(found.to_device("cpu")), a @ a, rtol=1e-4, atol=1e-4)
        node._layouts.clear()
        products._direct.cache_clear()
        products._plan.cache_clear()


def test_failures_name_the_product(device: str) -> None:
    class Failing:
        @hookimpl(tryfirst=True)
        def gpuarray_matmul(self) -> list[Operand]:
            raise DeviceError("no luck")

    x = xp.asarray(random(3, 3))
    found = x @ x
    with (
        observing(Failing()),
        pytest.raises(DeviceError, match=r"computing matmul of \(3, 3\) and \(3, 3\)"),
    ):
        xp.evaluate(found)
    close(found, random(3, 3) @ random(3, 3))


def test_a_missing_library_is_an_error_of_the_call(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Missing:
        @hookimpl
        def gpuarray_prepare(self) -> None:
            raise BackendUnavailable("install it")

    monkeypatch.setattr(linear_algebra, "_prepared", set())
    x = xp.asarray(random(3, 3))
    with observing(Missing()):
        with pytest.raises(BackendUnavailable, match="install it"):
            xp.matmul(x, x)
        with pytest.raises(BackendUnavailable, match="install it"):
            xp.matmul(x, x)
    close(x @ x, random(3, 3) @ random(3, 3))
