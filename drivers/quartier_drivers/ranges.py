"""Finds values that a quantity cannot have, whatever device sends them; pure.

A profile narrows a range where its manual does; nothing widens one.  ``Ranges`` checks readings between
drivers and control: an impossible value becomes BAD and is still shown to people.  It also detects phases
that are not connected, because they never had a voltage, and limits the power that an asset can have.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from math import inf
from typing import NamedTuple
from weakref import WeakKeyDictionary

from quartier_drivers.contract import FLOAT, QUALITIES, Quality, Readings, Value
from quartier_drivers.layout import Layout


class Range(NamedTuple):
    """Lowest and highest value, and the reason for both."""

    low: float
    high: float
    why: str


_PHASE = r"(?:_l[123])?"
# The first pattern that matches counts.
TABLE: tuple[tuple[str, Range], ...] = (
    (rf"power_factor{_PHASE}_pct", Range(-100.0, 100.0, "a cosine")),
    (r"soc_pct", Range(0.0, 100.0, "a share of the capacity")),
    (r"soh_pct", Range(0.0, 120.0, "new cells exceed their rating")),
    (r"(?:\w+_)?humidity_pct", Range(0.0, 100.0, "relative humidity")),
    (r"frequency_hz", Range(40.0, 70.0, "50 or 60 Hz; generators leave the grid at 47.5 and 51.5 Hz")),
    (
        rf"(?:\w+_)?voltage(?:_mean)?{_PHASE}_v",
        Range(0.0, 40_000.0, "medium voltage (EN 50160: up to 36 kV)"),
    ),
    (rf"current{_PHASE}_a", Range(-20_000.0, 20_000.0, "the largest low-voltage busbars carry 6300 A")),
    (rf"(?:power|heat_power|dc_power){_PHASE}_w", Range(-1e8, 1e8, "100 MW; a building has its ratings")),
    (rf"(?:reactive_power{_PHASE}_var|apparent_power{_PHASE}_va)", Range(-1e8, 1e8, "as the power")),
    (r"energy_(?:import|export)(?:_\w+)?_wh", Range(0.0, inf, "a counter of one direction")),
    (r"co2_ppm", Range(0.0, 1e6, "a share of the air")),
    (r"(?:outdoor|room|supply_air|extract)(?:_temperature)?_c", Range(-60.0, 90.0, "air where people live")),
    (
        r"(?:\w+_)?temperature_c|(?:flow|return|supply|tank|source_in|source_out)_c",
        Range(-90.0, 400.0, "water, oil, cells"),
    ),
    (r"\w+_c", Range(-273.15, 2000.0, "absolute zero; a flame")),
)
"""The closed list of quantities that can be impossible, with their ranges."""

_ROWS = tuple((re.compile(pattern).fullmatch, found) for pattern, found in TABLE)
_PHASES = re.compile(r"(?:\w+_)?voltage(?:_mean)?_l[123]_v").fullmatch
_POWERS = re.compile(rf"power{_PHASE}_w").fullmatch
LIVE_V = 10.0
"""A phase that never had this voltage is not connected; a long cable picks up less from other phases."""
_OVER_RATED, _OVER_RATED_W = 3.0, 500.0
"""A power above this multiple of the rating plus this many W is impossible; below it, alarms handle it."""
_GOOD, _BAD = QUALITIES.index(Quality.GOOD), QUALITIES.index(Quality.BAD)


@lru_cache(4096)
def range_of(quantity: str) -> Range | None:
    """Return the range of a quantity; None if it has none."""
    return next((found for fits, found in _ROWS if fits(quantity)), None)


def can_be(quantity: str, value: Value | None) -> bool:
    """Return whether the quantity can have this value."""
    known = range_of(quantity)
    if known is None or value is None or isinstance(value, str):
        return True
    return known.low <= value <= known.high


class _Check(NamedTuple):
    """The check of one column of a layout."""

    place: int
    point: str
    owner: str
    low: float
    high: float
    is_phase: bool
    is_power: bool


class Ranges:
    """Checks the readings of all devices.  ``ratings`` are the rated powers of the assets (W) by name.

    If a device itself states ``power_rated_w``, the larger of the two counts.
    """

    def __init__(self, ratings: Mapping[str, float] | None = None) -> None:
        self._ratings = dict(ratings or {})
        self._stated: dict[str, float] = {}
        self._live: set[str] = set()  # phases that have had a voltage
        self._live_owners: set[str] = set()
        self._checks: WeakKeyDictionary[Layout, tuple[_Check, ...]] = WeakKeyDictionary()

    def follow(self, ratings: Mapping[str, float]) -> None:
        """Replace the ratings by those of a new site file."""
        self._ratings = dict(ratings)

    def judge(self, readings: Readings) -> Readings:
        """Return the readings with the impossible ones BAD; the same object if there are none."""
        checks = self._checks.get(readings.layout)
        if checks is None:
            checks = self._checks[readings.layout] = tuple(_checks(readings.layout))
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

    def _can_be(self, one: _Check, readings: Readings) -> bool:
        value = readings.values[one.place]
        if not one.low <= value <= one.high:
            return False
        if one.is_power:
            rated_w = max(self._ratings.get(one.owner, 0.0), self._stated.get(one.owner, 0.0))
            return rated_w <= 0.0 or abs(value) <= _OVER_RATED * rated_w + _OVER_RATED_W
        if one.point.endswith(".power_rated_w"):
            self._stated[one.owner] = value
        if one.is_phase and value >= LIVE_V:
            self._live.add(one.point)
            self._live_owners.add(one.owner)
        return True

    def _absent(self, checks: tuple[_Check, ...], readings: Readings) -> list[int]:
        """Return phases that never had a voltage while another has one: an IT grid, a single-phase meter."""
        return [
            one.place
            for one in checks
            if one.is_phase
            and one.point not in self._live
            and one.owner in self._live_owners
            and readings.qualities[one.place] == _GOOD
            and readings.values[one.place] < LIVE_V
        ]


def _checks(layout: Layout) -> "list[_Check]":
    found = []
    for place, point in enumerate(layout.points):
        owner, _, quantity = point.partition(".")
        known = range_of(quantity)
        if layout.kinds[place] == FLOAT and (known is not None or quantity == "power_rated_w"):
            low, high, _ = known or Range(0.0, inf, "")
            flags = _PHASES(quantity) is not None, _POWERS(quantity) is not None
            found.append(_Check(place, point, owner, low, high, *flags))
    return sorted(found, key=lambda one: one.is_power)  # a device's own rating is needed before its powers
