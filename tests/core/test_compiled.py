"""The hot modules, compiled: how they are built, that they behave as their sources do, and that
they are never taken for sources that they were not built from."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from gpuarray import compiled
from gpuarray.compiled import MODULES, RECORD, SUFFIX, digests

ROOT = Path(__file__).parents[2]
PACKAGES = {"gpuarray": ROOT / "gpuarray", "gpuarray_cuda": ROOT / "backends" / "gpuarray_cuda"}

# Values, held intermediates, reference counts, threads, failures, copies, messages.
IMPORTANT = (
    "tests/core/test_operations.py",
    "tests/core/test_debugging.py",
    "tests/backends/test_behaviour.py",
    "tests/backends/test_copies.py",
    "tests/backends/test_failures.py",
    "tests/backends/test_fusion.py",
    "tests/backends/test_messages.py",
)

# A pytest plugin, so that no test can run on the sources by mistake.
ONLY_COMPILED = """
import importlib
from gpuarray.compiled import MODULES, SUFFIX
for found in [
    importlib.import_module(f"{{package}}/{{module}}".replace("/", "."))
    for package, modules in MODULES.items()
    for module in modules
]:
    assert found.__file__.startswith({site!r}), found.__file__
    assert found.__file__.endswith(SUFFIX), found.__file__
"""


def python(*words: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd, env={**inherited, **environment}, capture_output=True, text=True,
    )  # fmt: skip


def copied(directory: Path) -> Path:
    """The sources, for tests that change them or build beside them."""
    for name in ("gpuarray", "backends"):
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("*.so*"))
    shutil.copy(ROOT / "hatch_build.py", directory)
    return directory


def pretend_to_be_built(package: Path) -> None:
    """Extension modules that nobody can import; `check` has to speak before."""
    for module in MODULES[package.name]:
        (package / f"{module}{SUFFIX}").write_bytes(b"")
    found = digests(package.name, package)
    (package / RECORD).write_text("".join(f"{name} {digest}\n" for name, digest in found.items()))


def imported(directory: Path, module: str = "gpuarray") -> subprocess.CompletedProcess[str]:
    program = f"import {module}, gpuarray.compiled as c; print(c.__file__, c.in_use())"
    return python("-c", program, cwd=directory, PYTHONPATH=f"{directory}:{directory}/backends")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_that_is_compiled_has_its_types_beside_it(package: str) -> None:
    directory = PACKAGES[package]
    types = [
        path.relative_to(directory).with_suffix("")
        for ending in ("*.pxd", "*.pyx")
        for path in directory.rglob(ending)
    ]
    assert {path.as_posix() for path in types} == set(MODULES[package])


def declared(types: str) -> dict[str, set[str]]:
    """The attributes of each class in a .pxd file."""
    found: dict[str, set[str]] = {}
    for line in types.splitlines():
        start = re.match(r"cdef class (\w+)", line)
        if start:
            attributes = found.setdefault(start[1], set())
        elif line.startswith("    cdef ") and "(" not in line:
            attributes.update(part.split()[-1] for part in line.split(","))
    return found


@pytest.mark.parametrize(
    ("package", "module"), [(p, m) for p, modules in MODULES.items() for m in modules]
)
def test_types_name_the_attributes_that_classes_have(package: str, module: str) -> None:
    types = PACKAGES[package] / f"{module}.pxd"
    if not types.exists():
        pytest.skip("it is Cython alone")
    classes = importlib.import_module(f"{package}.{module.replace('/', '.')}")
    for name, attributes in declared(types.read_text("utf-8")).items():
        slots = vars(getattr(classes, name)).get("__slots__")
        if isinstance(slots, tuple) and not compiled.in_use():
            assert attributes - {"__weakref__"} == set(slots) - {"__weakref__"}, name


REDUCTION = """
import gpuarray as xp
from gpuarray_cuda.plugin import use_runtime
from tests.simulator import simulated_runtime

