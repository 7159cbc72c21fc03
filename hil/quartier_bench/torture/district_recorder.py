"""Take the part of the district on a real broker: store samples, sign documents, measure the age of live
data and the times to answers.

Answers: reception and verdict, see spec/sync.md#ack.
"""

import json
import threading
import time
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from quartier_bench.torture.sample_audit import (
    ReceivedSamples,
    SequenceCheck,
    compute_digest,
    compute_quantile,
)
from quartier_district import sparkplug
from quartier_district.gateway_session import GatewaySession, TopicNames
from quartier_district.signed_documents import SigningKey, make_heartbeat
from quartier_sim.site_clock import RigClock

RECEIVED_MAX_S, VERDICT_MAX_S = 2.0, 5.0
_FINAL_STATUSES = frozenset({"ACCEPTED", "REJECTED"})


@dataclass
class AnswerTimes:
    """By the number of a document: when it was sent, and how many seconds later each answer came first."""

    sent_s: dict[int, float] = field(default_factory=dict)
    received_s: dict[int, float] = field(default_factory=dict)
    verdict_s: dict[int, float] = field(default_factory=dict)

    def ask(self, seq: int, now_s: float) -> None:
        """A document with this number is sent now."""
        self.sent_s[seq] = now_s

    def take(self, ack: Mapping[str, Any], now_s: float) -> None:
        """Note an answer; one to a document that was not sent is ignored.

        A document that is refused on arrival has one answer, which is its receipt and its result.
        """
        seq, status = ack.get("seq"), ack.get("status")
        if not isinstance(seq, int) or (sent_s := self.sent_s.get(seq)) is None:
            return
        if status == "NEW" or status in _FINAL_STATUSES:
            self.received_s.setdefault(seq, now_s - sent_s)
        if status in _FINAL_STATUSES:
            self.verdict_s.setdefault(seq, now_s - sent_s)

    @property
    def waiting_count(self) -> int:
        """Number of documents that wait for a verdict."""
        return len(self.sent_s.keys() - self.verdict_s.keys())

    @property
    def figures(self) -> dict[str, float]:
        """Medians and worst."""
        found: dict[str, float] = {"asked": len(self.sent_s)}
        for name, times in (("received", self.received_s), ("judged", self.verdict_s)):
            found[f"{name}_p50_s"] = compute_quantile(times.values(), 0.5)
            found[f"{name}_max_s"] = max(times.values(), default=0.0)
        return found

    @property
    def fault(self) -> str:
        """Late or missing answers, as text; empty if there are none."""
        if self.waiting_count:
            return f"{self.waiting_count} of {len(self.sent_s)} documents were not answered"
        worst = self.figures
        if worst["received_max_s"] > RECEIVED_MAX_S:
            return f"a document was received after {worst['received_max_s']:.1f} s, owed {RECEIVED_MAX_S:g}"
        if worst["judged_max_s"] > VERDICT_MAX_S:
            return f"a document was judged after {worst['judged_max_s']:.1f} s, owed {VERDICT_MAX_S:g}"
        return ""


HEARTBEAT_S, WATERMARK_S = 30.0, 20.0
EVENT_STREAM = "event"
_KEEPALIVE_S = 60


@dataclass
class ReceivedMessages:
    """All messages to the district: read by the runner, written by paho's thread under ``lock``."""

    session: GatewaySession
    held: ReceivedSamples = field(default_factory=ReceivedSamples)
    order: SequenceCheck = field(default_factory=SequenceCheck)
    live_age_s: "array[float]" = field(default_factory=lambda: array("d"))
    late_count: int = 0
    bytes_count: int = 0
    acks: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    prompt: AnswerTimes = field(default_factory=AnswerTimes)

    def take(self, topic: str, payload: bytes, now_ms: int) -> bool:
        """One message; returns whether it was a node's birth."""
        self.bytes_count += len(topic) + len(payload)
        line = self.session.take(topic, payload, now_ms)
        kind = line.get("kind")
        if kind == "NBIRTH":
            self.order.begin()
        elif kind == "ack":
            self.prompt.take(line["body"], time.monotonic())
            self.acks.append(line["body"])
        elif kind == EVENT_STREAM:
            self._event(line["body"])
        elif "first" in line:
            self._samples(line, now_ms)
        return kind == "NBIRTH"

    def _event(self, body: dict[str, Any]) -> None:
        """Store an event as a sample of the stream ``event``; its key is in its body."""
        boot, seq = int(body["boot"]), int(body["seq"])
        if (EVENT_STREAM, boot) not in self.session.ledger.held or not self._holds(boot, seq):
            self.session.ledger.take(EVENT_STREAM, boot, seq, 1)
        text = json.dumps({"text": body["text"], "data": body["data"]}, sort_keys=True)
        self.held.take(
            EVENT_STREAM, boot, seq, [compute_digest(str(body["code"]), int(body["ts"]), text, 192)]
        )
        self.events.append(body)

    def _holds(self, boot: int, seq: int) -> bool:
        spans = self.session.ledger.held[EVENT_STREAM, boot].spans
        return any(first <= seq <= last for first, last in spans)

    def _samples(self, line: Mapping[str, Any], now_ms: int) -> None:
        stream, boot, first, late = line["stream"], line["boot"], line["first"], line["historical"]
        metrics = line["metrics"]
        self.order.take(stream, boot, first, len(metrics), late=late)
        self.held.take(stream, boot, first, [compute_digest(*metric) for metric in metrics])
        if late:
            self.late_count += len(metrics)
        elif metrics:
            self.live_age_s.append((now_ms - min(metric[1] for metric in metrics)) / 1000)


