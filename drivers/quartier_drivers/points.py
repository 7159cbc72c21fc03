"""The vocabulary of points: names, units and kinds of values (architecture.md#points)."""

import re
from dataclasses import dataclass
from functools import lru_cache

# Unit suffix -> UCUM code (ucum.org), longest suffix first when matching.
UCUM_UNITS = {
    "eur_per_wh": "[EUR]/W.h",
    "eur_per_g": "[EUR]/g",
    "g_per_wh": "g/W.h",
    "m3_per_h": "m3/h",
    "w_per_s": "W/s",
    "varh": "var.h",
    "var": "var",
    "pct": "%",
    "ppm": "[ppm]",
    "wh": "W.h",
    "va": "V.A",
    "hz": "Hz",
    "pa": "Pa",
    "m3": "m3",
    "w": "W",
    "v": "V",
    "a": "A",
    "c": "Cel",
    "k": "K",
    "s": "s",
}
# Kinds without a unit -> the kind of value they hold.
KIND_SUFFIXES = {"on": "bool", "state": "int", "index": "int", "count": "int", "text": "text"}
POWER_QUANTITIES = ("power_w", "power_l1_w", "power_l2_w", "power_l3_w")
"""Power of the connection, whose sign is its direction."""
RANGED_UNITS = ("w", "v", "a", "hz", "pct", "c")
"""Units of quantities whose profile is to state a plausible range."""

_OWNER = re.compile(r"[a-z][a-z0-9_]{0,31}")
_QUANTITY = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class QuantityName:
    """The parsed name of a point; ``unit`` is its suffix (empty for kinds without a unit)."""

    quantity: str
    unit: str
    kind: str

    @property
    def ucum(self) -> str:
        """The unit in UCUM; ``"1"`` if there is none."""
        return UCUM_UNITS.get(self.unit, "1")


@lru_cache(4096)
def parse_quantity(quantity: str) -> QuantityName:
    """Parse a quantity such as ``power_l1_w``.

    Raises ValueError, saying what was expected, if it ends in no known unit or kind.
    """
    if not _QUANTITY.fullmatch(quantity):
        raise ValueError(f"{quantity!r} is no point name; expected lower-case words joined by '_'")
    last = quantity.rsplit("_", 1)[-1]
    if last in KIND_SUFFIXES and last != quantity:
        return QuantityName(quantity, "", KIND_SUFFIXES[last])
    for unit in UCUM_UNITS:
        if quantity.endswith(f"_{unit}"):
            return QuantityName(quantity, unit, "float")
    units, kinds = ", _".join(UCUM_UNITS), ", _".join(KIND_SUFFIXES)
    raise ValueError(f"{quantity!r} ends in no unit; expected one of _{units} or _{kinds}")


def is_owner(name: str) -> bool:
    """Return whether ``name`` may own points: lower-case, at most 32 characters, no dot."""
    return _OWNER.fullmatch(name) is not None


def split_point(point: str) -> tuple[str, str]:
    """Split a point: ``"grid.power_w"`` is ``("grid", "power_w")``; raises ValueError without a dot."""
    owner, dot, quantity = point.partition(".")
    if not dot:
        raise ValueError(f"{point!r} names no owner; expected <owner>.<quantity>_<unit>")
    return owner, quantity
