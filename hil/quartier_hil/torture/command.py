"""``quartier-hil torture``: its options, its output, its exit codes."""

import argparse
import asyncio
import datetime as dt
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from quartier_hil.stage.broker import mosquitto
from quartier_hil.torture import outages, verdicts
from quartier_hil.torture.faults import FAULTS, Fault
from quartier_hil.torture.stand import GivenUp, Stand, standing
from quartier_hil.torture.verdicts import Results, Verdict

KEPT, BROKEN, NO_RUN = 0, 1, 2
SHORT, LONG = "short", "long"
DESCRIPTION = """\
The daemon as a black box between meters that count their answers and a broker, with a recorder that plays
the district.  After each fault every key (boot, stream, sequence) of the daemon's own history must have
arrived, once or the same again, in its order; every answer that a meter gave must stand there, and none
that it never gave.  What became of each lot is appended to a file, and a run goes on where one was left.
Exit code 0: all of it held, 1: something did not, 2: it could not be run.
"""


def parser(to: argparse.ArgumentParser) -> None:
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
    to.set_defaults(command=run, needed=())


def run(options: argparse.Namespace) -> int:
    """Torture, print, judge."""
    if mosquitto() is None:
        sys.stderr.write("quartier-hil torture needs mosquitto (apt-get install mosquitto)\n")
        return NO_RUN
    form = SHORT if options.short else LONG
    results = Results(options.results)
    skipped = set() if options.again else results.done(form)
    found = []
    try:
        for name, lot in lots(options.only, form):
            if (name, lot) in skipped:
                continue
            sys.stderr.write(f"{name}/{lot}: {FAULTS[name].what}\n")
            verdict = tortured(name, lot, form, options.seed, results.path.parent)
            results.append(verdict, dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
            sys.stdout.write("".join(f"{row}\n" for row in verdicts.rows([verdict])))
            sys.stdout.flush()
            found.append(verdict)
    except KeyboardInterrupt:
        sys.stderr.write(f"interrupted; what is done stands in {results.path}\n")
        return NO_RUN
    if not found:
        sys.stdout.write(f"all of it held before, by {results.path}; --again does it once more\n")
    return KEPT if all(one.held for one in found) else BROKEN


def lots(only: str | None, form: str) -> Iterator[tuple[str, int]]:
    """Yield what there is to do, in the table's order."""
    for name, fault in FAULTS.items():
        if only not in {None, name} or (form == SHORT and not fault.quick and only is None):
            continue
        for lot in range(1, 1 + (1 if form == SHORT else fault.lots)):
            yield name, lot


def tortured(name: str, lot: int, form: str, seed: int, keep: Path) -> Verdict:
    """One lot; where it broke its folder is kept below ``keep``."""
    began_s = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix=f"torture-{name}-"))
    figures: dict[str, object] = {}
    broken = asyncio.run(_lot(FAULTS[name], folder, form, seed * 1_000 + lot, figures))
    if broken:
        keep.mkdir(parents=True, exist_ok=True)
        place = keep / f"{name}-{lot}-{int(time.time())}"
        shutil.move(folder, place)
        broken = [*broken, f"its files: {place}"]
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return Verdict(name, lot, form, round(time.monotonic() - began_s, 1), tuple(broken), figures)


async def _lot(fault: Fault, folder: Path, form: str, seed: int, figures: dict[str, object]) -> list[str]:
    dice = random.Random(seed)  # noqa: S311 - moments that can be repeated, no secret
    rounds = fault.rounds[form == LONG]
    stand: Stand | None = None
    try:
        filled = fault.filled[form == LONG]
        if filled:
            (folder / "state").mkdir()
            filled = await outages.fill(folder / "state", filled, folder / "filling.log")
        async with standing(folder, fault.size, seed, fault.roll(), filled) as stand:
            try:
                await fault.do(stand, dice, rounds)
            except GivenUp as given_up:
                return [str(given_up)]
            return await stand.verdict()
    except (GivenUp, RuntimeError) as error:
        return [f"the stand does not stand: {error}"]
    finally:
        figures |= {} if stand is None else stand.figures
