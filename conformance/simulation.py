"""A pytest plugin: the CUDA backend runs on the simulator, in every process that loads it.

In: nothing. Out: nothing but that; `tests/simulator` is what answers the backend.
"""

from __future__ import annotations

import pytest

from gpuarray_cuda.plugin import use_runtime
from tests.simulator import simulated_runtime


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    # Before the suite's conftest is imported, which makes an array.
    use_runtime(simulated_runtime())
