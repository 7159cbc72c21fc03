"""Keys of planning and tariff."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from quartier.config.sections.value_types import OFF_PEAK_PATTERN, Section, Watts

Price = Annotated[float, Field(ge=-0.01, le=0.01)]
"""EUR of one Wh: 0.25 EUR/kWh are 0.00025; more than 10 EUR/kWh is a price of a kWh by mistake."""
OffPeakHours = Annotated[str, StringConstraints(pattern=OFF_PEAK_PATTERN)]

PRICES_BY_CONTRACT: Mapping[str, tuple[str, ...]] = {
    "base": ("base_eur_per_wh",),
    "hchp": ("off_peak_eur_per_wh", "peak_eur_per_wh"),
    "two_rates": ("off_peak_eur_per_wh", "peak_eur_per_wh"),
    "tempo": (
        "blue_off_peak_eur_per_wh",
        "blue_peak_eur_per_wh",
        "white_off_peak_eur_per_wh",
        "white_peak_eur_per_wh",
        "red_off_peak_eur_per_wh",
        "red_peak_eur_per_wh",
    ),
    "ejp": ("normal_eur_per_wh", "mobile_peak_eur_per_wh"),
    "signal": (),
}
"""The prices of each contract, in the order in which a Linky's ``tariff_index`` counts them from 1."""


class PlanningSection(Section):
    """Batteries and cars plan ahead by prices and forecast; absent: rules lead them."""

    horizon_s: Annotated[float, Field(ge=43_200, le=172_800)] = 129_600.0
    """How far ahead it plans."""
    step_s: Literal[300, 900, 3600] = 900
    """Length of a step of the plan."""
    round_trip_pct: Annotated[float, Field(gt=0, le=100)] = 90.0
    """Of what the battery takes from the building, the share that it gives back."""
    wear_eur_per_wh: Annotated[float, Field(ge=0, le=0.01)] = 0.0
    """What it costs that a Wh goes into the battery, and again that it leaves it; 0.02 a kWh is 0.00002."""
    co2_eur_per_g: Annotated[float, Field(ge=0, le=0.01)] = 0.0
    """What a gram of CO2 counts, where the district signals it; 100 EUR/t are 0.0001."""
    peak_eur_per_w: Annotated[float, Field(ge=0, le=1)] = 0.0
    """What each W of the largest import costs that is above peak_free_w."""
    peak_free_w: Watts = 0.0
    """The largest import that is paid for already, or free."""
    peak_by_month: bool = False
    """What the month has reached so far, by the history, is free too: peak_eur_per_w is a month's price."""
    day_peak_eur_per_w: Annotated[float, Field(ge=0, le=0.01)] = 0.0
    """What each W of each day's largest import (mean of an hour) costs; 0.10 EUR a kW and day are 0.0001."""
    rule_bound: bool = False
    """CO2 and each day's largest import weigh more while they are worse than by self-consumption alone."""
    history_min_s: Annotated[float, Field(ge=0, le=2_592_000)] = 259_200.0
    """How long the forecast must have been held against what happened before a plan is followed."""


class TariffSection(Section):
    """Prices of energy by the contract; a plan needs them."""

    contract: Literal["base", "hchp", "two_rates", "tempo", "ejp", "signal"]
    """Which prices there are; signal: those that the district signals."""
    off_peak: Annotated[tuple[OffPeakHours, ...], Strict(False), Field(max_length=8)] = ("22:00-06:00",)
    """Local times that are off-peak, with hchp, two_rates and tempo; the meter's own word has precedence."""
    off_peak_weekend: bool = False
    """hchp, two_rates: Saturday and Sunday are off-peak all day."""
    off_peak_index: Literal[1, 2] = 1
    """two_rates: what the meter's tariff_index is off-peak; 1 in the Netherlands, 2 in Belgium."""
    export_eur_per_wh: Price = 0.0
    """What an exported Wh brings; below 0 it costs."""
    base_eur_per_wh: Price | None = None
    """base: what a Wh costs; 0.25 EUR/kWh are 0.00025."""
    off_peak_eur_per_wh: Price | None = None
    """hchp: off-peak (heures creuses); two_rates: the low one (dal, nacht)."""
    peak_eur_per_wh: Price | None = None
    """hchp: peak (heures pleines); two_rates: the normal one (normaal, dag)."""
    blue_off_peak_eur_per_wh: Price | None = None
    """tempo: a blue day, off-peak."""
    blue_peak_eur_per_wh: Price | None = None
    """tempo: a blue day, peak."""
    white_off_peak_eur_per_wh: Price | None = None
    """tempo: a white day, off-peak."""
    white_peak_eur_per_wh: Price | None = None
    """tempo: a white day, peak."""
    red_off_peak_eur_per_wh: Price | None = None
    """tempo: a red day, off-peak."""
    red_peak_eur_per_wh: Price | None = None
    """tempo: a red day, peak."""
    normal_eur_per_wh: Price | None = None
    """ejp: normal hours."""
    mobile_peak_eur_per_wh: Price | None = None
    """ejp: mobile peak (pointe mobile)."""

    @property
    def prices_eur_per_wh(self) -> tuple[float, ...]:
        """Those of the contract, as ``PRICES_BY_CONTRACT`` has them."""
        return tuple(getattr(self, name) for name in PRICES_BY_CONTRACT[self.contract])


__all__ = ["PRICES_BY_CONTRACT", "OffPeakHours", "PlanningSection", "Price", "TariffSection"]
