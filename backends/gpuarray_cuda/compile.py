"""CUDA C++ to cubin with NVRTC.

In comes a kernel's source and name, out goes a cubin for one architecture, from the disk cache if
it is there.  Never PTX: an older driver refuses the PTX of a newer NVRTC.  Needs no driver.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gpuarray.errors import BackendUnavailable, DeviceError

from .cache import KernelCache
from .context import INSTALL, packages

__all__ = ["Compiler", "compile_message"]

_LOG = logging.getLogger("gpuarray")

# `minimal` leaves out textures and device-side launches, of which generated code has none:
# 23 ms a kernel instead of 28 (NVRTC 13.5, sm_90).  No `fma`: contracted, `a * b + c`
# would change its bits with how operations were fused; on an H100 it cost nothing measurable.
OPTIONS = {"std": "c++17", "fma": False, "minimal": True}

# A wait that can be noticed is explained. Nearly all kernels take a tenth of this; a pass of the
# radix sort, the largest of them, 0.1 to 0.4 s.
NOTICED_SECONDS = 0.1

SHOWN_ERRORS = 3
SHOWN_LINES = 3  # before and after the line of an error

_ERROR = re.compile(r"^.*\((\d+)\): (?:catastrophic )?error\b:?\s*(.*)$", re.MULTILINE)


class Compiler:
    """Compiles for one architecture.

    Parameters
    ----------
    architecture : str
        Such as ``"sm_90"``.
    cache : KernelCache
        Where cubins are kept.

    Raises
    ------
    BackendUnavailable
        If NVRTC is not there.
    """

    __slots__ = ("_architecture", "_cache", "_core", "_fingerprint")

    def __init__(self, architecture: str, cache: KernelCache) -> None:
        modules = packages()
        try:
            _code, major, minor = modules.nvrtc.nvrtcVersion()
        except Exception as error:
            raise BackendUnavailable(
                f"cuda: the compiler NVRTC was not found (nvidia-cuda-nvrtc); {INSTALL}"
            ) from error
        self._core: Any = modules.core
        self._architecture = architecture
        self._cache = cache
        self._fingerprint = f"NVRTC {major}.{minor} {architecture} {sorted(OPTIONS.items())}"

    def key(self, source: str, name: str) -> str:
        """What the cubin depends on, in one hexadecimal number."""
        text = "\0".join((self._fingerprint, name, source))
        return hashlib.sha256(text.encode(), usedforsecurity=False).hexdigest()

    def stored(self, source: str, name: str) -> bytes | None:
        """The cubin from the disk cache, or None."""
        return self._cache.get(self.key(source, name))

    def compile(self, source: str, name: str) -> bytes:
        """Compile, and keep the cubin on disk.

        Raises
        ------
        DeviceError
            If the source does not compile; the message shows the lines in question.
        """
        options = self._core.ProgramOptions(arch=self._architecture, name=name, **OPTIONS)
        try:
            with self._explained(name):
                program = self._core.Program(source, "c++", options)
                try:
                    cubin = bytes(program.compile("cubin").code)
                finally:
                    # In an error's traceback the garbage collector would find it, of which
                    # cuda.core 1.2.0 complains.
                    del program
        except Exception as error:  # cuda.core has no public name for its exceptions
            raise DeviceError(compile_message(name, source, str(error))) from error
        self._cache.put(self.key(source, name), cubin)
        return cubin

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        """Tell what is being built, where it takes long."""
        kept = self._cache.directory
        timer = threading.Timer(
            NOTICED_SECONDS,
            _LOG.warning,
            (
                "Compiling %s for %s, %s",
                name,
                self._architecture,
                f"once: it is kept in {kept}" if kept else "in each process: no cache is used",
            ),
        )
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def compile_message(name: str, source: str, log: str) -> str:
    """A compiler's log with the source lines that its first errors name.

    Parameters
    ----------
    name : str
        The kernel.
    source : str
        What was compiled.
    log : str
        What the compiler said; an error is a line ``NAME(LINE): error: MESSAGE``.
    """
    lines = source.splitlines()
    errors = list(_ERROR.finditer(log))
    parts = [f"kernel {name!r} does not compile"]
    for match in errors[:SHOWN_ERRORS]:
        wrong = int(match[1])
        parts.append(f"line {wrong}: {match[2]}")
        for number in range(wrong - SHOWN_LINES, wrong + SHOWN_LINES + 1):
            if 1 <= number <= len(lines):
                mark = ">" if number == wrong else " "
                parts.append(f"{mark}{number:5d} | {lines[number - 1]}")
    if len(errors) > SHOWN_ERRORS:
        parts.append(f"and {len(errors) - SHOWN_ERRORS} more errors")
    if not errors:
        parts.append(log.strip())
    return "\n".join(parts)
