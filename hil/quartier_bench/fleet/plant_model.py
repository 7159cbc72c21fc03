"""The physics of a whole fleet, all buildings at once: inputs by minute, kernel columns, one step a
second.

An asset takes what its own control wants, within what the gateway ordered a second before.

People: BDEW's standard profiles H0 (dynamic) and G1 (offices, 8 to 18 h) from demandlib, the German ones
because no library has French ones, scaled to French yearly uses; 60 % of a home's, with seeded appliances
on
top.  Sun: the rig's own, pvlib's clear sky over Issy with seeded clouds that all roofs share.  Cold: a
sine
with its least at 5 h.
"""

import datetime as dt
import warnings
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quartier_bench.fleet.building_stock import (
    OFFICE,
    Battery,
    BuildingStock,
    Car,
    Fan,
    FloatArray,
    PvSystem,
    SpaceHeater,
    WaterHeater,
    draw_uniform,
)
from quartier_native.fleets import FleetInputs, FleetResult, FleetState
from quartier_sim.load_series import standard_load

MINUTES_PER_DAY = 1440
NOON_MINUTE = 720
SHIFT_MAX_MIN = 60
_SWING_K, _COLDEST_MINUTE = 3.0, 300
APPLIANCE_SHARE = 0.5
"""Of the rig's appliances, which are those of a house of 4,500 kWh."""


@dataclass(frozen=True)
class DayInputs:
    """By minute of the day: ``base_w`` of each building (minutes x buildings), the rest for all."""

    base_w: npt.NDArray[np.float32]
    sun_w_per_w: FloatArray
    outside_c: FloatArray
    draw_share: FloatArray
    """Share of a day's hot water that each minute takes."""
    origin: str


def make_day_inputs(stock: BuildingStock, day: dt.date, outside_c: float) -> DayInputs:
    """The drive of 24 hours from noon of ``day`` for this stock."""
    homes, offices = (_load_profile(day, name) for name in ("h0_dyn", "g1"))
    base_w = _compute_base_w(stock, homes, offices)
    _add_appliances(stock, base_w)
    two_days = standard_load.build_standard_series(day, 2, stock.seed)
    span = slice(NOON_MINUTE, NOON_MINUTE + MINUTES_PER_DAY)
    minutes = np.arange(NOON_MINUTE, NOON_MINUTE + MINUTES_PER_DAY)
    swing = np.cos(2.0 * np.pi * (minutes - _COLDEST_MINUTE) / MINUTES_PER_DAY)
    draw = np.array(two_days.draw_w[span])
    return DayInputs(
        base_w=base_w,
        sun_w_per_w=np.array(two_days.solar_w_per_kw[span]) / 1000.0,
        outside_c=outside_c - _SWING_K * swing,
        draw_share=draw / draw.sum(),
        origin=f"{day:%d %B %Y} from noon, {outside_c:g} °C in the mean; BDEW profiles H0 and G1 by "
        "demandlib, seeded appliances, "
        f"pvlib's sun over Issy with seeded clouds (seed {stock.seed})",
    )


def _load_profile(day: dt.date, name: str) -> FloatArray:
    """W for each kWh of a year, by minute, with an hour more at both ends."""
    from demandlib.bdew import ElecSlp  # noqa: PLC0415 - half a second, only for this drive

    parts = []
    for offset in range(-1, 3):
        date = day + dt.timedelta(days=offset)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # demandlib warns of its own pandas use
            table = ElecSlp(date.year).get_scaled_power_profiles({name: 1.0})
        parts.append(np.repeat(table.loc[date.isoformat()][name].to_numpy(dtype=float) * 1000.0, 15))
    whole = np.concatenate(parts)
    first = MINUTES_PER_DAY + NOON_MINUTE - SHIFT_MAX_MIN
    return np.asarray(whole[first : first + MINUTES_PER_DAY + 2 * SHIFT_MAX_MIN])


