"""A link driven by hand with synthetic time, and a small building for the cycle."""

import json
from dataclasses import dataclass, field, replace

import pytest

from quartier.control.cycle import run_cycle
from quartier.control.inputs import CycleInputs
from quartier.control.limits.active import ActiveLimits
from quartier.control.link import allowed, machine
from quartier.control.link import state as link_state
from quartier.control.link.state import LinkMode, LinkState
from quartier.control.reason import make_text_reason
from quartier.control.records import LinkLimits, Overrides
from quartier.control.requests import (
    Ack,
    Envelope,
    FailsafeDocument,
    FailsafeValues,
    Heartbeat,
    Interval,
    Requests,
)
from quartier.control.state import ControlState, Decision
from quartier.site.asset_types import (
    PHASES,
    Battery,
    ChargePointAsset,
    GridMeter,
    Load,
    OperationModeAsset,
    Pv,
)
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier.site.site_layout import Site, SiteLimits
from quartier_drivers.contract import Command
from quartier_drivers.readings import Quality, Reading, make_readings

EPOCH_MS = 1_790_000_000_000


def pytest_itemcollected(item: pytest.Item) -> None:
    """Every test of this room is marked: those that go the same way each time run under coverage."""
    item.add_marker("control")


LIMITS = SiteLimits(
    import_hard_w=10_000,
    export_hard_w=6_000,
    import_failsafe_w=5_000,
    export_failsafe_w=0,
    import_autonomous_w=8_000,
    export_autonomous_w=6_000,
)


def envelope(
    seq: int = 1,
    program: str = "district",
    *,
    import_w: float | None = 9_000,
    export_w: float | None = 6_000,
    start_s: float = 0,
    length_s: float = 14_400,
    nbf_s: float = -3_600,
    exp_s: float = 100_000,
    default_w: float = 7_000,
    on_loss: str = "failsafe",
    **more: object,
) -> Envelope:
    """One interval; instants in seconds of the test's time."""
    plain = Envelope(
        id=f"{program}-{seq}",
        seq=seq,
        program=program,
        priority=2,
        nbf_utc_ms=EPOCH_MS + int(nbf_s * 1000),
        exp_utc_ms=EPOCH_MS + int(exp_s * 1000),
        start_utc_ms=EPOCH_MS + int(start_s * 1000),
        intervals=(Interval(length_s, import_w, export_w),),
        default_import_max_w=default_w,
        default_export_max_w=3_000,
        on_loss=on_loss,
    )
    return replace(plain, **more)


