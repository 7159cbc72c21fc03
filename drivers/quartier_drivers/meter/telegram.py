"""What every meter says, whatever its protocol: checked groups in the meter's own words, in telegrams."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

Said = str | int | float
"""A value as a meter says it."""

_NOTHING_MORE: Mapping[str, Said] = MappingProxyType({})


def _nothing_more() -> Mapping[str, Said]:
    return _NOTHING_MORE


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
    value: Said
    unit: str = ""
    time: str = ""
    more: Mapping[str, Said] = field(default_factory=_nothing_more)


_new = object.__new__
_set_label, _set_value, _set_unit, _set_time, _set_more = (
    getattr(Group, name).__set__ for name in ("label", "value", "unit", "time", "more")
)


def stated(
    label: str, value: Said, unit: str = "", time: str = "", more: Mapping[str, Said] = _NOTHING_MORE
) -> Group:
    """The same as ``Group(…)``, which takes twice as long to make: for whoever makes thousands a second."""
    group = _new(Group)
    _set_label(group, label)
    _set_value(group, value)
    _set_unit(group, unit)
    _set_time(group, time)
    _set_more(group, more)
    return group


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


@dataclass(slots=True)
class Counts:
    """What a decoder has seen since it was made.

    ``good_count`` and ``bad_count`` count groups, or frames where one checksum covers the whole;
    ``resync_count`` how often a begin was looked for anew; ``frames_count`` telegrams given.
    """

    bytes_count: int = 0
    good_count: int = 0
    bad_count: int = 0
    resync_count: int = 0
    frames_count: int = 0


class Decoder(Protocol):
    """A pure push parser: bytes in, telegrams out, the same result for any chunking.

    Never raises on input, keeps at most a stated number of bytes, takes linear time.
    """

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; the telegrams that they complete."""
        ...

    def end(self) -> list[Telegram]:
        """The capture is over or the line was closed: what is good of the unfinished frame."""
        ...

    @property
    def counts(self) -> Counts:
        """What it has seen since it was made; the same object for its life."""
        ...
