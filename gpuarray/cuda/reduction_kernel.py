"""Reductions of a user's own: C++ that maps elements, combines two of them, and finishes a result.

In: parameters and C++ expressions. Out: a function of arrays that records the reduction; the map,
the fold and the finish are one kernel, with what is around them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gpuarray.arguments import checked_flag, reduced_axes
from gpuarray.array import Array
from gpuarray.cuda.combining import Combining
from gpuarray.cuda.elementwise_kernel import ElementwiseKernel
from gpuarray.operations import CustomFold
from gpuarray.recording import full
from gpuarray.reductions import count, reduced

__all__ = ["ReductionKernel"]

DType = np.dtype[Any]


class ReductionKernel(Combining):
    """A reduction of arrays from C++ expressions.

    Parameters
    ----------
    in_params : str
        The inputs, as for `ElementwiseKernel`.
    out_params : str
        The output, alike; one.
    map_expr : str
        What an element contributes: an expression of the inputs.
    reduce_expr : str
        What two contributions ``a`` and ``b`` are together: an expression. In which order elements
        are combined is not said, so it has to be associative and commutative, up to rounding.
    post_map_expr : str
        A statement that assigns the output, from the whole, ``a``.
    identity : str
        What changes nothing when combined: an expression of constants. Also the result where there
        are no elements, if it is a number.
    name : str, optional
        For messages and profiles.
    reduce_type : str, optional
        The type of contributions; None: that of the output.
    preamble : str, optional
        C++ before it, as for `ElementwiseKernel`.

    Raises
    ------
    TypeError, ValueError
        A declaration is none, or there is not one output.

    Examples
    --------
    >>> from gpuarray.cuda import ReductionKernel
    >>> norm = ReductionKernel("T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "norm")
    >>> norm
    ReductionKernel('T x', 'T y', 'a + b', name='norm')
    """

    def __init__(
        self,
        in_params: str,
        out_params: str,
        map_expr: str,
        reduce_expr: str,
        post_map_expr: str,
        identity: str,
        name: str = "reduction",
        reduce_type: str | None = None,
        preamble: str = "",
    ) -> None:
        super().__init__(
            name, in_params, out_params, map_expr, reduce_expr, identity, preamble, reduce_type
        )
        # Of the inputs it knows the whole alone: the output has its type, or one that is named.
        self._finish = ElementwiseKernel(
            f"{self._kind} a", out_params, post_map_expr, f"{name}_finish", preamble
        )
        self._fold = self._written()

    def __call__(
        self,
        *args: Any,
        axis: int | tuple[int, ...] | None = None,
        keepdims: bool = False,
    ) -> Array:
        """The reduction of these inputs.

        Parameters
        ----------
        *args : Array or scalar
            The inputs, of which one must be an array; shapes broadcast.
        axis : int or tuple of int, optional
            The axes to fold; None: all.
        keepdims : bool, optional
            Whether folded axes remain, with extent 1.

        Returns
        -------
        Array
            Pending.

        Raises
        ------
        TypeError
            As for `ElementwiseKernel`.
        IndexError
            An axis is out of range.
        ValueError
            The shapes do not match, or there are no elements and the identity is no number.
        DeviceError
            An expression does not compile; the message shows the lines.
        """
        mapped: Array = self._map(*args)
        keepdims = checked_flag(self.name, "keepdims", keepdims)
        axes = reduced_axes(self.name, axis, mapped.ndim)
        self._check(mapped.dtype, mapped.device)
        whole = mapped
        if axes:
            whole = reduced(self._fold, mapped, axes, keepdims, mapped.dtype)
            if count(mapped, axes) == 0:
                whole = full(whole.shape, self._start(mapped.dtype), mapped.dtype, mapped.device)
        result: Array = self._finish(whole)
        return result

    def _start(self, dtype: DType) -> Any:
        """The identity as a number of a dtype."""
        value: int | float
        try:
            value = int(self._identity.rstrip("uUlL"), 0)
        except ValueError:
            try:
                value = float(self._identity)
            except ValueError:
                raise ValueError(
                    f"{self.name}: nothing to reduce, and the identity {self._identity!r} is no "
                    "number"
                ) from None
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            if value != value // 1 or not limits.min <= value <= limits.max:
                raise ValueError(
                    f"{self.name}: nothing to reduce, and the identity {self._identity!r} is no "
                    f"{dtype}"
                )
            return int(value)
        return dtype.type(value).item()

    def _used(self, dtype: DType) -> str:
        from gpuarray_cuda.codegen.values import C_NAMES

        fold = self._fold
        return f"{fold.definition}template struct ga_state_of_{fold}<{C_NAMES[dtype]}>;\n"

    def _written(self) -> CustomFold:
        name = f"{self.name}_{self._digest}"
        definition = f"""{self._functions(f"{name}_fold")}template <class T>
struct ga_state_of_{name} {{
  T a = {name}_fold::start<T>();
  __device__ __forceinline__ void add(T x) {{ a = {name}_fold::combined<T>(a, x); }}
  __device__ __forceinline__ void merge(const ga_state_of_{name}& o) {{ add(o.a); }}
  __device__ __forceinline__ T result() const {{ return a; }}
}};
template <class T>
using ga_{name} = ga_state_of_{name}<T>;
"""
        return CustomFold(name, definition)
