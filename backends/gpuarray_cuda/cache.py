"""Compiled kernels on disk, shared by processes.

In comes a key and a cubin, out comes the cubin, whole, or None.  Nothing here raises: a disk that
is missing, full, read-only or someone else's costs compile time, never the program.

`cuda.core.utils.FileStreamProgramCache` is not used: it stores the bare binary, so that a damaged
one can't be told; it flushes each entry to disk, which the checksum here makes needless; its size
limit walks the whole directory at every start; and its directory is open to read for all.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import stat
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

__all__ = ["KernelCache", "cache_directory"]

_LOG = logging.getLogger("gpuarray")

# An entry is this line, the SHA-256 of key and cubin, and the cubin.
MAGIC = b"gpuarray kernel 1\n"
DIGEST_BYTES = 32

# A kernel of ours has 4-40 KB (sm_90, NVRTC 13.5), so this is some ten thousand kernels.
LARGEST_CACHE_BYTES = 256 << 20
KEPT_SHARE = 0.75
WRITES_BETWEEN_CHECKS = 256
STALE_SECONDS = 3600.0


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where the kernels go: ``GPUARRAY_CACHE_DIR``, or the user's cache directory.

    None if ``GPUARRAY_CACHE=0`` turns the cache off, or the user has no home directory.
    """
    if environment.get("GPUARRAY_CACHE", "").strip() == "0":
        return None
    chosen = environment.get("GPUARRAY_CACHE_DIR", "").strip()
    try:
        if chosen:
            return Path(chosen).expanduser() / "kernels"
        if sys.platform == "win32":
            root = environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        else:
            root = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # no home directory
        return None
    return Path(root) / "gpuarray" / "kernels"


class KernelCache:
    """A directory of cubins.

    Writing is atomic (a temporary file is renamed), so that other processes see an entry whole or
    not at all.  What was not used for longest goes when the directory grows past
    `LARGEST_CACHE_BYTES`.

    Parameters
    ----------
    directory : Path or None
        Made with mode 0700 at the first use.  None: nothing is kept.
    """

    __slots__ = ("_directory", "_usable", "_writes")

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._usable: bool | None = None if directory else False
        self._writes = 0

    @property
    def directory(self) -> Path | None:
        """Where the kernels are kept; None if they are not."""
        return self._directory if self._usable else None

    def get(self, key: str) -> bytes | None:
        """The cubin under `key` (hexadecimal), or None; a damaged entry is removed."""
        path = self._path(key)
        if path is None:
            return None
        try:
            data = path.read_bytes()
        except OSError:
            return None
        start = len(MAGIC) + DIGEST_BYTES
        cubin = data[start:]
        if data[:start] != MAGIC + _digest(key, cubin):
            self.discard(key)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # the time of last use, which decides what goes first
        return cubin

    def put(self, key: str, cubin: bytes) -> None:
        """Keep `cubin` under `key`."""
        path = self._path(key)
        if path is None:
            return
        temporary = None
        try:
            descriptor, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
            with os.fdopen(descriptor, "wb") as file:
                file.write(MAGIC + _digest(key, cubin) + cubin)
            os.replace(temporary, path)
        except OSError as error:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            self._give_up(f"it can't be written ({error})")
            return
        if self._writes % WRITES_BETWEEN_CHECKS == 0:
            self._remove_oldest(path.parent)
        self._writes += 1

    def discard(self, key: str) -> None:
        """Forget `key`."""
        path = self._path(key)
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()

    def _path(self, key: str) -> Path | None:
        if self._usable is None:
            self._usable = self._prepare()
        if not self._usable or self._directory is None:
            return None
        return self._directory / f"{key}.kernel"

    def _prepare(self) -> bool:
        assert self._directory is not None
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.name == "posix":
                # The directory's files become code on the GPU, so nobody else may write there.
                status = self._directory.stat()
                if status.st_uid != os.geteuid():
                    return self._give_up("it belongs to another user")
                if stat.S_IMODE(status.st_mode) & 0o077:
                    self._directory.chmod(0o700)
        except OSError as error:
            return self._give_up(f"it can't be made ({error})")
        return True

    def _give_up(self, reason: str) -> bool:
        self._usable = False
        _LOG.warning(
            "The kernel cache %s is not used: %s; kernels are compiled again in each process. "
            "Set GPUARRAY_CACHE_DIR to a directory of your own, or GPUARRAY_CACHE=0.",
            self._directory,
            reason,
        )
        return False

    @staticmethod
    def _remove_oldest(directory: Path) -> None:
        try:
            with os.scandir(directory) as entries:
                files = [(e.stat().st_mtime, e.stat().st_size, e.path) for e in entries]
        except OSError:  # another process is doing the same
            return
        total = sum(size for _, size, _ in files)
        # Temporary files of processes that died.
        doomed = [f for f in files if f[2].endswith(".tmp") and f[0] < time.time() - STALE_SECONDS]
        if total > LARGEST_CACHE_BYTES:
            for file in sorted(f for f in files if f[2].endswith(".kernel")):
                if total <= KEPT_SHARE * LARGEST_CACHE_BYTES:
                    break
                total -= file[1]
                doomed.append(file)
        for _, _, path in doomed:
            with contextlib.suppress(OSError):
                os.unlink(path)


def _digest(key: str, cubin: bytes) -> bytes:
    return hashlib.sha256(key.encode() + cubin, usedforsecurity=False).digest()
