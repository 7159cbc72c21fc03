"""Registers of a device as the bench file states them, independent of its profile (pure).

A profile is under test together with its driver.  The reference for both is typed once more from the manual,
in the bench file, and decoded here.
"""

import struct
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from quartier_hil.devices.unit import Table
from quartier_hil.devices.wire import signed, signed32
from quartier_hil.wanted import Part

Kind = Literal["bool", "uint16", "int16", "uint32", "int32", "float32", "text"]
PATTERN = r"^(coil|discrete|input|holding):(0x[0-9a-fA-F]{1,4}|[0-9]{1,5})$"
_WORDS = {"bool": 1, "uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "float32": 2}


class Register(Part):
    """A number, or a text, of a Modbus device."""

    where: Annotated[str, Field(pattern=PATTERN)] = Field(alias="register")
    """Table and number, counted from 0 as on the wire: ``input:0x0034``."""
    type: Kind = "uint16"
    """Encoding; a coil or a discrete input is ``bool``."""
    words: Literal["high-first", "low-first"] = "high-first"
    """The order of its 16-bit words."""
    scale: float = 1.0
    """Factor that converts it to the gateway's unit (W, A, pct)."""
    sign: Literal[1, -1] = 1
    """-1 where the device counts the other way: in the house plus takes energy."""
    length: Annotated[int, Field(ge=1, le=32)] = 8
    """text: how many registers it has."""

    @property
    def table(self) -> Table:
        """The table that it lies in."""
        table: Table = self.where.partition(":")[0]  # type: ignore[assignment]  # the pattern allows no other
        return table

    @property
    def address(self) -> int:
        """Its number on the wire."""
        text = self.where.partition(":")[2]
        return int(text, 16 if text.startswith("0x") else 10)

    @property
    def count(self) -> int:
        """Number of registers or bits that it takes."""
        return self.length if self.type == "text" else _WORDS[self.type]

    def number(self, words: Sequence[int]) -> float:
        """Return the number in the gateway's unit and sign.  Raises ValueError for a text."""
        high_first = list(words) if self.words == "high-first" else list(words)[::-1]
        match self.type:
            case "bool" | "uint16":
                raw: float = high_first[0]
            case "int16":
                raw = signed(high_first[0])
            case "uint32":
                raw = high_first[0] << 16 | high_first[1]
            case "int32":
                raw = signed32(*high_first)
            case "float32":
                raw = struct.unpack(">f", struct.pack(">HH", *high_first))[0]
            case _:
                raise ValueError(f"{self.where} is a text")
        return raw * self.scale * self.sign

    def shown(self, words: Sequence[int]) -> str:
        """Return its value as text: a text as it is, a number without needless digits."""
        if self.type != "text":
            return f"{self.number(words):.10g}"
        raw = struct.pack(f">{len(words)}H", *words)
        return raw.split(b"\0")[0].decode("ascii", "replace").strip()
