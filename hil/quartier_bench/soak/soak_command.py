"""``quartier-hil soak``: options, output and exit code."""

import argparse
import asyncio
import json
import math
import sys
from collections.abc import Iterator

from quartier_bench.soak import simulation
from quartier_bench.soak.simulation import DAY_S, SoakFigures

KEPT, BROKEN = 0, 1
GROWTH_MAX_MIB = 2.0
"""Largest growth of memory by its slope over the judged time, MiB."""
WARM_UP_S = 86_400.0
"""In less of the house's time caches are still being filled: memory is not judged."""
# One of so many random changes is not seen: TIC's sum has six bits, P1's CRC sixteen, M-Bus's sum eight.
UNDETECTED_ONE_IN = {"linky": 64, "flat1": 65_536, "flat2": 256}
_MB = 1_000_000
DESCRIPTION = """\
A Linky that fills 9600 baud, a P1 meter that speaks each second and an M-Bus meter that is asked each ten
seconds go through their drivers into the process image, as fast as it goes and over lines that are bad
for a part of the time.  Every group that noise left whole must come out, nothing that nobody said beyond
what its check cannot see, the image must show what the meters say, and memory must stay flat.
Exit code 0: all of it holds, 1: something does not.
"""


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Teach an empty parser what the soak may be told."""
    to.description = DESCRIPTION
    to.formatter_class = argparse.RawDescriptionHelpFormatter
    to.add_argument("--days", type=float, default=30.0, help="days of the house [%(default)g]")
    to.add_argument("--seed", type=int, default=1, help="another seed, other loads and noise [%(default)s]")
    to.add_argument(
        "--noisy-pct", type=float, default=5.0, help="share of telegrams over bad lines [%(default)g]"
    )
    to.add_argument("--json", action="store_true", help="JSON alone on stdout, progress on stderr")
    to.set_defaults(command=run_soak, needed=())


def run_soak(options: argparse.Namespace) -> int:
    """Soak, print, judge."""
    figures = asyncio.run(
        simulation.simulate_days(options.days, options.seed, options.noisy_pct, _print_progress)
    )
    broken = list(list_failures(figures))
    if options.json:
        made = {**simulation.make_document(figures), "broken": broken}
        sys.stdout.write(f"{json.dumps(made, indent=1)}\n")
    else:
        sys.stdout.write("".join(f"{row}\n" for row in format_rows(figures)))
    for one in broken:
        sys.stderr.write(f"{one}\n")
    return BROKEN if broken else KEPT


def list_failures(figures: SoakFigures) -> Iterator[str]:
    """Yield what does not hold, in words."""
    for name, counts in figures.counts.items():
        if not counts.sound:
            yield f"{name}: nothing was said"
        if counts.lost:
            yield f"{name}: {counts.lost} of {counts.sound} sound words were lost"
        chance = counts.hit / UNDETECTED_ONE_IN[name]
        if counts.misread > 2 + chance + 4 * math.sqrt(chance):
            yield f"{name}: {counts.misread} words were heard that nobody said, {counts.hit} were hit"
        if figures.looks[name].wrong:
            yield f"{name}: {figures.looks[name].wrong} numbers in the image are not what it said"
    if figures.house_s >= WARM_UP_S and figures.growth_mib > GROWTH_MAX_MIB:
        yield f"memory grew by {figures.growth_mib:.1f} MiB"


def format_rows(figures: SoakFigures) -> Iterator[str]:
    """For a person."""
    yield f"{figures.house_s / DAY_S:.2f} days of the house in {figures.cpu_s:.0f} s of CPU"
    for name, counts in figures.counts.items():
        looks = figures.looks[name]
        yield (
            f"{name:6} {figures.bytes_count[name] / _MB:8.1f} MB"
            f" · {counts.sound} sound words, {counts.lost} lost"
            f" · {counts.hit} hit, {counts.recovered} read all the same, {counts.misread} misread"
            f" · image {looks.right} right, {looks.absent} not known, {looks.wrong} wrong"
            f" · silent {figures.silent_count[name]} times"
        )
    mib = [mib for _, mib in figures.memory]
    yield (
        f"memory {mib[0]:.1f} -> {mib[-1]:.1f} MiB, at most {max(mib):.1f}; slope"
        f" {figures.growth_mib_per_day:+.4f} MiB a day of the house"
    )


def _print_progress(figures: SoakFigures) -> None:
    lost = sum(counts.lost for counts in figures.counts.values())
    sys.stderr.write(
        f"day {figures.house_s / DAY_S:6.2f}  {figures.cpu_s:7.1f} s CPU  {figures.memory[-1][1]:6.1f} MiB"
        f"  {figures.readings_count} readings, {lost} words lost\n"
    )
    sys.stderr.flush()
