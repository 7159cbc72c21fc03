"""Select the assets that are planned together, and make their models (pure).

day = PlanningDay(times=..., step_s=900, known={"bat1.soc_pct": 40.0, "boiler.tank_c": 48.0, ...}) found =
select_assets(site.assets, day, StorageTerms(...)) plan = plan_site(found.site(outlook, contract))

``site.assets`` come from the site file by ``daemon/assembly/site_model.py``. Points have their own names, so
that readings may be passed as they are:

========== ==========================================================================================
role       points of ``PlanningDay.known``; in brackets those of ``PlanningDay.series``, a number a step
========== ==========================================================================================
battery    ``soc_pct``, ``target_soc_pct`` (at the end)
ev         ``energy_wanted_wh``, ``session_energy_wh``, ``arrival_in_s``, ``departure_in_s``,
           ``plugged_on`` [``plugged_on``]
heat       ``tank_c``, ``draw_w`` [``draw_w``]
waste      ``waiting_on``, ``left_s``
load       ``waiting_on``; it has a run in the site file
========== ==========================================================================================

The load of the outlook contains only assets that are *not* selected. An asset in ``left_out`` (each with its
reason) is part of it; a selected asset is not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor

from quartier.planning import horizon
from quartier.planning.horizon import Contract, Outlook, RefusedError
from quartier.planning.planning_day import PlanningDay
from quartier.planning.site import site_model
from quartier.site.asset_types import (
    QUARTER_S,
    Asset,
    BatchLoad,
    Battery,
    ChargePointAsset,
    HeatAsset,
    WasteCollection,
    WaterTank,
)
from quartier.site.records import replace
from quartier_native.storages import UNITS_MAX

KNOWN_POINTS: Mapping[str, tuple[str, ...]] = {
    "battery": ("soc_pct", "target_soc_pct"),
    "ev": ("energy_wanted_wh", "session_energy_wh", "arrival_in_s", "departure_in_s", "plugged_on"),
    "heat": ("tank_c", "draw_w"),
    "waste": ("waiting_on", "left_s"),
    "load": ("waiting_on",),
}
"""Quantities that are read from ``PlanningDay.known``, by role."""
SERIES_POINTS: Mapping[str, tuple[str, ...]] = {"ev": ("plugged_on",), "heat": ("draw_w",)}
"""Quantities that are read from ``PlanningDay.series``, by role."""
WATER_WH_PER_M3_K = 1_163.0
"""Heat that warms a cubic metre of water by 1 K: 4.187 kJ/(kg·K)."""
STANDING_LOSS_K = 45.0
"""Temperature difference at which a tank's standing loss is stated (EN 12897; EU 812/2013)."""
TIME_CONSTANTS_MAX = 12.0
"""Largest length of a horizon in time constants of a tank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageTerms:
    """Cost and value of stored energy; the same for all batteries."""

    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    wear_eur_per_wh: float = 0.0
    worth_eur_per_wh: float = 0.0
    """Value of a Wh left at the end, in a battery or as heat from one Wh of electricity."""


@dataclass(frozen=True, slots=True)
class ExcludedAsset:
    """Reason why an asset is not planned.

    ``missing`` is the unknown point, or the missing key (``assets.boiler.tank_m3``); empty if nothing is
    missing.
    """

    why: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class AssetSelection:
    """Models of the selected assets by asset name, and why others are left out.

    ``wanting`` are cars that no allowed current can charge with all requested energy before they leave.
    ``cars`` contains them with the energy that is possible, if any.
    """

    batteries: Mapping[str, horizon.BatteryModel] = field(default_factory=dict)
    cars: Mapping[str, site_model.CarModel] = field(default_factory=dict)
    tanks: Mapping[str, site_model.TankModel] = field(default_factory=dict)
    batches: Mapping[str, site_model.BatchModel] = field(default_factory=dict)
    left_out: Mapping[str, ExcludedAsset] = field(default_factory=dict)
    wanting: Mapping[str, site_model.CarModel] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the planned assets."""
        return (*self.batteries, *self.cars, *self.tanks, *self.batches)

    def site(self, outlook: Outlook, contract: Contract) -> site_model.SiteModel:
        """Return the input of ``plan_site``.

        ``outlook`` has the same steps and excludes the selected assets.
        """
        return site_model.SiteModel(
            outlook=outlook,
            contract=contract,
            batteries=self.batteries,
            cars=self.cars,
            tanks=self.tanks,
            batches=self.batches,
        )


