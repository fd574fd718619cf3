"""Random numbers: our draws beside CuPy's, PyTorch's and JAX's, and beside writing as many bytes.

``python -m benchmarks.random_speed [--only NAME] [--scale F] [--json FILE]``: in, the default CUDA
device. Out: a table of medians, each with the share of the bandwidth of a fill; whether the first
million draws are those of NumPy's backend; and a status of 1 if they are not. Integers and uniforms
must agree in all bits, normals within two units in the last place.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import gpuarray as xp
from benchmarks.environment import environment
from benchmarks.ours import Ours
from benchmarks.peers import CuPy, Jax, Peer, Torch
from benchmarks.timing import measure
from gpuarray.random import Generator

__all__ = ["main"]

MI = 1 << 20
COMPARED = 1_000_000
UNITS = 2


@dataclass(frozen=True)
class Work:
    """One row: how each library draws `n` numbers of `itemsize` bytes.

    `ours` gets a generator; `cupy` a module and a generator; `torch` a module; `jax` a module and a
    key. The backends agree within `limit` units in the last place, but for a share of `others`.
    """

    name: str
    itemsize: int
    ours: Callable[[Generator, int], xp.Array]
    cupy: Callable[[Any, Any, int], Any]
    torch: Callable[[Any, int], Any]
    jax: Callable[[Any, Any, int], Any]
    limit: float = 0
    others: float = 0


WORKS = (
    Work(
        "uniform float32", 4,
        lambda g, n: g.random(n, dtype="float32"),
        lambda cupy, g, n: g.random(n, dtype="float32"),
        lambda torch, n: torch.rand(n, device="cuda"),
        lambda jax, key, n: jax.random.uniform(key, (n,)),
    ),
    Work(
        "normal float32", 4,
        lambda g, n: g.standard_normal(n, dtype="float32"),
        lambda cupy, g, n: g.standard_normal(n, dtype="float32"),
        lambda torch, n: torch.randn(n, device="cuda"),
        lambda jax, key, n: jax.random.normal(key, (n,)),
        limit=UNITS,
    ),
    Work(
        "normal float32 * s + m", 4,
        lambda g, n: g.normal(1.5, 2.5, n, dtype="float32"),
        lambda cupy, g, n: g.standard_normal(n, dtype="float32") * 2.5 + 1.5,
        lambda torch, n: torch.randn(n, device="cuda") * 2.5 + 1.5,
        lambda jax, key, n: jax.random.normal(key, (n,)) * 2.5 + 1.5,
        limit=UNITS,
    ),
    Work(
        "uniform float64", 8,
        lambda g, n: g.random(n),
        lambda cupy, g, n: g.random(n),
        lambda torch, n: torch.rand(n, device="cuda", dtype=torch.float64),
        lambda jax, key, n: jax.random.uniform(key, (n,), "float64"),
    ),
    Work(
        "normal float64", 8,
        lambda g, n: g.standard_normal(n),
        lambda cupy, g, n: g.standard_normal(n),
        lambda torch, n: torch.randn(n, device="cuda", dtype=torch.float64),
        lambda jax, key, n: jax.random.normal(key, (n,), "float64"),
        limit=UNITS,
    ),
    Work(
        "integers 0 to 999, int64", 8,
        lambda g, n: g.integers(0, 1000, n),
        lambda cupy, g, n: g.integers(0, 1000, n),
        lambda torch, n: torch.randint(0, 1000, (n,), device="cuda"),
        lambda jax, key, n: jax.random.randint(key, (n,), 0, 1000, "int64"),
    ),
    Work(
        "exponential float32", 4,
        lambda g, n: g.standard_exponential(n, dtype="float32"),
        lambda cupy, g, n: g.standard_exponential(n, dtype="float32"),
        lambda torch, n: torch.empty(n, device="cuda").exponential_(),
        lambda jax, key, n: jax.random.exponential(key, (n,)),
        limit=4,
    ),
    Work(
        "gamma 2.5, float64", 8,
        lambda g, n: g.standard_gamma(2.5, n),
        lambda cupy, g, n: g.standard_gamma(2.5, n),
        lambda torch, n: torch._standard_gamma(
            torch.full((n,), 2.5, device="cuda", dtype=torch.float64)
        ),
        lambda jax, key, n: jax.random.gamma(key, 2.5, (n,), "float64"),
        limit=64,
        others=1e-5,
    ),
    Work(
        "poisson 40, int64", 8,
        lambda g, n: g.poisson(40.0, n),
        lambda cupy, g, n: g.poisson(40.0, n),
        lambda torch, n: torch.poisson(torch.full((n,), 40.0, device="cuda")),
        lambda jax, key, n: jax.random.poisson(key, 40.0, (n,), "int64"),
        others=1e-5,
    ),
    Work(
        "permutation, int64", 8,
        lambda g, n: g.permutation(n),
        lambda cupy, g, n: g.permutation(n),
        lambda torch, n: torch.randperm(n, device="cuda"),
        lambda jax, key, n: jax.random.permutation(key, n),
    ),
)  # fmt: skip


def difference(work: Work, device: str, n: int) -> str:
    """How the first draws differ from those of NumPy's backend; empty if they do not."""
    found = np.asarray(work.ours(Generator(2026, device=device), n).to_device("cpu"))
    answer = np.asarray(work.ours(Generator(2026, device="cpu"), n))
    if work.limit == 0:
        wrong = np.count_nonzero(found != answer)
        # A rejection that is decided otherwise is another number.
        return f"{wrong} of {n} differ" if wrong > work.others * n else ""
    sizes = np.maximum(np.abs(answer), np.finfo(found.dtype).tiny)
    units = np.sort(np.abs(found - answer) / np.spacing(sizes))
    most = units[-1 - int(work.others * n)]
    return f"off by {most:.3g} units in the last place" if most > work.limit else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 if one of ours is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.random_speed", description=__doc__)
    parser.add_argument("--only", default="", help="rows whose names begin like this")
    parser.add_argument("--scale", type=float, default=1.0, help="of 64 Mi numbers")
    parser.add_argument("--json", type=Path, help="where to write the times, too")
    parser.add_argument("--backend", default="cuda", help="ours")
    options = parser.parse_args(arguments)
    n = max(int(64 * MI * options.scale), 64)
    ours = Ours(options.backend)
    device = str(ours.device)
    peers = _peers()
    print(", ".join(f"{k} {v}" for k, v in environment(ours, list(peers.values())).items()))
    fills = {size: _fill(ours, n, size) for size in (4, 8)}
    print("fill of 4 and 8 bytes each: " + ", ".join(f"{1e6 * t:.1f} us" for t in fills.values()))
    print(f"{n} numbers{'':24}{'ours':>10}{'/fill':>7}" + "".join(f"{p:>12}" for p in peers))
    rows, failed = [], False
    for work in WORKS:
        if not work.name.startswith(options.only):
            continue
        generator = Generator(1, device=device)
        seconds = _measured(lambda: work.ours(generator, n), ours)  # noqa: B023
        row = {"name": work.name, "ours": seconds, "fill": fills[work.itemsize] / seconds}
        for name, peer in peers.items():
            row[name] = _peer_seconds(name, peer, work, n)
        wrong = difference(work, device, min(COMPARED, n))
        failed |= bool(wrong)
        print(
            f"{work.name:<32}{1e6 * seconds:>10.1f}{row['fill']:>7.2f}"
            + "".join(f"{_text(row[p]):>12}" for p in peers)
            + (f"  WRONG: {wrong}" if wrong else ""),
            flush=True,
        )
        rows.append(row)
    if options.json:
        options.json.write_text(json.dumps({"n": n, "rows": rows}, indent=1))
    return int(failed)


