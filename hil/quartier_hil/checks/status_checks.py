"""Check the alarms and the reasons in the status of the gateway (pure)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import Any

from quartier_hil.checks.reasons.rules import ORDER_RULES, STATE_RULES
from quartier_hil.checks.reasons.view import (
    UNSHOWN_CODES,
    DeclaredSite,
    ReasonView,
    iterate_parts,
    list_alarm_keys,
)
from quartier_hil.checks.verdicts import RunData, Verdict, format_count
from quartier_hil.scenario import expectations as asked
from quartier_hil.scenario.outputs import Output

APART_MIN_S = 60.0
"""Shortest time between two raises of the same alarm, s (spec/failsafe.md#alarms)."""
SLACK_S = 2.0
"""Tolerance of the times, s: a status is read between two cycles."""
_ENDED = re.compile(r"; ended \d\d:\d\d:\d\d$")
_NUMBERS = re.compile(r"\d+(\.\d+)?")


def name_alarm(alarm: str) -> str:
    """Return the name of an alarm: code and subject where these are known, else its text without figures."""
    key = getattr(alarm, "key", None)
    return ":".join(key) if key else _remove_figures(alarm)


def _remove_figures(words: str) -> str:
    return _NUMBERS.sub("#", _ENDED.sub("", words))


@dataclass
class AlarmLog:
    """Alarms as (seconds of the site's clock, text): one entry each time an alarm is raised.

    A text that changes while the alarm is active makes one more entry where more than figures changed.
    ``spans`` are the moments at which each alarm was raised, by its name.
    """

    found: list[tuple[float, str]] = field(default_factory=list)
    spans: dict[str, list[float]] = field(default_factory=dict)
    standing: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def look(self, now_s: float, alarms: Iterable[str], names: Iterable[str] = ()) -> None:
        """Record the alarms that are active now; ``names`` are those of texts that do not know their code."""
        here: dict[str, frozenset[str]] = {}
        for one, known_name in zip_longest(alarms, names):
            name, plain = known_name or name_alarm(one), _remove_figures(one)
            known = self.standing.get(name, frozenset())
            if name not in self.standing and name not in here:
                self.spans.setdefault(name, []).append(now_s)
            if plain not in known | here.get(name, frozenset()):
                self.found.append((now_s, _ENDED.sub("", one)))
            here[name] = here.get(name, known) | {plain}
        self.standing = here


@dataclass
class AlarmFlappingCheck:
    """Check of every run: no alarm is raised more than once a minute while the daemon runs."""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: this check needs no values of the plant."""

    def verdict(self, ending: RunData) -> Verdict:
        """Return the number of alarms raised and the shortest time between two raises of the same one."""
        shortest_s, whose = float("inf"), ""
        for name, starts_s in ending.alarm_spans.items():
            for before_s, after_s in pairwise(starts_s):
                restarted = any(begin <= after_s and end >= before_s for begin, end in ending.downs)
                if not restarted and after_s - before_s < shortest_s:
                    shortest_s, whose = after_s - before_s, f"{name}, at {after_s:.0f} s"
        count = sum(map(len, ending.alarm_spans.values()))
        measured = f"{format_count(count, 'alarm')} raised"
        if whose:
            measured += f", the same one again after {shortest_s:.0f} s at least ({whose})"
        promised = f"the same alarm is raised at most once in {APART_MIN_S:g} s"
        return Verdict("alarms-held", promised, measured, shortest_s >= APART_MIN_S - SLACK_S)


@dataclass
class AlarmCheck:
    """Check that an alarm with given words was raised within a span, or never."""

    asked: asked.AlarmExpectation

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: this check needs no values of the plant."""

    def verdict(self, ending: RunData) -> Verdict:
        """Return the verdict with the time of the first such alarm."""
        wanted = self.asked
        times = [at_s for at_s, words in ending.alarms if wanted.words in words]
        inside = [at_s for at_s in times if wanted.from_s <= at_s <= wanted.until_s]
        if wanted.never:
            promised = f"no alarm with {wanted.words!r} from {wanted.from_s:g} s to {wanted.until_s:g} s"
            measured = (
                f"came {format_count(len(inside), 'time')}, first at {inside[0]:.0f} s"
                if inside
                else "never came"
            )
            return Verdict("alarmed", promised, measured, not inside)
        promised = f"an alarm with {wanted.words!r} from {wanted.from_s:g} s to {wanted.until_s:g} s"
        measured = (
            f"came {format_count(len(inside), 'time')}, first at {inside[0]:.0f} s"
            if inside
            else "never came"
        )
        if times and times[0] < wanted.from_s:
            return Verdict("alarmed", promised, f"came too early, at {times[0]:.0f} s", holds=False)
        return Verdict("alarmed", promised, measured, bool(inside))


WRITTEN_WITHIN_S = 25.0
"""Longest validity of a reason: an order is written again after 20 s at the latest, with a new reason."""
EACH_S = 5.0
"""Interval at which an unchanged reason is compared again, s."""


@dataclass
class ReasonCheck:
    """Check of every run: no reason contradicts an order, a measurement or a limit in force.

    ``slack_s`` is the most by which a status may be read later than the cycle that it shows.  ``site``
    is what the site file declares, ``measured`` the quantities of the plant, ``raised`` the codes of all
    alarms so far.
    """

    outputs: Mapping[str, Output] = field(default_factory=dict)
    slack_s: float = 0.0
    site: DeclaredSite | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    raised: frozenset[str] = frozenset()
    count: int = 0
    broken: str = ""
    looked: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    since: dict[tuple[str, str], float] = field(default_factory=dict)
    turned: dict[str, tuple[bool, float | None]] = field(default_factory=dict)

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        """Keep the quantities of the plant; the views of the cycles come by ``look``."""
        self.measured = values

    def begin(self) -> None:
        """Forget the past at a start of the gateway: it is unknown since when an asset is on."""
        self.looked, self.since, self.turned = {}, {}, {}

    def look(self, now_s: float, view: Mapping[str, Any]) -> None:
        """Compare each reason with everything else that the daemon shows of this cycle."""
        self.raised |= {code for code, _ in list_alarm_keys(view)}
        for name, asset in view["assets"].items():
            command, on_s = asset.get("command"), None
            if command is None:
                self.turned.pop(name, None)
                shown = 0.0, asset.get("state", "")
            else:
                on_s = self._on_s(name, on=command["value"] > 0.0, now_s=now_s)
                shown = command["value"], f"{asset.get('state', '')}: {command['reason']}"
            last_s, value, reason = self.looked.get(name, (now_s - EACH_S, 0.0, ""))
            if (value, reason) == shown and now_s - last_s < EACH_S:
                continue
            self.looked[name] = now_s, *shown
            self._compare(now_s, name, asset, view, on_s)

    def _on_s(self, name: str, *, on: bool, now_s: float) -> float | None:
        known = self.turned.get(name)
        if known is None or known[0] != on:
            known = self.turned[name] = on, None if known is None else now_s
        return None if known[1] is None or not on else now_s - known[1]

    def _compare(
        self, now_s: float, name: str, asset: Mapping[str, Any], view: Mapping[str, Any], on_s: float | None
    ) -> None:
        reasons = [asset[key] for key in ("command", "state_reason") if key in asset]
        found = [part for reason in reasons for part in iterate_parts(reason)]
        for part in found:
            self.count += 1
            seen = ReasonView(
                name,
                asset,
                view,
                part,
                on_s=on_s,
                output=self.outputs.get(name),
                slack_s=self.slack_s,
                site=self.site,
                measured=self.measured,
                raised=self.raised,
            )
            code = part["code"]
            if code in UNSHOWN_CODES:
                self._report(now_s, seen, "no order and no state has this reason")
            if (rule := ORDER_RULES.get(code)) is not None and (why := rule(seen)):
                self._report(now_s, seen, why)
            if (rule := STATE_RULES.get(code)) is None:
                continue
            if why := rule(seen):
                since_s = self.since.setdefault((name, code), now_s)
                if now_s - since_s > WRITTEN_WITHIN_S + self.slack_s:
                    self._report(now_s, seen, why)
            else:
                self.since.pop((name, code), None)
        self._forget(name, {part["code"] for part in found})

    def _forget(self, name: str, codes: set[str]) -> None:
        for key in [key for key in self.since if key[0] == name and key[1] not in codes]:
            del self.since[key]

    def _report(self, now_s: float, view: ReasonView, why: str) -> None:
        if not self.broken:
            order = view.asset.get("command", {}).get("reason", "")
            text = "; ".join(filter(None, (view.asset.get("state", ""), order)))
            self.broken = f"{view.name} at {now_s:.0f} s says {text!r} ({view.part['code']}), but {why}"

    def verdict(self, _: RunData) -> Verdict:
        """Return the verdict with the first reason that does not agree."""
        promised = "each reason agrees with its order, with the limits in force and with what is measured"
        unshown = "" if self.count else "no reason was seen"
        measured = self.broken or format_count(self.count, "comparison")
        return Verdict("reasons-agree", promised, measured, not self.broken, unshown)
