"""Number time in slots and find a slot's place in the local day and week (pure).

A slot is the number of whole ``slot_s`` since 1970 in UTC, so that a local day of 23 or 25 hours needs no
case of its own: its slots have a local place each, one hour has none, or two slots have the same.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_S, HOUR_S, WEEK_DAYS = 86_400, 3_600, 7
SLOT_LENGTHS_S = (300, 900, 1_800, 3_600)
"""What a slot may last."""
_EPOCH_WEEKDAY = 3
"""The weekday of the first of January 1970; Monday is 0."""


@dataclass(frozen=True, slots=True)
class SlotPlace:
    """Where a slot stands: ``weekday`` 0..6 from Monday, ``part`` of the local day, ``hour`` 0..23."""

    weekday: int
    part: int
    hour: int


@dataclass(frozen=True, slots=True)
class SlotGrid:
    """The slots of a building.  Raises ValueError for a length that divides no hour."""

    slot_s: int
    zone: str

    def __post_init__(self) -> None:
        if self.slot_s not in SLOT_LENGTHS_S:
            raise ValueError(f"slot_s: {self.slot_s} is none of {', '.join(map(str, SLOT_LENGTHS_S))}")

    @property
    def day(self) -> int:
        """Slots of a day."""
        return DAY_S // self.slot_s

    @property
    def hour(self) -> int:
        """Slots of an hour."""
        return HOUR_S // self.slot_s

    def find_slot(self, utc_s: float) -> int:
        """The slot that holds the instant."""
        return int(utc_s // self.slot_s)

    def place(self, slot: int) -> SlotPlace:
        """Return where its beginning stands in the local week."""
        return _find_place(self.slot_s, self.zone, slot)


@lru_cache(maxsize=4_096)  # each slot is looked at by every model, at every distance
def _find_place(slot_s: int, zone: str, slot: int) -> SlotPlace:
    utc_s = slot * slot_s
    offset = datetime.fromtimestamp(utc_s, ZoneInfo(zone)).utcoffset()
    local_s = utc_s + int(offset.total_seconds() if offset else 0)
    days, second = divmod(local_s, DAY_S)
    return SlotPlace((days + _EPOCH_WEEKDAY) % WEEK_DAYS, second // slot_s, second // HOUR_S)
