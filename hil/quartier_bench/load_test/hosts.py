"""One host of several that share the gateways of a district, partitioned by edge.

``python -m quartier_bench.load_test.hosts CONFIG.json``.  Sparkplug numbers the messages of an edge node,
so that
one host must hear all of an edge: each subscribes to the topics of its own.  Acknowledgements and events
have
keys of their own; where the broker has shared subscriptions the hosts take them in turn.  Orders are lines
on
stdin, each answered by one of JSON: ``look``, ``envelopes``, ``marks`` (what is held), ``quit``.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from quartier_bench.load_test.brokers import BROKER_HOST
from quartier_district.broker_connection import HostState
from quartier_district.gateway_session import GatewaySession, TopicNames
from quartier_district.signed_documents import EnvelopeRequest, SigningKey, make_envelope, make_heartbeat
from quartier_sim.site_clock import RigClock

WATERMARK_S, HEARTBEAT_S = 20.0, 30.0
_FILTERS_PER_SUBSCRIBE = 200
_DAY_MS = 86_400_000
_KEEPALIVE_S = 30


class DistrictHost:
    """One process's share; ``leads``: it sends the common heartbeat for all."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.group, self.leads = str(config["group"]), bool(config["leads"])
        self.sessions = {edge: GatewaySession(TopicNames(self.group, edge)) for edge in config["edges"]}
        self.key = SigningKey.load(Path(config["key"]))
        self.clock = RigClock(float(config["origin"]), 0.0, float(config["rate"]))
        self.lock = threading.Lock()
        self.ages_s: list[float] = []
        self.acks = self.heard = self.bytes = self.historical = 0
        self.accepted: set[str] = set()
        self.due: set[str] = set()
        self.born_s = self.late_s = 0.0
        self.losses = self.place = 0
        self.stopped = threading.Event()
        self._where = BROKER_HOST if "ca_file" in config else "127.0.0.1"
        self.client = self._client()
        state = f"spBv1.0/STATE/{config['name']}"
        self.presence = HostState(self.client, state, self.clock.utc_ms) if config["primary"] else None

    def _client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"{self.group}.{self.config['name']}", protocol=mqtt.MQTTv5
        )
        if "ca_file" in self.config:
            ca_file, name = Path(self.config["ca_file"]), str(self.config["name"])
            cert_file, key_file = (str(ca_file.with_name(f"{name}.{ending}")) for ending in ("pem", "key"))
            client.tls_set(str(ca_file), certfile=cert_file, keyfile=key_file)
        client.max_inflight_messages_set(200)
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(1, 2)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        filters = [(f"spBv1.0/{self.group}/+/{edge}/#", 1) for edge in self.sessions]
        if self.config["shares"]:
            filters += [(f"$share/hosts/quartier/v1/{self.group}/+/{kind}", 1) for kind in ("ack", "event")]
        else:
            filters += [
                (f"quartier/v1/{self.group}/{edge}/{w}", 1)
                for edge in self.sessions
                for w in ("ack", "event")
            ]
        for place in range(0, len(filters), _FILTERS_PER_SUBSCRIBE):
            client.subscribe(filters[place : place + _FILTERS_PER_SUBSCRIBE])
        if self.presence is not None:
            client.subscribe(self.presence.topic, 1)
            self.presence.announce_online()

    def _on_disconnect(self, *_: object) -> None:
        self.losses += 1
        ports = self.config["ports"]
        self.place = (self.place + 1) % len(ports)
        if not self.stopped.is_set():
            self.client.connect_async(self._where, ports[self.place], keepalive=_KEEPALIVE_S)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        now_ms = self.clock.utc_ms()
        if self.presence is not None and message.topic == self.presence.topic:
            self.presence.hear(bytes(message.payload))
            return
        with self.lock:
            self.heard += 1
            self.bytes += len(message.topic) + len(message.payload)
            if message.topic.startswith("quartier/"):
                self._answered(message.topic, bytes(message.payload))
                return
            edge = message.topic.split("/")[3]
            line = self.sessions[edge].take(message.topic, bytes(message.payload), now_ms)
            if line.get("kind") == "NBIRTH":
                self.due.add(edge)
                self.born_s = time.time()
            if line.get("historical"):
                self.historical += 1
                self.late_s = time.time()
            elif "first" in line and line["metrics"]:
                self.ages_s.append((now_ms - line["metrics"][0][1]) / 1000.0)

    def _answered(self, topic: str, payload: bytes) -> None:
        if topic.endswith("/ack"):
            self.acks += 1
            body = json.loads(payload)
            if body.get("status") == "ACCEPTED":
                self.accepted.add(topic.split("/")[3])

    def run(self) -> None:
        """Until ``quit``, or the end of stdin."""
        self.client.connect_async(self._where, self.config["ports"][0], keepalive=_KEEPALIVE_S)
        self.client.loop_start()
        for work in (self._watermarks, *([self._heartbeats] if self.leads else [])):
            threading.Thread(target=work, daemon=True).start()
        for order in map(str.strip, sys.stdin):
            if order == "quit":
                break
            print(json.dumps(self.answer(order)), flush=True)  # noqa: T201 - the answer
        self.stopped.set()
        if self.presence is not None:
            self.presence.leave()
        self.client.disconnect()
        self.client.loop_stop()

    def answer(self, order: str) -> dict[str, Any]:
        """One order's answer."""
        if order == "envelopes":
            return {"sent": self.envelopes()}
        with self.lock:
            if order == "marks":
                return {
                    edge: {stream: mark for stream, (_, mark) in session.ledger.watermark.items()}
                    for edge, session in self.sessions.items()
                }
            return self._figures()

    def _figures(self) -> dict[str, Any]:
        ages = sorted(self.ages_s)
        self.ages_s = []
        sessions = self.sessions.values()
        return {
            "connected": self.client.is_connected(),
            "online": sum(one.online for one in sessions),
            "births": sum(one.births_count for one in sessions),
            "samples": sum(one.ledger.samples_count for one in sessions),
            "repeats": sum(one.ledger.repeats_count for one in sessions),
            "seq_gaps": sum(one.seq_gaps_count for one in sessions),
            "faults": sum(len(one.faults) for one in sessions),
            "holes": sum(len(one.ledger.holes) for one in sessions),
            "heard": self.heard,
            "bytes": self.bytes,
            "historical": self.historical,
            "acks": self.acks,
            "accepted": len(self.accepted),
            "losses": self.losses,
            "last_born_s": self.born_s,
            "last_late_s": self.late_s,
            "age_p50_s": ages[len(ages) // 2] if ages else None,
            "age_p99_s": ages[len(ages) * 99 // 100] if ages else None,
            "age_max_s": ages[-1] if ages else None,
            "cpu_s": time.process_time(),
        }

    def envelopes(self) -> int:
        """One envelope for each of its edges, signed and retained."""
        now_ms = self.clock.utc_ms()
        for edge, session in self.sessions.items():
            request = EnvelopeRequest(
                intervals=[{"duration_s": 900, "import_max_w": 6000.0, "export_max_w": 6000.0}] * 96,
                default={"import_max_w": 8000.0, "export_max_w": 6000.0},
                start_ms=now_ms,
                exp_ms=now_ms + _DAY_MS,
            )
            payload = make_envelope(request, now_ms, now_ms, session.names.gateway)
            self._signed(f"{session.names.companion}/envelope/district", payload, qos=1, retain=True)
            self.due.add(edge)
        return len(self.sessions)

    def _signed(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho has no types here
        properties.UserProperty = ("sig", self.key.sign(topic, payload))
        self.client.publish(topic, payload, qos=qos, retain=retain, properties=properties)

    def _heartbeats(self) -> None:
        while not self.stopped.is_set():
            if self.client.is_connected():
                now_ms = self.clock.utc_ms()
                self._signed(
                    f"quartier/v1/{self.group}/heartbeat", make_heartbeat(now_ms), qos=0, retain=False
                )
            self.stopped.wait(self.clock.real_s(HEARTBEAT_S))

    def _watermarks(self) -> None:
        """Each edge's every 20 s, spread over them, and within a second after a birth."""
        edges = list(self.sessions)
        turn, parts = 0, int(WATERMARK_S)
        while not self.stopped.wait(self.clock.real_s(1.0)):
            if not self.client.is_connected():
                continue
            with self.lock:
                born, self.due = self.due, set()
            for edge in {*edges[turn % parts :: parts], *born}:
                session = self.sessions[edge]
                with self.lock:
                    payload = session.watermark(self.clock.utc_ms())
                self._signed(f"{session.names.companion}/watermark", payload, qos=1, retain=True)
            turn += 1


if __name__ == "__main__":
    DistrictHost(json.loads(Path(sys.argv[1]).read_text("utf-8"))).run()
