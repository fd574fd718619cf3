"""Random programs for the array API, as text that runs on any namespace, with the values of NumPy.

Out: a Hypothesis strategy of `Program`, and `run`. A program is a list of Python lines over `xp`,
so a failing one can be read and pasted. NumPy computes the expected values while lines are drawn,
and with them a bound of the rounding error, so that every comparison has a tolerance that follows
from the program: none for integers, booleans and whatever is exact in binary.

Two rules make the bounds possible. Floating values stay within 256: a line whose result grows
beyond is scaled by a power of two. And functions with jumps (comparisons, `floor`, casts to
integers, index values) only get values that are exact everywhere: inputs are multiples of 1/8, and
a sum or product of *coarse* values, multiples of 2**-8 up to 2**8, is exact in float32 if it is
coarse itself.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import gpuarray as gp

__all__ = ["Program", "Value", "numpys", "programs", "run"]

HostArray = np.ndarray[Any, Any]
Draw = Callable[[Any], Any]

LARGEST = 256.0
GRAIN = 256.0
# Twice the error of the least accurate function (CUDA's float32 functions: 4 units), and some.
ROUNDINGS = 16
# More rounding error than this says nothing any more; such a line is not drawn.
WORST = 1e-2
ELEMENTS = 150

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
DTYPES = ("bool", *INTEGERS, *FLOATS, *FLOATS, *COMPLEX)


@dataclass(frozen=True)
class Value:
    """What a variable holds by NumPy, and how far rounding may take another's value from it."""

    array: HostArray
    error: float

    @property
    def kind(self) -> str:
        return self.array.dtype.kind

    @property
    def size(self) -> float:
        return _largest(self.array)

    @property
    def exact(self) -> bool:
        return self.error == 0.0

    @property
    def coarse(self) -> bool:
        return self.exact and _is_coarse(self.array)


@dataclass(frozen=True)
class Program:
    """Lines to run, and the variables that are left after the last one."""

    lines: tuple[str, ...]
    results: dict[str, Value]

    def __repr__(self) -> str:
        return "\n" + "\n".join(self.lines) + "\n"


def make(shape: tuple[int, ...], dtype: str, seed: int) -> HostArray:
    """Multiples of 1/8 between -4 and 4, or their like in other dtypes."""
    found = np.dtype(dtype)
    numbers = (np.arange(math.prod(shape)) * 37 + seed * 11) % 63 - 31
    if found.kind == "b":
        return (numbers % 3 == 0).reshape(shape)
    if found.kind == "u":
        return abs(numbers).astype(found).reshape(shape)
    if found.kind == "i":
        return numbers.astype(found).reshape(shape)
    values = numbers / 8
    if found.kind == "c":
        values = values + 1j * values[::-1]
    return values.astype(found).reshape(shape)


def run(lines: tuple[str, ...], device: str) -> dict[str, Any]:
    """The variables after a program ran on a device; none of them needs to be computed yet."""
    names: dict[str, Any] = {
        "xp": gp,
        "make": lambda *given: gp.asarray(make(*given), device=device),
        "evaluate": gp.evaluate,
    }
    for line in lines:
        exec(line, names)
    return {name: x for name, x in names.items() if isinstance(x, gp.Array)}


def numpys(lines: tuple[str, ...]) -> dict[str, HostArray]:
    """What NumPy makes of a program in which each line's result is a value of its own."""
    names: dict[str, Any] = {"xp": np, "make": make, "evaluate": lambda *_: None}
    for line in lines:
        exec(line, names)
        target = line.split(" = ")[0]
        if target in names:
            names[target] = np.array(names[target])
    return {name: x for name, x in names.items() if isinstance(x, np.ndarray)}


def _largest(array: HostArray) -> float:
    return float(abs(array.astype(complex)).max(initial=0.0))


def _is_coarse(array: HostArray) -> bool:
    scaled = array.astype(complex).ravel() * GRAIN
    parts = np.concatenate([scaled.real, scaled.imag])
    return bool((parts == np.rint(parts)).all() and (abs(parts) <= LARGEST * GRAIN).all())


