"""Describe plans, requests of the district, forecast, peaks and carbon in sentences, one line each (pure)."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from quartier.cli.rendering.output import format_age, format_count, format_number


def describe_forecast(forecast: Mapping[str, float | None] | None) -> Iterator[Text]:
    """Yield what the building is expected to take and give; nothing where nobody knows."""
    if not forecast:
        return
    hour = ", ".join(
        f"{name} {format_number(_round(forecast[f'{name}_1h_w']), 'W')}" for name in _FORECAST_PARTS
    )
    edges = " to ".join(format_number(_round(forecast[f"net_1h_{end}_w"]), "W") for end in ("low", "high"))
    day = ", ".join(f"{name} {_format_kwh(forecast[f'{name}_24h_wh'])}" for name in _FORECAST_PARTS)
    error = forecast["error_w"]
    known = "not held against anything yet" if error is None else f"error {format_number(_round(error), 'W')}"
    yield Text(
        f"expected without battery and cars: next hour {hour} ({edges} in 8 of 10); 24 h {day}; {known}"
    )


def describe_surcharges(surcharges: Mapping[str, Any] | None) -> Iterator[Text]:
    """Yield how the day's largest import and the carbon count in the plan; nothing where they do not."""
    peak, month, co2 = ((surcharges or {}).get(name) for name in ("day_peak", "month_peak", "co2"))
    if month:
        price = f"{1000 * month['eur_per_w']:g} EUR a kW"
        words = f"an import above {_format_kw(month['free_w'])} costs {price}"
        yield Text(f"the peak of this month so far {_format_kw(month['month_w'])}: {words}")
    if peak:
        yield Text(f"the peak of today so far {_format_kw(peak['today_w'])}: {_describe_peak_price(peak)}")
    if co2:
        ahead = (
            f"forecast from {format_count(co2['days_count'], 'day')}" if co2["is_forecast"] else "not known"
        )
        text = f"signalled for {format_age(co2['signalled_s'])}" if co2["signalled_s"] else "not signalled"
        price = f"{co2['eur_per_g'] * 1e6:g} EUR a ton"
        yield Text(f"CO2 counts {price}: {text}, beyond that {ahead}")
    if held := (surcharges or {}).get("held"):
        yield Text(f"held to self-consumption: {', '.join(map(_describe_baseline, held, held.values()))}")


def _describe_baseline(name: str, one: Mapping[str, Any]) -> str:
    """Return how far plans are behind the rule, in usual days without a battery, and what follows."""
    what, side = "CO2" if name == "co2" else "the day's peak", "behind" if one["behind_days"] > 0 else "ahead"
    return f"{what} {abs(one['behind_days']):.2f} days {side}, counts {one['factor']:.2f} times"


def _describe_peak_price(peak: Mapping[str, Any]) -> str:
    """From where on an import costs more, and how much more."""
    if not peak["above_w"]:
        return "no day is known yet, no import costs more for it"
    above = ", ".join(
        f"above {_format_kw(watts)} {1000 * sum(peak['eur_per_wh'][: number + 1]):.3f}"
        for number, watts in enumerate(peak["above_w"])
    )
    return (
        f"an hour's import costs more, {above} EUR/kWh, by the last {format_count(peak['days_count'], 'day')}"
    )


def _format_kw(watts: float) -> str:
    return f"{watts / 1000:.1f} kW"


_FORECAST_PARTS = ("load", "sun", "net")


def _round(value: float | None) -> float | None:
    return None if value is None else round(value)


def _format_kwh(value: float | None) -> str:
    return "–" if value is None else f"{value / 1000:.1f} kWh"


def describe_plan(status: Mapping[str, Any]) -> Iterator[Text]:
    """Yield whether the local plan leads, and why not; nothing for a house that does not plan."""
    plan = status.get("plan")
    if not plan:
        return
    if plan["why_not"]:
        yield Text(f"local plan: not followed, {plan['why_not']}; the rule leads", style="yellow")
        return
    assets = status["control"]["assets"]
    names = filter(None, (plan["asset"], *plan["beside"]))
    led = (f"{name} is led by {assets.get(name, {}).get('led_by', 'nobody yet')}" for name in names)
    yield Text(f"local plan: {format_age(plan['age_s'])} old; {', '.join(led)} (quartier plan)")
    if plan["beside_why_not"]:
        besides = f" than {plan['asset']}" if plan["asset"] else ""
        yield Text(f"local plan: others{besides} are not planned, {plan['beside_why_not']}", style="yellow")


def describe_district_requests(link: Mapping[str, Any] | None, utc_ms: int) -> Iterator[Text]:
    """Yield what the district plans: schedules of assets, signals to all buildings, its fail-safe values."""
    if link is None:
        return
    for one in link.get("schedules", ()):
        yield Text(
            f"schedule {one['id']} of {one['asset']}, {one['status'].lower()}: "
            f"{_describe_request(one, utc_ms)}"
        )
    for kind, signal in link.get("signals", {}).items():
        values_by_name = {name: value for name, value in signal.items() if name not in _SIGNAL_KEYS}
        words = ", ".join(f"{name} {value}" for name, value in values_by_name.items() if value != "")
        yield Text(f"signal {kind}: {words or 'nothing now'}{_describe_remaining(signal, utc_ms)}")
    values = link.get("failsafe", {})
    if values.get("from_district"):
        imported, exported = (format_number(values[key], "W") for key in ("import_max_w", "export_max_w"))
        caps = f"import {imported}, export {exported}"
        waits = "; what is looser waits" if values["waits"] else ""
        yield Text(f"fail-safe values of the district: {caps}, {format_age(values['duration_min_s'])}{waits}")


_SIGNAL_KEYS = frozenset({"id", "until_utc_ms", "exp_utc_ms"})


def _describe_request(requested: Mapping[str, Any], utc_ms: int) -> str:
    if requested["power_w"] is not None:
        return f"{format_number(requested['power_w'], 'W')}{_describe_remaining(requested, utc_ms)}"
    if requested["soc_pct"] is not None:
        return f"to {requested['soc_pct']:g} %{_describe_remaining(requested, utc_ms)}"
    return "nothing now"


def _describe_remaining(requested: Mapping[str, Any], utc_ms: int) -> str:
    until_ms = requested["until_utc_ms"]
    return "" if until_ms is None else f" for {format_age(max(0, until_ms - utc_ms) / 1000)}"
