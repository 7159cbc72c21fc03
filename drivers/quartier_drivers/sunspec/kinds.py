"""The number types of the standard: their names in profiles, and their codes for "not implemented".  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of the standard as a profile names it, and the codes that mean "not implemented"."""

    type_name: str
    absent: tuple[int, ...] = ()


# Accumulators are 0 if they are not implemented; floats are NaN, which no value is.
KINDS: Mapping[str, Kind] = {
    "int16": Kind("int16", (0x8000,)),
    "uint16": Kind("uint16", (0xFFFF,)),
    "count": Kind("uint16", (0xFFFF,)),
    "acc16": Kind("uint16", (0,)),
    "enum16": Kind("uint16", (0xFFFF,)),
    "bitfield16": Kind("uint16", (0xFFFF,)),
    "pad": Kind("uint16"),
    "sunssf": Kind("int16", (0x8000,)),
    "int32": Kind("int32", (0x8000_0000,)),
    "uint32": Kind("uint32", (0xFFFF_FFFF,)),
    "acc32": Kind("uint32", (0,)),
    "enum32": Kind("uint32", (0xFFFF_FFFF,)),
    "bitfield32": Kind("uint32", (0xFFFF_FFFF,)),
    "int64": Kind("int64", (0x8000_0000_0000_0000,)),
    "uint64": Kind("uint64", (0xFFFF_FFFF_FFFF_FFFF,)),
    "acc64": Kind("uint64", (0,)),
    "bitfield64": Kind("uint64", (0xFFFF_FFFF_FFFF_FFFF,)),
    "float32": Kind("float32"),
    "float64": Kind("float64"),
}