def select_assets(assets: Iterable[Asset], day: PlanningDay, terms: StorageTerms) -> AssetSelection:
    """Select every battery, charge point, tank and batch of the assets; ignore others silently.

    Raises RefusedError for numbers that contradict each other.
    """
    wanting: dict[str, site_model.CarModel] = {}
    made = AssetSelection({}, {}, {}, {}, {}, wanting)
    for asset in assets:
        found = _make_part(asset, day, terms)
        if isinstance(found, site_model.CarModel):
            most_wh = _find_energy_max_wh(found, day)
            if found.need_wh > most_wh + _SAME_WH:
                wanting[asset.name] = found
                found = replace(found, need_wh=most_wh, room_wh=most_wh) if most_wh > 0.0 else None
        for kind, place in _SELECTION_FIELDS:
            if isinstance(found, kind):
                getattr(made, place)[asset.name] = found
    return made


def _find_energy_max_wh(car: site_model.CarModel, day: PlanningDay) -> float:
    """Return the energy that a car gets at its largest current during its stay."""
    hours = (car.until_step - car.from_step) * day.step_s / 3600.0
    return car.powers_w[-1] * hours * car.efficiency


_SAME_WH = 0.5
_SELECTION_FIELDS: tuple[tuple[type, str], ...] = (
    (horizon.BatteryModel, "batteries"),
    (site_model.CarModel, "cars"),
    (site_model.TankModel, "tanks"),
    (site_model.BatchModel, "batches"),
    (ExcludedAsset, "left_out"),
)
_PartModel = horizon.BatteryModel | site_model.CarModel | site_model.TankModel | site_model.BatchModel


def _make_part(asset: Asset, day: PlanningDay, terms: StorageTerms) -> _PartModel | ExcludedAsset | None:
    known = _make_lookup(asset.name, day)
    if isinstance(asset, Battery):
        return _make_battery(asset, known, terms)
    if isinstance(asset, ChargePointAsset):
        return _make_car(asset, known, day)
    if isinstance(asset, HeatAsset):
        return _make_tank(asset, known, day, terms)
    if isinstance(asset, WasteCollection):
        left_s = known("left_s")
        duration_s = asset.duration_s if left_s is None else left_s
        run_w = list(_spread_power([asset.rated_w], duration_s, duration_s, day.step_s))
        return _make_batch(asset, run_w, (asset.window_s, asset.deadline_s), known, day)
    if isinstance(asset, BatchLoad):
        run_w = find_remaining_run_w(asset, 0.0, day.step_s)
        return _make_batch(asset, run_w, (asset.window_s, asset.deadline_s), known, day)
    return None


def _make_lookup(name: str, day: PlanningDay) -> Callable[[str], float | None]:
    return lambda quantity: day.known.get(f"{name}.{quantity}")


_Lookup = Callable[[str], float | None]


def _make_battery(
    asset: Battery, known: _Lookup, terms: StorageTerms
) -> horizon.BatteryModel | ExcludedAsset:
    soc_pct, target_pct = known("soc_pct"), known("target_soc_pct")
    if soc_pct is None:
        return ExcludedAsset("its state of charge is not known", f"{asset.name}.soc_pct")
    floor_pct = min(max(asset.soc_min_pct, asset.reserve_soc_pct), asset.soc_max_pct)
    return horizon.BatteryModel(
        capacity_wh=asset.capacity_wh * asset.soc_max_pct / 100.0,
        reserve_wh=asset.capacity_wh * floor_pct / 100.0,
        energy_wh=asset.capacity_wh * min(max(soc_pct, 0.0), 100.0) / 100.0,
        charge_max_w=asset.charge_max_w,
        discharge_max_w=asset.discharge_max_w,
        charge_efficiency=terms.charge_efficiency,
        discharge_efficiency=terms.discharge_efficiency,
        wear_eur_per_wh=terms.wear_eur_per_wh,
        target_wh=asset.capacity_wh * (target_pct or 0.0) / 100.0,
        worth_eur_per_wh=terms.worth_eur_per_wh,
    )


