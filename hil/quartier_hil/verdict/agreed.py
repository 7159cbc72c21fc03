"""Check that the reasons of the gateway agree with its orders, limits and measurements (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier_hil.outputs import Output
from quartier_hil.verdict.checks import Ending, Verdict, counted
from quartier_hil.verdict.reasonrules import AT_ONCE, IN_TIME, Seen, parts

WRITTEN_WITHIN_S = 25.0
"""Longest validity of a reason: an order is written again after 20 s at the latest, with a new reason."""
EACH_S = 5.0
"""Interval at which an unchanged reason is compared again, s."""


@dataclass
class ReasonsAgree:
    """Check of every run: no reason contradicts an order, a measurement or a limit in force.

    ``slack_s`` is the most by which a status may be read later than the cycle that it shows.
    """

    outputs: Mapping[str, Output] = field(default_factory=dict)
    slack_s: float = 0.0
    count: int = 0
    broken: str = ""
    looked: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    since: dict[tuple[str, str], float] = field(default_factory=dict)
    turned: dict[str, tuple[bool, float | None]] = field(default_factory=dict)

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: the views of the cycles come by ``look``."""

    def begin(self) -> None:
        """Forget the past at a start of the gateway: it is unknown since when an asset is on."""
        self.looked, self.since, self.turned = {}, {}, {}

    def look(self, now_s: float, view: Mapping[str, Any]) -> None:
        """Compare each reason with everything else that the daemon shows of this cycle."""
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
        told = [asset[key] for key in ("command", "state_reason") if key in asset]
        found = [part for reason in told for part in parts(reason)]
        for part in found:
            self.count += 1
            seen = Seen(name, asset, view, part, on_s, self.outputs.get(name), self.slack_s)
            code = part["code"]
            if (rule := AT_ONCE.get(code)) is not None and (why := rule(seen)):
                self._report(now_s, seen, why)
            if (rule := IN_TIME.get(code)) is None:
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

    def _report(self, now_s: float, seen: Seen, why: str) -> None:
        if not self.broken:
            order = seen.asset.get("command", {}).get("reason", "")
            said = "; ".join(filter(None, (seen.asset.get("state", ""), order)))
            self.broken = f"{seen.name} at {now_s:.0f} s says {said!r} ({seen.part['code']}), but {why}"

    def verdict(self, _: Ending) -> Verdict:
        """Return the verdict with the first reason that does not agree."""
        promised = "each reason agrees with its order, with the limits in force and with what is measured"
        unshown = "" if self.count else "no reason was seen"
        measured = self.broken or counted(self.count, "comparison")
        return Verdict("reasons-agree", promised, measured, not self.broken, unshown)
