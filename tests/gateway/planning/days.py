"""A building made by rule, for the tests of its forecast: busy mornings and evenings, a sun with cloudy days."""

import math
import random

from quartier.planning.forecast.site_history import PowerHistory, SiteFacts

HOUR_S = 3_600
MONDAY_S = 1_768_176_000  # 12 January 2026, midnight in UTC
PREMISES = SiteFacts(zone="Europe/Paris", where=(48.82, 2.27), pv_rated_w=4_000.0)


def load_w(hour: int, rng: random.Random | None) -> float:
    """Of an hour since 1970; without dice, the mean of it."""
    evening = 1_800.0 * math.exp(-(((hour % 24) - 19) ** 2) / 4.0)
    return 300.0 + evening + 200.0 * (rng.random() if rng else 0.5)


def history(days: int, seed: int = 1, start_utc_s: float = MONDAY_S) -> PowerHistory:
    """Whole hours of so many days."""
    rng, first = random.Random(seed), int(start_utc_s // HOUR_S)
    clouds = [rng.choice((1.0, 1.0, 0.4)) for _ in range(days)]
    hours = range(24 * days)
    return PowerHistory(
        start_utc_s=start_utc_s,
        step_s=HOUR_S,
        load_w=[load_w(first + hour, rng) for hour in hours],
        generated_w=[
            clouds[hour // 24] * 3_000.0 * max(math.sin((hour % 24 - 6) * math.pi / 12.0), 0.0)
            for hour in hours
        ],
    )
