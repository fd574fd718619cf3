"""The expressions of a scalar Python function as C++, with their types.

In: nodes of a syntax tree, and the types of variables. Out: `Typed` texts. They are those of the
operation table, so that an expression means for numbers what it means for arrays.
"""

from __future__ import annotations

import ast
import builtins
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gpuarray.operations import TABLE
from gpuarray.vectorization.kinds import BOOL, Kind, c_name, c_type, described, joined, strong
from gpuarray.vectorization.sources import Source

if TYPE_CHECKING:
    from gpuarray.vectorization.translation import Translator

__all__ = ["Expressions", "Typed", "ascii_name", "word"]

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
    ast.FloorDiv: "floor_divide", ast.Mod: "remainder", ast.Pow: "pow",
    ast.BitAnd: "bitwise_and", ast.BitOr: "bitwise_or", ast.BitXor: "bitwise_xor",
    ast.LShift: "bitwise_left_shift", ast.RShift: "bitwise_right_shift",
}  # fmt: skip
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "equal", ast.NotEq: "not_equal", ast.Lt: "less", ast.LtE: "less_equal",
    ast.Gt: "greater", ast.GtE: "greater_equal",
}  # fmt: skip

# Functions of `math` that are rows of the operation table, and those that are only CUDA's. Their
# result has the dtype of the argument, float64 for integers.
_ROWS = {
    **{name: name for name in ("exp", "expm1", "log1p", "log2", "log10", "sqrt", "hypot")},
    **{name: name for name in ("sin", "cos", "tan", "asin", "acos", "atan", "atan2")},
    **{name: name for name in ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "copysign")},
    "fabs": "abs",
    "log": "log",
    "pow": "pow",
    "nextafter": "nextafter",
    **{name: name for name in ("isnan", "isinf", "isfinite")},
}
_ONLY_C = {
    "erf": "erf({0})", "erfc": "erfc({0})", "gamma": "tgamma({0})", "lgamma": "lgamma({0})",
    "fmod": "fmod({0}, {1})", "cbrt": "cbrt({0})", "exp2": "exp2({0})",
    "degrees": "{0} * ({T})57.29577951308232", "radians": "{0} * ({T})0.017453292519943295",
}  # fmt: skip
_TO_INTEGER = {"floor": "floor", "ceil": "ceil", "trunc": "trunc"}


class Typed(NamedTuple):
    """A C++ expression and the type of its value."""

    text: str
    kind: Kind

    def to(self, kind: Kind) -> str:
        """The expression as a value of another type."""
        wanted = c_type(kind)
        return self.text if c_type(self.kind) == wanted else f"cast<{wanted}>({self.text})"


