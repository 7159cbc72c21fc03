"""``quartier-hil bench``: its options and exit codes."""

import argparse
import json
import sys
from pathlib import Path

from quartier_hil.bench import groups, machine, table
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.figure import SHORT_SHARE, Figure
from quartier_hil.bench.groups import GROUPS, Broken
from quartier_hil.bench.setting import ROUNDS, ROUNDS_SHORT

HELD, FELL, NO_RUN = 0, 1, 2
DESCRIPTION = """\
Prints each figure of Quartier beside that of a peer measured in the same run, as a ratio with both
sides, and whether it keeps its floor: medians of at least five interleaved rounds.  A peer that cannot be
installed makes its rows SKIPPED and says what to install; such a row never holds.  Exit code 0: every
floor that was measured holds, 1: one does not, 2: it could not be run.
"""


def parser(to: argparse.ArgumentParser) -> None:
    """Add the options of the bench to an empty parser."""
    listed = "\n".join(f"  {name:10} {what}" for name, (_, what) in GROUPS.items())
    to.description = DESCRIPTION
    to.formatter_class = argparse.RawDescriptionHelpFormatter
    to.epilog = (
        f"groups:\n{listed}\n\nexamples:\n"
        "  quartier-hil bench                     everything; quiet machine, about an hour\n"
        "  quartier-hil bench --only codec        one group\n"
        "  quartier-hil bench --short             a few minutes; fails below 70 % of a floor\n"
        "  quartier-hil bench --fetch             the peers alone, before the machine has to be quiet\n"
        "  quartier-hil bench --json > now.json   JSON alone on stdout, progress on stderr\n"
    )
    to.add_argument("--only", metavar="GROUP", choices=tuple(GROUPS), help="one group")
    to.add_argument("--short", action="store_true", help="short windows, three rounds, 70 %% of each floor")
    to.add_argument("--json", action="store_true", help="JSON alone on stdout")
    to.add_argument("--rounds", type=int, help=f"interleaved rounds [{ROUNDS}, short: {ROUNDS_SHORT}]")
    to.add_argument(
        "--cache", type=Path, default=Path(".bench"), help="where peers are installed [./%(default)s]"
    )
    to.add_argument(
        "--fetch", action="store_true", help="bring the peers that are not there yet, and measure nothing"
    )
    to.set_defaults(command=run, needed=())


def run(options: argparse.Namespace) -> int:
    """Measure, print, judge."""
    if options.fetch:
        return _fetch(Cache(options.cache.resolve(), _say))
    short: bool = options.short
    rounds = max(1, options.rounds or (ROUNDS_SHORT if short else ROUNDS))
    share = SHORT_SHARE if short else 1.0
    about = machine.description()
    _say(machine.line(about))
    if rounds < ROUNDS:
        _say(f"{rounds} rounds: a first look, not a figure to quote")
    figures: list[Figure] = []
    broken: list[Broken] = []
    cache = Cache(options.cache.resolve(), _say)
    try:
        for found in groups.run(groups.chosen(options.only), cache, rounds=rounds, short=short, say=_say):
            if isinstance(found, Figure):
                figures.append(found)
            else:
                broken.append(found)
    except KeyboardInterrupt:
        _say("interrupted; everything is ended")
        return NO_RUN
    if options.json:
        made = table.document(about, figures, short=short, rounds=rounds)
        made["broken"] = {one.group: one.why for one in broken}
        _print(json.dumps(made, indent=1, ensure_ascii=False))
    else:
        _print("\n".join([machine.line(about), "", *table.rows(figures, share)]))
    for one in broken:
        _say(f"{one.group} could not be measured: {one.why}")
    return HELD if not broken and all(one.holds(share) is not False for one in figures) else FELL


def _fetch(cache: Cache) -> int:
    """Fetch the peers.  A missing one is reported and its rows are SKIPPED: that is no failure."""
    for name, why in cache.fetch().items():
        _say(f"{name} cannot be had: {why}")
    return HELD


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
