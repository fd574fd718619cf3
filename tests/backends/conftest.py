"""Every test here runs on each backend: NumPy, and CUDA on the simulator or on a real device.

`device` is the name of the device under test, which is also the default one during the test.
``GPUARRAY_TEST_DEVICE=cuda`` runs the CUDA half on the GPU of the machine.
"""

import os
from collections.abc import Iterator

import numpy as np
import pytest

import gpuarray as xp
from gpuarray_cuda.plugin import use_runtime
from tests.simulator import simulated_runtime

REAL = os.environ.get("GPUARRAY_TEST_DEVICE") == "cuda"
if not REAL:
    use_runtime(simulated_runtime())


@pytest.fixture(params=["cpu", "cuda:0"])
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    """The device under test, made the default."""
    name = "numpy" if request.param == "cpu" else "cuda"
    with xp.backend(name):
        yield request.param


@pytest.fixture
def host():
    """The elements of an array as a NumPy array."""
    return lambda x: np.asarray(x.to_device("cpu"))
