"""Model of a PV plant: its clear sky, and the clearness of recent hours and days (pure).

Where the coordinates of the building are known, its clear sky is a plane in three functions of the sun: the
global irradiance, and the east and north parts of the beam. So tilt, direction and losses are three numbers
to learn, and shading is one number for each slot of the day:

    clear_w = rated_w * shade * max(0, b0 G + b1 B e + b2 B n)

G: Haurwitz (1945), 1098 u exp(-0.059 / u), as in Reno, Hansen and Stein (SAND2012-2389). B: Meinel and Meinel
(1976), 1353 0.7 ** (air mass ** 0.678), air mass 1 / u. e, n, u: the direction of the sun
(``control/observe/local_time.py``). The weights are an expectile (Newey and Powell 1987): a value above
counts 20 times a value below, since clouds only reduce the power. Where the coordinates are not known, one
clear-sky power is learned for each slot in the same way.

Clearness is the generation divided by the clear-sky generation, over the last hours, the last day and the
last weeks. It is the ratio of two fading sums, so that dawn and night count only by their light.
"""

import math
from dataclasses import dataclass, field

from quartier.control.observe import local_time
from quartier.planning.forecast.estimators import RidgeRegression
from quartier.planning.forecast.site_history import Coordinates
from quartier.planning.forecast.time_slots import SlotGrid

_BELOW_WEIGHT = 0.05
"""Weight of a value below the clear sky relative to one above."""


_MOMENTS_COUNT = 4
_SUN_HEIGHT_MIN = 0.01
"""Sine of the lowest sun elevation that gives a beam: half a degree."""


_SLOT_RISE_SHARE, _SLOT_FALL_SHARE = 0.4, 0.03
_FIRST_PEAK_SHARE = 0.8
_PLANE_MIN, _SHADE_MAX = 0.02, 2.0
_SHADE_RISE, _SHADE_FALL = 0.3, 0.03
_CACHED_SLOTS_MAX = 512
_FLAT_YIELD = 0.85
"""Share of the rated power at 1,000 W/m² on a level plane before any data; dirt and heat take the rest."""


_DAWN_H, _DUSK_H = 6.0, 18.0


def find_irradiance(utc_s: float, where: Coordinates) -> tuple[float, float, float]:
    """Return G, B e and B n in kW/m² at an instant; zeros while the sun is down."""
    east, north, up = local_time.find_sun_direction(utc_s * 1e3, *where)
    if up < _SUN_HEIGHT_MIN:
        return 0.0, 0.0, 0.0
    beam = 1.353 * 0.7 ** ((1.0 / up) ** 0.678)
    return 1.098 * up * math.exp(-0.059 / up), beam * east, beam * north


@dataclass(slots=True)
class ClearSkyModel:
    """Clear sky of one plant of ``rated_w``."""

    grid: SlotGrid
    rated_w: float
    where: Coordinates | None
    plane: RidgeRegression = field(init=False)
    parts_w: list[float] = field(init=False)
    shade: list[float] = field(init=False)
    _seen: dict[int, list[float]] = field(init=False)

    def __post_init__(self) -> None:
        self.plane = RidgeRegression([_FLAT_YIELD, 0.0, 0.0], forget=0.9998, doubt=0.2, clip=1.0)
        hours = [(part + 0.5) / self.grid.hour for part in range(self.grid.day)]
        lit = math.pi / (_DUSK_H - _DAWN_H)
        self.parts_w = [
            _FIRST_PEAK_SHARE * self.rated_w * math.sin((hour - _DAWN_H) * lit)
            if _DAWN_H < hour < _DUSK_H
            else 0.0
            for hour in hours
        ]
        self.shade = [1.0] * self.grid.day
        self._seen = {}

    def predict_w(self, slot: int) -> float:
        """Return the clear-sky power in the slot, 0 to ``rated_w``, in W."""
        if self.where is None:
            return min(max(self.parts_w[self.grid.place(slot).part], 0.0), self.rated_w)
        courses = self._find_irradiance(slot)
        if not courses[0]:
            return 0.0
        return min(max(self.plane.value(courses), 0.0) * self.shade[slot % self.grid.day], 1.0) * self.rated_w

    def is_night(self, slot: int) -> bool:
        """Return whether the sun is down for all of the slot; False where the coordinates are not known."""
        return self.where is not None and not self._find_irradiance(slot)[0]

    def learn(self, slot: int, given_w: float) -> None:
        """Learn the generation of a slot, in W."""
        if self.where is None:
            part = self.grid.place(slot).part
            off_w = given_w - self.parts_w[part]
            self.parts_w[part] += (_SLOT_RISE_SHARE if off_w > 0.0 else _SLOT_FALL_SHARE) * off_w
            return
        courses = self._find_irradiance(slot)
        if courses[0]:
            share, plane = given_w / self.rated_w, max(self.plane.value(courses), _PLANE_MIN)
            at = slot % self.grid.day
            off = min(share / plane, _SHADE_MAX) - self.shade[at]
            self.shade[at] += (_SHADE_RISE if off > 0.0 else _SHADE_FALL) * off
            self.plane.learn(courses, share, 1.0 if share > self.plane.value(courses) else _BELOW_WEIGHT)

    def _find_irradiance(self, slot: int) -> list[float]:
        """Return the mean irradiance parts of a slot; cached, since each slot is requested many times."""
        if (found := self._seen.get(slot)) is not None:
            return found
        if self.where is None:
            return [0.0, 0.0, 0.0]
        if len(self._seen) >= _CACHED_SLOTS_MAX:
            self._seen.clear()
        step_s = self.grid.slot_s / _MOMENTS_COUNT
        moments = [
            find_irradiance((slot * self.grid.slot_s) + (at + 0.5) * step_s, self.where)
            for at in range(_MOMENTS_COUNT)
        ]
        found = [sum(column) / _MOMENTS_COUNT for column in zip(*moments, strict=True)]
        self._seen[slot] = found
        return found


