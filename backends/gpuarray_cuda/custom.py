"""C++ that a user has written, compiled alone when it is first used.

In: an operation. Out: nothing, or the compiler's error with the lines it names; so that a mistake
shows at the call that made it, and not where a fused kernel is flushed.
"""

from __future__ import annotations

from gpuarray.errors import DeviceError
from gpuarray.operations import CustomOperation
from gpuarray_cuda.codegen.device_functions import source_for
from gpuarray_cuda.runtime import DeviceRuntime

__all__ = ["check"]

_NAME = "gpuarray_check"
_KERNEL = f"""
struct Args {{
  i64 unused;
}};

extern "C" __global__ void __launch_bounds__(32) {_NAME}(const __grid_constant__ Args a) {{}}
"""


def check(operation: CustomOperation, runtime: DeviceRuntime) -> None:
    """Compile an operation's definition; once, for it is kept as kernels are.

    Raises
    ------
    DeviceError
        It does not compile.
    """
    text = operation.definition + _KERNEL
    try:
        runtime.compile(source_for(text) + text, _NAME, "q")
    except DeviceError as error:
        raise DeviceError(str(error).replace(_NAME, operation.name)) from None