def _make_car(
    asset: ChargePointAsset, known: _Lookup, day: PlanningDay
) -> site_model.CarModel | ExcludedAsset:
    """Make the model of a car, with energies at the charger; without a departure it stays."""
    name, wanted_wh = asset.name, known("energy_wanted_wh")
    wanted_wh = asset.energy_wanted_wh if wanted_wh is None else wanted_wh
    stay = _find_session_steps(asset, known, day)
    if isinstance(stay, ExcludedAsset):
        return stay
    if wanted_wh is None:
        return ExcludedAsset("the energy that its car wants is not known", f"{name}.energy_wanted_wh")
    need_wh = max(0.0, wanted_wh - (known("session_energy_wh") or 0.0))
    if need_wh == 0.0:
        return ExcludedAsset("its car has all the energy that it wants")
    least_a, most_a = float(ceil(asset.current_min_a)), float(floor(asset.current_max_a))
    if least_a > most_a:
        return ExcludedAsset("no whole ampere lies within its currents", f"assets.{name}.current_max_a")
    made = site_model.CarModel(
        need_wh=need_wh,
        room_wh=need_wh,
        from_step=stay[0],
        until_step=stay[1],
        current_max_a=most_a,
        current_min_a=least_a,
        phases=asset.phases_count,
        voltage_v=asset.voltage_v,
        efficiency=1.0,
    )
    most_wh = made.current_max_a * made.phases * made.voltage_v * day.step_s / 3600.0 * (stay[1] - stay[0])
    step_a = find_current_step_a(name, replace(made, need_wh=min(need_wh, most_wh)), day.step_s)
    return replace(made, current_step_a=step_a)


def find_current_step_a(name: str, car: site_model.CarModel, step_s: float) -> float:
    """Return steps of whole amperes: 1, or 2 or 3 where 1 would divide the energy too finely.

    Raises RefusedError if none of these fits.
    """
    unit_wh = car.phases * car.voltage_v * step_s / 3600.0
    for step_a in (1.0, 2.0, 3.0):
        if car.current_min_a % step_a == 0.0 and car.need_wh <= UNITS_MAX * step_a * unit_wh:
            return step_a
    minutes = round(step_s / 60)
    raise RefusedError(
        f"{name}: {car.need_wh:.0f} Wh in amperes of {minutes} min are too many parts; expected longer steps"
    )


def _find_session_steps(
    asset: ChargePointAsset, known: _Lookup, day: PlanningDay
) -> tuple[int, int] | ExcludedAsset:
    """Return the first step in which a car is there, and the first in which it is away again."""
    name = asset.name
    plugged = day.series.get(f"{name}.plugged_on")
    arrival_s, departure_s = known("arrival_in_s"), known("departure_in_s")
    if plugged is not None:
        there = [step for step, on in enumerate(plugged) if on]
        if not there:
            return ExcludedAsset("no car is there")
        if there[-1] - there[0] + 1 != len(there):
            raise RefusedError(f"{name}.plugged_on: a car comes a second time; expected one stay")
        arrival_s = there[0] * float(day.step_s) if arrival_s is None else arrival_s
        if there[-1] + 1 < day.count and departure_s is None:
            departure_s = (there[-1] + 1) * float(day.step_s)
    elif known("plugged_on") == 0.0 and arrival_s is None:
        return ExcludedAsset("no car is there")
    from_step = day.first(arrival_s or 0.0)
    if departure_s is None and asset.departure_s is not None:
        departure_s = day.find_next_s(asset.departure_s, arrival_s or 0.0)
    until_step = day.count if departure_s is None else day.until(departure_s)
    if from_step >= day.count:
        return ExcludedAsset("its car comes later than what is planned")
    return from_step, max(from_step, min(until_step, day.count))


