"""Random programs give NumPy's values on every backend, recorded and fused or one by one.

Each program has 20 operations and more, of all kinds and dtypes (`programs`). NumPy alone says what is
expected. ``GPUARRAY_TEST_PROGRAMS=5000`` tries that many programs, new ones each time; unset, the
same few are tried each time, so that a cold cache of simulated kernels costs about a minute.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import gpuarray as xp
from gpuarray import recording

from .programs import Program, programs, run

WANTED = int(os.environ.get("GPUARRAY_TEST_PROGRAMS", "0"))

profile = settings(
    max_examples=WANTED or 60,
    derandomize=not WANTED,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def check(program: Program, found: dict[str, xp.Array]) -> None:
    assert set(found) == set(program.results)
    for name, expected in program.results.items():
        x, array = found[name], expected.array
        assert (name, x.shape, x.dtype) == (name, array.shape, array.dtype)
        actual = np.asarray(x.to_device("cpu"))
        # NumPy's own value may be off by as much.
        np.testing.assert_allclose(actual, array, rtol=0, atol=2 * expected.error, err_msg=name)


@pytest.mark.parametrize("eager", [False, True], ids=["fused", "eager"])
@pytest.mark.parametrize("device", ["cpu", "cuda:0"], indirect=True)
@given(program=programs())
@profile
def test_a_program_has_numpys_values(device, eager, program):
    with pytest.MonkeyPatch.context() as patch:
        if eager:
            patch.setattr(recording, "_LIMIT", 0)  # what GPUARRAY_EAGER=1 makes it
        check(program, run(program.lines, device))
