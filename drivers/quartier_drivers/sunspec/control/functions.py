"""The control functions of the standard: the writes of an order, and the points that show its state.  Pure.

Source: SunSpec models 123 (immediate controls), 124 (storage) and 704 (DER AC controls), and the DER
Information Model Specification V1.0 on reversion timers: seconds, 0 is never, enabling starts them. A limit
never ends by itself in *unlimited*: 123 has no timer here, 704 has its own reversion value.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from quartier_drivers.sunspec.device import PercentScale, SunspecDevice, make_percent_scale, make_watt_scale
from quartier_drivers.sunspec.schema import PointName, Steering

WriteStep = Mapping[str, int]
"""Points of the function's model with the raw values to write; neighbours are written together."""
ON, OFF = 1, 0
_INT32_RANGE = range(-(2**31) + 1, 2**31)
_UINT16_MAX = 65534


class ControlFunction(ABC):
    """A control function of one device; ``device`` holds what was read last of ``names``."""

    model: ClassVar[int]
    needs: ClassVar[tuple[str, ...]]
    """Points without which a device does not have the function."""
    others: ClassVar[tuple[str, ...]] = ()
    """Optional points."""
    is_cap: ClassVar[bool] = False
    timer: ClassVar[str] = ""
    """The time in s after which it ends by itself."""
    left: ClassVar[str] = ""
    """The remaining time in s, if the device shows it."""
    enable: ClassVar[str]
    on: ClassVar[int] = ON
    values: ClassVar[tuple[str, ...]]
    """The points with the order itself."""

    def __init__(self, device: SunspecDevice, rule: Steering) -> None:
        self.device = device
        self.rule = rule

    @property
    def names(self) -> list[PointName]:
        """Every point of the device that must be read for it."""
        own = (self._name(path) for path in (*self.needs, *self.others))
        heads = (PointName(number, path) for number in self._models for path in ("ID", "L"))
        return [*own, *self.ratings, *heads]

    @property
    def ratings(self) -> tuple[PointName, ...]:
        """The candidates for the base of its percentages: the first that the device states is used."""
        return ()

    @property
    def is_there(self) -> bool:
        """Return whether the device has it: each point that it needs is implemented."""
        return all(self.raw(path) is not None for path in self.needs)

    @property
    def has_other_model(self) -> bool:
        """Return whether another model is at its place, or at the place of one of its ratings."""
        found = [one for number in self._models if (one := self.device.chain.of(number)) is not None]
        return not all(self.device.is_at_its_place(one) for one in found)

    @property
    def _models(self) -> list[int]:
        return sorted({self.model, *(rating.model for rating in self.ratings)})

    @property
    def is_enabled(self) -> bool:
        """Return whether an order of it is in force."""
        return self.raw(self.enable) == self.on

    def raw(self, path: str) -> int | None:
        """Return the raw value of a point; None if it is not implemented."""
        return self.device.raw(self._name(path))

    def has(self, *paths: str) -> bool:
        """Return whether all these points are implemented."""
        return all(self.raw(path) is not None for path in paths)

    def name(self, path: str) -> PointName:
        """Return the full name of one of its points."""
        return self._name(path)

    @property
    def after_s(self) -> float:
        """The timer of its orders in s; 0: none."""
        return self.rule.after_s

    @abstractmethod
    def reading(self) -> tuple[float | None, str]:
        """Return the order in W with our sign, None if nothing is in force; and in the device's terms.

        Raises ValueError if a rating or a scale factor is invalid.
        """

    @abstractmethod
    def orders(self, value: float, cap: float | None) -> Sequence[WriteStep]:
        """Return the writes for ``value``, in order; ``cap`` is the fail-safe value if one is known.

        Raises ValueError in words for an order that cannot be expressed.
        """

    @abstractmethod
    def make_relinquish_writes(self) -> Sequence[WriteStep]:
        """Return the writes that give the point back to the device's own control, with its timer zeroed."""

    def make_release_writes(self, value: float) -> Sequence[WriteStep]:
        """Return the writes that leave it at ``value`` for good.  Raises ValueError as ``orders`` does."""
        return type(self)(self.device, self.rule.model_copy(update={"after_s": 0.0})).orders(value, None)

    @abstractmethod
    def arming(self, cap: float | None) -> WriteStep:
        """Return the writes of ``quartier arm``: how it shall end by itself, without any order."""

    @abstractmethod
    def span(self) -> tuple[float, float]:
        """Return the lowest and highest order in W.  Raises ValueError as ``reading`` does."""

    @abstractmethod
    def step_w(self) -> float:
        """Return the value of one count in W.  Raises ValueError as ``reading`` does."""

    def _name(self, path: str) -> PointName:
        return PointName(self.model, path)

    def _repeat_values(self, *paths: str) -> dict[str, int]:
        """Return present values that are written again, so that the others go in one request."""
        return {path: raw for path in paths if (raw := self.raw(path)) is not None}


