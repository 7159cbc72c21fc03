"""A synthetic plant that a probe steps: an asset with a response of its own, in a house that is never still."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from quartier.commissioning.probe import probe_findings, probe_measurement, probe_subject
from quartier.commissioning.probe.probe_session import ProbeSession
from quartier.commissioning.probe.probe_state import ProbeRequest
from quartier.commissioning.probe.probe_subject import ProbeLimits
from quartier.site.asset_types import Battery, ChargePointAsset, Load, Pv
from quartier.site.process_image import ProcessImage
from quartier_drivers.contract import Fallback
from quartier_drivers.readings import Quality, Reading, make_readings

_S = 1_000_000_000
TURN_S = 0.1
BATTERY = Battery(
    name="bat1",
    rated_w=5000,
    capacity_wh=10_000,
    charge_max_w=5000,
    discharge_max_w=5000,
    ramp_max_w_per_s=1000,
)
EV = ChargePointAsset(name="ev1", rated_w=11_040, writable=True)
PV = Pv(name="pv1", rated_w=6000, curtail="limit")
LOAD = Load(name="hp1", rated_w=2000, tier="C", switchable=True, min_on_s=60, min_off_s=40)
TIMER = Fallback(0.0, 60.0)


@dataclass
class Plant:
    """One asset, and meters that see it.  ``gain`` and ``sign`` tell what a command does to its real power.

    ``noise_w`` is each grid reading's own, ``kettles`` are (second, W) steps of the house, ``own`` the house's
    course.  ``reads`` and ``sees`` multiply what asset and grid meter tell.  ``other`` takes over that share
    of each move at the grid within ``other_s``.  ``phases`` share the asset's power.
    """

    point: str = "bat1.setpoint_w"
    name: str = "bat1"
    to_w: Callable[[float], float] = float
    delay_s: float = 1.0
    ramp_w_per_s: float = 1000.0
    gain: float = 1.0
    low_w: float = -5000.0
    high_w: float = 5000.0
    reads: float = 1.0
    sees: float = 1.0
    phases: dict[str, float] = field(default_factory=lambda: {"l1": 0.0, "l2": 1.0, "l3": 0.0})
    house_w: float = 600.0
    noise_w: float = 0.0
    kettles: tuple[tuple[float, float], ...] = ()
    drift_w_per_s: float = 0.0
    asset_period_s: float = 0.5
    grid_period_s: float = 1.0
    grid_lag_s: float = 0.0
    grid_step_w: float = 0.0
    missing: float = 0.0
    other: float = 0.0
    other_s: float = 4.0
    wake_s: float = 0.0
    timer_s: float | None = 60.0
    fallback_w: float = 0.0
    soc_pct: float = 50.0
    lost_after_s: float = float("inf")
    deadband_w: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.power_w = 0.0
        self.target_w = 0.0
        self.orders: list[tuple[float, float]] = []
        self.written_s = 0.0
        self.value = 0.0
        self.answered_w = 0.0
        self.past: list[tuple[float, float]] = []
        self.writes: list[tuple[float, float]] = []

    def write(self, at_s: float, value: float) -> None:
        self.written_s, self.value = at_s, value
        self.writes.append((at_s, value))
        wanted_w = self.gain * self.to_w(value)
        last_w = self.orders[-1][1] if self.orders else self.target_w
        if abs(wanted_w - last_w) > self.deadband_w:
            late_s = self.delay_s + (self.wake_s if abs(self.power_w) < 1 and wanted_w else 0.0)
            self.orders.append((at_s + late_s, wanted_w))

    def step(self, now_s: float) -> None:
        while self.orders and self.orders[0][0] <= now_s:
            self.target_w = self.orders.pop(0)[1]
        if self.timer_s is not None and self.writes and now_s - self.written_s >= self.timer_s:
            self.target_w = self.fallback_w
        target_w = min(max(self.target_w, self.low_w), self.high_w)
        way_w = self.ramp_w_per_s * TURN_S
        self.power_w = min(max(target_w, self.power_w - way_w), self.power_w + way_w)
        self.answered_w += (-self.other * self.power_w - self.answered_w) * min(
            1.0, TURN_S / self.other_s * 3
        )
        self.past.append((now_s, self.power_w))

    def lagged_w(self, now_s: float) -> float:
        wanted_s = now_s - self.grid_lag_s
        steps = round((now_s - wanted_s) / TURN_S)
        return self.past[-1 - steps][1] if len(self.past) > steps else 0.0

    def grid(self, now_s: float) -> dict[str, float]:
        house_w = self.house_w + self.drift_w_per_s * now_s
        house_w += sum(watts for at_s, watts in self.kettles if now_s >= at_s)
        seen_w = self.lagged_w(now_s)
        noise_w = self.random.gauss(0, self.noise_w) if self.noise_w else 0.0
        told = {"grid.power_w": house_w + self.answered_w + seen_w + noise_w}
        for phase, share in self.phases.items():
            third_w = (house_w + self.answered_w + noise_w) / 3
            told[f"grid.power_{phase}_w"] = third_w + share * seen_w
        told = {point: self.sees * watts for point, watts in told.items()}
        if self.grid_step_w:
            told = {
                point: round(watts / self.grid_step_w) * self.grid_step_w for point, watts in told.items()
            }
        return told


@dataclass
class Report:
    """What became of a probe."""

    session: ProbeSession
    plant: Plant
    ended: str
    said: list[str]
    took_s: float

    def __post_init__(self) -> None:
        stage = self.session.stage
        self.trace = stage.trace
        self.seen = probe_measurement.evaluate_trace(self.trace)
        self.found = probe_findings.find_findings(
            stage.subject, self.trace, self.seen, self.ended, stage.watch, stage.rest
        )
        self.codes = {one.code for one in self.found}
        self.faults = {one.code for one in self.found if one.is_fault}
        self.sentence = probe_findings.describe_result(stage.subject, self.seen)


def probed(
    plant: Plant,
    of: probe_subject.ProbeSubject | None = None,
    *,
    bounds: ProbeLimits = ProbeLimits(20_000, 20_000),  # noqa: B008 - a frozen one may be shared
    probe_request: ProbeRequest = ProbeRequest(),  # noqa: B008 - a frozen one may be shared
    until_s: float = 3000.0,
) -> Report:
    """Run a whole probe against ``plant`` in synthetic time."""
    of = of or probe_subject.make_battery_subject(BATTERY, plant.point, None, fallback=TIMER)
    image, session = ProcessImage(), ProbeSession(of, bounds, probe_request, 0)
    due = {"asset": 0.0, "grid": 0.0}
    layouts = {}

    def put(told: dict[str, float], now_s: float) -> None:
        readings = [Reading(p, float(v), Quality.GOOD, round(now_s * _S)) for p, v in told.items()]
        made = make_readings(readings, round(now_s * _S), layouts.get(tuple(told)))
        layouts.setdefault(tuple(told), made.layout)
        image.put(made)

    said: list[str] = []
    turns = 0
    while True:
        turns += 1
        now_s = turns * TURN_S
        assert now_s < until_s, "a probe must end"
        plant.step(now_s)
        if now_s >= due["asset"] and now_s < plant.lost_after_s:
            due["asset"] = now_s + plant.asset_period_s
            if plant.random.random() >= plant.missing:
                asset = {f"{plant.name}.power_w": plant.reads * plant.power_w}
                asset |= {f"{plant.name}.soc_pct": plant.soc_pct, plant.point: plant.value}
                put(asset, now_s)
        if now_s >= due["grid"]:
            due["grid"] = now_s + plant.grid_period_s
            if plant.random.random() >= plant.missing:
                put(plant.grid(now_s), now_s)
        act = session.run_cycle(image.freeze(round(now_s * _S)), "", round(now_s * _S))
        said += act.texts
        if act.end_reason is not None:
            return Report(session, plant, act.end_reason, said, now_s)
        if act.value is not None:
            plant.write(now_s, act.value)


@pytest.fixture(scope="session")
def plant() -> type[Plant]:
    return Plant


@pytest.fixture(scope="session")
def probe() -> Callable[..., Report]:
    return probed


@pytest.fixture(scope="session")
def subjects() -> dict[str, probe_subject.ProbeSubject]:
    """One of each role."""
    return {
        "battery": probe_subject.make_battery_subject(BATTERY, "bat1.setpoint_w", None, fallback=TIMER),
        "ev": probe_subject.make_charge_point_subject(EV, "ev1.current_max_a", None, fallback=TIMER),
        "pv": probe_subject.make_pv_subject(PV, "pv1.generation_max_w", None, fallback=TIMER),
        "load": probe_subject.make_load_subject(
            LOAD, "hp1.relay_on", accepted="the contactor is of no danger"
        ),
    }


@pytest.fixture(scope="session")
def bounds() -> type[ProbeLimits]:
    return ProbeLimits


@pytest.fixture(scope="session")
def probe_request() -> type[ProbeRequest]:
    return ProbeRequest
