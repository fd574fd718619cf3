"""What only CUDA has, as the namespace `gpuarray.cuda`: kernels of one's own, streams.

In: CUDA C++. Out: functions of arrays, which fuse with the operations around them, and kernels that
are launched as they are; streams, events and copies.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from . import profiler
from .elementwise_kernel import ElementwiseKernel
from .graph import Graph
from .host_visible import advise, host_view, managed_empty, mapped_empty, prefetch
from .ipc import IpcHandle, from_ipc_handle, ipc_empty, ipc_handle
from .memory import memory_info, set_memory_limit, trim_memory
from .peers import can_access_peer
from .raw_copies import memcpy, memcpy2d, memset
from .raw_kernel import RawKernel
from .raw_module import Global, RawModule, compile_code
from .reduction_kernel import ReductionKernel
from .resources import MemoryResource, pool_resource, set_memory_resource
from .scan_kernel import ExclusiveScanKernel, InclusiveScanKernel
from .streams import Event, Stream, current_stream
from .transfers import copy_to_device, copy_to_host, pinned_empty

__all__ = [
    "ElementwiseKernel",
    "Event",
    "ExclusiveScanKernel",
    "Global",
    "Graph",
    "InclusiveScanKernel",
    "IpcHandle",
    "MemoryResource",
    "RawKernel",
    "RawModule",
    "ReductionKernel",
    "Stream",
    "advise",
    "can_access_peer",
    "compile_code",
    "copy_to_device",
    "copy_to_host",
    "current_stream",
    "from_ipc_handle",
    "host_view",
    "ipc_empty",
    "ipc_handle",
    "managed_empty",
    "mapped_empty",
    "memcpy",
    "memcpy2d",
    "memory_info",
    "memset",
    "pinned_empty",
    "pool_resource",
    "prefetch",
    "profiler",
    "set_memory_limit",
    "set_memory_resource",
    "trim_memory",
]

if not _TYPE_CHECKING:  # which would take any name for one that is there

    def __getattr__(name: str) -> _Any:
        from gpuarray.suggestions import unknown_name

        raise unknown_name(__name__, name)
