"""The words STGE and RELAIS, put together from what they say.

Source: Enedis-NOI-CPT_54E version 3, section 6.2.3.14 (STGE, 32 bits, bit 0 lowest) and 6.2.3.17
(RELAIS, bit 0 the dry contact, 1 to 7 the virtual relays).
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Fields of STGE.  ``supply`` and ``distribution`` are the indexes in force, 1..10 and 1..4."""

    contact_open: bool = False
    breaker: int = 0
    cover_open: bool = False
    over_voltage: bool = False
    over_power: bool = False
    producer: bool = False
    exporting: bool = False
    supply: int = 1
    distribution: int = 1
    clock_degraded: bool = False
    standard: bool = True
    euridis: int = 3
    plc: int = 1
    plc_synchronous: bool = False
    today: int = 0
    tomorrow: int = 0
    peak_notice: int = 0
    peak: int = 0

    @property
    def word(self) -> int:
        """The 32 bits."""
        fields = (
            (0, self.contact_open),
            (1, self.breaker),
            (4, self.cover_open),
            (6, self.over_voltage),
            (7, self.over_power),
            (8, self.producer),
            (9, self.exporting),
            (10, self.supply - 1),
            (14, self.distribution - 1),
            (16, self.clock_degraded),
            (17, self.standard),
            (19, self.euridis),
            (21, self.plc),
            (23, self.plc_synchronous),
            (24, self.today),
            (26, self.tomorrow),
            (28, self.peak_notice),
            (30, self.peak),
        )
        return sum(int(value) << place for place, value in fields)

    @property
    def text(self) -> str:
        """As in the group STGE."""
        return f"{self.word:08X}"


def relays(closed: Iterable[int]) -> str:
    """The group RELAIS of the relays that are closed: 0 the dry contact, 1..7 the virtual ones."""
    return f"{sum(1 << place for place in set(closed)):03d}"
