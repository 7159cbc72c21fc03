"""What is probed, how far it may go, what ends it by itself (pure)."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal

from quartier.control.orders.setpoints import find_power_range
from quartier.site.asset_types import Battery, ChargePointAsset, Load, Pv
from quartier_drivers.contract import Fallback

LIMIT_MARGIN_SHARE = 0.95
"""No step is taken that would bring the grid's power nearer than 5 % to a limit."""


RUNAWAY_TIMES = 2.0
RUNAWAY_W = 150.0
RUNAWAY_SHARE = 0.02
RUNAWAY_STEP_TIMES = 1.2
"""A small first step that is answered tenfold is no more than the step that was agreed to."""


ProbedClass = Literal["battery", "ev", "pv", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSubject:
    """One asset and the point it is commanded by; powers in W, plus takes from the building's bus.

    ``per_w`` is how much of the point's value one watt is (1/230 A on one phase, -1 for a cap of generation).
    ``low_w`` … ``high_w`` is what the asset can do at all.  ``fallback`` is the device's own; without one
    ``accepted`` must hold the site's reason.  ``phase`` is what the site file says of it.
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
        """The asset's."""
        return self.asset.name

    @property
    def role(self) -> ProbedClass:
        """Return what kind of asset it is."""
        roles: dict[type, ProbedClass] = {Battery: "battery", ChargePointAsset: "ev", Pv: "pv", Load: "load"}
        return roles[type(self.asset)]

    @property
    def is_switch(self) -> bool:
        """Return whether it can only be switched."""
        return self.point.endswith("_on")

    def value(self, watts: float) -> float:
        """Return what is written for so many watts."""
        if self.is_switch:
            return float(watts > 0)
        value = watts * self.per_w
        return round(value / self.resolution) * self.resolution if self.resolution else value

    def watts(self, value: float) -> float:
        """Return how many watts a value of the point stands for."""
        if self.is_switch:
            return self.asset.rated_w if value else 0.0
        return value / self.per_w

    @property
    def refresh_s(self) -> float | None:
        """How often a command is written again so that the device's timer does not end it; None: never."""
        timer = self.fallback
        if timer is None or not isfinite(timer.after_s):
            return None
        return min(timer.refresh_s or timer.after_s / 3, timer.after_s / 3, REFRESH_S)

    @property
    def refusal(self) -> str:
        """Return why it must not be probed; empty when it may."""
        if self.fallback is None and not self.accepted:
            return (
                f"{self.point} has no fall-back: if the gateway died, the device would keep its last order; "
                f'say accept_no_fallback = "reason" under [assets.{self.name}] where that is no harm'
            )
        return ""


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """The tightest caps at the grid in W, never negative, and what the fuses above the asset carry.

    ``generation_w`` caps what PV is let free to; without ``charges_from_grid`` a battery takes surplus only,
    without ``exports_stored`` it gives no more than the house takes.
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
        """Lowest and highest power that may be asked for now, in W."""
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
        """Return which limit the grid's power is over; empty when none."""
        if grid_w > self.import_w:
            return f"the grid imports {grid_w:.0f} W, {self.import_w:.0f} W are allowed"
        if -grid_w > self.export_w + RUNAWAY_W and -grid_w > 1.05 * self.export_w:
            return f"the grid exports {-grid_w:.0f} W, {self.export_w:.0f} W are allowed"
        return ""


def find_runaway_power_w(subject: ProbeSubject, most_w: float, noise_w: float) -> float:
    """Return how far from its rest an asset may be seen when at most ``most_w`` were asked for, in W."""
    slack_w = max(RUNAWAY_W, RUNAWAY_SHARE * subject.asset.rated_w, 4 * noise_w)
    return max(RUNAWAY_TIMES * most_w + slack_w, RUNAWAY_STEP_TIMES * subject.step_w)


STEP_SHARE = 0.1
"""A step is a tenth of the rated power where the operator names none."""


REFRESH_S = 20.0


def make_battery_subject(asset: Battery, point: str, step_w: float | None, **more: object) -> ProbeSubject:
    """A battery by its setpoint in W."""
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
    """A charging point by the current it allows per phase; a step is 2 A at least, as cars follow no less."""
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
    """Photovoltaics by the cap of its generation."""
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
    """A load by its relay: all of it or nothing."""
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
