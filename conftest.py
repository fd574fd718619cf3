"""Examples in docstrings and documents run on NumPy, whatever device a machine has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _examples_run_on_numpy(request: pytest.FixtureRequest) -> Iterator[None]:
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    import gpuarray

    with gpuarray.backend("numpy"):
        yield