class Expressions:
    """What the translation of a function knows when it comes to an expression.

    Attributes
    ----------
    translator
        Translates the functions that are called.
    source
        The function.
    variables
        The types of its variables, as far as they are known.
    definitions
        What the expressions so far need, in order.
    """

    translator: Translator
    source: Source
    variables: dict[str, Kind]
    definitions: dict[str, None]
    _assigned: set[str]

    def condition(self, node: ast.expr) -> str:
        value = self.value(node)
        return value.text if value.kind == BOOL else f"{value.text} != 0"

    def value(self, node: ast.expr) -> Typed:
        if isinstance(node, ast.Constant):
            return self._constant(node, node.value)
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.Attribute):
            return self._constant(node, self._outer(node))
        if isinstance(node, ast.BinOp):
            return self._binary(node, node.op, node.left, node.right)
        if isinstance(node, ast.UnaryOp):
            return self._unary(node)
        if isinstance(node, ast.BoolOp):
            return self._logical(node)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.IfExp):
            yes, no = self.value(node.body), self.value(node.orelse)
            kind = joined(yes.kind, no.kind)
            return Typed(f"({self.condition(node.test)} ? {yes.to(kind)} : {no.to(kind)})", kind)
        if isinstance(node, ast.Call):
            return self._call(node)
        raise self.source.unsupported(node, f"'{word(node)}' is not supported")

    def _constant(self, node: ast.expr, value: Any) -> Typed:
        if isinstance(value, np.generic):
            value = value.item()
        if value is True or value is False:
            return Typed("true" if value else "false", BOOL)
        if isinstance(value, int):
            if not -(1 << 63) < value < 1 << 63:
                raise self.source.unsupported(node, f"{value} does not fit 64 bits")
            return Typed(f"(i64){value}ll" if value >= 0 else f"(i64)({value}ll)", int)
        if isinstance(value, float):
            if math.isnan(value):
                return Typed("(f64)__longlong_as_double(0x7ff8000000000000ll)", float)
            if math.isinf(value):
                bits = "0x7ff0000000000000ll" if value > 0 else "(i64)0xfff0000000000000ull"
                return Typed(f"__longlong_as_double({bits})", float)
            return Typed(f"({value!r})" if value < 0 else repr(value), float)
        raise self.source.unsupported(node, f"a {type(value).__name__} is no number")

    def _name(self, node: ast.Name) -> Typed:
        if node.id in self._assigned:
            kind = self.variables.get(node.id)
            if kind is None:
                raise self.source.unsupported(node, f"{node.id} is used before it has a value")
            return Typed(f"v_{ascii_name(node.id)}", kind)
        return self._constant(node, self._outer(node))

    def _outer(self, node: ast.expr) -> Any:
        """The object that a name outside of the function, or an attribute of one, stands for."""
        if isinstance(node, ast.Attribute):
            return getattr(self._outer(node.value), node.attr)
        if isinstance(node, ast.Name) and node.id not in self._assigned:
            try:
                return self.source.outer(node.id)
            except (KeyError, ValueError):
                raise self.source.unsupported(node, f"{node.id} is not defined") from None
        if isinstance(node, ast.Name):
            raise self.source.unsupported(node, f"{node.id} is a number, without attributes")
        raise self.source.unsupported(node, f"'{word(node)}' is not supported")

    def _binary(self, node: ast.AST, op: ast.operator, left: ast.expr, right: ast.expr) -> Typed:
        if isinstance(op, ast.Pow) and isinstance(right, ast.Constant) and right.value in (2, 2.0):
            # A product, as `x ** 2` of arrays is.
            base, two = self.value(left), self._constant(right, right.value)
            kind = joined(base.kind, two.kind)
            return self._row(node, "square", [Typed(base.to(kind), kind)])
        name = _BINARY.get(type(op))
        if name is None:
            raise self.source.unsupported(node, f"the operator '{word(op)}' is not supported")
        return self._row(node, name, [self.value(left), self.value(right)])

    def _row(self, node: ast.AST, name: str, operands: list[Typed]) -> Typed:
        """A row of the operation table; weak where all operands are."""
        kind = operands[0].kind
        for operand in operands[1:]:
            kind = joined(kind, operand.kind)
        row = TABLE[name]
        promoted = strong(kind)
        if name == "pow" and kind is int:
            # Of Python's integers a negative exponent would make a float.
            promoted, kind = np.dtype(float), float
        if promoted.kind == "b" and promoted not in row.dtypes and name in _BINARY.values():
            promoted, kind = np.dtype(np.int64), int
        if promoted not in row.dtypes and promoted.kind in "iu":
            promoted, kind = np.dtype(float), float
        if promoted not in row.dtypes:
            raise self.source.unsupported(node, f"{name} is not defined for {described(kind)}")
        loop = row.loops[promoted]
        texts = [operand.to(loop) for operand in operands]
        text = row.expression(loop).format(*(f"({t})" for t in texts), T=c_name(loop))
        found = row.results[loop]
        result: Kind = found
        if not isinstance(kind, np.dtype) and found != BOOL:
            result = float if found.kind == "f" else int
        return Typed(f"({c_type(result)})({text})", result)

    def _unary(self, node: ast.UnaryOp) -> Typed:
        if isinstance(node.op, ast.Not):
            return Typed(f"!({self.condition(node.operand)})", BOOL)
        value = self.value(node.operand)
        if value.kind == BOOL:
            value = Typed(value.to(int), int)
        name = {ast.USub: "negative", ast.UAdd: "positive", ast.Invert: "bitwise_invert"}
        return self._row(node, name[type(node.op)], [value])

    def _logical(self, node: ast.BoolOp) -> Typed:
        values = [self.value(x) for x in node.values]
        for value, x in zip(values, node.values, strict=True):
            if value.kind != BOOL:
                raise self.source.unsupported(
                    x, f"'and' and 'or' need conditions, not {described(value.kind)}"
                )
        sign = " && " if isinstance(node.op, ast.And) else " || "
        return Typed(f"({sign.join(value.text for value in values)})", BOOL)

    def _comparison(self, node: ast.Compare) -> Typed:
        values = [self.value(x) for x in (node.left, *node.comparators)]
        parts = []
        for op, left, right in zip(node.ops, values[:-1], values[1:], strict=True):
            name = _COMPARED.get(type(op))
            if name is None:
                raise self.source.unsupported(node, f"the operator '{word(op)}' is not supported")
            kind = joined(left.kind, right.kind)
            pair = [left, right]
            if kind == BOOL:
                pair = [Typed(x.to(int), int) for x in pair]
            parts.append(self._row(node, name, pair).text)
        return Typed(f"({' && '.join(parts)})", BOOL)

    def _call(self, node: ast.Call) -> Typed:
        called = self._outer(node.func)
        if node.keywords:
            raise self.source.unsupported(node, "arguments must be positional")
        arguments = [self.value(x) for x in node.args]
        name = getattr(called, "__name__", "")
        if getattr(math, name, None) is called:
            return self._mathematics(node, name, arguments)
        if getattr(builtins, name, None) is called:
            return self._builtin(node, name, arguments)
        source = self.translator.callee(called)
        if source is None:
            raise self.source.unsupported(
                node, f"a call of {called!r}: only functions of math and of numbers can be called"
            )
        if len(arguments) != len(source.parameters):
            raise self.source.unsupported(
                node, f"{source.name} takes {len(source.parameters)} arguments"
            )
        found = self.translator.translate(source, tuple(x.kind for x in arguments))
        self.definitions |= dict.fromkeys(found.definitions)
        given = ", ".join(x.text for x in arguments)
        return Typed(f"{found.function}({given})", found.result)

    def _mathematics(self, node: ast.Call, name: str, arguments: list[Typed]) -> Typed:
        count = {"atan2": 2, "hypot": 2, "pow": 2, "copysign": 2, "nextafter": 2, "fmod": 2}
        known = {**_ROWS, **_ONLY_C, **_TO_INTEGER}
        if name not in known or len(arguments) != count.get(name, 1):
            raise self.source.unsupported(node, f"math.{name} with {len(arguments)} arguments")
        kind = arguments[0].kind
        for argument in arguments[1:]:
            kind = joined(kind, argument.kind)
        if strong(kind).kind not in "fc":
            kind = joined(kind, float)
        arguments = [Typed(x.to(kind), kind) for x in arguments]
        if name in _TO_INTEGER:
            return Typed(f"(i64)({self._row(node, name, arguments).text})", int)
        if name in _ONLY_C:
            texts = [f"({x.text})" for x in arguments]
            text = _ONLY_C[name].format(*texts, T=c_type(kind))
            return Typed(f"({c_type(kind)})({text})", kind)
        return self._row(node, _ROWS[name], arguments)

    def _builtin(self, node: ast.Call, name: str, arguments: list[Typed]) -> Typed:
        if name in ("min", "max") and len(arguments) > 1:
            found = arguments[0]
            row = "less" if name == "min" else "greater"
            for other in arguments[1:]:
                # As Python has it: the first of equal ones, and of what cannot be compared.
                test = self._row(node, row, [other, found]).text
                kind = joined(found.kind, other.kind)
                found = Typed(f"({test} ? {other.to(kind)} : {found.to(kind)})", kind)
            return found
        if len(arguments) == 1:
            (x,) = arguments
            if name == "abs":
                return self._row(node, "abs", [x if x.kind != BOOL else Typed(x.to(int), int)])
            if name == "float":
                return Typed(x.to(float), float)
            if name == "int":
                return Typed(x.to(int), int)
            if name == "bool":
                return Typed(x.text if x.kind == BOOL else f"({x.text} != 0)", BOOL)
        raise self.source.unsupported(node, f"{name} with {len(arguments)} arguments")


def ascii_name(name: str) -> str:
    """A Python name as one of C++."""
    return "".join(c if c.isascii() else f"_u{ord(c):x}_" for c in name)


def word(node: ast.AST) -> str:
    """What a node is called in messages."""
    return type(node).__name__.removesuffix("Stmt").lower()