def _text(seconds: Any) -> str:
    return f"{1e6 * seconds:.1f}" if isinstance(seconds, float) else str(seconds)


def _measured(draw: Callable[[], xp.Array], ours: Ours) -> float:
    def call() -> xp.Array:
        found = draw()
        xp.evaluate(found)
        return found

    return measure(call, ours.wait).seconds


def _fill(ours: Ours, n: int, itemsize: int) -> float:
    """What writing as many bytes takes: one value everywhere."""
    dtype = "float32" if itemsize == 4 else "float64"
    return _measured(lambda: xp.full(n, 2.5, dtype=dtype, device=ours.device), ours)


def _peers() -> dict[str, Peer]:
    found: dict[str, Peer] = {}
    for name, kind in (("cupy", CuPy), ("torch", Torch), ("jax", Jax)):
        try:
            found[name] = kind()
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}"[:150])
    return found


def _peer_seconds(name: str, peer: Peer, work: Work, n: int) -> float | str:
    """Its time, or why it has none."""
    try:
        library = peer.library
        if name == "cupy":
            generator = library.random.Generator(library.random.Philox4x3210(1))
            call = lambda: work.cupy(library, generator, n)  # noqa: E731
        elif name == "torch":
            call = lambda: work.torch(library, n)  # noqa: E731
        else:
            library.config.update("jax_enable_x64", True)
            compiled = library.jit(lambda key: work.jax(library, key, n))
            key = library.random.key(1)
            call = lambda: compiled(key)  # noqa: E731
        return measure(call, peer.wait).seconds
    except Exception as error:
        return type(error).__name__[:11]


if __name__ == "__main__":
    sys.exit(main())
