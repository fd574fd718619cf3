"""The syntax tree of a function, and where its lines are.

In: a function. Out: a `Source`. What cannot be translated is reported by `Source.unsupported`, with
file, line and text.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import CellType
from typing import Any

__all__ = ["Source", "Unsupported"]


class Unsupported(TypeError):
    """A part of a function that `vectorize` does not take; the message names the line."""


class Source:
    """A function's parameters, statements and outer names.

    Attributes
    ----------
    name
        Of the function.
    parameters
        The names of its parameters, all of which are positional.
    statements
        The body; of a lambda a return.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", repr(function))
        try:
            lines, self._first = inspect.getsourcelines(function)
            self._file = inspect.getsourcefile(function) or "<unknown>"
        except (OSError, TypeError):
            raise Unsupported(
                f"vectorize: {self.name}: its source is needed, which is not at hand; define it "
                "with 'def' in a file or a notebook"
            ) from None
        self._text = textwrap.dedent("".join(lines))
        node = self._found()
        arguments = node.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs:
            raise self.unsupported(node, "parameters must be positional, without * and **")
        self.parameters = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
        self.statements: list[ast.stmt]
        if isinstance(node, ast.Lambda):
            self.name = "lambda_"
            self.statements = [ast.copy_location(ast.Return(node.body), node.body)]
        else:
            self.statements = node.body
        self.node = node

    def _found(self) -> ast.FunctionDef | ast.Lambda:
        try:
            tree = ast.parse(self._text)
        except SyntaxError:
            # A lambda in the middle of an expression: what stands around it is no statement.
            raise Unsupported(
                f"vectorize: {self.name}: the lambda's source cannot be told from what is around "
                "it; define the function with 'def'"
            ) from None
        wanted = ast.Lambda if self.name == "<lambda>" else ast.FunctionDef
        found = [node for node in ast.walk(tree) if isinstance(node, wanted)]
        if wanted is ast.Lambda and len(found) != 1:
            raise Unsupported(
                "vectorize: several lambdas share a line; define the function with 'def'"
            )
        if not found:
            raise Unsupported(f"vectorize: {self.name}: only functions made by 'def' and 'lambda'")
        return found[0]

    def outer(self, name: str) -> Any:
        """The value of a name that is not the function's own; KeyError if there is none."""
        code = self.function.__code__
        cells: tuple[CellType, ...] = self.function.__closure__ or ()
        closure = dict(zip(code.co_freevars, cells, strict=True))
        if name in closure:
            return closure[name].cell_contents
        if name in self.function.__globals__:
            return self.function.__globals__[name]
        builtins = self.function.__globals__["__builtins__"]
        return vars(builtins)[name] if inspect.ismodule(builtins) else builtins[name]

    def unsupported(self, node: ast.AST, reason: str) -> Unsupported:
        """An error that shows the line of a node."""
        line = getattr(node, "lineno", 1)
        text = self._text.splitlines()[line - 1].strip()
        where = f"{self._file}, line {self._first + line - 1}"
        return Unsupported(f"vectorize: {self.name}: {reason}\n  {where}: {text}")