def _key(draw: Draw, shape: tuple[int, ...]) -> str:
    """A basic index of an array of `shape` as text, mostly one that leaves some elements."""
    items = []
    for n in shape:
        which = draw(st.integers(0, 5))
        if which == 0 and n:
            items.append(str(draw(st.integers(-n, n - 1))))
        elif which == 1:
            items.append(":")
        else:
            bound = st.none() | st.integers(-n - 1, n + 1)
            step = draw(st.sampled_from([None, None, 1, 2, 3, -1, -2]))
            low, high = draw(bound), draw(bound)
            text = f"{'' if low is None else low}:{'' if high is None else high}"
            items.append(text if step is None else f"{text}:{step}")
    if items and draw(st.integers(0, 3)) == 0:
        items = [*items[: draw(st.integers(0, len(items)))], "..."]
    if draw(st.integers(0, 5)) == 0:
        items.insert(draw(st.integers(0, len(items))), "None")
    return ", ".join(items) or "..."


class _Writer:
    """A program under construction; `names` is the state of the same program on NumPy."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.values: dict[str, Value] = {}
        self.count = 0
        self.names: dict[str, Any] = {"xp": np, "make": make, "evaluate": lambda *_: None}
        base = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
        if draw(st.integers(0, 9)) == 0:
            base = (*base[:-1], 0)
        self.base = base

    # What is there

    def choose(self, accept: Callable[[Value], bool] = lambda _: True) -> str | None:
        found = [name for name, value in self.values.items() if accept(value)]
        return self.draw(st.sampled_from(found)) if found else None

    def fits(self, x: Value, other: Value) -> bool:
        try:
            shape = np.broadcast_shapes(x.array.shape, other.array.shape)
        except ValueError:
            return False
        return math.prod(shape) <= ELEMENTS

    # Writing

    def evaluate(self, text: str) -> HostArray:
        with np.errstate(all="ignore"):
            return np.array(eval(text, self.names))

    def define(self, text: str, inherited: float, exact: bool, terms: int = 1) -> bool:
        """Write ``v<n> = <text>``, if its value and error stay within bounds."""
        array = self.evaluate(text)
        if array.size > ELEMENTS or array.ndim > 8:
            return False
        error = 0.0
        if array.dtype.kind in "fc":
            size = _largest(array)
            if not math.isfinite(size):
                return False
            if not (exact and _is_coarse(array)):
                rounding = ROUNDINGS * terms * float(np.finfo(array.dtype).eps)
                error = inherited + rounding * max(size, 1.0)
            if size > LARGEST:
                power = math.frexp(size / LARGEST)[1]
                text = f"({text}) * {2.0**-power!r}"
                array = self.evaluate(text)
                error *= 2.0**-power
            if error > WORST:
                return False
        name = f"v{self.count}"
        self.count += 1
        self.lines.append(f"{name} = {text}")
        self.names[name] = array
        self.values[name] = Value(array, error)
        return True

    def update(self, name: str, line: str, other_error: float, exact: bool) -> bool:
        """Write a line that changes `name` in place."""
        old = self.values[name]
        attempt = {**self.names, name: old.array.copy()}
        with np.errstate(all="ignore"):
            exec(line, attempt)
        array = attempt[name]
        assert array.dtype == old.array.dtype
        error = 0.0
        if array.dtype.kind in "fc":
            size = _largest(array)
            if not size <= LARGEST:
                return False
            if not (old.exact and exact and _is_coarse(array)):
                rounding = ROUNDINGS * float(np.finfo(array.dtype).eps)
                error = max(old.error, other_error) + rounding * max(size, 1.0)
            if error > WORST:
                return False
        self.lines.append(line)
        self.names[name] = array
        self.values[name] = Value(array, error)
        return True

    # The kinds of line. Each returns whether it wrote one.

    def source(self) -> bool:
        draw = self.draw
        shape = tuple(n if draw(st.integers(0, 4)) else 1 for n in self.base)
        shape = shape[draw(st.sampled_from([0, 0, 0, *range(len(shape) + 1)])) :]
        dtype = draw(st.sampled_from(DTYPES))
        which = draw(st.integers(0, 9))
        seed = draw(st.integers(0, 20))
        if which == 0:
            return self.define(f'xp.full({shape}, {seed % 2}, dtype="{dtype}")', 0.0, True)
        if which == 1 and dtype in INTEGERS + FLOATS:
            return self.define(f'xp.arange({self.base[-1]}, dtype="{dtype}")', 0.0, True)
        return self.define(f'make({shape}, "{dtype}", {seed})', 0.0, True)

    def operand(self, x: Value) -> tuple[str, Value] | None:
        """A second operand for `x`: an array that broadcasts with it, or a Python scalar."""
        if self.draw(st.integers(0, 3)) == 0:
            if x.kind == "b":
                scalars: list[complex] = [True, False]
            elif x.kind == "u":
                scalars = [0, 1, 3, 2.5]
            else:
                scalars = [0, 1, -2, 3, 0.125, -1.5, 2.5]
                scalars += [1 + 2j] if x.kind in "fc" else []
            scalar = self.draw(st.sampled_from(scalars))
            return repr(scalar), Value(np.asarray(scalar), 0.0)
        name = self.choose(lambda v: self.fits(x, v))
        return (name, self.values[name]) if name else None

    def arithmetic(self) -> bool:
        name = self.choose(lambda v: v.kind != "b")
        if name is None:
            return False
        a = self.values[name]
        found = self.operand(a)
        if found is None:
            return False
        other, b = found
        op = self.draw(st.sampled_from("+-*"))
        inherited = a.error + b.error
        if op == "*":
            inherited = a.error * b.size + b.error * a.size + a.error * b.error
        pair = (name, other) if self.draw(st.booleans()) else (other, name)
        return self.define(f"{pair[0]} {op} {pair[1]}", inherited, a.coarse and b.coarse)

    def division(self) -> bool:
        name = self.choose(lambda v: v.kind in "iuf")
        if name is None:
            return False
        a = self.values[name]
        which = self.draw(st.integers(0, 2))
        if which == 0:
            other = self.choose(lambda v: v.kind in "f" and self.fits(a, v))
            if other is None:
                return False
            b = self.values[other]
            text = f"{name} / (xp.abs({other}) + 1)"
            return self.define(text, a.error + a.size * b.error, False)
        if not a.coarse:
            return False
        op = self.draw(st.sampled_from(["//", "%"]))
        if a.kind == "f":
            scalar = self.draw(st.sampled_from([0.5, 2.0, 3.0, -1.5]))
            return self.define(f"{name} {op} {scalar}", 0.0, True)
        other = self.choose(
            lambda v: v.kind == a.kind and v.array.dtype == a.array.dtype and self.fits(a, v)
        )
        return self.define(f"{name} {op} {other}", 0.0, True)

    def function(self) -> bool:
        name = self.choose()
        assert name is not None
        a = self.values[name]
        if a.kind == "b":
            return self.define(f"xp.logical_not({name})", 0.0, True)
        exact = [("xp.abs({})", 1.0), ("-{}", 1.0), ("xp.positive({})", 1.0)]
        if a.kind in "iu":
            exact += [("xp.square({})", 1.0), ("~{}", 1.0), ("xp.sign({})", 1.0)]
            exact += [("{} >> 1", 1.0), ("{} << 2", 1.0), ("{} ^ 5", 1.0)]
            text, _ = self.draw(st.sampled_from(exact))
            return self.define(text.format(name), 0.0, True)
        if a.kind == "c":
            exact = [("-{}", 1.0), ("xp.conj({})", 1.0), ("xp.real({})", 1.0), ("xp.imag({})", 1.0)]
            smooth = [("xp.abs({})", 1.0), ("xp.square({})", 2 * a.size + 1)]
        else:
            if a.exact:
                exact += [
                    (f"xp.{f}({{}})", 1.0) for f in ("floor", "ceil", "trunc", "round", "sign")
                ]
            exact += [("xp.clip({}, -1.5, 2)", 1.0)]
            smooth = [(f"xp.{f}({{}})", 1.0) for f in ("sin", "cos", "tanh", "atan")]
            smooth += [
                ("xp.sqrt(xp.abs({}) + 1)", 1.0),
                ("xp.exp(-xp.abs({}))", 1.0),
                ("xp.log1p(xp.abs({}))", 1.0),
                ("xp.square({})", 2 * a.size + 1),
            ]
        if self.draw(st.booleans()):
            text, _ = self.draw(st.sampled_from(exact))
            return self.define(text.format(name), a.error, a.coarse)
        text, slope = self.draw(st.sampled_from(smooth))
        return self.define(text.format(name), slope * a.error, False)

    def comparison(self) -> bool:
        name = self.choose(lambda v: v.exact and v.kind != "c")
        if name is None:
            return False
        a = self.values[name]
        if a.kind == "b":
            other = self.choose(lambda v: v.kind == "b" and self.fits(a, v))
            op = self.draw(st.sampled_from(["&", "|", "^", "=="]))
            return self.define(f"{name} {op} {other}", 0.0, True)
        other = self.choose(lambda v: v.exact and v.kind in "iuf" and self.fits(a, v))
        op = self.draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
        # Of one dtype: NumPy compares int64 with uint64 exactly, the standard leaves it open.
        if other is not None and self.values[other].array.dtype != a.array.dtype:
            other = "1"
        return self.define(f"{name} {op} {other}", 0.0, True)

    def pair(self) -> bool:
        name = self.choose(lambda v: v.kind in "iuf")
        if name is None:
            return False
        a = self.values[name]
        other = self.choose(lambda v: v.array.dtype == a.array.dtype and self.fits(a, v))
        assert other is not None
        b = self.values[other]
        if a.kind == "f":
            op = self.draw(st.sampled_from(["maximum", "minimum", "hypot", "logaddexp"]))
            exact = op in ("maximum", "minimum") and a.coarse and b.coarse
            return self.define(f"xp.{op}({name}, {other})", a.error + b.error, exact)
        op = self.draw(st.sampled_from(["maximum", "minimum", "bitwise_and", "bitwise_or"]))
        return self.define(f"xp.{op}({name}, {other})", 0.0, True)

    def select(self) -> bool:
        condition = self.choose(lambda v: v.kind == "b")
        if condition is None:
            return False
        c = self.values[condition]
        first = self.choose(lambda v: self.fits(c, v))
        assert first is not None
        a = self.values[first]
        shape = np.broadcast_shapes(c.array.shape, a.array.shape)
        both = Value(np.broadcast_to(np.asarray(False), shape), 0.0)
        second = self.choose(lambda v: self.fits(both, v))
        if second is None:
            return False
        b = self.values[second]
        exact = a.coarse and b.coarse
        text = f"xp.where({condition}, {first}, {second})"
        return self.define(text, max(a.error, b.error), exact)

    def cast(self) -> bool:
        name = self.choose()
        assert name is not None
        a = self.values[name]
        if a.kind == "c":
            targets = list(COMPLEX)
        elif a.kind == "f":
            targets = [*FLOATS, *COMPLEX]
            if a.exact:
                targets += ["int16", "int32", "int64", "bool"]
        else:
            targets = list(DTYPES)
        dtype = self.draw(st.sampled_from(targets))
        return self.define(f'xp.astype({name}, "{dtype}")', a.error, a.coarse)

    def view(self) -> bool:
        draw = self.draw
        name = self.choose()
        assert name is not None
        a = self.values[name]
        shape, rank = a.array.shape, a.array.ndim
        texts = [f"{name}[{_key(draw, shape)}]"] * 3
        texts.append(f"xp.expand_dims({name}, axis={draw(st.integers(-rank - 1, rank))})")
        texts.append(f"xp.reshape({name}, {self._reshaped(shape)})")
        texts.append(f"xp.broadcast_to({name}, {(2, *shape)})")
        if rank:
            axis = draw(st.integers(-rank, rank - 1))
            order = draw(st.permutations(range(rank)))
            texts += [f"xp.permute_dims({name}, {tuple(order)})"] * 2
            texts.append(f"xp.flip({name}, axis={draw(st.sampled_from([None, axis]))})")
            shift = draw(st.integers(-7, 7))
            texts.append(f"xp.roll({name}, {shift}, axis={draw(st.sampled_from([None, axis]))})")
            if 1 in shape:
                texts.append(f"xp.squeeze({name}, axis={shape.index(1)})")
        return self.define(draw(st.sampled_from(texts)), a.error, a.coarse)

    def _reshaped(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        size = math.prod(shape)
        if size == 0:
            return tuple(reversed(shape))
        divisors = [n for n in range(1, size + 1) if size % n == 0]
        first = self.draw(st.sampled_from(divisors))
        rest = [n for n in divisors if size // first % n == 0]
        second = self.draw(st.sampled_from(rest))
        return (first, second, size // first // second)

    def join(self) -> bool:
        draw = self.draw
        name = self.choose()
        assert name is not None
        a = self.values[name]
        if draw(st.booleans()):
            other = self.choose(lambda v: v.array.shape == a.array.shape)
            assert other is not None
            b = self.values[other]
            axis = draw(st.integers(0, a.array.ndim))
            text = f"xp.stack([{name}, {other}], axis={axis})"
            return self.define(text, max(a.error, b.error), a.coarse and b.coarse)
        if not a.array.ndim:
            return False
        axis = draw(st.integers(0, a.array.ndim - 1))

        def joins(v: Value) -> bool:
            same = v.array.ndim == a.array.ndim
            rest, wanted = list(v.array.shape), list(a.array.shape)
            return same and rest[:axis] == wanted[:axis] and rest[axis + 1 :] == wanted[axis + 1 :]

        others = [self.choose(joins) for _ in range(draw(st.integers(1, 2)))]
        found = [self.values[o] for o in others if o is not None]
        error = max(a.error, *(v.error for v in found))
        exact = a.coarse and all(v.coarse for v in found)
        dtypes = [v.array.dtype for v in (a, *found)]
        if np.result_type(*dtypes) != functools.reduce(np.promote_types, dtypes):
            # Promotion of three kinds depends on their order; the standard leaves it open.
            return False
        text = f"xp.concat([{', '.join([name, *map(str, others)])}], axis={axis})"
        return self.define(text, error, exact)

    def _indices(self, extent: int) -> str | None:
        """An index array for an axis: computed from a variable, or a list."""
        if self.draw(st.booleans()):
            values = st.lists(st.integers(-extent, extent - 1), min_size=1, max_size=4)
            return repr(self.draw(values))
        name = self.choose(lambda v: v.kind in "iu" and 0 < v.array.size <= 12)
        return f"xp.remainder({name}, {extent})" if name else None

    def gather(self) -> bool:
        name = self.choose(lambda v: v.array.ndim > 0 and v.array.size > 0)
        if name is None:
            return False
        a = self.values[name]
        axis = self.draw(st.integers(0, a.array.ndim - 1))
        indices = self._indices(a.array.shape[axis])
        if indices is None:
            return False
        before = ":, " * axis
        text = f"{name}[{before}{indices}]"
        if indices.startswith("xp") and self.draw(st.booleans()):
            text = f"xp.take({name}, {indices}, axis={axis})"
        return self.define(text, a.error, a.coarse)

    def compress(self) -> bool:
        mask = self.choose(lambda v: v.kind == "b")
        if mask is None:
            return False
        shape = self.values[mask].array.shape
        name = self.choose(lambda v: v.array.shape[: len(shape)] == shape)
        assert name is not None
        a = self.values[name]
        return self.define(f"{name}[{mask}]", a.error, a.coarse)

    def reduction(self) -> bool:
        draw = self.draw
        name = self.choose()
        assert name is not None
        a = self.values[name]
        rank, n = a.array.ndim, max(a.array.size, 1)
        axes: Any = None
        if rank and draw(st.booleans()):
            axes = tuple(sorted(draw(st.sets(st.integers(0, rank - 1), max_size=rank))))
            axes = axes[0] if len(axes) == 1 else axes
        how = f"axis={axes}, keepdims={draw(st.booleans())}"
        choices = [("sum", n * a.error, a.coarse and n <= 200)]
        if a.exact:
            choices += [(f, 0.0, True) for f in ("any", "all", "count_nonzero")]
        if a.kind == "b":
            choices = choices[1:]
        if a.kind in "iuf":
            counts = (
                a.array.shape
                if axes is None
                else [a.array.shape[d] for d in np.atleast_1d(axes).astype(int)]
            )
            if 0 not in counts:
                choices += [(f, a.error, a.coarse) for f in ("max", "min")]
                if a.exact and (axes is None or isinstance(axes, int)):
                    choices += [(f, 0.0, True) for f in ("argmax", "argmin")]
                if a.kind == "f":
                    choices += [("mean", a.error, False), ("var", 4 * a.size * a.error, False)]
        if a.kind in "iu":
            choices += [("prod", 0.0, True)]
        op, inherited, exact = draw(st.sampled_from(choices))
        # NumPy's sum of float32 may round n times, by a part of the sum of magnitudes.
        powers = {"sum": 1, "mean": 1, "var": 2}.get(op, 0)
        terms = n * max(math.ceil(a.size), 1) ** powers if powers and not exact else 1
        return self.define(f"xp.{op}({name}, {how})", inherited, exact, terms)

    def assign(self) -> bool:
        """``x[k] = v`` with basic, integer-array and mask keys."""
        name = self.choose()
        assert name is not None
        a = self.values[name]
        keys = [_key(self.draw, a.array.shape)] * 2
        if a.array.ndim and a.array.size:
            axis = self.draw(st.integers(0, a.array.ndim - 1))
            indices = self._indices(a.array.shape[axis])
            keys += [f"{':, ' * axis}{indices}"] if indices else []
        mask = self.choose(
            lambda v: v.kind == "b" and a.array.shape[: v.array.ndim] == v.array.shape
        )
        keys += [mask] if mask else []
        key = self.draw(st.sampled_from(keys))
        region = self.evaluate(f"{name}[{key}]").shape
        rank = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}

        def fits(v: Value) -> bool:
            if rank[v.kind] > rank[a.kind] or v.array.ndim > len(region):
                return False
            try:
                return np.broadcast_shapes(v.array.shape, region) == region
            except ValueError:
                return False

        other = self.choose(fits)
        if other is None or self.draw(st.integers(0, 2)) == 0:
            scalar = {"b": True, "i": -3, "u": 7, "f": 0.375, "c": 1 - 2j}[a.kind]
            return self.update(name, f"{name}[{key}] = {scalar}", 0.0, True)
        b = self.values[other]
        return self.update(name, f"{name}[{key}] = {other}", b.error, b.coarse)

    def in_place(self) -> bool:
        """``x op= v`` and ``x[k] op= v``."""
        name = self.choose(lambda v: v.kind != "b")
        if name is None:
            return False
        a = self.values[name]
        target, shape = name, a.array.shape
        if self.draw(st.booleans()):
            key = _key(self.draw, shape)
            if a.array.ndim and a.array.size and self.draw(st.integers(0, 3)) == 0:
                key = self._indices(a.array.shape[0]) or key
            target = f"{name}[{key}]"
            shape = self.evaluate(target).shape

        def fits(v: Value) -> bool:
            if np.result_type(v.array, a.array) != a.array.dtype:
                return False
            try:
                return np.broadcast_shapes(v.array.shape, shape) == shape
            except ValueError:
                return False

        op = self.draw(st.sampled_from(["+=", "-=", "*="]))
        other = self.choose(fits)
        if other is None or self.draw(st.integers(0, 2)) == 0:
            scalar = self.draw(st.sampled_from([1, 2, 3] if a.kind in "iu" else [0.5, -1, 2.0]))
            return self.update(name, f"{target} {op} {scalar}", 3 * a.error, a.exact)
        b = self.values[other]
        inherited = a.error + b.error
        if op == "*=":
            inherited = a.error * b.size + b.error * a.size + a.error * b.error
        return self.update(name, f"{target} {op} {other}", inherited, b.coarse and a.coarse)

    def drop(self) -> bool:
        if len(self.values) < 4:
            return False
        name = self.choose()
        assert name is not None
        self.lines.append(f"del {name}")
        del self.names[name], self.values[name]
        return True

    def flush(self) -> bool:
        count = self.draw(st.integers(1, 2))
        names = [self.choose() for _ in range(count)]
        self.lines.append(f"evaluate({', '.join(map(str, names))})")
        return True


_KINDS = [
    *[_Writer.arithmetic] * 3,
    *[_Writer.view] * 4,
    *[_Writer.assign] * 4,
    *[_Writer.in_place] * 4,
    *[_Writer.reduction] * 3,
    *[_Writer.function] * 2,
    *[_Writer.drop] * 3,
    *[_Writer.join] * 2,
    *(_Writer.division, _Writer.comparison, _Writer.pair, _Writer.select, _Writer.cast),
    *(_Writer.gather, _Writer.compress, _Writer.flush, _Writer.source),
]


@st.composite
def programs(draw: Draw, least: int = 20, most: int = 40) -> Program:
    """Programs of `least` to `most` operations, after at least two inputs."""
    writer = _Writer(draw)
    while len(writer.values) < 3:
        writer.source()
    wanted = len(writer.lines) + draw(st.integers(least, most))
    while len(writer.lines) < wanted:
        kind = draw(st.sampled_from(_KINDS))
        # What cannot be drawn is replaced by what always can, so that no draw is in vain.
        if not kind(writer) and not writer.source():
            break
    return Program(tuple(writer.lines), dict(writer.values))
