"""What a status says of what a plan is made from: the forecast, peaks and carbon, one line each (pure)."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from quartier.cli.output import age, counted, number


def foretold(told: Mapping[str, float | None] | None) -> Iterator[Text]:
    """Yield what the building is expected to take and give; nothing where nobody knows."""
    if not told:
        return
    hour = ", ".join(f"{name} {number(_whole(told[f'{name}_1h_w']), 'W')}" for name in _FORETOLD)
    edges = " to ".join(number(_whole(told[f"net_1h_{end}_w"]), "W") for end in ("low", "high"))
    day = ", ".join(f"{name} {_kwh(told[f'{name}_24h_wh'])}" for name in _FORETOLD)
    error = told["error_w"]
    known = "not held against anything yet" if error is None else f"error {number(_whole(error), 'W')}"
    yield Text(
        f"expected without battery and cars: next hour {hour} ({edges} in 8 of 10); 24 h {day}; {known}"
    )


def tolls(told: Mapping[str, Any] | None) -> Iterator[Text]:
    """Yield how the day's largest import and the carbon count in the plan; nothing where they do not."""
    peak, month, co2 = ((told or {}).get(name) for name in ("day_peak", "month_peak", "co2"))
    if month:
        price = f"{1000 * month['eur_per_w']:g} EUR a kW"
        words = f"an import above {_kw(month['free_w'])} costs {price}"
        yield Text(f"the peak of this month so far {_kw(month['month_w'])}: {words}")
    if peak:
        yield Text(f"the peak of today so far {_kw(peak['today_w'])}: {_dear(peak)}")
    if co2:
        ahead = f"foretold from {counted(co2['days_count'], 'day')}" if co2["is_foretold"] else "not known"
        said = f"signalled for {age(co2['signalled_s'])}" if co2["signalled_s"] else "not signalled"
        price = f"{co2['eur_per_g'] * 1e6:g} EUR a ton"
        yield Text(f"CO2 counts {price}: {said}, beyond that {ahead}")
    if held := (told or {}).get("held"):
        yield Text(f"held to self-consumption: {', '.join(map(_owed, held, held.values()))}")


def _owed(name: str, one: Mapping[str, Any]) -> str:
    """Return how far plans are behind the rule, in usual days without a battery, and what follows."""
    what, side = "CO2" if name == "co2" else "the day's peak", "behind" if one["behind_days"] > 0 else "ahead"
    return f"{what} {abs(one['behind_days']):.2f} days {side}, counts {one['factor']:.2f} times"


def _dear(peak: Mapping[str, Any]) -> str:
    """From where on an import costs more, and how much more."""
    if not peak["above_w"]:
        return "no day is known yet, no import costs more for it"
    above = ", ".join(
        f"above {_kw(watts)} {1000 * sum(peak['eur_per_wh'][: number + 1]):.3f}"
        for number, watts in enumerate(peak["above_w"])
    )
    return f"an hour's import costs more, {above} EUR/kWh, by the last {counted(peak['days_count'], 'day')}"


def _kw(watts: float) -> str:
    return f"{watts / 1000:.1f} kW"


_FORETOLD = ("load", "sun", "net")


def _whole(value: float | None) -> float | None:
    return None if value is None else round(value)


def _kwh(value: float | None) -> str:
    return "–" if value is None else f"{value / 1000:.1f} kWh"
