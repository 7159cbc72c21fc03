"""One building as the district sees it: births, data, reports, what it was told, and how it stands (pure)."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from quartier_hil.district.fleet.letters import Letters
from quartier_hil.district.fleet.quarters import Quarters
from quartier_hil.district.fleet.roster import Place
from quartier_hil.district.session import Names, Session

LATE_S = 90.0
SILENT_S = 180.0
OVER_S = 120.0
"""Time for which it may exceed its cap, s: measured within 30 s, and a breach is a mean of 60 s."""
"""Counters come each 60 s, so a building that is well is never quieter than that."""
MODES = ("INIT", "CONTROLLED", "HOLD", "FAILSAFE", "AUTONOMOUS")
ENVELOPE, FAILSAFE, SCHEDULE = "envelope", "failsafe", "schedule"


class Standing(StrEnum):
    """Degree to which a building can be counted on."""

    LIVE = "live"
    OVER = "over"
    LATE = "late"
    SILENT = "silent"


@dataclass
class Member:
    """State of one building; times are Unix milliseconds of the district's clock."""

    place: Place
    names: Names
    session: Session = field(init=False)
    letters: dict[str, Letters] = field(default_factory=dict)
    """Documents sent to it, by the topic below its companion root."""
    values: dict[str, float] = field(default_factory=dict)
    """Its latest numbers, ``asset.quantity``; the gateway's own under ``gateway``."""
    report: dict[str, Any] | None = None
    quarters: Quarters = field(default_factory=Quarters)
    seen_ms: int | None = None
    over_ms: int | None = None
    """Since when it takes more than it may."""
    events: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Its Sparkplug session."""
        self.session = Session(self.names)

    def take(self, topic: str, payload: bytes, now_ms: int) -> dict[str, Any]:
        """A message of the building; returns the line for the log.

        What is not of its form is a fault of this building, and changes nothing for the others.
        """
        try:
            return self._taken(topic, payload, now_ms)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.session.faults.append(f"{topic}: {error!r}")
            return {"at": now_ms, "kind": "fault", "what": f"{topic}: {error!r}"}

    def _taken(self, topic: str, payload: bytes, now_ms: int) -> dict[str, Any]:
        line = self.session.take(topic, payload, now_ms)
        kind = line["kind"]
        if kind == "ack":
            self._answer(line["body"], now_ms)
        elif kind == "flexibility":
            self.report = reported(line["body"])
        elif kind == "event":
            self._event(line["body"])
        elif kind in {"NDEATH", "DDEATH"}:
            self._forget(str(line["stream"]))
        if kind in {"NBIRTH", "NDATA", "DBIRTH", "DDATA"} and not line.get("historical"):
            self.seen_ms = now_ms
            self._numbers(str(line["stream"]), line.get("metrics", ()), now_ms)
        return line

    def _answer(self, ack: dict[str, Any], now_ms: int) -> None:
        for letters in self.letters.values():
            if any(letter.seq == ack.get("seq") for letter in letters.sent):
                letters.answer(ack, now_ms)
                return

    def _event(self, body: dict[str, Any]) -> None:
        """An event; the watermark covers it, so that it does not come again."""
        self.events = [*self.events[-19:], body]
        if isinstance(body.get("boot"), int) and isinstance(body.get("seq"), int):
            self.session.ledger.take("event", body["boot"], body["seq"], 1)

    def _numbers(self, stream: str, metrics: Any, now_ms: int) -> None:
        for metric in metrics:
            name, value = metric[0], metric[-1] if len(metric) == 2 else metric[2]
            good = len(metric) < 4 or metric[3] == 192
            # Points of the gateway and of buses come under their full name, in the node's stream.
            full = name if stream == "node" else f"{stream}.{name}"
            if isinstance(value, int | float) and good:
                self.values[full] = float(value)
            else:
                self.values.pop(full, None)
        if "grid.power_w" in self.values:
            self.quarters.see(self.values["grid.power_w"], now_ms)
        else:
            self.quarters.lose()

    def _forget(self, stream: str) -> None:
        """A device has left, or with the node all of them."""
        self.values = {
            name: value
            for name, value in self.values.items()
            if stream != "node" and not name.startswith(f"{stream}.")
        }
        if "grid.power_w" not in self.values:
            self.quarters.lose()

    def told(self, topic: str) -> Letters:
        """Return the documents sent to it on a topic."""
        return self.letters.setdefault(topic, Letters())

    def standing(self, now_ms: int) -> Standing:
        """Return the degree to which it can be counted on now."""
        if not self.session.online or self.seen_ms is None:
            return Standing.SILENT
        age_s = (now_ms - self.seen_ms) / 1e3
        if age_s > SILENT_S:
            return Standing.SILENT
        if age_s > LATE_S:
            return Standing.LATE
        over = self.over_ms is not None and now_ms - self.over_ms > OVER_S * 1e3
        return Standing.OVER if over else Standing.LIVE

    def watch(self, now_ms: int) -> None:
        """Compare what it takes with what it may hold; to be called often."""
        cap_w = self.told(f"{ENVELOPE}/district").may_hold_w(
            "import", (now_ms,), self.place.share_w("import")
        )[0]
        is_over = (self.power_w or 0.0) > cap_w + max(0.02 * cap_w, 200.0)
        self.over_ms = (self.over_ms or now_ms) if is_over else None

    def why(self, now_ms: int) -> str:
        """Its state in words."""
        if self.seen_ms is None:
            return "never heard"
        if not self.session.online:
            return "its gateway has left"
        age_s = (now_ms - self.seen_ms) / 1e3
        if self.standing(now_ms) is Standing.OVER:
            return "it takes more than its cap: counted at that"
        if self.standing(now_ms) is not Standing.LIVE:
            return f"no word for {age_s:.0f} s: counted at its share"
        return self._why_told()

    def _why_told(self) -> str:
        last = self.told(f"{ENVELOPE}/district").last
        if last is None:
            return "no envelope was sent yet"
        if not last.is_answered:
            return f"its envelope is not answered, sent {last.tries_count} times"
        if last.status == "REJECTED":
            return f"it refused its envelope: {last.reason}"
        return {"FAILSAFE": "it keeps its share: no heartbeat came", "AUTONOMOUS": "it is on its own"}.get(
            self.mode, "it follows its envelope"
        )

    @property
    def mode(self) -> str:
        """Its link state, by its own word."""
        index = self.values.get("gateway.mode_index")
        return MODES[int(index)] if index is not None and 0 <= index < len(MODES) else ""

    @property
    def power_w(self) -> float | None:
        """Power at its connection, W, import plus; None if unknown."""
        return self.values.get("grid.power_w")


def reported(body: Any) -> dict[str, Any]:
    """A flexibility report that can be counted with.  Raises ValueError or TypeError where it is none."""
    if not isinstance(body, dict) or not isinstance(body.get("devices"), list):
        raise TypeError("the report names no devices")
    frame = body.get("forecast")
    if not isinstance(frame, dict) or int(frame["start"]) < 0 or int(frame["step_s"]) <= 0:
        raise ValueError("the report's forecast has no steps")
    devices = [one for one in body["devices"] if isinstance(one, dict) and isinstance(one.get("device"), str)]
    return {**body, "devices": devices}


def written(body: Any) -> bytes:
    """JSON as it goes over the wire."""
    return json.dumps(body, separators=(",", ":")).encode()
