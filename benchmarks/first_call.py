"""What the first call of a new chain of 30 operations costs, in fresh processes.

In: the name of a library. Out: seconds, without anything on disk and with what the process before
left there. Such a process has computed ``x + y`` already, so that the device, the library and its
compiler are up. ``python -m benchmarks.first_call LIBRARY`` is that process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks import programs
from benchmarks.ours import Ours
from benchmarks.peers import CuPy, Jax, Peer, TorchCompiled
from benchmarks.workload import uniform

__all__ = ["COMPILERS", "FIRST_CALLS", "first_calls"]

# Name, title, and the target in seconds; both in the order in which they are measured.
FIRST_CALLS = (
    ("first-call", "first call of 30 operations, no cache", 0.06),
    ("first-call-disk", "the same from the disk cache", 0.005),
)
# Those that compile something at a first call. PyTorch's eager operations are compiled already.
COMPILERS: dict[str, type[Peer]] = {"cupy": CuPy, "torch.compile": TorchCompiled, "jax": Jax}
CACHES = ("GPUARRAY_CACHE_DIR", "CUPY_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
CACHES += ("JAX_COMPILATION_CACHE_DIR", "CUDA_CACHE_PATH")
# JAX keeps only what took a second to compile, unless told otherwise.
KEEP_ALL = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
ELEMENTS = 1000
TIMEOUT = 120


def first_calls(library: str, backend: str = "cuda", repeats: int = 1) -> dict[str, float]:
    """Median seconds by the names in `FIRST_CALLS`; `RuntimeError` says what failed."""
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in FIRST_CALLS}
    for _ in range(repeats):
        with TemporaryDirectory() as directory:
            places = {name: os.path.join(directory, name) for name in CACHES}
            environment = {**os.environ, **KEEP_ALL, **places}
            for name in seconds:
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.first_call", library, backend],
                    env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False,
                )  # fmt: skip
                if done.returncode:
                    raise RuntimeError((done.stderr.strip().splitlines() or ["no output"])[-1])
                seconds[name].append(float(done.stdout.split()[-1]))
    return {name: median(times) for name, times in seconds.items()}


def main() -> None:
    library, backend = sys.argv[1:]
    peer: Peer = Ours(backend) if library == "gpuarray" else COMPILERS[library]()
    x, y = (peer.array(uniform((ELEMENTS,), seed=seed)) for seed in (1, 2))
    before = peer.called(lambda xp, x, y: x + y, False)
    peer.wait(before(x, y))
    # No call of `called` in the time: all that it does is to name a function for a compiler.
    function = peer.prepared(lambda x, y: programs.thirty(None, x, y), False)
    start = perf_counter()
    peer.wait(function(x, y))
    print(perf_counter() - start)


if __name__ == "__main__":
    main()
