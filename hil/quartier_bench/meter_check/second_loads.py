"""One-second loads of a measured home: appliances whose hourly energy is the measured one.

A record only has the energy of each hour.  It is filled with typical appliances: a fridge, standby, a
kettle,
an oven that pulses, a washing machine, a heat pump; the rest of the energy is spread over the hour.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quartier_bench.home_years.year_records import Home

SecondValues = NDArray[np.float64]
HOUR_S, DAY_S, DAY_H = 3_600, 86_400, 24
OVEN_W, OVEN_ON_S, OVEN_PERIOD_S = 6_500.0, 20, 45
HEAT_PUMP_W = 2_000.0
STANDBY_SHARE = 0.3
"""Largest share of an hour's energy that is standby and a fridge."""
FRIDGE_W, FRIDGE_ON_S, FRIDGE_PERIOD_S = 110.0, 900, 2_700
_RAMP_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeDay:
    """One day of a home, a value each second, in W.

    ``phases_w`` is what is not measured, by phase; ``heat_pump_w`` a measured load; ``generated_w`` (not
    below 0) the PV, ``sky`` the share of clear sky that its clouds let through.  Loads and PV have the
    recorded energies of each hour.
    """

    phases_w: tuple[SecondValues, SecondValues, SecondValues]
    heat_pump_w: SecondValues
    generated_w: SecondValues
    sky: SecondValues

    @property
    def load_w(self) -> SecondValues:
        """All loads of the home."""
        first, second, third = self.phases_w
        return first + second + third + self.heat_pump_w


def count_days(home: Home) -> int:
    """Return the number of whole days in the records."""
    return len(home.load_kwh) // DAY_H


def make_day(
    home: Home, number: int, seed: int = 1, *, oven_share: float = 0.25, cloud_share: float = 0.15
) -> HomeDay:
    """Return day ``number`` (0: the first) of the records; the same seed gives the same seconds.

    ``oven_share`` is how probable it is that an hour with energy enough has a pulsing oven, ``cloud_share``
    how much of the day clouds stand before the sun.
    """
    rng = np.random.default_rng([seed, number, sum(home.name.encode())])
    hours = slice(DAY_H * number, DAY_H * (number + 1))
    phases = np.zeros((3, DAY_S))
    heat_pump_w = np.zeros(DAY_S)
    fridge = _compute_fridge_w(rng)
    for hour, energy_kwh in enumerate(home.load_kwh[hours]):
        seconds = slice(hour * HOUR_S, (hour + 1) * HOUR_S)
        _fill_hour(
            max(1_000.0 * float(energy_kwh), 0.0),
            phases[:, seconds],
            heat_pump_w[seconds],
            fridge[seconds],
            rng,
            oven_share,
        )
    sky = _draw_sky(rng, cloud_share)
    return HomeDay(
        phases_w=(phases[0], phases[1], phases[2]),
        heat_pump_w=heat_pump_w,
        generated_w=_shape_sun(home.pv_kwh[hours], sky),
        sky=sky,
    )


def _compute_fridge_w(rng: np.random.Generator) -> SecondValues:
    at_s = np.arange(DAY_S) + int(rng.integers(FRIDGE_PERIOD_S))
    return np.where(at_s % FRIDGE_PERIOD_S < FRIDGE_ON_S, FRIDGE_W, 0.0)


