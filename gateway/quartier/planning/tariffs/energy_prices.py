"""Find the price of each step from the contract, the meter's tariff state and price signals (pure).

Prices are in the order of a Linky's ``tariff_index``: hchp and two_rates off-peak, peak; tempo blue, white,
red, each off-peak first; ejp normal, mobile peak. A Tempo day begins at 6 h; its colour is announced the
evening before. A mobile peak lasts from 7 h to 1 h and is announced half an hour before. An unknown colour
counts with its probability by the rules of the contract: 22 red days on working days from November to March,
43 white days, never on a Sunday.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

TariffKind = Literal["base", "hchp", "two_rates", "tempo", "ejp", "signal"]
BLUE, WHITE, RED = 1, 2, 3
TEMPO_DAY_BEGIN_H, MOBILE_PEAK_FROM_H, MOBILE_PEAK_TO_H = 6, 7, 1
MOBILE_PEAK_NOTICE_S, MOBILE_PEAK_NOTICE_LATE_S = 1_800, 300
"""A mobile peak is announced this long before (Enedis-NOI-CPT_54E, PEJP), or a little later."""
TEMPO_OFF_PEAK = ((22 * 60, 6 * 60),)
"""Off-peak hours of every Tempo contract."""
RED_CHANCE, WHITE_CHANCE, MOBILE_PEAK_CHANCE = 22 / 105, 43 / 300, 22 / 151
"""Probability of a red day among the days that may be red, and so on."""
_GRAIN_S = 300
_PriceRow = tuple[float, float, float]
"""Import price, export price, carbon."""
_SATURDAY, _SUNDAY = 5, 6
_SWITCH_WORD = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9][0-9A-F]{4}").fullmatch
_WINTER_MONTHS = (11, 12, 1, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The contract: ``prices_eur_per_wh`` in the order of ``tariff_index``.

    ``off_peak`` holds spans in minutes of the local day, from and to. For two_rates, ``off_peak_weekend``
    says that Saturday and Sunday are off-peak, and ``off_peak_index`` is the meter's index then (1 in the
    Netherlands, 2 in Belgium).
    """

    kind: TariffKind
    zone: str
    prices_eur_per_wh: tuple[float, ...] = ()
    off_peak: tuple[tuple[int, int], ...] = TEMPO_OFF_PEAK
    export_eur_per_wh: float = 0.0
    off_peak_weekend: bool = False
    off_peak_index: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterTariffState:
    """Tariff state reported by the meter; None means not reported.

    ``index`` is the tariff in force. ``today`` and ``tomorrow`` are colours (1..3); ``today`` is the current
    Tempo day, which is that of the day before until 6 h. ``notice`` says whether the meter announces a mobile
    peak that is about to begin. ``peaks`` are begin and end (UTC, s) of the peaks announced by date.
    ``profile`` is the profile of its next hchp day, index by minute of the day from 0 on. ``profile_from``
    says from which day it applies: 0 today, 1 tomorrow.
    """

    index: int | None = None
    today: int | None = None
    tomorrow: int | None = None
    notice: bool | None = None
    peaks: tuple[tuple[float, float], ...] = ()
    profile: tuple[tuple[int, int], ...] = ()
    profile_from: int = 1


