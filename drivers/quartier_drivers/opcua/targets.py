"""What must be known of a node before it is written: its type and its own range; asked of the server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quartier_drivers.opcua import scalars
from quartier_drivers.opcua.line import Line
from quartier_drivers.opcua.scalars import Bounds
from quartier_drivers.opcua.told import DATA_TYPE, VALUE, Place

_STEPS_MAX = 8


@dataclass(frozen=True, slots=True)
class Target:
    """Where it is in this connection, the number of its built-in type, its EURange (raw) where it has one."""

    place: Place
    type_number: int
    eu_range: Bounds | None


async def targets(line: Line, places: Sequence[Place], types: Mapping[Place, int]) -> dict[Place, Target]:
    """Return what there is to know of each place; ``types`` are those that the profile names.

    A place that is no variable of a type that can be written is left out.  Raises Refused, NoReply, LinkLost.
    """
    asked = list(dict.fromkeys(places))
    numbers = dict(types)
    unnamed = [place for place in asked if place not in numbers]
    if unnamed:
        data_types = await line.objects(unnamed, DATA_TYPE)
        for place, data_type in zip(unnamed, data_types, strict=True):
            number = None if data_type is None else await _built_in(line, place, data_type)
            if number is not None:
                numbers[place] = number
    ranges = await _ranges(line, [place for place in asked if place in numbers])
    return {place: Target(place, numbers[place], ranges.get(place)) for place in asked if place in numbers}


async def _built_in(line: Line, place: Place, data_type: Any) -> int | None:
    """The built-in type that a data type is made of: itself, or found among what it is a subtype of."""
    at = (int(data_type.NamespaceIndex), data_type.Identifier)
    for _ in range(_STEPS_MAX):
        namespace, identifier = at
        if namespace == 0 and isinstance(identifier, int):
            if identifier in scalars.MADE_OF:
                return scalars.MADE_OF[identifier]
            if identifier in scalars.NAMES:
                return identifier
            if identifier in scalars.ABSTRACT:
                return await _of_value(line, place)
        above = await line.parent_types(at)
        if not above:
            return None
        at = above[0]
    return None


async def _of_value(line: Line, place: Place) -> int | None:
    found = await line.read(line.prepared([(place, VALUE, None)], 0.0), 1)
    kind = found.values[0].kind
    return kind if kind in scalars.NAMES else None


async def _ranges(line: Line, places: Sequence[Place]) -> dict[Place, Bounds]:
    """The EURange of each analog item (OPC 10000-8, 5.3.2)."""
    if not places:
        return {}
    properties = await line.properties(places, "EURange")
    having = [(place, at) for place, at in zip(places, properties, strict=True) if at is not None]
    if not having:
        return {}
    found = await line.objects([at for _, at in having], VALUE)
    return {
        place: (float(one.Low), float(one.High))
        for (place, _), one in zip(having, found, strict=True)
        if hasattr(one, "Low") and hasattr(one, "High")
    }