def _fill_hour(
    energy_wh: float,
    phases: SecondValues,
    heat_pump: SecondValues,
    fridge: SecondValues,
    rng: np.random.Generator,
    oven_share: float,
) -> None:
    """Fill one hour in place, so that it has just this energy."""
    fridge_wh = float(fridge.sum()) / HOUR_S
    scale = min(1.0, STANDBY_SHARE * energy_wh / fridge_wh) if fridge_wh > 0.0 else 0.0
    phases[0] += scale * fridge
    left_wh = energy_wh - scale * fridge_wh
    if left_wh > 1_200.0 and rng.random() < oven_share:
        left_wh -= _add_oven(phases, left_wh, rng)
    if left_wh > 500.0 and rng.random() < 0.5:
        length_s = int(min(2_700, 0.8 * left_wh / HEAT_PUMP_W * HOUR_S))
        begin = int(rng.integers(0, HOUR_S - length_s))
        heat_pump[begin : begin + length_s] = HEAT_PUMP_W
        left_wh -= HEAT_PUMP_W * length_s / HOUR_S
    for power_w, length_s, phase, share in (
        (2_000.0, 150, 1, 0.6),  # a kettle
        (2_100.0, 840, 2, 0.3),  # a washing machine that heats
        (1_200.0, 300, 1, 0.4),  # a microwave oven, a vacuum cleaner
    ):
        event_wh = power_w * length_s / HOUR_S
        if left_wh > 1.3 * event_wh and rng.random() < share:
            begin = int(rng.integers(0, HOUR_S - length_s))
            phases[phase, begin : begin + length_s] += power_w
            left_wh -= event_wh
    _spread_energy(phases, left_wh, rng)


def _add_oven(phases: SecondValues, left_wh: float, rng: np.random.Generator) -> float:
    """Add an oven that pulses on two phases for ten to forty minutes; returns its energy."""
    share = OVEN_ON_S / OVEN_PERIOD_S
    most_s = int(0.8 * left_wh / (OVEN_W * share) * HOUR_S)
    length_s = min(int(rng.integers(600, 2_400)), most_s)
    begin = int(rng.integers(0, HOUR_S - length_s))
    pulse = np.where(np.arange(length_s) % OVEN_PERIOD_S < OVEN_ON_S, OVEN_W, 0.0)
    phases[1, begin : begin + length_s] += 0.5 * pulse
    phases[2, begin : begin + length_s] += 0.5 * pulse
    return float(pulse.sum()) / HOUR_S


def _spread_energy(phases: SecondValues, left_wh: float, rng: np.random.Generator) -> None:
    """Spread the rest over the hour: small things that go on and off each minute, and a little noise."""
    minutes = rng.uniform(0.6, 1.4, 60)
    course = np.repeat(minutes / minutes.mean(), 60) * (1.0 + 0.01 * rng.standard_normal(HOUR_S))
    course *= left_wh / course.mean()
    for phase, share in enumerate((0.5, 0.3, 0.2)):
        phases[phase] += share * course


def _draw_sky(rng: np.random.Generator, cloud_share: float) -> SecondValues:
    """Draw the share of sunlight that clouds let through: minutes of cloud with edges of half a minute."""
    sky = np.ones(DAY_S)
    at_s = 0
    while at_s < DAY_S:
        length_s = int(rng.exponential(300.0)) + 30
        if rng.random() < cloud_share:
            sky[at_s : at_s + length_s] = rng.uniform(0.2, 0.7)
        at_s += length_s
    edge = np.ones(_RAMP_S) / _RAMP_S
    return np.convolve(np.pad(sky, _RAMP_S // 2, mode="edge"), edge, mode="same")[_RAMP_S // 2 :][:DAY_S]


def _shape_sun(hours_kwh: SecondValues, sky: SecondValues) -> SecondValues:
    """Return a smooth course through the hours' means, times the clouds, with the recorded energies."""
    middles = (np.arange(DAY_H) + 0.5) * HOUR_S
    means_w = 1_000.0 * np.asarray(hours_kwh, dtype=np.float64)
    course = np.interp(np.arange(DAY_S) + 0.5, middles, means_w) * sky
    by_hour = course.reshape(DAY_H, HOUR_S)
    mean = by_hour.mean(axis=1)
    scale = np.divide(means_w, mean, out=np.zeros(DAY_H), where=mean > 0.0)
    shaped: SecondValues = (by_hour * scale[:, None]).reshape(DAY_S)
    return shaped