def _make_tank(
    asset: HeatAsset, known: _Lookup, day: PlanningDay, terms: StorageTerms
) -> site_model.TankModel | ExcludedAsset:
    name, water = asset.name, asset.water
    low_c, high_c = asset.comfort_min_c, asset.comfort_max_c
    if water is None:
        return ExcludedAsset("its water is not in the site file", f"assets.{name}.tank_m3")
    if low_c is None or high_c is None:
        missing = "comfort_min_c" if low_c is None else "comfort_max_c"
        return ExcludedAsset("its comfort band is not in the site file", f"assets.{name}.{missing}")
    constant_h = _find_heat_wh(water, water.around_c + STANDING_LOSS_K) / water.loss_w
    if constant_h < max(1.0, day.count * day.step_s / 3600.0 / TIME_CONSTANTS_MAX):
        raise RefusedError(
            f"assets.{name}.tank_loss_w: {water.loss_w:g} W empty {water.volume_m3:g} m3 in "
            f"{constant_h:.1f} h; expected less, or fewer steps"
        )
    tank_c = known("tank_c")
    if tank_c is None:
        return ExcludedAsset("its temperature is not known", f"{name}.tank_c")
    draw_w = known("draw_w")
    steady_w = [water.draw_w if draw_w is None else draw_w] * day.count
    return site_model.TankModel(
        energy_wh=_find_heat_wh(water, tank_c),
        low_wh=_find_heat_wh(water, low_c),
        high_wh=_find_heat_wh(water, high_c),
        power_max_w=asset.rated_w,
        draw_w=day.series.get(f"{name}.draw_w", steady_w),
        time_constant_h=min(1e6, constant_h),
        heat_per_wh=water.heat_pct / 100.0,
        worth_eur_per_wh=terms.worth_eur_per_wh * 100.0 / water.heat_pct,
    )


def _find_heat_wh(water: WaterTank, at_c: float) -> float:
    return max(0.0, at_c - water.around_c) * water.volume_m3 * WATER_WH_PER_M3_K


def _make_batch(
    asset: Asset,
    run_w: Sequence[float],
    hours: tuple[float | None, float],
    known: _Lookup,
    day: PlanningDay,
) -> site_model.BatchModel | ExcludedAsset:
    """Plan a batch in its first window with enough room; without a reading it counts as waiting."""
    if known("waiting_on") == 0.0 or not run_w:
        return ExcludedAsset("no run is waiting")
    for from_step, until_step in _iterate_windows(day, *hours):
        if until_step - from_step >= len(run_w):
            return site_model.BatchModel(run_w, from_step, until_step)
    took = f"a run of {len(run_w) * day.step_s // 60} min does not fit into its hours"
    return ExcludedAsset(f"{took}, as far as they are planned", f"assets.{asset.name}.deadline")


def _iterate_windows(
    day: PlanningDay, window_s: float | None, deadline_s: float
) -> Iterator[tuple[int, int]]:
    """Yield the first step and the end step of each window in which it may run."""
    begin_s: float | None = 0.0
    if window_s is not None and day.since_s(window_s) >= day.since_s(deadline_s):
        begin_s = day.find_next_s(window_s)
    while begin_s is not None:
        end_s = day.find_next_s(deadline_s, begin_s)
        until_step = day.count if end_s is None else min(day.count, day.until(end_s))
        yield day.first(begin_s), until_step
        if end_s is None:
            return
        begin_s = end_s if window_s is None else day.find_next_s(window_s, end_s)


def find_remaining_run_w(run: BatchLoad, ran_s: float, step_s: int) -> list[float]:
    """Return the mean power in each remaining step of a run that has run for ``ran_s``, in W."""
    return list(_spread_power(run.run_w, QUARTER_S, run.duration_s, step_s, ran_s))


def _spread_power(
    run_w: Sequence[float], each_s: float, whole_s: float, step_s: int, from_s: float = 0.0
) -> Iterator[float]:
    """Yield the mean power in each step of a run from ``from_s`` on; each power lasts ``each_s``."""
    for step in range(ceil((whole_s - from_s) / step_s - 1e-9)):
        begin_s, end_s = from_s + step * float(step_s), from_s + (step + 1.0) * step_s
        parts = (
            power_w * max(0.0, min(end_s, (at + 1) * each_s) - max(begin_s, at * each_s))
            for at, power_w in enumerate(run_w)
        )
        yield sum(parts) / step_s
