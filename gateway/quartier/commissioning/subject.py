"""What is probed, in watts: which point is commanded, how far, and what ends it if nobody does (pure)."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal

from quartier.house.assets import Battery, Ev, Load, Pv
from quartier_drivers.contract import Fallback

Role = Literal["battery", "ev", "pv", "load"]
STEP_SHARE = 0.1
"""A step is a tenth of the rated power where the operator names none."""
REFRESH_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One asset and the point it is commanded by; powers in W, plus takes from the building's bus.

    ``per_w`` is how much of the point's value one watt is (1/230 A on one phase, -1 for a cap of generation).
    ``low_w`` … ``high_w`` is what the asset can do at all.  ``fallback`` is the device's own; without one
    ``accepted`` must hold the site's reason.  ``phase`` is what the site file says of it.
    """

    asset: Battery | Ev | Pv | Load
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
    def role(self) -> Role:
        """What kind of asset it is."""
        roles: dict[type, Role] = {Battery: "battery", Ev: "ev", Pv: "pv", Load: "load"}
        return roles[type(self.asset)]

    @property
    def is_switch(self) -> bool:
        """Whether it can only be switched."""
        return self.point.endswith("_on")

    def value(self, watts: float) -> float:
        """What is written for so many watts."""
        if self.is_switch:
            return float(watts > 0)
        value = watts * self.per_w
        return round(value / self.resolution) * self.resolution if self.resolution else value

    def watts(self, value: float) -> float:
        """How many watts a value of the point stands for."""
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
        """Why it must not be probed; empty when it may."""
        if self.fallback is None and not self.accepted:
            return (
                f"{self.point} has no fall-back: if the gateway died, the device would keep its last order; "
                f'say accept_no_fallback = "reason" under [assets.{self.name}] where that is no harm'
            )
        return ""


def battery(asset: Battery, point: str, step_w: float | None, **more: object) -> Subject:
    """A battery by its setpoint in W."""
    return Subject(
        asset=asset,
        point=point,
        step_w=_step(asset.rated_w, step_w),
        low_w=-asset.discharge_max_w,
        high_w=asset.charge_max_w,
        **more,  # type: ignore[arg-type]  # names of the class above
    )


def ev(asset: Ev, point: str, step_w: float | None, **more: object) -> Subject:
    """A charging point by the current it allows per phase; a step is 2 A at least, as cars follow no less."""
    per_w = 1.0 / (asset.voltage_v * asset.phases_count)
    high_w = asset.current_max_a / per_w
    step = max(_step(asset.rated_w, step_w), 2.0 / per_w)
    return Subject(
        asset=asset,
        point=point,
        step_w=step,
        per_w=per_w,
        low_w=asset.current_min_a / per_w,
        high_w=high_w,
        resolution=0.1,
        **more,  # type: ignore[arg-type]  # as above
    )


def pv(asset: Pv, point: str, step_w: float | None, **more: object) -> Subject:
    """Photovoltaics by the cap of its generation."""
    return Subject(
        asset=asset,
        point=point,
        step_w=_step(asset.rated_w, step_w),
        per_w=-1.0,
        low_w=-asset.rated_w,
        high_w=0.0,
        **more,  # type: ignore[arg-type]  # as above
    )


def load(asset: Load, point: str, **more: object) -> Subject:
    """A load by its relay: all of it or nothing."""
    return Subject(
        asset=asset,
        point=point,
        step_w=asset.rated_w,
        low_w=0.0,
        high_w=asset.rated_w,
        **more,  # type: ignore[arg-type]  # as above
    )


def _step(rated_w: float, wanted_w: float | None) -> float:
    return STEP_SHARE * rated_w if wanted_w is None else abs(wanted_w)
