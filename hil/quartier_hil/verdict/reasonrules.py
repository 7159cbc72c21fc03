"""Rules that compare each code of a reason with the orders, limits and measurements of its cycle (pure).

A rule belongs to some codes of ``gateway/docs/reasons.md``.  It reads what the daemon shows of a cycle and
returns what contradicts the reason of an order or of the state of an asset; empty if nothing does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from quartier_hil.outputs import Output

ZERO_W = 0.5
"""Less than this is ordered as 0 W."""
ANSWER_W = 300.0
"""Largest deviation of a battery from its order, W: so far it may also move the other way."""
RESTORE_AFTER_S = 120.0
"""Time for which the import must be 10 % below its limit before a load comes back, s."""
LIMIT_W, SOC_PCT, SLACK_S = 1.0, 1.0, 3.0
"""Tolerances for rounding of a limit, a state of charge and a time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One reason of an asset: ``asset`` and ``view`` as the daemon shows them, ``part`` of the reason.

    ``on_s`` is how long the asset has been on; None if unknown.  ``slack_s``: how late it may be seen.
    """

    name: str
    asset: Mapping[str, Any]
    view: Mapping[str, Any]
    part: Mapping[str, Any]
    on_s: float | None = None
    output: Output | None = None
    slack_s: float = 0.0

    @property
    def value(self) -> float:
        """The value of the order."""
        return float(self.asset["command"]["value"])

    def get(self, name: str) -> Any:
        """Return one value of the reason."""
        return self.part["values"][name]


def _more(seen: Seen) -> str:
    return "" if seen.value > ZERO_W else f"the order is {seen.value:g}, not above 0"


def _less(seen: Seen) -> str:
    return "" if seen.value < -ZERO_W else f"the order is {seen.value:g}, not below 0"


def _nothing(seen: Seen) -> str:
    return "" if abs(seen.value) <= ZERO_W else f"the order is {seen.value:g}, not 0"


def _gives(seen: Seen) -> str:
    power_w = _measured_w(seen)
    return "" if power_w is None or power_w <= ANSWER_W else f"{power_w:g} W are measured"


def _takes(seen: Seen) -> str:
    power_w = _measured_w(seen)
    return "" if power_w is None or power_w >= -ANSWER_W else f"{power_w:g} W are measured"


def _measured_w(seen: Seen) -> float | None:
    """Return the measured power in W; None if it is not good, or an alarm concerns the asset."""
    if seen.asset.get("quality") != "good" or seen.name in {of.partition(".")[0] for _, of in _alarms(seen)}:
        return None
    return float(seen.asset["power_w"])


def _alarms(seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield code and subject of each alarm; over wires they come as names in addition to the texts."""
    yield from (one.key for one in seen.view["alarms"] if hasattr(one, "key"))
    for name in seen.view.get("alarm_names", ()):
        code, _, of = name.partition(":")
        yield code, of


def _cap(seen: Seen) -> str:
    way = seen.part["code"].removeprefix("cap.")
    cap, told_w = seen.view["caps"].get(way), seen.get("limit_w")
    if cap is None:
        return f"no {way} cap is in force"
    return "" if abs(cap["max_w"] - told_w) <= LIMIT_W else f"the {way} cap is {cap['max_w']:g} W"


def _minimum_on(seen: Seen) -> str:
    if seen.value <= 0.0:
        return "it is off"
    if seen.on_s is None or seen.output is None:
        return ""
    least_s = seen.output.min_on_s
    return (
        ""
        if seen.on_s <= least_s + SLACK_S + seen.slack_s
        else f"it is on for {seen.on_s:g} s, its minimum is {least_s:g} s"
    )


def _off_early(seen: Seen) -> str:
    return "" if seen.value <= 0.0 or _sort(seen) == "steps" else "it is on"


def _tier_off(seen: Seen) -> str:
    tier = seen.get("tier")
    return "" if tier in seen.view["events"]["off"] else f"tier {tier} is not off"


