"""Lays the days before a scenario into a history, for a daemon that starts afterwards.

``python -m quartier_hil.offline.bequest FOLDER``: the scenario is ``scenario.json`` in the folder, the
history goes to its ``state`` and ``runtime``, by the gateway's own store: as the daemon would have left it.
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from quartier.site.records import Now
from quartier_drivers.readings import Quality, Reading, make_readings
from quartier_hil.offline import premises
from quartier_hil.offline.historian import Historian
from quartier_hil.offline.past import STEP_S, minutes
from quartier_hil.plant.building import BuildingState
from quartier_hil.run import ZONE, specified
from quartier_hil.scenario import Scenario

NOTHING = 1
_COMMIT_STEPS = 60
_S = 1_000_000_000
_LONG_AGO_S = 100 * 86_400.0
"""Monotonic time begins before all that is told."""


def bequeath(scenario: Scenario, folder: Path, before_s: float) -> int:
    """Write its ``history_days`` up to ``before_s`` seconds before it; how many minutes were written."""
    planning = scenario.house.planning
    if planning is None:
        return 0
    site = premises.site(scenario, folder / "bequest")
    historian = Historian(site.store, folder)
    start_utc_s = scenario.start.replace(tzinfo=ZoneInfo(ZONE)).timestamp()

    def now(at_s: float) -> Now:
        return Now(round((_LONG_AGO_S + at_s) * _S), round((start_utc_s + at_s) * 1e3), synced=True)

    course = minutes(scenario, specified(scenario), planning.history_days)
    known = (state for state in course if state.now_s <= -before_s)
    count, last_s = 0, None
    while hour := list(islice(known, _COMMIT_STEPS)):
        if not count:
            historian.begin(now(hour[0].now_s - STEP_S))
        for state in hour:
            told = _told(state, planning.load_factor, planning.sun_factor)
            historian.take(make_readings(told, now(state.now_s - STEP_S).ns))
        count, last_s = count + len(hour), hour[-1].now_s
        historian.turn(now(last_s))
    if last_s is not None:
        historian.end(now(last_s))
    return count


def _told(state: BuildingState, load_factor: float, sun_factor: float) -> Iterator[Reading]:
    """The powers of a minute, with its load and its sun multiplied."""
    powers_w = state.powers_w
    used_w = state.grid_w - state.battery.power_w - state.solar_w
    seen = {
        **{name: load_factor * watts for name, watts in powers_w.items() if name != "base"},
        "bat1": state.battery.power_w,
        "pv1": sun_factor * state.solar_w,
        "grid": load_factor * used_w + state.battery.power_w + sun_factor * state.solar_w,
    }
    for name, watts in seen.items():
        yield Reading(f"{name}.power_w", watts, Quality.GOOD, 0)


def main(words: Sequence[str] | None = None) -> int:
    """Do it."""
    made = argparse.ArgumentParser(description="Lays the days before a scenario into a history.")
    made.add_argument("folder", type=Path)
    made.add_argument("--before-s", type=float, default=0.0)
    options = made.parse_args(words)
    scenario = Scenario.model_validate_json((options.folder / "scenario.json").read_text())
    return 0 if bequeath(scenario, options.folder, options.before_s) else NOTHING


if __name__ == "__main__":
    raise SystemExit(main())
