"""A host that stores at a set rate, live data first, and survives its own death.

``python -m quartier_bench.load_test.store_hosts CONFIG.json``.  It stands for a district whose database
takes so
many samples a second: history waits in its memory for that, live data does not.  What is stored stands in
a
file before a watermark says so; a host that starts again reads it, and sends all watermarks before its
STATE.
With ``fifo`` it stores all in the order of arrival, as a simple host does, and does not say how late it
is.
"""

import json
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt

from quartier_bench.load_test.hosts import WATERMARK_S, DistrictHost
from quartier_district import sparkplug
from quartier_district import sparkplug as wire
from quartier_district.gateway_session import SampleLedger

BUSY_WATERMARK_S, BUSY_AFTER_S = 5.0, 30.0
LIVE_AGE_MAX_S = 2.0
_NODE_STREAM = "node"


@dataclass(frozen=True, slots=True)
class DataMessage:
    """A data message as it arrived: samples by number, when they were taken, and when it came."""

    edge: str
    stream: str
    boot: int
    first: int
    count: int
    late: bool
    taken_ms: int
    arrived_s: float


@dataclass(slots=True)
class EdgeState:
    """State of one gateway in the host."""

    ledger: SampleLedger = field(default_factory=SampleLedger)
    online: bool = False
    bdseq: int | None = None
    seq: int | None = None
    births: int = 0
    seq_gaps: int = 0
    late_s: float = float("-inf")


def parse_data_message(
    edge: str, stream: str, payload: bytes, now_s: float
) -> tuple[int | None, DataMessage | None]:
    """Number and samples of a data message, without the values: these are for the data base.

    Raises WireFormatError, ValueError, KeyError or TypeError where it is none.
    """
    seq, body, count, first = None, b"", 0, b""
    for number, raw in wire.iterate_fields(payload):
        if number == 2:
            first = first or wire.decode_bytes(raw)
            count += 1
        elif number == 3:
            seq = wire.decode_integer(raw)
        elif number == 5:
            body = wire.decode_bytes(raw)
    if not body:
        return seq, None
    key = json.loads(body)
    metric = dict(wire.iterate_fields(first))
    late, taken_ms = bool(metric.get(5, 0)), wire.decode_integer(metric.get(3, 0))
    return seq, DataMessage(edge, stream, int(key["boot"]), int(key["first"]), count, late, taken_ms, now_s)