use_runtime(simulated_runtime())
x = xp.arange(100, dtype="float64", device="cuda:0")
print(float(xp.sum(x)))
"""


@pytest.mark.slow
def test_the_important_tests_pass_with_a_compiled_wheel(tmp_path: Path) -> None:
    # Unoptimised, which takes a third of the time.
    build = python(
        *("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)),
        GPUARRAY_COMPILE="1",
        CFLAGS="-O0",
    )
    assert build.returncode == 0, build.stderr
    (path,) = tmp_path.glob("*.whl")
    assert "none-any" not in path.name
    site, work = tmp_path / "site", tmp_path / "work"
    with zipfile.ZipFile(path) as wheel:
        wheel.extractall(site)
    for name in ("tests", "conftest.py", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        work.mkdir(exist_ok=True)
        copy(ROOT / name, work / name)
    (site / "only_compiled.py").write_text(ONLY_COMPILED.format(site=str(site)))

    done = python(
        *("-m", "pytest", "-q", "-p", "only_compiled", "-p", "no:cacheprovider", *IMPORTANT),
        cwd=work,
        PYTHONPATH=str(site),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # A reduction has counters in memory: nothing is said of them at the end.
    ended = python("-c", REDUCTION, cwd=work, PYTHONPATH=str(site))
    assert (ended.stdout, ended.stderr) == ("4950.0\n", "")
    information = python("-m", "gpuarray", "info", cwd=work, PYTHONPATH=str(site))
    assert "recorder       compiled" in information.stdout


def test_a_plain_wheel_is_pure_python_even_where_modules_were_compiled_in_place(
    tmp_path: Path,
) -> None:
    copied(tmp_path)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    pretend_to_be_built(tmp_path / "gpuarray")
    pretend_to_be_built(tmp_path / "backends" / "gpuarray_cuda")
    done = python("-m", "hatchling", "build", "-t", "wheel", "-d", "dist", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "dist").glob("*-none-any.whl")
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
    assert not [n for n in names if n.endswith((SUFFIX, RECORD))]


def test_compiled_modules_of_a_changed_source_are_refused(tmp_path: Path) -> None:
    package = copied(tmp_path) / "gpuarray"
    pretend_to_be_built(package)
    with (package / "recording.py").open("a") as file:
        file.write("\n")
    done = imported(tmp_path)
    assert done.returncode == 1
    assert "ImportError: gpuarray: the compiled modules in " in done.stderr
    assert "out of date: they were built from another recording.py. Build them" in done.stderr
    assert "'python hatch_build.py'" in done.stderr


def test_compiled_modules_of_a_changed_source_of_the_cuda_backend_are_refused(
    tmp_path: Path,
) -> None:
    package = copied(tmp_path) / "backends" / "gpuarray_cuda"
    pretend_to_be_built(package)
    with (package / "buffer.pxd").open("a") as file:
        file.write("\n")
    assert imported(tmp_path).returncode == 0
    done = imported(tmp_path, "gpuarray_cuda.plugin")
    assert "out of date: they were built from another buffer.pxd. Build them" in done.stderr


def test_compiled_modules_without_a_record_are_refused(tmp_path: Path) -> None:
    package = copied(tmp_path) / "gpuarray"
    pretend_to_be_built(package)
    (package / RECORD).unlink()
    done = imported(tmp_path)
    assert "out of date: nothing says what they were built from. Build them" in done.stderr


def test_some_compiled_modules_without_the_others_are_refused(tmp_path: Path) -> None:
    package = copied(tmp_path) / "gpuarray"
    pretend_to_be_built(package)
    (package / f"operators{SUFFIX}").unlink()
    done = imported(tmp_path)
    assert "out of date: operators is not among them. Build them" in done.stderr


def test_cleaning_gives_the_sources_back(tmp_path: Path) -> None:
    package = copied(tmp_path) / "gpuarray"
    pretend_to_be_built(package)
    assert python("hatch_build.py", "--clean", cwd=tmp_path).returncode == 0
    done = imported(tmp_path)
    assert done.stdout.split() == [str(package / "compiled.py"), "False"]
    assert not list(package.rglob("*.so*"))


def test_compiling_without_a_compiler_says_what_to_install(tmp_path: Path) -> None:
    copied(tmp_path)
    done = python("hatch_build.py", cwd=tmp_path, CC="no-such-compiler")
    assert done.returncode == 1
    assert "hatch_build.py: there is no C compiler 'no-such-compiler'" in done.stderr
    assert "install one" in done.stderr
    assert not list((tmp_path / "gpuarray").rglob("*.so*"))


def test_compiling_without_cython_says_what_to_install(tmp_path: Path) -> None:
    copied(tmp_path)
    program = (
        "import runpy, sys; sys.modules['Cython'] = None; sys.argv = ['hatch_build.py']; "
        "runpy.run_path('hatch_build.py', run_name='__main__')"
    )
    done = python("-c", program, cwd=tmp_path)
    assert done.returncode == 1
    assert "hatch_build.py: Cython is missing" in done.stderr
    assert "pip install 'cython>=3.1,<4,!=3.3.0'" in done.stderr


def test_a_cython_that_miscompiles_is_refused(tmp_path: Path) -> None:
    copied(tmp_path)
    program = (
        "import runpy, sys; from importlib import metadata; "
        "metadata.version = lambda name: '3.3.0'; sys.argv = ['hatch_build.py']; "
        "runpy.run_path('hatch_build.py', run_name='__main__')"
    )
    done = python("-c", program, cwd=tmp_path)
    assert done.returncode == 1
    assert "Cython 3.3.0 compiles gpuarray's hot modules wrongly" in done.stderr
    assert not list((tmp_path / "gpuarray").rglob("*.so*"))


def test_the_command_puts_what_it_built_beside_the_sources(tmp_path: Path) -> None:
    copied(tmp_path)
    program = (
        "import runpy, pathlib; "
        "names = runpy.run_path('hatch_build.py'); beside = names['compile_beside']; "
        "made = pathlib.Path('made'); made.write_text('x'); "
        "beside.__globals__['built'] = lambda root, directory: "
        "{'gpuarray/new': made, 'gpuarray_cuda/new': made}; "
        "beside(pathlib.Path())"
    )
    pretend_to_be_built(tmp_path / "gpuarray")
    assert python("-c", program, cwd=tmp_path).returncode == 0
    assert (tmp_path / "gpuarray" / "new").read_text() == "x"
    assert (tmp_path / "backends" / "gpuarray_cuda" / "new").read_text() == "x"
    assert not list(tmp_path.rglob(f"*{SUFFIX}*")), "old modules are gone, and parts too"


def test_cython_is_asked_for_only_where_modules_are_to_be_compiled() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert not any("cython" in name for name in project["build-system"]["requires"])
    program = (
        "import hatch_build; hook = hatch_build.CompileHook.__new__(hatch_build.CompileHook); "
        "print(hook.dependencies())"
    )
    for asked, expected in (("0", "[]"), ("", "[]"), ("1", "['cython>=3.1,<4,!=3.3.0']")):
        assert python("-c", program, GPUARRAY_COMPILE=asked).stdout.strip() == expected
