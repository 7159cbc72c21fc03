"""The local day of a building, for schedules that people give in its own time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from quartier.house.now import Now


def local_s(now: Now, zone: str) -> float | None:
    """Seconds since local midnight by the wall; None while the wall clock is not trusted."""
    if not now.synced:
        return None
    then = datetime.fromtimestamp(now.utc_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    return then.hour * 3600 + then.minute * 60 + then.second + then.microsecond / 1e6


def until_s(now: Now, zone: str, at_s: float) -> float | None:
    """Seconds until it is ``at_s`` of the local day next, over a change of the clock too; None as above."""
    if not now.synced:
        return None
    here = ZoneInfo(zone)
    then = datetime.fromtimestamp(now.utc_ms / 1000, UTC)
    today = then.astimezone(here).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)

    def left_s(days: int) -> float:
        # Wall arithmetic: the same time of day, whatever lies between.
        wall = today.replace(tzinfo=None) + timedelta(days=days, seconds=at_s)
        return (wall.replace(tzinfo=here).astimezone(UTC) - then).total_seconds()

    today_s = left_s(0)
    return today_s if today_s > 0.0 else left_s(1)


def clock(at_s: float) -> str:
    """``HH:MM`` of seconds of the local day."""
    minutes = int(at_s // 60) % 1440
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
