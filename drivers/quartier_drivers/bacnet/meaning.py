"""What a value on the wire means, in the house's units, and how far it may be trusted.  Pure.

``Meaning`` is prepared once for each point, with the worth of its object's unit as the device says it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from quartier_drivers.bacnet.schema import LOAD_CONTROL, PRESENT_VALUE, BacnetPoint
from quartier_drivers.bacnet.units import NO_UNITS, NUMBERS, Worth, unit_word, worth
from quartier_drivers.bacnet.words import BINARY
from quartier_drivers.contract import KINDS
from quartier_drivers.points import word
from quartier_native.bacnet import Ref

FAULT_BIT, OUT_OF_SERVICE_BIT = 2, 8
"""Of the status flags (clause 12): in alarm 1, fault 2, overridden 4, out of service 8, as they are summed
here.
"""
SHED_COMPLIANT = 2
"""BACnetShedState: 0 inactive, 1 pending, 2 compliant, 3 non-compliant (clause 12.28)."""
_PLAIN = Worth("", 1.0)


@dataclass(frozen=True, slots=True)
class Meaning:
    """How the value of one point is read: value = ``factor`` times what stands there, plus ``offset``.

    ``why``: why it cannot be believed, whatever stands there.
    """

    name: str
    quantity: str
    point: BacnetPoint
    kind: int
    factor: float = 1.0
    offset: float = 0.0
    why: str = ""
    plain: bool = field(init=False)
    """Whether factor and offset are all there is to it."""

    def __post_init__(self) -> None:
        point = self.point
        odd = bool(point.absent) or point.low is not None or point.high is not None or bool(self.why)
        plain = self.kind == KINDS["float"] and not odd
        object.__setattr__(self, "plain", plain)

    @property
    def ref(self) -> Ref:
        """The property that holds it."""
        point = self.point
        index = -1 if point.index is None else point.index
        return Ref(point.place.kind, point.place.instance, point.property_id, index)

    def value(self, raw: float) -> float | None:
        """The value of what stands there as a number; None where it is not there, or beyond what is
        plausible.
        """
        point = self.point
        if math.isnan(raw) or math.isinf(raw) or raw in point.absent:
            return None
        if self.kind == KINDS["bool"]:
            return self._truth(raw)
        value = raw * self.factor + self.offset
        too_low = point.low is not None and value < point.low
        too_high = point.high is not None and value > point.high
        return None if too_low or too_high else value

    def _truth(self, raw: float) -> float:
        point = self.point
        if point.bit is not None:
            return float(int(raw) >> point.bit & 1)
        if point.place.kind == LOAD_CONTROL and point.property_id == PRESENT_VALUE:
            return float(raw != SHED_COMPLIANT)
        return float(raw != 0)

    def raw(self, value: float) -> float:
        """Return what must stand there for ``value``."""
        return (value - self.offset) / self.factor


def wants_unit(point: BacnetPoint, quantity: str) -> bool:
    """Return whether the unit of the object says what the value is worth."""
    numeric = bool(word(quantity).unit) and point.place.kind not in BINARY
    return numeric and point.property_id == PRESENT_VALUE


def meaning(name: str, quantity: str, point: BacnetPoint, said: int | None) -> Meaning:
    """How the point is read where its object says the engineering unit ``said``; None: it says none."""
    unit = word(quantity).unit
    kind = KINDS[word(quantity).kind]
    if not unit or kind != KINDS["float"]:
        return Meaning(name, quantity, point, kind, point.scale * point.sign, point.offset)
    found, why = _worth(point, unit, said)
    factor = point.scale * point.sign
    return Meaning(
        name, quantity, point, kind, factor * found.factor, factor * found.offset + point.offset, why
    )


def _worth(point: BacnetPoint, unit: str, said: int | None) -> tuple[Worth, str]:
    declared = None if point.units is None else NUMBERS[point.units]
    mute = said is None or said == NO_UNITS
    if declared == NO_UNITS or (declared is None and point.property_id != PRESENT_VALUE):
        return _PLAIN, ""
    if declared is not None and not mute and said != declared:
        return _PLAIN, f"{point.where} is in {unit_word(said or 0)}, and the profile says {point.units}"
    number = declared if mute else said
    if number is None:
        return _PLAIN, f"{point.where} says no unit; say units = … in the profile, from its manual"
    found = worth(number, unit)
    if found is None:
        return _PLAIN, f"{point.where} is in {unit_word(number)}, which is worth nothing in _{unit}"
    return found, ""


def text_of(point: BacnetPoint, raw: float, said: str) -> str:
    """The text of what stands there: a name of the profile's, or what the device says."""
    if point.values is not None and not math.isnan(raw):
        return point.values.get(int(raw), "")
    return said


def missing_units(meanings: Sequence[Meaning]) -> list[Meaning]:
    """Those that cannot be believed."""
    return [one for one in meanings if one.why]
