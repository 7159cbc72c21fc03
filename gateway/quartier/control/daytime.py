"""The local day of a building, for schedules that people give in its own time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from quartier.house.now import Now


def local_s(now: Now, zone: str) -> float | None:
    """Seconds since local midnight by the wall; None while the wall clock is not trusted."""
    if not now.synced:
        return None
    then = datetime.fromtimestamp(now.utc_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    return then.hour * 3600 + then.minute * 60 + then.second + then.microsecond / 1e6
