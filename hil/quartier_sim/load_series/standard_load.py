"""Standard series: sun over Issy-les-Moulineaux, a standard household, appliance events.

Sun: pvlib's Haurwitz clear sky for 48.82 N, 2.27 E on modules of 30 degrees facing south, split by Erbs,
times seeded clouds.  Load: BDEW standard profile H0 (dynamic) from demandlib, 60 % of it, with appliances
on top.  Both libraries belong to the extra ``hil`` and are imported on first use.
"""

import datetime as dt
import random
import warnings
from collections.abc import Sequence
from functools import cache, lru_cache

from quartier_sim.load_series.minute_series import LoadSeries

LATITUDE = 48.82
LONGITUDE = 2.27
TILT_DEG = 30
SOUTH_DEG = 180
TIME_ZONE = "Europe/Paris"
DAY_MINUTES = 1_440
_DAY_QUARTERS = 96
# Losses of wiring, dirt, heat and inverter together; PVWatts (NREL 2014) takes 14 %.
SYSTEM_YIELD = 0.86
HOUSEHOLD_KWH = 4_500.0
STANDARD_SHARE = 0.6
# Name, power in W, minutes, times a day, hours of the day at which it may start.
APPLIANCES = (
    ("kettle", 2_000.0, 3, 5, (6, 22)),
    ("oven", 2_200.0, 35, 1, (11, 20)),
    ("hob", 1_800.0, 20, 2, (11, 20)),
    ("washing machine", 1_900.0, 25, 1, (8, 19)),
    ("dishwasher", 1_800.0, 30, 1, (13, 22)),
    ("vacuum", 900.0, 15, 1, (9, 18)),
)
# Tariff of the default day: off-peak 22..6, EUR per kWh (about France's regulated tariff of 2025).
PEAK_EUR_PER_KWH = 0.27
OFF_PEAK_EUR_PER_KWH = 0.206


@lru_cache(maxsize=4)  # who lives many scenarios lives most of them on the same days
def build_standard_series(day: dt.date, days_count: int = 1, seed: int = 1) -> LoadSeries:
    """The drive of ``days_count`` days from ``day``; the same seed gives the same course."""
    rng = random.Random(seed)  # noqa: S311 - a seeded course, no secret
    base = _compute_household_w(day, days_count)
    for start in range(0, len(base), DAY_MINUTES):
        _add_appliances(base, start, rng)
    return LoadSeries(
        base_w=tuple(base),
        solar_w_per_kw=tuple(_add_clouds(_compute_clear_sky(day, days_count), rng)),
        draw_w=tuple(_compute_hot_water_w(minute % DAY_MINUTES) for minute in range(len(base))),
        price_eur_per_wh=tuple(
            (PEAK_EUR_PER_KWH if 6 * 60 <= minute % DAY_MINUTES < 22 * 60 else OFF_PEAK_EUR_PER_KWH) / 1_000.0
            for minute in range(len(base))
        ),
        origin=(
            f"{day:%d %B %Y}: pvlib clear sky for {LATITUDE} N, {LONGITUDE} E with seeded clouds, demandlib "
            f"standard household with seeded appliances (seed {seed}). One value a minute; the standard "
            "profile's quarter hours are held."
        ),
    )


def _compute_household_w(day: dt.date, days_count: int) -> list[float]:
    course: list[float] = []
    for offset in range(days_count):
        date = day + dt.timedelta(days=offset)
        first = (date.timetuple().tm_yday - 1) * _DAY_QUARTERS
        quarters_kw = _compute_year_profile_kw(date.year)[first : first + _DAY_QUARTERS]
        course += [power_kw * 1_000.0 for power_kw in quarters_kw for _ in range(15)]
    return course


@cache
def _compute_year_profile_kw(year: int) -> tuple[float, ...]:
    """The standard profile's quarter hours; demandlib takes a quarter of a second to make a year of them."""
    from demandlib.bdew import ElecSlp  # noqa: PLC0415 - half a second, only for this drive

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # demandlib warns of its own pandas use
        table = ElecSlp(year).get_scaled_power_profiles({"h0_dyn": HOUSEHOLD_KWH * STANDARD_SHARE})
    return tuple(table["h0_dyn"].tolist())


def _compute_clear_sky(day: dt.date, days_count: int) -> list[float]:
    import pandas as pd  # noqa: PLC0415 - as above
    import pvlib  # noqa: PLC0415 - a second, only for this drive

    place = pvlib.location.Location(LATITUDE, LONGITUDE, TIME_ZONE)
    stamps = pd.date_range(day.isoformat(), periods=DAY_MINUTES * days_count, freq="1min", tz=TIME_ZONE)
    sun = place.get_solarposition(stamps)
    level = place.get_clearsky(stamps, model="haurwitz")["ghi"]
    parts = pvlib.irradiance.erbs(level, sun["zenith"], stamps)
    modules = pvlib.irradiance.get_total_irradiance(
        TILT_DEG, SOUTH_DEG, sun["apparent_zenith"], sun["azimuth"], parts["dni"], level, parts["dhi"]
    )
    return [value * SYSTEM_YIELD for value in modules["poa_global"].fillna(0.0).tolist()]


def _add_clouds(clear: Sequence[float], rng: random.Random) -> list[float]:
    """Clouds come and go: a state of clear or cloud with minutes of stay, and a soft edge."""
    through, goal, stay = 1.0, 1.0, 0
    course = []
    for value in clear:
        if stay <= 0:
            goal = rng.choice((1.0, 1.0, rng.uniform(0.25, 0.75)))
            stay = rng.randint(4, 30)
        stay -= 1
        through += 0.5 * (goal - through)
        course.append(value * through)
    return course


def _add_appliances(base: list[float], start: int, rng: random.Random) -> None:
    for _, power_w, length, times, (first_h, last_h) in APPLIANCES:
        for _ in range(times):
            at = start + rng.randrange(first_h * 60, last_h * 60)
            for minute in range(at, min(at + length, start + DAY_MINUTES, len(base))):
                base[minute] += power_w


def _compute_hot_water_w(minute: int) -> float:
    """Heat drawn from the tank: morning and evening showers, a little in between."""
    hour = minute // 60
    if hour in {6, 7, 19, 20}:
        return 3_000.0
    return 250.0 if 6 <= hour <= 22 else 0.0
