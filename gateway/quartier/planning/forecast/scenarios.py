"""Turn forecast quantiles into equally likely scenarios of each step (pure).

A two-piece normal distribution is fitted through the quantiles 10, 50 and 90 % (Fechner 1897; Wallis 2014,
The two-piece normal, binormal, or double Gaussian distribution, Statistical Science 29). It is cut into
slices of equal probability. Each slice is represented by its median.
"""

from collections.abc import Sequence
from statistics import NormalDist, fmean

from quartier.planning.forecast.forecast_series import Forecast
from quartier.planning.horizon import Scenario

SCENARIOS_COUNT = 9
"""Scenarios of a step: three planned too coarsely; nine or fifteen made no difference in a year of homes."""
ERROR_KEPT_PER_H = 0.4
"""Share of an hour's error that the next hour keeps; in homes the errors of two hours correlate by 0.5."""
_HOUR_S = 3_600
_NORMAL = NormalDist()
_QUANTILE_90 = _NORMAL.inv_cdf(0.9)


def find_slice_positions(count: int) -> list[float]:
    """Return the position of each slice's median: 0 the middle, 1 the quantile 90 %, -1 the quantile 10 %."""
    return [_NORMAL.inv_cdf((at + 0.5) / count) / _QUANTILE_90 for at in range(count)]


def make_scenarios(expected: Forecast, count: int = SCENARIOS_COUNT) -> list[tuple[Scenario, ...]]:
    """Return the scenarios of the net of each step, low ones first.

    The PV of a scenario is the expected PV, or more where the net is further below zero than that.
    """
    places = find_slice_positions(count)
    net, generated = expected.net, expected.generated
    found = []
    for low_w, middle_w, high_w, sun_w in zip(
        net.low_w, net.middle_w, net.high_w, generated.mean_w, strict=True
    ):
        nets_w = (
            middle_w + place * ((high_w - middle_w) if place > 0.0 else (middle_w - low_w))
            for place in places
        )
        found.append(tuple(_make_scenario(net_w, max(0.0, sun_w)) for net_w in nets_w))
    return found


def shift_scenarios(
    samples: Sequence[tuple[Scenario, ...]], net_w: float, step_s: int
) -> list[tuple[Scenario, ...]]:
    """Return the scenarios after the first step turned out to be ``net_w``.

    The error of the first step decays over the next steps.
    """
    off_w = net_w - fmean(one.load_w - one.pv_w for one in samples[0])
    found = []
    for at, step in enumerate(samples):
        more_w = off_w * ERROR_KEPT_PER_H ** (at * step_s / _HOUR_S)
        found.append(tuple(one._replace(load_w=one.load_w + more_w) for one in step))
    return found


def _make_scenario(net_w: float, sun_w: float) -> Scenario:
    pv_w = max(sun_w, -net_w)
    return Scenario(load_w=net_w + pv_w, pv_w=pv_w)
