"""Values of a sound grid meter and of the assets of a home, second by second, for a year.

Unlike a recorded day it has all that makes a sound meter look wrong: unlisted generation and batteries,
slow
and coarse meters, devices that draw nothing though they may.  A battery, a car and a heat pump follow a
simple controller that follows the meter, so that orders, steps and answers belong together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from quartier_bench.home_years.year_records import Home
from quartier_bench.meter_check.second_loads import (
    DAY_S,
    HOUR_S,
    HomeDay,
    SecondValues,
    count_days,
    make_day,
)

BATTERY_W, CAPACITY_WH = 5_000.0, 10_000.0
BAND_PCT = (10.0, 95.0)
LIMIT_W = 9_000.0
CAR_A, CAR_MIN_A, CAR_W_PER_A = 16.0, 6.0, 690.0
RAMP_W, DELAY_S = 1_500.0, 2
OTHER_CAPACITY_WH, OTHER_RAMP_W, OTHER_DELAY_S, OTHER_DEADBAND_W = 8_000.0, 1_000.0, 3, 80.0
RAISE_INTERVAL_S = 120
NOMINAL_V = 230.0
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingVariant:
    """A normal building that makes a sound meter look wrong; the default is a plain one.

    ``pv_share``: PV of another maker, by the size of ours; ``chp_w``, ``other_battery_w``: CHP and battery
    that nobody listed; ``period_s``: how often the meter is read, ``is_mean``: it tells the mean since;
    ``is_apparent``: it tells VA without a sign; ``deadband_w``: it shows smaller changes not at all;
    ``battery_deadband_w``: our battery rests below it; ``full_car``, ``open_thermostat``: they draw nothing
    though they may.  ``factor`` is 1 of a sound meter; one that lies has another, as -1, and the controller
    believes it.
    """

    words: str
    pv_share: float = 0.0
    chp_w: float = 0.0
    other_battery_w: float = 0.0
    period_s: int = 1
    is_mean: bool = False
    is_apparent: bool = False
    deadband_w: float = 0.0
    battery_deadband_w: float = 0.0
    full_car: bool = False
    open_thermostat: bool = False
    oven_share: float = 0.25
    cloud_share: float = 0.15
    factor: float = 1.0


VARIANTS: Mapping[str, BuildingVariant] = {
    "plain": BuildingVariant(words="everything is listed"),
    "unlisted-pv": BuildingVariant(words="PV of another maker, as large as ours", pv_share=1.0),
    "unlisted-chp": BuildingVariant(words="a CHP of 3 kW that nobody listed", chp_w=3_000.0),
    "unlisted-battery": BuildingVariant(words="a battery of another maker, 3 kW", other_battery_w=3_000.0),
    "minute-meter": BuildingVariant(words="the meter is read once a minute", period_s=60),
    "minute-mean": BuildingVariant(
        words="the meter tells the mean of each minute", period_s=60, is_mean=True
    ),
    "apparent": BuildingVariant(words="the meter tells VA without a sign", is_apparent=True),
    "meter-deadband": BuildingVariant(words="the meter shows changes from 100 W on", deadband_w=100.0),
    "battery-deadband": BuildingVariant(words="our battery rests below 300 W", battery_deadband_w=300.0),
    "full-car": BuildingVariant(words="a full car that may charge", full_car=True),
    "open-thermostat": BuildingVariant(words="a heat pump that may run and does not", open_thermostat=True),
    "ovens": BuildingVariant(words="an oven that pulses in every hour that can have one", oven_share=1.0),
    "clouds": BuildingVariant(words="clouds all day, with edges of half a minute", cloud_share=0.6),
    "all-unlisted": BuildingVariant(
        words="PV, CHP and a battery that nobody listed", pv_share=1.0, chp_w=3_000.0, other_battery_w=3_000.0
    ),
}


@dataclass(frozen=True, slots=True)
class SecondRecord:
    """One second.  ``grid_ns`` is when the meter was read last, by the time of ``time_ns``.

    ``grid`` has ``power_w`` and ``power_l1_w`` … and ``current_l1_a`` …, or ``apparent_va`` and the currents
    where the meter has no sign.  ``assets`` maps names to ``power_w`` and, of the battery, ``soc_pct``;
    ``orders`` points to values.
    """

    time_ns: int
    grid_ns: int
    grid: Mapping[str, float]
    assets: Mapping[str, Mapping[str, float]]
    orders: Mapping[str, float]


@dataclass(slots=True)
class _DayState:
    """State that one day passes to the next."""

    battery_wh: float = 0.5 * CAPACITY_WH
    battery_w: float = 0.0
    order_w: float = 0.0
    other_wh: float = 0.5 * OTHER_CAPACITY_WH
    other_w: float = 0.0
    shown_w: float = 0.0
    car_a: float = 0.0
    raised_s: int = 0
    heat_off_s: int = 0


@dataclass(slots=True)
class _DayColumns:
    """Columns of a day, one value per second."""

    battery_w: list[float] = field(default_factory=list)
    soc_pct: list[float] = field(default_factory=list)
    car_w: list[float] = field(default_factory=list)
    heat_w: list[float] = field(default_factory=list)
    other_w: list[float] = field(default_factory=list)
    shown_w: list[float] = field(default_factory=list)
    order_w: list[float] = field(default_factory=list)
    car_a: list[float] = field(default_factory=list)
    relay_on: list[float] = field(default_factory=list)


def iterate_records(
    home: Home, variant: BuildingVariant, seed: int = 1, days: Sequence[int] | None = None
) -> Iterator[SecondRecord]:
    """Yield a record each second of some ``days`` (0: the first), in turn; None: of the whole year."""
    state = _DayState()
    for place, number in enumerate(range(count_days(home)) if days is None else days):
        yield from _iterate_day_records(*_simulate_day(home, variant, state, number, seed), variant, place)


def spread_days(home: Home, count: int) -> list[int]:
    """Return ``count`` days of a home, evenly over its records."""
    whole = count_days(home)
    return [(whole * place) // min(count, whole) for place in range(min(count, whole))]


def _simulate_day(
    home: Home, variant: BuildingVariant, state: _DayState, number: int, seed: int
) -> tuple[HomeDay, _DayColumns, SecondValues, np.random.Generator]:
    """Live one day; returns its loads, what was done, what nobody listed, and the dice."""
    day = make_day(home, number, seed, oven_share=variant.oven_share, cloud_share=variant.cloud_share)
    rng = np.random.default_rng([seed, number, 7])
    unlisted = -variant.pv_share * day.generated_w - draw_chp(variant.chp_w, rng)
    rest_w = (np.sum(day.phases_w, axis=0) - day.generated_w + unlisted).tolist()
    needs_wh, from_s = draw_car(variant, rng)
    columns = _simulate_seconds(variant, state, rest_w, day.heat_pump_w.tolist(), needs_wh, from_s)
    return day, columns, unlisted, rng


def draw_chp(power_w: float, rng: np.random.Generator) -> SecondValues:
    """A CHP that runs for some hours, starts and stops within a minute."""
    course = np.zeros(DAY_S)
    if power_w:
        for _ in range(2):
            begin, length_s = int(rng.integers(0, DAY_S)), int(rng.integers(2, 6)) * HOUR_S
            course[begin : begin + length_s] = power_w
        course = np.convolve(course, np.ones(60) / 60, mode="same")
    return course


def draw_car(variant: BuildingVariant, rng: np.random.Generator) -> tuple[float, int]:
    """Return the energy that a car wants in Wh and its start second; a full car wants 0 and stays all day."""
    if variant.full_car:
        return 0.0, 0
    if rng.random() < 0.4:
        return 0.0, DAY_S
    return float(rng.uniform(4_000, 18_000)), int(rng.integers(15, 22)) * HOUR_S


def _simulate_seconds(  # noqa: C901, PLR0912, PLR0915 - one second after the other, as fast as Python goes
    variant: BuildingVariant,
    state: _DayState,
    rest_w: list[float],
    heat_pump_w: list[float],
    needs_wh: float,
    from_s: int,
) -> _DayColumns:
    """Steer battery, car and heat pump by the meter, each second of a day."""
    to = _DayColumns()
    battery_w, battery_wh, order_w = state.battery_w, state.battery_wh, state.order_w
    other_w, other_wh, shown_w = state.other_w, state.other_wh, state.shown_w
    car_a, raised_s, heat_off_s = state.car_a, state.raised_s, state.heat_off_s
    orders = [order_w] * DELAY_S
    pasts = [shown_w] * OTHER_DELAY_S
    low_wh, high_wh = (CAPACITY_WH * pct / 100.0 for pct in BAND_PCT)
    period_s, other_max_w = variant.period_s, variant.other_battery_w
    sum_w, reported_w, factor = 0.0, shown_w, variant.factor
    for second in range(DAY_S):
        plugged = second >= from_s
        # The heat pump by its relay; the car by its current.
        relay = 0.0 if second < heat_off_s else 1.0
        heat_w = 0.0 if variant.open_thermostat else heat_pump_w[second] * relay
        if variant.open_thermostat and second % 1_800 < 900:
            relay = 0.0
        car_w = car_a * CAR_W_PER_A if plugged and car_a >= CAR_MIN_A and needs_wh > 0.0 else 0.0
        needs_wh -= car_w / HOUR_S
        # Our battery follows its order after a delay, by its ramp, within its band.
        goal_w = orders[second % DELAY_S]
        if -variant.battery_deadband_w < goal_w < variant.battery_deadband_w:
            goal_w = 0.0
        if (goal_w > 0.0 and battery_wh >= high_wh) or (goal_w < 0.0 and battery_wh <= low_wh):
            goal_w = 0.0
        battery_w += min(max(goal_w - battery_w, -RAMP_W), RAMP_W)
        battery_wh += battery_w * (0.96 if battery_w > 0.0 else 1.04) / HOUR_S
        # A battery of somebody else reads the connection too, some seconds late.
        if other_max_w:
            seen_w = pasts[second % OTHER_DELAY_S]
            if abs(seen_w) > OTHER_DEADBAND_W:
                aim_w = min(max(other_w - 0.6 * seen_w, -other_max_w), other_max_w)
                if (aim_w > 0.0 and other_wh >= OTHER_CAPACITY_WH) or (aim_w < 0.0 and other_wh <= 0.0):
                    aim_w = 0.0
                other_w += min(max(aim_w - other_w, -OTHER_RAMP_W), OTHER_RAMP_W)
            other_wh += other_w / HOUR_S
        grid_w = rest_w[second] + heat_w + car_w + battery_w + other_w
        pasts[second % OTHER_DELAY_S] = grid_w
        # The meter: by its period, its mean, its deadband.
        sum_w += grid_w
        is_read = second % period_s == period_s - 1
        if is_read:
            new_w = factor * (sum_w / period_s if variant.is_mean else grid_w)
            sum_w = 0.0
            if abs(new_w - shown_w) >= variant.deadband_w:
                shown_w = new_w
            # Orders: self-consumption, and a limit of the import.
            reported_w = max(shown_w, 0.0) if variant.is_apparent else shown_w
            gain = 1.0 if period_s == 1 else 0.5
            least_w = 0.0 if battery_wh <= low_wh else -BATTERY_W
            most_w = 0.0 if battery_wh >= high_wh else BATTERY_W
            wanted_w = min(max(battery_w - gain * reported_w, least_w), most_w)
            if abs(wanted_w - order_w) > 50.0:
                order_w = wanted_w
            if reported_w > LIMIT_W:
                car_a = max(car_a - (reported_w - LIMIT_W) / CAR_W_PER_A, 0.0)
                car_a = car_a if car_a >= CAR_MIN_A else 0.0
                raised_s = second
                if car_a == 0.0 and reported_w > LIMIT_W + 1_000.0:
                    heat_off_s = second + 600
        if second - raised_s >= RAISE_INTERVAL_S:
            raised_s = second
            if variant.full_car:
                car_a = 0.0 if car_a else CAR_A
            elif plugged and reported_w < LIMIT_W - 2_000.0:
                car_a = min(max(car_a + 3.0, CAR_MIN_A), CAR_A)
        orders[second % DELAY_S] = order_w
        to.battery_w.append(battery_w)
        to.soc_pct.append(100.0 * battery_wh / CAPACITY_WH)
        to.car_w.append(car_w)
        to.heat_w.append(heat_w)
        to.other_w.append(other_w)
        to.shown_w.append(shown_w)
        to.order_w.append(order_w)
        to.car_a.append(car_a)
        to.relay_on.append(relay)
    state.battery_w, state.battery_wh, state.order_w = battery_w, battery_wh, order_w
    state.other_w, state.other_wh, state.shown_w = other_w, other_wh, shown_w
    state.car_a = 0.0 if not variant.full_car else car_a
    state.raised_s, state.heat_off_s = 0, 0
    return to


def _iterate_day_records(
    day: HomeDay,
    columns: _DayColumns,
    unlisted: SecondValues,
    rng: np.random.Generator,
    variant: BuildingVariant,
    number: int,
) -> Iterator[SecondRecord]:
    """Yield the records of a day: what the meter shows by phase, and what the assets' own meters show."""
    grid, grid_s = _read_grid(day, columns, unlisted, rng, variant)
    noise = [np.round(2.0 * rng.standard_normal(DAY_S)).tolist() for _ in range(4)]
    generated = (-day.generated_w).tolist()
    names = tuple(grid)
    order: dict[str, float] = {}
    last: tuple[float, float, float] | None = None
    reading: dict[str, float] = {}
    read_s = -1
    begin_ns = number * DAY_S * _NS_PER_S
    for second, values in enumerate(zip(*grid.values(), strict=True)):
        if grid_s[second] != read_s:
            read_s = grid_s[second]
            reading = dict(zip(names, values, strict=True))
        now = (columns.order_w[second], columns.car_a[second], columns.relay_on[second])
        if now != last:
            last = now
            order = {"bat1.setpoint_w": now[0], "ev1.current_max_a": now[1], "hp1.relay_on": now[2]}
        at_ns = begin_ns + second * _NS_PER_S
        yield SecondRecord(
            at_ns,
            at_ns - (second - read_s) * _NS_PER_S,
            reading,
            {
                "bat1": {
                    "power_w": columns.battery_w[second] + noise[0][second],
                    "soc_pct": columns.soc_pct[second],
                },
                "ev1": {
                    "power_w": columns.car_w[second] + (noise[1][second] if columns.car_w[second] else 0.0)
                },
                "hp1": {
                    "power_w": columns.heat_w[second] + (noise[2][second] if columns.heat_w[second] else 0.0)
                },
                "pv1": {"power_w": min(generated[second] + noise[3][second], 0.0)},
            },
            order,
        )