@dataclass
class Drive:
    """The machine with a clock that the test turns: ``t`` in s, wall clock ``jump_s`` off it."""

    params: allowed.LinkParameters = field(default_factory=lambda: allowed.LinkParameters(limits=LIMITS))
    t: float = 0.0
    jump_s: float = 0.0
    synced: bool = True
    boot_s: float = 0.0
    n: int = 0
    state: LinkState | None = None

    @property
    def now(self) -> Now:
        wall_ms = EPOCH_MS + int((self.t + self.jump_s) * 1000)
        return Now(round((self.t - self.boot_s) * 1e9), wall_ms, self.synced)

    @property
    def mode(self) -> LinkMode:
        return self.state.mode

    @property
    def caps(self) -> LinkLimits:
        return allowed.find_link_limits(self.state, self.params, self.now)

    @property
    def caps_w(self) -> tuple[float | None, float | None]:
        return self.caps.import_max_w, self.caps.export_max_w

    def start(
        self,
        persisted: LinkState | None = None,
        *,
        outage: bool = False,
        lost: bool = False,
        rebooted: bool | None = None,
    ) -> "Drive":
        ended = {"outage": outage, "lost": lost, "rebooted": rebooted}
        self.state = machine.start_link(self.params, persisted, self.now, **ended)
        return self

    def restart(self, *, down_s: float = 0, outage: bool = False, rebooted: bool | None = None) -> "Drive":
        kept = link_state.load_link_state(json.loads(json.dumps(link_state.dump_link_state(self.state))))
        self.t += down_s
        return self.start(kept, outage=outage, rebooted=rebooted)

    def tick(self, t: float | None = None, *, outage: bool = False) -> "Drive":
        self.t = self.t if t is None else t
        self.state = machine.advance_link(self.state, self.params, self.now, outage=outage)
        return self

    def beat(self, t: float | None = None) -> "Drive":
        self.t = self.t if t is None else t
        self.n += 1
        beat = Heartbeat(self.n, self.now.utc_ms)
        self.state = machine.accept_heartbeat(self.state, self.params, beat, self.now)
        return self

    def beats_until(self, t: float) -> "Drive":
        while self.t + 30 <= t:
            self.beat(self.t + 30)
        return self.tick(t)

    def give(self, document: Envelope, t: float | None = None) -> Ack:
        self.t = self.t if t is None else t
        self.state, ack = machine.accept_envelope(self.state, self.params, document, self.now)
        return ack

    def give_failsafe(self, seq: int, **values: float) -> Ack:
        document = FailsafeDocument(id=f"fs-{seq}", seq=seq, values=FailsafeValues(**values))
        self.state, ack = machine.accept_failsafe_parameters(self.state, self.params, document, self.now)
        return ack

    def controlled(self, **document: object) -> "Drive":
        """CONTROLLED from t = 0 by one document and one heartbeat."""
        self.start()
        assert self.give(envelope(**document)).status == "ACCEPTED"
        self.beat()
        assert self.mode is LinkMode.CONTROLLED
        return self

    def failsafe(self) -> "Drive":
        """FAILSAFE entered at t = 121 by loss of the heartbeat."""
        self.controlled().tick(121)
        assert self.mode is LinkMode.FAILSAFE
        return self


@pytest.fixture(scope="session")
def drive() -> type[Drive]:
    return Drive


@pytest.fixture(scope="session")
def document():
    """Makes envelopes; instants in seconds of the test's time."""
    return envelope


@pytest.fixture(scope="session")
def limits() -> SiteLimits:
    return LIMITS


HOUSE = Site(
    name="b1",
    grid=GridMeter(name="grid", rated_w=17_000),
    limits=LIMITS,
    unlisted_generation_w=20_000.0,  # a test may have a load below 0: generation that nothing lists
    assets=(
        Battery(
            name="bat1",
            rated_w=5_000,
            capacity_wh=10_000,
            charge_max_w=5_000,
            discharge_max_w=5_000,
            ramp_max_w_per_s=2_500,
            tier="D",
        ),
        Pv(name="pv1", rated_w=6_000, curtail="limit"),
        ChargePointAsset(name="ev1", rated_w=11_040),
        Load(name="heat", rated_w=2_000, tier="D", switchable=True, min_on_s=0, min_off_s=60),
        Load(name="pump", rated_w=3_000, tier="C", switchable=True),
        Load(name="cold", rated_w=1_500, tier="B", switchable=True),
        Load(name="lift", rated_w=4_000, tier="A", switchable=True),
    ),
    release_values={"bat1.setpoint_w": 0.0},
    seed=7,
)

CAPS = LinkLimits(
    mode="CONTROLLED",
    why="test",
    since_ns=0,
    import_max_w=10_000,
    export_max_w=6_000,
    sources={"import": make_text_reason("envelope dso 1"), "export": make_text_reason("envelope dso 1")},
)


