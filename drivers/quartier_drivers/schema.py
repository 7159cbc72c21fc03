"""The tables of a device profile: which keys there are, and what each may hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

# Registers of 16 bits per type; a string says its own.
WIDTHS = {
    "bool": 1,
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "int64": 4,
    "uint64": 4,
    "float32": 2,
    "float64": 4,
}
_ADDRESS = re.compile(r"(coil|discrete|input|holding):(0x[0-9a-fA-F]{1,4}|[0-9]{1,5})")

Table = Literal["coil", "discrete", "input", "holding"]
TypeName = Literal[
    "bool", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "string"
]
Order = Literal["high-first", "low-first"]


@dataclass(frozen=True, slots=True)
class Address:
    """A place in one of the four tables, counted from 0 as on the wire."""

    table: Table
    number: int

    def __str__(self) -> str:
        """``holding:840``."""
        return f"{self.table}:{self.number}"


def address(text: object) -> Address:
    """Read ``"input:0x0028"`` or ``"holding:840"``; raises ValueError saying what was expected."""
    if isinstance(text, Address):
        return text
    match = _ADDRESS.fullmatch(text) if isinstance(text, str) else None
    number = int(match[2], 0 if match[2].startswith("0x") else 10) if match else -1
    if match is None or not 0 <= number <= 0xFFFF:
        raise ValueError(f"{text!r} is no register, expected coil|discrete|input|holding:0..65535")
    return Address(match[1], number)  # type: ignore[arg-type]  # the pattern allows only the four tables


def _codes(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else (raw,)


def _names(raw: object) -> object:
    """TOML's keys are text; these are numbers."""
    if not isinstance(raw, dict):
        return raw
    wrong = [key for key in raw if not re.fullmatch(r"0x[0-9a-fA-F]+|[0-9]+", str(key))]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no code, expected whole numbers = names")
    return {int(str(key), 0): name for key, name in raw.items()}


def _on_release(raw: object) -> object:
    if raw in ("own", "cap", "hold"):
        return raw
    if isinstance(raw, bool | int | float):
        return float(raw)
    raise ValueError(f'{raw!r} is wrong, expected "own", "cap", "hold" or a number')


def _bits(raw: object) -> object:
    pair = tuple(raw) if isinstance(raw, list | tuple) else ()
    if len(pair) != 2 or not all(type(bit) is int for bit in pair) or not 0 <= pair[0] <= pair[1]:
        raise ValueError(f"{raw!r} is no bit field, expected [lowest, highest], counted from 0")
    return pair


def _not_zero(scale: float) -> float:
    if scale == 0:
        raise ValueError("0 is wrong, expected a factor that is not zero")
    return scale


Registers = Annotated[Address, BeforeValidator(address)]
Scale = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_not_zero)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Unit = Annotated[int, Field(ge=0, le=255)]


class Section(BaseModel):
    """What all tables share: an unknown key is a fault, a checked table does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, strict=True)


class Own(Section):
    """The write that gives a point back to the device's own control."""

    address: Registers = Field(alias="register")
    type_name: TypeName = Field("uint16", alias="type")
    value: Finite
    """As it stands in the register, unscaled."""


class DeviceFallback(Section):
    """What the device does by itself when nobody writes; ``address`` is its timer, if it can be set."""

    value: Finite
    """What the point then takes, house units."""
    after_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    refresh_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How often the point is written to keep it alive; absent: a third of after_s."""
    address: Registers | None = Field(None, alias="register")
    type_name: TypeName = Field("uint16", alias="type")
    scale: Scale = 1.0
    """Seconds per count of the timer register."""


class Gate(Section):
    """The switch of an output that cannot be written 0: shut in place of 0, opened after any other value."""

    address: Registers = Field(alias="register")
    type_name: TypeName = Field("uint16", alias="type")
    opened: Finite = Field(1.0, alias="open")
    shut: Finite = 0.0


class Write(Section):
    """How a point is written; ``address``, ``type_name`` and ``scale`` where they differ from reading."""

    low: Finite | None = None
    high: Finite | None = None
    persistent: bool = False
    on_release: Annotated[Literal["own", "cap", "hold"] | float, BeforeValidator(_on_release)]
    own: Own | None = None
    fallback: DeviceFallback | None = None
    gate: Gate | None = None
    confirm: Literal["read", "none"] = "read"
    address: Registers | None = Field(None, alias="register")
    type_name: TypeName | None = Field(None, alias="type")
    scale: Scale | None = None


class Source(Section):
    """Where a value stands and how it is read: value = sign * scale * 10^scale_register * raw + offset.

    ``sum_of`` values of the type stand one after the other, and raw is their sum: the phases of a
    meter that gives no total.  Written, each takes its equal share.
    """

    address: Registers = Field(alias="register")
    unit: Unit | None = None
    type_name: TypeName = Field("uint16", alias="type")
    word_order: Order = Field("high-first", alias="words")
    byte_order: Order = Field("high-first", alias="bytes")
    bit: Annotated[int, Field(ge=0, le=63)] | None = None
    bits: Annotated[tuple[int, int], BeforeValidator(_bits)] | None = None
    length: Annotated[int, Field(ge=1, le=125)] | None = None
    sum_of: Annotated[int, Field(ge=1, le=62)] = 1
    values: Annotated[Mapping[int, str], BeforeValidator(_names)] | None = None
    scale: Scale = 1.0
    offset: Finite = 0.0
    scale_address: Registers | None = Field(None, alias="scale_register")
    sign: Literal[1, -1] = 1
    absent: Annotated[tuple[int, ...], BeforeValidator(_codes)] = ()

    @property
    def width(self) -> int:
        """How many coils or registers it takes."""
        return self.each * self.sum_of

    @property
    def each(self) -> int:
        """How many coils or registers one value of the type takes."""
        return self.length or WIDTHS.get(self.type_name, 1)

    @property
    def raw_range(self) -> tuple[int, int]:
        """Lowest and highest whole number that one value of the type holds."""
        width_bits = 16 * self.each
        if self.type_name.startswith("int"):
            return -(1 << width_bits - 1), (1 << width_bits - 1) - 1
        return 0, (1 << width_bits) - 1

    @property
    def field(self) -> tuple[int, int] | None:
        """Lowest and highest bit of its bit field, if it is one."""
        return self.bits if self.bit is None else (self.bit, self.bit)


class Point(Source):
    """One quantity of a device."""

    low: Finite | None = None
    high: Finite | None = None
    scan: str = "normal"
    write: Write | None = None


class Head(Section):
    """Whose profile it is and what it was made from."""

    protocol: Literal["modbus"]
    maker: str
    model: str
    source: str
    tested: str = ""


class Limits(Section):
    """What the device can bear; registers and seconds."""

    block_max: Annotated[int, Field(ge=1, le=125)] = 125
    gap_max: Annotated[int, Field(ge=0, le=124)] = 0
    pause_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    write_pause_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    single_client: bool = False
    write_function: Literal[6, 16] | None = None


class Identity(Section):
    """Where the device says who it is."""

    maker: Source | None = None
    model: Source | None = None
    serial: Source | None = None
    firmware: Source | None = None
