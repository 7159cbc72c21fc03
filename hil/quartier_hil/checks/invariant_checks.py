"""Invariants of every cycle of every site, under all events: one check each (pure)."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from quartier_hil.checks.promised_values import DeclaredValueCheck, find_recovery_s, list_declared_values
from quartier_hil.checks.verdicts import Check, RunData, Verdict, format_count
from quartier_hil.scenario import expectations as asked
from quartier_hil.scenario.events import Blackout, DaemonFreeze, DaemonStop, FaultEvent
from quartier_hil.scenario.fault_rules import target_includes
from quartier_hil.scenario.outputs import Output, list_outputs
from quartier_hil.scenario.scenario_file import Scenario

SOC_MIN_PCT, SOC_MAX_PCT, SOC_SLACK_PCT = 10.0, 95.0, 0.5
SWITCHINGS_MAX_COUNT = 6
HOUR_S = 3600.0
OVER_MAX_S = 5.0
# A switching is seen one step after it was ordered, and one that the wires delay a little later.
SLACK_S = 2.0


@dataclass
class BatteryBandCheck:
    """Check that the battery stays in its band of charge; below it only by its own losses."""

    low_pct: float = 100.0
    high_pct: float = 0.0

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step of the plant."""
        soc_pct = values["bat1.soc_pct"]
        self.low_pct, self.high_pct = min(self.low_pct, soc_pct), max(self.high_pct, soc_pct)

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the range seen."""
        low, high = SOC_MIN_PCT - SOC_SLACK_PCT, SOC_MAX_PCT + SOC_SLACK_PCT
        return Verdict(
            "band-kept",
            f"battery within {low:g}..{high:g} %",
            f"{self.low_pct:.1f}..{self.high_pct:.1f} %",
            low <= self.low_pct and self.high_pct <= high,
        )


@dataclass
class _OutputSwitching:
    """Last switching of an output: time and value; steps count as switched where they change direction."""

    output: Output
    value: float | None = None
    is_up: bool | None = None
    since_s: float = float("-inf")
    moments: deque[float] = field(default_factory=deque)

    def take_value(self, value: float) -> bool | None:
        """Return whether ``value`` switches it up (True) or down (False); None if it does not switch."""
        before, self.value = self.value, value
        if before is None or value == before:
            return None
        if self.output.sort in {"switch", "current"} and (value > 0) == (before > 0):
            return None
        up = value > before
        if self.output.sort == "steps" and up == self.is_up:
            return None
        self.is_up = up
        return up


# How long after a loss the outputs find their places again.
AFTER_S = 60.0


def _list_excused_spans(scenario: Scenario, output: Output) -> list[tuple[float, float]]:
    """Return the spans in which something else switches it: a release and restart, or its device's timer."""
    spans = []
    for event in scenario.events:
        if isinstance(event, DaemonStop):
            spans.append((event.at_s - 1.0, event.at_s + event.down_s + AFTER_S))
        elif isinstance(event, Blackout):
            spans.append((event.at_s - 1.0, event.at_s + event.for_s + event.boot_s + AFTER_S))
        elif isinstance(event, DaemonFreeze):
            spans.append((event.at_s - 1.0, event.at_s + event.for_s + AFTER_S))
        elif isinstance(event, FaultEvent) and target_includes(event.device, output.device):
            spans.append((event.at_s - 1.0, find_recovery_s(scenario, event) + AFTER_S))
    return spans


def _list_unpowered_spans(scenario: Scenario, output: Output) -> list[tuple[float, float]]:
    """Return the spans in which its device has no power, and does nothing at all."""
    return [
        (event.at_s, find_recovery_s(scenario, event) + SLACK_S)
        for event in scenario.events
        if isinstance(event, FaultEvent)
        and event.kind == "off"
        and target_includes(event.device, output.device)
    ]