def shown(house: Site, points: dict[str, float]) -> dict[str, float]:
    """What stands at the points that assets are steered by, as nearly every device tells."""
    found = {}
    for asset in house.assets:
        if isinstance(asset, ChargePointAsset):
            found[f"{asset.name}.current_max_a"] = asset.current_max_a
        elif isinstance(asset, Pv) and asset.curtail == "limit":
            found[f"{asset.name}.generation_max_w"] = asset.rated_w
        elif isinstance(asset, Load) or (isinstance(asset, Pv) and asset.curtail == "relay"):
            found[f"{asset.name}.relay_on"] = 1.0
        elif isinstance(asset, OperationModeAsset):
            found[asset.point] = asset.modes[asset.normal].value
    return {point: points.get(point, value) for point, value in found.items()}


@dataclass
class Plant:
    """A small building with its own physics; powers in W, one step per second.

    ``delay_s`` is the battery's from setpoint to power, ``lag_s`` that of its power reading; the
    EV follows its current after 3 s, relays act at once.
    """

    house: Site = HOUSE
    base_w: float = 500.0
    sun_w: float = 0.0
    soc_pct: float = 50.0
    ev_wants_w: float = 0.0
    loads_w: dict[str, float] = field(default_factory=dict)
    delay_s: int = 2
    lag_s: int = 0
    grid_every_s: int = 1
    silent: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    raw: dict[str, float] = field(default_factory=dict)
    caps: LinkLimits = CAPS
    t: int = 0
    bat_w: float = 0.0
    ev_w: float = 0.0
    state: ControlState | None = None
    decision: Decision | None = None
    points: dict[str, float] = field(default_factory=dict)
    log: list[tuple[int, Command]] = field(default_factory=list)
    grid_log: list[float] = field(default_factory=list)
    _setpoints: list[float] = field(default_factory=list)
    _amperes: list[float] = field(default_factory=list)
    _battery_past: list[float] = field(default_factory=list)
    _image: ProcessImage = field(default_factory=ProcessImage)

    def __post_init__(self) -> None:
        self.state = ControlState.fresh(self.house)

    def has(self, name: str) -> bool:
        return any(asset.name == name for asset in self.house.assets)

    @property
    def pv_w(self) -> float:
        switched = self.points.get("pv1.relay_on", 1.0)
        limit_w = self.points.get("pv1.generation_max_w", 1e9)
        return -min(self.sun_w, limit_w) * switched if self.has("pv1") else 0.0

    def moded_w(self, asset: OperationModeAsset) -> float:
        """What it takes in the mode that was ordered, a share of what it would take there at most."""
        value = self.points.get(asset.point, asset.modes[asset.normal].value)
        mode = min(asset.modes, key=lambda one: abs(one.value - value))
        return mode.power_w * self.loads_w.get(asset.name, 1.0)

    def load_w(self, name: str) -> float:
        return self.loads_w.get(name, 0.0) * self.points.get(f"{name}.relay_on", 1.0)

    @property
    def grid_w(self) -> float:
        moded = [asset for asset in self.house.assets if isinstance(asset, OperationModeAsset)]
        loads = sum(self.load_w(name) for name in self.loads_w.keys() - {asset.name for asset in moded})
        loads += sum(self.moded_w(asset) for asset in moded)
        return self.base_w + loads + self.pv_w + self.ev_w + self.bat_w

    def _physics(self) -> None:
        battery = next((a for a in self.house.assets if isinstance(a, Battery)), None)
        if battery is not None:
            self._setpoints.append(self.points.get("bat1.setpoint_w", 0.0))
            late = self._setpoints[-1 - self.delay_s] if len(self._setpoints) > self.delay_s else 0.0
            self.bat_w = min(max(late, self.bat_w - 2_500), self.bat_w + 2_500)
            self.soc_pct += self.bat_w / 3600 / battery.capacity_wh * 100
            self._battery_past.append(self.bat_w)
        self._amperes.append(self.points.get("ev1.current_max_a", 16.0))
        amperes = self._amperes[-4] if len(self._amperes) > 3 else 16.0
        self.ev_w = min(self.ev_wants_w, amperes * 690) if self.has("ev1") else 0.0

    def _read(self) -> dict[str, float]:
        past = self._battery_past
        seen = {
            "pv1.power_w": self.pv_w,
            "ev1.power_w": self.ev_w,
            "ev1.plugged_on": float(self.ev_wants_w > 0),
            "bat1.soc_pct": self.soc_pct,
            "bat1.power_w": past[max(0, len(past) - 1 - self.lag_s)] if past else 0.0,
        }
        seen |= {f"{a.name}.power_w": self.load_w(a.name) for a in self.house.assets if isinstance(a, Load)}
        seen |= {
            f"{a.name}.power_w": self.moded_w(a)
            for a in self.house.assets
            if isinstance(a, OperationModeAsset)
        }
        if self.t % self.grid_every_s == 0:
            seen["grid.power_w"] = self.grid_w
        return seen | shown(self.house, self.points) | self.raw

    def now(self) -> Now:
        return Now(self.t * 1_000_000_000, EPOCH_MS + self.t * 1000, synced=True)

    def requests(self) -> Requests:
        return Requests(caps=self.caps)

    def step(self) -> Decision:
        """One second: physics, readings, a cycle, and its commands to the devices."""
        self._physics()
        ns = self.t * 1_000_000_000
        silent = self.silent
        read = (
            Reading(point, value, Quality.GOOD, ns)
            for point, value in self._read().items()
            if point.split(".")[0] not in silent and point not in silent
        )
        self._image.put(make_readings(read, ns))
        self.decision = run_cycle(self._image.freeze(ns), self.requests(), self.state, self.now())
        self.state = self.decision.state
        for command in self.decision.commands:
            assert command.reason
            assert ns < command.expires_ns
            self.log.append((self.t, command))
            if command.point.split(".")[0] not in self.deaf:
                self.points[command.point] = command.value
        self.grid_log.append(self.grid_w)
        self.t += 1
        return self.decision

    def run(self, seconds: int) -> "Plant":
        for _ in range(seconds):
            self.step()
        return self

    def cap(self, **changes: object) -> "Plant":
        self.caps = replace(self.caps, **changes)
        return self

    def written(self, point: str, since: int = 0) -> list[tuple[int, float]]:
        return [(t, c.value) for t, c in self.log if c.point == point and t >= since]

    def longest_over_s(self, cap_w: float, since: int = 0, *, export: bool = False) -> int:
        """Most seconds in a row more than 10 % (200 W at least) over a cap."""
        longest = here = 0
        for power_w in self.grid_log[since:]:
            over = (-power_w if export else power_w) > cap_w + max(0.1 * cap_w, 200)
            here = here + 1 if over else 0
            longest = max(longest, here)
        return longest

    @property
    def view(self) -> dict:
        return self.decision.view


