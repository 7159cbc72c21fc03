"""Estimate demand and flexibility of a building from its report, its last day and its data (pure).

Unknown values follow plain rules: a load stays as it is, PV follows a half sine from 6 to 20 h of the
local
day through its present value, a car stays as long as the district file states.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import pi, sin
from typing import Any
from zoneinfo import ZoneInfo

from quartier_district.fleet.building_state import QUARTER_MS, BuildingState
from quartier_district.fleet.district_file import DistrictFile, HeatStore
from quartier_district.optimiser.plan_records import Battery, Building, Car, Heat, OptimiserInput, Prices

_DAY_MS = 86_400_000
_DAWN_H, _DUSK_H = 6.0, 20.0
# No figure of a building is above this, in W, Wh or s.
_VALUE_MAX = 1e8
DeviceReport = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlanSteps:
    """The steps of a plan: their starts in Unix milliseconds."""

    start_ms: int
    step_s: int
    count: int

    @classmethod
    def around(cls, now_ms: int, roster: DistrictFile) -> "PlanSteps":
        """From the step that runs now."""
        step_ms = roster.step_s * 1_000
        return cls(now_ms // step_ms * step_ms, roster.step_s, roster.steps_count)

    @property
    def step_starts_ms(self) -> tuple[int, ...]:
        """The start of each step."""
        return tuple(self.start_ms + place * self.step_s * 1_000 for place in range(self.count))

    def place(self, at_ms: int) -> int:
        """The step of a moment; may lie outside."""
        return (at_ms - self.start_ms) // (self.step_s * 1_000)


def make_optimiser_input(
    roster: DistrictFile,
    members: Sequence[BuildingState],
    reserved_w: Mapping[str, Sequence[float]],
    grid: PlanSteps,
) -> OptimiserInput:
    """Return the situation for the optimiser: ``members`` are those that can be counted on.

    ``reserved_w`` is the power reserved for the others, by direction and step.
    """
    tariff = roster.tariff
    moments = grid.step_starts_ms

    def each(series: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(tariff.at(series, at_ms) for at_ms in moments)

    def left(direction: str) -> tuple[float, ...]:
        limit_w = roster.limit_w(direction)
        return tuple(max(limit_w - watts, 0.0) for watts in reserved_w[direction])

    return OptimiserInput(
        step_s=grid.step_s,
        limit_import_w=left("import"),
        limit_export_w=left("export"),
        prices=Prices(
            import_eur_per_wh=tuple(value / 1e3 for value in each(tariff.import_eur_per_kwh)),
            export_eur_per_wh=tuple(value / 1e3 for value in each(tariff.export_eur_per_kwh)),
            co2_g_per_wh=tuple(value / 1e3 for value in each(tariff.co2_g_per_kwh)),
            co2_eur_per_g=tariff.co2_eur_per_t / 1e6,
            peak_eur_per_w=tariff.peak_eur_per_kw / 1e3,
        ),
        buildings=tuple(make_building_input(member, grid, tariff.zone) for member in members),
    )


def make_building_input(member: BuildingState, grid: PlanSteps, zone: str) -> Building:
    """One building over the steps of ``grid``; what of it cannot be planned belongs to its load.

    Nobody can take or give more than the contracts: what a report says beyond is taken as that.
    """
    place = member.place
    devices = (member.report or {}).get("devices", ())
    tanks = {tank.asset: tank for tank in place.tanks}
    panels = [device for device in devices if device.get("role") == "pv"]
    stores = [
        (one, store) for one in devices if one.get("role") == "battery" and (store := _make_battery(one))
    ]
    cars = [
        (one, car) for one in devices if one.get("role") == "ev" and (car := _make_car(one, member, grid))
    ]
    heats = [(one, heat) for one in devices if (heat := _make_heat(one, tanks, member, grid))]
    planned = [*panels, *(device for device, _ in (*stores[:1], *cars, *heats[:1]))]
    most_w = place.contract_import_w + place.contract_export_w
    return Building(
        name=place.edge,
        base_w=tuple(min(max(watts, -most_w), most_w) for watts in _forecast_base_w(member, planned, grid)),
        pv_w=tuple(min(watts, most_w) for watts in _forecast_pv_w(member, panels, grid, zone)),
        import_max_w=place.contract_import_w,
        export_max_w=place.contract_export_w,
        battery=stores[0][1] if stores else None,
        cars=tuple(car for _, car in cars),
        heat=heats[0][1] if heats else None,
    )


def _forecast_base_w(
    member: BuildingState, planned_devices: Sequence[DeviceReport], grid: PlanSteps
) -> tuple[float, ...]:
    """The connection without what is planned: as a day ago, else as now."""
    named = [str(device["device"]) for device in planned_devices]
    now_w = (member.power_w or 0.0) - sum(_read_power_w(member, device) for device in planned_devices)
    known = _read_forecast(member.report, grid)
    for device in planned_devices:
        ahead = _map_to_steps((member.report or {}).get("forecast"), device.get("forecast_w"), grid)
        known = [None if a is None or b is None else a - b for a, b in zip(known, ahead, strict=True)]
    if not named:
        known = [
            _find_day_ago_w(member, at_ms) if a is None else a
            for a, at_ms in zip(known, grid.step_starts_ms, strict=True)
        ]
    return tuple(now_w if value is None or place == 0 else value for place, value in enumerate(known))


def _find_day_ago_w(member: BuildingState, at_ms: int) -> float | None:
    return member.quarters.means_w.get(at_ms // QUARTER_MS * QUARTER_MS - _DAY_MS)


def _read_forecast(report: DeviceReport | None, grid: PlanSteps) -> list[float | None]:
    found = (report or {}).get("forecast") or {}
    return _map_to_steps(found, found.get("grid_w"), grid)


def _map_to_steps(frame: Any, series: Any, grid: PlanSteps) -> list[float | None]:
    """A forecast of the report on the steps of ``grid``; a day later it says the same."""
    if not isinstance(frame, Mapping) or not isinstance(series, list) or not series:
        return [None] * grid.count
    start_ms, step_ms = int(frame["start"]), int(frame["step_s"]) * 1_000
    return [
        _parse_number(series[(at_ms - start_ms) // step_ms % len(series)]) for at_ms in grid.step_starts_ms
    ]


def _forecast_pv_w(
    member: BuildingState, panels: Sequence[DeviceReport], grid: PlanSteps, zone: str
) -> tuple[float, ...]:
    """Return the possible power of the modules in W, not negative."""
    total = [0.0] * grid.count
    for device in panels:
        now_w = max(-_read_power_w(member, device), 0.0)
        ahead = _map_to_steps((member.report or {}).get("forecast"), device.get("forecast_w"), grid)
        height = _compute_sun_height(grid.step_starts_ms[0], zone)
        for place, at_ms in enumerate(grid.step_starts_ms):
            value = ahead[place]
            follows_w = now_w * _compute_sun_height(at_ms, zone) / height if height > 0.05 else 0.0
            known_w = follows_w if value is None else max(-value, 0.0)
            total[place] += now_w if place == 0 else known_w
    return tuple(total)


def _compute_sun_height(at_ms: int, zone: str) -> float:
    local = dt.datetime.fromtimestamp(at_ms / 1e3, ZoneInfo(zone))
    hour = local.hour + local.minute / 60.0
    return max(sin(pi * (hour - _DAWN_H) / (_DUSK_H - _DAWN_H)), 0.0)


def _make_battery(device: DeviceReport) -> Battery | None:
    capacity_wh, fill_pct = (
        _parse_number(device.get("capacity_wh")),
        _parse_number(device.get("fill_level_pct")),
    )
    if not device.get("available") or capacity_wh is None or fill_pct is None or capacity_wh <= 0:
        return None
    # The report of a battery at an edge shows what it can do now: its rating stands on the other side.
    reach = [abs(watts) for watts in _iterate_range_ends(device)]
    power_w = max(reach, default=0.0)
    share_wh = capacity_wh / 100.0
    return Battery(
        stored_wh=_limit_pct(fill_pct) * share_wh,
        stored_min_wh=_limit_pct(_parse_number(device.get("fill_level_min_pct")) or 0.0) * share_wh,
        stored_max_wh=_limit_pct(_parse_number(device.get("fill_level_max_pct")) or 100.0) * share_wh,
        charge_max_w=power_w,
        discharge_max_w=power_w,
    )


def is_car_present(member: BuildingState, device: DeviceReport) -> bool:
    """Return whether a car is there: by the data, which are newer, else by the report."""
    plugged = member.values.get(f"{device.get('device')}.plugged_on")
    return bool(device.get("present")) if plugged is None else plugged > 0


def _make_car(device: DeviceReport, member: BuildingState, grid: PlanSteps) -> Car | None:
    if not device.get("available") or not is_car_present(member, device):
        return None
    # A report of before it came says nothing of what it wants, or how fast.
    is_reported = bool(device.get("present"))
    need_wh = _parse_number(device.get("energy_up_wh")) if is_reported else None
    leaves_s = _parse_number(device.get("leaves_in_s")) if is_reported else None
    stay_s = member.place.stay_h * 3_600.0 if leaves_s is None else leaves_s
    return Car(
        name=str(device["device"]),
        need_wh=member.place.need_wh if need_wh is None else max(need_wh, 0.0),
        power_max_w=max(max(_iterate_range_ends(device), default=0.0), 0.0) or member.place.car_w,
        until_step=min(max(int(stay_s // grid.step_s), 1), grid.count),
    )


def _make_heat(
    device: DeviceReport, tanks: Mapping[str, HeatStore], member: BuildingState, grid: PlanSteps
) -> Heat | None:
    tank, fill_c = tanks.get(str(device.get("device"))), _parse_number(device.get("fill_level_c"))
    if tank is None or fill_c is None or not device.get("available"):
        return None
    low_c, high_c = (
        _parse_number(device.get("fill_level_min_c")),
        _parse_number(device.get("fill_level_max_c")),
    )
    low_c = fill_c - 2.0 if low_c is None else low_c
    high_c = max(fill_c, low_c) + 5.0 if high_c is None else high_c
    # What the pump took a day ago was needed then; else what it takes on the mean of now.
    ahead = _map_to_steps((member.report or {}).get("forecast"), device.get("forecast_w"), grid)
    usual_w = _read_power_w(member, device)
    return Heat(
        power_max_w=tank.power_max_w,
        demand_w=tuple(max(usual_w if value is None else value, 0.0) * tank.cop for value in ahead),
        stored_wh=max(fill_c - low_c, 0.0) * tank.wh_per_k,
        stored_min_wh=0.0,
        stored_max_wh=max(high_c - low_c, 0.0) * tank.wh_per_k,
        cop=tank.cop,
    )


def _read_power_w(member: BuildingState, device: DeviceReport) -> float:
    """Return the present power of a device in W: by the data, else by the report."""
    name = f"{device.get('device')}.power_w"
    return member.values.get(name, _parse_number(device.get("power_w")) or 0.0)


def _iterate_range_ends(device: DeviceReport) -> Iterator[float]:
    spans = device.get("power_ranges_w")
    for span in spans if isinstance(spans, list) else ():
        ends = span if isinstance(span, list) else ()
        yield from (value for end in ends if (value := _parse_number(end)) is not None)


def _limit_pct(value: float) -> float:
    return min(max(value, 0.0), 100.0)


def _parse_number(value: Any) -> float | None:
    """A number that can be one of a building, or None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) <= _VALUE_MAX else None
