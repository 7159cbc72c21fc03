"""Simulate the days before a scenario from the plant alone, and write them into a history.

The means are what a forecast learns from.  ``python -m quartier_hil.synthetic.prior_history FOLDER``
writes a
history for a daemon that starts afterwards: the scenario is ``scenario.json`` in the folder, the history
goes
to its ``state`` and ``runtime`` by the gateway's own store, as the daemon would have left it.
"""

import argparse
import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from quartier.planning.forecast.site_history import PowerHistory
from quartier.site.records import Now, replace
from quartier_drivers.readings import Quality, Reading, make_readings
from quartier_hil.scenario import plant_assets
from quartier_hil.scenario.plant_assets import ZONE_NAME, build_plant_spec
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.synthetic import site_assembly
from quartier_hil.synthetic.history_recorder import HistoryRecorder
from quartier_sim.load_series import standard_load
from quartier_sim.plant import building_model
from quartier_sim.plant.building_model import BuildingSpec, BuildingState, Orders

STEP_S, MEAN_S = 60.0, 900.0
_DAY_S = 86_400.0
_SEED_OFFSET = 1_000
"""Between the seeds: the days before have other clouds and other appliances than the scenario's own."""
_NO_CONTROL = Orders(current_max_a=0.0)


@dataclass(frozen=True, slots=True)
class PriorHistory:
    """Histories of a site: consumption and generation for its forecast, and the power of the grid meter
    (``load_w`` of a history: plus is import).
    """

    history: PowerHistory
    grid: PowerHistory


def simulate_prior_history(
    scenario: Scenario,
    spec: BuildingSpec,
    days: int,
    *,
    apart: Collection[str] = (),
    load_factor: float = 1.0,
    sun_factor: float = 1.0,
) -> PriorHistory:
    """Means of load, sun and import of the ``days`` before the scenario's, up to its first second.

    Nobody steers the house, its battery rests and no car is there.  ``apart`` are assets that are no part of
    the load; each mean of load and sun is multiplied by its factor.
    """
    start_utc_s = scenario.start.replace(tzinfo=ZoneInfo(ZONE_NAME)).timestamp()
    load_w, sun_w, grid_w = [], [], []
    course = iterate_minutes(scenario, spec, days)
    while quarter := list(islice(course, round(MEAN_S / STEP_S))):
        used_w = made_w = drawn_w = 0.0
        for state in quarter:
            powers_w = state.powers_w
            used_w += sum(watts for name, watts in powers_w.items() if name not in {"bat1", "pv1", *apart})
            made_w -= state.solar_w
            drawn_w += state.grid_w
        load_w.append(load_factor * used_w * STEP_S / MEAN_S)
        sun_w.append(sun_factor * made_w * STEP_S / MEAN_S)
        grid_w.append(drawn_w * STEP_S / MEAN_S)
    since_utc_s = start_utc_s - len(load_w) * MEAN_S
    history = PowerHistory(start_utc_s=since_utc_s, step_s=MEAN_S, load_w=load_w, generated_w=sun_w)
    return PriorHistory(history, PowerHistory(start_utc_s=since_utc_s, step_s=MEAN_S, load_w=grid_w))


def iterate_minutes(scenario: Scenario, spec: BuildingSpec, days: int) -> Iterator[BuildingState]:
    """The building at the end of each minute of those days, whole quarters; ``now_s`` is the scenario's."""
    site_spec, start = scenario.house, scenario.start
    first = start.date() - dt.timedelta(days=days)
    series = standard_load.build_standard_series(first, days + 1, scenario.seed + _SEED_OFFSET)
    since_s = days * _DAY_S + start.hour * 3_600.0 + start.minute * 60.0 + start.second
    count = int(since_s // MEAN_S)
    state = building_model.build_initial_state(
        spec, site_spec.soc_pct, site_spec.tank_c, plant_assets.build_pieces(scenario)
    )
    state = replace(state, now_s=-count * MEAN_S)
    for _ in range(count * round(MEAN_S / STEP_S)):
        day_s = since_s + state.now_s
        drive = replace(series.at(day_s), day_s=day_s)
        state = building_model.step_building(spec, state, _NO_CONTROL, drive, STEP_S)
        yield state


NOTHING_WRITTEN = 1
_COMMIT_STEPS = 60
_NS_PER_S = 1_000_000_000
_MONOTONIC_OFFSET_S = 100 * 86_400.0
"""Monotonic time begins before all that is told."""


def write_history(scenario: Scenario, folder: Path, before_s: float) -> int:
    """Write its ``history_days`` up to ``before_s`` seconds before it; how many minutes were written."""
    planning = scenario.house.planning
    if planning is None:
        return 0
    site = site_assembly.assemble_scenario_site(scenario, folder / "bequest")
    historian = HistoryRecorder(site.store, folder)
    start_utc_s = scenario.start.replace(tzinfo=ZoneInfo(ZONE_NAME)).timestamp()

    def now(at_s: float) -> Now:
        return Now(
            round((_MONOTONIC_OFFSET_S + at_s) * _NS_PER_S), round((start_utc_s + at_s) * 1e3), synced=True
        )

    course = iterate_minutes(scenario, build_plant_spec(scenario), planning.history_days)
    known = (state for state in course if state.now_s <= -before_s)
    count, last_s = 0, None
    while hour := list(islice(known, _COMMIT_STEPS)):
        if not count:
            historian.begin(now(hour[0].now_s - STEP_S))
        for state in hour:
            readings = _iterate_readings(state, planning.load_factor, planning.sun_factor)
            historian.take(make_readings(readings, now(state.now_s - STEP_S).ns))
        count, last_s = count + len(hour), hour[-1].now_s
        historian.turn(now(last_s))
    if last_s is not None:
        historian.end(now(last_s))
    return count


def _iterate_readings(state: BuildingState, load_factor: float, sun_factor: float) -> Iterator[Reading]:
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
    return 0 if write_history(scenario, options.folder, options.before_s) else NOTHING_WRITTEN


if __name__ == "__main__":
    raise SystemExit(main())
