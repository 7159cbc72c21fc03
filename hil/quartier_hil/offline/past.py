"""What a house did before its scenario began, by the plant alone: a forecast has something to learn from."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from zoneinfo import ZoneInfo

from quartier.planning.history import History
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


def lived(
    scenario: Scenario, spec: BuildingSpec, days: int, *, load_factor: float = 1.0, sun_factor: float = 1.0
) -> History:
    """Means of load and sun of the ``days`` before the scenario's, up to its first second.

    Nobody steers the house, its battery rests and no car is there; each mean is multiplied by its factor.
    """
    start_utc_s = scenario.start.replace(tzinfo=ZoneInfo(ZONE)).timestamp()
    load_w, sun_w = [], []
    course = minutes(scenario, spec, days)
    while quarter := list(islice(course, round(MEAN_S / STEP_S))):
        used_w = made_w = 0.0
        for state in quarter:
            used_w += state.grid_w - state.battery.power_w - state.solar_w
            made_w -= state.solar_w
        load_w.append(load_factor * used_w * STEP_S / MEAN_S)
        sun_w.append(sun_factor * made_w * STEP_S / MEAN_S)
    since_utc_s = start_utc_s - len(load_w) * MEAN_S
    return History(start_utc_s=since_utc_s, step_s=MEAN_S, load_w=load_w, generated_w=sun_w)


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
