"""What a photovoltaic plant gives under a clear sky, learnt from what it gave (pure).

Where the building stands is known: its clear sky is a plane in three courses of the sun, global irradiance
and the beam's parts from east and north, so that tilt, direction and losses are three numbers to learn, and
what stands in the light is one for each slot of the day:

    clear_w = rated_w * shade * max(0, b0 G + b1 B e + b2 B n)

G: Haurwitz (1945), 1098 u exp(-0.059 / u), as in Reno, Hansen and Stein (SAND2012-2389).  B: Meinel and
Meinel (1976), 1353 0.7 ** (air mass ** 0.678), air mass 1 / u.  e, n, u: the sun's direction
(``control/sun.py``).  The weights are an expectile (Newey and Powell 1987): what lies above counts 20 times
what lies below, since clouds only take.  Where the place is not known, the same is learnt for each slot.
"""

import math
from dataclasses import dataclass, field

from quartier.control.observe import local_time
from quartier.planning.regression import Regression
from quartier.planning.slots import Grid

_BELOW = 0.05
"""Weight of a value below the clear sky against one above."""
_MOMENTS = 4
_UP_MIN = 0.01
"""Lower the sun is no beam: half a degree."""
_RISE, _SINK = 0.4, 0.03
_FADE = 0.8
_PLANE_MIN, _SHADE_MAX = 0.02, 2.0
_SHADE_RISE, _SHADE_SINK = 0.3, 0.03
_KEPT = 512
_FLAT_YIELD = 0.85
"""Of its rated power at 1,000 W/m² on the level, before anything was seen; dirt and heat take the rest."""
_DAWN_H, _DUSK_H = 6.0, 18.0

Coordinates = tuple[float, float]
"""Degrees north and east."""


def courses(utc_s: float, where: Coordinates) -> tuple[float, float, float]:
    """G, B e and B n in kW/m² at an instant; zeros while the sun is down."""
    east, north, up = local_time.find_sun_direction(utc_s * 1e3, *where)
    if up < _UP_MIN:
        return 0.0, 0.0, 0.0
    beam = 1.353 * 0.7 ** ((1.0 / up) ** 0.678)
    return 1.098 * up * math.exp(-0.059 / up), beam * east, beam * north


@dataclass(slots=True)
class ClearSky:
    """The clear sky of one plant of ``rated_w``."""

    grid: Grid
    rated_w: float
    where: Coordinates | None
    plane: Regression = field(init=False)
    parts_w: list[float] = field(init=False)
    shade: list[float] = field(init=False)
    _seen: dict[int, list[float]] = field(init=False)

    def __post_init__(self) -> None:
        self.plane = Regression([_FLAT_YIELD, 0.0, 0.0], forget=0.9998, doubt=0.2, clip=1.0)
        hours = [(part + 0.5) / self.grid.hour for part in range(self.grid.day)]
        lit = math.pi / (_DUSK_H - _DAWN_H)
        self.parts_w = [
            _FADE * self.rated_w * math.sin((hour - _DAWN_H) * lit) if _DAWN_H < hour < _DUSK_H else 0.0
            for hour in hours
        ]
        self.shade = [1.0] * self.grid.day
        self._seen = {}

    def value_w(self, slot: int) -> float:
        """What it would give in the slot, 0..rated_w."""
        if self.where is None:
            return min(max(self.parts_w[self.grid.place(slot).part], 0.0), self.rated_w)
        courses = self._courses(slot)
        if not courses[0]:
            return 0.0
        return min(max(self.plane.value(courses), 0.0) * self.shade[slot % self.grid.day], 1.0) * self.rated_w

    def is_night(self, slot: int) -> bool:
        """Whether the sun is down for all of the slot; never where the place is not known."""
        return self.where is not None and not self._courses(slot)[0]

    def learn(self, slot: int, given_w: float) -> None:
        """Take in what it gave in a slot."""
        if self.where is None:
            part = self.grid.place(slot).part
            off_w = given_w - self.parts_w[part]
            self.parts_w[part] += (_RISE if off_w > 0.0 else _SINK) * off_w
            return
        courses = self._courses(slot)
        if courses[0]:
            share, plane = given_w / self.rated_w, max(self.plane.value(courses), _PLANE_MIN)
            at = slot % self.grid.day
            off = min(share / plane, _SHADE_MAX) - self.shade[at]
            self.shade[at] += (_SHADE_RISE if off > 0.0 else _SHADE_SINK) * off
            self.plane.learn(courses, share, 1.0 if share > self.plane.value(courses) else _BELOW)

    def _courses(self, slot: int) -> list[float]:
        """The courses' means over a slot; kept, since each slot is asked for again and again."""
        if (found := self._seen.get(slot)) is not None:
            return found
        if self.where is None:
            return [0.0, 0.0, 0.0]
        if len(self._seen) >= _KEPT:
            self._seen.clear()
        step_s = self.grid.slot_s / _MOMENTS
        moments = [
            courses((slot * self.grid.slot_s) + (at + 0.5) * step_s, self.where) for at in range(_MOMENTS)
        ]
        found = [sum(column) / _MOMENTS for column in zip(*moments, strict=True)]
        self._seen[slot] = found
        return found