class StoringHost(DistrictHost):
    """One process's share, with a store behind it."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.edges = {edge: EdgeState() for edge in config["edges"]}
        self.is_fifo = bool(config["fifo"])
        self._each_s = 1.0 / float(config["store_per_s"])
        self._late: deque[DataMessage] = deque()
        self._live: deque[DataMessage] = deque()
        self._came = threading.Condition(self.lock)
        self._lags_s: deque[tuple[float, float]] = deque(maxlen=500)
        self.faults = self.late_samples = self.over_count = self.ages_count = self.most_waiting = 0
        self._file = Path(config["store_file"])
        self._load()
        self._store = self._file.open("a", buffering=1, encoding="ascii")

    def run(self) -> None:
        """As ``Host.run``."""
        super().run()
        self.close()

    def close(self) -> None:
        """Store nothing more."""
        self.stopped.set()
        with self.lock:
            self._store.close()

    def _load(self) -> None:
        """Load the samples of earlier processes; a line cut off by a kill was never acknowledged."""
        for line in self._file.read_text("ascii").splitlines() if self._file.exists() else []:
            words = line.split()
            if len(words) == 2:
                self.edges[words[0]].bdseq = int(words[1])
            elif len(words) == 6 and words[5] == ".":
                edge, stream, boot, first, count, _ = words
                self.edges[edge].ledger.take(stream, int(boot), int(first), int(count))
        for one in self.edges.values():
            one.ledger.samples_count = one.ledger.repeats_count = 0

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        with self.lock:
            payloads = [(edge, self._watermark(one)) for edge, one in self.edges.items()]
        for edge, payload in payloads:  # before STATE: what the last connections brought is confirmed
            self._signed(f"{self.sessions[edge].names.companion}/watermark", payload, qos=1, retain=True)
        super()._on_connect(client)

    def _on_message(self, client: mqtt.Client, data: object, message: mqtt.MQTTMessage) -> None:
        parts = message.topic.split("/")
        if parts[0] == "quartier" or parts[1] == "STATE":
            super()._on_message(client, data, message)
            return
        kind, edge = parts[2], parts[3]
        payload = bytes(message.payload)
        try:
            if kind in {"NBIRTH", "NDEATH"}:
                self._node(kind, edge, payload)
                return
            stream = parts[4] if len(parts) > 4 else _NODE_STREAM
            seq, found = parse_data_message(edge, stream, payload, time.monotonic())
        except (wire.WireFormatError, ValueError, KeyError, TypeError):
            self.faults += 1
            return
        with self._came:
            self.heard += 1
            self.bytes += len(message.topic) + len(payload)
            one = self.edges[edge]
            if one.seq is not None and seq != (one.seq + 1) % 256:
                one.seq_gaps += 1
            one.seq = seq
            if found is not None:
                (self._late if found.late and not self.is_fifo else self._live).append(found)
                self.most_waiting = max(self.most_waiting, len(self._late) + len(self._live))
                self._came.notify()

    def _node(self, kind: str, edge: str, payload: bytes) -> None:
        metrics = sparkplug.decode_payload(payload)
        bdseq = next((int(m.value or 0) for m in metrics.metrics if m.name == "bdSeq"), None)
        with self.lock:
            one = self.edges[edge]
            if kind == "NBIRTH":
                one.online, one.births, one.bdseq, one.seq = True, one.births + 1, bdseq, metrics.seq
                self.due.add(edge)
                self.born_s = time.time()
                self._store.write(f"{edge} {bdseq}\n")
            elif bdseq == one.bdseq:
                one.online = False

    def store(self) -> None:
        """Take what came at the rate of the data base, live data first."""
        free_s = time.monotonic()
        while not self.stopped.is_set():
            with self._came:
                while not self._live and not self._late:
                    self._came.wait(1.0)
                    if self.stopped.is_set():
                        return
                found = (self._live or self._late).popleft()
            free_s = max(free_s, time.monotonic() - 0.05) + found.count * self._each_s
            if (rest_s := free_s - time.monotonic()) > 0:
                time.sleep(rest_s)
            with self.lock:
                self._take(found)

    def _take(self, found: DataMessage) -> None:
        if self._store.closed:
            return
        one = self.edges[found.edge]
        one.ledger.take(found.stream, found.boot, found.first, found.count)
        self._store.write(f"{found.edge} {found.stream} {found.boot} {found.first} {found.count} .\n")
        now_s = time.monotonic()
        if found.late:
            self.historical += 1
            self.late_samples += found.count
            self.late_s, one.late_s = time.time(), now_s
            return
        age_s = max(0.0, (self.clock.utc_ms() - found.taken_ms) / 1000.0)
        self.ages_s.append(age_s)
        self.ages_count += 1
        self.over_count += age_s > LIVE_AGE_MAX_S
        self._lags_s.append((now_s, now_s - found.arrived_s))

    def _watermark(self, one: EdgeState) -> bytes:
        streams = {name: {"boot": boot, "seq": seq} for name, (boot, seq) in one.ledger.watermark.items()}
        document: dict[str, Any] = {"bdseq": one.bdseq, "streams": streams}
        if not self.is_fifo:
            recent_s = time.monotonic() - 5.0
            document["late_s"] = round(
                max((lag for at, lag in self._lags_s if at > recent_s), default=0.0), 3
            )
        return json.dumps(document, separators=(",", ":")).encode()

    def _watermarks(self) -> None:
        """Each edge's every 20 s, every 5 s while history comes, and within a second after a birth."""
        threading.Thread(target=self.store, daemon=True).start()
        edges = list(self.edges)
        turn, often, seldom = 0, int(BUSY_WATERMARK_S), int(WATERMARK_S)
        while not self.stopped.wait(self.clock.real_s(1.0)):
            turn += 1
            if not self.client.is_connected():
                continue
            with self.lock:
                born, self.due = self.due, set()
                busy_s = time.monotonic() - BUSY_AFTER_S
                busy = [one for one in edges[turn % often :: often] if self.edges[one].late_s > busy_s]
                wanted = {*edges[turn % seldom :: seldom], *busy, *born}
                payloads = {edge: self._watermark(self.edges[edge]) for edge in wanted}
            for edge, payload in payloads.items():
                self._signed(f"{self.sessions[edge].names.companion}/watermark", payload, qos=1, retain=True)

    def answer(self, order: str) -> dict[str, Any]:
        """As ``Host.answer``; ``held`` gives the ranges of each edge by stream and boot."""
        if order == "envelopes":
            return {"sent": self.envelopes()}
        with self.lock:
            if order == "marks":
                return {
                    edge: {stream: seq for stream, (_, seq) in one.ledger.watermark.items()}
                    for edge, one in self.edges.items()
                }
            if order == "held":
                return {
                    edge: {
                        f"{stream}/{boot}": ranges.spans for (stream, boot), ranges in one.ledger.held.items()
                    }
                    for edge, one in self.edges.items()
                }
            edges = self.edges.values()
            return {
                **self._figures(),
                "online": sum(one.online for one in edges),
                "births": sum(one.births for one in edges),
                "samples": sum(one.ledger.samples_count for one in edges),
                "repeats": sum(one.ledger.repeats_count for one in edges),
                "late_samples": self.late_samples,
                "seq_gaps": sum(one.seq_gaps for one in edges),
                "holes": sum(len(one.ledger.holes) for one in edges),
                "faults": self.faults,
                "ages_count": self.ages_count,
                "over_count": self.over_count,
                "waiting": len(self._late) + len(self._live),
                "most_waiting": self.most_waiting,
            }


if __name__ == "__main__":
    StoringHost(json.loads(Path(sys.argv[1]).read_text("utf-8"))).run()
