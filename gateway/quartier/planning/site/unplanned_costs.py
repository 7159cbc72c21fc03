"""Find what the same site costs without a plan (pure).

It is what a plan of the site is told against.
"""

import math
from dataclasses import dataclass

from quartier.planning.horizon import BatteryModel
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel
from quartier.planning.storage.battery_plan import plan_battery
from quartier.site.records import replace


@dataclass(frozen=True, slots=True)
class UnplannedCosts:
    """What it costs and the largest import, W; ``left_eur`` is the worth of what is in stores at the end,
    ``beyond_wh`` what no cap would allow.
    """

    cost_eur: float
    peak_w: float
    left_eur: float
    beyond_wh: float


def find_unplanned_costs(site: SiteModel) -> UnplannedCosts:
    """Its meter, with the prices and caps of the site; the sun is curtailed where that is worth it, as in a
    plan.  Raises RefusedError.
    """
    outlook = site.outlook
    hours, count = outlook.step_h, outlook.count
    load_w = list(outlook.load_w)
    left_eur = sum(one.energy_wh * one.worth_eur_per_wh for one in site.batteries.values())
    for car in site.cars.values():
        _add_power(load_w, _charge_at_once(car, count, hours))
    for tank in site.tanks.values():
        heating_w, energy_wh = _hold_temperature(tank, hours)
        _add_power(load_w, heating_w)
        left_eur += energy_wh * tank.worth_eur_per_wh
    for batch in site.batches.values():
        _add_power(load_w, _run_at_once(batch, count))
    metered = plan_battery(
        BatteryModel(0.0, 0.0, 0.0, 0.0, 0.0), replace(outlook, load_w=load_w), site.contract
    )
    beyond_wh = sum(one.wh for one in metered.given_up if one.what == "caps")
    return UnplannedCosts(metered.cost_eur, metered.peak_w, left_eur, beyond_wh)


def _add_power(load_w: list[float], more_w: list[float]) -> None:
    for step, watts in enumerate(more_w):
        load_w[step] += watts


def _charge_at_once(car: CarModel, count: int, hours: float) -> list[float]:
    """At its most until it has what it wants; in the last step as little of the rest as it may."""
    made, missing_wh = [0.0] * count, car.need_wh
    for step in range(car.from_step, min(car.until_step, count)):
        enough = (one for one in car.powers_w if one * hours * car.efficiency >= missing_wh - 1e-9)
        made[step] = next(enough, car.powers_w[-1])
        missing_wh = max(0.0, missing_wh - made[step] * hours * car.efficiency)
    return made


def _hold_temperature(tank: TankModel, hours: float) -> tuple[list[float], float]:
    """Return what holds it as warm as it is, inside its band, and what is in it then."""
    keep = math.exp(-hours / tank.time_constant_h)
    held_wh, energy_wh, made = min(max(tank.energy_wh, tank.low_wh), tank.high_wh), tank.energy_wh, []
    for draw_w in tank.draw_w:
        energy_wh = keep * energy_wh - draw_w * hours
        wanted_wh = max(0.0, held_wh - energy_wh)
        taken_w = min(tank.power_max_w, wanted_wh / hours / tank.heat_per_wh)
        energy_wh += taken_w * hours * tank.heat_per_wh
        made.append(taken_w)
    return made, energy_wh


def _run_at_once(batch: BatchModel, count: int) -> list[float]:
    rest = count - batch.from_step - len(batch.powers_w)
    return [*[0.0] * batch.from_step, *batch.powers_w, *[0.0] * rest]
