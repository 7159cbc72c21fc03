"""Converts percentages of a rating to W and back in whole numbers; a limit is never rounded up.  Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from quartier_drivers.sunspec.device import Device
from quartier_drivers.sunspec.names import Name


@dataclass(frozen=True, slots=True)
class Share:
    """A point with a percentage of a rating, or in W: ``unit`` is the value of one count in W.

    ``whole`` is the count of 100 %; None if the point is in W.
    """

    name: Name
    unit: Fraction
    whole: int | None = None

    def watts(self, raw: int) -> float:
        """Return the power of ``raw`` counts in W."""
        return float(raw * self.unit)

    @property
    def rated_w(self) -> float:
        """The power of 100 % in W, as far as counts can express it; infinite for a point in W."""
        return math.inf if self.whole is None else self.watts(self.whole)

    def below(self, watts: float) -> int:
        """Return the largest count that is not more than ``watts``."""
        return math.floor(Fraction(watts) / self.unit)

    def nearest(self, watts: float) -> int:
        """Return the count nearest to ``watts``."""
        return round(Fraction(watts) / self.unit)

    def above(self, watts: float) -> int:
        """Return the smallest count that is not less than ``watts``."""
        return math.ceil(Fraction(watts) / self.unit)


def share(device: Device, name: Name, ratings: Sequence[Name]) -> Share:
    """Return the share of ``name`` by the first of ``ratings`` that the device states.

    Raises ValueError in words if a rating or a scale factor is invalid.
    """
    power = _power(device, name)
    rated = next((found for one in ratings if _sound(found := device.value(one))), None)
    if rated is None:
        told = " nor ".join(str(one) for one in ratings)
        raise ValueError(f"{told} tells no rating, so that a share of it in {name} means nothing")
    unit = Fraction(str(rated)) * Fraction(10) ** power / 100
    return Share(name, unit, math.floor(100 / Fraction(10) ** power))


def plain(device: Device, name: Name) -> Share:
    """Return the same for a point in W."""
    return Share(name, Fraction(10) ** _power(device, name))


def _power(device: Device, name: Name) -> int:
    power = device.power(name)
    if power is None:
        raise ValueError(
            f"the scale factor of {name} is not implemented, so that no number in it means anything"
        )
    return power


def _sound(rated: object) -> bool:
    return isinstance(rated, int | float) and rated > 0