@pytest.fixture(scope="session")
def plant() -> type[Plant]:
    return Plant


@pytest.fixture(scope="session")
def house() -> Site:
    return HOUSE


@pytest.fixture(scope="session")
def with_house():
    """A house of the same limits with other assets."""

    def make(*names: str, **changes: object) -> Site:
        kept = tuple(asset for asset in HOUSE.assets if asset.name in names)
        return replace(HOUSE, assets=kept, **changes)

    return make


@pytest.fixture(scope="session")
def make_inputs():
    """The circumstances of one cycle: a minute after the start all is well; ``t`` in s."""

    def make(
        of: Site = HOUSE, *, t: int = 60, state: ControlState | None = None, **more: object
    ) -> CycleInputs:
        plain = {
            "state": state or ControlState.fresh(of),
            "requests": Requests(caps=CAPS),
            "active_limits": ActiveLimits(
                import_w=CAPS.import_max_w, export_w=CAPS.export_max_w, sources=CAPS.sources
            ),
            "grid_w": 0.0,
            "grid_age_s": 0.0,
            "is_meter_lost": False,
            "dt_s": 1.0,
            "running_s": 60.0,
            "now": Now(t * 1_000_000_000, EPOCH_MS + t * 1000, synced=True),
            "common": False,
        }
        return CycleInputs(**(plain | more))

    return make


