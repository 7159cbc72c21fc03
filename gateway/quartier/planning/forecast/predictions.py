"""Make a forecast from a learner or from a history alone (pure)."""

import math
from collections.abc import Sequence

from quartier.planning.forecast.backtest import ForecastScore, find_distance
from quartier.planning.forecast.forecast_series import (
    Forecast,
    ForecastSeries,
    QuantileBand,
    resample_bands,
)
from quartier.planning.forecast.learning import Learner
from quartier.planning.forecast.site_history import PowerHistory, SiteFacts

HORIZON_MAX_S = 7 * 86_400.0


def forecast_from_history(
    history: PowerHistory, now_utc_s: float, horizon_s: float, step_s: float, premises: SiteFacts
) -> Forecast:
    """Make a forecast from a history alone; with an empty history from the default of the site file.

    Only slots that ended before ``now_utc_s`` are used. A frequent caller keeps a ``Learner`` instead. Raises
    ValueError as ``make_forecast`` does.
    """
    learner = Learner(premises)
    for slot, load_w, generated_w in history.iterate_slots(learner.grid):
        if (slot + 1) * learner.grid.slot_s <= now_utc_s:
            learner.step(slot, load_w, generated_w)
    return make_forecast(learner, now_utc_s, horizon_s, step_s)


def make_forecast(learner: Learner, now_utc_s: float, horizon_s: float, step_s: float) -> Forecast:
    """Make a forecast from ``now_utc_s`` on, in steps of ``step_s``.

    Raises ValueError for a horizon of more than a week, or a step longer than the horizon.
    """
    if not 0.0 < step_s <= horizon_s <= HORIZON_MAX_S:
        raise ValueError(
            f"step_s {step_s:g}, horizon_s {horizon_s:g}: expected 0 < step <= horizon <= a week"
        )
    grid, count = learner.grid, round(horizon_s / step_s)
    first = grid.find_slot(now_utc_s)
    begin_s = now_utc_s - first * grid.slot_s
    origin = first if math.isnan(learner.newest) else int(learner.newest) + 1
    until = first + math.ceil((begin_s + count * step_s) / grid.slot_s)
    aheads = [max(slot - origin, 0) for slot in range(first, until)]
    bands = [learner.bands(slot, far) for slot, far in zip(range(first, until), aheads, strict=True)]
    load, sun, net = (
        resample_bands(column, grid.slot_s, begin_s, step_s, count) for column in zip(*bands, strict=True)
    )
    places = sorted({find_distance(grid, far) for far in aheads})
    by_sun = learner.sun.model(aheads) if learner.has_sun else "none"
    scores = learner.load.scores(), learner.sun.scores(), [one.score() for one in learner.nets]
    of_load, of_sun, of_net = ([found[at] for at in places] for found in scores)
    by_load = learner.load.model(aheads)
    return Forecast(
        load=_make_series(now_utc_s, step_s, load, by_load, of_load),
        generated=_make_series(now_utc_s, step_s, sun, by_sun, of_sun),
        net=_make_series(now_utc_s, step_s, net, f"{by_load}, {by_sun}", of_net),
    )


def _make_series(
    start_utc_s: float,
    step_s: float,
    bands: Sequence[QuantileBand],
    model: str,
    scores: Sequence[ForecastScore],
) -> ForecastSeries:
    mean_w, low_w, middle_w, high_w = (tuple(column) for column in zip(*bands, strict=True))
    tried = [one for one in scores if one.tried > 0.0]
    count = len(tried)
    return ForecastSeries(
        start_utc_s=start_utc_s,
        step_s=step_s,
        mean_w=mean_w,
        low_w=low_w,
        middle_w=middle_w,
        high_w=high_w,
        model=model,
        error_w=math.sqrt(sum(one.square for one in tried) / count) if tried else None,
        miss_w=sum(one.size_w for one in tried) / count if tried else None,
        inside_pct=100.0 * sum(one.inside for one in tried) / count if tried else None,
    )