def _frequency(seen: Seen) -> str:
    return "" if seen.view["events"]["frequency_hz"] is not None else "the frequency is not read"


def _frequency_lost(seen: Seen) -> str:
    found_hz = seen.view["events"]["frequency_hz"]
    return "" if found_hz is None else f"the frequency is read as {found_hz:g} Hz"


def _acts(seen: Seen) -> str:
    return "" if seen.view["events"]["off"] else "no event of the grid acts"


def _free(seen: Seen) -> str:
    return "it is held" if seen.name in seen.view["restore"]["held"] else ""


def _held(seen: Seen) -> str:
    return "" if seen.name in seen.view["restore"]["held"] else "nothing holds it"


def _soc(seen: Seen, sign: int) -> str:
    found_pct = seen.asset.get("soc_pct")
    if found_pct is None or sign * (found_pct - seen.get("soc_pct")) >= -SOC_PCT:
        return ""
    return f"its state of charge is {found_pct:.1f} %"


def _full(seen: Seen) -> str:
    return _soc(seen, 1)


def _empty(seen: Seen) -> str:
    return _soc(seen, -1)


def _ordered(seen: Seen) -> str:
    return "" if "override" in seen.asset else "nobody orders it"


def _planned(seen: Seen) -> str:
    return "" if seen.asset.get("led_by") in {None, "local plan"} else f"{seen.asset['led_by']} leads it"


def _stale(seen: Seen) -> str:
    return "all inputs are well" if seen.view["stage"] == "WELL" else ""


def _suspect(seen: Seen) -> str:
    found = seen.view["grid"]["verdict"]
    return "" if found == "suspect" else f"the grid meter is judged {found}"


def _tried(seen: Seen) -> str:
    found = seen.view["grid"]["verdict"]
    return "" if found == "implausible" else f"the grid meter is judged {found}"


def _lost(seen: Seen) -> str:
    state = seen.view["grid"]["state"]
    return "" if state in {"lost", "never read"} else f"the grid meter is {state}"


def _implausible(seen: Seen) -> str:
    state = seen.view["grid"]["state"]
    return "" if state == "implausible" else f"the grid meter is {state}"


def _safe(seen: Seen) -> str:
    return "" if seen.view["stage"] == "SAFE" else f"the stage is {seen.view['stage']}"


def _contact(seen: Seen) -> str:
    found = seen.view["contacts"].get(seen.get("contact"))
    return "" if found is not None and found["acting"] else "it rests"


def _contact_lost(seen: Seen) -> str:
    found = seen.view["contacts"].get(seen.get("contact"), {})
    return "" if found.get("why") == "cannot be read" else f"it {found.get('why', 'is not there')}"


def _contested(seen: Seen) -> str:
    point = seen.asset["command"]["point"]
    found = ("output.second_master", point) in _alarms(seen)
    return "" if found else "no alarm of another controller stands"


def _on(seen: Seen) -> str:
    return "" if seen.value > 0.0 or _sort(seen) == "steps" else "it is off"


def _off(seen: Seen) -> str:
    """Compare a state of off with the order: an asset that is off has an order of 0, or none."""
    return _nothing(seen) if "command" in seen.asset else ""


def _unordered(seen: Seen) -> str:
    return f"it is ordered {seen.value:g}" if "command" in seen.asset else ""


def _battery(seen: Seen) -> str:
    return "" if seen.asset["role"] == "battery" else f"it is a {seen.asset['role']}"


def _alarmed(code: str) -> Callable[[Seen], str]:
    """Return a rule: an alarm of this code is active, of whatever subject."""

    def rule(seen: Seen) -> str:
        return "" if any(one == code for one, _ in _alarms(seen)) else f"no alarm {code} stands"

    return rule


def _alarmed_here(code: str) -> Callable[[Seen], str]:
    """Return a rule: an alarm of this code is active for the asset or one of its points."""

    def rule(seen: Seen) -> str:
        found = {of.partition(".")[0] for one, of in _alarms(seen) if one == code}
        return "" if seen.name in found else f"no alarm {code} of it stands"

    return rule


