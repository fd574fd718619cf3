"""What two devices are to each other.

In: two devices. Out: whether one reads the other's memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpuarray.cuda.raw_module import executor_of
from gpuarray.devices import device as find_device

if TYPE_CHECKING:
    from gpuarray.devices import Device

__all__ = ["can_access_peer"]


def can_access_peer(device: Device | str, other: Device | str) -> bool:
    """Whether a device reads and writes the memory of another one without the host.

    Then ``x.to_device(device)`` copies from there over the link between the two; otherwise the
    driver takes the copy through the host's memory.

    Raises
    ------
    TypeError
        One is no CUDA device.
    """
    here, there = find_device(device), find_device(other)
    executor_of("can_access_peer", there)
    runtime = executor_of("can_access_peer", here).runtime
    return bool(runtime.addresses.reaches_peer(there.ordinal))
