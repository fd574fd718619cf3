"""A scalar Python function as C++: types inferred from those of the arguments.

In: a `Source` and the types of its parameters. Out: a `Translation`: the type of the result, and a
C++ function. A variable has one type, that of all that is assigned to it together.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gpuarray.vectorization.expressions import Expressions, Typed, ascii_name, word
from gpuarray.vectorization.kinds import Kind, c_type, joined, strong
from gpuarray.vectorization.sources import Source

__all__ = ["Translation", "Translator"]

_LOOP = "l{0}_"


class Translation(NamedTuple):
    """The name of a C++ function, the type of its result, and all definitions it needs."""

    function: str
    result: Kind
    definitions: tuple[str, ...]


class Translator:
    """Translates a function and those that it calls.

    Parameters
    ----------
    unwrap
        The Python function behind an object that is called, or None if it cannot be translated.
    """

    def __init__(self, unwrap: Callable[[Any], Callable[..., Any] | None]) -> None:
        self._unwrap = unwrap
        self._done: dict[tuple[int, tuple[Kind, ...]], Translation] = {}
        self._running: list[int] = []

    def translate(self, source: Source, kinds: tuple[Kind, ...]) -> Translation:
        """The C++ function for parameters of these types."""
        key = id(source.function), kinds
        if key not in self._done:
            if id(source.function) in self._running:
                raise source.unsupported(source.node, "a function must not call itself")
            self._running.append(id(source.function))
            name = f"f{len(self._done)}_{len(self._running)}"
            try:
                self._done[key] = _Function(self, source, kinds, name).translated()
            finally:
                self._running.pop()
        return self._done[key]

    def callee(self, called: Any) -> Source | None:
        """The source of a function that is called by a translated one."""
        function = self._unwrap(called)
        return None if function is None else Source(function)


class _Function(Expressions):
    """One function for one choice of types."""

    def __init__(
        self, translator: Translator, source: Source, kinds: tuple[Kind, ...], name: str
    ) -> None:
        self.translator = translator
        self.source = source
        self.kinds = kinds
        self.name = name
        self.variables: dict[str, Kind] = dict(zip(source.parameters, kinds, strict=True))
        self.result: Kind | None = None
        self.definitions: dict[str, None] = {}
        self._loops = 0
        self._changed = False
        self._assigned = set(source.parameters)
        for node in source.statements:
            self._assigned.update(
                x.id for x in ast.walk(node)
                if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)
            )  # fmt: skip

    def translated(self) -> Translation:
        # Types only grow, so that this ends.
        while True:
            self._changed, self._loops = False, 0
            self.definitions = {}
            body = self.block(self.source.statements, "  ")
            if not self._changed:
                break
        if not _returns(self.source.statements):
            raise self.source.unsupported(
                self.source.statements[-1], "every way through the function must return a number"
            )
        assert self.result is not None
        parameters = [
            f"{c_type(kind)} p_{ascii_name(name)}"
            for name, kind in zip(self.source.parameters, self.kinds, strict=True)
        ]
        declared = [
            f"  {c_type(kind)} v_{ascii_name(name)} = "
            + (
                f"cast<{c_type(kind)}>(p_{ascii_name(name)});"
                if name in self.source.parameters
                else "{};"
            )
            for name, kind in self.variables.items()
        ]
        head = f"__device__ inline {c_type(self.result)} {self.name}({', '.join(parameters)}) {{"
        text = "\n".join([head, *declared, *body, "}"])
        return Translation(self.name, self.result, (*self.definitions, text))

    # Statements

    def block(self, statements: Sequence[ast.stmt], indent: str) -> list[str]:
        lines = []
        for statement in statements:
            lines += self.statement(statement, indent)
        return lines

    def statement(self, node: ast.stmt, indent: str) -> list[str]:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self.source.unsupported(node, f"'{word(node)}' is not supported")
        lines: list[str] = method(node, indent)
        return lines

    def _pass(self, node: ast.Pass, indent: str) -> list[str]:
        return []

    def _expr(self, node: ast.Expr, indent: str) -> list[str]:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return []
        raise self.source.unsupported(node, "an expression whose value is not used")

    def _return(self, node: ast.Return, indent: str) -> list[str]:
        if node.value is None:
            raise self.source.unsupported(node, "a number must be returned")
        value = self.value(node.value)
        before = self.result
        self.result = value.kind if before is None else joined(before, value.kind)
        self._changed |= self.result != before
        return [f"{indent}return {value.to(self.result)};"]

    def _assign(self, node: ast.Assign, indent: str) -> list[str]:
        lines = []
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                lines += self._assign_all(target, node.value, indent)
            else:
                lines += self._store(target, self.value(node.value), indent)
        return lines

    def _assign_all(self, targets: ast.Tuple, values: ast.Tuple, indent: str) -> list[str]:
        """``a, b = b, a``: all values before the first assignment."""
        if len(targets.elts) != len(values.elts):
            raise self.source.unsupported(targets, "as many names as values are needed")
        found = [self.value(x) for x in values.elts]
        inner = f"{indent}  "
        lines = [f"{indent}{{"]
        lines += [f"{inner}const {c_type(x.kind)} t{k} = {x.text};" for k, x in enumerate(found)]
        for k, (target, x) in enumerate(zip(targets.elts, found, strict=True)):
            lines += self._store(target, Typed(f"t{k}", x.kind), inner)
        return [*lines, f"{indent}}}"]

    def _store(self, target: ast.expr, value: Typed, indent: str) -> list[str]:
        if not isinstance(target, ast.Name):
            raise self.source.unsupported(target, "only names can be assigned to")
        known = self.variables.get(target.id)
        kind = value.kind if known is None else joined(known, value.kind)
        self._changed |= kind != known
        self.variables[target.id] = kind
        return [f"{indent}v_{ascii_name(target.id)} = {value.to(kind)};"]

    def _augassign(self, node: ast.AugAssign, indent: str) -> list[str]:
        if not isinstance(node.target, ast.Name):
            raise self.source.unsupported(node, "only names can be assigned to")
        old = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
        return self._store(node.target, self._binary(node, node.op, old, node.value), indent)

    def _annassign(self, node: ast.AnnAssign, indent: str) -> list[str]:
        if node.value is None:
            return []
        return self._store(node.target, self.value(node.value), indent)

    def _if(self, node: ast.If, indent: str) -> list[str]:
        lines = [
            f"{indent}if ({self.condition(node.test)}) {{",
            *self.block(node.body, f"{indent}  "),
        ]
        if node.orelse:
            lines += [f"{indent}}} else {{", *self.block(node.orelse, f"{indent}  ")]
        return [*lines, f"{indent}}}"]

    def _while(self, node: ast.While, indent: str) -> list[str]:
        if node.orelse:
            raise self.source.unsupported(node, "'else' after a loop is not supported")
        return [
            f"{indent}while ({self.condition(node.test)}) {{",
            *self.block(node.body, f"{indent}  "),
            f"{indent}}}",
        ]

    def _for(self, node: ast.For, indent: str) -> list[str]:
        call = node.iter
        is_range = (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id == "range"
            and not call.keywords
            and 1 <= len(call.args) <= 3
        )
        if node.orelse or not is_range:
            raise self.source.unsupported(node, "'for' is supported over a range, without 'else'")
        assert isinstance(call, ast.Call)
        bounds = [self.value(x) for x in call.args]
        for bound, x in zip(bounds, call.args, strict=True):
            if strong(bound.kind).kind not in "iu":
                raise self.source.unsupported(x, f"a range needs integers, not {bound.kind}")
        start = bounds[0].to(int) if len(bounds) > 1 else "(i64)0"
        stop = bounds[min(1, len(bounds) - 1)].to(int)
        step = bounds[2].to(int) if len(bounds) == 3 else "(i64)1"
        self._loops += 1
        k = _LOOP.format(self._loops)
        return [
            f"{indent}for (i64 {k} = {start}, {k}e = {stop}, {k}s = {step}; "
            f"{k}s > 0 ? {k} < {k}e : {k}s < 0 && {k} > {k}e; {k} += {k}s) {{",
            *self._store(node.target, Typed(k, int), f"{indent}  "),
            *self.block(node.body, f"{indent}  "),
            f"{indent}}}",
        ]

    def _break(self, node: ast.Break, indent: str) -> list[str]:
        return [f"{indent}break;"]

    def _continue(self, node: ast.Continue, indent: str) -> list[str]:
        return [f"{indent}continue;"]


def _returns(statements: Sequence[ast.stmt]) -> bool:
    """Whether no way through the statements leads past their end."""
    for statement in statements:
        if isinstance(statement, ast.Return):
            return True
        if isinstance(statement, ast.If) and statement.orelse:
            if _returns(statement.body) and _returns(statement.orelse):
                return True
        if isinstance(statement, ast.While) and _is_true(statement.test):
            inside = [x for body in statement.body for x in ast.walk(body)]
            if not any(isinstance(x, ast.Break) for x in inside):
                return True
    return False


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
