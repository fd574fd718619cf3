"""``python -m conformance``: runs array-api-tests on a backend, prints a table, writes JSON.

In: the words of the command. Out: text, and an exit status: 0 if nothing failed, 1 if something
did, 2 if the suite could not be run to its end, with the reason on stderr.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from conformance import suite
from conformance.corrections import account
from conformance.report import corrected, document, listing, table
from conformance.run import Choice, Progress, Run, run

__all__ = ["main"]

PASSED, FAILED, CANNOT_RUN = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``python -m conformance``; those of this process by default.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.simulate and given.backend != "cuda":
        parser.error("--simulate: simulates a CUDA device, so it needs --backend cuda")
    if given.json is not None and not given.json.absolute().parent.is_dir():
        parser.error(f"--json: there is no directory {given.json.absolute().parent}")
    if given.workers and find_spec("xdist") is None:
        parser.error("-n: needs pytest-xdist; pip install 'gpuarray-xp[conformance]'")
    seed = random.SystemRandom().randrange(2**32) if given.seed is None else given.seed
    choice = Choice(
        given.backend,
        seed,
        given.max_examples,
        given.workers,
        given.simulate,
        given.select,
        given.uncorrected,
    )
    try:
        directory = suite.find(given.suite)
    except suite.SuiteUnavailable as error:
        return _cannot_run(str(error))
    missing = suite.missing_requirements(directory)
    if missing:
        return _cannot_run(
            f"the suite needs {', '.join(missing)}; pip install 'gpuarray-xp[conformance]'"
        )
    progress = Progress()
    found = run(directory, choice, progress)
    progress.close()
    about = _about(directory, choice, found)
    results = list(found.results.values())
    if given.json is not None:
        given.json.write_text(json.dumps(document(results, about), indent=1) + "\n")
    _print(found, about)
    if not found.complete:
        return _cannot_run(
            f"the suite did not run to its end: {len(results)} of {found.total} tests ended, and "
            f"pytest's exit status is {found.status}. Its last lines:\n{found.output}"
        )
    return FAILED if any(result.outcome == "failed" for result in results) else PASSED


def _cannot_run(reason: str) -> int:
    print(f"conformance: {reason}", file=sys.stderr)
    return CANNOT_RUN


def _about(directory: Path, choice: Choice, found: Run) -> dict[str, Any]:
    return {
        **found.about,
        "backend": choice.backend,
        "simulated": choice.simulate,
        "by_numpy": sorted(found.by_numpy),
        "uncorrected": choice.uncorrected,
        "corrections": [] if choice.uncorrected else account(found.results, found.refused),
        "suite": suite.commit_of(directory),
        "max_examples": choice.max_examples,
        "seed": choice.seed,
        "workers": choice.workers,
        "select": choice.select,
        "seconds": round(found.seconds, 1),
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "hypothesis", "pytest")},
    }


def _print(found: Run, about: dict[str, Any]) -> None:
    results = list(found.results.values())
    if not results:
        return
    print(table(results))
    named = listing(results)
    if named:
        print(f"\n{named}")
    corrections = corrected(about["corrections"])
    if corrections:
        print(f"\n{corrections}")
    if found.by_numpy:
        print(f"\ncomputed by NumPy, for the backend lacks it: {', '.join(about['by_numpy'])}")
    commit = about["suite"]
    pinned = commit == suite.COMMIT
    print(
        f"\nbackend {about['backend']}, {about.get('device')}"
        f"{' (simulated)' if about['simulated'] else ''}; standard {about.get('standard')}; "
        f"suite {commit[:12] if commit else 'of unknown commit'}"
        f"{'' if pinned else f' (the pinned one is {suite.COMMIT[:12]})'}"
        f"{', uncorrected' if about['uncorrected'] else ''}; "
        f"{about['max_examples']} examples, seed {about['seed']}; {about['seconds']} s"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Run array-api-tests, the public test suite of the Python array API standard, "
        "on a backend of gpuarray. The exit status is 0 if nothing failed.",
    )
    parser.add_argument(
        "--backend", metavar="NAME", required=True, help="numpy, cuda, or the name of another one"
    )
    parser.add_argument(
        "--max-examples",
        metavar="N",
        type=_positive,
        default=100,
        help="examples for each property (default: %(default)s)",
    )
    parser.add_argument(
        "-n", dest="workers", metavar="WORKERS", type=_positive, default=0, help="processes"
    )
    parser.add_argument(
        "--suite",
        metavar="DIR",
        type=Path,
        help=f"a clone of array-api-tests (default: the directory that {suite.VARIABLE} names; "
        "where it is unset, the pinned commit is cloned once)",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the results to FILE")
    parser.add_argument(
        "--seed", metavar="S", type=int, help="repeat a run: the seed that it printed"
    )
    parser.add_argument(
        "--simulate", action="store_true", help="run CUDA's kernels on the CPU; needs no GPU"
    )
    parser.add_argument(
        "--uncorrected",
        action="store_true",
        help="run the suite as it is, with the tests that contradict the standard",
    )
    parser.add_argument(
        "-k",
        dest="select",
        metavar="EXPRESSION",
        default="",
        help="only the tests that match, as in pytest",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