def _read_grid(
    day: HomeDay,
    columns: _DayColumns,
    unlisted: SecondValues,
    rng: np.random.Generator,
    variant: BuildingVariant,
) -> tuple[dict[str, list[float]], list[int]]:
    """Return the values of the meter each second by quantity, and the second at which each was read."""
    shared = np.array(columns.battery_w) + np.array(columns.car_w) + np.array(columns.other_w) + unlisted
    shared = (shared - day.generated_w) / 3.0
    phases = [phase + shared for phase in day.phases_w]
    phases[2] = phases[2] + np.array(columns.heat_w)
    phases = [variant.factor * phase for phase in phases]
    period_s = variant.period_s
    seconds = np.arange(DAY_S)
    read_s = np.maximum(((seconds + 1) // period_s) * period_s - 1, 0)
    if variant.is_mean:
        phases = [np.repeat(one.reshape(-1, period_s).mean(axis=1), period_s) for one in phases]
    noise = [rng.standard_normal(DAY_S) for _ in phases]
    phases = [np.round(one + 3.0 * spread) for one, spread in zip(phases, noise, strict=True)]
    if variant.deadband_w:
        phases = [_apply_deadband(one, variant.deadband_w / 3.0) for one in phases]
    phases = [one[read_s] for one in phases]
    amps = {
        f"current_l{place}_a": np.round(np.abs(one) / NOMINAL_V, 2) for place, one in enumerate(phases, 1)
    }
    if variant.is_apparent:
        drawn = {"apparent_va": np.sum([np.maximum(one, 0.0) for one in phases], axis=0)}
        found = drawn | {name: np.round(one) for name, one in amps.items()}
    else:
        found = {"power_w": np.sum(phases, axis=0)}
        found |= {f"power_l{place}_w": one for place, one in enumerate(phases, 1)} | amps
    return {name: one.tolist() for name, one in found.items()}, read_s.tolist()


def _apply_deadband(values: SecondValues, deadband: float) -> SecondValues:
    """Return values that change only by ``deadband`` and more."""
    held = values[0]
    shown = []
    for value in values.tolist():
        if abs(value - held) >= deadband:
            held = value
        shown.append(held)
    return np.array(shown)
