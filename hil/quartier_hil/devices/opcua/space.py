"""Address space of a plant: typed variables with ranges and engineering units (pure).

Source: OPC 10000-3 (variables, access level), OPC 10000-8 (analog items: EURange, EngineeringUnits; the
unit's number is its UNECE Recommendation 20 code, its characters read as one number), OPC 10000-3 clause
8.2 (NodeId).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["Double", "Float", "UInt32", "Boolean"]
UNITS: Mapping[str, str] = {
    "KWT": "kW",
    "KWH": "kWh",
    "CEL": "°C",
    "MQH": "m³/h",
    "P1": "%",
    "KEL": "K",
    "SEC": "s",
}
"""The codes in use here and how they are displayed."""
UNITS_URI = "http://www.opcfoundation.org/UA/units/un/cefact"


def unit_id(code: str) -> int:
    """The number that OPC 10000-8 gives a UNECE code: ``"CEL"`` is 4408652."""
    return int.from_bytes(code.encode("ascii"), "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable: its value is ``quantity`` in gateway units times ``scale``.

    ``unit`` is a UNECE code; with one it is an analog item of the range ``low..high`` (its own units).
    ``start`` is its value after a loss of power; an ``order`` falls back to it.
    """

    name: str
    quantity: str
    kind: Kind = "Double"
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    scale: float = 1.0
    start: float = 0.0
    writable: bool = False
    order: bool = False

    def takes(self, value: float) -> bool:
        """Return whether it may be written: NaN never, and nothing outside the range of an analog item."""
        return value == value and (not self.unit or self.low <= value <= self.high)  # noqa: PLR0124 - NaN alone is not itself


@dataclass(frozen=True, slots=True)
class Space:
    """An address space: the namespace ``uri``, one object, and its variables, each ``s=<object>.<name>``."""

    uri: str
    title: str
    variables: Sequence[Variable]

    def identifier(self, variable: Variable) -> str:
        """The string identifier of a variable in the plant's namespace."""
        return f"{self.title}.{variable.name}"