@dataclass
class _SwitchingCheck(ABC):
    """Sees the switchings of all outputs that are switched."""

    scenario: Scenario
    worst: str = ""
    broken: str = ""
    switches: list[_OutputSwitching] = field(init=False)
    excused: Mapping[str, Sequence[tuple[float, float]]] = field(init=False)

    def __post_init__(self) -> None:
        switched = [
            out for out in list_outputs(self.scenario.house) if out.sort in {"switch", "current", "steps"}
        ]
        self.switches = [_OutputSwitching(out) for out in switched]
        self.excused = {out.order: _list_excused_spans(self.scenario, out) for out in switched}

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step of the plant."""
        for one in self.switches:
            if one.output.order not in values:
                continue
            up = one.take_value(values[one.output.order])
            if up is None:
                continue
            if any(begin <= now_s <= end for begin, end in self.excused[one.output.order]):
                continue
            self.take_switching(one, now_s, up=up)
            one.since_s = now_s
            one.moments.append(now_s)

    @abstractmethod
    def take_switching(self, one: _OutputSwitching, now_s: float, *, up: bool) -> None:
        """Record that one output was switched."""


@dataclass
class MinimumTimeCheck(_SwitchingCheck):
    """Check that each output keeps its minimum on-time and minimum off-time."""

    count: int = 0

    def take_switching(self, one: _OutputSwitching, now_s: float, *, up: bool) -> None:
        """Hold the time since the last switching against the output's own."""
        self.count += 1
        stood_s = now_s - one.since_s
        least_s = one.output.min_off_s if up else one.output.min_on_s
        if stood_s < least_s - SLACK_S and not self.broken:
            words = "off" if up else "on"
            self.broken = (
                f"{one.output.asset} was {words} for {stood_s:.0f} s at {now_s:.0f} s, least is {least_s:g} s"
            )

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the first time that was too short."""
        measured = self.broken or f"{format_count(self.count, 'switching')}, none too early"
        return Verdict("minimum-times", "on and off for the least time at least", measured, not self.broken)


@dataclass
class SwitchingRateCheck(_SwitchingCheck):
    """No load is switched more often than six times in an hour."""

    most: int = 0
    whose: str = ""

    def take_switching(self, one: _OutputSwitching, now_s: float, *, up: bool) -> None:  # noqa: ARG002 - as asked
        """Count those of the last hour, this one with them."""
        while one.moments and one.moments[0] <= now_s - HOUR_S:
            one.moments.popleft()
        count = len(one.moments) + 1
        if count > self.most:
            self.most, self.whose = count, f" ({one.output.asset}, at {now_s:.0f} s)"

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the most switchings in one hour."""
        promised = f"at most {SWITCHINGS_MAX_COUNT} switchings per load and hour"
        return Verdict(
            "switchings", promised, f"{self.most} at most{self.whose}", self.most <= SWITCHINGS_MAX_COUNT
        )


@dataclass
class FloorCheck:
    """Check that street lights never dim below half, and pumps and fans never go below their minimum flow."""

    scenario: Scenario
    least: dict[str, float] = field(default_factory=dict)
    floors: Mapping[str, Output] = field(init=False)
    dark: Mapping[str, Sequence[tuple[float, float]]] = field(init=False)

    def __post_init__(self) -> None:
        self.floors = {out.order: out for out in list_outputs(self.scenario.house) if out.floor is not None}
        self.dark = {order: _list_unpowered_spans(self.scenario, out) for order, out in self.floors.items()}

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Evaluate one step of the plant."""
        for order in self.floors:
            if any(begin <= now_s <= end for begin, end in self.dark[order]):
                continue
            if order in values:
                self.least[order] = min(self.least.get(order, values[order]), values[order])

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the smallest order of each."""
        promised = ", ".join(f"{out.point} >= {out.floor:g}" for out in self.floors.values())
        measured = ", ".join(f"{self.least[order]:g}" for order in self.floors if order in self.least)
        holds = all(value >= (self.floors[order].floor or 0.0) for order, value in self.least.items())
        unshown = "" if measured else "nothing was ordered"
        return Verdict("floors", promised, f"{measured or 'nothing'} at least", holds, unshown)


