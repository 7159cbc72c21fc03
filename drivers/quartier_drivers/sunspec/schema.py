"""The tables of a SunSpec device's profile: which points of which models a quantity may come from."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from quartier_drivers.schema import Finite, Names, Quantity, Scale, Section
from quartier_drivers.sunspec.names import Alternatives

Base = Annotated[int, Field(ge=0, le=65000)]


def _row(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


class Map(Section):
    """Where the device's map begins; the places are tried in this order."""

    bases: Annotated[tuple[Base, ...], BeforeValidator(_row), Field(min_length=1)] = (40000, 0, 50000)


class Taken(Quantity):
    """One quantity: the first of ``source`` that the device has, in the house's unit and sign."""

    source: Alternatives
    scale: Scale = 1.0
    offset: Finite = 0.0
    sign: Literal[1, -1] = 1
    values: Names | None = None
    """Names of an enumeration's values, where others than the standard's are wanted."""
