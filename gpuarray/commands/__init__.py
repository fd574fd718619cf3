"""The command line, ``python -m gpuarray demo`` and ``python -m gpuarray info``.

In: the words of a command. Out: text, and an exit code: 0, 1 where the demo's results are wrong,
2 where it can't run, with the reason on stderr. A user never sees a traceback for a known error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gpuarray.errors import BackendUnavailable, DeviceError, OutOfMemory

__all__ = ["main"]

CANNOT_RUN = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``python -m gpuarray``; those of this process by default.
    """
    chosen = _parser().parse_args(arguments)
    try:
        if chosen.command == "info":
            from gpuarray.commands.info import info

            return info()
        from gpuarray.commands.demo import demo

        return demo(chosen.backend, chosen.size, chosen.output)
    except (BackendUnavailable, DeviceError, OutOfMemory, OSError) as error:
        return _failed(error)


def _failed(error: Exception) -> int:
    print(f"gpuarray: {error}", file=sys.stderr)
    return CANNOT_RUN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gpuarray",
        description="The array API standard on NVIDIA GPUs and on NumPy.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="run three programs on gpuarray and on NumPy, and compare time and results",
        description="Run three programs written for the array API standard on gpuarray and on "
        "NumPy. Prints a table and saves a picture; the exit code is 1 if results differ.",
    )
    demo.add_argument(
        "--backend", metavar="NAME", help="numpy, cuda, ... (default: GPUARRAY_BACKEND, or auto)"
    )
    demo.add_argument("--size", choices=("small", "medium", "large"), default="medium")
    demo.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("demo-output"),
        help="where the picture goes (default: %(default)s)",
    )
    commands.add_parser(
        "info",
        help="show version, backends, devices, memory, cache directory and environment",
        description="Show what gpuarray finds on this machine, and why a backend can't start.",
    )
    return parser
