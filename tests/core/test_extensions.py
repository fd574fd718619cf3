"""The extensions of the standard are there, and imported only when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gpuarray

PROGRAM = """
import sys
import gpuarray
assert not {"gpuarray.linalg", "gpuarray.fft"} & sys.modules.keys()
gpuarray.linalg.inv, gpuarray.fft.fft
assert gpuarray.linalg is sys.modules["gpuarray.linalg"]
"""


def test_extensions_are_imported_when_they_are_used() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


def test_extensions_can_be_imported_by_name() -> None:
    for statement in ("import gpuarray.linalg, gpuarray.fft", "from gpuarray import linalg, fft"):
        subprocess.run([sys.executable, "-c", statement], check=True)


def test_there_is_nothing_else_by_that_way() -> None:
    with pytest.raises(AttributeError, match="module 'gpuarray' has no attribute 'nothing'"):
        gpuarray.nothing  # noqa: B018