@dataclass(frozen=True, slots=True)
class PriceSignal:
    """Values that the district signals from one instant to another; missing where it signals nothing."""

    begin_utc_s: float
    end_utc_s: float
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices per step, as far as known; ``import_g_per_wh`` is NaN where no CO2 is signalled."""

    import_eur_per_wh: tuple[float, ...]
    export_eur_per_wh: tuple[float, ...]
    import_g_per_wh: tuple[float, ...]

    @property
    def count(self) -> int:
        """Return how many steps are known from the first on."""
        return len(self.import_eur_per_wh)


def find_prices(
    tariff: Tariff,
    tariff_state: MeterTariffState,
    quotes: Sequence[PriceSignal],
    start_utc_s: float,
    step_s: int,
    count: int,
) -> Prices:
    """Return the prices of ``count`` steps, or of as many as are known.

    The first step has the price of its first moment, because a new plan is made before it is over. Other
    steps are means over five-minute intervals.
    """
    rows: list[_PriceRow] = []
    now = datetime.fromtimestamp(start_utc_s, ZoneInfo(tariff.zone))
    for step in range(count):
        at_s = start_utc_s + step * step_s
        found = _average_prices(
            tariff, tariff_state, quotes, _list_moments(at_s, step_s) if step else [at_s], now
        )
        if found is None:
            break
        rows.append(found)
    if not rows:
        return Prices((), (), ())
    return Prices(*(tuple(column) for column in zip(*rows, strict=True)))


def find_hour_prices(tariff: Tariff, quotes: Sequence[PriceSignal], start_utc_s: float) -> _PriceRow | None:
    """Return the signalled import, export and carbon of a whole hour; None if a part is unknown."""
    now = datetime.fromtimestamp(start_utc_s, ZoneInfo(tariff.zone))
    return _average_prices(tariff, MeterTariffState(), quotes, _list_moments(start_utc_s, 3_600), now)


def _list_moments(start_utc_s: float, step_s: int) -> list[float]:
    return [start_utc_s + grain + _GRAIN_S / 2 for grain in range(0, step_s, _GRAIN_S)]


def _average_prices(
    tariff: Tariff,
    tariff_state: MeterTariffState,
    quotes: Sequence[PriceSignal],
    moments: Sequence[float],
    now: datetime,
) -> _PriceRow | None:
    """Return the means over some moments; None if one of them is unknown."""
    found = [_find_price_row(tariff, tariff_state, quotes, moment, now) for moment in moments]
    known = [row for row in found if row is not None]
    if len(known) < len(found):
        return None
    bought, sold, carbon = (_find_mean(column) for column in zip(*known, strict=True))
    return bought, sold, carbon


def _find_mean(column: Sequence[float]) -> float:
    """Return the mean.

    Equal prices stay equal to the last bit, so that equal options do not seem to differ.
    """
    return column[0] if min(column) == max(column) else sum(column) / len(column)


def _find_price_row(
    tariff: Tariff, tariff_state: MeterTariffState, quotes: Sequence[PriceSignal], utc_s: float, now: datetime
) -> _PriceRow | None:
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
    price = _find_contract_price(tariff, tariff_state, datetime.fromtimestamp(utc_s, now.tzinfo), now)
    return price, tariff.export_eur_per_wh, co2_g_per_wh


def _find_contract_price(
    tariff: Tariff, tariff_state: MeterTariffState, local: datetime, now: datetime
) -> float:
    known = tariff.prices_eur_per_wh
    is_now = local == now and tariff_state.index is not None and 1 <= tariff_state.index <= len(known)
    if is_now and tariff_state.index is not None:
        is_turned = tariff.kind == "two_rates" and tariff.off_peak_index == 2
        return known[-tariff_state.index if is_turned else tariff_state.index - 1]
    if tariff.kind == "base":
        return known[0]
    if tariff.kind == "ejp":
        return _find_mobile_peak_price(known, tariff_state, local, now)
    if tariff.kind == "hchp" and (by_meter := _find_index_by_profile(tariff_state, local, now)) is not None:
        return known[by_meter - 1]
    is_weekend = tariff.off_peak_weekend and local.weekday() >= _SATURDAY
    place = 0 if is_weekend or _is_off_peak(tariff.off_peak, local) else 1
    if tariff.kind in {"hchp", "two_rates"}:
        return known[place]
    chances = _find_colour_chances(tariff_state, local, now)
    return sum(chance * known[2 * (colour - 1) + place] for colour, chance in chances.items())


def _find_index_by_profile(tariff_state: MeterTariffState, local: datetime, now: datetime) -> int | None:
    """Return the index in the meter's own calendar at that time; None if the calendar is for other days."""
    if not tariff_state.profile or local.toordinal() - now.toordinal() < tariff_state.profile_from:
        return None
    minute = local.hour * 60 + local.minute
    return [index for begin, index in tariff_state.profile if begin <= minute][-1]


