"""Make the history of a site before its scenario, from the plant alone, for the forecast to learn from."""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from zoneinfo import ZoneInfo

from quartier.planning.forecast.site_history import PowerHistory
from quartier.site.records import replace
from quartier_hil import fitted
from quartier_hil.plant import building
from quartier_hil.plant.building import BuildingSpec, BuildingState, Orders
from quartier_hil.records import standard
from quartier_hil.run import ZONE
from quartier_hil.scenario import Scenario

STEP_S, MEAN_S = 60.0, 900.0
_DAY_S = 86_400.0
_APART = 1_000
"""Between the seeds: the days before have other clouds and other appliances than the scenario's own."""
_LEFT_ALONE = Orders(current_max_a=0.0)


@dataclass(frozen=True, slots=True)
class Past:
    """Histories of a site: consumption and generation for its forecast, and the power of the grid meter
    (``load_w`` of a history: plus is import).
    """

    history: PowerHistory
    grid: PowerHistory


def lived(
    scenario: Scenario,
    spec: BuildingSpec,
    days: int,
    *,
    apart: Collection[str] = (),
    load_factor: float = 1.0,
    sun_factor: float = 1.0,
) -> Past:
    """Means of load, sun and import of the ``days`` before the scenario's, up to its first second.

    Nobody steers the house, its battery rests and no car is there.  ``apart`` are assets that are no part of
    the load; each mean of load and sun is multiplied by its factor.
    """
    start_utc_s = scenario.start.replace(tzinfo=ZoneInfo(ZONE)).timestamp()
    load_w, sun_w, grid_w = [], [], []
    course = minutes(scenario, spec, days)
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
    return Past(history, PowerHistory(start_utc_s=since_utc_s, step_s=MEAN_S, load_w=grid_w))


def minutes(scenario: Scenario, spec: BuildingSpec, days: int) -> Iterator[BuildingState]:
    """The house at the end of each minute of those days, whole quarters; ``now_s`` is the scenario's."""
    house, start = scenario.house, scenario.start
    first = start.date() - dt.timedelta(days=days)
    series = standard.make(first, days + 1, scenario.seed + _APART)
    since_s = days * _DAY_S + start.hour * 3_600.0 + start.minute * 60.0 + start.second
    count = int(since_s // MEAN_S)
    state = building.fresh(spec, house.soc_pct, house.tank_c, fitted.pieces(scenario))
    state = replace(state, now_s=-count * MEAN_S)
    for _ in range(count * round(MEAN_S / STEP_S)):
        day_s = since_s + state.now_s
        drive = replace(series.at(day_s), day_s=day_s)
        state = building.step(spec, state, _LEFT_ALONE, drive, STEP_S)
        yield state
