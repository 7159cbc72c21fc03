"""Measure the reaction to a cap that tightens: first command on a wire, then the meter inside (pure).

spec/failsafe.md#tighten-reaction: command on the wire at most 2 s, measured inside at most 30 s.

A gateway may keep a limit before it is promised: its fail-safe value, some seconds before the rig's clock.
A curtailment of that time is mentioned in the verdict, but it is no reaction and shows no promise as kept.
Its limits may be known only after the cap was due: ``revise_limits`` enters them before the verdict.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from quartier_hil.checks.promised_values import PromisedLimit
from quartier_hil.checks.verdicts import Check, RunData, Verdict, format_count
from quartier_hil.scenario import site
from quartier_hil.scenario.events import Blackout, DaemonFreeze, DaemonStop
from quartier_hil.scenario.expectations import ReactionExpectation
from quartier_hil.scenario.outputs import Output, list_outputs
from quartier_hil.scenario.scenario_file import Scenario
from quartier_sim.plant.charge_points import CarSpec

COMMAND_MAX_S, INSIDE_MAX_S = 2.0, 30.0
# The rest of these 2 s after a cycle of a second.
WIRES_S = 1.0
# As for a breach: a power over a cap by no more than this is inside it.
SLACK_SHARE, SLACK_W = 0.02, 200.0
# A meter that is inside for a moment only is not yet inside.
STAYS_S = 5.0
# A curtailment within this time before a cap was promised, and kept, was made for that cap.
EARLY_S = 60.0
# The gateway shows its limits to a tenth of a watt.
ROUNDED_W = 0.1
# A command takes back at least this share of the excess: a change that follows the site's noise is none.
COMMAND_SHARE = 0.25
_CAR = CarSpec()
GENERATION_ORDER = "order.generation_max_w"
_MEASURED_POINTS = ("grid.power_w", "limit.import_w", "limit.export_w")


def list_limit_reductions(promised: Sequence[PromisedLimit]) -> list[tuple[PromisedLimit, float]]:
    """Return each cap that is tighter than the one before, with the start of the one after it."""
    found = []
    for place in range(1, len(promised)):
        before, cap = promised[place - 1], promised[place]
        if cap.import_w < before.import_w or cap.export_w < before.export_w:
            end_s = promised[place + 1].from_s if place + 1 < len(promised) else inf
            found.append((cap, end_s))
    return found


@dataclass(slots=True)
class _LimitReduction:
    """Course of one tightening; ``over_w`` is the excess at its start: import plus, export minus."""

    cap: PromisedLimit
    end_s: float
    over_w: float | None = None
    orders: dict[str, float] = field(default_factory=dict)
    command_s: float | None = None
    inside_s: float | None = None
    is_settled: bool = False

    @property
    def is_inside(self) -> bool:
        return self.over_w == 0.0


@dataclass
class ReactionCheck:
    """Check of the slowest command and the slowest meter of all tightenings while the gateway ran.

    ``is_asked``: the scenario requests the check; then at least one tightening must require curtailment.
    """

    scenario: Scenario
    caps: Sequence[PromisedLimit]
    is_asked: bool = False
    asked: ReactionExpectation | None = None
    command_s: float = field(init=False, default=0.0)
    inside_s: float = field(init=False, default=0.0)
    _open: list[_LimitReduction] = field(init=False)
    _watts: Mapping[str, float] = field(init=False)
    _last: dict[str, float] = field(init=False, default_factory=dict)
    _before: list[tuple[float, dict[str, float]]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Select the tightenings during which the gateway is not ended, frozen or without power."""
        spans = list_gateway_absences(self.scenario)
        self._open = [
            _LimitReduction(cap, end_s)
            for cap, end_s in list_limit_reductions(self.caps)
            if all(cap.from_s + INSIDE_MAX_S < begin or end <= cap.from_s for begin, end in spans)
        ]
        site_spec = self.scenario.house
        self._watts = {
            out.order: _find_unit_power_w(out, site_spec.assets) for out in list_outputs(site_spec)
        }
        self._watts = {**self._watts, GENERATION_ORDER: 1.0}

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Evaluate one step of the plant."""
        for one in self._open:
            if one.cap.from_s <= now_s < one.end_s:
                self._follow(one, now_s, dt_s, values)
        self._last = {order: values[order] for order in self._watts if order in values}
        if any(one.cap.from_s - EARLY_S <= now_s < one.cap.from_s for one in self._open):
            self._before.append(
                (now_s, self._last | {name: values[name] for name in _MEASURED_POINTS if name in values})
            )

    def revise_limits(self, from_s: float, shown: Mapping[str, float]) -> None:
        """Enter limits that the gateway keeps since ``from_s``, but that were known only now."""
        for at_s, values in self._before:
            if at_s >= from_s:
                values.update(shown)

    def _follow(self, one: _LimitReduction, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        over_w = _over_w(one.cap, values["grid.power_w"])
        if one.over_w is None:
            one.over_w, one.orders = over_w, self._last or dict(values)
        if one.is_inside:
            return
        if one.command_s is None and self._commanded(one, values):
            # An order that acts in a step was in force when the step began.
            one.command_s = max(now_s - dt_s - one.cap.from_s, 0.0)
        since_s = now_s - one.cap.from_s
        if one.is_settled:
            return
        if over_w:
            one.inside_s = None
        elif one.inside_s is None:
            one.inside_s = since_s
        one.is_settled = one.inside_s is not None and since_s - one.inside_s >= STAYS_S

    def _commanded(self, one: _LimitReduction, values: Mapping[str, float]) -> bool:
        """Return whether the orders take back their share by now: import by less power, export by more."""
        assert one.over_w is not None
        sign = -1.0 if one.over_w > 0 else 1.0
        moved_w = 0.0
        for order, before in one.orders.items():
            if order not in self._watts or order not in values or values[order] == before:
                continue
            way = -1.0 if order == GENERATION_ORDER else 1.0
            moved_w += (values[order] - before) * self._watts[order] * sign * way
        return moved_w >= COMMAND_SHARE * abs(one.over_w) or self._switched(one, values)

    def _is_taken_back_before(self, cap: PromisedLimit) -> bool:
        """Return whether the gateway kept ``cap`` already and had curtailed the excess by orders."""
        recent = [values for at_s, values in self._before if cap.from_s - EARLY_S <= at_s < cap.from_s]
        if not recent or not keeps_limit(cap, recent[-1]):
            return False
        overs = ((values, _over_w(cap, values.get("grid.power_w", 0.0))) for values in recent)
        return any(
            over_w and self._commanded(_LimitReduction(cap, inf, over_w, values), recent[-1])
            for values, over_w in overs
        )

    def _switched(self, one: _LimitReduction, values: Mapping[str, float]) -> bool:
        """Return whether a load was switched or stepped: its power is not known from the order."""
        return any(
            watts == 0.0 and order in one.orders and values.get(order, one.orders[order]) != one.orders[order]
            for order, watts in self._watts.items()
        )

    @property
    def command_max_s(self) -> float:
        """Longest time to the command, s: as the scenario states, else 2 s, or a slower cycle and 1 s."""
        stated_s = None if self.asked is None else self.asked.command_max_s
        return max(COMMAND_MAX_S, self.scenario.cycle_s + WIRES_S) if stated_s is None else stated_s

    @property
    def is_idle(self) -> bool:
        """True if the check was not requested and nothing had to be curtailed: then it promises nothing."""
        return not self.is_asked and not self.figures

    @property
    def inside_max_s(self) -> float:
        """Longest time until the meter is inside, s."""
        return INSIDE_MAX_S if self.asked is None else self.asked.inside_max_s

    @property
    def figures(self) -> dict[str, float]:
        """Both times by name, for the table of figures; empty where nothing had to be curtailed."""
        reductions = [one for one in self._open if one.over_w]
        if not reductions:
            return {}
        commands = [inf if one.command_s is None else one.command_s for one in reductions]
        return {
            "tighten_command_s": max(commands),
            "tighten_inside_s": max(_inside_s(one) for one in reductions),
        }

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with both slowest times and the number of tightenings."""
        promised = (
            f"after each tightening the command on the wire in {self.command_max_s:g} s "
            f"and the meter inside in {self.inside_max_s:g} s"
        )
        reductions = [one for one in self._open if one.over_w is not None]
        early = sum(one.is_inside and self._is_taken_back_before(one.cap) for one in reductions)
        figures = self.figures
        if not figures:
            had = f"; before {early} of them the gateway had curtailed for that limit" if early else ""
            measured = f"{format_count(len(reductions), 'limit reduction')}, the house was inside each{had}"
            is_guard = self.asked is not None and bool(self.asked.guard)
            why = "all was taken back before the limit was due" if early else "nothing had to be taken back"
            unshown = "" if is_guard else why
            return Verdict("tightening", promised, measured, is_guard or not self.is_asked, unshown)
        command_s, inside_s = figures.values()
        acted = sum(not one.is_inside for one in reductions)
        had = f", {early} of them before it was due: the gateway kept the limit already" if early else ""
        measured = (
            f"command after {_format_seconds(command_s)}, inside after {_format_seconds(inside_s)} at most "
            f"({acted + early} of {format_count(len(reductions), 'limit reduction')} required "
            f"curtailment{had})"
        )
        holds = command_s <= self.command_max_s and inside_s <= self.inside_max_s
        return Verdict("tightening", promised, measured, holds)


