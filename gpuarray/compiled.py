"""The hot modules, compiled: which they are, and whether what was built is what is in the sources.

In: the files of a package. Out: nothing, or an error. Python prefers an extension module to the
source beside it, so one that was built from an older source would stand in for the newer one in
silence; `check` runs before any of them is imported. `hatch_build.py` reads this module by its
path, so it imports the standard library only.
"""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import NoReturn

__all__ = ["MODULES", "RECORD", "SUFFIX", "check", "digests", "in_use", "source"]

# What every recorded operation, every flush and every kernel pass, by package. Each has a .pxd file
# beside it, with the types that Cython may take for granted, and the sources run as they are; or it
# is a .pyx file, which others do without where nothing is compiled. All of a package or none are.
MODULES = {
    "gpuarray": (
        *("array", "graph/flush", "graph/node", "graph/program", "operations/operation"),
        *("operators", "recording", "keys", "indexing", "reductions"),
        "manipulation/joining",
        # What a call of a compiled function passes.
        *("compilation", "graph/tape"),
    ),
    "gpuarray_cuda": ("buffer", "direct", "executor", "launch", "memory", "single_launch"),
}

# The ending of extension modules of this interpreter; others' are none of its business.
SUFFIX = EXTENSION_SUFFIXES[0]

# Which sources a package's extension modules were built from: a name and a digest a line.
RECORD = f"compiled{SUFFIX}.txt"


def digests(package: str, directory: Path) -> dict[str, str]:
    """The digest of every file that a package's compiled form depends on, by name."""
    from hashlib import sha256

    sources = [source(directory, module) for module in MODULES[package]]
    types = [path.with_suffix(".pxd") for path in sources if path.suffix == ".py"]
    return {
        path.relative_to(directory).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in (*sources, *types)
    }


def source(directory: Path, module: str) -> Path:
    """The file that a module of the package in `directory` is compiled from."""
    only_compiled = directory / f"{module}.pyx"
    return only_compiled if only_compiled.exists() else directory / f"{module}.py"


def check(package: str, directory: Path) -> None:
    """Raise `ImportError` unless the extension modules are absent, or built from these sources."""
    modules = MODULES[package]
    present = [module for module in modules if (directory / f"{module}{SUFFIX}").exists()]
    if not present:
        return
    record = directory / RECORD
    if not record.exists():
        _refuse(directory, "nothing says what they were built from")
    recorded = dict(line.split() for line in record.read_text().splitlines())
    for name, digest in digests(package, directory).items():
        if recorded.get(name) != digest:
            _refuse(directory, f"they were built from another {name}")
    for module in modules:
        if module not in present:
            _refuse(directory, f"{module} is not among them")


def _refuse(directory: Path, reason: str) -> NoReturn:
    raise ImportError(
        f"gpuarray: the compiled modules in {directory} are out of date: {reason}. Build them "
        "again with 'python hatch_build.py', or remove them with 'python hatch_build.py --clean', "
        "in the directory of the sources; an installed package, install again"
    )


def in_use() -> bool:
    """Whether this process runs the compiled modules."""
    from gpuarray import recording

    return recording.__file__.endswith(SUFFIX)
