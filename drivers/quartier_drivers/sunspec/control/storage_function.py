"""Model 124 as a setpoint: its limits of charging and discharging leave the battery a single power.  Pure.

Source: SunSpec model 124, basic storage controls; Fronius, GEN24 Modbus TCP & RTU (42,0410,2649), on its
window: a negative limit of one direction orders the other.
"""

from collections.abc import Sequence
from contextlib import suppress

from quartier_drivers.sunspec.control.functions import ControlFunction, WriteStep
from quartier_drivers.sunspec.device import PercentScale, make_percent_scale
from quartier_drivers.sunspec.schema import PointName

_BOTH = 3
"""StorCtl_Mod: the limits of charging and of discharging are in force; its other bits are the maker's."""
_RAW = range(-32767, 32768)


class StorageSetpoint124(ControlFunction):
    """A setpoint in model 124: charging at most p, and discharging at most -p, is charging at p."""

    model = 124
    enable, timer = "StorCtl_Mod", "InOutWRte_RvrtTms"
    values = ("OutWRte", "InWRte")
    needs = ("StorCtl_Mod", "OutWRte", "InWRte")
    others = ("WChaMax", "InOutWRte_WinTms", "InOutWRte_RvrtTms", "InOutWRte_RmpTms", "ChaGriSet")

    @property
    def is_enabled(self) -> bool:
        """Return whether both limits are in force, whatever the maker's bits are."""
        return self._mode & _BOTH == _BOTH

    @property
    def _mode(self) -> int:
        return self.raw(self.enable) or 0

    @property
    def ratings(self) -> tuple[PointName, ...]:
        """The ratings of charging, then those of discharging."""
        return (*self._charging, *self._discharging)

    @property
    def _charging(self) -> tuple[PointName, ...]:
        return self.rule.charge_rating

    @property
    def _discharging(self) -> tuple[PointName, ...]:
        return self.rule.discharge_rating

    def _in(self) -> PercentScale:
        return make_percent_scale(self.device, self._name("InWRte"), self._charging)

    def _out(self) -> PercentScale:
        return make_percent_scale(self.device, self._name("OutWRte"), self._discharging)

    def reading(self) -> tuple[float | None, str]:
        """Return the setpoint in W with our sign; and in the device's terms."""
        charge, discharge = self._in(), self._out()
        raw_in, raw_out, mode = self.raw("InWRte"), self.raw("OutWRte"), self.raw("StorCtl_Mod")
        if raw_in is None or raw_out is None or mode is None:
            return None, ""
        text = f"InWRte {raw_in} OutWRte {raw_out}"
        if mode & _BOTH != _BOTH:
            return None, "own control"
        high_w, low_w = charge.watts(raw_in), 0.0 - discharge.watts(raw_out)
        if not 0 <= high_w - low_w <= 1.5 * self.step_w():
            return None, f"{text}: leaves it {low_w:g}..{high_w:g} W"
        return (high_w if high_w >= -low_w else low_w) + 0.0, text

    def span(self) -> tuple[float, float]:
        """Return the lowest and highest order in W."""
        charge, discharge = self._in(), self._out()
        return -discharge.watts(self._whole(discharge)), charge.watts(self._whole(charge))

    def step_w(self) -> float:
        """Return the value of one count in W."""
        return float(max(self._in().unit, self._out().unit))

    def orders(self, value: float, cap: float | None) -> Sequence[WriteStep]:
        """Return the writes for ``value``."""
        del cap
        if self.after_s and not self.has(self.timer):
            raise ValueError(f"{self._name(self.timer)} is not implemented, so that no order would ever end")
        low, high = self.span()
        if not low <= value <= high:
            raise ValueError(f"{value:g} W is beyond {low:g}..{high:g} W, what the device says it can")
        rates = self._rates(value)
        timer = {self.timer: round(self.after_s)} if self.has(self.timer) else {}
        window = dict.fromkeys(self._repeat_values("InOutWRte_WinTms"), 0)
        on = self._mode | _BOTH
        if window and self.has("InOutWRte_RmpTms"):
            return (
                {**rates, **window, **timer, **self._repeat_values("InOutWRte_RmpTms")},
                {self.enable: on},
            )
        return ({**timer, **window}, rates, {self.enable: on})

    def make_relinquish_writes(self) -> Sequence[WriteStep]:
        """Return the writes that relinquish it to the device."""
        released: dict[str, int] = {}
        with suppress(ValueError):  # the count of 100 % is unknown: off is enough
            released = {"OutWRte": self._whole(self._out()), "InWRte": self._whole(self._in())}
        return (
            {self.enable: self._mode & ~_BOTH},
            released,
            dict.fromkeys(self._repeat_values(self.timer), 0),
        )

    def arming(self, cap: float | None) -> WriteStep:
        """Return the writes of ``quartier arm``."""
        del cap
        return {self.timer: round(self.after_s)} if self.has(self.timer) else {}

    def _rates(self, value: float) -> dict[str, int]:
        """Return both limits; whatever the rounding, the window's lower end is never above its upper end."""
        charge, discharge = self._in(), self._out()
        if value >= 0:
            raw_in = charge.nearest(value)
            raw_out = discharge.above(-charge.watts(raw_in))
        else:
            raw_out = discharge.nearest(-value)
            raw_in = charge.above(-discharge.watts(raw_out))
        if raw_in not in _RAW or raw_out not in _RAW:  # its opposite, of a rating much smaller
            raise ValueError(f"{value:g} W does not fit {self._name('InWRte')} and OutWRte")
        return {"OutWRte": raw_out, "InWRte": raw_in}

    @staticmethod
    def _whole(found: PercentScale) -> int:
        """Return the counts of 100 %, or the most that the register holds."""
        assert found.whole is not None
        return min(found.whole, _RAW[-1])
