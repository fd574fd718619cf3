"""`python -m conformance` on a small suite of our own: words, table, JSON, exit status, cloning."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import conformance
from conformance import suite
from conformance.__main__ import main
from conformance.chapters import chapter_of
from conformance.report import Result, counts, document, listing, table

CONFTEST = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--max-examples", type=int)
    parser.addoption("--disable-deadline", action="store_true")
    parser.addoption("--xfails-file")

def pytest_configure(config):
    config.addinivalue_line("markers", "xp_extension(ext): tests an extension")
"""
TESTS = {
    "test_constants": """
import os
import gpuarray

def test_the_environment(pytestconfig):
    assert os.environ["ARRAY_API_TESTS_MODULE"] == "gpuarray"
    assert gpuarray.zeros(1).device == "cpu"
    assert pytestconfig.getoption("--max-examples") == 7
    assert os.path.exists(pytestconfig.getoption("--xfails-file"))
""",
    "test_has_names": """
import pytest

@pytest.mark.parametrize("category, name", [("creation", "ones"), ("linalg", "svd")])
def test_has_names(category, name):
    assert name == "ones", f"{name} is missing"
""",
    "test_set_functions": """
import pytest

@pytest.mark.skip(reason="flaky")
def test_skipped():
    pass

@pytest.mark.xfail(reason="known")
def test_xfailed():
    assert False

@pytest.fixture
def broken():
    yield
    raise RuntimeError("after the call")

def test_teardown(broken):
    pass
""",
    "test_linalg": """
import pytest
from hypothesis import given, strategies

@pytest.mark.xp_extension("linalg")
def test_svd():
    pass

@given(strategies.integers())
def test_matmul(number):
    assert number < 5, "too large"
""",
}
NO_FAILURE = {"test_constants": TESTS["test_constants"]}


@pytest.fixture(autouse=True)
def _no_suite_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(suite.VARIABLE, raising=False)
    monkeypatch.setenv("GPUARRAY_CACHE_DIR", str(tmp_path / "cache"))


def small_suite(directory: Path, tests: dict[str, str]) -> Path:
    (directory / "array_api_tests").mkdir(parents=True)
    (directory / "pytest.ini").write_text("[pytest]\n")
    (directory / "conftest.py").write_text(CONFTEST)
    for name, text in {"__init__": "", **tests}.items():
        (directory / "array_api_tests" / f"{name}.py").write_text(text)
    return directory


def run(directory: Path, *words: str) -> int:
    return main(
        ["--backend", "numpy", "--suite", str(directory), "--max-examples", "7", *words],
    )


def test_nothing_is_expected_to_fail() -> None:
    lines = (Path(conformance.__file__).parent / "xfails.txt").read_text().splitlines()
    assert [line for line in lines if line.strip() and not line.startswith("#")] == []


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_is_counted_by_chapter_listed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: int
) -> None:
    directory = small_suite(tmp_path / "suite", TESTS)
    path = tmp_path / "results.json"
    words = ["--json", str(path), "--seed", "3", *(["-n", str(workers)] if workers else [])]
    assert run(directory, *words) == 1

    written = json.loads(path.read_text())
    assert written["totals"] == {"passed": 3, "failed": 3, "skipped": 1, "xfailed": 1}
    assert {chapter: tuple(found.values()) for chapter, found in written["chapters"].items()} == {
        "constants": (1, 0, 0, 0),
        "creation functions": (1, 0, 0, 0),
        "linear algebra functions": (0, 1, 0, 0),
        "set functions": (0, 1, 1, 1),
        "linalg extension": (1, 1, 0, 0),
    }
    about = written["about"]
    assert (about["backend"], about["seed"], about["max_examples"]) == ("numpy", 3, 7)
    assert about["standard"] == "2025.12"
    assert about["device"].startswith("cpu")
    assert about["suite"] is None
    tests = {test["name"].rpartition("::")[2]: test for test in written["tests"]}
    assert tests["test_skipped"]["reason"] == "flaky"
    assert tests["test_xfailed"]["reason"] == "known"
    assert "RuntimeError: after the call" in tests["test_teardown"]["detail"]
    assert "too large" in tests["test_matmul"]["reason"]
    assert "number=5" in tests["test_matmul"]["detail"]

    output = capsys.readouterr()
    lines = [line.split() for line in output.out.splitlines()]
    assert ["set", "functions", "0", "1", "1", "1"] in lines
    assert ["all", "3", "3", "1", "1"] in lines
    assert "array_api_tests/test_set_functions.py::test_skipped" in output.out
    assert "seed 3" in output.out
    assert output.err.splitlines()[-1].startswith("8/8 tests: 3 passed, 3 failed")
    assert not (directory / ".hypothesis").exists()


