"""Random programs give NumPy's values on every backend, recorded and fused or one by one.

Each program has 20 operations and more, of all kinds and dtypes (`programs`). NumPy alone says
what is expected. ``GPUARRAY_TEST_PROGRAMS=5000`` tries that many programs, new ones each time;
unset, the same few are tried each time, so that a cold cache of simulated kernels costs about a
minute.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import gpuarray as xp
from gpuarray import recording

from .programs import Program, numpys, programs, run

WANTED = int(os.environ.get("GPUARRAY_TEST_PROGRAMS", "0"))

profile = settings(
    max_examples=WANTED or 50,
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


# Programs that were wrong once, cut down to what was.
REGRESSIONS = {
    "the address of a scatter was released before its store": """
        v0 = make((4,), "int32", 6)
        v1 = v0 * 2
        evaluate(v1)
        v2 = xp.remainder(make((3,), "int32", 2), 4)
        v0[v2] = v1[v2]
        del v2
    """,
    "a scatter overwrote the array it was a copy of": """
        v0 = make((2, 1, 1), "int64", 8)
        v1 = v0 + 0
        evaluate(v1)
        v2 = xp.max(v1, axis=())
        v1[xp.remainder(v0[:, 0, 0], 2)] = -3
    """,
    "a scatter overwrote a held array through a view of it": """
        v0 = xp.full((2, 5), 1, dtype="float64")
        v1 = v0[:, [1, 2]]
        v0[1, [1, 2, 3]] = 0.375
        evaluate(v0)
    """,
    "a scatter of one element read winners that nobody had chosen": """
        v0 = make((4,), "uint32", 13)
        v0[[3]] += 1
    """,
    "an update wrote all repetitions of a broadcast array": """
        v0 = make((1, 3, 4), "float64", 14)
        v1 = xp.broadcast_to(v0, (2, 1, 3, 4))
        v0 += -1
        v1[0, 0, 2, :] = 0.375
    """,
    "a scatter read its value from where it wrote": """
        v0 = make((4,), "uint16", 11)
        v1 = xp.remainder(v0, 4)
        evaluate(v1)
        v0[v1] = v0
    """,
    "a mask that is a broadcast view had no positions": """
        v0 = make((5, 3), "int8", 1)
        v1 = xp.broadcast_to(xp.any(v0), (2,))
        v2 = v1[v1]
    """,
    "a broadcast view was taken for row-major memory": """
        v0 = make((2,), "bool", 16)
        v1 = xp.broadcast_to(v0 | v0, (2, 2))
        v2 = v1[v1]
    """,
    "a kernel made a reduction over the space of another one": """
        v0 = make((2, 2), "float64", 14)
        v1 = xp.mean(v0, axis=1, keepdims=True)
        v2 = -v1
        v3 = xp.mean(v2, axis=1, keepdims=True)
        v4 = xp.abs(v1)
        v5 = xp.abs(v4)
        v6 = v5 + v3
        del v1, v2, v3, v4, v5
    """,
    "a transposed array updated in place was taken for row-major memory": """
        v0 = xp.permute_dims(make((3, 4), "float64", 2), (1, 0))
        v0[1, 1] = 0.5
        v1 = xp.reshape(v0, (12,))
        evaluate(v1, v0)
    """,
}


@pytest.mark.parametrize("eager", [False, True], ids=["fused", "eager"])
@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_program_that_was_wrong(device, host, monkeypatch, name, eager):
    if eager:
        monkeypatch.setattr(recording, "_LIMIT", 0)
    lines = tuple(line.strip() for line in REGRESSIONS[name].strip().splitlines())
    found = run(lines, device)
    for variable, expected in numpys(lines).items():
        assert found[variable].dtype == expected.dtype
        np.testing.assert_array_equal(host(found[variable]), expected, variable)


def test_the_variable_makes_it_eager():
    lines = "import gpuarray as xp; x = xp.ones(3, device='cpu') + 1; print(x._node.op)"
    for value, pending in (("1", False), ("0", True)):
        environment = {**os.environ, "GPUARRAY_EAGER": value, "GPUARRAY_BACKEND": "numpy"}
        done = subprocess.run(
            [sys.executable, "-c", lines],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout.strip() != "None") == pending
