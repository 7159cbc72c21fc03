"""The physics of a whole fleet, all buildings at once, a second at a time.

A piece takes what its own control wants, within what the gateway ordered a second before.
"""

import numpy as np
import numpy.typing as npt

from quartier_hil.offline.fleet.columns import Seen
from quartier_hil.offline.fleet.drive import Drive
from quartier_hil.offline.fleet.pieces import Car, Fan, Heater, Store, Sun, Tank
from quartier_hil.offline.fleet.stock import Floats, Stock

Mask = npt.NDArray[np.bool_]

_H = 3600.0
OFF_PEAK_S = 8 * _H
TANK_BAND_WH = 500.0
HEAT_BAND_K = 0.3
NIGHT_S = (10 * _H, 18 * _H)
"""From 22 h to 6 h rooms are kept at their night's temperature, so much later or sooner as people live."""
FANS_S = (7 * _H, 19 * _H)
"""Fans stand from 19 h to 7 h, in seconds since noon."""
BATTERY_YIELD = 0.95
"""One way."""


class Plant:
    """All pieces of a stock; ``present_w`` and ``soc_pct`` of the columns are its work."""

    def __init__(self, stock: Stock, drive: Drive, seen: Seen) -> None:
        self.seen, self.drive = seen, drive
        self.cars, self.tanks, self.heaters = stock.group(Car), stock.group(Tank), stock.group(Heater)
        self.fans, self.suns, self.stores = stock.group(Fan), stock.group(Sun), stock.group(Store)
        self.shift_s = 60.0 * stock.column("shift_min")[self.heaters.of]
        self._init_cars()
        self._init_heat()
        self.rated_w = self.suns.column("rated_w")
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
        self.lack_wh = np.zeros(len(self.tank_w))
        self.tank_heats = np.zeros(len(self.tank_w), dtype=bool)
        self.tank_allowed = self.tank_free.copy()
        self.heater_w, self.gain = heaters.column("power_w"), heaters.column("gain")
        self.loss_w_per_k, self.store_wh_per_k = (
            heaters.column("loss_w_per_k"),
            heaters.column("store_wh_per_k"),
        )
        self.day_c, self.night_c = heaters.column("day_c"), heaters.column("night_c")
        self.goal_c = self.day_c.copy()
        # Thermostats do not agree about where they are in their band.
        spread = (np.arange(len(self.day_c)) * 0.618034) % 1.0
        self.room_c = self.day_c + HEAT_BAND_K * (2.0 * spread - 1.0)
        self.heats = spread < 0.5

    def minute(self, minute: int, *, live: bool = True) -> None:
        """Take over what changes by the minute; ``live`` False: no voltage."""
        now_s, seen, drive = 60.0 * minute, self.seen, self.drive
        seen.rest_w[:] = drive.base_w[minute] if live else 0.0
        seen.high_w[:] = seen.rest_w
        seen.low_w[:] = seen.rest_w
        self.sun, self.outside_c = float(drive.sun_w_per_w[minute]), float(drive.outside_c[minute])
        self.ready = (self.come_s <= now_s) & (now_s < self.leave_s)
        seen.plugged[self.cars.at] = self.ready.any(axis=0)
        self.ready &= self.timer_s <= now_s
        self.tank_allowed = self.tank_free | ((self.night_s <= now_s) & (now_s < self.night_s + OFF_PEAK_S))
        self.lack_wh += self.tank_day_wh * float(drive.draw_share[minute])
        theirs_s = now_s - self.shift_s
        is_night = (NIGHT_S[0] <= theirs_s) & (theirs_s < NIGHT_S[1])
        self.goal_c = np.where(is_night, self.night_c, self.day_c)
        self.fans_on = not FANS_S[0] <= now_s < FANS_S[1]

    def second(self, *, live: bool = True, steered: bool = True) -> None:
        """Let a second pass; ``steered`` False: no gateway runs, chargers rest, the rest goes by itself."""
        on = self.seen.on.view(bool)
        present_w = self.seen.present_w
        present_w[self.cars.at] = self._cars(on[self.cars.at], live=live and steered)
        present_w[self.tanks.at] = self._tanks(on[self.tanks.at] | (not steered), live=live)
        present_w[self.heaters.at] = self._heaters(on[self.heaters.at] | (not steered), live=live)
        running = on[self.fans.at] | (not steered)
        present_w[self.fans.at] = np.where(running, self.fan_w, 0.0) if self.fans_on and live else 0.0
        limit_w = self.seen.limit_w[self.suns.at]
        present_w[self.suns.at] = -np.minimum(self.rated_w * self.sun, limit_w) if live else 0.0
        present_w[self.stores.at] = self._stores(live=live and steered)

    def _cars(self, on: Mask, *, live: bool) -> Floats:
        """Cars that are there and not full take what they may."""
        asks = self.ready & (self.left_wh > 0.0)
        taken_w = np.where(
            asks.any(axis=0) & on, np.minimum(self.full_w, self.seen.limit_w[self.cars.at]), 0.0
        )
        if not live:
            taken_w[:] = 0.0
        self.left_wh[0] -= np.where(asks[0], taken_w / _H, 0.0)
        self.left_wh[1] -= np.where(asks[1], taken_w / _H, 0.0)
        return taken_w

    def _tanks(self, on: Mask, *, live: bool) -> Floats:
        """A thermostat with a band, within the hours of its contact."""
        self.tank_heats = (self.lack_wh > TANK_BAND_WH) | (self.tank_heats & (self.lack_wh > 0.0))
        taken_w: Floats = np.where(self.tank_heats & self.tank_allowed & on & live, self.tank_w, 0.0)
        self.lack_wh -= taken_w / _H
        return taken_w

    def _heaters(self, on: Mask, *, live: bool) -> Floats:
        """A room of one heat store."""
        low = self.room_c < self.goal_c - HEAT_BAND_K
        self.heats = low | (self.heats & (self.room_c < self.goal_c + HEAT_BAND_K))
        taken_w: Floats = np.where(self.heats & on & live, self.heater_w, 0.0)
        heat_w = taken_w * self.gain - self.loss_w_per_k * (self.room_c - self.outside_c)
        self.room_c += heat_w / _H / self.store_wh_per_k
        return taken_w

    def _stores(self, *, live: bool) -> Floats:
        """A battery follows its setpoint while it can."""
        at = self.stores.at
        if not live:
            return np.zeros(len(at))
        asked_w = np.nan_to_num(self.seen.setpoint_w[at])
        soc_pct = self.seen.soc_pct[at]
        taken_w = np.where(soc_pct >= 100.0, np.minimum(asked_w, 0.0), asked_w)
        taken_w = np.where(soc_pct <= 0.0, np.maximum(taken_w, 0.0), taken_w)
        stored_w = np.where(taken_w > 0.0, taken_w * BATTERY_YIELD, taken_w / BATTERY_YIELD)
        self.seen.soc_pct[at] = np.clip(soc_pct + stored_w / (36.0 * self.capacity_wh), 0.0, 100.0)
        return taken_w

    def kinds_w(self) -> tuple[float, ...]:
        """Return the total power of each kind in W: people, cars, water, heat and air, sun, batteries."""
        present_w = self.seen.present_w
        air_w = present_w[self.heaters.at].sum() + present_w[self.fans.at].sum()
        return (
            float(self.seen.rest_w.sum()),
            float(present_w[self.cars.at].sum()),
            float(present_w[self.tanks.at].sum()),
            float(air_w),
            float(present_w[self.suns.at].sum()),
            float(present_w[self.stores.at].sum()),
        )