def test_the_exit_status_is_0_only_if_nothing_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(small_suite(tmp_path / "a", NO_FAILURE)) == 0
    assert "failed:" not in capsys.readouterr().out
    broken = {**NO_FAILURE, "test_sorting_functions": "import nothing_of_this_name"}
    assert run(small_suite(tmp_path / "b", broken)) == 1
    output = capsys.readouterr().out
    assert ["sorting", "functions", "0", "1", "0", "0"] in map(str.split, output.splitlines())
    assert "No module named 'nothing_of_this_name'" in output


def test_only_what_is_selected_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(small_suite(tmp_path, TESTS), "-k", "environment") == 0
    assert ["all", "1", "0", "0", "0"] in map(str.split, capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ({"test_fft": "import os\ndef test_fft():\n    os._exit(3)"}, "0 of 1 tests ended"),
        ({"test_fft": ""}, "0 of 0 tests ended"),
    ],
)
def test_a_run_that_is_cut_off_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tests: dict[str, str], reason: str
) -> None:
    assert run(small_suite(tmp_path, tests)) == 2
    assert reason in capsys.readouterr().err


def test_a_backend_that_cannot_start_ends_the_run_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--backend", "no-such-backend", "--suite", str(small_suite(tmp_path, NO_FAILURE))]
    assert main(words) == 2
    assert "no-such-backend" in capsys.readouterr().err


def test_the_simulator_answers_for_cuda(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tests = {
        "test_constants": """
import gpuarray

zero = gpuarray.zeros(1)  # made while tests are collected

def test_sum():
    x = gpuarray.arange(5)
    assert x.device == "cuda:0" and zero.device == "cuda:0"
    assert int(gpuarray.sum(x)) == 10
"""
    }
    words = ["--backend", "cuda", "--simulate", "--suite", str(small_suite(tmp_path, tests))]
    assert main(words) == 0
    assert "Simulated GPU" in capsys.readouterr().out


@pytest.mark.parametrize("workers", [[], ["-n", "1"]], ids=str)
def test_what_numpy_computes_for_a_backend_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: list[str]
) -> None:
    counted = """
from gpuarray.library import fallbacks

def test_sort():
    fallbacks["numpy", "sort"] += 1
"""
    directory = small_suite(tmp_path / "suite", {"test_sorting_functions": counted})
    path = tmp_path / "results.json"
    assert run(directory, "--json", str(path), *workers) == 0
    assert "by NumPy, for the backend lacks it: sort\n" in capsys.readouterr().out
    assert json.loads(path.read_text())["about"]["by_numpy"] == ["sort"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "--backend"),
        (["--backend", "numpy", "--simulate"], "needs --backend cuda"),
        (["--backend", "numpy", "--max-examples", "0"], "0 is not 1 or more"),
        (["--backend", "numpy", "-n", "many"], "many"),
        (["--backend", "numpy", "--json", "no/such/directory/file"], "no/such/directory"),
    ],
)
def test_wrong_words_are_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


# Where the suite comes from


def test_the_suite_is_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = small_suite(tmp_path / "suite", NO_FAILURE)
    monkeypatch.setenv(suite.VARIABLE, str(directory))
    assert suite.find(None) == directory
    other = small_suite(tmp_path / "other", NO_FAILURE)
    assert suite.find(other) == other


