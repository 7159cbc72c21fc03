"""Batteries and outlooks for the tests of this room."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf
from typing import Any

from hypothesis import settings

from quartier.planning.horizon import BatteryModel, Contract, Outlook, Scenario, Surcharge
from quartier.planning.storage.kernel_columns import KernelColumns
from quartier.planning.storage.scenario_columns import ScenarioColumns
from quartier_bench.planning_speed.storage_horizons import draw_horizon, draw_sampled_horizon
from quartier_bench.planning_speed.storage_program import Optimum, StorageProgram, StorageSolver

PLAIN = BatteryModel(
    capacity_wh=4000.0,
    reserve_wh=0.0,
    energy_wh=0.0,
    charge_max_w=1000.0,
    discharge_max_w=1000.0,
    charge_efficiency=1.0,
    discharge_efficiency=1.0,
)


def seeds(few: Iterable[int], deep: Iterable[int]) -> list[int]:
    """``few`` in ``make test``, ``deep`` as well in ``make test-deep``: those that take long or prove little more."""
    return [*few, *deep] if settings.get_current_profile_name() == "deep" else list(few)


def outlook(prices_eur_per_kwh: Sequence[float], **changes: Any) -> Outlook:
    """Hours with a load of 1 kW; exports bring nothing."""
    count = len(prices_eur_per_kwh)
    numbers: dict[str, Any] = {
        "load_w": [1000.0] * count,
        "pv_w": [0.0] * count,
        "import_eur_per_wh": [price / 1000 for price in prices_eur_per_kwh],
        "export_eur_per_wh": [0.0] * count,
        "import_max_w": [inf] * count,
        "export_max_w": [inf] * count,
    }
    return Outlook(3600, **{**numbers, **changes})


def site(seed: int, *, signs: bool = False) -> tuple[BatteryModel, Outlook]:
    """A site drawn at random, in steps of an hour."""
    horizon = draw_horizon(seed, signs=signs)
    steps, store = horizon.steps, horizon.store
    into, out = store["charge_efficiency"], store["discharge_efficiency"]
    battery = BatteryModel(
        capacity_wh=steps["ceiling_wh"][0],
        reserve_wh=steps["floor_wh"][-1],
        energy_wh=store["energy_wh"],
        charge_max_w=steps["high_wh"][0] / into,
        discharge_max_w=-steps["low_wh"][0] * out,
        charge_efficiency=into,
        discharge_efficiency=out,
        wear_eur_per_wh=store["wear_price"],
        target_wh=store["target_wh"],
        worth_eur_per_wh=store["worth_price"],
    )
    sun = steps["curtailable_wh"]
    there = Outlook(
        step_s=3600,
        load_w=[net + pv for net, pv in zip(steps["net_wh"], sun, strict=True)],
        pv_w=sun,
        import_eur_per_wh=steps["import_price"],
        export_eur_per_wh=steps["export_price"],
        import_max_w=steps["import_max_wh"],
        export_max_w=steps["export_max_wh"],
    )
    return battery, there


def sampled_site(seed: int, *, signs: bool = False) -> tuple[BatteryModel, Outlook]:
    """The same sites, some or all of their steps with samples."""
    battery, there = site(seed, signs=signs)
    samples = [
        [Scenario(net + sun, sun, weight) for net, sun, weight in step]
        for step in draw_sampled_horizon(seed, signs=signs).samples
    ]
    return battery, replace(there, samples=samples)


def graded(seed: int, count: int) -> Contract:
    """Prices of a peak and up to two surcharges, by the seed."""
    surcharges = [Surcharge([900.0 * number] * count, 5e-5 * number) for number in range(1, 1 + seed % 3)]
    return replace(contract(seed), surcharges=surcharges)


def averaged(battery: BatteryModel, there: Outlook, terms: Contract, *, whole: bool = False) -> Optimum:
    """What HiGHS finds for the mean over the same samples."""
    columns = ScenarioColumns(battery, there, terms)
    steps = {name: list(columns.column(name)) for name in columns.names}
    none = [0.0] * there.count
    steps |= {"net_wh": none, "curtailable_wh": none, "over_price": none, "contract_wh": none}
    tiers = columns.tiers[1:] if terms.has_peak else columns.tiers
    program = StorageProgram(
        steps,
        columns.store,
        terms.peak_eur_per_w / there.step_h,
        terms.peak_free_w * there.step_h,
        whole=whole,
        samples=columns.samples,
        tiers=tiers,
    )
    options = {} if whole else {"presolve": "off", "solver": "simplex"}
    return StorageSolver(program, **options).best()


def contract(seed: int) -> Contract:
    """Prices of a peak, by the seed."""
    return Contract(
        contract_w=(inf, inf, 1000.0)[seed % 3],
        over_eur_per_wh=2e-4,
        peak_eur_per_w=(1e-4, 5e-4, 2e-3, 0.05)[seed % 4],
        peak_free_w=(0.0, 500.0, 1500.0)[seed % 5 % 3],
    )


def judged(battery: BatteryModel, there: Outlook, terms: Contract, *, whole: bool = False) -> Optimum:
    """What HiGHS finds for the same columns."""
    columns = KernelColumns(battery, there, terms)
    steps = {name: list(columns.column(name)) for name in columns.names}
    program = StorageProgram(
        steps,
        columns.store,
        terms.peak_eur_per_w / there.step_h,
        terms.peak_free_w * there.step_h,
        whole=whole,
    )
    options = {} if whole else {"presolve": "off", "solver": "simplex"}
    return StorageSolver(program, **options).best()
