"""Moved."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from quartier_hil.scenario.expectations import FileTable

# What a kWh fed in earned in France in 2025 for small roofs with surplus feed-in (CRE, order S21): 4 ct.
FEED_IN_EUR_PER_WH = 0.04 / 1_000.0


Contract = Literal["base", "hc", "tempo", "ejp"]
Colour = Literal["blue", "white", "red"]
Price = Annotated[float, Field(ge=-1, le=5)]

PERIODS: Mapping[Contract, tuple[str, ...]] = {
    "base": ("base",),
    "hc": ("off_peak", "peak"),
    "tempo": tuple(
        f"{colour}_{hours}" for colour in ("blue", "white", "red") for hours in ("off_peak", "peak")
    ),
    "ejp": ("normal", "mobile_peak"),
}
"""The periods of a contract in the order of the meter's indexes, the first is index 1."""
PRICES: Mapping[Contract, tuple[float, ...]] = {
    "base": (0.1952,),
    "hc": (0.1635, 0.2081),
    "tempo": (0.1356, 0.1654, 0.1536, 0.1921, 0.1615, 0.7295),
}
"""Regulated prices with taxes, EUR per kWh: base and HC/HP of 1 August 2025, Tempo of 1 August 2026."""
COLOURS: Mapping[Colour, int] = {"blue": 1, "white": 2, "red": 3}
"""As meters number them; 0 is none."""
_TOLD_FROM_H, _NIGHT_UNTIL_H, _NIGHT_FROM_H = 20, 6, 22
_PEAK_FROM_H, _PEAK_UNTIL_H = 7, 1
_NOTICE_MIN = 30
_WORDS = {"base": "base", "hc": "HC/HP", "tempo": "Tempo", "ejp": "EJP"}


class Planning(FileTable):
    """The gateway plans ahead, and has a past to learn from."""

    history_days: Annotated[int, Field(ge=0, le=60)] = 21
    """So many days the house lived before, with other weather: what the forecast has learnt from."""
    load_factor: Annotated[float, Field(gt=0, le=3)] = 1.0
    """What that past took is multiplied by it: the forecast is wrong by as much."""
    sun_factor: Annotated[float, Field(ge=0, le=3)] = 1.0
    """The same of what it generated."""
    day_peak_eur_per_w: Annotated[float, Field(ge=0, le=0.01)] = 0.0
    """What each W of each day's largest import (mean of an hour) costs."""
    month_peak_eur_per_w: Annotated[float, Field(ge=0, le=1)] = 0.0
    """What each W of the month's largest import (mean of an hour) costs."""

    @model_validator(mode="after")
    def _require_one_peak_price(self) -> Self:
        if self.day_peak_eur_per_w and self.month_peak_eur_per_w:
            raise ValueError(
                "day_peak_eur_per_w cannot be combined with month_peak_eur_per_w; expected one of them"
            )
        return self

    def site(self) -> str:
        """The TOML text of the site file's table."""
        day = f"day_peak_eur_per_w = {self.day_peak_eur_per_w:.9f}\n" if self.day_peak_eur_per_w else ""
        price = self.month_peak_eur_per_w
        month = f"peak_eur_per_w = {price:.9f}\npeak_by_month = true\n" if price else ""
        return f"\n[planning]\n{day}{month}"

    def peaks_eur(self, days_w: Iterable[float], reached_w: float) -> float:
        """Return the cost in EUR of the largest imports of one month's days; its peak above ``reached_w``."""
        tops_w = list(days_w)
        beyond_w = max(0.0, max(tops_w, default=0.0) - reached_w)
        return self.day_peak_eur_per_w * sum(tops_w) + self.month_peak_eur_per_w * beyond_w


