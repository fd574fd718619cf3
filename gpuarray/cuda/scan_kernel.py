"""Scans of a user's own: C++ that says what an element is and what two neighbours are together.

In: parameters and C++ expressions. Out: a function of arrays that gives, for each element, what it
is together with all before it. One pass over memory, behind the kernel that computes the elements.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from gpuarray.arguments import checked_axis
from gpuarray.array import Array
from gpuarray.cuda.combining import Combining
from gpuarray.cuda.parameters import parameters
from gpuarray.cuda.raw_module import executor_of
from gpuarray.evaluation import evaluate
from gpuarray.graph.node import contiguous_layout, leaf
from gpuarray.graph.program import Operand
from gpuarray.graph.tape import needs_value, recordings
from gpuarray.manipulation import moveaxis

__all__ = ["ExclusiveScanKernel", "InclusiveScanKernel"]

DType = np.dtype[Any]


class _ScanKernel(Combining):
    """What both scans have in common."""

    _exclusive: bool

    def __init__(
        self,
        in_params: str,
        out_params: str,
        map_expr: str,
        scan_expr: str,
        identity: str,
        name: str = "scan",
        preamble: str = "",
    ) -> None:
        super().__init__(name, in_params, out_params, map_expr, scan_expr, identity, preamble)
        self._inputs = parameters(name, in_params)
        self._map_expr = map_expr.strip()
        # The functions for a dtype, which every call of it needs.
        self._functions_of: dict[DType, str] = {}

    def __call__(self, *args: Any, axis: int = -1) -> Array:
        """The scan of these inputs along an axis.

        Parameters
        ----------
        *args : Array or scalar
            The inputs, of which one must be an array; shapes broadcast.
        axis : int, optional
            The axis.

        Returns
        -------
        Array
            Of the common shape. The work has been started; nothing is waited for.

        Raises
        ------
        TypeError
            As for `ElementwiseKernel`; or it is called within a function of `gpuarray.compile`.
        IndexError
            The axis is out of range.
        ValueError
            The shapes do not match, or there is no axis.
        DeviceError
            An expression does not compile; the message shows the lines.
        """
        if recordings:
            needs_value(f"a call of {self.name}")
        elements = self._elements(args)
        if not elements.ndim:
            raise ValueError(f"{self.name}: an array without axes can't be scanned")
        axis = checked_axis(self.name, axis, elements.ndim)
        executor = executor_of(self.name, elements.device)
        self._check(elements.dtype, elements.device)
        rows = moveaxis(elements, axis, -1)
        evaluate(rows)
        found = self._scanned(rows, executor)
        return moveaxis(found, -1, axis)

    def _elements(self, args: tuple[Any, ...]) -> Array:
        """What is scanned: the first input itself, where it is mapped to itself."""
        mapped: Array = self._map(*args)
        if len(self._inputs) == 1 and self._map_expr == self._inputs[0].name:
            (x,) = args
            if isinstance(x, Array) and x.dtype == mapped.dtype:
                return x
        return mapped

    def _scanned(self, rows: Array, executor: Any) -> Array:
        from gpuarray_cuda.contiguous import row_major
        from gpuarray_cuda.scanning import Elements, scanned

        node: Any = rows._node
        layout = contiguous_layout(rows.dtype, rows.shape)
        made = executor.allocate(layout.nbytes)
        if rows.size:
            source = row_major(executor, Operand(node.buffer, node.offset, node.layout))
            size = rows.shape[-1]
            elements = Elements(self._functions_of[rows.dtype], self._exclusive)
            launch = partial(
                scanned, executor, rows.dtype, "sum", source.address, made.pointer,
                rows.size // size, size, elements=elements,
            )  # fmt: skip
            rows.device.hook.gpuarray_launch(
                device=rows.device, name=self.name, grid=(), block=(), launch=launch
            )
            if not node.buffer.exclusive:
                executor.let_others_wait(executor.stream)
        return Array(leaf(rows.device, made, 0, layout))

    def _used(self, dtype: DType) -> str:
        from gpuarray_cuda.kernel_source import ELEMENT_TYPES

        kind = ELEMENT_TYPES[dtype.name]
        functions = self._functions_of[dtype] = self._written(dtype)
        return (
            f"using T = {kind};\n{functions}\n"
            f"template {kind} nothing<{kind}>();\n"
            f"template {kind} combined<{kind}>({kind}, {kind});\n"
        )

    def _written(self, dtype: DType) -> str:
        """The functions of `gpuarray_cuda.scanning.Elements`; bytes of bools stay 0 and 1."""
        namespace = f"scan_{self._digest}"
        return f"""{self._functions(namespace, bools=dtype.kind == "b")}template <class E>
__device__ __forceinline__ E nothing() {{
  return {namespace}::start<E>();
}}
template <class E>
__device__ __forceinline__ E combined(E x, E y) {{
  return {namespace}::combined<E>(x, y);
}}
"""


class InclusiveScanKernel(_ScanKernel):
    """For each element, what it and all before it are together.

    Parameters
    ----------
    in_params : str
        The inputs, as for `ElementwiseKernel`.
    out_params : str
        The output, alike; one.
    map_expr : str
        What is scanned: an expression of the inputs.
    scan_expr : str
        What ``a`` and, behind it, ``b`` are together: an expression. It has to be associative, up
        to rounding; it need not be commutative. How elements are grouped depends on shape, dtype
        and alignment alone, so that equal inputs give equal bits.
    identity : str
        What changes nothing when combined, from either side: an expression of constants, which the
        dtype has to hold.
    name : str, optional
        For messages and profiles.
    preamble : str, optional
        C++ before it, as for `ElementwiseKernel`.

    Raises
    ------
    TypeError, ValueError
        A declaration is none, or there is not one output.

    Examples
    --------
    >>> from gpuarray.cuda import InclusiveScanKernel
    >>> InclusiveScanKernel("float x", "float y", "x", "a > b ? a : b", "-1.0 / 0", "highest")
    InclusiveScanKernel('float x', 'float y', 'a > b ? a : b', name='highest')
    """

    _exclusive = False


class ExclusiveScanKernel(_ScanKernel):
    """For each element, what all before it are together; the identity for the first.

    Parameters and errors are those of `InclusiveScanKernel`.

    Examples
    --------
    >>> from gpuarray.cuda import ExclusiveScanKernel
    >>> ExclusiveScanKernel("int64 n", "int64 start", "n", "a + b", "0", "starts")
    ExclusiveScanKernel('int64 n', 'int64 start', 'a + b', name='starts')
    """

    _exclusive = True
