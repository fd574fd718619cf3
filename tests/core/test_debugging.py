"""``GPUARRAY_DEBUG=1``: an operation that fails on the device names the line that recorded it."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import numpy as np
import gpuarray as xp
from gpuarray.errors import DeviceError
from gpuarray.plugins import hookimpl, register

class Failing:
    @hookimpl
    def gpuarray_run(self, task):
        raise DeviceError("it faulted")

with xp.backend("numpy"):
    x = xp.asarray(np.arange(3.0))
    register(Failing(), name="failing")
    for make in (lambda: x + 1, lambda: -x, lambda: xp.where(x > 0, x, 0.0)):
        y = make()
        try:
            xp.evaluate(y)
        except DeviceError as error:
            print(str(error).splitlines()[-1].strip())
"""


def failures(debug: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "GPUARRAY_DEBUG": debug},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_an_operation_that_fails_names_the_line_that_recorded_it() -> None:
    assert failures("1") == ["recorded at <string>:15"] * 3


def test_without_it_the_message_ends_with_the_operations() -> None:
    assert failures("0")[:2] == [
        "while computing add over (3,)",
        "while computing negative over (3,)",
    ]


LEAKING = """
import numpy as np
import gpuarray as xp

with xp.backend("numpy"):
    kept = xp.asarray(np.arange(3.0))
    y = kept * 2.0
    xp.evaluate(y)
    many = [xp.asarray(np.zeros(10)) for _ in range(4)]
    gone = xp.asarray(np.zeros(1000))
    del gone
    empty = xp.asarray(np.zeros(0))
"""


def test_memory_in_use_at_the_end_is_listed_with_the_lines_that_made_it() -> None:
    def errors(debug: str, program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "GPUARRAY_DEBUG": debug},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stderr

    assert errors("1", LEAKING).splitlines() == [
        "gpuarray: at exit 6 buffers, 368 bytes still in use on 'cpu', made at",
        "  <string>:9: 4 buffers, 320 bytes",
        "  <string>:6: 1 buffer, 24 bytes",
        "  <string>:7: 1 buffer, 24 bytes",
    ]
    assert errors("1", LEAKING + "    del kept, y, many\n") == ""
    assert errors("0", LEAKING) == ""