def _compute_base_w(stock: BuildingStock, homes: FloatArray, offices: FloatArray) -> npt.NDArray[np.float32]:
    """Each building by the profile of its kind, so much later or sooner."""
    shift = np.array([one.shift_min for one in stock.drawn], dtype=np.int64)
    places = np.arange(MINUTES_PER_DAY)[:, None] + (SHIFT_MAX_MIN - shift)[None, :]
    is_office = stock.column("kind") == OFFICE
    use_kwh = stock.column("use_kwh")
    scale = np.where(is_office, use_kwh, standard_load.STANDARD_SHARE * use_kwh)
    course = np.where(is_office[None, :], offices[places], homes[places])
    return np.asarray(course * scale[None, :], dtype=np.float32)


def _add_appliances(stock: BuildingStock, base_w: npt.NDArray[np.float32]) -> None:
    """Those of homes, each at its own minute."""
    homes = np.flatnonzero(stock.column("kind") != OFFICE)
    for name, power_w, length, times, (first_h, last_h) in standard_load.APPLIANCES:
        for turn in range(times):
            what = f"{name} {turn}"
            hour = first_h + draw_uniform(stock.seed, what, len(stock.drawn))[homes] * (last_h - first_h)
            used = draw_uniform(stock.seed, f"{what} used", len(stock.drawn))[homes] < APPLIANCE_SHARE
            start = np.floor(hour * 60.0).astype(np.int64) - NOON_MINUTE
            for minute in range(length):
                base_w[(start[used] + minute) % MINUTES_PER_DAY, homes[used]] += np.float32(power_w)


Int64Array = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
FlagArray = npt.NDArray[np.uint8]
SHEDS_MAX_COUNT = 8
"""That are remembered of a unit: memory is what a large fleet waits for."""


@dataclass(frozen=True)
class KernelColumns:
    """Columns of the kernel that plant, restore and verdicts read and write; ``sheds_ns`` is unit by shed."""

    on: FlagArray
    since_ns: Int64Array
    limit_w: FloatArray
    before_w: FloatArray
    raised_ns: Int64Array
    setpoint_w: FloatArray
    shed_count: Int32Array
    sheds_ns: Int64Array
    present_w: FloatArray
    soc_pct: FloatArray
    plugged: FlagArray
    rest_w: FloatArray
    high_w: FloatArray
    low_w: FloatArray
    import_max_w: FloatArray
    export_max_w: FloatArray
    cap_row: Int32Array


def view_columns(state: FleetState, inputs: FleetInputs, result: FleetResult) -> KernelColumns:
    """Views of the columns; rows have four places a building, of which the total is shown alone."""
    rows = ("high_w", "low_w", "import_max_w", "export_max_w")
    found: dict[str, Any] = {}
    for part in (state, inputs, result):
        for name in KernelColumns.__dataclass_fields__:
            column = getattr(part, name, None)
            if isinstance(column, array):
                found[name] = np.frombuffer(column, dtype=column.typecode)
    for name in rows:
        found[name] = found[name].reshape(-1, 4)[:, 0]
    found["sheds_ns"] = found["sheds_ns"].reshape(-1, state.sheds_room)
    return KernelColumns(**found)


MaskArray = npt.NDArray[np.bool_]

_S_PER_H = 3600.0
OFF_PEAK_S = 8 * _S_PER_H
TANK_BAND_WH = 500.0
HEAT_BAND_K = 0.3
NIGHT_SPAN_S = (10 * _S_PER_H, 18 * _S_PER_H)
"""From 22 h to 6 h rooms are kept at their night's temperature, so much later or sooner as people live."""
FANS_OFF_SPAN_S = (7 * _S_PER_H, 19 * _S_PER_H)
"""Fans stand from 19 h to 7 h, in seconds since noon."""
BATTERY_EFFICIENCY = 0.95
"""One way."""


