"""Parse and render the names of nodes; fit numbers to built-in types (pure).

A name is ``nsu=http://maker/;s=Pump.Speed``, or ``i=2258`` in the standard's own namespace (OPC 10000-6,
5.3.1.11).  A namespace is never named by index: that is a place in a table that a server may fill in another
order after each start.

Sources: OPC 10000-6, table 1 for numbers and ranges; OPC 10000-3, 8 for the base types of standard data
types.
"""

import math
import re
import struct
from base64 import b64decode
from binascii import Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from uuid import UUID

Identifier = int | str | bytes | UUID
_FORM = re.compile(r"(?:nsu=(?P<uri>[^;]+);)?(?P<kind>[isgb])=(?P<name>.+)", re.DOTALL)
_BY_INDEX = re.compile(r"ns=\d+;")
_NUMBER_MAX = 0xFFFF_FFFF
_EXPECTED = 'expected "nsu=URI;s=NAME" (or i=, g=, b=), or "i=NUMBER" of the standard\'s namespace'


@dataclass(frozen=True, slots=True)
class NodeName:
    """The name of a node: the URI of its namespace (empty: the standard's own) and its identifier."""

    uri: str
    identifier: Identifier

    def __str__(self) -> str:
        """Return the name as a profile writes it."""
        space = f"nsu={_escape_uri(self.uri)};" if self.uri else ""
        if isinstance(self.identifier, bytes):
            from base64 import b64encode  # noqa: PLC0415 - few nodes are named by bytes

            return f"{space}b={b64encode(self.identifier).decode()}"
        kind = "i" if isinstance(self.identifier, int) else "g" if isinstance(self.identifier, UUID) else "s"
        return f"{space}{kind}={self.identifier}"

    def index(self, namespaces: Sequence[str]) -> int | None:
        """Return the place of its namespace in a server's table; None if the server does not have it."""
        if not self.uri:
            return 0
        return namespaces.index(self.uri) if self.uri in namespaces else None


def parse_node(text: str) -> NodeName:
    """Parse the name of a node.  Raises ValueError, saying what was expected."""
    if _BY_INDEX.match(text):
        raise ValueError(f"{text!r} names its namespace by index, which changes; {_EXPECTED}")
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no node; {_EXPECTED}")
    uri = (match["uri"] or "").replace("%3B", ";").replace("%3b", ";").replace("%25", "%")
    return NodeName(uri, _parse_identifier(match["kind"], match["name"], text))


def _escape_uri(uri: str) -> str:
    return uri.replace("%", "%25").replace(";", "%3B")


def _parse_identifier(kind: str, name: str, text: str) -> Identifier:
    try:
        if kind == "i":
            return _parse_number(name)
        if kind == "g":
            return UUID(name)
        return b64decode(name, validate=True) if kind == "b" else name
    except (ValueError, Error):
        what = {"i": "a number of 0..4294967295", "g": "a GUID", "b": "base64"}[kind]
        raise ValueError(f"{text!r} is no node; expected {what} after {kind}=") from None


def _parse_number(name: str) -> int:
    number = int(name) if name.isascii() and name.isdecimal() else -1
    if not 0 <= number <= _NUMBER_MAX:
        raise ValueError(name)
    return number


Bounds = tuple[float, float]
"""Lowest and highest value."""


BOOLEAN_TYPE, FLOAT_TYPE, DOUBLE_TYPE, STRING_TYPE, LOCALIZED_TEXT_TYPE = 1, 10, 11, 12, 21
TYPE_NAMES: Mapping[int, str] = MappingProxyType(
    {
        1: "Boolean",
        2: "SByte",
        3: "Byte",
        4: "Int16",
        5: "UInt16",
        6: "Int32",
        7: "UInt32",
        8: "Int64",
        9: "UInt64",
        10: "Float",
        11: "Double",
        12: "String",
    }
)
"""What may be written, by the number of its type."""


TYPE_NUMBERS: Mapping[str, int] = MappingProxyType({name: number for number, name in TYPE_NAMES.items()})
TYPE_RANGES: Mapping[int, tuple[int, int]] = MappingProxyType(
    {
        2: (-(1 << 7), (1 << 7) - 1),
        3: (0, (1 << 8) - 1),
        4: (-(1 << 15), (1 << 15) - 1),
        5: (0, (1 << 16) - 1),
        6: (-(1 << 31), (1 << 31) - 1),
        7: (0, (1 << 32) - 1),
        8: (-(1 << 63), (1 << 63) - 1),
        9: (0, (1 << 64) - 1),
    }
)
"""Lowest and highest whole number of a type."""


BASE_TYPES: Mapping[int, int] = MappingProxyType({29: 6, 290: 11, 294: 13, 295: 12})
"""Standard data types that are built-in ones under another name: Enumeration, Duration, UtcTime, LocaleId."""


ABSTRACT_TYPES = frozenset({24, 26, 27, 28})
"""BaseDataType, Number, Integer, UInteger: the value in the node has the actual type."""


def fit_type(raw: Fraction, type_number: int, low: Fraction, high: Fraction) -> bool | int | float:
    """Return the number as a value of the type: the nearest step within ``low..high`` (also raw).

    Raises ValueError if there is none, or if the type is not numeric.
    """
    if type_number in (FLOAT_TYPE, DOUBLE_TYPE):
        return _fit_real(float(raw), type_number)
    if type_number == BOOLEAN_TYPE:
        if raw not in (0, 1):
            raise ValueError(f"{float(raw):g} is neither on nor off")
        return raw == 1
    if type_number not in TYPE_RANGES:
        raise ValueError(f"its type {TYPE_NAMES.get(type_number, type_number)} takes no number")
    least, most = TYPE_RANGES[type_number]
    nearest = round(raw)
    for step in (nearest, nearest - 1, nearest + 1):
        if low <= step <= high:
            if not least <= step <= most:
                raise ValueError(f"{step} does not fit {TYPE_NAMES[type_number]} ({least}..{most})")
            return step
    raise ValueError(f"{float(raw):g} lies between two steps of the device that are both outside its limits")


def _fit_real(raw: float, type_number: int) -> float:
    if type_number == FLOAT_TYPE:
        try:
            raw = struct.unpack("<f", struct.pack("<f", raw))[0]
        except OverflowError:
            raise ValueError(f"{raw:g} does not fit Float") from None
    if not math.isfinite(raw):
        raise ValueError(f"{raw} is no number")
    return raw
