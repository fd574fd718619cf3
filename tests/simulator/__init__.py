"""CUDA kernels run on the CPU, so that the whole CUDA backend is tested without a GPU."""

from .instruments import Counters, Failure, Launch
from .runtime import SimulatedDeviceRuntime, SimulatedRuntime, simulated_runtime

__all__ = [
    "Counters",
    "Failure",
    "Launch",
    "SimulatedDeviceRuntime",
    "SimulatedRuntime",
    "simulated_runtime",
]
