"""Sheets of small days for the tests of this page."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from typing import Any

from quartier.cli.plan.battery_page import BatteryPage
from quartier.cli.plan.step_series import StepSeries
from quartier.planning.horizon import BatteryModel, Outlook
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.storage.plan_reasons import make_plan_reasons

BATTERY = BatteryModel(
    capacity_wh=4000.0,
    reserve_wh=400.0,
    energy_wh=1000.0,
    charge_max_w=1000.0,
    discharge_max_w=1000.0,
    charge_efficiency=1.0,
    discharge_efficiency=1.0,
)


def sheet(
    prices_eur_per_kwh: Sequence[float], begin: str = "2026-06-12T12:00", step_s: int = 3600, **changes: Any
) -> BatteryPage:
    """A house with 1 kW of load and a 4 kWh battery; the first quarter hour or hour begins at ``begin``."""
    count, first = len(prices_eur_per_kwh), datetime.fromisoformat(begin)
    outlook = Outlook(
        step_s=step_s,
        load_w=[1000.0] * count,
        pv_w=[500.0] * count,
        import_eur_per_wh=[price / 1000 for price in prices_eur_per_kwh],
        export_eur_per_wh=[0.0] * count,
        import_max_w=[3000.0] * count,
        export_max_w=[inf] * count,
    )
    steps = StepSeries(outlook, tuple(first + timedelta(seconds=step_s) * number for number in range(count)))
    battery = changes.pop("battery", BATTERY)
    plan = plan_battery(battery, outlook)
    made = BatteryPage(
        site="b1",
        name="bat1",
        battery=battery,
        rated_wh=4000.0,
        contract_w=9000.0,
        steps=steps,
        plan=plan,
        still=plan_battery(replace(battery, charge_max_w=0.0, discharge_max_w=0.0), outlook),
        given_up=(),
        why=[str(reason) for reason in make_plan_reasons(plan, outlook, steps.format_time)],
    )
    return replace(made, **changes)
