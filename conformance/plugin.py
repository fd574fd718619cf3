"""The pytest plugin that runs inside the suite: it writes what happens to a file, line by line.

In: pytest's reports, which pytest-xdist brings to the one process that started its workers. Out:
lines of JSON: what runs (``about``), how many tests there are (``total``), each test as it ends
(``test``), and at the end (``end``) what NumPy did for the backend and which corrections could not
be applied. It selects no test, and changes those that `conformance.corrections` lists.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from conformance.chapters import chapter_of
from conformance.corrections import PROPERTY, correct

__all__ = ["Recorder"]

OPTION = "--conformance-records"
UNCORRECTED = "--conformance-uncorrected"
WORKER_KEY = "conformance-end"
REFUSED = pytest.StashKey[dict[str, str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, metavar="FILE", help="write the results to FILE, as lines of JSON")
    parser.addoption(UNCORRECTED, action="store_true", help="run the suite's tests as they are")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    # Last, so that this adds to the profile that the suite has just made. How long it takes to
    # make an example is a matter of the machine, and of compiling kernels, not of conformance.
    settings.register_profile(
        "conformance", parent=settings(), suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("conformance")
    path = config.getoption(OPTION)
    if path and not hasattr(config, "workerinput"):
        recorder = Recorder(Path(path))
        recorder.write("about", **_about())
        config.pluginmanager.register(recorder, "conformance-recorder")


def _about() -> dict[str, Any]:
    """What is tested. A backend that can't start ends the run here, with its reason."""
    import gpuarray

    try:
        device = gpuarray.zeros(()).device
        describe = device.hook.gpuarray_describe(device=device)
    except (RuntimeError, ValueError) as error:
        raise pytest.UsageError(str(error)) from error
    return {
        "gpuarray": gpuarray.__version__,
        "standard": gpuarray.__array_api_version__,
        "device": f"{device}: {describe}" if describe else str(device),
    }


def pytest_sessionfinish(session: pytest.Session) -> None:
    recorder = session.config.pluginmanager.get_plugin("conformance-recorder")
    if recorder is not None:
        recorder.end(_end(session.config))
    elif hasattr(session.config, "workeroutput"):
        session.config.workeroutput[WORKER_KEY] = _end(session.config)


def _end(config: pytest.Config) -> dict[str, Any]:
    """What a process knows at its end: what NumPy computed on the host, what was not corrected."""
    from gpuarray.library import fallbacks

    return {
        "by_numpy": sorted({operation for _, operation in fallbacks}),
        "refused": config.stash.get(REFUSED, {}),
    }


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # First, while the tests that are not selected are still among them.
    if not config.getoption(UNCORRECTED):
        config.stash[REFUSED] = correct(items)
    # A report carries these properties from a worker to the process that writes.
    for item in items:
        mark = item.get_closest_marker("xp_extension")
        parameters = getattr(getattr(item, "callspec", None), "params", None)
        chapter = chapter_of(item.path.name, parameters, mark.args[0] if mark else None)
        item.user_properties.append(("chapter", chapter))


class Recorder:
    """Writes the lines; the phases of a test (setup, call, teardown) become one outcome.

    Parameters
    ----------
    path : Path
        The file to add lines to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: dict[str, pytest.TestReport] = {}

    def write(self, kind: str, **values: Any) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, **values}) + "\n")

    def end(self, known: dict[str, Any]) -> None:
        if any(known.values()):
            self.write("end", **known)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.end(getattr(node, "workeroutput", {}).get(WORKER_KEY, {}))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items:  # none where workers collect
            self.write("total", count=len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self.write("total", count=len(ids))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._test(report.nodeid, chapter_of(report.nodeid), "failed", 0.0, report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # The phase that decides is the first one that isn't passed, or else the call.
        kept = self._pending.setdefault(report.nodeid, report)
        if kept.passed and (not report.passed or report.when == "call"):
            self._pending[report.nodeid] = kept = report
        # A worker that died reports its test as one failed phase of no name ("???").
        if report.when not in ("setup", "call"):
            del self._pending[report.nodeid]
            properties = dict(kept.user_properties)
            chapter = properties.get("chapter") or chapter_of(kept.nodeid.partition("::")[0])
            self._test(kept.nodeid, str(chapter), _outcome(kept), kept.duration, kept)

    def _test(
        self,
        name: str,
        chapter: str,
        outcome: str,
        seconds: float,
        report: pytest.TestReport | pytest.CollectReport,
    ) -> None:
        reason, detail = ("", "") if outcome == "passed" else _explained(report)
        self.write(
            "test",
            name=name,
            chapter=chapter,
            outcome=outcome,
            seconds=round(seconds, 4),
            reason=reason,
            detail=detail if outcome == "failed" else "",
            # A module that could not be collected has no properties.
            correction=dict(getattr(report, "user_properties", ())).get(PROPERTY, ""),
        )


def _outcome(report: pytest.TestReport) -> str:
    if report.skipped and hasattr(report, "wasxfail"):
        return "xfailed"
    return str(report.outcome)


def _explained(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str]:
    """One line that says why, and pytest's whole text."""
    detail = report.longreprtext
    if getattr(report, "wasxfail", None):
        return str(report.wasxfail), detail
    if isinstance(report.longrepr, tuple):  # of a skip: path, line, reason
        return str(report.longrepr[2]).removeprefix("Skipped: "), detail
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else detail
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[0] if crash is not None else lines[-1]) if lines else "", detail
