"""What a meter says: one checked statement as a group, one frame of them as a telegram."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Said = str | int | float
"""A value as a meter says it."""

NOTHING_MORE: Mapping[str, Said] = MappingProxyType({})


def _nothing_more() -> Mapping[str, Said]:
    return NOTHING_MORE


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