def collect_reaction_figures(checks: Iterable[Check]) -> dict[str, float]:
    """Return both figures of a run; empty where no cap required a reaction."""
    found: dict[str, float] = {}
    for check in checks:
        if isinstance(check, ReactionCheck):
            found |= check.figures
    return found


def keeps_limit(cap: PromisedLimit, values: Mapping[str, float]) -> bool:
    """Return whether the gateway keeps both sides of ``cap``; False where its limits are unknown."""
    sides = (("limit.import_w", cap.import_w), ("limit.export_w", cap.export_w))
    return all(values.get(point, inf) <= watts + ROUNDED_W for point, watts in sides)


def _format_seconds(seconds: float) -> str:
    return "never" if seconds == inf else f"{seconds:.1f} s"


def _inside_s(one: _LimitReduction) -> float:
    return inf if one.inside_s is None else one.inside_s


def list_gateway_absences(scenario: Scenario) -> list[tuple[float, float]]:
    """Return the spans in which the gateway is away because the scenario ends, freezes or switches it off."""
    return [span for event in scenario.events if (span := _find_absence(event)) is not None]


def _find_absence(event: object) -> tuple[float, float] | None:
    """Return the span in which an event keeps the gateway away, with a minute to recover, or None."""
    match event:
        case DaemonStop():
            return event.at_s, event.at_s + event.down_s + 60.0
        case DaemonFreeze():
            return event.at_s, event.at_s + event.for_s + 60.0
        case Blackout():
            return event.at_s, event.at_s + event.for_s + event.boot_s + 60.0
        case _:
            return None


def _over_w(cap: PromisedLimit, grid_w: float) -> float:
    """Return the excess over a cap in W if beyond its slack: positive import, negative export; 0 inside."""
    if grid_w > cap.import_w + max(cap.import_w * SLACK_SHARE, SLACK_W):
        return grid_w - cap.import_w
    if -grid_w > cap.export_w + max(cap.export_w * SLACK_SHARE, SLACK_W):
        return grid_w + cap.export_w
    return 0.0


def _find_unit_power_w(output: Output, assets: Sequence[site.SiteAsset]) -> float:
    """Return the power of one unit of an order, in W; 0 where only its load knows."""
    if output.sort == "setpoint":
        return 1.0
    if output.sort != "current":
        return 0.0
    phases = _CAR.phases_count
    for cars in assets:
        if isinstance(cars, site.ChargePark) and output.asset in site.list_asset_names(cars):
            place = site.list_asset_names(cars).index(output.asset)
            phases = _CAR.phases_count if site.find_phase(cars, place) is None else 1
    return _CAR.voltage_v * phases
