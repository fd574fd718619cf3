"""What only CUDA has, as the namespace `gpuarray.cuda`: kernels of one's own.

In: CUDA C++. Out: functions of arrays, which fuse with the operations around them, and kernels that
are launched as they are.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .elementwise_kernel import ElementwiseKernel
from .raw_module import Global, RawKernel, RawModule

__all__ = ["ElementwiseKernel", "Global", "RawKernel", "RawModule"]

if not _TYPE_CHECKING:  # which would take any name for one that is there

    def __getattr__(name: str) -> _Any:
        from gpuarray.suggestions import unknown_name

        raise unknown_name(__name__, name)
