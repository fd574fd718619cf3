"""C++ source to shared objects, kept on disk: finds a compiler, compiles once, survives races.

Comes in: C++ text and flags; goes out: the path of a shared object.  Never runs what it compiled.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from gpuarray.errors import BackendUnavailable, DeviceError

HERE = Path(__file__).parent
HEADERS = ("launch.h", "cuda_math.h", "cuda_on_cpu.h")

COMMON_FLAGS = ("-x", "c++", "-std=c++17", "-fPIC", "-shared", "-w", "-pipe")
# What a kernel needs: C++ as the GPU means it (integers wrap, nothing contracts or aliases), and
# no header or library beyond libc and libm.  Not optimized: nine thousand kernels are compiled, 55
# ms each with -O1 and 42 with -O0 (g++ 12.2), and they run for less.
KERNEL_FLAGS = (
    *("-O0", "-fwrapv", "-ffp-contract=off", "-fno-strict-aliasing", "-fno-math-errno"),
    *("-fno-exceptions", "-fno-rtti", "-fno-asynchronous-unwind-tables", "-fno-stack-protector"),
    *("-fvisibility=hidden", "-nostdinc", "-nostdlib", "-fno-sanitize=all"),
)
KERNEL_LIBRARIES = ("-lm", "-lc")
ENGINE_FLAGS = ("-O2", "-fno-sanitize=all", "-U_FORTIFY_SOURCE", f"-I{HERE}")

_lock = threading.Lock()


@functools.cache
def find_compiler() -> tuple[str, ...]:
    """The command of a C++ compiler.

    Raises
    ------
    BackendUnavailable
        If there is none; the message says what to install.
    """
    asked = os.environ.get("GPUARRAY_SIMULATOR_CXX")
    if asked:
        command = asked.split()
        if shutil.which(command[0]) is None:
            raise BackendUnavailable(f"GPUARRAY_SIMULATOR_CXX={asked!r}: no such program")
        return tuple(command)
    for name in ("c++", "g++", "clang++"):
        path = shutil.which(name)
        if path:
            return (path,)
    zig = importlib.util.find_spec("ziglang")
    if zig is not None and zig.origin is not None:
        # The program itself: `python -m ziglang` starts an interpreter for each compilation.
        return (str(Path(zig.origin).with_name("zig")), "c++")
    raise BackendUnavailable(
        "the simulator needs a C++ compiler and found none of c++, g++, clang++; install one, "
        "for example with `pip install ziglang`, or name one in GPUARRAY_SIMULATOR_CXX"
    )


@functools.cache
def cache_directory() -> Path:
    """Where shared objects are kept: `GPUARRAY_SIMULATOR_CACHE`, or under the user's cache."""
    asked = os.environ.get("GPUARRAY_SIMULATOR_CACHE")
    if asked:
        directory = Path(asked)
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        directory = Path(base) / "gpuarray" / "simulator"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if os.access(directory, os.W_OK):
            return directory
    except OSError:
        pass  # a read-only home, as in some sandboxes
    directory = Path(tempfile.gettempdir()) / f"gpuarray-simulator-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory


@functools.cache
def _environment_key() -> bytes:
    """What besides source and flags decides the result: compiler, headers, machine."""
    command = find_compiler()
    version = subprocess.run([*command, "--version"], capture_output=True, check=False).stdout
    headers = b"\0".join((HERE / name).read_bytes() for name in HEADERS)
    return b"\0".join([" ".join(command).encode(), version, headers, platform.machine().encode()])


def shared_object(text: str, flags: Sequence[str], libraries: Sequence[str] = ()) -> Path:
    """Compile `text`, or find that it has been compiled before.

    Parameters
    ----------
    text : str
        A whole translation unit.
    flags, libraries : sequence of str
        Passed to the compiler before and after the source.

    Raises
    ------
    DeviceError
        If the compiler refuses; the message holds what it said.
    """
    key = hashlib.sha256()
    for part in (text, *flags, *libraries):
        key.update(part.encode() + b"\0")
    key.update(_environment_key())
    path = cache_directory() / f"{key.hexdigest()[:40]}.so"
    if path.exists():
        return path
    with _lock:
        # The name is ours alone until the rename, so that other processes see all or nothing.
        handle, temporary = tempfile.mkstemp(suffix=".so", dir=path.parent)
        os.close(handle)
        try:
            command = [*find_compiler(), *COMMON_FLAGS, *flags, "-", "-o", temporary, *libraries]
            done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise DeviceError(f"the simulator's compiler refused a source:\n{done.stderr}")
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    return path
