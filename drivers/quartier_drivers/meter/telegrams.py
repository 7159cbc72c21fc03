"""Types that the decoders and readers of meters share: telegrams, groups, counts, conversations.

A conversation is a generator.  It yields each ``LineRequest`` and receives the bytes of the answer, ``b""``
if none came in time.  It has no clock and does no I/O, so a test drives it with ``send(b"…")``.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class LineRequest:
    """A step: change the line if needed, send the bytes if any, then wait for the next bytes.

    ``wait_s`` counts real seconds from the last bit sent; ``baud`` 0 and ``framing`` empty leave the line as
    it is (over TCP they always do).  ``fresh`` drops unsolicited bytes that were received earlier.
    """

    send: bytes = b""
    wait_s: float = 1.0
    baud: int = 0
    framing: str = ""
    fresh: bool = False


Result = TypeVar("Result")
Conversation = Generator[LineRequest, bytes, Result]
GroupValue = str | int | float
"""A value as the meter sends it."""


def _make_no_details() -> Mapping[str, GroupValue]:
    return NO_DETAILS


@dataclass(frozen=True, slots=True)
class Group:
    """One checked value of a telegram, with the meter's own label and unit.

    ``label``: a TIC label; OBIS as ``1-0:1.8.0`` (P1, 62056-21, SML, DLMS; with ``*F`` only if F is not 255);
    M-Bus: the record's number as text, ``0``, ``1``, …
    ``value``: text as sent (TIC, P1 text), or the scaled number in ``unit`` (OBIS numbers, M-Bus).
    ``unit``: the unit of the meter: ``Wh kWh W VA V A m3 GJ`` … or empty.
    ``time``: the time that the meter states, ISO 8601, with an offset if the meter gives one, or empty.
    ``more``: further data: M-Bus storage, tariff, subunit, function, quantity; a TIC season.
    """

    label: str
    value: GroupValue
    unit: str = ""
    time: str = ""
    more: Mapping[str, GroupValue] = field(default_factory=_make_no_details)


@dataclass(frozen=True, slots=True)
class Telegram:
    """The checked groups of one frame; groups that noise damaged are missing.

    ``meter`` identifies the sender (serial number or address); empty if the frame does not state it.
    ``bad_count`` is the number of groups (or frames, if one checksum covers the whole) that were refused
    since the last telegram.  ``is_whole``: the beginning and the end of the frame were received.
    ``is_proven``: one checksum covers the whole frame, so no group is missing and refused data belongs to
    other frames.
    """

    meter: str
    groups: tuple[Group, ...]
    bad_count: int = 0
    is_whole: bool = True
    is_proven: bool = field(default=False, compare=False)


TelegramConversation = Conversation[list[Telegram]]
"""One complete reading of a meter.  Raises NoReply or Refused; their text is for a person."""


class MeterReader(Protocol):
    """Polls one meter; keeps the state between two readings (FCB, association, invocation counter)."""

    def read(self) -> TelegramConversation:
        """Return the conversation of one complete reading."""
        ...


__all__ = ["NO_DETAILS", "Decoder", "DecoderCounts", "Group", "GroupValue", "Telegram"]


@dataclass(slots=True)
class DecoderCounts:
    """Counts of a decoder since it was made.

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
        """The counts since the decoder was made; always the same object."""
        ...


NO_DETAILS: Mapping[str, GroupValue] = MappingProxyType({})
