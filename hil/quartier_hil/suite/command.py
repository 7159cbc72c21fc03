"""``quartier-hil run``: one scenario, or a set of them that goes on where it was left."""

import argparse
import asyncio
import hashlib
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quartier_drivers.errors import ConfigError, Fault
from quartier_hil import shelf, view
from quartier_hil.keeper import RigError
from quartier_hil.report import junit
from quartier_hil.suite import digest, single
from quartier_hil.suite.progress import SET_UP_REAL_S, Progress
from quartier_hil.suite.results import FILE, Judged, Results
from quartier_hil.suite.turns import Turns
from quartier_hil.verdict.checks import NO_RUN, exit_code

if TYPE_CHECKING:
    from quartier_hil.scenario import Scenario

SETS = {"all": shelf.on_wires, "short": shelf.short}


def run(options: argparse.Namespace) -> int:
    """Run what was asked for; the worst decides the exit code."""
    names = options.scenarios
    chosen = SETS.get(names[0]) if len(names) == 1 else None
    try:
        paths = [*chosen().values()] if chosen else [shelf.find(name) for name in names]
        if len(paths) == 1:
            code, suites = _single(options, paths[0])
        else:
            code, suites = _several(options, paths, anew=chosen is None)
    except ConfigError as error:
        return _told(error)
    except OSError as error:
        sys.stderr.write(f"quartier-hil: {error}\n")
        return NO_RUN
    except (KeyboardInterrupt, asyncio.CancelledError):
        done = (
            ""
            if chosen is None
            else f"; what is done stands in {options.report / FILE}, the same command goes on"
        )
        sys.stderr.write(f"quartier-hil: interrupted; everything is ended{done}\n")
        return NO_RUN
    if options.junit:
        junit.write(options.junit, suites)
    return code


def _single(options: argparse.Namespace, path: Path) -> tuple[int, list[junit.Suite]]:
    try:
        code, suite = asyncio.run(single.perform(options, path))
    except ConfigError as error:
        return _told(error), [junit.Suite(scenario=path.stem, error=str(error))]
    except (RigError, OSError) as error:
        sys.stderr.write(f"quartier-hil: {path.stem}: {error}\n")
        return NO_RUN, [junit.Suite(scenario=path.stem, error=str(error))]
    return code, [suite]


def _several(
    options: argparse.Namespace, paths: Sequence[Path], *, anew: bool
) -> tuple[int, list[junit.Suite]]:
    """Run a set of scenarios; ``anew``: also those with a verdict."""
    if options.bench and options.jobs > 1:
        wrong = "a bench has one of each device: run one scenario after the other"
        raise ConfigError([Fault("--jobs", None, str(options.jobs), wrong)])
    results = Results(options.report)
    known = results.known()
    asked: dict[Path, Scenario] = {}
    digests: dict[Path, str] = {}
    suites: dict[Path, junit.Suite] = {}
    found: dict[Path, Judged] = {}
    for path in paths:
        try:
            asked[path] = single.wanted(options, path)
        except ConfigError as error:
            _told(error)
            suites[path] = junit.Suite(scenario=path.stem, error=str(error))
            continue
        digests[path] = digest.digest(path, _wishes(options), digest.code())
        before = known.get((path.stem, digests[path]))
        if before is not None and not (anew or options.again or (options.retry and not before.kept)):
            found[path] = before
    before_count = len(found)
    pending = [path for path in asked if path not in found]
    _say_before(options.report, list(found.values()))
    turns = Turns(options, results, {path: (asked[path], digests[path]) for path in pending})
    took_s = results.took_s()
    expected_s = {
        path.stem: took_s.get(
            (path.stem, asked[path].rate), asked[path].duration_s / asked[path].rate + SET_UP_REAL_S
        )
        for path in pending
    }
    progress = Progress(
        view.terminal(), expected_s, before_count + len(pending), jobs=options.jobs, live=turns.hushed
    )
    if pending:
        _turn(turns, progress)
    found |= turns.judged
    suites |= {path: one.suite for path, one in found.items()} | turns.failed
    if options.json:
        shown = [asdict(found[path]) for path in paths if path in found]
        sys.stdout.write(json.dumps(shown, indent=1) + "\n")
    return _code(list(found.values()), len(paths)), [suites[path] for path in paths if path in suites]


def _turn(turns: Turns, progress: Progress) -> None:
    """Raises OSError where what is found cannot be written."""
    try:
        asyncio.run(_turned(turns, progress))
    except ExceptionGroup as group:
        full = group.subgroup(OSError)
        if full is None:
            raise
        raise full.exceptions[0] from group


async def _turned(turns: Turns, progress: Progress) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with progress:
        await turns.perform(progress)


def _wishes(options: argparse.Namespace) -> Mapping[str, Any]:
    files = {"records": options.records, "bench": options.bench}
    read = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items() if path}
    return {name: getattr(options, name) for name in ("rate", "seed", "broker", "real")} | read


def _say_before(folder: Path, before: Sequence[Judged]) -> None:
    if not before:
        return
    broken = [one.scenario for one in before if not one.kept]
    words = f"{len(before)} were judged before, by {folder / FILE}; --again runs them too"
    if broken:
        words += f". Not kept were {', '.join(broken)}: --retry runs those"
    sys.stderr.write(f"{words}\n")


def _code(found: Sequence[Judged], count: int) -> int:
    if len(found) < count:
        return NO_RUN
    return exit_code(verdict for one in found for verdict in one.verdicts)


def _told(error: ConfigError) -> int:
    for fault in error.faults:
        sys.stderr.write(f"{fault}\n")
    return NO_RUN
