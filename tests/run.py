"""Run the stages of the test suite in order, and report the time that each took: ``make test``.

Each stage writes a JUnit file and a JSON file to ``reports/ci``; ``costs.json`` has the totals.  The run ends at
the first stage that fails; no test is repeated.

examples:
  make test                          all stages; the stage "setup" creates .venv
  make test STAGES="lint modules"    these two alone, once .venv exists
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BIN = ROOT / ".venv" / "bin"
REPORTS = ROOT / "reports" / "ci"
CORES = len(os.sched_getaffinity(0))
SLOWEST = 10

# Tests of control/ that run the same way each time: only these count for its branch coverage.
PLAIN = "control and not hypothesis and not long"


@dataclass(frozen=True)
class Stage:
    """One command.  With ``pytest`` the words are arguments of pytest, and the report options are added."""

    name: str
    words: tuple[str, ...]
    pytest: bool = True


def _workers(count: int) -> tuple[str, str]:
    """Return the option that runs ``count`` processes of pytest."""
    return "--numprocesses", str(count)


def _find_marked_files(mark: str) -> tuple[str, ...]:
    """Return the test files that use a marker, so that pytest need not collect the others."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    return tuple(
        str(path.relative_to(ROOT)) for path in paths if f"mark.{mark}" in path.read_text(encoding="utf-8")
    )


