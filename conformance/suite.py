"""Where the suite is: a directory that was given, or a clone of the pinned commit in the cache.

In: a path, the environment. Out: a directory that holds array-api-tests and the standard it reads.
Never changes a directory that it was given.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["COMMIT", "VARIABLE", "SuiteUnavailable", "commit_of", "find", "missing_requirements"]

VARIABLE = "ARRAY_API_TESTS"
REPOSITORY = "https://github.com/data-apis/array-api-tests"
# 2026-04-03: the tests of the standard's version 2025.12. Its submodule `array-api`, the text of
# the standard, is at 5f847a3858875c682ae901aa22b0413bf24be9da.
COMMIT = "55fcc60179efa2680ddd6cd926ddf17b83530e2b"
SUBMODULE = "array-api"

_BY_HAND = f"""\
Get it on a machine that has git and a network, and say where it is:
  git clone --recurse-submodules {REPOSITORY} DIR
  git -C DIR checkout {COMMIT}
  git -C DIR submodule update --init
  python -m conformance --suite DIR      (or set {VARIABLE}=DIR)"""


class SuiteUnavailable(Exception):
    """There is no usable suite; the message says why, and what to do."""


def find(given: str | Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The suite's directory: `given`, or ``ARRAY_API_TESTS``, or a clone that is made if need be.

    Raises
    ------
    SuiteUnavailable
        The directory given is not the suite, or the clone can't be made.
    """
    chosen = given or environment.get(VARIABLE, "").strip()
    if chosen:
        directory = Path(chosen).expanduser().resolve()
        source = "--suite" if given else VARIABLE
        _check(directory, f"{source} is {str(chosen)!r}")
        return directory
    directory = cache_directory(environment) / f"array-api-tests-{COMMIT[:12]}"
    if not directory.exists():
        _clone(directory)
    _check(directory, f"the clone in {directory} is damaged, remove it")
    return directory


def _check(directory: Path, found: str) -> None:
    if not (directory / "array_api_tests").is_dir():
        raise SuiteUnavailable(f"{found}: there is no array_api_tests in {directory}.\n{_BY_HAND}")
    submodule = directory / SUBMODULE
    if submodule.is_dir() and not any(submodule.iterdir()):
        raise SuiteUnavailable(
            f"{found}: its submodule {SUBMODULE} is empty.\n"
            f"Fill it:\n  git -C {directory} submodule update --init"
        )


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """gpuarray's directory of files that can be got again, of this user."""
    chosen = environment.get("GPUARRAY_CACHE_DIR", "").strip()
    if chosen:
        return Path(chosen).expanduser().resolve()
    if sys.platform == "win32":
        root = environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        root = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "gpuarray"


def _clone(directory: Path) -> None:
    if shutil.which("git") is None:
        raise SuiteUnavailable(f"the suite must be cloned, and there is no git here.\n{_BY_HAND}")
    print(f"cloning {REPOSITORY} at {COMMIT[:7]} into {directory}", file=sys.stderr)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
            made = Path(scratch) / "suite"
            made.mkdir()
            for command in (
                ["init", "--quiet"],
                ["fetch", "--quiet", "--depth=1", REPOSITORY, COMMIT],
                ["checkout", "--quiet", "FETCH_HEAD"],
                ["submodule", "--quiet", "update", "--init", "--depth=1"],
            ):
                _git(made, *command)
            made.rename(directory)  # at the end, so that a clone is whole or not there
    except OSError as error:
        raise SuiteUnavailable(f"the suite can't be kept: {error}\n{_BY_HAND}") from error


def _git(directory: Path, *words: str) -> str:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}  # never waits for a password
    done = subprocess.run(
        ["git", *words], cwd=directory, env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        reason = done.stderr.strip() or f"exit status {done.returncode}"
        raise SuiteUnavailable(
            f"the suite can't be cloned: git {words[0]} failed: {reason}\n{_BY_HAND}"
        )
    return done.stdout.strip()


def commit_of(directory: Path) -> str | None:
    """The commit that is checked out in `directory`; None if it is no repository of its own."""
    if not (directory / ".git").exists() or shutil.which("git") is None:
        return None
    try:
        return _git(directory, "rev-parse", "HEAD")
    except SuiteUnavailable:
        return None


def missing_requirements(directory: Path) -> list[str]:
    """The lines of the suite's ``requirements.txt`` that are not installed here."""
    from packaging.requirements import Requirement  # pytest depends on it

    path = directory / "requirements.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    missing = []
    for line in filter(None, (line.partition("#")[0].strip() for line in lines)):
        required = Requirement(line)
        try:
            installed = version(required.name)
        except PackageNotFoundError:
            missing.append(line)
        else:
            if not required.specifier.contains(installed, prereleases=True):
                missing.append(f"{line} (there is {installed})")
    return missing
