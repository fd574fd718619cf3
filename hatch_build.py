"""Compiles the hot modules with Cython: hatchling's hook, and a command for a checkout.

In: the modules that `gpuarray/compiled.py` names and the .pxd files beside them. Out: extension
modules, in the wheel or beside the sources, and a record of what they were built from. Nothing is
compiled unless it is asked for, and then it is an error if it can't be:

    GPUARRAY_COMPILE=1 pip install .    a wheel with extension modules; with -e, as the next
    python hatch_build.py               extension modules beside the sources
    python hatch_build.py --clean       removes those

The command needs Cython and a C compiler, and no network.
"""

from __future__ import annotations

import os
import runpy
import shlex
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # which the command does without
    BuildHookInterface = object

VARIABLE = "GPUARRAY_COMPILE"
# 3.3.0 reads a variable too early in what it makes of `any(... for ... in x.y.z)`: a crash.
MISCOMPILES = "3.3.0"
CYTHON = f"cython>=3.1,<4,!={MISCOMPILES}"
ROOT = Path(__file__).parent
# Where the packages are in a checkout.
PACKAGES = {"gpuarray": "gpuarray", "gpuarray_cuda": "backends/gpuarray_cuda"}

# The types stand in the .pxd files; annotations in the sources are for readers and mypy.
DIRECTIVES = ("language_level=3", "annotation_typing=False")


class CannotCompile(Exception):
    """What is missing, and how to get it or do without."""


class CompileHook(BuildHookInterface):  # type: ignore[misc, valid-type]
    """Compiles for a wheel if `GPUARRAY_COMPILE` says so."""

    def dependencies(self) -> list[str]:
        return [CYTHON] if _asked() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not _asked():
            return
        if version == "editable":
            compile_beside(Path(self.root))
            return
        self._built = TemporaryDirectory()
        for name, path in built(Path(self.root), Path(self._built.name)).items():
            build_data["force_include"][str(path)] = name
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if hasattr(self, "_built"):
            self._built.cleanup()


def built(root: Path, directory: Path) -> dict[str, Path]:
    """Compile into `directory`; the files by the names that they have in a wheel, records first."""
    if find_spec("Cython") is None:
        raise CannotCompile(
            f"Cython is missing, which compiles gpuarray's hot modules: pip install '{CYTHON}'"
        )
    if version("cython") == MISCOMPILES:
        raise CannotCompile(
            f"Cython {MISCOMPILES} compiles gpuarray's hot modules wrongly: pip install '{CYTHON}'"
        )
    compiled = _compiled(root)
    records, sources = {}, {}
    for package, place in PACKAGES.items():
        record = directory / f"{package}.txt"
        digests = compiled["digests"](package, root / place)
        record.write_text("".join(f"{name} {digest}\n" for name, digest in digests.items()))
        records[f"{package}/{compiled['RECORD']}"] = record
        for module in compiled["MODULES"][package]:
            source = compiled["source"](root / place, module).relative_to(root).as_posix()
            sources[f"{package}/{module}{compiled['SUFFIX']}"] = source

    def one(source: str) -> Path:
        stem = directory / source.rpartition(".")[0].replace("/", ".")
        _run_cython(root, source, Path(f"{stem}.c"))
        _run_compiler(Path(f"{stem}.c"), Path(f"{stem}.so"))
        return Path(f"{stem}.so")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        libraries = pool.map(one, sources.values())
        return {**records, **dict(zip(sources, libraries, strict=True))}


def compile_beside(root: Path) -> None:
    """Compile, and put the extension modules beside their sources."""
    with TemporaryDirectory() as directory:
        found = built(root, Path(directory))
        clean(root)
        # Records go first and leave last: modules without one can't be told from old ones.
        for name, path in found.items():
            target = _beside(root, name)
            # A running process may have the old file mapped, so it is replaced, never written to.
            part = target.with_name(f"{target.name}.part")
            part.write_bytes(path.read_bytes())
            part.replace(target)


def clean(root: Path) -> None:
    """Remove what `compile_beside` has made for this interpreter."""
    compiled = _compiled(root)
    for package, modules in compiled["MODULES"].items():
        for name in (*(f"{module}{compiled['SUFFIX']}" for module in modules), compiled["RECORD"]):
            _beside(root, f"{package}/{name}").unlink(missing_ok=True)


def _beside(root: Path, name: str) -> Path:
    """Where a wheel's file is in a checkout."""
    package, _, rest = name.partition("/")
    return root / PACKAGES[package] / rest


def _asked() -> bool:
    return os.environ.get(VARIABLE, "0") not in ("", "0")


def _compiled(root: Path) -> dict[str, Any]:
    """The names in `gpuarray/compiled.py`; the package itself needs NumPy to be imported."""
    return runpy.run_path(str(root / PACKAGES["gpuarray"] / "compiled.py"))


def _run_cython(root: Path, source: str, c: Path) -> None:
    options = [part for directive in DIRECTIVES for part in ("-X", directive)]
    paths = [part for place in PACKAGES.values() for part in ("-I", os.path.dirname(place) or ".")]
    command = [sys.executable, "-m", "cython", *paths, *options, source, "-o", str(c)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise CannotCompile(f"Cython does not take {source}:\n{done.stderr}")


def _run_compiler(c: Path, library: Path) -> None:
    linker = shlex.split(sysconfig.get_config_var("LDSHARED") or "cc -shared")
    compiler = shlex.split(os.environ.get("CC") or linker[0])
    flags = [
        *linker[1:],
        *shlex.split(sysconfig.get_config_var("CCSHARED") or ""),
        *("-O2", "-fwrapv", "-DNDEBUG", "-w", f"-I{sysconfig.get_path('include')}"),
        *shlex.split(os.environ.get("CFLAGS", "")),
    ]
    try:
        done = subprocess.run(
            [*compiler, *flags, str(c), "-o", str(library)], capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise CannotCompile(
            f"there is no C compiler {compiler[0]!r}, which gpuarray's hot modules are compiled "
            f"with; install one (such as gcc or clang, with Python's headers), name another in CC, "
            f"or leave out {VARIABLE} to install pure Python"
        ) from error
    if done.returncode:
        raise CannotCompile(f"{shlex.join(compiler)} fails at {c.name}:\n{done.stderr}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--clean"]:
        clean(ROOT)
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        try:
            compile_beside(ROOT)
        except CannotCompile as problem:
            sys.exit(f"hatch_build.py: {problem}")
