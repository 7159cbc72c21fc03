"""State of each building as the district sees it, its quarter-hour means, and the load of all (pure).

Births, data, reports, sent documents, and whether the building can be counted on.
"""

import json
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from quartier_district.fleet.district_file import BuildingEntry, DistrictFile
from quartier_district.fleet.sent_documents import SentDocuments
from quartier_district.gateway_session import GatewaySession, TopicNames

QUARTER_MS = 900_000
QUARTERS_MAX_COUNT = 192
# A value stands so long without another word; counters come each minute.
_VALUE_VALID_MS = 120_000


@dataclass
class QuarterMeans:
    """``means_w`` by the start of their quarter; one that was not seen whole is not there."""

    means_w: "OrderedDict[int, float]" = field(default_factory=OrderedDict)
    _value_w: float | None = None
    _since_ms: int = 0
    _seen_ms: int = 0
    _sum: float = 0.0

    def see(self, value_w: float, now_ms: int) -> None:
        """The value from now on."""
        self._go_on(now_ms)
        self._value_w, self._since_ms = value_w, now_ms

    def lose(self) -> None:
        """Nothing is known any more until the next value."""
        self._value_w = None
        self._seen_ms, self._sum = 0, 0.0

    def _go_on(self, now_ms: int) -> None:
        """Let the last value stand until now; a gap makes its quarters unknown."""
        if self._value_w is None or not 0 <= now_ms - self._since_ms <= _VALUE_VALID_MS:
            self._seen_ms, self._sum = 0, 0.0
            return
        at_ms = self._since_ms
        while at_ms < now_ms:
            end_ms = min((at_ms // QUARTER_MS + 1) * QUARTER_MS, now_ms)
            self._sum += self._value_w * (end_ms - at_ms)
            self._seen_ms += end_ms - at_ms
            if end_ms % QUARTER_MS == 0:
                self._close(end_ms - QUARTER_MS)
            at_ms = end_ms

    def _close(self, start_ms: int) -> None:
        if self._seen_ms == QUARTER_MS:
            self.means_w[start_ms] = self._sum / QUARTER_MS
            while len(self.means_w) > QUARTERS_MAX_COUNT:
                self.means_w.popitem(last=False)
        self._seen_ms, self._sum = 0, 0.0


LATE_S = 90.0
SILENT_S = 180.0
EXCESS_MAX_S = 120.0
"""Time for which it may exceed its cap, s: measured within 30 s, and a breach is a mean of 60 s."""
"""Counters come each 60 s, so a building that is well is never quieter than that."""
LINK_STATES = ("INIT", "CONTROLLED", "HOLD", "FAILSAFE", "AUTONOMOUS")
ENVELOPE, FAILSAFE, SCHEDULE = "envelope", "failsafe", "schedule"


class Availability(StrEnum):
    """Degree to which a building can be counted on."""

    LIVE = "live"
    OVER = "over"
    LATE = "late"
    SILENT = "silent"


@dataclass
class BuildingState:
    """State of one building; times are Unix milliseconds of the district's clock."""

    place: BuildingEntry
    names: TopicNames
    session: GatewaySession = field(init=False)
    sent_documents: dict[str, SentDocuments] = field(default_factory=dict)
    """Documents sent to it, by the topic below its companion root."""
    values: dict[str, float] = field(default_factory=dict)
    """Its latest numbers, ``asset.quantity``; the gateway's own under ``gateway``."""
    report: dict[str, Any] | None = None
    quarters: QuarterMeans = field(default_factory=QuarterMeans)
    last_seen_ms: int | None = None
    over_ms: int | None = None
    """Since when it takes more than it may."""
    events: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Its Sparkplug session."""
        self.session = GatewaySession(self.names)

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
            self.report = parse_report(line["body"])
        elif kind == "event":
            self._event(line["body"])
        elif kind in {"NDEATH", "DDEATH"}:
            self._forget(str(line["stream"]))
        if kind in {"NBIRTH", "NDATA", "DBIRTH", "DDATA"} and not line.get("historical"):
            self.last_seen_ms = now_ms
            self._numbers(str(line["stream"]), line.get("metrics", ()), now_ms)
        return line

    def _answer(self, ack: dict[str, Any], now_ms: int) -> None:
        for letters in self.sent_documents.values():
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

    def find_sent_documents(self, topic: str) -> SentDocuments:
        """Return the documents sent to it on a topic."""
        return self.sent_documents.setdefault(topic, SentDocuments())

    def standing(self, now_ms: int) -> Availability:
        """Return the degree to which it can be counted on now."""
        if not self.session.online or self.last_seen_ms is None:
            return Availability.SILENT
        age_s = (now_ms - self.last_seen_ms) / 1e3
        if age_s > SILENT_S:
            return Availability.SILENT
        if age_s > LATE_S:
            return Availability.LATE
        over = self.over_ms is not None and now_ms - self.over_ms > EXCESS_MAX_S * 1e3
        return Availability.OVER if over else Availability.LIVE

    def watch(self, now_ms: int) -> None:
        """Compare what it takes with what it may hold; to be called often."""
        cap_w = self.find_sent_documents(f"{ENVELOPE}/district").list_possible_limits_w(
            "import", (now_ms,), self.place.share_w("import")
        )[0]
        is_over = (self.power_w or 0.0) > cap_w + max(0.02 * cap_w, 200.0)
        self.over_ms = (self.over_ms or now_ms) if is_over else None

    def why(self, now_ms: int) -> str:
        """Its state in words."""
        if self.last_seen_ms is None:
            return "never heard"
        if not self.session.online:
            return "its gateway has left"
        age_s = (now_ms - self.last_seen_ms) / 1e3
        if self.standing(now_ms) is Availability.OVER:
            return "it takes more than its cap: counted at that"
        if self.standing(now_ms) is not Availability.LIVE:
            return f"no word for {age_s:.0f} s: counted at its share"
        return self._explain_envelope()

    def _explain_envelope(self) -> str:
        last = self.find_sent_documents(f"{ENVELOPE}/district").last
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
        return LINK_STATES[int(index)] if index is not None and 0 <= index < len(LINK_STATES) else ""

    @property
    def power_w(self) -> float | None:
        """Power at its connection, W, import plus; None if unknown."""
        return self.values.get("grid.power_w")


def parse_report(body: Any) -> dict[str, Any]:
    """A flexibility report that can be counted with.  Raises ValueError or TypeError where it is none."""
    if not isinstance(body, dict) or not isinstance(body.get("devices"), list):
        raise TypeError("the report names no devices")
    frame = body.get("forecast")
    if not isinstance(frame, dict) or int(frame["start"]) < 0 or int(frame["step_s"]) <= 0:
        raise ValueError("the report's forecast has no steps")
    devices = [one for one in body["devices"] if isinstance(one, dict) and isinstance(one.get("device"), str)]
    return {**body, "devices": devices}


def encode_json(body: Any) -> bytes:
    """JSON as it goes over the wire."""
    return json.dumps(body, separators=(",", ":")).encode()


SAMPLE_S = 15.0
TRACE_S = 6 * 3_600.0


@dataclass(frozen=True, slots=True)
class LoadSample:
    """One moment: the sum of what was measured, and what of it was only assumed, in W."""

    at_ms: int
    load_w: float
    assumed_w: float


@dataclass
class LoadTrace:
    """Samples each ``SAMPLE_S``, the oldest first."""

    samples: "deque[LoadSample]" = field(default_factory=lambda: deque(maxlen=int(TRACE_S / SAMPLE_S)))

    def see(self, members: Iterable[BuildingState], roster: DistrictFile, now_ms: int) -> None:
        """Record the present moment; a silent building counts at its share."""
        if self.samples and now_ms - self.samples[-1].at_ms < SAMPLE_S * 1e3:
            return
        load_w, assumed_w = roster.transformer.other_w, roster.transformer.other_w
        for member in members:
            power_w = member.power_w
            if power_w is None or member.standing(now_ms) not in {Availability.LIVE, Availability.OVER}:
                power_w = member.place.share_w("import")
                assumed_w += power_w
            load_w += power_w
        self.samples.append(LoadSample(now_ms, load_w, assumed_w))

    @property
    def last_w(self) -> float | None:
        """The newest load."""
        return self.samples[-1].load_w if self.samples else None
