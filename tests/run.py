"""Run the stages of the test suite one after the other, and report what each cost.

Each stage leaves a JUnit file and a JSON file in ``reports/ci``; ``costs.json`` has the totals.  The first
stage that fails ends the run: nothing is tried a second time.
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

# Tests of control/ that run the same way each time: they alone decide whether a branch is covered.
PLAIN = "control and not hypothesis and not long"


@dataclass(frozen=True)
class Stage:
    """One command; ``pytest`` tells whether it is a session of pytest, which gets its report options."""

    name: str
    words: tuple[str, ...]
    pytest: bool = True


def _workers(count: int) -> tuple[str, str]:
    return "--numprocesses", str(count)


def _marked(mark: str) -> tuple[str, ...]:
    """Return the test files with a marker: a session that wants these alone need not collect the others."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    return tuple(
        str(path.relative_to(ROOT)) for path in paths if f"mark.{mark}" in path.read_text(encoding="utf-8")
    )


def stages(make: str = "make") -> tuple[Stage, ...]:
    """Return the stages of ``make test`` in their order: what is quick to fail comes first."""
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
                f"not measurement and not scenario and not ({PLAIN})",
            ),
        ),
        # Each branch of control/ is taken by a test of its own, chance and long runs left out; else this fails.
        Stage(
            "control",
            ("tests/gateway/control", *_workers(CORES), "-m", PLAIN, "--cov", "--cov-report=term"),
        ),
        # The daemon as a black box waits more than it works: two on each core.
        Stage(
            "daemon",
            (
                *_workers(2 * CORES),
                "--dist",
                "worksteal",
                "-m",
                "scenario and not alone",
                *_marked("scenario"),
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
        # What promises a reaction in time has a core of its own.
        Stage("alone", (*_workers(CORES), "-m", "alone and not measurement", *_marked("alone"))),
    )


@dataclass(frozen=True)
class Result:
    """What a stage cost; CPU counts all processes that it waited for."""

    name: str
    code: int
    wall_s: float
    cpu_s: float
    costs: Mapping[str, Any]


def run_stage(stage: Stage, more: Iterable[str] = ()) -> Result:
    """Run one stage with its output on ours."""
    costs_file = REPORTS / f"{stage.name}.json"
    costs_file.unlink(missing_ok=True)
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


def table(results: Iterable[Result]) -> str:
    """The stages and their totals, as text."""
    rows = [("stage", "tests", "wall s", "CPU s", "collect", "hypothesis", "starts")]
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


def slowest(results: Iterable[Result], count: int = SLOWEST) -> list[tuple[float, float, str]]:
    """The tests with the most CPU: CPU seconds, wall seconds, name."""
    found = [
        (figures["cpu_s"], figures["wall_s"], name)
        for one in results
        for name, figures in one.costs.get("slowest", {}).items()
    ]
    return sorted(found, reverse=True)[:count]


def report(results: list[Result]) -> None:
    """Print the costs, and write them as JSON."""
    print("\n" + table(results))
    for at, (cpu_s, wall_s, name) in enumerate(slowest(results)):
        if at == 0:
            print("\nThe tests with the most CPU time:")
        print(f"  {cpu_s:6.1f} s CPU  {wall_s:6.1f} s wall  {name}")
    cpu_s = sum(one.cpu_s for one in results)
    print(f"\nTotal: {cpu_s:.0f} s CPU, {sum(one.wall_s for one in results):.0f} s wall on {CORES} cores")
    plain = [
        {"stage": one.name, "code": one.code, "wall_s": one.wall_s, "cpu_s": one.cpu_s, **one.costs}
        for one in results
    ]
    (REPORTS / "costs.json").write_text(
        json.dumps({"cores": CORES, "cpu_s": cpu_s, "stages": plain}, indent=1)
    )
    print(f"JUnit and JSON: {REPORTS.relative_to(ROOT)}/*.xml, *.json")


def main() -> int:
    """Run all stages, or those named; return the exit code of the first that failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = stages(os.environ.get("MAKE", "make"))
    names = [stage.name for stage in known]
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"{', '.join(names)}; none: all")
    chosen = parser.parse_args().stages or names
    if unknown := [name for name in chosen if name not in names]:
        parser.error(f"unknown stage {unknown[0]!r}; expected one of {', '.join(names)}")
    REPORTS.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("HYPOTHESIS_PROFILE", "ci")
    results = []
    for stage in known:
        if stage.name in chosen:
            results.append(run_stage(stage))
            if results[-1].code:
                break
    report(results)
    if code := results[-1].code:
        print(
            f"\nStage {results[-1].name} failed (exit code {code}); once more: make test STAGES={results[-1].name}"
        )
    return code


if __name__ == "__main__":
    sys.exit(main())