@dataclass
class FuseCheck:
    """Check that no phase of a board or of the connection exceeds its fuse by 10 % for more than 5 s."""

    scenario: Scenario
    fuses: Mapping[str, float] = field(init=False)
    over_s: dict[str, float] = field(default_factory=dict)
    longest_s: float = 0.0
    where: str = ""
    most: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        site_spec = self.scenario.house
        fuses = {board.name: board.fuse_a for board in site_spec.boards}
        if site_spec.main_fuse_a is not None:
            fuses["grid"] = site_spec.main_fuse_a
        self.fuses = {f"{name}.current_l{p}_a": fuse_a for name, fuse_a in fuses.items() for p in (1, 2, 3)}

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Evaluate one step of the plant."""
        for point, fuse_a in self.fuses.items():
            current_a = values[point]
            self.most[point] = max(self.most.get(point, 0.0), current_a)
            here_s = self.over_s.get(point, 0.0) + dt_s if current_a > fuse_a * 1.1 else 0.0
            self.over_s[point] = here_s
            if here_s > self.longest_s:
                self.longest_s, self.where = here_s, f" ({point} until {now_s:.0f} s)"

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the longest time over a fuse, and the highest share of a fuse."""
        share = max((self.most.get(point, 0.0) / fuse_a for point, fuse_a in self.fuses.items()), default=0.0)
        promised = (
            f"no phase of {format_count(len(self.fuses) // 3, 'node')} over its fuse + 10 % for more than 5 s"
        )
        measured = f"{self.longest_s:g} s at most{self.where}, up to {share:.0%} of a fuse"
        return Verdict("node-kept", promised, measured, self.longest_s <= OVER_MAX_S)


@dataclass
class OrderCheck(ABC):
    """Judge of orders with their reasons."""

    scenario: Scenario
    count: int = 0
    broken: str = ""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: B027 - no step is any of its business
        """Orders come by ``take_order``."""

    @abstractmethod
    def take_order(self, now_s: float, point: str, value: float, reason: str) -> None:
        """Evaluate one order."""


class ReasonPresenceCheck(OrderCheck):
    """Check that each order has a reason."""

    def take_order(self, now_s: float, point: str, value: float, reason: str) -> None:
        """Check that the reason is one line, not empty."""
        self.count += 1
        if (not reason.strip() or "\n" in reason) and not self.broken:
            self.broken = f"{point} = {value:g} at {now_s:.0f} s has none"

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the first order without a reason."""
        return Verdict(
            "reasons",
            "a reason of one line for each order",
            self.broken or f"{format_count(self.count, 'order')}, each has one",
            not self.broken,
            "" if self.count else "nothing was ordered",
        )


class TierACheck(OrderCheck):
    """Check that loads of tier A get no order at all."""

    def take_order(self, now_s: float, point: str, value: float, reason: str) -> None:  # noqa: ARG002 - as asked
        """None may go to an asset of tier A."""
        self.count += 1
        if point.partition(".")[0] in self.scenario.house.tier_a_assets and not self.broken:
            self.broken = f"{point} = {value:g} at {now_s:.0f} s"

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the first order to such a load."""
        names = ", ".join(self.scenario.house.tier_a_assets)
        promised = f"tier A is never touched ({names})"
        unshown = "" if self.count else "nothing was ordered"
        return Verdict("tier-a", promised, self.broken or "never", not self.broken, unshown)


def build_invariant_checks(scenario: Scenario, wanted: asked.InvariantExpectation) -> list[Check]:
    """Return a check for each invariant that the scenario does not leave out and that its site can break."""
    made: dict[str, Callable[[], Check]] = {
        "band-kept": BatteryBandCheck,
        "minimum-times": lambda: MinimumTimeCheck(scenario),
        "switchings": lambda: SwitchingRateCheck(scenario),
        "floors": lambda: FloorCheck(scenario),
        "node-kept": lambda: FuseCheck(scenario),
        "declared": lambda: DeclaredValueCheck(list_declared_values(scenario)),
        "tier-a": lambda: TierACheck(scenario),
        "reasons": lambda: ReasonPresenceCheck(scenario),
    }
    idle = set(wanted.without)
    if not scenario.house.tier_a_assets:
        idle.add("tier-a")
    if all(output.floor is None for output in list_outputs(scenario.house)):
        idle.add("floors")
    if not scenario.house.boards and scenario.house.main_fuse_a is None:
        idle.add("node-kept")
    if not list_declared_values(scenario):
        idle.add("declared")
    return [make() for name, make in made.items() if name not in idle]
