"""Converts a profile's names to registers: the place of a quantity on the device, in our terms.  Pure."""

from collections.abc import Mapping
from typing import Any

from quartier_drivers.notation import Table
from quartier_drivers.points import word
from quartier_drivers.schema import Address, Point
from quartier_drivers.sunspec.kinds import KINDS
from quartier_drivers.sunspec.leaves import Leaf
from quartier_drivers.sunspec.schema import Taken

_TABLE: Table = "holding"


def point(quantity: str, taken: Taken, address: int, leaf: Leaf) -> Point:
    """Return the registers of ``quantity``, taken from ``leaf`` of the model at ``address``."""
    entry = leaf.entry
    found: dict[str, Any] = {
        "register": Address(_TABLE, address + leaf.offset),
        "scale": taken.scale,
        "offset": taken.offset,
        "sign": taken.sign,
        "low": taken.low,
        "high": taken.high,
        "scan": taken.scan,
    }
    if entry.type_name == "string":
        return Point.model_validate({**found, "type": "string", "length": entry.size})
    kind = KINDS[entry.type_name]
    found |= {"type": kind.type_name, "absent": list(kind.absent)}
    if word(quantity).kind == "text":
        found["values"] = _names(taken, entry.symbols)
    if leaf.scale_offset is not None:
        found["scale_register"] = Address(_TABLE, address + leaf.scale_offset)
    elif leaf.power:
        found["scale"] = taken.scale * 10.0**leaf.power
    return Point.model_validate(found)


def _names(taken: Taken, symbols: Mapping[int, str]) -> dict[str, str]:
    names = symbols if taken.values is None else taken.values
    return {str(code): name.replace("_", " ").lower() for code, name in names.items()}
