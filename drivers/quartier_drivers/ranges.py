"""Finds values that a quantity cannot have, whatever device sends them; pure.

A profile narrows a range where its manual does; nothing widens one.  ``RangeCheck`` checks readings between
drivers and control: an impossible value becomes BAD and is still shown to people.  It also detects phases
that are not connected, because they never had a voltage, and limits the power that an asset can have.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from math import inf
from typing import NamedTuple
from weakref import WeakKeyDictionary

from quartier_drivers.readings import FLOAT, QUALITIES, Layout, Quality, Readings, Value


class ValueRange(NamedTuple):
    """Lowest and highest value, and the reason for both."""

    low: float
    high: float
    why: str


_PHASE_SUFFIX = r"(?:_l[123])?"
# The first pattern that matches counts.
RANGE_TABLE: tuple[tuple[str, ValueRange], ...] = (
    (rf"power_factor{_PHASE_SUFFIX}_pct", ValueRange(-100.0, 100.0, "a cosine")),
    (r"soc_pct", ValueRange(0.0, 100.0, "a share of the capacity")),
    (r"soh_pct", ValueRange(0.0, 120.0, "new cells exceed their rating")),
    (r"(?:\w+_)?humidity_pct", ValueRange(0.0, 100.0, "relative humidity")),
    (r"frequency_hz", ValueRange(40.0, 70.0, "50 or 60 Hz; generators leave the grid at 47.5 and 51.5 Hz")),
    (
        rf"(?:\w+_)?voltage(?:_mean)?{_PHASE_SUFFIX}_v",
        ValueRange(0.0, 40_000.0, "medium voltage (EN 50160: up to 36 kV)"),
    ),
    (
        rf"current{_PHASE_SUFFIX}_a",
        ValueRange(-20_000.0, 20_000.0, "the largest low-voltage busbars carry 6300 A"),
    ),
    (
        rf"(?:power|heat_power|dc_power){_PHASE_SUFFIX}_w",
        ValueRange(-1e8, 1e8, "100 MW; a building has its ratings"),
    ),
    (
        rf"(?:reactive_power{_PHASE_SUFFIX}_var|apparent_power{_PHASE_SUFFIX}_va)",
        ValueRange(-1e8, 1e8, "as the power"),
    ),
    (r"energy_(?:import|export)(?:_\w+)?_wh", ValueRange(0.0, inf, "a counter of one direction")),
    (r"co2_ppm", ValueRange(0.0, 1e6, "a share of the air")),
    (
        r"(?:outdoor|room|supply_air|extract)(?:_temperature)?_c",
        ValueRange(-60.0, 90.0, "air where people live"),
    ),
    (
        r"(?:\w+_)?temperature_c|(?:flow|return|supply|tank|source_in|source_out)_c",
        ValueRange(-90.0, 400.0, "water, oil, cells"),
    ),
    (r"\w+_c", ValueRange(-273.15, 2000.0, "absolute zero; a flame")),
)
"""The closed list of quantities that can be impossible, with their ranges."""

_RANGE_ROWS = tuple((re.compile(pattern).fullmatch, found) for pattern, found in RANGE_TABLE)
_IS_PHASE_VOLTAGE = re.compile(r"(?:\w+_)?voltage(?:_mean)?_l[123]_v").fullmatch
_IS_POWER = re.compile(rf"power{_PHASE_SUFFIX}_w").fullmatch
LIVE_PHASE_V = 10.0
"""A phase that never had this voltage is not connected; a long cable picks up less from other phases."""
_OVER_RATED_FACTOR, _OVER_RATED_W = 3.0, 500.0
"""A power above this multiple of the rating plus this many W is impossible; below it, alarms handle it."""
_GOOD, _BAD = QUALITIES.index(Quality.GOOD), QUALITIES.index(Quality.BAD)


@lru_cache(4096)
def find_range(quantity: str) -> ValueRange | None:
    """Return the range of a quantity; None if it has none."""
    return next((found for fits, found in _RANGE_ROWS if fits(quantity)), None)


def is_value_possible(quantity: str, value: Value | None) -> bool:
    """Return whether the quantity can have this value."""
    known = find_range(quantity)
    if known is None or value is None or isinstance(value, str):
        return True
    return known.low <= value <= known.high


class _ColumnCheck(NamedTuple):
    """The check of one column of a layout."""

    place: int
    point: str
    owner: str
    low: float
    high: float
    is_phase: bool
    is_power: bool


class RangeCheck:
    """Checks the readings of all devices.  ``ratings`` are the rated powers of the assets (W) by name.

    If a device itself states ``power_rated_w``, the larger of the two counts.
    """

    def __init__(self, ratings: Mapping[str, float] | None = None) -> None:
        self._ratings = dict(ratings or {})
        self._stated: dict[str, float] = {}
        self._live: set[str] = set()  # phases that have had a voltage
        self._live_owners: set[str] = set()
        self._checks: WeakKeyDictionary[Layout, tuple[_ColumnCheck, ...]] = WeakKeyDictionary()

    def follow(self, ratings: Mapping[str, float]) -> None:
        """Replace the ratings by those of a new site file."""
        self._ratings = dict(ratings)

    def judge(self, readings: Readings) -> Readings:
        """Return the readings with the impossible ones BAD; the same object if there are none."""
        checks = self._checks.get(readings.layout)
        if checks is None:
            checks = self._checks[readings.layout] = tuple(_make_checks(readings.layout))
        bad = [
            one.place
            for one in checks
            if readings.qualities[one.place] == _GOOD and not self._can_be(one, readings)
        ]
        bad += self._absent(checks, readings)
        if not bad:
            return readings
        qualities = bytearray(readings.qualities)
        for place in bad:
            qualities[place] = _BAD
        return Readings(
            readings.layout,
            readings.values,
            bytes(qualities),
            readings.taken_ns,
            readings.texts,
            readings.raws,
        )

    def _can_be(self, one: _ColumnCheck, readings: Readings) -> bool:
        value = readings.values[one.place]
        if not one.low <= value <= one.high:
            return False
        if one.is_power:
            rated_w = max(self._ratings.get(one.owner, 0.0), self._stated.get(one.owner, 0.0))
            return rated_w <= 0.0 or abs(value) <= _OVER_RATED_FACTOR * rated_w + _OVER_RATED_W
        if one.point.endswith(".power_rated_w"):
            self._stated[one.owner] = value
        if one.is_phase and value >= LIVE_PHASE_V:
            self._live.add(one.point)
            self._live_owners.add(one.owner)
        return True

    def _absent(self, checks: tuple[_ColumnCheck, ...], readings: Readings) -> list[int]:
        """Return phases that never had a voltage while another has one: an IT grid, a single-phase meter."""
        return [
            one.place
            for one in checks
            if one.is_phase
            and one.point not in self._live
            and one.owner in self._live_owners
            and readings.qualities[one.place] == _GOOD
            and readings.values[one.place] < LIVE_PHASE_V
        ]


def _make_checks(layout: Layout) -> "list[_ColumnCheck]":
    found = []
    for place, point in enumerate(layout.points):
        owner, _, quantity = point.partition(".")
        known = find_range(quantity)
        if layout.kinds[place] == FLOAT and (known is not None or quantity == "power_rated_w"):
            low, high, _ = known or ValueRange(0.0, inf, "")
            found.append(
                _ColumnCheck(
                    place,
                    point,
                    owner,
                    low,
                    high,
                    is_phase=_IS_PHASE_VOLTAGE(quantity) is not None,
                    is_power=_IS_POWER(quantity) is not None,
                )
            )
    return sorted(found, key=lambda one: one.is_power)  # a device's own rating is needed before its powers