class Tariff(FileTable):
    """The site's supply contract; its meter must be the Linky (``meters = ["tic"]``)."""

    contract: Contract
    """base: one price; hc: cheaper from 22 to 6; tempo: by the colour of the day too; ejp: dear peak days."""
    colours: tuple[Colour, ...] = ()
    """tempo, ejp: of each day of the contract; the scenario begins in the first, the last goes on."""
    prices_eur_per_kwh: tuple[Price, ...] = ()
    """Of each period in the order of the meter's indexes; absent: regulated ones (EJP has none)."""
    mode: Literal["standard", "historique"] = "standard"
    """The mode of the Linky."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        coloured = self.contract in {"tempo", "ejp"}
        if coloured != bool(self.colours):
            what = "needs colours, one for each day" if coloured else "has no colours"
            raise ValueError(f"the contract {self.contract} {what}")
        if self.contract == "ejp" and "white" in self.colours:
            raise ValueError("the contract ejp has red days and blue ones alone")
        wanted = PERIODS[self.contract]
        if len(self.prices_eur_per_kwh or PRICES.get(self.contract, ())) != len(wanted):
            raise ValueError(f"prices_eur_per_kwh: expected one for each of {', '.join(wanted)}")
        return self

    @property
    def periods(self) -> tuple[str, ...]:
        """Names of its periods, in the order of the meter's indexes."""
        return PERIODS[self.contract]

    @property
    def prices(self) -> tuple[float, ...]:
        """EUR per kWh of each period."""
        return self.prices_eur_per_kwh or PRICES[self.contract]

    def site(self) -> str:
        """The TOML text of the contract in the site file."""
        kind = {"hc": "hchp"}.get(self.contract, self.contract)
        priced = "".join(
            f"{period}_eur_per_wh = {price / 1_000.0:.9f}\n"
            for period, price in zip(self.periods, self.prices, strict=True)
        )
        export = f"export_eur_per_wh = {FEED_IN_EUR_PER_WH:.9f}\n"
        return f'\n[tariff]\ncontract = "{kind}"\n{export}{priced}'

    @property
    def words(self) -> str:
        """The contract, as text."""
        priced = ", ".join(
            f"{period.replace('_', ' ')} {price:g}"
            for period, price in zip(self.periods, self.prices, strict=True)
        )
        days = f" ({', '.join(self.colours)})" if self.colours else ""
        return f"{_WORDS[self.contract]}{days}: {priced} EUR/kWh"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractState:
    """State of the contract at a moment.

    ``index`` is the period's place among the meter's indexes, from 1; ``today`` and ``tomorrow`` are colours
    (0: none or not announced yet); ``notice_min`` are the minutes until a mobile peak, 0: none announced.
    """

    index: int
    period: str
    price_eur_per_wh: float
    today: int = 0
    tomorrow: int = 0
    notice_min: int = 0

    @property
    def values(self) -> dict[str, float]:
        """As points of ``contract``, for checks and pictures; the price in EUR per kWh."""
        return {
            "contract.tariff_index": float(self.index),
            "contract.today_colour_state": float(self.today),
            "contract.tomorrow_colour_state": float(self.tomorrow),
            "contract.price_eur_per_kwh": 1_000.0 * self.price_eur_per_wh,
        }


class ContractCalendar:
    """A contract over the days of a scenario that begins at ``start``, legal time of the place, naive."""

    def __init__(self, tariff: Tariff, start: dt.datetime) -> None:
        self.tariff = tariff
        self._change_h = _PEAK_FROM_H if tariff.contract == "ejp" else _NIGHT_UNTIL_H
        self._first = self._day(start)

    def at(self, local: dt.datetime) -> ContractState:
        """Return the state at ``local``, legal time, naive."""
        today = self._colour(local, 0)
        place = self._place(local, today)
        tariff = self.tariff
        is_announced = tariff.contract == "tempo" and (
            local.hour >= _TOLD_FROM_H or local.hour < _NIGHT_UNTIL_H
        )
        return ContractState(
            index=place + 1,
            period=tariff.periods[place],
            price_eur_per_wh=tariff.prices[place] / 1_000.0,
            today=today,
            tomorrow=self._colour(local, 1) if is_announced else 0,
            notice_min=self._notice_min(local) if tariff.contract == "ejp" else 0,
        )

    def _place(self, local: dt.datetime, today: int) -> int:
        by_day = _NIGHT_UNTIL_H <= local.hour < _NIGHT_FROM_H
        match self.tariff.contract:
            case "base":
                return 0
            case "hc":
                return int(by_day)
            case "tempo":
                return 2 * (today - 1) + by_day
            case _:
                in_peak = local.hour >= _PEAK_FROM_H or local.hour < _PEAK_UNTIL_H
                return int(today == COLOURS["red"] and in_peak)

    def _day(self, local: dt.datetime) -> dt.date:
        """The day of the contract, by the date on which it began."""
        return (local - dt.timedelta(hours=self._change_h)).date()

    def _colour(self, local: dt.datetime, ahead: int) -> int:
        colours = self.tariff.colours
        if not colours:
            return 0
        place = (self._day(local) - self._first).days + ahead
        return COLOURS[colours[min(max(place, 0), len(colours) - 1)]]

    def _notice_min(self, local: dt.datetime) -> int:
        begins = local.replace(hour=_PEAK_FROM_H, minute=0, second=0, microsecond=0)
        left_min = -(-(begins - local).total_seconds() // 60)
        announced = self._colour(local, 1) == COLOURS["red"] and 0 < left_min <= _NOTICE_MIN
        return int(left_min) if announced else 0


def build_calendar(tariff: Tariff | None, start: dt.datetime) -> ContractCalendar | None:
    """Return the calendar of a scenario's site; None where it has no contract."""
    return None if tariff is None else ContractCalendar(tariff, start)
