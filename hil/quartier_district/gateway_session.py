"""Session of the district with one gateway: its state, its samples by sequence number, the watermark
(pure).

Messages and the time come in; messages to publish and log entries come out.  Each sample is counted once
by
its key.
"""

import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier_district import sparkplug
from quartier_district.sparkplug import WireFormatError


class SequenceRanges:
    """A set of whole numbers kept as disjoint ranges ``[first, last]``."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def add(self, first: int, count: int) -> int:
        """Take ``count`` numbers from ``first``; returns how many of them were new."""
        if count <= 0:
            return 0
        last = first + count - 1
        low = bisect_left(self._ranges, (first,))
        if low and self._ranges[low - 1][1] >= first - 1:
            low -= 1
        high = bisect_right(self._ranges, (last + 1, float("inf")))
        touched = self._ranges[low:high]
        held = sum(max(min(end, last) - max(start, first) + 1, 0) for start, end in touched)
        del self._ranges[low:high]
        start = min([first, *(item[0] for item in touched)])
        end = max([last, *(item[1] for item in touched)])
        insort(self._ranges, (start, end))
        return count - held

    @property
    def holes(self) -> list[tuple[int, int]]:
        """The ranges missing between the smallest and the largest number."""
        pairs = zip(self._ranges, self._ranges[1:], strict=False)
        return [(left[1] + 1, right[0] - 1) for left, right in pairs]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Spans of sequence numbers held."""
        return list(self._ranges)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._ranges)


@dataclass
class SampleLedger:
    """One gateway's samples by (boot, stream, sequence).

    ``first_seq`` is the number of a stream's first sample of a boot.  The watermark of a stream is
    the end of what is held without a hole.  It moves on to a newer boot only once ``finish_older_boots`` said
    that nothing of older boots is still to come.
    """

    first_seq: int = 1
    held: dict[tuple[str, int], SequenceRanges] = field(default_factory=dict)
    samples_count: int = 0
    repeats_count: int = 0
    _boots: dict[str, int] = field(default_factory=dict)

    def take(self, stream: str, boot: int, first: int, count: int) -> int:
        """A message with ``count`` samples from sequence ``first``; returns how many were new."""
        self._boots.setdefault(stream, boot)
        new = self.held.setdefault((stream, boot), SequenceRanges()).add(first, count)
        self.samples_count += new
        self.repeats_count += count - new
        return new

    def accept_loss(self, stream: str, boot: int, first: int, last: int) -> None:
        """The gateway declared these lost (a gap record): they count as known, not as samples."""
        self._boots.setdefault(stream, boot)
        self.held.setdefault((stream, boot), SequenceRanges()).add(first, last - first + 1)

    def finish_older_boots(self, stream: str, boot: int) -> None:
        """Nothing of ``stream`` from before ``boot`` is still to come."""
        if (stream, boot) in self.held and boot > self._boots[stream]:
            self._boots[stream] = boot

    @property
    def watermark(self) -> Mapping[str, tuple[int, int]]:
        """Per stream the last (boot, sequence) below which nothing is missing."""
        marks: dict[str, tuple[int, int]] = {}
        for stream, boot in self._boots.items():
            start, last = self.held[stream, boot].spans[0]
            if start <= self.first_seq:
                marks[stream] = (boot, last)
        return marks

    @property
    def holes(self) -> Mapping[str, list[tuple[int, int]]]:
        """Missing sequences as ``stream/boot`` -> ranges, those before the first one held included."""
        found = {}
        for (stream, boot), ranges in self.held.items():
            missing = ranges.holes
            start = ranges.spans[0][0]
            if start > self.first_seq:
                missing = [(self.first_seq, start - 1), *missing]
            if missing:
                found[f"{stream}/{boot}"] = missing
        return found


# A stream of whose older boots nothing came for so long has nothing of them left to send.
SETTLE_MS = 180_000


@dataclass(frozen=True, slots=True)
class TopicNames:
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
class GatewaySession:
    """State of one gateway as seen from the district."""

    names: TopicNames
    ledger: SampleLedger = field(default_factory=SampleLedger)
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
                message = sparkplug.decode_payload(payload)
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
            self._accept_gap(body.get("data", {}))
        return {"at": now_ms, "kind": kind, "body": body}

    def _accept_gap(self, gap: dict[str, Any]) -> None:
        """A gap record: what the gateway declares lost holds the watermark back no longer."""
        if gap.get("last"):
            self.ledger.accept_loss(str(gap["stream"]), int(gap["boot"]), int(gap["first"]), int(gap["last"]))

    def _sparkplug(self, kind: str, device: str, message: sparkplug.Payload, now_ms: int) -> dict[str, Any]:
        line: dict[str, Any] = {"at": now_ms, "kind": kind, "stream": device, "seq": message.seq}
        if kind == "NDEATH":
            line["bdseq"] = _read_bdseq(message)
            # The will of an earlier connection says nothing about the present one.
            if self.bdseq is None or line["bdseq"] == self.bdseq:
                self.online = False
            return line
        if kind == "NBIRTH":
            self.online = True
            self.births_count += 1
            self.bdseq = _read_bdseq(message)
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
            self.ledger.finish_older_boots(stream, boot)
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
                    self.ledger.finish_older_boots(stream, self.boot)
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


def _read_bdseq(message: sparkplug.Payload) -> int | None:
    for metric in message.metrics:
        if metric.name == "bdSeq" and isinstance(metric.value, int):
            return metric.value
    return None
