"""``quartier-hil torture``: options, output and exit codes, and the file of results by which a long run
continues.
"""

import argparse
import asyncio
import datetime as dt
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from quartier_bench.torture import broker_faults
from quartier_bench.torture.fault_table import FAULTS, Fault
from quartier_bench.torture.testbed import FaultBench, StateNotReached, open_testbed
from quartier_hil.processes.broker_process import find_mosquitto
from quartier_sim.data_files import JsonLinesFile


@dataclass(frozen=True, slots=True)
class LotVerdict:
    """One lot of one fault: ``broken`` are the broken promises, ``figures`` the measurements."""

    fault: str
    lot: int
    form: str
    took_s: float
    broken: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_kept(self) -> bool:
        """Return whether everything did."""
        return not self.broken


class ResultsFile:
    """A line for each lot, appended as it ends (``lines``); what is no verdict is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = JsonLinesFile(path)

    def append(self, verdict: LotVerdict, at: str) -> None:
        """Write one down; ``at`` is the moment it ended, as people read it."""
        self._lines.append({"at": at, **asdict(verdict)})

    def read(self) -> Iterator[LotVerdict]:
        """All there are, oldest first."""
        for found in self._lines.read():
            found.pop("at", None)
            try:
                yield LotVerdict(**{**found, "broken": tuple(found["broken"])})
            except (TypeError, KeyError):
                continue

    def find_kept_lots(self, form: str) -> set[tuple[str, int]]:
        """Fault and lot of those that held in this form: the last word on each counts."""
        last = {(one.fault, one.lot): one.is_kept for one in self.read() if one.form == form}
        return {key for key, held in last.items() if held}


def render_verdicts(verdicts: list[LotVerdict]) -> Iterator[str]:
    """For people: a line for each lot, and what broke below it."""
    for one in verdicts:
        text = ", ".join(f"{name} {_format_number(value)}" for name, value in one.figures.items())
        yield f"{'held  ' if one.is_kept else 'BROKEN'} {one.fault}/{one.lot}  {one.took_s:.0f} s  {text}"
        for what in one.broken:
            yield f"       {what}"


def _format_number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


ALL_KEPT, BROKEN, NOT_RUN = 0, 1, 2
SHORT_FORM, LONG_FORM = "short", "long"
DESCRIPTION = """\
The daemon as a black box between meters that count their answers and a broker, with a recorder that plays
the district.  After each fault every key (boot, stream, sequence) of the daemon's own history must have
arrived, once or the same again, in its order; every answer that a meter gave must stand there, and none
that it never gave.  What became of each lot is appended to a file, and a run goes on where one was left.
Exit code 0: all of it held, 1: something did not, 2: it could not be run.
"""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Add the options of the torture to an empty parser."""
    listed = "\n".join(f"  {name:18} {fault.what}" for name, fault in FAULTS.items())
    to.description = DESCRIPTION
    to.formatter_class = argparse.RawDescriptionHelpFormatter
    to.epilog = (
        f"faults:\n{listed}\n\nexamples:\n"
        "  quartier-hil torture                    every fault in full, a night; Ctrl-C, and on later\n"
        "  quartier-hil torture --short            each in a few seconds\n"
        "  quartier-hil torture --only flapping --again\n"
    )
    to.add_argument("--only", metavar="FAULT", choices=tuple(FAULTS), help="one fault")
    to.add_argument("--short", action="store_true", help="each in a few seconds, the long ones left out")
    to.add_argument("--again", action="store_true", help="also what held before, by the file of results")
    to.add_argument("--seed", type=int, default=1, help="another seed, other moments [%(default)s]")
    to.add_argument(
        "--results",
        type=Path,
        default=Path("torture/results.jsonl"),
        metavar="FILE",
        help="where results are appended [./%(default)s]",
    )
    to.set_defaults(command=run_torture, needed=())


def run_torture(options: argparse.Namespace) -> int:
    """Torture, print, judge."""
    if find_mosquitto() is None:
        sys.stderr.write("quartier-hil torture needs mosquitto (apt-get install mosquitto)\n")
        return NOT_RUN
    form = SHORT_FORM if options.short else LONG_FORM
    results = ResultsFile(options.results)
    skipped = set() if options.again else results.find_kept_lots(form)
    found = []
    try:
        for name, lot in list_lots(options.only, form):
            if (name, lot) in skipped:
                continue
            sys.stderr.write(f"{name}/{lot}: {FAULTS[name].what}\n")
            verdict = torture_lot(name, lot, form, options.seed, results.path.parent)
            results.append(verdict, dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
            sys.stdout.write("".join(f"{row}\n" for row in render_verdicts([verdict])))
            sys.stdout.flush()
            found.append(verdict)
    except KeyboardInterrupt:
        sys.stderr.write(f"interrupted; finished results are in {results.path}\n")
        return NOT_RUN
    if not found:
        sys.stdout.write(f"all of it held before, by {results.path}; --again does it once more\n")
    return ALL_KEPT if all(one.is_kept for one in found) else BROKEN


def list_lots(only: str | None, form: str) -> Iterator[tuple[str, int]]:
    """Yield what there is to do, in the table's order."""
    for name, fault in FAULTS.items():
        if only not in {None, name} or (form == SHORT_FORM and not fault.quick and only is None):
            continue
        for lot in range(1, 1 + (1 if form == SHORT_FORM else fault.lots)):
            yield name, lot


def torture_lot(name: str, lot: int, form: str, seed: int, keep: Path) -> LotVerdict:
    """One lot; where it broke its folder is kept below ``keep``."""
    began_s = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"torture-{name}-"))
    figures: dict[str, object] = {}
    broken = asyncio.run(_run_lot(FAULTS[name], folder, form, seed * 1_000 + lot, figures))
    if broken:
        keep.mkdir(parents=True, exist_ok=True)
        place = keep / f"{name}-{lot}-{int(time.time())}"
        shutil.move(folder, place)
        broken = [*broken, f"its files: {place}"]
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return LotVerdict(name, lot, form, round(time.monotonic() - began_s, 1), tuple(broken), figures)


async def _run_lot(fault: Fault, folder: Path, form: str, seed: int, figures: dict[str, object]) -> list[str]:
    dice = random.Random(seed)  # noqa: S311 - moments that can be repeated, no secret
    rounds = fault.rounds[form == LONG_FORM]
    stand: FaultBench | None = None
    try:
        filled = fault.filled[form == LONG_FORM]
        if filled:
            (folder / "state").mkdir()
            filled = await broker_faults.fill_in_process(folder / "state", filled, folder / "filling.log")
        async with open_testbed(folder, fault.size, seed, fault.roll(), filled) as stand:
            try:
                await fault.do(stand, dice, rounds)
            except StateNotReached as given_up:
                return [str(given_up)]
            return await stand.verdict()
    except (StateNotReached, RuntimeError) as error:
        return [f"the stand does not stand: {error}"]
    finally:
        figures |= {} if stand is None else stand.figures
