"""Find what the same site costs without a plan (pure).

A plan of the site is compared with this cost.
"""

import math
from dataclasses import dataclass

from quartier.planning.horizon import BatteryModel
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel
from quartier.planning.storage.battery_plan import plan_battery
from quartier.site.records import replace


@dataclass(frozen=True, slots=True)
class UnplannedCosts:
    """Cost and largest import in W without a plan.

    ``left_eur`` is the value of the energy in the stores at the end, ``beyond_wh`` the energy beyond the
    limits.
    """

    cost_eur: float
    peak_w: float
    left_eur: float
    beyond_wh: float


def find_unplanned_costs(site: SiteModel) -> UnplannedCosts:
    """Return the costs at the meter, with the prices and limits of the site.

    PV is curtailed where that pays, as in a plan. Raises RefusedError.
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
    """Charge at the largest power until the need is met; in the last step at the smallest sufficient one."""
    made, missing_wh = [0.0] * count, car.need_wh
    for step in range(car.from_step, min(car.until_step, count)):
        enough = (one for one in car.powers_w if one * hours * car.efficiency >= missing_wh - 1e-9)
        made[step] = next(enough, car.powers_w[-1])
        missing_wh = max(0.0, missing_wh - made[step] * hours * car.efficiency)
    return made


def _hold_temperature(tank: TankModel, hours: float) -> tuple[list[float], float]:
    """Return the power that holds the present temperature inside the band, and the energy at the end."""
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
