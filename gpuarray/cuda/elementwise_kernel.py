"""Elementwise kernels of a user's own: C++ statements as one operation among others.

In: parameters and C++ that computes the outputs' elements from the inputs'. Out: a function of
arrays that records its outputs; they broadcast, and fuse with what is around them.
"""

from __future__ import annotations

import hashlib
import math
import re
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.array import Array
from gpuarray.creation.ranges import iota
from gpuarray.cuda.parameters import Parameter, parameters
from gpuarray.dtypes import check_integer, int64, promote, promote_scalar, python_scalar
from gpuarray.manipulation import broadcast_to, reshape
from gpuarray.operations import CustomOperation
from gpuarray.recording import broadcast_shapes, cast, full, record, same_device

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["ElementwiseKernel"]

DType = np.dtype[Any]
_KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
# Identifiers that stand for the element's place and their number, unless they are declared.
_PLACE, _SIZE = "i", "n"


class ElementwiseKernel:
    """A function of arrays from C++ statements for one element.

    Parameters
    ----------
    in_params : str
        The inputs, such as ``"float32 x, float32 y"``: types of C or dtypes of NumPy, and capital
        letters for any dtype, the same wherever the letter is. An argument of another dtype is
        cast, unless that would lose the kind of number.
    out_params : str
        The outputs alike; a letter here must be one of an input.
    operation : str
        The statements, which assign to the outputs. ``i`` is the element's place in row-major
        order and ``n`` the number of elements, unless these are names of parameters.
    name : str, optional
        For messages and profiles.
    preamble : str, optional
        C++ before it: functions and types. Nothing is included, and no header is needed for CUDA's
        own functions. Element types are also called ``f32``, ``i64``, ``c128`` and so on; complex
        numbers have members ``re`` and ``im``, and the operators.

    Raises
    ------
    TypeError, ValueError
        A declaration is none.

    Notes
    -----
    Products and sums are not contracted; write ``fma`` where one rounding is wanted.

    Examples
    --------
    >>> from gpuarray.cuda import ElementwiseKernel
    >>> squares = ElementwiseKernel("T x, T y", "T z", "z = x * x + y", "squares")
    >>> squares
    ElementwiseKernel('T x, T y', 'T z', name='squares')
    """

    def __init__(
        self,
        in_params: str,
        out_params: str,
        operation: str,
        name: str = "elementwise",
        preamble: str = "",
    ) -> None:
        if not name.isidentifier():
            raise ValueError(f"ElementwiseKernel: name must be an identifier, got {name!r}")
        self.name = name
        self._texts = in_params, out_params
        self._inputs = parameters(name, in_params)
        self._outputs = parameters(name, out_params)
        self._operation = operation
        self._preamble = preamble
        if not self._inputs or not self._outputs:
            raise ValueError(f"{name}: at least one input and one output are needed")
        declared = {p.name for p in self._inputs}
        for output in self._outputs:
            if output.name in declared:
                raise ValueError(f"{name}: {output.name!r} is an input and an output")
            if output.dtype is None and all(output.variable != p.variable for p in self._inputs):
                raise ValueError(
                    f"{name}: the type {output.variable} of output {output.name!r} is that of no "
                    "input"
                )
        used = set(re.findall(r"\b[A-Za-z_]\w*", operation))
        names = declared | {p.name for p in self._outputs}
        self._places = [x for x in (_PLACE, _SIZE) if x in used and x not in names]
        # By the dtypes of the inputs, and the devices on which they compile.
        self._operations: dict[tuple[DType, ...], tuple[CustomOperation, ...]] = {}
        self._checked: set[tuple[Device, tuple[DType, ...]]] = set()

    def __repr__(self) -> str:
        ins, outs = self._texts
        return f"ElementwiseKernel({ins!r}, {outs!r}, name={self.name!r})"

    def __call__(self, *args: Any) -> Any:
        """The outputs for these inputs.

        Parameters
        ----------
        *args : Array or scalar
            The inputs, at least one of them an array; shapes broadcast. Behind them may stand
            arrays to write the outputs to.

        Returns
        -------
        Array or tuple of Array
            The output, or all of them.

        Raises
        ------
        TypeError
            Their number is wrong, one is neither an array nor a scalar, one has a dtype that does
            not fit, or the arrays are not on a CUDA device.
        ValueError
            The shapes do not match.
        DeviceError
            The statements do not compile; the message shows the lines.
        """
        count = len(self._inputs)
        if len(args) not in (count, count + len(self._outputs)):
            raise TypeError(
                f"{self.name}: takes {count} inputs, and {len(self._outputs)} outputs behind them "
                f"if they are given, got {len(args)} arguments"
            )
        given = [self._argument(p, x) for p, x in zip(self._inputs, args, strict=False)]
        arrays = [x for x in given if isinstance(x, Array)]
        if not arrays:
            raise TypeError(f"{self.name}: at least one input must be an array")
        same_device(self.name, *arrays)
        device = arrays[0].device
        shape = broadcast_shapes(self.name, *(x.shape for x in arrays))
        dtypes = self._dtypes(given)
        operands = [
            self._operand(p, x, dtype, device)
            for p, x, dtype in zip(self._inputs, given, dtypes, strict=True)
        ]
        size = math.prod(shape)
        for place in self._places:
            if place == _PLACE:
                operands.append(reshape(iota(size, device), shape))
            else:
                operands.append(full((), size, int64, device))
        nodes = tuple(x._node for x in operands)
        results = [
            record(op, nodes, None, next(iter(op.results)), shape, device)
            for op in self._compiled(dtypes, device)
        ]
        if len(args) > count:
            results = self._assigned(results, args[count:])
        return results[0] if len(results) == 1 else tuple(results)

    # Arguments

    def _argument(self, parameter: Parameter, x: Any) -> Any:
        if isinstance(x, Array):
            return x
        scalar = x.item() if isinstance(x, np.generic) else python_scalar(x)
        if scalar is None:
            raise TypeError(
                f"{self.name}: {parameter.name} must be an array or a scalar, got "
                f"{type(x).__name__}; convert it with asarray() first"
            )
        return scalar

    def _dtypes(self, given: list[Any]) -> tuple[DType, ...]:
        """The dtype of each input, with a dtype for each letter."""
        found: dict[str, DType] = {}
        for parameter, x in zip(self._inputs, given, strict=True):
            if parameter.dtype is None and isinstance(x, Array):
                known = found.get(parameter.variable)
                found[parameter.variable] = x.dtype if known is None else promote(known, x.dtype)
        for parameter, x in zip(self._inputs, given, strict=True):
            if parameter.dtype is None and not isinstance(x, Array):
                known = found.get(parameter.variable)
                if known is None:
                    raise TypeError(
                        f"{self.name}: no array says what {parameter.variable} is: "
                        f"{parameter.name} is a scalar"
                    )
                found[parameter.variable] = promote_scalar(known, type(x))
        return tuple(p.dtype or found[p.variable] for p in self._inputs)

    def _operand(self, parameter: Parameter, x: Any, dtype: DType, device: Device) -> Array:
        kind = x.dtype.kind if isinstance(x, Array) else _kind(x)
        if _KINDS[kind] > _KINDS[dtype.kind]:
            described = str(x.dtype) if isinstance(x, Array) else type(x).__name__
            raise TypeError(
                f"{self.name}: {parameter.name} is {dtype}, and {described} does not fit it; cast "
                "it with astype() first"
            )
        if isinstance(x, Array):
            return cast(x, dtype)
        if type(x) is int:
            check_integer(self.name, x, dtype)
        return full((), x, dtype, device)

    def _assigned(self, results: list[Array], outputs: Any) -> list[Array]:
        for parameter, result, output in zip(self._outputs, results, outputs, strict=True):
            if not isinstance(output, Array):
                raise TypeError(
                    f"{self.name}: {parameter.name} must be an array, got {type(output).__name__}"
                )
            if output.dtype != result.dtype or output.shape != result.shape:
                raise ValueError(
                    f"{self.name}: {parameter.name} must be {result.dtype} of shape "
                    f"{result.shape}, got {output.dtype} of shape {output.shape}"
                )
        for result, output in zip(results, outputs, strict=True):
            output[...] = broadcast_to(result, output.shape)
        return list(outputs)

    # C++

    def _compiled(self, dtypes: tuple[DType, ...], device: Device) -> tuple[CustomOperation, ...]:
        """An operation for each output, which is known to compile."""
        found = self._operations.get(dtypes)
        if found is None:
            found = self._operations[dtypes] = self._written(dtypes)
        if (device, dtypes) not in self._checked:
            check = device.backend.manager.hook.gpuarray_check_custom
            if not check(device=device, operation=found[0]):
                raise TypeError(
                    f"{self.name}: CUDA C++ runs on a CUDA device only, and the arrays are on "
                    f"{str(device)!r}; gpuarray.vectorize makes functions for all of them"
                )
            self._checked.add((device, dtypes))
        return found

    def _written(self, dtypes: tuple[DType, ...]) -> tuple[CustomOperation, ...]:
        from gpuarray_cuda.codegen.values import C_NAMES

        letters = {p.variable: d for p, d in zip(self._inputs, dtypes, strict=True) if not p.dtype}
        outputs = [p.dtype or letters[p.variable] for p in self._outputs]
        parts = [f"{C_NAMES[d]} {p.name}" for p, d in zip(self._inputs, dtypes, strict=True)]
        parts += [f"{C_NAMES[int64]} {place}" for place in self._places]
        head = "".join(f"using {letter} = {C_NAMES[d]};\n" for letter, d in letters.items())
        declared = "".join(
            f"  {C_NAMES[d]} {p.name} = {{}};\n"
            for p, d in zip(self._outputs, outputs, strict=True)
        )
        body = textwrap.indent(textwrap.dedent(self._operation).strip("\n"), "  ")
        common = f"{head}{textwrap.dedent(self._preamble)}\n"
        functions = "".join(
            f"__device__ __forceinline__ {C_NAMES[d]} {p.name}_({', '.join(parts)}) {{\n"
            f"{declared}{body}\n  ;\n  return {p.name};\n}}\n"
            for p, d in zip(self._outputs, outputs, strict=True)
        )
        text = f"{common}{functions}"
        digest = hashlib.sha256(text.encode(), usedforsecurity=False).hexdigest()[:16]
        space = f"{self.name}_{digest}"
        definition = f"namespace {space} {{\n{text}}}\n"
        operands = (*dtypes, *(int64 for _ in self._places))
        return tuple(
            CustomOperation(
                self.name, operands, d, f"{space}::{p.name}_", definition, _needs_cuda(self.name)
            )
            for p, d in zip(self._outputs, outputs, strict=True)
        )


def _kind(scalar: Any) -> str:
    return {bool: "b", int: "i", float: "f", complex: "c"}[type(scalar)]


def _needs_cuda(name: str) -> Any:
    def computed(*_: Any) -> Any:
        raise TypeError(f"{name}: CUDA C++ runs on a CUDA device only")

    return computed