class DistrictRecorder:
    """One district for one gateway.  ``loop`` is called by the runner as time passes (``turn``)."""

    def __init__(self, port: int, names: TopicNames, clock: RigClock, key: SigningKey) -> None:
        self.key = key
        self.names = names
        self.told = ReceivedMessages(GatewaySession(names))
        self.lock = threading.RLock()
        self.heartbeat_on = self.watermark_on = True
        self._port = port
        self._clock = clock
        self._due = {"heartbeat": 0.0, "watermark": 0.0}
        self._seq = 0
        self._client = self._made()

    def _made(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"{self.names.group}.recorder", protocol=mqtt.MQTTv5
        )
        client.reconnect_delay_set(1, 1)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        return client

    def start(self) -> None:
        """Connect, and again for as long as it takes; after ``stop`` with what is held already."""
        self._client = self._made()  # one that was stopped leaks its sockets when it is started again
        self._client.connect_async("127.0.0.1", self._port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def is_connected(self) -> bool:
        """Return whether the broker hears us."""
        return bool(self._client.is_connected())

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        companion = self.names.companion
        topics = (f"spBv1.0/{self.names.group}/#", f"{companion}/ack", f"{companion}/event")
        client.subscribe([(topic, 1) for topic in topics])

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with self.lock:
            born = self.told.take(message.topic, bytes(message.payload), self._clock.utc_ms())
        if born:
            self._due["watermark"] = 0.0

    # Messages of the district

    def turn(self) -> None:
        """Send what is due: a heartbeat each 30 s of plant time, a watermark each 20 s and after births."""
        now_s = self._clock.elapsed_s()
        if not self.is_connected:
            return
        if self.heartbeat_on and now_s >= self._due["heartbeat"]:
            self._due["heartbeat"] = now_s + HEARTBEAT_S
            self.say(self.names.heartbeat, make_heartbeat(self._clock.utc_ms()), qos=0)
        if self.watermark_on and now_s >= self._due["watermark"]:
            self._due["watermark"] = now_s + WATERMARK_S
            self.acknowledge()

    def acknowledge(self) -> None:
        """Publish watermarks up to the first hole, and no further."""
        with self.lock:
            if self.told.session.bdseq is None:
                return
            payload = self.told.session.watermark(self._clock.utc_ms())
            self.told.order.acknowledged = self.told.session.ledger.watermark
        self.say(f"{self.names.companion}/watermark", payload, retain=True)

    def say(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish a document, signed."""
        self._publish(topic, payload, qos=qos, retain=retain, signature=self.key.sign(topic, payload))

    def rebirth(self) -> None:
        """Ask for births."""
        self._publish(self.names.command, sparkplug.make_rebirth(self._clock.utc_ms()), qos=0)

    def publish_unchecked(self, topic: str, payload: bytes, signature: str | None) -> None:
        """Publish anything, with any signature or none."""
        self._publish(topic, payload, qos=1, signature=signature)

    def next_seq(self) -> int:
        """The number of the next document: Unix milliseconds, rising."""
        self._seq = max(self._seq + 1, self._clock.utc_ms())
        return self._seq

    def forget_numbers(self) -> None:
        """As after a restore from a backup: what was sent last is not known."""
        self._seq = 0

    def _publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool = False, signature: str | None = None
    ) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho has no types here
        if signature is not None:
            properties.UserProperty = ("sig", signature)
        self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)


def write_issuers_file(folder: Path, *keys: tuple[SigningKey, tuple[str, ...]]) -> Path:
    """The key list of the gateway; the last one is the newest."""
    path = folder / "issuers.json"
    path.write_text(json.dumps([key.listing(types) for key, types in keys]))
    return path
