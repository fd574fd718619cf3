"""The hot modules, compiled: which they are, and whether what was built is what is in the sources.

In: the files of this package. Out: nothing, or an error. Python prefers an extension module to the
source beside it, so one that was built from an older source would stand in for the newer one in
silence; `check` runs before any of them is imported. `hatch_build.py` reads this module by its
path, so it imports the standard library only.
"""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import NoReturn

__all__ = ["MODULES", "RECORD", "SUFFIX", "check", "digests", "in_use"]

PACKAGE = Path(__file__).parent

# What every recorded operation and every flush pass. Each has a .pxd file beside it, with the types
# that Cython may take for granted, and the sources run as they are. All or none are compiled.
MODULES = (
    "array",
    "graph/flush",
    "graph/node",
    "operations/operation",
    "operators",
    "recording",
)

# The ending of extension modules of this interpreter; others' are none of its business.
SUFFIX = EXTENSION_SUFFIXES[0]

# Which sources the extension modules beside this file were built from: a name and a digest a line.
RECORD = f"compiled{SUFFIX}.txt"


def digests(package: Path = PACKAGE) -> dict[str, str]:
    """The digest of every file that the compiled form depends on, by name."""
    from hashlib import sha256

    names = [f"{module}{ending}" for module in MODULES for ending in (".py", ".pxd")]
    return {name: sha256((package / name).read_bytes()).hexdigest() for name in names}


def check() -> None:
    """Raise `ImportError` unless the extension modules are absent, or built from these sources."""
    present = [module for module in MODULES if (PACKAGE / f"{module}{SUFFIX}").exists()]
    if not present:
        return
    try:
        lines = (PACKAGE / RECORD).read_text().splitlines()
    except FileNotFoundError:
        _refuse("nothing says what they were built from")
    recorded = dict(line.split() for line in lines)
    for name, digest in digests().items():
        if recorded.get(name) != digest:
            _refuse(f"they were built from another {name}")
    for module in MODULES:
        if module not in present:
            _refuse(f"{module} is not among them")


def _refuse(reason: str) -> NoReturn:
    raise ImportError(
        f"gpuarray: the compiled modules in {PACKAGE} are out of date: {reason}. Build them again "
        "with 'python hatch_build.py', or remove them with 'python hatch_build.py --clean', in the "
        "directory of the sources; an installed package, install again"
    )


def in_use() -> bool:
    """Whether this process runs the compiled modules."""
    from gpuarray import recording

    return recording.__file__.endswith(SUFFIX)
