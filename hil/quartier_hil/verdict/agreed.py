"""Whether the reasons that the gateway gives agree with its orders, limits and measurements (pure).

Each rule is of some codes of ``gateway/docs/reasons.md``.  It reads what the daemon shows of a cycle, and
says what contradicts the reason that stands beside an order.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier_hil.outputs import Output
from quartier_hil.verdict.checks import Ending, Verdict

ZERO_W = 0.5
"""Less than this is ordered as 0 W."""
WRITTEN_WITHIN_S = 25.0
"""An order is written again after 20 s at the latest: what was true then may be told for so long."""
EACH_S = 5.0
"""So often a reason that stands is looked at again."""
ANSWER_W = 300.0
"""What a battery may miss its order by: that far it may move the other way."""
LIMIT_W, SOC_PCT, SLACK_S = 1.0, 1.0, 3.0
"""What rounds: a limit, a state of charge, a time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One reason beside an order: ``asset`` and ``view`` as the daemon shows them, ``part`` of the reason.

    ``on_s`` is how long it is on; None where that is not known.
    """

    name: str
    asset: Mapping[str, Any]
    view: Mapping[str, Any]
    part: Mapping[str, Any]
    on_s: float | None = None
    output: Output | None = None

    @property
    def value(self) -> float:
        """What is ordered."""
        return float(self.asset["command"]["value"])

    def get(self, name: str) -> Any:
        """One value of the reason."""
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
    """What is measured; None where nobody sees it, or an alarm says that the asset does not obey."""
    if seen.asset.get("quality") != "good" or seen.name in {of.partition(".")[0] for _, of in _alarms(seen)}:
        return None
    return float(seen.asset["power_w"])


def _alarms(seen: Seen) -> Iterator[tuple[str, str]]:
    return (one.key for one in seen.view["alarms"] if hasattr(one, "key"))


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
        if seen.on_s <= least_s + SLACK_S
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
}
"""Rules of code and state, or measurement: a reason may stand until its order is written again."""


def parts(reason: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All parts of a reason, with whose limit it is."""
    here: Mapping[str, Any] | None = reason
    while here:
        yield here
        if "source" in here:
            yield from parts(here["source"])
        here = here.get("more")


@dataclass
class ReasonsAgree:
    """Of every run: no reason contradicts what is ordered, measured or in force."""

    outputs: Mapping[str, Output] = field(default_factory=dict)
    count: int = 0
    broken: str = ""
    looked: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    since: dict[tuple[str, str], float] = field(default_factory=dict)
    turned: dict[str, tuple[bool, float | None]] = field(default_factory=dict)

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """What is seen comes by ``look``."""

    def begin(self) -> None:
        """The gateway starts anew: nobody knows since when what stands is on."""
        self.looked, self.since, self.turned = {}, {}, {}

    def look(self, now_s: float, view: Mapping[str, Any]) -> None:
        """Compare each reason with all else that the daemon shows of this cycle."""
        for name, asset in view["assets"].items():
            command = asset.get("command")
            if command is None:
                self.turned.pop(name, None)
                continue
            on_s = self._on_s(name, on=command["value"] > 0.0, now_s=now_s)
            last_s, value, reason = self.looked.get(name, (now_s - EACH_S, 0.0, ""))
            if (value, reason) == (command["value"], command["reason"]) and now_s - last_s < EACH_S:
                continue
            self.looked[name] = now_s, command["value"], command["reason"]
            self._compare(now_s, name, asset, view, on_s)

    def _on_s(self, name: str, *, on: bool, now_s: float) -> float | None:
        known = self.turned.get(name)
        if known is None or known[0] != on:
            known = self.turned[name] = on, None if known is None else now_s
        return None if known[1] is None or not on else now_s - known[1]

    def _compare(
        self, now_s: float, name: str, asset: Mapping[str, Any], view: Mapping[str, Any], on_s: float | None
    ) -> None:
        for part in parts(asset["command"]):
            self.count += 1
            seen = Seen(name, asset, view, part, on_s, output=self.outputs.get(name))
            code = part["code"]
            if (rule := AT_ONCE.get(code)) is not None and (why := rule(seen)):
                self._report(now_s, seen, why)
            if (rule := IN_TIME.get(code)) is None:
                continue
            if why := rule(seen):
                since_s = self.since.setdefault((name, code), now_s)
                if now_s - since_s > WRITTEN_WITHIN_S:
                    self._report(now_s, seen, why)
            else:
                self.since.pop((name, code), None)
        self._forget(name, {part["code"] for part in parts(asset["command"])})

    def _forget(self, name: str, codes: set[str]) -> None:
        for key in [key for key in self.since if key[0] == name and key[1] not in codes]:
            del self.since[key]

    def _report(self, now_s: float, seen: Seen, why: str) -> None:
        if not self.broken:
            reason = seen.asset["command"]["reason"]
            self.broken = f"{seen.name} at {now_s:.0f} s says {reason!r} ({seen.part['code']}), but {why}"

    def verdict(self, _: Ending) -> Verdict:
        """The first that does not agree."""
        promised = "each reason agrees with its order, with the limits in force and with what is measured"
        return Verdict("reasons-agree", promised, self.broken or f"{self.count} looks", not self.broken)
