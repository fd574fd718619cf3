"""The compiler and the kernels on disk.  Needs NVRTC, but neither a driver nor a GPU."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gpuarray.errors import DeviceError
from gpuarray_cuda import cache as cache_module
from gpuarray_cuda import compile as compile_module
from gpuarray_cuda.cache import MAGIC, KernelCache, cache_directory
from gpuarray_cuda.compile import Compiler, compile_message
from gpuarray_cuda.executor import Executor

SOURCE = """struct Args { const double* x; double* y; long long n; };
extern "C" __global__ void scale(const __grid_constant__ Args a) {
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i < a.n) a.y[i] = 2.0 * a.x[i];
}
"""
KEY = "ab" * 32

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")


@pytest.fixture
def compiler(tmp_path: Path) -> Compiler:
    pytest.importorskip("cuda.core")
    pytest.importorskip("cuda.bindings.nvrtc")
    return Compiler("sm_90", KernelCache(tmp_path / "kernels"))


def entry(directory: Path) -> Path:
    (path,) = directory.glob("*.kernel")
    return path


def test_a_kernel_compiles_to_a_cubin_and_is_kept(compiler: Compiler, tmp_path: Path) -> None:
    assert compiler.stored(SOURCE, "scale") is None
    cubin = compiler.compile(SOURCE, "scale")
    assert cubin.startswith(b"\x7fELF")
    assert compiler.stored(SOURCE, "scale") == cubin
    assert Compiler("sm_90", KernelCache(tmp_path / "kernels")).stored(SOURCE, "scale") == cubin


@pytest.mark.parametrize("slow", [False, True])
def test_what_takes_long_is_explained(
    compiler: Compiler,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    slow: bool,
) -> None:
    monkeypatch.setattr(compile_module, "NOTICED_SECONDS", 0.0 if slow else 60.0)
    assert compiler.stored(SOURCE, "scale") is None
    compiler.compile(SOURCE, "scale")
    said = [record.getMessage() for record in caplog.records]
    kept = tmp_path / "kernels"
    assert said == ([f"Compiling scale for sm_90, once: it is kept in {kept}"] if slow else [])


def test_the_key_covers_source_name_and_architecture(compiler: Compiler) -> None:
    other = Compiler("sm_80", KernelCache(None))
    keys = {
        compiler.key(SOURCE, "scale"),
        compiler.key(SOURCE + " ", "scale"),
        compiler.key(SOURCE, "other"),
        other.key(SOURCE, "scale"),
    }
    assert len(keys) == 4


def test_a_compile_error_shows_numbered_source_lines(compiler: Compiler) -> None:
    with pytest.raises(DeviceError) as raised:
        compiler.compile(SOURCE.replace("a.n)", "a.m)"), "scale")
    text = str(raised.value)
    assert "kernel 'scale' does not compile" in text
    assert 'line 4: class "Args" has no member "m"' in text
    assert ">    4 |     if (i < a.m) a.y[i] = 2.0 * a.x[i];" in text
    assert "     3 |     long long i" in text
    assert compiler.stored(SOURCE.replace("a.n)", "a.m)"), "scale") is None


def test_a_compile_error_without_lines_shows_the_log() -> None:
    assert compile_message("k", "x\n", "nvrtc: error: invalid value for -arch\n") == (
        "kernel 'k' does not compile\nnvrtc: error: invalid value for -arch"
    )


def test_many_compile_errors_are_counted() -> None:
    log = "".join(f"k({n}): error: wrong {n}\n" for n in range(1, 6))
    text = compile_message("k", "\n".join("abcde"), log)
    assert "line 3: wrong 3" in text
    assert "wrong 4" not in text
    assert text.endswith("and 2 more errors")


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "another key's", "alien"])
def test_a_damaged_entry_is_dropped(tmp_path: Path, damage: str) -> None:
    cache = KernelCache(tmp_path / "kernels")
    cache.put(KEY, b"\x7fELF" + bytes(1000))
    path = entry(tmp_path / "kernels")
    data = path.read_bytes()
    if damage == "another key's":
        path = path.rename(path.with_name("cd" * 32 + ".kernel"))
    else:
        flipped = bytearray(data)
        flipped[len(MAGIC) + 500] ^= 1
        path.write_bytes(
            {
                "truncated": data[:-1],
                "flipped": bytes(flipped),
                "empty": b"",
                "alien": b"\x7fELF" + bytes(1000),
            }[damage]
        )
    assert cache.get("cd" * 32 if damage == "another key's" else KEY) is None
    assert not path.exists()
    cache.put(KEY, b"new")
    assert cache.get(KEY) == b"new"


def test_a_damaged_entry_is_compiled_again(compiler: Compiler, tmp_path: Path) -> None:
    cubin = compiler.compile(SOURCE, "scale")
    path = entry(tmp_path / "kernels")
    path.write_bytes(path.read_bytes()[:100])
    assert compiler.stored(SOURCE, "scale") is None
    assert compiler.compile(SOURCE, "scale") == cubin
    assert compiler.stored(SOURCE, "scale") == cubin


@posix
def test_the_directory_is_private(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "kernels"
    KernelCache(directory).put(KEY, b"x")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry(directory).stat().st_mode) == 0o600
    directory.chmod(0o777)
    assert KernelCache(directory).get(KEY) == b"x"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@posix
def test_another_users_directory_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    KernelCache(tmp_path).put(KEY, b"x")
    monkeypatch.setattr(cache_module.os, "geteuid", lambda: os.getuid() + 1)
    with caplog.at_level(logging.WARNING, "gpuarray"):
        assert KernelCache(tmp_path).get(KEY) is None
    assert "belongs to another user" in caplog.text
    assert "GPUARRAY_CACHE_DIR" in caplog.text


def test_a_directory_that_can_not_be_made_costs_only_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    cache = KernelCache(tmp_path / "file" / "kernels")
    with caplog.at_level(logging.WARNING, "gpuarray"):
        cache.put(KEY, b"x")
        cache.put(KEY, b"x")
        assert cache.get(KEY) is None
    assert len(caplog.records) == 1


def test_a_full_disk_costs_only_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = KernelCache(tmp_path / "kernels")
    cache.put(KEY, b"old")

    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module.os, "replace", full)
    with caplog.at_level(logging.WARNING, "gpuarray"):
        cache.put("cd" * 32, b"new")
        cache.put("ef" * 32, b"new")
    assert len(caplog.records) == 1
    assert not list((tmp_path / "kernels").glob("*.tmp"))
    assert KernelCache(tmp_path / "kernels").get(KEY) == b"old"


def test_processes_that_write_one_entry_leave_it_whole(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from gpuarray_cuda.cache import KernelCache\n"
        "cache = KernelCache(Path(sys.argv[1]))\n"
        "for _ in range(100):\n"
        f"    cache.put({KEY!r}, sys.argv[2].encode() * 20000)\n"
        f"    assert len(set(cache.get({KEY!r}))) == 1\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), c], env=environment)
        for c in "ab"
    ]
    assert [process.wait() for process in processes] == [0, 0]
    assert [path.suffix for path in tmp_path.iterdir()] == [".kernel"]


def test_the_oldest_entries_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "LARGEST_CACHE_BYTES", 10_000)
    monkeypatch.setattr(cache_module, "WRITES_BETWEEN_CHECKS", 1)
    cache = KernelCache(tmp_path)
    keys = [f"{i:064x}" for i in range(10)]
    for age, key in enumerate(keys[:9]):
        cache.put(key, bytes(1000))
        os.utime(tmp_path / f"{key}.kernel", (1000 + age, 1000 + age))
    (tmp_path / "dead.tmp").write_text("")
    os.utime(tmp_path / "dead.tmp", (0, 0))
    assert cache.get(keys[0])  # used just now
    cache.put(keys[9], bytes(1000))
    kept = {path.stem for path in tmp_path.iterdir()}
    assert {keys[0], keys[9]} <= kept
    assert keys[1] not in kept
    assert "dead" not in kept
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 7500


def test_the_environment_chooses_the_directory() -> None:
    assert cache_directory({"GPUARRAY_CACHE": "0", "GPUARRAY_CACHE_DIR": "/x"}) is None
    assert cache_directory({"GPUARRAY_CACHE_DIR": "/x"}) == Path("/x/kernels")


@posix
def test_the_directory_is_the_users_cache_by_default() -> None:
    assert cache_directory({"XDG_CACHE_HOME": "/c"}) == Path("/c/gpuarray/kernels")
    assert cache_directory({}) == Path.home() / ".cache" / "gpuarray" / "kernels"


def test_no_cache_keeps_nothing() -> None:
    cache = KernelCache(None)
    cache.put(KEY, b"x")
    assert cache.get(KEY) is None


class SizedRuntime:
    """Compiles a source that is a number: the bytes of memory that a thread of the kernel takes."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    def compile(self, source: str, name: str, arguments: str) -> SimpleNamespace:
        self.tried.append(source)
        return SimpleNamespace(local_bytes=int(source))


@pytest.mark.parametrize(
    ("sizes", "taken", "compiled"),
    [
        ("0 0 0 0", "0", 1),  # nothing spilled
        ("32 32 32 32", "32", 2),  # an array of the kernel's own, which no register can hold
        ("64 48 32 32", "32", 4),  # the first without spills, beside such an array
        ("64 48 40 32", "32", 4),
        ("64 48 40 0", "0", 4),
    ],
)
def test_kernels_that_spill_get_more_registers(sizes, taken, compiled):
    runtime = SizedRuntime()
    executor = Executor(None, runtime)
    made = lambda size: SimpleNamespace(source=size, format="")  # noqa: E731
    generated, kernel = executor._compiled("key", sizes.split(), made, "name")
    assert (generated.source, kernel.local_bytes) == (taken, int(taken))
    assert len(runtime.tried) == compiled
    assert executor._compiled("key", sizes.split(), made, "name") == (generated, kernel)
    assert len(runtime.tried) == compiled