def list_stages(make: str = "make") -> tuple[Stage, ...]:
    """Return the stages of ``make test`` in their order: those that fail early come first."""
    return (
        Stage("packages", ("bash", "tests/packages.sh"), pytest=False),
        Stage("setup", (make, "--no-print-directory", "--jobs", "2", "peers", ".venv/.dev"), pytest=False),
        Stage("lint", (make, "--no-print-directory", "lint"), pytest=False),
        Stage(
            "modules",
            (
                *_workers(CORES),
                "--dist",
                "loadfile",
                "-m",
                f"not measurement and not daemon and not ({PLAIN})",
            ),
        ),
        # Fails unless these tests take every branch of control/.
        Stage(
            "control",
            ("tests/gateway/control", *_workers(CORES), "-m", PLAIN, "--cov", "--cov-report=term"),
        ),
        # These tests mostly wait for the daemon: two on each core.
        Stage(
            "daemon",
            (
                *_workers(2 * CORES),
                "--dist",
                "worksteal",
                "-m",
                "daemon and not timing",
                *_find_marked_files("daemon"),
            ),
        ),
        Stage(
            "scenarios",
            (
                *(str(BIN / "quartier-hil"), "run", "short", "--report", str(REPORTS), "--quiet"),
                *("--jobs", str(3 * CORES // 2), "--again", "--junit", str(REPORTS / "scenarios.xml")),
            ),
            pytest=False,
        ),
        # These tests assert reaction times: one on each core.
        Stage(
            "timing", (*_workers(CORES), "-m", "timing and not measurement", *_find_marked_files("timing"))
        ),
    )


@dataclass(frozen=True)
class Result:
    """Exit code and cost of a stage.

    ``cpu_s`` counts all processes that it waited for; ``costs`` is its JSON file, empty without pytest.
    """

    name: str
    code: int
    wall_s: float
    cpu_s: float
    costs: Mapping[str, Any]


def run_stage(stage: Stage, more: Iterable[str] = ()) -> Result:
    """Run one stage, with extra arguments ``more``; its output goes to ours."""
    costs_file = REPORTS / f"{stage.name}.json"
    costs_file.unlink(missing_ok=True)
    costs_file.with_suffix(".xml").unlink(missing_ok=True)
    words = [*stage.words, *more]
    if stage.pytest:
        reports = ["--junitxml", str(REPORTS / f"{stage.name}.xml"), "--costs", str(costs_file)]
        words = [str(BIN / "python"), "-m", "pytest", "--quiet", *words, *reports]
    print(f"\n== {stage.name}: {shlex.join(words)}", flush=True)
    begin_s = time.monotonic()
    process = subprocess.Popen(words, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = code = os.waitstatus_to_exitcode(status)
    wall_s, cpu_s = time.monotonic() - begin_s, usage.ru_utime + usage.ru_stime
    costs = json.loads(costs_file.read_text()) if costs_file.exists() else {}
    return Result(stage.name, code, wall_s, cpu_s, costs)


def format_table(results: Iterable[Result]) -> str:
    """Return the cost of each stage and the totals as a text table."""
    rows = [
        ("stage", "tests", "wall s", "CPU s", "collection CPU s", "hypothesis CPU s", "processes started")
    ]
    results = list(results)
    for one in results:
        costs = one.costs
        rows.append(
            (
                one.name,
                str(costs.get("tests", "-")),
                f"{one.wall_s:.0f}",
                f"{one.cpu_s:.0f}",
                f"{costs.get('collection_cpu_s', 0.0):.0f}",
                f"{costs.get('hypothesis_cpu_s', 0.0):.0f}",
                str(costs.get("starts", "-")),
            )
        )
    wall_s, cpu_s = sum(one.wall_s for one in results), sum(one.cpu_s for one in results)
    tests = sum(one.costs.get("tests", 0) for one in results)
    rows.append(("total", str(tests), f"{wall_s:.0f}", f"{cpu_s:.0f}", "", "", ""))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(word.ljust(widths[0]) if at == 0 else word.rjust(widths[at]) for at, word in enumerate(row))
        for row in rows
    )


def find_slowest(results: Iterable[Result], count: int = SLOWEST) -> list[tuple[float, float, str]]:
    """Return the tests with the most CPU time: (CPU seconds, wall seconds, name)."""
    found = [
        (figures["cpu_s"], figures["wall_s"], name)
        for one in results
        for name, figures in one.costs.get("most_cpu", {}).items()
    ]
    return sorted(found, reverse=True)[:count]


def report_costs(results: list[Result]) -> None:
    """Print the costs, and write them to ``costs.json``."""
    print("\n" + format_table(results))
    for at, (cpu_s, wall_s, name) in enumerate(find_slowest(results)):
        if at == 0:
            print("\nThe tests with the most CPU time:")
        print(f"  {cpu_s:6.1f} s CPU  {wall_s:6.1f} s wall  {name}")
    cpu_s = sum(one.cpu_s for one in results)
    print(f"\n{cpu_s:.0f} s CPU in all, on {CORES} cores")
    plain = [
        {"stage": one.name, "code": one.code, "wall_s": one.wall_s, "cpu_s": one.cpu_s, **one.costs}
        for one in results
    ]
    (REPORTS / "costs.json").write_text(
        json.dumps({"cores": CORES, "cpu_s": cpu_s, "stages": plain}, indent=1)
    )
    print(
        f"For machines: {REPORTS.relative_to(ROOT)}/costs.json, and a JUnit and a JSON file of each stage with tests"
    )


def main() -> int:
    """Run all stages, or those named; return the exit code of the stage that failed, else 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = list_stages(os.environ.get("MAKE", "make"))
    names = [stage.name for stage in known]
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"{', '.join(names)} (default: all)")
    chosen = parser.parse_args().stages or names
    if unknown := [name for name in chosen if name not in names]:
        parser.error(f"unknown stage {unknown[0]!r}; expected one of {', '.join(names)}")
    if "setup" not in chosen and not (BIN / "python").exists():
        parser.error(f"{BIN} is not there: run 'make test STAGES=\"packages setup\"' first")
    REPORTS.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("HYPOTHESIS_PROFILE", "ci")
    results = []
    for stage in known:
        if stage.name in chosen:
            results.append(run_stage(stage))
            if results[-1].code:
                break
    report_costs(results)
    if code := results[-1].code:
        name = results[-1].name
        if left := [stage.name for stage in known if stage.name in chosen][len(results) :]:
            print(f"\nNot run: {', '.join(left)}")
        print(f"\nStage {name} failed (exit code {code}); to run it again: make test STAGES={name}")
    return code


if __name__ == "__main__":
    sys.exit(main())
