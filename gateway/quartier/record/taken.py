"""What was taken from the tape of one bus, with what is to be known to write it down."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from quartier_drivers.tape import Frame


@dataclass(frozen=True, slots=True)
class Taken:
    """The frames of a bus, oldest first.

    ``framing`` is ``rtu`` where frames of a serial line come through TCP.  At ``ns`` of the house's monotonic
    time it was ``utc_ms``, so both are known of each frame.  ``secrets`` are identifiers of devices, as they
    say them themselves: what ``--anonymise`` masks beside those that it finds.  ``is_masked``: it did.
    """

    bus: str
    kind: str
    framing: str
    where: str
    ns: int
    utc_ms: int
    frames: Sequence[Frame] = ()
    secrets: Sequence[str] = ()
    is_masked: bool = False

    def utc_ns(self, frame: Frame) -> int:
        """When it was, in Unix ns."""
        return self.utc_ms * 1_000_000 + frame.ns - self.ns

    def head(self) -> dict[str, Any]:
        """Everything but the frames, JSON-ready."""
        found = asdict(self)
        del found["frames"]
        return found


def row(frame: Frame) -> list[Any]:
    """A frame for JSON."""
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


def taken(head: Mapping[str, Any], rows: Iterable[Sequence[Any]]) -> Taken:
    """What ``head`` and ``row`` made JSON of."""
    frames = [Frame(number, ns, way, bytes.fromhex(data), *words) for number, ns, way, data, *words in rows]
    return Taken(**{**head, "frames": tuple(frames), "secrets": tuple(head["secrets"])})
