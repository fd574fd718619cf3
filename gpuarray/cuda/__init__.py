"""What only CUDA has, as the namespace `gpuarray.cuda`: kernels of one's own, streams.

In: CUDA C++. Out: functions of arrays, which fuse with the operations around them, and kernels that
are launched as they are; streams, events and copies.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import profiler
from .elementwise_kernel import ElementwiseKernel
from .graph import Graph
from .memory import memory_info, set_memory_limit, trim_memory
from .raw_kernel import RawKernel
from .raw_module import Global, RawModule, compile_code
from .reduction_kernel import ReductionKernel
from .streams import Event, Stream, current_stream
from .transfers import copy_to_device, copy_to_host, pinned_empty

__all__ = [
    "ElementwiseKernel",
    "Event",
    "Global",
    "Graph",
    "RawKernel",
    "RawModule",
    "ReductionKernel",
    "Stream",
    "compile_code",
    "copy_to_device",
    "copy_to_host",
    "current_stream",
    "memory_info",
    "pinned_empty",
    "profiler",
    "set_memory_limit",
    "trim_memory",
]

if not _TYPE_CHECKING:  # which would take any name for one that is there

    def __getattr__(name: str) -> _Any:
        from gpuarray.suggestions import unknown_name

        raise unknown_name(__name__, name)
