"""What must hold in every cycle of every house, whatever happens: one judge each (pure).

Numbers are those of failsafe.md and of the scenario's own house, never asked from the gateway.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from quartier_hil import wanted as asked
from quartier_hil.outputs import Output, outputs
from quartier_hil.scenario import Kill, Scenario
from quartier_hil.verdict.checks import Ending, Judge, Verdict

SOC_MIN_PCT, SOC_MAX_PCT, SOC_SLACK_PCT = 10.0, 95.0, 0.5
SWITCHINGS_MAX_COUNT = 6
HOUR_S = 3600.0
LIGHTS_MIN_PCT = 50.0
DIM = ".dim_pct"
# A switching is seen one step after it was ordered, and one that the wires delay a little later.
SLACK_S = 2.0


@dataclass
class BandKept:
    """The battery stays in its band of charge; below it only by what it loses by itself."""

    low_pct: float = 100.0
    high_pct: float = 0.0

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Judge one step."""
        soc_pct = values["bat1.soc_pct"]
        self.low_pct, self.high_pct = min(self.low_pct, soc_pct), max(self.high_pct, soc_pct)

    def verdict(self, _: Ending) -> Verdict:
        """The range seen."""
        low, high = SOC_MIN_PCT - SOC_SLACK_PCT, SOC_MAX_PCT + SOC_SLACK_PCT
        return Verdict(
            "band-kept",
            f"battery within {low:g}..{high:g} %",
            f"{self.low_pct:.1f}..{self.high_pct:.1f} %",
            low <= self.low_pct and self.high_pct <= high,
        )


@dataclass
class _Switch:
    """When an output was switched last, and to what; steps count as switched where they turn round."""

    output: Output
    value: float | None = None
    is_up: bool | None = None
    since_s: float = float("-inf")
    moments: deque[float] = field(default_factory=deque)

    def moved(self, value: float) -> bool | None:
        """Whether it was switched up (True) or down (False) just now; None where it was not."""
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


def _spans(scenario: Scenario) -> list[tuple[float, float]]:
    """When somebody else than the cycle switches: the gateway is released and starts again."""
    kills = [event for event in scenario.events if isinstance(event, Kill)]
    return [(event.at_s - 1.0, event.at_s + event.down_s + 60.0) for event in kills]


@dataclass
class _Switched:
    """Sees the switchings of all outputs that are switched."""

    scenario: Scenario
    worst: str = ""
    broken: str = ""
    switches: list[_Switch] = field(init=False)
    excused: Sequence[tuple[float, float]] = field(init=False)

    def __post_init__(self) -> None:
        switched = [out for out in outputs(self.scenario.house) if out.sort in {"switch", "current", "steps"}]
        self.switches = [_Switch(out) for out in switched]
        self.excused = _spans(self.scenario)

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Judge one step."""
        excused = any(begin <= now_s <= end for begin, end in self.excused)
        for one in self.switches:
            if one.output.order not in values:
                continue
            up = one.moved(values[one.output.order])
            if up is None:
                continue
            if not excused:
                self.switched(one, now_s, up=up)
            one.since_s = now_s
            one.moments.append(now_s)

    def switched(self, one: _Switch, now_s: float, *, up: bool) -> None:
        """One was switched."""
        raise NotImplementedError


@dataclass
class MinimumTimes(_Switched):
    """What is switched on stays on for its minimum time, and off as well."""

    count: int = 0

    def switched(self, one: _Switch, now_s: float, *, up: bool) -> None:
        """Hold the time since the last switching against the output's own."""
        self.count += 1
        stood_s = now_s - one.since_s
        least_s = one.output.min_off_s if up else one.output.min_on_s
        if stood_s < least_s - SLACK_S and not self.broken:
            words = "off" if up else "on"
            self.broken = (
                f"{one.output.asset} was {words} for {stood_s:.0f} s at {now_s:.0f} s, least is {least_s:g} s"
            )

    def verdict(self, _: Ending) -> Verdict:
        """The first that was too short."""
        measured = self.broken or f"{self.count} switchings, none too early"
        return Verdict("minimum-times", "on and off for the least time at least", measured, not self.broken)


