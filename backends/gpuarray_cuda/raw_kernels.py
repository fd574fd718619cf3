"""Kernels of a user's modules: what they take, how many run at once, and their launches.

In: a kernel as cuda.core has it, arguments as bytes, a shape. Out: work on a stream.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from .context import OUT_OF_MEMORY, Context
from .kernel_interface import LaunchShape
from .launch import UNASKED_SHARED_BYTES, allow_shared, kernel_attributes

__all__ = ["CudaRawKernel", "launch"]

# CUDA_ERROR_INVALID_VALUE.
_NO_PARAMETER = 1

# Blocks of a cluster that every device with clusters takes; more have to be asked for.
_PORTABLE_CLUSTER = 8


class CudaRawKernel:
    """A kernel of a module; see `kernel_interface.RawKernel`."""

    def __init__(self, context: Context, name: str, owner: Any) -> None:
        driver = context.driver
        self.name = name
        self.handle = int(owner.handle)
        self._context = context
        self._owner = owner  # unloads the code when it goes
        query = driver.CUkernel(self.handle)
        found: list[tuple[int, int]] = []
        with context.current():
            # The error is the only sign of how many there are.
            while (result := driver.cuKernelGetParamInfo(query, len(found)))[0] != _NO_PARAMETER:
                offset, size = context.check(result, f"read the parameters of kernel {name!r}")
                found.append((int(offset), int(size)))
            values = kernel_attributes(
                *(context, self.handle, name),
                "NUM_REGS",
                "LOCAL_SIZE_BYTES",
                "SHARED_SIZE_BYTES",
                "MAX_THREADS_PER_BLOCK",
            )
        self.parameters = tuple(found)
        self.registers, self.local_bytes, self.static_shared_bytes, self.max_threads = values
        self.shared_allowed = max(0, UNASKED_SHARED_BYTES - self.static_shared_bytes)

    def active_blocks(self, threads: int, shared_bytes: int) -> int:
        """See `kernel_interface.RawKernel.active_blocks`."""
        with self._context.current():
            allow_shared(self._context, self, shared_bytes)
            return int(
                self._owner.occupancy.max_active_blocks_per_multiprocessor(threads, shared_bytes)
            )

    def best_block(self, shared_bytes: int) -> tuple[int, int]:
        """See `kernel_interface.RawKernel.best_block`."""
        with self._context.current():
            allow_shared(self._context, self, shared_bytes)
            found = self._owner.occupancy.max_potential_block_size(shared_bytes, 0)
        return int(found.min_grid_size), int(found.max_block_size)


def launch(
    context: Context,
    make_room: Callable[[], object],
    kernel: CudaRawKernel,
    shape: LaunchShape,
    stream: int,
    packed: bytes,
) -> None:
    """See `runtime.DeviceRuntime.launch_raw`."""
    buffer = ctypes.create_string_buffer(packed, max(len(packed), 1))
    base = ctypes.addressof(buffer)
    places = [base + offset for offset, _ in kernel.parameters]
    addresses = (ctypes.c_void_p * max(len(places), 1))(*places)
    with context.current():
        allow_shared(context, kernel, shape.shared_bytes)
        for again in (True, False):
            code = _launched(context, kernel, shape, stream, ctypes.addressof(addresses))
            if code != OUT_OF_MEMORY or not again:
                break
            make_room()
    if code != 0:
        raise context.error(code, f"launch kernel {kernel.name!r} ({shape})")
    # Only now: a fault that this launch reports is an earlier kernel's.
    context.last_kernel = kernel.name


def _launched(
    context: Context, kernel: CudaRawKernel, shape: LaunchShape, stream: int, addresses: int
) -> Any:
    """Launch; the driver's code."""
    driver = context.driver
    function = driver.CUfunction(kernel.handle)
    if shape.cluster is None and not shape.cooperative:
        return driver.cuLaunchKernel(
            function, *shape.grid, *shape.block, shape.shared_bytes, stream, addresses, 0
        )[0]
    ids = driver.CUlaunchAttributeID
    attributes = []
    if shape.cluster is not None:
        if shape.cluster[0] * shape.cluster[1] * shape.cluster[2] > _PORTABLE_CLUSTER:
            asked = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED
            context.check(
                driver.cuKernelSetAttribute(
                    asked, 1, driver.CUkernel(kernel.handle), context.ordinal
                ),
                f"let kernel {kernel.name!r} have clusters of {shape.cluster} blocks",
            )
        attribute = driver.CUlaunchAttribute()
        attribute.id = ids.CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION
        size = attribute.value.clusterDim
        size.x, size.y, size.z = shape.cluster
        attributes.append(attribute)
    if shape.cooperative:
        attribute = driver.CUlaunchAttribute()
        attribute.id = ids.CU_LAUNCH_ATTRIBUTE_COOPERATIVE
        attribute.value.cooperative = 1
        attributes.append(attribute)
    config = driver.CUlaunchConfig()
    config.gridDimX, config.gridDimY, config.gridDimZ = shape.grid
    config.blockDimX, config.blockDimY, config.blockDimZ = shape.block
    config.sharedMemBytes = shape.shared_bytes
    config.hStream = driver.CUstream(stream)
    config.attrs = attributes
    config.numAttrs = len(attributes)
    return driver.cuLaunchKernelEx(config, function, addresses, 0)[0]
