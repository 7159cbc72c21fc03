"""Ten times the points, and a month in minutes: CPU a point stays what it was, and so does memory."""

import sys
from itertools import pairwise
from statistics import median

from quartier_hil.bench import contest, process
from quartier_hil.bench.contest import Round
from quartier_hil.bench.figure import Figure, against, alone
from quartier_hil.bench.process import Process
from quartier_hil.bench.setting import Setting

# Devices and registers of each.
SIZES = ((10, 20), (20, 100), (40, 500))
_WARM_S, _WINDOW_S, _WINDOW_SHORT_S = 5.0, 20.0, 10.0
_DAYS, _DAYS_SHORT = 30, 2
_SLOPE_MAX_MIB = 1.0
_MARGIN = 1.1
_AGING = "from quartier_hil.bench.aging import main; main()"


def figures(setting: Setting) -> list[Figure]:
    """CPU a point from 200 to 20,000 points a second; memory after an hour and after a month of samples.

    Raises AbsentError.
    """
    rounds: dict[int, list[Round]] = {devices * registers: [] for devices, registers in SIZES}
    for number in range(setting.rounds):
        for devices, registers in SIZES:
            setting.say(f"growth, round {number + 1}: {devices * registers} points/s")
            rounds[devices * registers].append(_round(setting, devices, registers))
    days = _DAYS_SHORT if setting.short else _DAYS
    return [*judged(rounds), *_aged(setting, days)]


def _round(setting: Setting, devices: int, registers: int) -> Round:
    with contest.arena(setting.cache, setting.scratch("arena"), devices, registers) as arena:
        window_s = _WINDOW_SHORT_S if setting.short else _WINDOW_S
        return arena.measure(contest.ours, setting.scratch("growth"), warm_s=_WARM_S, window_s=window_s)


def judged(rounds: dict[int, list[Round]]) -> list[Figure]:
    """Each size against the one a tenth of it; memory is told for each further thousand points."""
    sizes = sorted(rounds)
    found = []
    for small, large in pairwise(sizes):
        mine, before = ([one.cpu_us_per_point for one in rounds[size]] for size in (large, small))
        what = f"CPU a point at {large} points/s, against {small} points/s"
        found.append(against(f"growth.cpu_{large}", what, mine, before, "µs", _MARGIN))
    least, most = sizes[0], sizes[-1]
    grown = median(one.memory_mib for one in rounds[most]) - median(one.memory_mib for one in rounds[least])
    each = 1000 * grown / (most - least)
    what = f"memory for each 1,000 points more, {least} to {most}"
    return [*found, Figure("growth.memory", what, each, None, "MiB", each, None)]


def _aged(setting: Setting, days: int) -> list[Figure]:
    """Return the memory of a process that stores 200 points each minute after an hour, a day and ``days``."""
    setting.say(f"growth, {days} days of samples")
    folder = setting.scratch("aging")
    argv = [sys.executable, "-c", _AGING, str(folder), str(days)]
    with Process(argv, folder / "log", env={"PYTHONPATH": process.python_path()}, talks=True) as child:
        told = child.line().split()
    if len(told) != 3:
        raise RuntimeError(f"the store did not age: {(folder / 'log').read_text()[-500:]}")
    hour_mib, day_mib, days_mib = map(float, told)
    slope_mib = (days_mib - day_mib) / (days - 1)
    what = f"memory after {days} days of samples of 200 points, against one hour"
    return [
        alone(
            "growth.slope", f"memory a day more, from day 1 to day {days}", [slope_mib], "MiB", _SLOPE_MAX_MIB
        ),
        against("growth.days", what, [days_mib], [hour_mib], "MiB", None),
    ]
