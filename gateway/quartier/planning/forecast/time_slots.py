"""Number time in slots and find a slot's place in the local day and week (pure).

A slot is the number of whole ``slot_s`` since 1970 in UTC. So a local day of 23 or 25 hours is no special
case: each slot has a local place, one local hour has no slot, or two slots have the same place.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_S, HOUR_S, WEEK_DAYS = 86_400, 3_600, 7
SLOT_LENGTHS_S = (300, 900, 1_800, 3_600)
"""Allowed lengths of a slot."""
_EPOCH_WEEKDAY = 3
"""Weekday of 1 January 1970; Monday is 0."""


@dataclass(frozen=True, slots=True)
class SlotPlace:
    """Local place of a slot: ``weekday`` 0..6 from Monday, ``part`` of the local day, ``hour`` 0..23."""

    weekday: int
    part: int
    hour: int


@dataclass(frozen=True, slots=True)
class SlotGrid:
    """Slots of a site. Raises ValueError for a length that is not allowed."""

    slot_s: int
    zone: str

    def __post_init__(self) -> None:
        if self.slot_s not in SLOT_LENGTHS_S:
            raise ValueError(f"slot_s: {self.slot_s} is none of {', '.join(map(str, SLOT_LENGTHS_S))}")

    @property
    def day(self) -> int:
        """Return the number of slots of a day."""
        return DAY_S // self.slot_s

    @property
    def hour(self) -> int:
        """Return the number of slots of an hour."""
        return HOUR_S // self.slot_s

    def find_slot(self, utc_s: float) -> int:
        """Return the slot that contains the instant."""
        return int(utc_s // self.slot_s)

    def place(self, slot: int) -> SlotPlace:
        """Return the place of the beginning of the slot in the local week."""
        return _find_place(self.slot_s, self.zone, slot)


@lru_cache(maxsize=4_096)  # every model reads each slot, at every distance
def _find_place(slot_s: int, zone: str, slot: int) -> SlotPlace:
    utc_s = slot * slot_s
    offset = datetime.fromtimestamp(utc_s, ZoneInfo(zone)).utcoffset()
    local_s = utc_s + int(offset.total_seconds() if offset else 0)
    days, second = divmod(local_s, DAY_S)
    return SlotPlace((days + _EPOCH_WEEKDAY) % WEEK_DAYS, second // slot_s, second // HOUR_S)