def _below(seen: Seen) -> str:
    """Compare a wait for 120 s of low import with how long the import has been low."""
    below_s = seen.view["restore"]["below_s"]
    is_over = below_s is not None and below_s > RESTORE_AFTER_S + SLACK_S + seen.slack_s
    return f"the import is low for {below_s:g} s" if is_over else _held(seen)


def _spread(seen: Seen) -> str:
    return _held(seen) if seen.view["restore"]["random_wait_s"] > 0.0 else "there is no random delay"


def _raises_nothing(seen: Seen) -> str:
    if seen.view["events"]["holds"]:
        return ""
    return _alarmed("grid.high_frequency")(seen) and "no event of the grid holds anything"


def _after_outage(seen: Seen) -> str:
    return _alarmed("grid.outage")(seen) and _alarmed("grid.after_outage")(seen)


def _rises_slowly(seen: Seen) -> str:
    return "" if seen.view["events"]["ceiling_w"] is not None else "nothing limits the rise"


def _voltage(seen: Seen) -> str:
    return "" if seen.view["events"]["voltage_pct"] else "no voltage is read"


def _no_voltage(seen: Seen) -> str:
    return "a voltage is read" if seen.view["events"]["voltage_pct"] else ""


def _autonomous(seen: Seen) -> str:
    return "" if seen.view["mode"] == "AUTONOMOUS" else f"the link is {seen.view['mode']}"


def _node(seen: Seen) -> str:
    names = {node["name"] for node in seen.view.get("nodes", ())}
    return "" if seen.get("node") in names else f"there is no node {seen.get('node')}"


def _tree(seen: Seen) -> str:
    return "" if seen.view.get("nodes") else "no fuse is declared"


def _supply(seen: Seen) -> str:
    name = seen.get("supply")
    return "" if name in seen.view["supplies"] else f"there is no supply {name}"


def _apparent(seen: Seen) -> str:
    unit = seen.view["grid"]["unit"]
    return "" if unit == "VA" else f"the grid meter tells {unit}"


def _unseen(seen: Seen) -> str:
    return "its power is known" if seen.asset.get("quality") == "good" else ""


def _deaf(seen: Seen) -> str:
    codes = {part["code"] for part in parts(seen.asset.get("state_reason", {"code": ""}))}
    return "" if "state.deaf" in codes else "it obeys"


def _run(*states: str) -> Callable[[Seen], str]:
    """A rule: its run is in one of these states; waste that is collected shows no run."""

    def rule(seen: Seen) -> str:
        if "run" not in seen.asset:
            return ""
        found = seen.asset["run"]["state"]
        return "" if found in states else f"its run is {found}"

    return rule


def _run_late(seen: Seen) -> str:
    return "" if seen.asset.get("run", {}).get("late", True) else "its run is not late"


def _sort(seen: Seen) -> str:
    return "" if seen.output is None else seen.output.sort