def _is_off_peak(spans: Sequence[tuple[int, int]], local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    return any(
        begin <= minute < end if begin < end else minute >= begin or minute < end for begin, end in spans
    )


def _find_day_number(local: datetime, begins_h: int) -> int:
    return (local - timedelta(hours=begins_h)).toordinal()


def _find_colour_chances(tariff_state: MeterTariffState, local: datetime, now: datetime) -> dict[int, float]:
    ahead = _find_day_number(local, TEMPO_DAY_BEGIN_H) - _find_day_number(now, TEMPO_DAY_BEGIN_H)
    by_index = (
        None
        if tariff_state.index is None or not 1 <= tariff_state.index <= 6
        else (tariff_state.index + 1) // 2
    )
    colour = {0: by_index or tariff_state.today, 1: tariff_state.tomorrow}.get(ahead)
    if colour in {BLUE, WHITE, RED}:
        return {colour: 1.0}
    day = local - timedelta(hours=TEMPO_DAY_BEGIN_H)
    red = RED_CHANCE if day.month in _WINTER_MONTHS and day.weekday() < _SATURDAY else 0.0
    white = 0.0 if day.weekday() == _SUNDAY else WHITE_CHANCE
    return {BLUE: 1.0 - red - white, WHITE: white, RED: red}


def _find_mobile_peak_price(
    known: Sequence[float], tariff_state: MeterTariffState, local: datetime, now: datetime
) -> float:
    """Return the price of the ejp contract at that time.

    A mobile-peak day counts from its 1 h on. The meter reports the day during the peak, or shortly before. A
    peak announced by date lasts as announced.
    """
    normal, peak = known
    utc_s, now_s = local.timestamp(), now.timestamp()
    if any(begin <= utc_s < end for begin, end in tariff_state.peaks):
        return peak
    day = _find_day_number(local, MOBILE_PEAK_TO_H)
    is_today = day == _find_day_number(now, MOBILE_PEAK_TO_H)
    is_dated = any(
        day == _find_day_number(datetime.fromtimestamp(begin, local.tzinfo), MOBILE_PEAK_TO_H)
        for begin, _ in tariff_state.peaks
    )
    if is_dated or MOBILE_PEAK_TO_H <= local.hour < MOBILE_PEAK_FROM_H:
        return normal
    begins = now.replace(hour=MOBILE_PEAK_FROM_H, minute=0, second=0, microsecond=0)
    runs = not MOBILE_PEAK_TO_H <= now.hour < MOBILE_PEAK_FROM_H
    if is_today and tariff_state.notice and (not runs or utc_s >= now_s + MOBILE_PEAK_NOTICE_S):
        return peak
    if is_today and runs and tariff_state.index in {1, 2}:
        return peak if tariff_state.index == 2 else normal
    is_late = not runs and begins.timestamp() - now_s < MOBILE_PEAK_NOTICE_S - MOBILE_PEAK_NOTICE_LATE_S
    if is_today and is_late and tariff_state.notice is False:
        return normal
    share = MOBILE_PEAK_CHANCE if (local - timedelta(hours=MOBILE_PEAK_TO_H)).month in _WINTER_MONTHS else 0.0
    return normal + share * (peak - normal)


def parse_day_profile(text: str) -> tuple[tuple[int, int], ...]:
    """Parse a Linky's ``PJOURF+1``: from which minute of the day which index applies.

    Return an empty tuple unless the text has at most two indexes and begins at 0 h. The text is eleven words
    ``HHMMSSSS`` or ``NONUTILE``; the lowest four bits of SSSS are the index (Enedis-NOI-CPT_54E, chapter
    6.2.3).
    """
    entries = [entry for entry in text.split() if entry != "NONUTILE"]
    if not all(_SWITCH_WORD(entry) for entry in entries):
        return ()
    found = tuple((int(entry[:2]) * 60 + int(entry[2:4]), int(entry[7], 16)) for entry in entries)
    begins, indexes = [begin for begin, _ in found], {index for _, index in found}
    is_sound = begins == sorted(set(begins)) and begins[:1] == [0] and indexes <= {1, 2}
    return found if is_sound else ()


def parse_time_span(text: str) -> tuple[int, int]:
    """Return a span such as ``22:00-06:00`` in minutes of the day."""
    begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    return begin, end