@dataclass
class Switchings(_Switched):
    """No load is switched more often than six times in an hour."""

    most: int = 0
    whose: str = ""

    def switched(self, one: _Switch, now_s: float, *, up: bool) -> None:  # noqa: ARG002 - as asked
        """Count those of the last hour, this one with them."""
        while one.moments and one.moments[0] <= now_s - HOUR_S:
            one.moments.popleft()
        count = len(one.moments) + 1
        if count > self.most:
            self.most, self.whose = count, f" ({one.output.asset}, at {now_s:.0f} s)"

    def verdict(self, _: Ending) -> Verdict:
        """The most in one hour."""
        promised = f"at most {SWITCHINGS_MAX_COUNT} switchings per load and hour"
        return Verdict(
            "switchings", promised, f"{self.most} at most{self.whose}", self.most <= SWITCHINGS_MAX_COUNT
        )


@dataclass
class Lights:
    """Street lights are never dimmed below half and never switched off."""

    scenario: Scenario
    least_pct: float = 100.0

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Judge one step."""
        for output in outputs(self.scenario.house):
            if output.point.endswith(DIM) and output.order in values:
                self.least_pct = min(self.least_pct, values[output.order])

    def verdict(self, _: Ending) -> Verdict:
        """The least that was ordered."""
        least = f"{self.least_pct:g} % at least"
        return Verdict(
            "lights",
            f"street lights at {LIGHTS_MIN_PCT:g} % or more",
            least,
            self.least_pct >= LIGHTS_MIN_PCT,
        )


@dataclass
class OrderJudge:
    """Judges orders with their reasons."""

    scenario: Scenario
    count: int = 0
    broken: str = ""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Orders come by ``ordered``."""

    def ordered(self, now_s: float, point: str, value: float, reason: str) -> None:
        """One order."""
        raise NotImplementedError


class Reasons(OrderJudge):
    """No order leaves without a reason."""

    def ordered(self, now_s: float, point: str, value: float, reason: str) -> None:
        """One line, not empty."""
        self.count += 1
        if (not reason.strip() or "\n" in reason) and not self.broken:
            self.broken = f"{point} = {value:g} at {now_s:.0f} s has none"

    def verdict(self, _: Ending) -> Verdict:
        """The first without one."""
        return Verdict(
            "reasons",
            "a reason of one line for each order",
            self.broken or f"{self.count} orders, each has one",
            not self.broken,
        )


class TierA(OrderJudge):
    """What is in tier A gets no order at all."""

    def ordered(self, now_s: float, point: str, value: float, reason: str) -> None:  # noqa: ARG002 - as asked
        """None may go to an asset of tier A."""
        self.count += 1
        if point.partition(".")[0] in self.scenario.house.untouchable and not self.broken:
            self.broken = f"{point} = {value:g} at {now_s:.0f} s"

    def verdict(self, _: Ending) -> Verdict:
        """The first that was touched."""
        names = ", ".join(self.scenario.house.untouchable)
        return Verdict(
            "tier-a", f"tier A is never touched ({names})", self.broken or "never", not self.broken
        )


def all_of(scenario: Scenario, wanted: asked.Invariants) -> list[Judge]:
    """One judge for each that the scenario does not leave out, and that its house can break."""
    made: dict[str, Callable[[], Judge]] = {
        "band-kept": BandKept,
        "minimum-times": lambda: MinimumTimes(scenario),
        "switchings": lambda: Switchings(scenario),
        "lights": lambda: Lights(scenario),
        "tier-a": lambda: TierA(scenario),
        "reasons": lambda: Reasons(scenario),
    }
    idle = set(wanted.without)
    if not scenario.house.untouchable:
        idle.add("tier-a")
    if not any(output.point.endswith(DIM) for output in outputs(scenario.house)):
        idle.add("lights")
    return [make() for name, make in made.items() if name not in idle]
