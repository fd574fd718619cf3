"""What reductions and scans of a user's own have in common: C++ for what two values are together.

In: parameters and C++ expressions. Out: the map of the inputs, and functions in C++: ``combined``
of two values and ``start`` of none.
"""

from __future__ import annotations

import hashlib
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from gpuarray.cuda.elementwise_kernel import ElementwiseKernel
from gpuarray.cuda.parameters import Parameter, parameters
from gpuarray.operations import CustomOperation

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["Combining"]

DType = np.dtype[Any]


class Combining:
    """The base of `ReductionKernel` and of the scans.

    Parameters
    ----------
    name, in_params, out_params, map_expr, preamble : str
        As there.
    expression : str
        What ``a`` and ``b`` are together.
    identity : str
        What changes nothing.
    kind : str, optional
        The type of what is combined; None: that of the output.

    Raises
    ------
    TypeError, ValueError
        A declaration is none, or there is not one output.
    """

    def __init__(
        self,
        name: str,
        in_params: str,
        out_params: str,
        map_expr: str,
        expression: str,
        identity: str,
        preamble: str,
        kind: str | None = None,
    ) -> None:
        outputs = parameters(name, out_params)
        if len(outputs) != 1:
            raise ValueError(f"{name}: one output is needed, got {out_params!r}")
        self.name = name
        self._texts = in_params, out_params, expression
        self._expression = expression
        self._identity = str(identity)
        self._preamble = preamble
        self._kind = kind or _type(outputs[0])
        self._map = ElementwiseKernel(
            in_params, f"{self._kind} mapped_", f"mapped_ = {map_expr}", f"{name}_map", preamble
        )
        texts = "\0".join((preamble, expression, self._identity)).encode()
        self._digest = hashlib.sha256(texts, usedforsecurity=False).hexdigest()[:16]
        self._checked: set[tuple[Device, DType]] = set()

    def __repr__(self) -> str:
        ins, outs, expression = self._texts
        return f"{type(self).__name__}({ins!r}, {outs!r}, {expression!r}, name={self.name!r})"

    def _functions(self, namespace: str, *, bools: bool = False) -> str:
        """The functions; `bools`: T is a byte that is 0 or 1, and stays so."""
        cast = "(T)(bool)" if bools else "(T)"
        start = f"(T)(bool)({self._identity})" if bools else f"::cast<T>({self._identity})"
        return f"""namespace {namespace} {{
{textwrap.dedent(self._preamble)}
template <class T>
__device__ __forceinline__ T combined(T a, T b) {{
  return {cast}({self._expression});
}}
template <class T>
__device__ __forceinline__ T start() {{
  return {start};
}}
}}
"""

    def _check(self, dtype: DType, device: Device) -> None:
        """Compile what a dtype uses of the functions, once: errors are those of this call."""
        if (device, dtype) not in self._checked:
            used = self._used(dtype)
            operation = CustomOperation(self.name, (dtype,), dtype, "", used, np.asarray)
            device.backend.manager.hook.gpuarray_check_custom(device=device, operation=operation)
            self._checked.add((device, dtype))

    def _used(self, dtype: DType) -> str:
        """C++ with an instance of each function for a dtype."""
        raise NotImplementedError


def _type(output: Parameter) -> str:
    return output.variable if output.dtype is None else str(output.dtype)
