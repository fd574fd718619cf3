"""The memory of a device: what is used, what is held for reuse, and how much may be.

In: a CUDA device. Out: numbers of bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.cuda.raw_module import executor_of
from gpuarray.devices import device as find_device
from gpuarray.plugins import MemoryInfo

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["memory_info", "set_memory_limit", "trim_memory"]


def memory_info(device: Device | str | None = None) -> MemoryInfo:
    """What is used by living arrays, held in all, allowed at most, and free, in bytes.

    Parameters
    ----------
    device : Device or str, optional
        A CUDA device; None: the default device.

    Returns
    -------
    MemoryInfo
        `used`, `held`, `limit`, `free`, `total`, and `peak`, the most that was used so far.

    Raises
    ------
    TypeError
        The device is no CUDA device.
    """
    found = find_device(device)
    executor_of("memory_info", found)
    info: MemoryInfo = found.hook.gpuarray_memory(device=found)
    return info


def trim_memory(device: Device | str | None = None) -> int:
    """Give memory that is held but not used back to the device, for other programs; waits for it.

    Returns
    -------
    int
        The bytes that were given back.
    """
    return int(executor_of("trim_memory", find_device(device)).runtime.trim())


def set_memory_limit(nbytes: int | None, device: Device | str | None = None) -> None:
    """Allow this process at most so many bytes of a device; more is an `OutOfMemory` error.

    Parameters
    ----------
    nbytes : int, optional
        At least 1; None: all that the device has. What is used already stays.
    device : Device or str, optional
        A CUDA device; None: the default device.

    Raises
    ------
    TypeError
        `nbytes` is no integer, or the device no CUDA device.
    ValueError
        `nbytes` is not positive, or more than the device has.

    Notes
    -----
    `GPUARRAY_MEMORY_LIMIT` sets it from the beginning.
    """
    runtime = executor_of("set_memory_limit", find_device(device)).runtime
    total = runtime.properties.total_bytes
    if nbytes is not None and (isinstance(nbytes, bool) or not isinstance(nbytes, int)):
        raise TypeError(f"set_memory_limit: nbytes must be an integer, got {type(nbytes).__name__}")
    if nbytes is not None and not 1 <= nbytes <= total:
        raise ValueError(f"set_memory_limit: nbytes must be from 1 to {total}, got {nbytes}")
    runtime.limit_memory(total if nbytes is None else nbytes)
