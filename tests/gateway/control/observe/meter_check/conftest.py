"""A building with a meter that may lie, for the judge alone: synthetic time, one look each second."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from quartier.control.observe.meter_check.judge import CheckContext, MeterCheck, advance_check
from quartier.control.observe.meter_check.samples import MeterSample, append_sample
from quartier.control.observe.observations import LastGood
from quartier.control.reason import NO_REASON
from quartier.control.records import Order
from quartier.site.asset_types import Asset, Battery, ChargePointAsset, GridMeter, Load, Pv
from quartier.site.site_layout import Site, SiteLimits

S = 1_000_000_000
LIMITS = SiteLimits(
    import_hard_w=12_000,
    export_hard_w=6_000,
    import_failsafe_w=6_000,
    export_failsafe_w=0,
    import_autonomous_w=9_600,
    export_autonomous_w=6_000,
)
BATTERY = Battery(
    name="bat1",
    rated_w=5_000,
    capacity_wh=10_000,
    charge_max_w=5_000,
    discharge_max_w=5_000,
    ramp_max_w_per_s=2_500,
    phase="all",
)
CAR = ChargePointAsset(name="ev1", rated_w=11_000, phase="all")
BOILER = Load(name="boiler1", rated_w=2_000, switchable=True, phase="l1")
PV = Pv(name="pv1", rated_w=6_000, curtail="limit", phase="all")


@dataclass
class Building:
    """Its truth, what its meter makes of it, and the judge; ``fault`` maps true phases to what is shown.

    ``rest_w`` is what nothing measures, by phase; ``answer`` is another controller that nobody listed: it is
    given the true grid power of a second ago and returns what it adds now.
    """

    house: Site
    powers_w: dict[str, float] = field(default_factory=dict)
    rest_w: tuple[float, float, float] = (100.0, 150.0, 50.0)
    ripple_w: float = 10.0
    fault: Callable[[tuple[float, ...]], tuple[float, ...]] = lambda phases: phases
    answer: Callable[[float], float] | None = None
    frozen: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    orders: dict[str, Order] = field(default_factory=dict)
    told: CheckContext = field(default_factory=CheckContext)
    resolution_w: float = 1.0
    t: int = 0
    state: MeterCheck = field(default_factory=MeterCheck)
    shown: dict[str, LastGood] = field(default_factory=dict)
    read: dict[str, LastGood] = field(default_factory=dict)
    grid_w: float = 0.0
    hidden_w: float = 0.0

    def step(self, seconds: int = 1) -> "Building":
        """Let time pass."""
        for _ in range(seconds):
            self.t += 1
            self._live()
            memories = dict(self.read) | {
                f"grid.{name}": memory for name, memory in self.shown.items() if name.startswith("power")
            }
            self.state = advance_check(
                self.state, self.house, memories, self.shown, self.orders, self.told, self.t * S
            )
        return self

    def _live(self) -> None:
        if self.answer is not None:
            self.hidden_w += self.answer(self.grid_w)
        phases = [watts + self.hidden_w / 3 for watts in self.rest_w]
        for asset in self.house.assets:
            power_w = self.powers_w.get(asset.name, 0.0)
            for at, part in enumerate(_parts(asset)):
                phases[at] += part * power_w
            if asset.measured and self.t % asset.period_s == 0 and asset.name not in self.silent:
                self.read[f"{asset.name}.power_w"] = LastGood(power_w, self.t * S)
        self.grid_w = sum(phases)
        if self.t % self.house.grid.period_s:
            return
        ripple_w = self.ripple_w * ((self.t * 7919 % 11) / 5 - 1)
        shown = self.fault(tuple(watts + ripple_w / 3 for watts in phases))
        values = {"power_w": self._rounded(sum(shown))}
        values |= {f"power_l{at}_w": self._rounded(watts) for at, watts in enumerate(shown, 1)}
        values["frequency_hz"] = 50.0 + 0.01 * (self.t * 31 % 7)
        for name, value in values.items():
            kept = self.shown[name].value if name in self.frozen else value
            self.shown[name] = LastGood(kept, self.t * S)

    def _rounded(self, watts: float) -> float:
        return round(watts / self.resolution_w) * self.resolution_w

    def order(self, asset: str, watts: float) -> "Building":
        """Order and do: the asset follows at once."""
        self.orders[f"{asset}.setpoint_w"] = Order(watts, self.t * S, NO_REASON)
        return self.draw(asset, watts)

    def release(self) -> "Building":
        """The battery is given back and stops."""
        self.orders.pop("bat1.setpoint_w", None)
        return self.draw("bat1", 0.0)

    def draw(self, asset: str, watts: float) -> "Building":
        """The asset takes so much by itself."""
        self.powers_w[asset] = watts
        return self

    @property
    def verdict(self) -> str:
        return self.state.verdict.name

    @property
    def codes(self) -> list[str]:
        return [code for code, _ in self.state.causes]


def _parts(asset: Asset) -> tuple[float, float, float]:
    return {"all": (1 / 3, 1 / 3, 1 / 3), "l1": (1.0, 0.0, 0.0), "l2": (0.0, 1.0, 0.0)}[asset.phase or "all"]


@pytest.fixture
def building() -> Callable[..., Building]:
    """Makes a building with a battery, a car, a boiler and PV, a minute after its start."""

    def make(*assets: Asset, period_s: float = 1.0, unlisted_w: float = 800.0, **more: object) -> Building:
        house = Site(
            name="b1",
            grid=GridMeter(name="grid", rated_w=12_000, period_s=period_s),
            assets=assets or (BATTERY, CAR, BOILER, PV),
            limits=LIMITS,
            unlisted_generation_w=unlisted_w,
        )
        return Building(house, **more).step(round(60 * max(1.0, period_s / 5)))

    return make


@pytest.fixture
def samples() -> Callable[..., tuple[MeterSample, ...]]:
    """Makes samples of one meter by its readings, one each second, as they are kept."""

    def make(*meter_w: float) -> tuple[MeterSample, ...]:
        kept: tuple[MeterSample, ...] = ()
        for at, watts in enumerate(meter_w):
            kept = append_sample(kept, MeterSample(at * S, (watts,), (0.0,), 0.0, 0, 0), 1.0)
        return kept

    return make
