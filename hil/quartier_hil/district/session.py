"""Session of the reference district with one gateway: its state and the answers to its messages (pure).

Messages and the time come in; messages to publish and log entries come out.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from quartier_hil.district import sparkplug
from quartier_hil.district.ledger import Ledger
from quartier_hil.district.protowire import WireFormatError

# A stream of whose older boots nothing came for so long has nothing of them left to send.
SETTLE_MS = 180_000


@dataclass(frozen=True, slots=True)
class Names:
    """Group and edge node, and the topics that follow from them."""

    group: str
    edge: str
    host: str = "district"

    @property
    def gateway(self) -> str:
        """The gateway's name in documents and keys."""
        return f"{self.group}.{self.edge}"

    @property
    def companion(self) -> str:
        """Root of the companion topics of this gateway."""
        return f"quartier/v1/{self.group}/{self.edge}"

    @property
    def root(self) -> str:
        """Root of the topics of all gateways of the district."""
        return f"quartier/v1/{self.group}"

    @property
    def heartbeat(self) -> str:
        """Topic of the heartbeat for all buildings."""
        return f"{self.root}/heartbeat"

    @property
    def state(self) -> str:
        """Topic of the primary host's STATE."""
        return f"spBv1.0/STATE/{self.host}"

    @property
    def command(self) -> str:
        """Topic of node commands."""
        return f"spBv1.0/{self.group}/NCMD/{self.edge}"


@dataclass
class Session:
    """State of one gateway as seen from the district."""

    names: Names
    ledger: Ledger = field(default_factory=Ledger)
    online: bool = False
    bdseq: int | None = None
    seq: int | None = None
    boot: int | None = None
    acks: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    births_count: int = 0
    seq_gaps_count: int = 0
    messages_count: int = 0
    _born_ms: int = 0
    _whole: bool = True
    _old_ms: dict[str, int] = field(default_factory=dict)
    _aliases: dict[tuple[str, int], str] = field(default_factory=dict)

    def take(self, topic: str, payload: bytes, now_ms: int) -> dict[str, Any]:
        """A message from the gateway; returns the line for the log."""
        self.messages_count += 1
        parts = topic.split("/")
        if parts[0] == "spBv1.0" and len(parts) >= 4:
            try:
                message = sparkplug.decode(payload)
            except (WireFormatError, UnicodeDecodeError) as error:
                return self._fault(now_ms, f"{topic}: {error}")
            return self._sparkplug(parts[2], parts[4] if len(parts) > 4 else "node", message, now_ms)
        return self._companion(parts[-1], payload, now_ms)

    def _companion(self, kind: str, payload: bytes, now_ms: int) -> dict[str, Any]:
        try:
            body = json.loads(payload)
        except ValueError as error:
            return self._fault(now_ms, f"{kind}: {error}")
        if kind == "ack":
            self.acks.append({"at": now_ms, **body})
        elif kind == "event" and body.get("code") == "store.gap":
            self._forgive(body.get("data", {}))
        return {"at": now_ms, "kind": kind, "body": body}

    def _forgive(self, gap: dict[str, Any]) -> None:
        """A gap record: what the gateway declares lost holds the watermark back no longer."""
        if gap.get("last"):
            self.ledger.forgive(str(gap["stream"]), int(gap["boot"]), int(gap["first"]), int(gap["last"]))

    def _sparkplug(self, kind: str, device: str, message: sparkplug.Payload, now_ms: int) -> dict[str, Any]:
        line: dict[str, Any] = {"at": now_ms, "kind": kind, "stream": device, "seq": message.seq}
        if kind == "NDEATH":
            line["bdseq"] = _bdseq(message)
            # The will of an earlier connection says nothing about the present one.
            if self.bdseq is None or line["bdseq"] == self.bdseq:
                self.online = False
            return line
        if kind == "NBIRTH":
            self.online = True
            self.births_count += 1
            self.bdseq = _bdseq(message)
            self._born_ms, self._whole = now_ms, True
            line["bdseq"] = self.bdseq
        elif self.seq is not None and message.seq is not None and message.seq != (self.seq + 1) % 256:
            self.seq_gaps_count += 1
            self._whole = False
            line["expected_seq"] = (self.seq + 1) % 256
        if message.seq is not None:
            self.seq = message.seq
        if kind in {"NBIRTH", "DBIRTH"}:
            line["metrics"] = [[metric.name, metric.value] for metric in message.metrics]
            self._aliases |= {(device, m.alias): m.name for m in message.metrics if m.alias is not None}
        if message.body:
            self._samples(device, message, now_ms, line)
        return line

    def _samples(self, device: str, message: sparkplug.Payload, now_ms: int, line: dict[str, Any]) -> None:
        try:
            key = json.loads(message.body)
            boot, first = int(key["boot"]), int(key["first"])
        except (ValueError, KeyError, TypeError):
            self._fault(now_ms, f"{device}: body {message.body[:60]!r} holds no key")
            return
        stream = str(key.get("stream", device))
        historical = any(metric.historical for metric in message.metrics)
        count = len(message.metrics)
        if self.boot is None or boot > self.boot:
            self.boot = boot
        new = self.ledger.take(stream, boot, first, count)
        if historical and boot < self.boot:
            self._old_ms[stream] = now_ms
        elif historical and self._whole:
            # Late samples come oldest first: whatever older boots held of this stream is here.
            self.ledger.settled(stream, boot)
        line.update(
            stream=stream,
            boot=boot,
            first=first,
            new=new,
            historical=historical,
            metrics=[[self._name(device, m), m.timestamp_ms, m.value, m.quality] for m in message.metrics],
        )

    def _name(self, device: str, metric: sparkplug.Metric) -> str:
        if metric.name or metric.alias is None:
            return metric.name
        return self._aliases.get((device, metric.alias), f"alias {metric.alias}")

    def _fault(self, now_ms: int, what: str) -> dict[str, Any]:
        self.faults.append(what)
        return {"at": now_ms, "kind": "fault", "what": what}

    def watermark(self, now_ms: int) -> bytes:
        """The watermark as of now, as JSON bytes."""
        if self.online and self.boot is not None:
            for stream in {stream for stream, boot in self.ledger.held if boot == self.boot}:
                if now_ms - max(self._born_ms, self._old_ms.get(stream, 0)) > SETTLE_MS:
                    self.ledger.settled(stream, self.boot)
        streams = {
            stream: {"boot": boot, "seq": seq} for stream, (boot, seq) in self.ledger.watermark.items()
        }
        return json.dumps({"bdseq": self.bdseq, "streams": streams}, separators=(",", ":")).encode()

    @property
    def figures(self) -> dict[str, Any]:
        """Figures for the live view and the verdict."""
        return {
            "online": self.online,
            "births_count": self.births_count,
            "samples_count": self.ledger.samples_count,
            "repeats_count": self.ledger.repeats_count,
            "seq_gaps_count": self.seq_gaps_count,
            "messages_count": self.messages_count,
            "acks_count": len(self.acks),
            "last_ack": self.acks[-1] if self.acks else None,
            "faults": self.faults[-5:],
            "holes": self.ledger.holes,
            "streams": {
                f"{stream}/{boot}": [ranges.spans[0][0], ranges.spans[-1][1], len(ranges)]
                for (stream, boot), ranges in self.ledger.held.items()
            },
        }


def _bdseq(message: sparkplug.Payload) -> int | None:
    for metric in message.metrics:
        if metric.name == "bdSeq" and isinstance(metric.value, int):
            return metric.value
    return None
