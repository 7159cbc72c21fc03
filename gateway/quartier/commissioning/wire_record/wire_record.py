"""The record of one bus, with hidden passwords."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from quartier_drivers.transport.frame_recorder import RecordedFrame


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
