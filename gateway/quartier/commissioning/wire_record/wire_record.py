"""The record of one bus, with hidden passwords."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from quartier_drivers.transport.frame_recorder import RecordedFrame

# AARQ of IEC 62056-5-3 (7.3): the object of mechanism 1 (low level security), then the password.
_LOW_LEVEL_PASSWORD = re.compile(rb"\x8b\x07\x60\x85\x74\x05\x08\x02\x01\xac(.)\x80(.)", re.DOTALL)
_MASK_BYTE = ord("*")


def hide_password(kind: str, frame: RecordedFrame) -> RecordedFrame:
    """Return a frame without the password in it, with the same length and a correct checksum."""
    if kind != "dlms" or frame.way != "out":
        return frame
    found = _LOW_LEVEL_PASSWORD.search(frame.data)
    if found is None:
        return frame
    from quartier.commissioning.wire_record import (  # noqa: PLC0415 - one frame in a whole record needs it
        checksums,
    )

    start, size = found.end(), found[2][0]
    after = bytearray(frame.data)
    after[start : start + size] = bytes([_MASK_BYTE]) * len(after[start : start + size])
    checksums.repair_checksums(kind, frame.data, after)
    return replace(frame, data=bytes(after))


@dataclass(frozen=True, slots=True)
class WireRecord:
    """The frames of a bus, oldest first.

    ``framing`` is ``rtu`` if frames of a serial line come through TCP. ``ns`` of the gateway's monotonic time
    was ``utc_ms``, so both times are known for each frame. ``secrets`` are identifiers that devices reported
    themselves: ``--anonymise`` masks them besides those that it finds. ``is_masked``: the record is
    anonymised.
    """

    bus: str
    kind: str
    framing: str
    where: str
    ns: int
    utc_ms: int
    frames: Sequence[RecordedFrame] = ()
    secrets: Sequence[str] = ()
    is_masked: bool = False

    def utc_ns(self, frame: RecordedFrame) -> int:
        """Return the time of a frame, in Unix ns."""
        return self.utc_ms * 1_000_000 + frame.ns - self.ns

    @property
    def recent(self) -> Sequence[RecordedFrame]:
        """The newest frames without a gap in their numbers.

        The frames before are older than the buffer keeps: how the wire was opened, and who is on it.
        """
        frames = self.frames
        start = len(frames) - 1
        while start > 0 and frames[start - 1].number == frames[start].number - 1:
            start -= 1
        return frames[max(0, start) :]

    def head(self) -> dict[str, Any]:
        """Return everything but the frames, JSON-ready."""
        found = asdict(self)
        del found["frames"]
        return found


def dump_frame(frame: RecordedFrame) -> list[Any]:
    """Return a frame for JSON."""
    return [
        frame.number,
        frame.ns,
        frame.way,
        frame.data.hex(),
        frame.words,
        frame.here,
        frame.there,
        frame.device,
    ]


def load_record(head: Mapping[str, Any], rows: Iterable[Sequence[Any]]) -> WireRecord:
    """Return the record from the JSON of ``head`` and ``dump_frame``."""
    frames = [
        RecordedFrame(number, ns, way, bytes.fromhex(data), *words) for number, ns, way, data, *words in rows
    ]
    return WireRecord(**{**head, "frames": tuple(frames), "secrets": tuple(head["secrets"])})
