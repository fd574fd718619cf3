"""What is installed: the wheel's files, the entry points, and what an import pulls in."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import gpuarray

ROOT = Path(__file__).parents[2]
SOURCES = {
    "gpuarray": ROOT / "gpuarray",
    "gpuarray_numpy": ROOT / "backends" / "gpuarray_numpy",
    "gpuarray_cuda": ROOT / "backends" / "gpuarray_cuda",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = directory.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_source_file_of_the_three_packages(wheel: zipfile.ZipFile) -> None:
    expected = {
        f"{package}/{path.relative_to(directory).as_posix()}"
        for package, directory in SOURCES.items()
        for path in directory.rglob("*")
        if path.suffix in (".py", ".pyi", ".pyx", ".pxd", ".cuh", ".txt", ".typed")
    }
    packaged = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packaged == expected
    assert any(name.endswith(".cuh") for name in packaged)


@pytest.mark.parametrize("package", SOURCES)
def test_the_wheel_says_that_its_packages_are_typed(wheel: zipfile.ZipFile, package: str) -> None:
    assert f"{package}/py.typed" in wheel.namelist()


def test_the_wheel_holds_licence_and_entry_points(wheel: zipfile.ZipFile) -> None:
    about = f"gpuarray_xp-{PROJECT['version']}.dist-info"
    assert "MIT License" in wheel.read(f"{about}/licenses/LICENSE").decode()
    points = wheel.read(f"{about}/entry_points.txt").decode()
    assert "numpy = gpuarray_numpy.plugin:NumpyBackend" in points
    assert "cuda = gpuarray_cuda.plugin:CudaBackend" in points


def test_both_backends_are_found_as_entry_points_and_load() -> None:
    points = {point.name: point for point in entry_points(group="gpuarray.backends")}
    assert {"numpy", "cuda"} <= set(points)
    assert points["numpy"].load().__name__ == "NumpyBackend"
    assert points["cuda"].load().__name__ == "CudaBackend"


def test_the_version_is_the_distributions() -> None:
    assert gpuarray.__version__ == PROJECT["version"]


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import gpuarray", ("cuda", "gpuarray_cuda", "gpuarray_numpy")),
        ("import gpuarray_cuda.plugin", ("cuda",)),
    ],
)
def test_no_cuda_package_is_imported_before_a_device_is_used(
    statement: str, absent: tuple[str, ...]
) -> None:
    program = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert not set(absent) & set(done.stdout.split())
