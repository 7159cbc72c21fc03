"""Defines the subject of a probe: its asset, its range of power, the fallback that ends it (pure)."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal

from quartier.control.orders.setpoints import find_power_range
from quartier.site.asset_types import Battery, ChargePointAsset, Load, Pv
from quartier_drivers.contract import Fallback

LIMIT_MARGIN_SHARE = 0.95
"""No step brings the grid power closer than 5 % to a limit."""


RUNAWAY_TIMES = 2.0
RUNAWAY_W = 150.0
RUNAWAY_SHARE = 0.02
RUNAWAY_STEP_TIMES = 1.2
"""A small first step that is answered tenfold stays within the agreed step."""


ProbedClass = Literal["battery", "ev", "pv", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSubject:
    """One asset and the point that commands it; powers in W, positive takes from the building's bus.

    ``per_w`` is the value of the point per watt (1/230 A on one phase, -1 for a limit of generation).
    ``low_w`` … ``high_w`` is the range of the asset. ``fallback`` is the fallback of the device; without one
    ``accepted`` must hold the site's reason. ``phase`` is the phase in the site file.
    """

    asset: Battery | ChargePointAsset | Pv | Load
    point: str
    step_w: float
    per_w: float = 1.0
    low_w: float = -inf
    high_w: float = inf
    fallback: Fallback | None = None
    accepted: str = ""
    persistent: bool = False
    writes_per_day: int = 0
    phase: str = ""
    grid: str = "grid"
    resolution: float = 0.0

    @property
    def name(self) -> str:
        """Return the name of the asset."""
        return self.asset.name

    @property
    def role(self) -> ProbedClass:
        """Return the class of the asset."""
        roles: dict[type, ProbedClass] = {Battery: "battery", ChargePointAsset: "ev", Pv: "pv", Load: "load"}
        return roles[type(self.asset)]

    @property
    def is_switch(self) -> bool:
        """Return whether it can only be switched."""
        return self.point.endswith("_on")

    def value(self, watts: float) -> float:
        """Return the value to write for a power in W."""
        if self.is_switch:
            return float(watts > 0)
        value = watts * self.per_w
        return round(value / self.resolution) * self.resolution if self.resolution else value

    def watts(self, value: float) -> float:
        """Return the power in W for a value of the point."""
        if self.is_switch:
            return self.asset.rated_w if value else 0.0
        return value / self.per_w

    @property
    def refresh_s(self) -> float | None:
        """Return how often a command is repeated so that the device's timer does not end it; None: never."""
        timer = self.fallback
        if timer is None or not isfinite(timer.after_s):
            return None
        return min(timer.refresh_s or timer.after_s / 3, timer.after_s / 3, REFRESH_S)

    @property
    def refusal(self) -> str:
        """Return why it must not be probed; empty if it may."""
        if self.fallback is None and not self.accepted:
            return (
                f"{self.point} has no fallback: if the gateway died, the device would keep its last order; "
                f'say accept_no_fallback = "reason" under [assets.{self.name}] where that is no harm'
            )
        return ""


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """The tightest limits at the grid in W, never negative, and the capacity of the fuses above the asset.

    ``generation_w`` limits the release of PV. Without ``charges_from_grid`` a battery takes surplus only.
    Without ``exports_stored`` it gives no more than the site consumes.
    """

    import_w: float
    export_w: float
    fuse_w: float = inf
    generation_w: float = inf
    charges_from_grid: bool = True
    exports_stored: bool = True

    def find_interval(
        self, subject: ProbeSubject, *, asset_w: float, grid_w: float, soc_pct: float | None
    ) -> tuple[float, float]:
        """Return the lowest and highest power that may be commanded now, in W."""
        rest_w = grid_w - asset_w
        low_w = max(subject.low_w, -self.fuse_w, -LIMIT_MARGIN_SHARE * self.export_w - rest_w)
        high_w = min(subject.high_w, self.fuse_w, LIMIT_MARGIN_SHARE * self.import_w - rest_w)
        if isinstance(subject.asset, Pv):
            low_w = max(low_w, -self.generation_w)
        if isinstance(subject.asset, Battery):
            if soc_pct is not None:
                band = find_power_range(subject.asset, soc_pct)
                low_w, high_w = max(low_w, band.low_w), min(high_w, band.high_w)
            if not self.charges_from_grid:
                high_w = min(high_w, max(0.0, -rest_w))
            if not self.exports_stored:
                low_w = max(low_w, min(0.0, -rest_w))
        return low_w, high_w

    def broken(self, grid_w: float) -> str:
        """Return which limit the grid power exceeds; empty if none."""
        if grid_w > self.import_w:
            return f"the grid imports {grid_w:.0f} W, {self.import_w:.0f} W are allowed"
        if -grid_w > self.export_w + RUNAWAY_W and -grid_w > 1.05 * self.export_w:
            return f"the grid exports {-grid_w:.0f} W, {self.export_w:.0f} W are allowed"
        return ""


def find_runaway_power_w(subject: ProbeSubject, most_w: float, noise_w: float) -> float:
    """Return how far from its rest an asset may be if at most ``most_w`` were commanded, in W."""
    slack_w = max(RUNAWAY_W, RUNAWAY_SHARE * subject.asset.rated_w, 4 * noise_w)
    return max(RUNAWAY_TIMES * most_w + slack_w, RUNAWAY_STEP_TIMES * subject.step_w)


STEP_SHARE = 0.1
"""A step is a tenth of the rated power unless the operator names one."""


REFRESH_S = 20.0


def make_battery_subject(asset: Battery, point: str, step_w: float | None, **more: object) -> ProbeSubject:
    """Make the subject of a battery, by its setpoint in W."""
    return ProbeSubject(
        asset=asset,
        point=point,
        step_w=_find_step_w(asset.rated_w, step_w),
        low_w=-asset.discharge_max_w,
        high_w=asset.charge_max_w,
        **more,  # type: ignore[arg-type]  # names of the class above
    )


def make_charge_point_subject(
    asset: ChargePointAsset, point: str, step_w: float | None, **more: object
) -> ProbeSubject:
    """Make the subject of a charge point, by its current per phase.

    A step is at least 2 A, because cars do not follow less.
    """
    per_w = 1.0 / (asset.voltage_v * asset.phases_count)
    high_w = asset.current_max_a / per_w
    step = max(_find_step_w(asset.rated_w, step_w), 2.0 / per_w)
    return ProbeSubject(
        asset=asset,
        point=point,
        step_w=step,
        per_w=per_w,
        low_w=asset.current_min_a / per_w,
        high_w=high_w,
        resolution=0.1,
        **more,  # type: ignore[arg-type]  # as above
    )


def make_pv_subject(asset: Pv, point: str, step_w: float | None, **more: object) -> ProbeSubject:
    """Make the subject of PV, by the limit of its generation."""
    return ProbeSubject(
        asset=asset,
        point=point,
        step_w=_find_step_w(asset.rated_w, step_w),
        per_w=-1.0,
        low_w=-asset.rated_w,
        high_w=0.0,
        **more,  # type: ignore[arg-type]  # as above
    )


def make_load_subject(asset: Load, point: str, **more: object) -> ProbeSubject:
    """Make the subject of a load, by its relay: on or off."""
    return ProbeSubject(
        asset=asset,
        point=point,
        step_w=asset.rated_w,
        low_w=0.0,
        high_w=asset.rated_w,
        **more,  # type: ignore[arg-type]  # as above
    )


def _find_step_w(rated_w: float, wanted_w: float | None) -> float:
    return STEP_SHARE * rated_w if wanted_w is None else abs(wanted_w)
