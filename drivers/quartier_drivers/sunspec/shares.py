"""Percentages of a rating as watts and back, in whole numbers, so that a cap is never rounded up.  Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from quartier_drivers.sunspec.device import Device
from quartier_drivers.sunspec.names import Name


@dataclass(frozen=True, slots=True)
class Share:
    """A point that holds a percentage of a rating, or watts: ``unit`` is what one count is worth in W.

    ``whole`` are the counts of 100 %; None where the point holds watts.
    """

    name: Name
    unit: Fraction
    whole: int | None = None

    def watts(self, raw: int) -> float:
        """Return what ``raw`` counts are."""
        return float(raw * self.unit)

    @property
    def rated_w(self) -> float:
        """Return what all of it is, as far as counts say it."""
        return math.inf if self.whole is None else self.watts(self.whole)

    def below(self, watts: float) -> int:
        """The most counts that are not more than ``watts``."""
        return math.floor(Fraction(watts) / self.unit)

    def nearest(self, watts: float) -> int:
        """The counts nearest to ``watts``."""
        return round(Fraction(watts) / self.unit)

    def above(self, watts: float) -> int:
        """The fewest counts that are not less than ``watts``."""
        return math.ceil(Fraction(watts) / self.unit)


def share(device: Device, name: Name, ratings: Sequence[Name]) -> Share:
    """Return what the percentages of ``name`` are worth, by the first of ``ratings`` that the device tells.

    Raises ValueError in words where a rating or a scale factor is void.
    """
    power = _power(device, name)
    rated = next((found for one in ratings if _sound(found := device.value(one))), None)
    if rated is None:
        told = " nor ".join(str(one) for one in ratings)
        raise ValueError(f"{told} tells no rating, so that a share of it in {name} means nothing")
    unit = Fraction(str(rated)) * Fraction(10) ** power / 100
    return Share(name, unit, math.floor(100 / Fraction(10) ** power))


def plain(device: Device, name: Name) -> Share:
    """The same for a point in watts."""
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