class FleetPlant:
    """All pieces of a stock; ``present_w`` and ``soc_pct`` of the columns are its work."""

    def __init__(self, stock: BuildingStock, drive: DayInputs, seen: KernelColumns) -> None:
        self.seen, self.drive = seen, drive
        self.cars, self.tanks, self.heaters = (
            stock.group(Car),
            stock.group(WaterHeater),
            stock.group(SpaceHeater),
        )
        self.fans, self.pv_systems, self.stores = (
            stock.group(Fan),
            stock.group(PvSystem),
            stock.group(Battery),
        )
        self.shift_s = 60.0 * stock.column("shift_min")[self.heaters.of]
        self._init_cars()
        self._init_heat()
        self.rated_w = self.pv_systems.column("rated_w")
        self.fan_w = self.fans.column("power_w")
        self.capacity_wh = self.stores.column("capacity_wh")
        seen.soc_pct[self.stores.at] = 60.0
        self.sun, self.outside_c, self.fans_on = 0.0, 0.0, True

    def _init_cars(self) -> None:
        cars = self.cars
        self.full_w = cars.column("full_w")
        self.come_s, self.leave_s = cars.pairs("come_s"), cars.pairs("leave_s")
        self.want_wh, self.timer_s = cars.pairs("want_wh"), cars.column("timer_s")
        self.left_wh = self.want_wh.copy()
        self.ready = np.zeros((2, len(self.full_w)), dtype=bool)

    def _init_heat(self) -> None:
        tanks, heaters = self.tanks, self.heaters
        self.tank_w, self.tank_day_wh = tanks.column("power_w"), tanks.column("day_wh")
        self.tank_free, self.night_s = tanks.column("is_free") > 0, tanks.column("night_s")
        self.missing_heat_wh = np.zeros(len(self.tank_w))
        self.is_tank_heating = np.zeros(len(self.tank_w), dtype=bool)
        self.tank_allowed = self.tank_free.copy()
        self.heater_w, self.gain = heaters.column("power_w"), heaters.column("gain")
        self.loss_w_per_k, self.store_wh_per_k = (
            heaters.column("loss_w_per_k"),
            heaters.column("store_wh_per_k"),
        )
        self.day_c, self.night_c = heaters.column("day_c"), heaters.column("night_c")
        self.setpoint_c = self.day_c.copy()
        # Thermostats do not agree about where they are in their band.
        spread = (np.arange(len(self.day_c)) * 0.618034) % 1.0
        self.room_c = self.day_c + HEAT_BAND_K * (2.0 * spread - 1.0)
        self.is_heating = spread < 0.5

    def minute(self, minute: int, *, live: bool = True) -> None:
        """Take over what changes by the minute; ``live`` False: no voltage."""
        now_s, columns, drive = 60.0 * minute, self.seen, self.drive
        columns.rest_w[:] = drive.base_w[minute] if live else 0.0
        columns.high_w[:] = columns.rest_w
        columns.low_w[:] = columns.rest_w
        self.sun, self.outside_c = float(drive.sun_w_per_w[minute]), float(drive.outside_c[minute])
        self.ready = (self.come_s <= now_s) & (now_s < self.leave_s)
        columns.plugged[self.cars.at] = self.ready.any(axis=0)
        self.ready &= self.timer_s <= now_s
        self.tank_allowed = self.tank_free | ((self.night_s <= now_s) & (now_s < self.night_s + OFF_PEAK_S))
        self.missing_heat_wh += self.tank_day_wh * float(drive.draw_share[minute])
        theirs_s = now_s - self.shift_s
        is_night = (NIGHT_SPAN_S[0] <= theirs_s) & (theirs_s < NIGHT_SPAN_S[1])
        self.setpoint_c = np.where(is_night, self.night_c, self.day_c)
        self.fans_on = not FANS_OFF_SPAN_S[0] <= now_s < FANS_OFF_SPAN_S[1]

    def second(self, *, live: bool = True, is_controlled: bool = True) -> None:
        """Let a second pass; without ``is_controlled`` chargers rest, the others follow their own control."""
        on = self.seen.on.view(bool)
        present_w = self.seen.present_w
        present_w[self.cars.at] = self._step_cars(on[self.cars.at], live=live and is_controlled)
        present_w[self.tanks.at] = self._step_water_heaters(
            on[self.tanks.at] | (not is_controlled), live=live
        )
        present_w[self.heaters.at] = self._step_space_heaters(
            on[self.heaters.at] | (not is_controlled), live=live
        )
        running = on[self.fans.at] | (not is_controlled)
        present_w[self.fans.at] = np.where(running, self.fan_w, 0.0) if self.fans_on and live else 0.0
        limit_w = self.seen.limit_w[self.pv_systems.at]
        present_w[self.pv_systems.at] = -np.minimum(self.rated_w * self.sun, limit_w) if live else 0.0
        present_w[self.stores.at] = self._step_batteries(live=live and is_controlled)

    def _step_cars(self, on: MaskArray, *, live: bool) -> FloatArray:
        """Cars that are there and not full take what they may."""
        asks = self.ready & (self.left_wh > 0.0)
        taken_w = np.where(
            asks.any(axis=0) & on, np.minimum(self.full_w, self.seen.limit_w[self.cars.at]), 0.0
        )
        if not live:
            taken_w[:] = 0.0
        self.left_wh[0] -= np.where(asks[0], taken_w / _S_PER_H, 0.0)
        self.left_wh[1] -= np.where(asks[1], taken_w / _S_PER_H, 0.0)
        return taken_w

    def _step_water_heaters(self, on: MaskArray, *, live: bool) -> FloatArray:
        """A thermostat with a band, within the hours of its contact."""
        self.is_tank_heating = (self.missing_heat_wh > TANK_BAND_WH) | (
            self.is_tank_heating & (self.missing_heat_wh > 0.0)
        )
        taken_w: FloatArray = np.where(self.is_tank_heating & self.tank_allowed & on & live, self.tank_w, 0.0)
        self.missing_heat_wh -= taken_w / _S_PER_H
        return taken_w

    def _step_space_heaters(self, on: MaskArray, *, live: bool) -> FloatArray:
        """A room of one heat store."""
        low = self.room_c < self.setpoint_c - HEAT_BAND_K
        self.is_heating = low | (self.is_heating & (self.room_c < self.setpoint_c + HEAT_BAND_K))
        taken_w: FloatArray = np.where(self.is_heating & on & live, self.heater_w, 0.0)
        heat_w = taken_w * self.gain - self.loss_w_per_k * (self.room_c - self.outside_c)
        self.room_c += heat_w / _S_PER_H / self.store_wh_per_k
        return taken_w

    def _step_batteries(self, *, live: bool) -> FloatArray:
        """A battery follows its setpoint while it can."""
        at = self.stores.at
        if not live:
            return np.zeros(len(at))
        asked_w = np.nan_to_num(self.seen.setpoint_w[at])
        soc_pct = self.seen.soc_pct[at]
        taken_w = np.where(soc_pct >= 100.0, np.minimum(asked_w, 0.0), asked_w)
        taken_w = np.where(soc_pct <= 0.0, np.maximum(taken_w, 0.0), taken_w)
        stored_w = np.where(taken_w > 0.0, taken_w * BATTERY_EFFICIENCY, taken_w / BATTERY_EFFICIENCY)
        self.seen.soc_pct[at] = np.clip(soc_pct + stored_w / (36.0 * self.capacity_wh), 0.0, 100.0)
        return taken_w

    def sum_kinds_w(self) -> tuple[float, ...]:
        """Return the total power of each kind in W: people, cars, water, heat and air, sun, batteries."""
        present_w = self.seen.present_w
        air_w = present_w[self.heaters.at].sum() + present_w[self.fans.at].sum()
        return (
            float(self.seen.rest_w.sum()),
            float(present_w[self.cars.at].sum()),
            float(present_w[self.tanks.at].sum()),
            float(air_w),
            float(present_w[self.pv_systems.at].sum()),
            float(present_w[self.stores.at].sum()),
        )
