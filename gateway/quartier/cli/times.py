"""Times as people write them: absolute in a zone, or relative to now (pure)."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

_SIZES_S = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604_800}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d|w)")


def span_s(text: str) -> float:
    """``15min`` -> 900.  Raises ValueError saying what was expected."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration; expected a number with s, min, h, d or w, such as 15min")
    return float(match[1]) * _SIZES_S[match[2]]


def moment_ms(text: str, now_ms: int, zone: tzinfo | None = None) -> int:
    """A moment as UTC milliseconds; ``zone`` is for times without an offset (None: the machine's).

    Raises ValueError saying what was expected.
    """
    if text == "now":
        return now_ms
    if text in {"today", "yesterday"}:
        today = datetime.fromtimestamp(now_ms / 1e3, UTC).astimezone(zone)
        day = today.date() - timedelta(days=text == "yesterday")
        return _ms(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001 - _ms gives it its zone
    if _SPAN.fullmatch(text.removeprefix("-")):
        return now_ms - round(1000 * span_s(text.removeprefix("-")))
    try:
        return _ms(datetime.fromisoformat(text), zone)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time; expected 2026-11-25, 2026-11-25T14:30[+01:00], now, today or 2h"
        ) from None


def is_ago(text: str) -> bool:
    """Whether a moment is told as so long ago (``1d``): nobody means it to the second then."""
    return _SPAN.fullmatch(text.removeprefix("-")) is not None


def aligned_ms(moment: int, every_s: float, zone: tzinfo | None = None) -> int:
    """The last beginning of a span at or before ``moment`` (UTC ms), counted from midnight in the zone.

    Spans that a day does not hold a whole number of times begin at the moment itself.
    """
    every_ms = round(1000 * every_s)
    if 86_400_000 % every_ms:
        return moment
    local = datetime.fromtimestamp(moment / 1e3, UTC).astimezone(zone)
    midnight_ms = _ms(datetime(local.year, local.month, local.day), zone)  # noqa: DTZ001 - _ms gives it its zone
    return midnight_ms + (moment - midnight_ms) // every_ms * every_ms


def _ms(moment: datetime, zone: tzinfo | None) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone) if zone is not None else moment.astimezone()
    return round(moment.timestamp() * 1000)


def stamp(utc_ms: int, zone: tzinfo | None = None) -> str:
    """``2026-11-25 14:30:05+01:00`` in the zone (None: the machine's)."""
    return datetime.fromtimestamp(utc_ms / 1e3, UTC).astimezone(zone).isoformat(" ", "seconds")
