"""Pytest plugin: CPU, wall time and process starts of each test, summed over all xdist workers.

``--costs FILE`` writes them as JSON.  CPU counts the test's own process and every child that it waited for.
``--stop-after S`` ends a session in good order after so many seconds, and says how many tests it left out.
"""

import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

KEY = "costs"
STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"}
SLOWEST = 100

_starts_count = 0


def _count_start(event: str, _arguments: tuple[Any, ...]) -> None:
    global _starts_count  # noqa: PLW0603 - an audit hook cannot be removed, nor be given a state
    if event in STARTS:
        _starts_count += 1


def cpu_s() -> tuple[float, float]:
    """CPU seconds of this process, and of the children that it waited for."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime


def examples_asked(item: pytest.Item) -> int:
    """How many examples hypothesis may draw for a test; 0 for a test that it does not drive."""
    if item.get_closest_marker("hypothesis") is None:
        return 0
    function = getattr(item, "obj", None)
    case = getattr(getattr(item, "cls", None), "settings", None)
    settings = getattr(function, "_hypothesis_internal_use_settings", None) or case
    return getattr(settings, "max_examples", 0)


class Costs:
    """One object in each process: workers attach figures to their reports, the controller adds them up."""

    def __init__(self, config: pytest.Config, target: Path | None, limit_s: float | None) -> None:
        self.config = config
        self.target = target
        self.limit_s = limit_s
        self.is_stopped = False
        self.tests: dict[str, dict[str, float]] = {}
        self.workers: list[dict[str, float]] = []
        self.begin_s = time.monotonic()
        self.session: pytest.Session | None = None
        self._before: tuple[float, tuple[float, float], int] = (0.0, (0.0, 0.0), 0)
        self._collection: dict[str, float] = {}

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Remember what a time limit ends."""
        self.session = session

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Iterator[None]:
        """Time the collection, which every worker repeats."""
        own_s, _ = cpu_s()
        result = yield
        self._collection = {"start_cpu_s": own_s, "collection_cpu_s": cpu_s()[0] - own_s}
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Note the state before the fixtures of a test are made."""
        self._before = time.monotonic(), cpu_s(), _starts_count
        return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
        """Attach the figures to the report of the teardown, which ends a test."""
        report = yield
        if call.when == "teardown":
            wall_s, (own_s, children_s), starts = self._before
            after_s = cpu_s()
            figures = {
                "wall_s": round(time.monotonic() - wall_s, 4),
                "cpu_s": round(sum(after_s) - own_s - children_s, 4),
                "children_cpu_s": round(after_s[1] - children_s, 4),
                "starts": _starts_count - starts,
                "examples": examples_asked(item),
            }
            report.user_properties.append((KEY, figures))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the figures of a test, in the process that has all reports."""
        if report.when == "teardown" and not hasattr(self.config, "workeroutput"):
            for key, value in report.user_properties:
                if key == KEY and isinstance(value, dict):
                    self.tests[report.nodeid] = value
            report.user_properties[:] = [pair for pair in report.user_properties if pair[0] != KEY]
            if self.limit_s is not None and time.monotonic() - self.begin_s > self.limit_s:
                self._stop(f"the time limit of {self.limit_s:g} s is over")

    def _stop(self, why: str) -> None:
        """Let the session end after the tests that run now; xdist listens to its own flag."""
        self.is_stopped = True
        scheduler = self.config.pluginmanager.getplugin("dsession")
        if scheduler is not None:
            scheduler.shouldstop = why
        elif self.session is not None:
            self.session.shouldstop = why

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send a worker's totals to the controller; without workers they are the session's own.

        A session that the time limit ended has passed when no test of it failed.
        """
        if self.is_stopped and not session.testsfailed:
            session.exitstatus = pytest.ExitCode.OK
        own_s, children_s = cpu_s()
        totals = {**self._collection, "cpu_s": own_s, "children_cpu_s": children_s}
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[KEY] = totals
        elif not self.workers:
            self.workers.append(totals)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take a worker's totals."""
        self.workers.append(getattr(node, "workeroutput", {}).get(KEY, {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the JSON file; say what the time limit left out."""
        if self.is_stopped:
            terminalreporter.write_line(
                f"{len(self.tests)} tests in {self.limit_s:g} s; the time limit left out the others"
            )
        if self.target is None:
            return
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.target.write_text(json.dumps(self.summary(), indent=1))
        terminalreporter.write_line(f"costs: {self.target}")

    def summary(self) -> dict[str, Any]:
        """All figures, JSON-ready."""
        own_s, children_s = cpu_s()
        modules: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for name, figures in self.tests.items():
            module = modules[name.partition("::")[0]]
            module["tests"] += 1
            for key, value in figures.items():
                module[key] = round(module[key] + value, 4)
        return {
            "tests": len(self.tests),
            "wall_s": time.monotonic() - self.begin_s,
            "cpu_s": own_s + children_s,
            "start_cpu_s": sum(one.get("start_cpu_s", 0.0) for one in self.workers),
            "collection_cpu_s": sum(one.get("collection_cpu_s", 0.0) for one in self.workers),
            "starts": sum(one["starts"] for one in self.tests.values()),
            "examples": sum(one["examples"] for one in self.tests.values()),
            "hypothesis_cpu_s": sum(one["cpu_s"] for one in self.tests.values() if one["examples"]),
            "slowest": dict(sorted(self.tests.items(), key=lambda pair: -pair[1]["cpu_s"])[:SLOWEST]),
            "modules": {name: dict(one) for name, one in sorted(modules.items())},
        }


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--costs``."""
    parser.addoption("--costs", type=Path, default=None, help="write CPU, wall and starts of each test here")
    parser.addoption(
        "--stop-after", type=float, default=None, metavar="S", help="end the session after S seconds"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Measure from here on."""
    sys.addaudithook(_count_start)
    is_worker = hasattr(config, "workerinput")
    target, limit_s = (
        (None, None) if is_worker else (config.getoption(name) for name in ("costs", "stop_after"))
    )
    config.pluginmanager.register(Costs(config, target, limit_s), "costs-of-tests")