@dataclass
class Car:
    """A car at a charge point: it draws what it is allowed on its phases, until it has what it wants."""

    phases: int = 3
    wants_wh: float = 1e9
    from_s: float = 0.0
    until_s: float = 1e9
    max_a: float = 32.0
    got_wh: float = 0.0


@dataclass
class Board:
    """A building with a connection tree, 230 V on each phase; a second a step.

    ``base_w`` is what nothing measures, by node (``grid``: the connection itself) and phase.  A charge point
    obeys after ``delay_s``; ``told`` are the quantities it says beside its power.  Nodes with a meter say their
    powers and currents, the grid meter too where ``phased``.
    """

    house: Site
    cars: dict[str, Car] = field(default_factory=dict)
    base_w: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    loads_w: dict[str, float] = field(default_factory=dict)
    delay_s: int = 3
    told: tuple[str, ...] = ("plugged_on", "current_l1_a", "current_l2_a", "current_l3_a")
    phased: bool = True
    silent: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    raw: dict[str, float] = field(default_factory=dict)
    caps: LinkLimits = CAPS
    overrides: Overrides = field(default_factory=dict)
    t: int = 0
    start_ms: int = EPOCH_MS
    state: ControlState | None = None
    decision: Decision | None = None
    points: dict[str, float] = field(default_factory=dict)
    flows_w: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    log: list[tuple[int, Command]] = field(default_factory=list)
    over_s: dict[str, int] = field(default_factory=dict)
    longest_s: dict[str, int] = field(default_factory=dict)
    _asked: dict[str, list[float]] = field(default_factory=dict)
    _image: ProcessImage = field(default_factory=ProcessImage)

    def __post_init__(self) -> None:
        self.state = ControlState.fresh(self.house)

    def amperes(self, ev: ChargePointAsset) -> float:
        """What a car draws on each of its phases."""
        car = self.cars.get(ev.name)
        asked = self._asked.setdefault(ev.name, [])
        asked.append(self.points.get(f"{ev.name}.current_max_a", ev.current_max_a))
        allowed = asked[-1 - self.delay_s] if len(asked) > self.delay_s else 0.0
        del asked[: -1 - self.delay_s]
        if car is None or not car.from_s <= self.t < car.until_s or car.got_wh >= car.wants_wh or allowed < 6:
            return 0.0
        return min(allowed, car.max_a, ev.current_max_a)

    def terminals(self, ev: ChargePointAsset) -> tuple[float, float, float]:
        """The currents at L1, L2 and L3 of a charge point."""
        drawn = self.amperes(ev)
        car = self.cars.get(ev.name, Car())
        count = min(car.phases, ev.phases_count)
        car.got_wh += drawn * 230 * count / 3600
        return tuple(drawn if k < count else 0.0 for k in range(3))

    def on_phases(self, asset, watts: float) -> tuple[float, float, float]:
        if asset.phase in PHASES:
            return tuple(watts if phase == asset.phase else 0.0 for phase in PHASES)
        return (watts / 3,) * 3

    def _physics(self) -> dict[str, float]:
        seen: dict[str, float] = {}
        flows = dict.fromkeys(("grid", *(node.name for node in self.house.nodes)), (0.0, 0.0, 0.0))
        for node, watts in self.base_w.items():
            self._add(flows, node, watts)
        for asset in self.house.assets:
            if isinstance(asset, ChargePointAsset):
                terminals = self.terminals(asset)
                watts = self._of_car(asset, terminals)
                said = {f"current_l{k + 1}_a": amperes for k, amperes in enumerate(terminals)}
                said |= self._stay(asset)
                seen |= {f"{asset.name}.{name}": value for name, value in said.items() if name in self.told}
            else:
                on = self.points.get(f"{asset.name}.relay_on", 1.0)
                watts = self.on_phases(asset, self.loads_w.get(asset.name, 0.0) * on)
            self._add(flows, asset.node, watts)
            seen[f"{asset.name}.power_w"] = sum(watts)
        self.flows_w = flows
        return seen | self._metered() | shown(self.house, self.points) | self.raw

    def _add(self, flows, node: str, watts) -> None:
        """To a node and all above it."""
        under = {one.name: one.under for one in self.house.nodes}
        while True:
            flows[node] = tuple(a + b for a, b in zip(flows[node], watts, strict=True))
            if node == "grid":
                return
            node = under[node]

    def _of_car(
        self, ev: ChargePointAsset, terminals: tuple[float, float, float]
    ) -> tuple[float, float, float]:
        """The powers of a charge point on the phases of the building."""
        first = 0 if ev.l1_on is None else PHASES.index(ev.l1_on)
        if ev.phases_count == 1 and ev.phase is not None:
            first = PHASES.index(ev.phase)
        return tuple(230 * terminals[(k - first) % 3] for k in range(3))

    def _stay(self, ev: ChargePointAsset) -> dict[str, float]:
        car = self.cars.get(ev.name)
        if car is None or not car.from_s <= self.t < car.until_s:
            return {"plugged_on": 0.0}
        return {"plugged_on": 1.0, "session_energy_wh": car.got_wh}

    def _metered(self) -> dict[str, float]:
        seen: dict[str, float] = {}
        metered = {"grid", *(node.name for node in self.house.nodes if node.measured)}
        for name in metered:
            watts = self.flows_w[name]
            seen[f"{name}.power_w"] = sum(watts)
            if name != "grid" or self.phased:
                seen |= {f"{name}.power_l{k + 1}_w": watts[k] for k in range(3)}
                seen |= {f"{name}.current_l{k + 1}_a": abs(watts[k]) / 230 for k in range(3)}
        return seen

    def step(self) -> Decision:
        """One second: physics, readings, a cycle, its commands; and how long each fuse is over by 10 %."""
        read = self._physics()
        ns = self.t * 1_000_000_000
        told = (
            Reading(point, value, Quality.GOOD, ns)
            for point, value in read.items()
            if point.split(".")[0] not in self.silent and point not in self.silent
        )
        self._image.put(make_readings(told, ns))
        now = Now(ns, self.start_ms + self.t * 1000, synced=True)
        self.decision = run_cycle(
            self._image.freeze(ns), Requests(caps=self.caps, overrides=self.overrides), self.state, now
        )
        self.state = self.decision.state
        for command in self.decision.commands:
            assert command.reason
            self.log.append((self.t, command))
            if command.point.split(".")[0] not in self.deaf:
                self.points[command.point] = command.value
        self._watch()
        self.t += 1
        return self.decision

    def _watch(self) -> None:
        for node in self.house.nodes:
            for k, watts in enumerate(self.flows_w[node.name]):
                row = f"{node.name}.l{k + 1}"
                over = abs(watts) / 230 > 1.1 * node.fuse_a and node.phases_count == 3
                self.over_s[row] = self.over_s.get(row, 0) + 1 if over else 0
                self.longest_s[row] = max(self.longest_s.get(row, 0), self.over_s[row])

    def run(self, seconds: int) -> "Board":
        for _ in range(seconds):
            self.step()
        return self

    def cap(self, **changes: object) -> "Board":
        self.caps = replace(self.caps, **changes)
        return self

    def reason(self, name: str) -> str:
        return self.decision.view["assets"][name]["command"]["reason"]

    def written(self, point: str) -> list[tuple[int, float]]:
        return [(t, c.value) for t, c in self.log if c.point == point]

    @property
    def view(self) -> dict:
        return self.decision.view


@pytest.fixture(scope="session")
def board() -> type[Board]:
    return Board


@pytest.fixture(scope="session")
def car() -> type[Car]:
    return Car
