"""The meter's clock: legal time of France with the season's letter.

Source: Enedis-NOI-CPT_54E version 3, section 6.1.2: H winter, E summer, the small letter when the
meter has lost the network's time, then YYMMDDhhmmss.
"""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment as the meter prints it, and as ISO 8601 with the offset of its season."""

    text: str
    iso: str

    @property
    def season(self) -> str:
        """Its letter."""
        return self.text[0]


def stamp(moment: dt.datetime, *, degraded: bool = False) -> Stamp:
    """Print an aware ``moment``."""
    # Two moments of a clock put back are equal but in UTC.
    return _printed(moment.astimezone(dt.UTC), degraded)


@lru_cache(maxsize=256)
def _printed(moment: dt.datetime, degraded: bool) -> Stamp:  # noqa: FBT001 - of one caller
    local = moment.astimezone(PARIS).replace(microsecond=0)
    summer = bool(local.dst())
    season = "E" if summer else "H"
    return Stamp((season.lower() if degraded else season) + f"{local:%y%m%d%H%M%S}", local.isoformat())
