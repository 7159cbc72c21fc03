"""What decoders and readers of meters take and give: telegrams, counts, conversations.

It yields ``Ask``s and receives the bytes of the answer, ``b""`` if none came in time.  It knows no clock and
makes no I/O, so a test is ``talk.send(b"…")``.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class LineRequest:
    """A step: change the line if needed, send the bytes if any, then wait for the next bytes.

    ``wait_s`` counts real seconds from the last bit sent; ``baud`` 0 and ``framing`` empty leave the line as
    it is (over TCP they always do).  ``fresh`` drops earlier bytes that nobody asked for.
    """

    send: bytes = b""
    wait_s: float = 1.0
    baud: int = 0
    framing: str = ""
    fresh: bool = False


Result = TypeVar("Result")
Conversation = Generator[LineRequest, bytes, Result]
GroupValue = str | int | float
"""A value as a meter says it."""


def _make_no_details() -> Mapping[str, GroupValue]:
    return NO_DETAILS


@dataclass(frozen=True, slots=True)
class Group:
    """One checked statement of a meter in its own words.

    ``label``: a TIC label; OBIS as ``1-0:1.8.0`` (P1, 62056-21, SML, DLMS; with ``*F`` only where F
    says something other than 255); M-Bus: the record's number as text, ``0``, ``1``, …
    ``value``: text as sent (TIC, P1 text), or the scaled number in ``unit`` (OBIS numbers, M-Bus).
    ``unit`` as the meter means it: ``Wh kWh W VA V A m3 GJ`` … or empty.
    ``time`` as the meter says it, ISO 8601, with an offset where the meter knows it, or empty.
    ``more`` is what else was said: M-Bus storage, tariff, subunit, function, quantity; a TIC season.
    """

    label: str
    value: GroupValue
    unit: str = ""
    time: str = ""
    more: Mapping[str, GroupValue] = field(default_factory=_make_no_details)


@dataclass(frozen=True, slots=True)
class Telegram:
    """One frame, or what is left of one: every checked group of it, also when noise damaged others.

    ``meter`` is who says it (serial or address), empty where the frame does not tell.  ``bad_count``
    is how many groups (or frames, where a checksum covers the whole) were refused since the last
    telegram.  ``is_whole``: its begin and its end were seen.  ``is_proven``: one checksum covers all of it,
    so that what was refused belongs to others and none of its groups is missing.
    """

    meter: str
    groups: tuple[Group, ...]
    bad_count: int = 0
    is_whole: bool = True
    is_proven: bool = field(default=False, compare=False)


TelegramConversation = Conversation[list[Telegram]]
"""One complete reading of a meter.  Raises NoReply or Refused, in words for a person."""


class MeterReader(Protocol):
    """Polls one meter; keeps the state between two readings (FCB, association, invocation counter)."""

    def read(self) -> TelegramConversation:
        """Return the conversation of one complete reading."""
        ...


__all__ = ["NO_DETAILS", "Decoder", "DecoderCounts", "Group", "GroupValue", "Telegram"]


@dataclass(slots=True)
class DecoderCounts:
    """What a decoder has counted since it was made.

    ``good_count`` and ``bad_count`` count groups, or frames if one checksum covers the whole;
    ``resync_count`` counts searches for a new beginning; ``frames_count`` counts telegrams returned.
    """

    bytes_count: int = 0
    good_count: int = 0
    bad_count: int = 0
    resync_count: int = 0
    frames_count: int = 0


class Decoder(Protocol):
    """A pure push parser: bytes in, telegrams out, with the same result for any chunking.

    Never raises on input, keeps at most a stated number of bytes, takes linear time.
    """

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; return the telegrams that they complete."""
        ...

    def end(self) -> list[Telegram]:
        """Return the good content of the unfinished frame: the capture is over or the line was closed."""
        ...

    @property
    def counts(self) -> DecoderCounts:
        """What the decoder has counted since it was made; always the same object."""
        ...


NO_DETAILS: Mapping[str, GroupValue] = MappingProxyType({})