def test_a_directory_that_is_not_the_suite_is_an_error_that_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--backend", "numpy", "--suite", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "there is no array_api_tests in" in message
    assert f"checkout {suite.COMMIT}" in message

    directory = small_suite(tmp_path / "suite", NO_FAILURE)
    (directory / "array-api").mkdir()
    with pytest.raises(suite.SuiteUnavailable, match="submodule update --init"):
        suite.find(directory)


def test_what_the_suite_requires_must_be_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = small_suite(tmp_path, NO_FAILURE)
    (directory / "requirements.txt").write_text(
        "pytest\n# more\nno-such-thing>=1\nhypothesis>=999\n"
    )
    assert run(directory) == 2
    message = capsys.readouterr().err
    assert "no-such-thing>=1, hypothesis>=999 (there is" in message
    assert "gpuarray-xp[conformance]" in message


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@needs_git
def test_the_pinned_commit_is_cloned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = small_suite(tmp_path / "origin", NO_FAILURE)

    def git(*words: str) -> str:
        name = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", *name, *words], cwd=origin, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "suite")
    monkeypatch.setattr(suite, "REPOSITORY", str(origin))
    monkeypatch.setattr(suite, "COMMIT", git("rev-parse", "HEAD"))
    directory = suite.find(None)
    assert directory.parent == tmp_path / "cache"
    assert list(directory.parent.iterdir()) == [directory]
    assert suite.commit_of(directory) == suite.COMMIT
    shutil.rmtree(origin)
    assert suite.find(None) == directory


@needs_git
def test_without_the_network_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(suite, "REPOSITORY", str(tmp_path / "unreachable"))
    assert main(["--backend", "numpy"]) == 2
    message = capsys.readouterr().err
    assert "git fetch failed" in message
    assert "--suite DIR" in message
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_git_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--backend", "numpy"]) == 2
    message = capsys.readouterr().err
    assert "there is no git here" in message
    assert "git clone --recurse-submodules" in message


# The parts


class _Stub:
    __module__ = "array_api_stubs._2025_12.manipulation_functions"


@pytest.mark.parametrize(
    ("module", "parameters", "extension", "chapter"),
    [
        ("test_creation_functions.py", {}, None, "creation functions"),
        ("array_api_tests/test_special_cases.py", {}, None, "elementwise functions"),
        ("test_operators_and_elementwise_functions.py", {}, None, "elementwise functions"),
        ("test_linalg.py", {}, None, "linear algebra functions"),
        ("test_linalg.py", {}, "linalg", "linalg extension"),
        ("test_has_names.py", {"category": "array_method"}, None, "array object"),
        ("test_has_names.py", {"category": "info"}, None, "inspection"),
        ("test_signatures.py", {"stub": _Stub}, None, "manipulation functions"),
        ("test_signatures.py", {"stub": _Stub, "extension": "fft"}, "fft", "fft extension"),
        ("test_of_tomorrow.py", {}, None, "of_tomorrow"),
    ],
)
def test_every_test_has_a_chapter(
    module: str, parameters: dict[str, Any], extension: str | None, chapter: str
) -> None:
    assert chapter_of(module, parameters, extension) == chapter


def test_the_table_has_the_order_of_the_standard_and_other_chapters_at_its_end() -> None:
    results = [
        Result("d", "of_tomorrow", "passed"),
        Result("c", "utility functions", "failed", reason="why"),
        Result("a", "array object", "passed"),
        Result("b", "array object", "xfailed", reason="later"),
    ]
    lines = table(results).splitlines()
    assert [line.split()[0] for line in lines] == [
        "chapter", "array", "utility", "of_tomorrow", "all"
    ]  # fmt: skip
    assert lines[1].split()[-4:] == ["1", "0", "0", "1"]
    assert len({len(line) for line in lines}) == 1
    assert listing(results).splitlines() == [
        "failed:", "  c", "    why", "xfailed:", "  b", "    later"
    ]  # fmt: skip
    assert listing(results[:1]) == ""
    assert counts(results) == document(results, {})["totals"]
    assert [test["name"] for test in document(results, {})["tests"]] == ["a", "b", "c", "d"]
