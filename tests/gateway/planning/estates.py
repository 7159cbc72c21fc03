"""A small site for the tests of joint plans: four hours, and what may stand in them."""

import math
from collections.abc import Sequence
from math import inf

from quartier.planning.horizon import BatteryModel, Contract, Outlook
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel
from quartier.planning.site.site_plan import SitePlan

BATTERY = BatteryModel(10_000.0, 0.0, 0.0, 5000.0, 5000.0, 1.0, 1.0)
CAR = CarModel(need_wh=6210.0, room_wh=9e3, from_step=0, until_step=4, current_max_a=16.0, phases=1)
"""Five hours at 6 A are 6,210 Wh in it; 16 A bring 3,312 Wh an hour."""
TANK = TankModel(4000.0, 2000.0, 6000.0, 2000.0, [0.0] * 4, time_constant_h=50.0)
BATCH = BatchModel([1000.0, 2000.0], 0, 4)


def outlook(
    prices: Sequence[float] = (0.1, 0.2, 0.3, 0.2),
    *,
    load_w: float = 0.0,
    pv_w: float = 0.0,
    import_max_w: float = inf,
    export_max_w: float = inf,
) -> Outlook:
    """Steps of an hour, import prices in EUR/kWh, and nothing for an export."""
    count = len(prices)
    return Outlook(
        step_s=3600,
        load_w=[load_w] * count,
        pv_w=[pv_w] * count,
        import_eur_per_wh=[price / 1000.0 for price in prices],
        export_eur_per_wh=[0.0] * count,
        import_max_w=[import_max_w] * count,
        export_max_w=[export_max_w] * count,
    )


def site(contract: Contract | None = None, **parts: object) -> SiteModel:
    """A site with one of each that is named; ``ahead`` is its outlook."""
    ahead = parts.pop("ahead", None)
    if not isinstance(ahead, Outlook):
        ahead = outlook()
    kinds = {"battery": "batteries", "car": "cars", "tank": "tanks", "batch": "batches"}
    given = {kinds[name]: {name: part} for name, part in parts.items()}
    return SiteModel(ahead, contract or Contract(), **given)  # type: ignore[arg-type]  # each kind by its name


def given_up_wh(one: SiteModel, plan: SitePlan) -> dict[str, float]:
    """What a plan gives up, in Wh, counted by what each part does; what is given up last first."""
    hours, ahead = one.outlook.step_h, one.outlook
    made = {"caps": 0.0, "car": 0.0, "comfort": 0.0, "target": 0.0}
    for grid_w, most_w, least_w in zip(plan.grid_w, ahead.import_max_w, ahead.export_max_w, strict=True):
        made["caps"] += hours * max(0.0, grid_w - most_w, -least_w - grid_w)
    for name, car in one.cars.items():
        unit_wh = car.current_step_a * car.phases * car.voltage_v * hours * car.efficiency
        need_wh = math.ceil(car.need_wh / unit_wh - 1e-9) * unit_wh
        made["car"] += max(0.0, need_wh - plan.parts[name].energy_wh[-1])
    for name, tank in one.tanks.items():
        made["comfort"] += sum(max(0.0, tank.low_wh - wh) for wh in plan.parts[name].energy_wh)
    for name, battery in one.batteries.items():
        short_wh = min(battery.target_wh, battery.capacity_wh) - plan.parts[name].energy_wh[-1]
        made["target"] += max(0.0, short_wh)
    return made
