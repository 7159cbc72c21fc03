"""What energy will cost, step by step: French contracts by the meter's word, or what is signalled (pure).

Prices stand in the order in which a Linky's ``tariff_index`` counts: hchp off-peak, peak; tempo blue, white,
red, each off-peak first; ejp normal, mobile peak.  A Tempo day begins at 6 h (colours of a day are told the
evening before), a mobile peak lasts from 7 h to 1 h.  A colour that nobody has told counts with its chance
by the contract's rules: 22 red days on working days from November to March, 43 white ones on no Sunday.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["base", "hchp", "tempo", "ejp", "signal"]
BLUE, WHITE, RED = 1, 2, 3
TEMPO_DAY_H, MOBILE_FROM_H, MOBILE_TO_H = 6, 7, 1
TEMPO_OFF_PEAK = ((22 * 60, 6 * 60),)
"""Of every Tempo contract."""
RED_SHARE, WHITE_SHARE, MOBILE_SHARE = 22 / 105, 43 / 300, 22 / 151
"""Chance of a red day among the days that may be red, and so on."""
_GRAIN_S = 300
_SATURDAY, _SUNDAY = 5, 6
_WINTER = (11, 12, 1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The contract: ``prices_eur_per_wh`` in the order of ``tariff_index``, ``off_peak`` in minutes of the
    local day, from and to.
    """

    kind: Kind
    zone: str
    prices_eur_per_wh: tuple[float, ...] = ()
    off_peak: tuple[tuple[int, int], ...] = TEMPO_OFF_PEAK
    export_eur_per_wh: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The meter's word: the ``index`` that counts now, today's and tomorrow's colour (1..3); None: not told.

    ``today`` is the Tempo day that runs, until 6 h that of the day before.
    """

    index: int | None = None
    today: int | None = None
    tomorrow: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What the district signals from one instant to another; None where it says nothing."""

    begin_utc_s: float
    end_utc_s: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prices:
    """By step, as far as they are known; ``import_g_per_wh`` is NaN where no CO2 is signalled."""

    import_eur_per_wh: tuple[float, ...]
    export_eur_per_wh: tuple[float, ...]
    import_g_per_wh: tuple[float, ...]

    @property
    def count(self) -> int:
        """How many steps are known from the first on."""
        return len(self.import_eur_per_wh)


def prices(
    tariff: Tariff, told: Told, quotes: Sequence[Quote], start_utc_s: float, step_s: int, count: int
) -> Prices:
    """The prices of ``count`` steps, or of as many as are known.

    The first is that of its first moment: it is planned anew before it is over.  Others are means over five
    minutes each.
    """
    rows: list[tuple[float, ...]] = []
    zone = ZoneInfo(tariff.zone)
    now = datetime.fromtimestamp(start_utc_s, zone)
    for step in range(count):
        at_s = start_utc_s + step * step_s
        moments = [at_s + grain + _GRAIN_S / 2 for grain in range(0, step_s, _GRAIN_S)] if step else [at_s]
        found = [_at(tariff, told, quotes, moment, now, zone) for moment in moments]
        known = [row for row in found if row is not None]
        if len(known) < len(found):
            break
        rows.append(tuple(_mean(column) for column in zip(*known, strict=True)))
    if not rows:
        return Prices((), (), ())
    return Prices(*(tuple(column) for column in zip(*rows, strict=True)))


def _mean(column: Sequence[float]) -> float:
    """Equal prices stay equal to the last bit: what is worth the same must not seem to differ."""
    return column[0] if min(column) == max(column) else sum(column) / len(column)


def _at(
    tariff: Tariff, told: Told, quotes: Sequence[Quote], utc_s: float, now: datetime, zone: ZoneInfo
) -> tuple[float, float, float] | None:
    signalled: dict[str, float] = {}
    for quote in quotes:
        if quote.begin_utc_s <= utc_s < quote.end_utc_s:
            signalled |= quote.values
    co2_g_per_wh = signalled.get("import_g_per_wh", math.nan)
    if tariff.kind == "signal":
        price = signalled.get("import_eur_per_wh")
        if price is None:
            return None
        return price, signalled.get("export_eur_per_wh", tariff.export_eur_per_wh), co2_g_per_wh
    price = _contract(tariff, told, datetime.fromtimestamp(utc_s, zone), now)
    return price, tariff.export_eur_per_wh, co2_g_per_wh


def _contract(tariff: Tariff, told: Told, local: datetime, now: datetime) -> float:
    known = tariff.prices_eur_per_wh
    is_now = local == now and told.index is not None and 1 <= told.index <= len(known)
    if is_now and told.index is not None:
        return known[told.index - 1]
    if tariff.kind == "base":
        return known[0]
    if tariff.kind == "ejp":
        return _mobile(known, told, local, now)
    place = 0 if _is_off_peak(tariff.off_peak, local) else 1
    if tariff.kind == "hchp":
        return known[place]
    chances = _colours(told, local, now)
    return sum(chance * known[2 * (colour - 1) + place] for colour, chance in chances.items())


def _is_off_peak(spans: Sequence[tuple[int, int]], local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(
        begin <= minute < end if begin < end else minute >= begin or minute < end for begin, end in spans
    )


def _day(local: datetime, begins_h: int) -> int:
    return (local - timedelta(hours=begins_h)).toordinal()


def _colours(told: Told, local: datetime, now: datetime) -> dict[int, float]:
    ahead = _day(local, TEMPO_DAY_H) - _day(now, TEMPO_DAY_H)
    by_index = None if told.index is None or not 1 <= told.index <= 6 else (told.index + 1) // 2
    said = {0: by_index or told.today, 1: told.tomorrow}.get(ahead)
    if said in {BLUE, WHITE, RED}:
        return {said: 1.0}
    day = local - timedelta(hours=TEMPO_DAY_H)
    red = RED_SHARE if day.month in _WINTER and day.weekday() < _SATURDAY else 0.0
    white = 0.0 if day.weekday() == _SUNDAY else WHITE_SHARE
    return {BLUE: 1.0 - red - white, WHITE: white, RED: red}


def _mobile(known: Sequence[float], told: Told, local: datetime, now: datetime) -> float:
    """A day of mobile peaks counts from its 1 h on; the meter says which it is while one runs."""
    normal, peak = known
    if MOBILE_TO_H <= local.hour < MOBILE_FROM_H:
        return normal
    is_today = _day(local, MOBILE_TO_H) == _day(now, MOBILE_TO_H)
    runs = not MOBILE_TO_H <= now.hour < MOBILE_FROM_H
    if is_today and runs and told.index in {1, 2}:
        return peak if told.index == 2 else normal
    share = MOBILE_SHARE if (local - timedelta(hours=MOBILE_TO_H)).month in _WINTER else 0.0
    return normal + share * (peak - normal)


def minutes(text: str) -> tuple[int, int]:
    """``22:00-06:00`` in minutes of the day."""
    begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    return begin, end