GENERATION_FEATURES_COUNT = 6
"""Number of features of a slot."""


_DAY_SHARE = 0.1
_CLEARNESS_SPANS_H = (3.0, 20.0, 240.0)
_FIRST_CLEARNESS = 0.7
"""Clearness before the first measurement."""


_DECAY_H = 4.0
_FIRST_KWH = 0.2
"""Weight of the first guess, in hours of rated power."""


def make_generation_prior(ahead_h: float) -> list[float]:
    """Return the initial weights; the clearness of the last hours counts less by ``exp(-ahead / 4 h)``."""
    near = math.exp(-ahead_h / _DECAY_H)
    return [1.0, 0.3, 0.25, 0.6 * near, 0.1, 0.0]


@dataclass(slots=True)
class GenerationModel:
    """Model of one plant in W; its size does not grow."""

    grid: SlotGrid
    sky: ClearSkyModel
    day_w: list[float] = field(default_factory=list)
    last_w: list[float] = field(default_factory=list)
    days: list[float] = field(default_factory=list)
    given: list[float] = field(default_factory=list)
    clear: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.day_w, self.days = [math.nan] * self.grid.day, [0.0] * self.grid.day
        self.last_w = [math.nan] * self.grid.day
        first = _FIRST_KWH * self.sky.rated_w * self.grid.hour
        self.clear, self.given = (
            [first] * len(_CLEARNESS_SPANS_H),
            [_FIRST_CLEARNESS * first] * len(_CLEARNESS_SPANS_H),
        )

    @property
    def scale_w(self) -> float:
        """Return the rated power of the plant, in W."""
        return self.sky.rated_w

    def _find_slot_of_day(self, slot: int) -> int:
        """Return the slot of the day in UTC, because the sun ignores summer time."""
        return slot % self.grid.day

    def learn(self, slot: int, value_w: float | None) -> None:
        """Learn the mean of a slot; None means unknown."""
        if value_w is None:
            return
        part, clear_w = self._find_slot_of_day(slot), self.sky.predict_w(slot)
        if clear_w > 0.0:
            for at, span_h in enumerate(_CLEARNESS_SPANS_H):
                # The decay follows light, not time, so a night does not fade the evening.
                keep = math.exp(-clear_w / self.sky.rated_w / (0.5 * span_h * self.grid.hour))
                self.given[at] = keep * self.given[at] + value_w
                self.clear[at] = keep * self.clear[at] + clear_w
        self.sky.learn(slot, value_w)
        self.days[part] = min(self.days[part] + 1.0, 1e6)
        old = self.day_w[part]
        share = max(_DAY_SHARE, 1.0 / self.days[part])
        self.day_w[part] = value_w if math.isnan(old) else old + share * (value_w - old)
        self.last_w[part] = value_w

    def find_clearness(self) -> tuple[float, float, float]:
        """Return the clearness of the last hours, the last day and the last weeks; 0 to about 1."""
        near, day, long = (given / clear for given, clear in zip(self.given, self.clear, strict=True))
        return near, day, long

    def find_yesterday_w(self, slot: int, _ahead: int) -> float:
        """Return the value of the newest day at that time, in W; NaN if there is none."""
        return self.last_w[self._find_slot_of_day(slot)]

    def usual(self, slot: int) -> float:
        """Return the mean of that slot of the day, in W; the sky model times clearness if there is none."""
        mean_w = self.day_w[self._find_slot_of_day(slot)]
        return self.find_clearness()[2] * self.sky.predict_w(slot) if math.isnan(mean_w) else mean_w

    def plain(self, slot: int, ahead: int) -> tuple[float, float]:
        """Return the two forecasts without a model: the newest day, and the mean of the slot of the day."""
        return self.find_yesterday_w(slot, ahead), self.usual(slot)

    def features(self, slot: int, ahead: int, scale_w: float) -> list[float]:
        """Return the features of a slot as known ``ahead`` slots before it, divided by ``scale_w``."""
        clear_w = self.sky.predict_w(slot)
        near, day, long = self.find_clearness()
        base_w = long * clear_w
        newest_w = self.find_yesterday_w(slot, ahead)
        found = (
            *(base_w, self.usual(slot) - base_w, (day - long) * clear_w, (near - long) * clear_w),
            *(0.0 if math.isnan(newest_w) else newest_w - base_w, (1.0 - long) * clear_w * clear_w / scale_w),
        )
        return [value / scale_w for value in found]