AT_ONCE: Mapping[str, Callable[[Seen], str]] = {
    "battery.discharges": _less,
    "battery.discharges_less": _less,
    "battery.serves_grid": _less,
    "battery.charges": _more,
    "battery.charges_less": _more,
    "battery.stops_charging": _nothing,
    "battery.stops_discharging": _nothing,
    "charging.slowed": _more,
    "charging.paused": _nothing,
    "charging.paused_unread": _nothing,
    "charging.resumes": _more,
    "charging.faster": _more,
    "load.shed": _nothing,
    "load.on": _more,
    "generation.off": _nothing,
    "generation.stopped": _nothing,
    "car.waits": _nothing,
    "car.shares": _more,
    "car.none": _more,
    "car.demand": _more,
    "minimum_time.off_early": _off_early,
    "restore.below_cap": _on,
    "restore.pv_fits": _on,
    "car.rises": _more,
    **dict.fromkeys(("self_consumption", "grid.target", "meter.trial"), _battery),
    **dict.fromkeys(("plan.charges", "plan.discharges", "plan.stored_worth"), _battery),
    **dict.fromkeys(("state.measured", "state.not_ordered", "output.no_fallback"), _unordered),
    "state.steered": _battery,
}
"""Rules of code and order: the two are written together, so that they agree in each cycle."""
IN_TIME: Mapping[str, Callable[[Seen], str]] = {
    **{f"cap.{way}": _cap for way in ("import", "export", "generation", "consumption")},
    "minimum_time.on": _minimum_on,
    "tier.off": _tier_off,
    "grid.frequency": _frequency,
    "grid.frequency_well": _frequency,
    "grid.frequency_lost": _frequency_lost,
    "battery.serves_grid": _acts,
    "free": _free,
    "restore.waits": _held,
    "restore.found_off": _held,
    "battery.discharges": _gives,
    "battery.discharges_less": _gives,
    "battery.charges": _takes,
    "battery.charges_less": _takes,
    "battery.full": _full,
    "battery.empty": _empty,
    "hand.orders": _ordered,
    "document.orders": _ordered,
    "plan.leads": _planned,
    "inputs.stale": _stale,
    "meter.suspect": _suspect,
    "meter.trial_again": _tried,
    "meter.lost": _lost,
    "meter.implausible": _implausible,
    "limit.failsafe_meter_lost": _safe,
    "limit.failsafe_meter_implausible": _safe,
    "contact.acts": _contact,
    "contact.waiting": _contact,
    "contact.held": _contact,
    "contact.lost": _contact_lost,
    "conflict.safe": _contested,
    "conflict.lowered": _contested,
    "conflict.though": _contested,
    **dict.fromkeys(("cap.fits", "restore.apart", "state.limited", "state.held"), _held),
    **dict.fromkeys((f"generation.{how}" for how in ("curtailed", "share", "further", "rises")), _held),
    "restore.below": _below,
    "restore.spread": _spread,
    "grid.nothing_raised": _raises_nothing,
    "grid.after_outage": _after_outage,
    "grid.rises_slowly": _rises_slowly,
    "grid.frequency_high": _alarmed("grid.high_frequency"),
    **dict.fromkeys(("grid.voltage", "grid.voltage_well"), _voltage),
    "grid.voltage_lost": _no_voltage,
    "command.shed": _acts,
    "limit.autonomous": _autonomous,
    **dict.fromkeys(("fuse.node", "fuse.node_phase", "node.power"), _node),
    "fuse.main_phase": _tree,
    **dict.fromkeys(("supply.subscribed", "supply.warns", "supply.warned"), _supply),
    "meter.no_export": _apparent,
    **dict.fromkeys(("generation.blind", "meter.was_lost"), _safe),
    "car.deaf": _deaf,
    **dict.fromkeys(
        (
            *("plan.waits", "plan.charges_car", "plan.car_waits", "plan.car_has_all", "plan.heats"),
            *("plan.runs", "plan.waits_until", "plan.heated", "plan.nothing_by_then", "plan.done_by_then"),
        ),
        _planned,
    ),
    "plan.doubted": _alarmed("clock.contradicted"),
    "hand.maintenance": _ordered,
    "input.power_unknown": _unseen,
    "output.second_master": _alarmed_here("output.second_master"),
    "output.fallback_lost": _alarmed_here("output.fallback_lost"),
    **dict.fromkeys(("state.shed", "state.paused", "state.off"), _off),
    "run.done": _run("done"),
    **dict.fromkeys(("run.begun", "run.begun_late"), _run("begun")),
    **dict.fromkeys(("run.due", "run.waits"), _run("owed")),
    "run.late": _run_late,
}
"""Rules of state or measurement, by code: a reason may be outdated until its order is written again."""


def parts(reason: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield all parts of a reason, with those of the source of its limit."""
    here: Mapping[str, Any] | None = reason
    while here:
        yield here
        if "source" in here:
            yield from parts(here["source"])
        here = here.get("more")
