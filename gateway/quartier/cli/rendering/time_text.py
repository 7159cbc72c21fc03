"""Times and durations as people write them: absolute in a time zone, or relative to now."""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_SIZES_S = {"w": 604_800, "d": 86_400, "h": 3_600, "min": 60, "m": 60, "s": 1}
_PART_PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*(min|[smhdw])")
_DURATION_PATTERN = re.compile(rf"{_PART_PATTERN.pattern}(?:\s*{_PART_PATTERN.pattern})*")
_MAX_S = 1e10  # three centuries
_NUMBER_PATTERN = re.compile(r"\d+(?:\.\d+)?")


def parse_duration_s(text: str) -> float:
    """``15min``, ``10m`` or ``2h30m`` in seconds.  Raises ValueError saying what was expected."""
    found = _parse_parts_s(text)
    if found is None:
        raise ValueError(
            f"{text!r} is no duration; expected numbers with s, m or min, h, d or w, such as 15min or 2h30m"
        )
    return found


def parse_seconds(text: str) -> float:
    """Parse a duration; a number alone is seconds."""
    return float(text) if _NUMBER_PATTERN.fullmatch(text) else parse_duration_s(text)


def _parse_parts_s(text: str) -> float | None:
    """Parts of falling size, each unit once: ``1d12h``, ``2h 30min``."""
    if _DURATION_PATTERN.fullmatch(text) is None:
        return None
    parts = [(float(value), _SIZES_S[unit]) for value, unit in _PART_PATTERN.findall(text)]
    sizes = [size for _, size in parts]
    total_s = sum(value * size for value, size in parts)
    return total_s if sizes == sorted(set(sizes), reverse=True) and total_s < _MAX_S else None


def parse_moment_ms(text: str, now_ms: int, zone: tzinfo | None = None) -> int:
    """Parse a time to UTC ms; ``zone`` is for times without an offset (None: the machine's).

    Raises ValueError saying what was expected.
    """
    if text == "now":
        return now_ms
    if text in {"today", "yesterday"}:
        today = datetime.fromtimestamp(now_ms / 1e3, UTC).astimezone(zone)
        day = today.date() - timedelta(days=text == "yesterday")
        return _find_utc_ms(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 - _ms gives it its zone
    if (ago_s := _parse_parts_s(text.removeprefix("-"))) is not None:
        return now_ms - round(1000 * ago_s)
    try:
        return _find_utc_ms(datetime.fromisoformat(text), zone)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time; expected 2026-11-25, 2026-11-25T14:30[+01:00], now, today or 2h"
        ) from None


def is_relative(text: str) -> bool:
    """Return whether a moment is told as so long ago (``1d``): nobody means it to the second then."""
    return _parse_parts_s(text.removeprefix("-")) is not None


def align_ms(moment: int, every_s: float, zone: tzinfo | None = None) -> int:
    """Return the last beginning of a span at or before ``moment`` (UTC ms), from midnight in the zone.

    Spans that a day does not hold a whole number of times begin at the moment itself.
    """
    every_ms = round(1000 * every_s)
    if 86_400_000 % every_ms:
        return moment
    local = datetime.fromtimestamp(moment / 1e3, UTC).astimezone(zone)
    midnight_ms = _find_utc_ms(datetime(local.year, local.month, local.day), zone)  # noqa: DTZ001 - _ms gives it its zone
    return midnight_ms + (moment - midnight_ms) // every_ms * every_ms


def _find_utc_ms(moment: datetime, zone: tzinfo | None) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()
    return round(moment.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class DisplayClock:
    """Now, and the zone in which times of day are shown; None is that of this machine."""

    utc_ms: int
    zone: tzinfo | None = None

    def format_time(self, utc_ms: int) -> str:
        """Return the time of day, with its date where that is not today's."""
        then, today = (
            datetime.fromtimestamp(ms / 1e3, UTC).astimezone(self.zone) for ms in (utc_ms, self.utc_ms)
        )
        return f"{then:%H:%M:%S}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M}"


def find_zone(name: str | None) -> ZoneInfo | None:
    """Return the zone of this name; None without a name."""
    return ZoneInfo(name) if name else None


def describe_zone(zone: tzinfo | None) -> str:
    """Return the name of a zone; None is that of this machine."""
    return f"this machine's zone, {_find_machine_zone()}" if zone is None else str(zone)


def _find_machine_zone() -> str:
    """Return the name of this machine's zone: from ``TZ``, else /etc/localtime, else UTC."""
    link = os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
    return os.environ.get("TZ", "").lstrip(":") or link or "UTC"


def format_stamp(utc_ms: int, zone: tzinfo | None = None) -> str:
    """``2026-11-25 14:30:05+01:00`` in the zone (None: the machine's)."""
    return datetime.fromtimestamp(utc_ms / 1e3, UTC).astimezone(zone).isoformat(" ", "seconds")
