"""Runs the suite: pytest in a process of its own, watched through the file that the plugin writes.

In: a directory and a `Choice`. Out: a `Run`: the results, and what is known of how they came to be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.report import Result, counts

__all__ = ["Choice", "Progress", "Run", "run"]

ROOT = Path(__file__).resolve().parents[1]
XFAILS = Path(__file__).with_name("xfails.txt")
POLL_SECONDS = 0.2
# Lines of pytest's own output that are shown where it could not run.
LAST_LINES = 30


@dataclass(frozen=True, slots=True)
class Choice:
    """What to run.

    Attributes
    ----------
    backend : str
        The name of a backend, as in ``GPUARRAY_BACKEND``.
    seed : int
        Hypothesis' seed; the same one draws the same examples.
    max_examples : int
        Examples for each test that Hypothesis draws for.
    workers : int
        Processes of pytest-xdist; 0 is none.
    simulate : bool
        The CUDA backend runs on the simulator.
    select : str
        pytest's ``-k``; empty: everything.
    uncorrected : bool
        The suite runs as it is, without `conformance.corrections`.
    """

    backend: str
    seed: int
    max_examples: int = 100
    workers: int = 0
    simulate: bool = False
    select: str = ""
    uncorrected: bool = False


@dataclass(slots=True)
class Run:
    """What came of it.

    Attributes
    ----------
    results : dict
        By the tests' names.
    total : int
        How many tests were found; more than the results, if the run was cut off.
    about : dict
        What was tested, as the plugin found it.
    by_numpy : set of str
        The operations that the backend lacks, and that NumPy computed in its place.
    refused : dict
        From the tests whose corrections could not be applied to the reasons.
    status : int
        The exit status of pytest.
    output : str
        The end of pytest's own output.
    seconds : float
        How long it took.
    """

    results: dict[str, Result] = field(default_factory=dict)
    total: int = 0
    about: dict[str, Any] = field(default_factory=dict)
    by_numpy: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    status: int = 0
    output: str = ""
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether pytest ran to its end (0), or to one with failures (1)."""
        return self.status in (0, 1) and 0 < self.total <= len(self.results)

    def take(self, line: str) -> None:
        """Add a line that the plugin wrote."""
        values = json.loads(line)
        kind = values.pop("kind")
        if kind == "test":
            result = Result(**values)
            self.results[result.name] = result
        elif kind == "total":
            self.total = values["count"]
        elif kind == "end":
            self.by_numpy.update(values["by_numpy"])
            self.refused.update(values["refused"])
        else:
            self.about = values


def run(directory: Path, choice: Choice, watch: Callable[[Run], None]) -> Run:
    """Run the suite in `directory`; `watch` is called whenever there is something new."""
    found = Run()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
        records, log = Path(scratch) / "records", Path(scratch) / "log"
        records.touch()
        with log.open("wb") as output, records.open(encoding="utf-8") as lines:
            process = subprocess.Popen(
                _command(choice, records),
                cwd=directory,
                env=_environment(choice, Path(scratch)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                ended = False
                while not ended:
                    ended = process.poll() is not None
                    if _read(lines, found):
                        watch(found)
                    elif not ended:
                        time.sleep(POLL_SECONDS)
            finally:
                process.terminate()
                found.status = process.wait()
        text = log.read_text(encoding="utf-8", errors="replace")
    found.output = "\n".join(text.splitlines()[-LAST_LINES:])
    found.seconds = time.monotonic() - started
    return found


def _read(lines: Any, found: Run) -> bool:
    """Take all whole lines that there are; whether there was one."""
    any_line = False
    while True:
        place = lines.tell()
        line = lines.readline()
        if not line.endswith("\n"):
            lines.seek(place)
            return any_line
        found.take(line)
        any_line = True


def _command(choice: Choice, records: Path) -> list[str]:
    words = [sys.executable, "-m", "pytest", "array_api_tests", "-q", "--tb=short"]
    words += ["-p", "no:cacheprovider", "--continue-on-collection-errors"]
    if choice.simulate:
        words += ["-p", "conformance.simulation"]
    words += ["-p", "conformance.plugin", f"--conformance-records={records}"]
    words += [f"--max-examples={choice.max_examples}", "--disable-deadline"]
    words += [f"--hypothesis-seed={choice.seed}", f"--xfails-file={XFAILS}"]
    if choice.uncorrected:
        words += ["--conformance-uncorrected"]
    if choice.select:
        words += ["-k", choice.select]
    if choice.workers:
        words += ["-n", str(choice.workers)]
    return words


def _environment(choice: Choice, scratch: Path) -> dict[str, str]:
    # Variables of the suite and of pytest that would change what is tested.
    changing = ("ARRAY_API_TESTS_", "PYTEST_ADDOPTS")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(changing)
    }
    paths = [str(ROOT), str(ROOT / "backends"), environment.get("PYTHONPATH", "")]
    return environment | {
        "ARRAY_API_TESTS_MODULE": "gpuarray",
        "GPUARRAY_BACKEND": choice.backend,
        # Not the suite's directory: examples that failed there once, with another library or in an
        # older version, would be tried again, and fail tests whose conditions they don't meet.
        "HYPOTHESIS_STORAGE_DIRECTORY": str(scratch / "hypothesis"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


class Progress:
    """One line on stderr: rewritten on a terminal, else written again at every tenth.

    Parameters
    ----------
    stream : text file, optional
        Where to; stderr by default.
    """

    def __init__(self, stream: Any = None) -> None:
        self._stream = stream or sys.stderr
        self._tenth = -1

    def __call__(self, found: Run) -> None:
        if not found.total:
            return
        done = len(found.results)
        total = max(done, found.total)  # a module that can't be imported is a failure, and no test
        words = (f"{number} {word}" for word, number in counts(found.results.values()).items())
        line = f"{done}/{total} tests: {', '.join(words)}"
        if self._stream.isatty():
            print(f"\r{line}\x1b[K", end="", file=self._stream, flush=True)
        elif (tenth := 10 * done // total) != self._tenth:
            self._tenth = tenth
            print(line, file=self._stream, flush=True)

    def close(self) -> None:
        if self._stream.isatty():
            print("\r\x1b[K", end="", file=self._stream, flush=True)
