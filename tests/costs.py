"""Pytest plugin: measure CPU time, wall time and process starts of each test, over all xdist workers.

``--costs FILE`` writes them as JSON.  CPU time counts the test's own process and every child that it waited for.
``--stop-after S`` starts no further test after S seconds, and prints how many tests ran until then.
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


def read_cpu_s() -> tuple[float, float]:
    """Return the CPU seconds of this process, and of the children that it waited for."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime


def count_examples(item: pytest.Item) -> int:
    """Return how many examples hypothesis may draw for a test; 0 without hypothesis."""
    if item.get_closest_marker("hypothesis") is None:
        return 0
    function = getattr(item, "obj", None)
    case = getattr(getattr(item, "cls", None), "settings", None)
    settings = getattr(function, "_hypothesis_internal_use_settings", None) or case
    return getattr(settings, "max_examples", 0)


class Costs:
    """The plugin; one object in each process.

    Workers attach the figures of a test to its report; the controller adds them up.  Without xdist one object does
    both.
    """

    def __init__(self, config: pytest.Config, target: Path | None, limit_s: float | None) -> None:
        self.config = config
        self.target = target
        self.limit_s = limit_s
        self.is_stopped = False
        self.collected = 0
        self.tests: dict[str, dict[str, float]] = {}
        self.workers: list[dict[str, float]] = []
        self.begin_s = time.monotonic()
        self.session: pytest.Session | None = None
        self._before: tuple[float, tuple[float, float], int] = (0.0, (0.0, 0.0), 0)
        self._collection: dict[str, float] = {}

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep the session, so that the time limit can stop it."""
        self.session = session

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Iterator[None]:
        """Measure the collection, which every worker repeats."""
        own_s, _ = read_cpu_s()
        result = yield
        self._collection = {"start_cpu_s": own_s, "collection_cpu_s": read_cpu_s()[0] - own_s}
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Keep the state before the fixtures of a test are set up."""
        self._before = time.monotonic(), read_cpu_s(), _starts_count
        result = yield
        stop_at_s = getattr(self.config, "workerinput", {}).get("stop_at_s")
        if stop_at_s is not None and time.monotonic() > stop_at_s and self.session is not None:
            self.session.shouldstop = "the time limit has passed"
        return result

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
        """Attach the figures to the report of the teardown, the last of a test."""
        report = yield
        if call.when == "teardown":
            wall_s, (own_s, children_s), starts = self._before
            after_s = read_cpu_s()
            figures = {
                "wall_s": round(time.monotonic() - wall_s, 4),
                "cpu_s": round(sum(after_s) - own_s - children_s, 4),
                "children_cpu_s": round(after_s[1] - children_s, 4),
                "starts": _starts_count - starts,
                "max_examples": count_examples(item),
            }
            report.user_properties.append((KEY, figures))
        return report

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker when to stop: xdist queues up to a quarter of the tests there, whatever --maxschedchunk."""
        if self.limit_s is not None:
            node.workerinput["stop_at_s"] = self.begin_s + self.limit_s

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the figures of a test in the controller, and check the time limit."""
        if report.when == "teardown" and not hasattr(self.config, "workeroutput"):
            for key, value in report.user_properties:
                if key == KEY and isinstance(value, dict):
                    self.tests[report.nodeid] = value
            report.user_properties[:] = [pair for pair in report.user_properties if pair[0] != KEY]
            if self.limit_s is not None and time.monotonic() - self.begin_s > self.limit_s:
                self._stop(f"the time limit of {self.limit_s:g} s has passed")

    def _stop(self, why: str) -> None:
        """End the session after the tests that run now; xdist has a flag of its own for that."""
        self.is_stopped = True
        scheduler = self.config.pluginmanager.getplugin("dsession")
        if scheduler is not None:
            scheduler.shouldstop = why
        elif self.session is not None:
            self.session.shouldstop = why

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send a worker's totals to the controller; without workers, keep those of this process.

        A session that the time limit ended has passed when none of its tests failed.
        """
        if self.is_stopped and not session.testsfailed:
            session.exitstatus = pytest.ExitCode.OK
        own_s, children_s = read_cpu_s()
        totals = {**self._collection, "cpu_s": own_s, "children_cpu_s": children_s}
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[KEY] = totals
        elif not self.workers:
            self.workers.append(totals)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Receive a worker's totals."""
        self.workers.append(getattr(node, "workeroutput", {}).get(KEY, {}))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Count the tests of the session; each worker collects all of them."""
        self.collected = len(ids)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the JSON file; say how much of the session the time limit allowed."""
        if self.is_stopped:
            total = self.collected or (self.session.testscollected if self.session else 0)
            took_s = time.monotonic() - self.begin_s
            terminalreporter.write_line(
                f"Time limit: {len(self.tests)} of {total} tests ran, in {took_s:.0f} s"
            )
        if self.target is None:
            return
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.target.write_text(json.dumps(self.summary(), indent=1))
        terminalreporter.write_line(f"costs: {self.target}")

    def summary(self) -> dict[str, Any]:
        """Return all figures as a JSON object; keys that end in ``_s`` are seconds."""
        own_s, children_s = read_cpu_s()
        modules: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(int))
        for name, figures in self.tests.items():
            module = modules[name.partition("::")[0]]
            module["tests"] += 1
            for key, value in figures.items():
                module[key] = round(module[key] + value, 4)
        return {
            "tests": len(self.tests),
            "wall_s": round(time.monotonic() - self.begin_s, 4),
            "cpu_s": round(own_s + children_s, 4),
            "start_cpu_s": sum(one.get("start_cpu_s", 0.0) for one in self.workers),
            "collection_cpu_s": sum(one.get("collection_cpu_s", 0.0) for one in self.workers),
            "starts": sum(one["starts"] for one in self.tests.values()),
            "max_examples": sum(one["max_examples"] for one in self.tests.values()),
            "hypothesis_cpu_s": sum(one["cpu_s"] for one in self.tests.values() if one["max_examples"]),
            "most_cpu": dict(sorted(self.tests.items(), key=lambda pair: -pair[1]["cpu_s"])[:SLOWEST]),
            "modules": {name: dict(one) for name, one in sorted(modules.items())},
        }


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options ``--costs`` and ``--stop-after``."""
    parser.addoption(
        "--costs",
        type=Path,
        default=None,
        metavar="FILE",
        help="write CPU time, wall time and process starts of each test to this JSON file",
    )
    parser.addoption(
        "--stop-after",
        type=float,
        default=None,
        metavar="S",
        help="start no test after S seconds; the session passes if no test failed",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin, and count process starts from here on."""
    sys.addaudithook(_count_start)
    is_worker = hasattr(config, "workerinput")
    target, limit_s = (
        (None, None) if is_worker else (config.getoption(name) for name in ("costs", "stop_after"))
    )
    config.pluginmanager.register(Costs(config, target, limit_s), "costs-of-tests")