class _LimitFunction(ControlFunction):
    is_cap = True
    value: ClassVar[str]

    @property
    def pct(self) -> PercentScale:
        """The share of one count."""
        return make_percent_scale(self.device, self._name(self.value), self.ratings)

    def reading(self) -> tuple[float | None, str]:
        """Return the limit in W; and in the device's terms."""
        share_, raw = self.pct, self.raw(self.value)
        if not self.is_enabled:
            return share_.rated_w, "not enabled"
        return (None, "") if raw is None else (share_.watts(raw), f"{self.value} {raw}")

    def span(self) -> tuple[float, float]:
        """Return the lowest and highest order in W."""
        share_ = self.pct
        return share_.watts(self.lowest(share_)), share_.watts(self._most(share_))

    def step_w(self) -> float:
        """Return the value of one count in W."""
        return float(self.pct.unit)

    def lowest(self, share_: PercentScale) -> int:
        """Return the lowest limit that the profile allows to write."""
        assert share_.whole is not None
        return min(-(-share_.whole * round(self.rule.lowest_pct * 1000) // 100_000), _UINT16_MAX)

    def counts(self, value: float) -> int:
        """Return the counts of a limit of ``value`` W, rounded down.

        The result is at most the whole rating and at least the profile's lowest limit.  Raises ValueError for
        a negative or infinite value.
        """
        if not 0 <= value < math.inf:
            raise ValueError(f"{value:g} W is no cap on generation, expected 0 or more")
        share_ = self.pct
        return max(min(share_.below(value), self._most(share_)), self.lowest(share_))

    @staticmethod
    def _most(share_: PercentScale) -> int:
        """Return the counts of the whole rating, or what the register can hold.

        With a fine scale 100 % may not fit.
        """
        assert share_.whole is not None
        return min(share_.whole, _UINT16_MAX)

    def make_relinquish_writes(self) -> Sequence[WriteStep]:
        """Return no writes: a release never lifts a limit."""
        return ()  # a cap is never lifted by leaving

    def make_release_writes(self, value: float) -> Sequence[WriteStep]:
        """Return the writes that leave it at ``value`` for good, or at the present limit if that is lower."""
        standing, _ = self.reading()
        return self.orders(value if standing is None else min(value, standing), None)


class Limit123(_LimitFunction):
    """A limit in model 123, without its timer: the timer would end in no limit at all."""

    model = 123
    enable, value, timer = "WMaxLim_Ena", "WMaxLimPct", "WMaxLimPct_RvrtTms"
    values = ("WMaxLimPct",)
    needs = ("WMaxLimPct", "WMaxLim_Ena")
    others = ("WMaxLimPct_WinTms", "WMaxLimPct_RvrtTms", "WMaxLimPct_RmpTms")

    @property
    def ratings(self) -> tuple[PointName, ...]:
        """The candidates for the base of its percentages."""
        return (PointName(121, "WMax"), PointName(120, "WRtg"))

    @property
    def after_s(self) -> float:
        """The timer of its orders in s: none."""
        return 0.0

    def orders(self, value: float, cap: float | None) -> Sequence[WriteStep]:
        """Return the writes for ``value``."""
        del cap
        zeroed = dict.fromkeys(self._repeat_values("WMaxLimPct_WinTms", "WMaxLimPct_RvrtTms"), 0)
        if self.has(*self.others):
            kept = self._repeat_values("WMaxLimPct_RmpTms")
            return ({self.value: self.counts(value), **zeroed, **kept, self.enable: ON},)
        return (zeroed, {self.value: self.counts(value)}, {self.enable: ON})

    def arming(self, cap: float | None) -> WriteStep:
        """Return the writes of ``quartier arm``."""
        del cap
        return dict.fromkeys(self._repeat_values(self.timer), 0)


class Limit704(_LimitFunction):
    """A limit in model 704: its timer ends in a limit again, the lower of this one and the fail-safe one."""

    model = 704
    enable, value, timer = "WMaxLimPctEna", "WMaxLimPct", "WMaxLimPctRvrtTms"
    values = ("WMaxLimPct",)
    needs = ("WMaxLimPctEna", "WMaxLimPct")
    left = "WMaxLimPctRvrtRem"
    reversion = ("WMaxLimPctRvrt", "WMaxLimPctEnaRvrt", "WMaxLimPctRvrtTms")
    others = (*reversion, left)

    @property
    def ratings(self) -> tuple[PointName, ...]:
        """The candidates for the base of its percentages."""
        return (PointName(702, "WMax"), PointName(702, "WMaxRtg"))

    @property
    def reverts(self) -> bool:
        """Return whether it can end in another limit."""
        return self.has(*self.reversion)

    def orders(self, value: float, cap: float | None) -> Sequence[WriteStep]:
        """Return the writes for ``value``."""
        counts = self.counts(value)
        return ({self.value: counts, **self._reversion(cap, counts)}, {self.enable: ON})

    def arming(self, cap: float | None) -> WriteStep:
        """Return the writes of ``quartier arm``: a limit in force never ends in a higher one."""
        return self._reversion(cap, self.raw(self.value) if self.is_enabled else None)

    def _reversion(self, cap: float | None, counts: int | None) -> dict[str, int]:
        if not self.reverts or cap is None:
            least = {} if counts is None else {"WMaxLimPctRvrt": counts, "WMaxLimPctEnaRvrt": ON}
            found = {**least, self.timer: 0}
            return {path: raw for path, raw in found.items() if self.has(path)}
        safe = self.counts(cap)
        least_counts = safe if counts is None else min(safe, counts)
        return {"WMaxLimPctRvrt": least_counts, "WMaxLimPctEnaRvrt": ON, self.timer: round(self.after_s)}


class _Setpoint704(ControlFunction):
    model = 704
    enable, timer, left = "WSetEna", "WSetRvrtTms", "WSetRvrtRem"
    value: ClassVar[str]
    reversion: ClassVar[str]
    mode: ClassVar[int]

    @abstractmethod
    def scale(self) -> PercentScale:
        """Return the value of one count of its setpoint."""

    def reading(self) -> tuple[float | None, str]:
        """Return the setpoint in W with our sign; and in the device's terms."""
        scale, raw = self.scale(), self.raw(self.value)
        if not self.is_enabled or self.raw("WSetMod") not in (None, self.mode):
            return None, "own control"
        return (None, "") if raw is None else (-scale.watts(raw) + 0.0, f"{self.value} {raw}")

    def step_w(self) -> float:
        """Return the value of one count in W."""
        return float(self.scale().unit)

    def orders(self, value: float, cap: float | None) -> Sequence[WriteStep]:
        """Return the writes for ``value``."""
        del cap
        self._ends()
        raw = self._counts(value)
        mode = {"WSetMod": self.mode} if self.has("WSetMod") else {}
        between = self._repeat_values("WSetPct", "WSetPctRvrt") if self.mode == 1 else {}
        return ({**mode, self.value: raw, **between, **self._reversion()}, {self.enable: ON})

    def make_relinquish_writes(self) -> Sequence[WriteStep]:
        """Return the writes that relinquish it to the device."""
        return ({self.enable: OFF}, dict.fromkeys(self._repeat_values(self.timer), 0))

    def arming(self, cap: float | None) -> WriteStep:
        """Return the writes of ``quartier arm``."""
        del cap
        return self._reversion()

    def span(self) -> tuple[float, float]:
        """Return the lowest and highest order in W."""
        low, high = -self._rating("WDisChaRteMax"), self._rating("WChaRteMax")
        return low, high

    def _rating(self, path: str) -> float:
        ratings = (
            PointName(702, path),
            PointName(702, f"{path}Rtg"),
            PointName(702, "WMax"),
            PointName(702, "WMaxRtg"),
        )
        found = (self.device.value(one) for one in ratings)
        return next((float(one) for one in found if isinstance(one, int | float) and one > 0), float("inf"))

    @property
    def ratings(self) -> tuple[PointName, ...]:
        """The candidates for the base of its percentages."""
        limits = ("WChaRteMax", "WDisChaRteMax", "WMax")
        return tuple(PointName(702, f"{path}{more}") for path in limits for more in ("", "Rtg"))

    def _counts(self, value: float) -> int:
        low, high = self.span()
        if not low <= value <= high:
            raise ValueError(f"{value:g} W is beyond {low:g}..{high:g} W, what the device says it can")
        raw = self.scale().nearest(-value)
        if raw not in (_INT32_RANGE if self.mode == 1 else range(-32767, 32768)):
            raise ValueError(f"{value:g} W does not fit {self._name(self.value)}")
        return raw

    def _ends(self) -> None:
        if self.after_s and not self.has(self.timer):
            raise ValueError(f"{self._name(self.timer)} is not implemented, so that no order would ever end")

    def _reversion(self) -> dict[str, int]:
        value = self.rule.fallback
        ends = (
            {"WSetEnaRvrt": OFF}
            if value == "own"
            else {"WSetEnaRvrt": ON, self.reversion: self._counts(value)}
        )
        own = {self.reversion: 0} if value == "own" else {}
        found = {**own, **ends, self.timer: round(self.after_s)}
        return {path: raw for path, raw in found.items() if self.has(path)}


class WattSetpoint704(_Setpoint704):
    """A setpoint in W in model 704; plus means generation there."""

    value, reversion, mode = "WSet", "WSetRvrt", 1
    values = ("WSet",)
    needs = ("WSetEna", "WSet")
    others = ("WSetMod", "WSetRvrt", "WSetPct", "WSetPctRvrt", "WSetEnaRvrt", "WSetRvrtTms", "WSetRvrtRem")

    def scale(self) -> PercentScale:
        """Return the value of one count."""
        return make_watt_scale(self.device, self._name(self.value))


class PercentSetpoint704(_Setpoint704):
    """A setpoint in percent of WMax in model 704; plus means generation there."""

    value, reversion, mode = "WSetPct", "WSetPctRvrt", 0
    values = ("WSetPct",)
    needs = ("WSetEna", "WSetPct")
    others = ("WSetMod", "WSetPctRvrt", "WSetEnaRvrt", "WSetRvrtTms", "WSetRvrtRem")

    def scale(self) -> PercentScale:
        """Return the value of one count."""
        return make_percent_scale(
            self.device, self._name(self.value), (PointName(702, "WMax"), PointName(702, "WMaxRtg"))
        )
