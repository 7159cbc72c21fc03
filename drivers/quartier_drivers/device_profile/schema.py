"""The tables of a device profile: their keys and what each may contain."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from quartier_drivers.contract import Fallback
from quartier_drivers.device_profile.register_address import Registers
from quartier_drivers.registry import PROTOCOLS

# Registers of 16 bits per type; a string states its own length.
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
    "bcd16": 1,
    "bcd32": 2,
}
TypeName = Literal[
    "bool",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float32",
    "float64",
    "bcd16",
    "bcd32",
    "string",
    "directed16",
]
DIRECTED_TYPE = "directed16"
"""A number of 16 bits: newer firmware sends it signed, older firmware has its sign in a status word.

``length`` counts the registers from the status word, which comes first, to the number; ``bits`` of the status
word mean plus and minus.
"""
WordOrder = Literal["high-first", "low-first"]


def _make_tuple(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else (raw,)


def _make_tuple_of_list(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


def _parse_value(raw: object) -> object:
    if raw is None or raw == "own":
        return raw
    if isinstance(raw, int | float):
        return float(raw)
    raise ValueError(f'{raw!r} is wrong, expected "own" or a number')


def _parse_number_keys(raw: object) -> object:
    """Convert the keys of a TOML table, which are text, to numbers."""
    if not isinstance(raw, dict):
        return raw
    wrong = [key for key in raw if not re.fullmatch(r"0x[0-9a-fA-F]+|[0-9]+", str(key))]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no code, expected whole numbers")
    return {int(str(key), 0): name for key, name in raw.items()}


def _parse_on_release(raw: object) -> object:
    if raw in ("own", "cap", "hold"):
        return raw
    if isinstance(raw, bool | int | float):
        return float(raw)
    raise ValueError(f'{raw!r} is wrong, expected "own", "cap", "hold" or a number')


def _parse_bits(raw: object) -> object:
    pair = tuple(raw) if isinstance(raw, list | tuple) else ()
    if len(pair) != 2 or not all(type(bit) is int for bit in pair) or not 0 <= pair[0] <= pair[1]:
        raise ValueError(f"{raw!r} is no bit field, expected [lowest, highest], counted from 0")
    return pair


def _check_not_zero(scale: float) -> float:
    if scale == 0:
        raise ValueError("0 is wrong, expected a factor that is not zero")
    return scale


Names = Annotated[Mapping[int, str], BeforeValidator(_parse_number_keys)]
"""The meanings of the numbers of an enumeration."""
Codes = Annotated[Mapping[int, int], BeforeValidator(_parse_number_keys)]
"""The code that is written for each number of an enumeration."""
Scale = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_check_not_zero)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
OnRelease = Annotated[Literal["own", "cap", "hold"] | Finite, BeforeValidator(_parse_on_release)]
"""What remains when control ends: the device's own control, the fail-safe limit, the last value, a number."""
Numbers = Annotated[tuple[float, ...], BeforeValidator(_make_tuple)]
"""One number, or a list of them."""
Bits = Annotated[tuple[int, int], BeforeValidator(_parse_bits)]
"""Lowest and highest bit of a field, counted from 0."""
Unit = Annotated[int, Field(ge=0, le=255)]
WriteFunction = Literal[5, 6, 15, 16, 22, 23]
# A flash cell survives about 100,000 writes: at this many a day, eleven years.
WRITES_PER_DAY = 24


class Section(BaseModel):
    """Base of all tables: an unknown key is a fault; a checked table is immutable."""

    model_config = ConfigDict(
        defer_build=True, extra="forbid", frozen=True, arbitrary_types_allowed=True, strict=True
    )


class Place(Section):
    """What a profile reads: where it stands on the wire, and how it becomes our value."""

    def describe_place(self) -> str:
        """Return where it stands, for people; empty if its protocol has no words for that."""
        return ""

    def describe_form(self) -> str:
        """Return how what stands there becomes the value, for people: type, order, scale and sign."""
        words = self._list_form_words()
        field = getattr(self, "field", None)
        if field is not None:
            words.append(f"bit {field[0]}" if field[0] == field[1] else f"bits {field[0]} to {field[1]}")
        factor = getattr(self, "scale", 1.0) * getattr(self, "sign", 1)
        words += [f"times {factor:g}"] if factor != 1 else []
        offset = getattr(self, "offset", 0.0)
        words += [f"plus {offset:g}"] if offset else []
        return ", ".join(words)

    def _list_form_words(self) -> list[str]:
        """Return what comes before scale and sign."""
        return []


class StatedName(Protocol):
    """What a source states of a point that has a name instead of a register."""

    @property
    def group(self) -> tuple[str, ...]:
        """The labels of a meter whose values are added."""
        ...

    @property
    def minus(self) -> str:
        """The label of a meter whose value is subtracted."""
        ...

    @property
    def unit(self) -> str:
        """The source's unit; empty: that of our point."""
        ...

    @property
    def point(self) -> str:
        """The point of a standard."""
        ...

    @property
    def object_name(self) -> str:
        """The object of a network."""
        ...

    def is_label(self, group: tuple[str, ...], labels: tuple[str, ...]) -> bool:
        """Return whether the labels of the source match those of a profile."""
        ...

    def is_in_unit(self, unit: str) -> bool:
        """Return whether the source's unit is ``unit``."""
        ...


Difference = tuple[str, tuple[object, object]]
"""What differs, in words; what the source states, and what the profile states."""


class Quantity(Place):
    """The keys that every point of a profile has, whatever the protocol."""

    low: Finite | None = None
    high: Finite | None = None
    scan: str = "normal"

    @property
    def writable(self) -> bool:
        """Return whether the point can be written."""
        return False

    @property
    def fallback(self) -> Fallback | None:
        """Return the fallback that the device takes by itself when nobody writes; None if there is none."""
        return None

    def compare_name(self, key: str, stated: StatedName) -> Difference | None:
        """Return how the name that a source gives differs; ``key`` is ``writes`` for what is written."""
        del key
        return "is", (stated.object_name, "another kind of point")


class OwnControlWrite(Section):
    """The write that gives a point back to the device's own control."""

    address: Registers = Field(alias="register")
    type_name: TypeName = Field("uint16", alias="type")
    value: Finite
    """The unscaled content of the register."""


class ShownAt(Section):
    """The register that shows a written value, if that is another register than the written one."""

    address: Registers = Field(alias="register")
    unit: Unit | None = None
    type_name: TypeName = Field("uint16", alias="type")
    scale: Scale = 1.0


class Setting(Section):
    """A register that ``quartier arm`` writes once, unscaled."""

    address: Registers = Field(alias="register")
    unit: Unit | None = None
    type_name: TypeName = Field("uint16", alias="type")
    value: Finite
    shown: ShownAt | None = None
    """The register to read it back from; absent: the same register."""
    confirm: Literal["read", "none"] = "read"
    """``none``: it is write-only and cannot be read back anywhere."""


class Condition(Section):
    """The register content that a fallback needs to act: one of ``equals``, or ``low..high``; unscaled."""

    address: Registers = Field(alias="register")
    unit: Unit | None = None
    type_name: TypeName = Field("uint16", alias="type")
    equals: Numbers = ()
    low: Finite | None = None
    high: Finite | None = None
    remedy: Annotated[str, Field(min_length=8)]
    """What a person must do if the condition is not met."""


class DeviceFallback(Section):
    """The fallback of the device when nobody writes: it takes ``value`` after ``after_s``, or it ``holds``.

    ``address`` is its timer if it can be set: it is then written with each setpoint.
    """

    holds: bool = False
    """The last written value holds for ever: right for a limit whose reversion would mean unlimited."""
    value: Annotated[Literal["own"] | Finite | None, BeforeValidator(_parse_value)] = None
    """The value that the point then takes, in our units; "own": the device's own control decides."""
    after_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    refresh_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How often the point is written to keep it alive; absent: a third of after_s."""
    kept_by: Literal["writes", "requests"] = "writes"
    """``requests``: a read keeps it alive too."""
    address: Registers | None = Field(None, alias="register")
    type_name: TypeName = Field("uint16", alias="type")
    scale: Scale = 1.0
    """Seconds per count of the timer register."""
    timer_shown: ShownAt | Literal["none"] | None = None
    """Where the timer is read, with its scale in s per count; absent: in its register; "none": nowhere."""
    value_shown: ShownAt | None = None
    """Where the value is read; the scale is our units per count."""
    settings: Annotated[tuple[Setting, ...], BeforeValidator(_make_tuple_of_list)] = ()
    check: Annotated[tuple[Condition, ...], BeforeValidator(_make_tuple_of_list)] = ()
    remedy: Annotated[str, Field(min_length=8)] | None = None
    """What a person must do if the device shows something else."""

    @property
    def plain(self) -> Fallback:
        """The same as a ``Fallback`` of the contract."""
        if self.holds or self.after_s is None:
            return Fallback(None, math.inf)
        value = None if self.value == "own" else self.value
        every_s = self.refresh_s or self.after_s / 3
        return Fallback(value, self.after_s, str(self.address or ""), every_s, self.kept_by)


class OutputGate(Section):
    """The switch of an output that cannot be written 0: shut in place of 0, opened after any other value."""

    address: Registers = Field(alias="register")
    type_name: TypeName = Field("uint16", alias="type")
    opened: Finite = Field(1.0, alias="open")
    shut: Finite = 0.0


class PointWrite(Section):
    """The ``write`` table; ``address``, ``type_name`` and ``scale`` only if they differ from reading."""

    low: Finite | None = None
    high: Finite | None = None
    persistent: bool = False
    writes_per_day: Annotated[int, Field(ge=1, le=86400)] | None = None
    """Write budget of a persistent register; absent: ``WRITES_PER_DAY``."""
    function: WriteFunction | None = None
    on_release: OnRelease
    own: OwnControlWrite | None = None
    fallback: DeviceFallback | None = None
    gate: OutputGate | None = None
    confirm: Literal["read", "none"] = "read"
    address: Registers | None = Field(None, alias="register")
    type_name: TypeName | None = Field(None, alias="type")
    scale: Scale | None = None
    codes: Codes | None = None
    """The code that is written for each value that follows no scale; no other value may be written."""


class Source(Place):
    """A value on the wire: value = sign * scale * 10^scale_register * raw + offset.

    ``sum_of`` values of the type follow one another, and raw is their sum: the phases of a meter that gives
    no total.  On a write each takes an equal share.
    """

    address: Registers = Field(alias="register")
    unit: Unit | None = None
    type_name: TypeName = Field("uint16", alias="type")
    word_order: WordOrder = Field("high-first", alias="words")
    byte_order: WordOrder = Field("high-first", alias="bytes")
    bit: Annotated[int, Field(ge=0, le=63)] | None = None
    bits: Bits | None = None
    length: Annotated[int, Field(ge=1, le=125)] | None = None
    sum_of: Annotated[int, Field(ge=1, le=62)] = 1
    values: Names | None = None
    scale: Scale = 1.0
    offset: Finite = 0.0
    scale_address: Registers | None = Field(None, alias="scale_register")
    sign: Literal[1, -1] = 1
    absent: Annotated[tuple[int, ...], BeforeValidator(_make_tuple)] = ()

    @property
    def width(self) -> int:
        """The number of coils or registers that the source occupies."""
        return self.each * self.sum_of

    @property
    def each(self) -> int:
        """The number of coils or registers that one value of the type occupies."""
        return self.length or WIDTHS.get(self.type_name, 1)

    @property
    def raw_range(self) -> tuple[int, int]:
        """Lowest and highest whole number that one value of the type can hold."""
        width_bits = 16 * self.each
        if self.type_name.startswith("bcd"):
            return 0, 10 ** (4 * self.each) - 1
        if self.type_name.startswith("int"):
            return -(1 << width_bits - 1), (1 << width_bits - 1) - 1
        return 0, (1 << width_bits) - 1

    @property
    def field(self) -> tuple[int, int] | None:
        """Lowest and highest bit of its bit field; None if it is none."""
        return self.bits if self.bit is None else (self.bit, self.bit)

    def describe_place(self) -> str:
        """Return the register, with its unit if that is another one than the device's."""
        return f"{self.address}" if self.unit is None else f"{self.address} of unit {self.unit}"

    def _list_form_words(self) -> list[str]:
        words = [f"text of {self.length} registers" if self.type_name == "string" else self.type_name]
        words += ["low word first"] if self.word_order == "low-first" else []
        return words + ([f"sum of {self.sum_of}"] if self.sum_of > 1 else [])


class Point(Source, Quantity):
    """One quantity of a device with registers."""

    write: PointWrite | None = None

    @property
    def writable(self) -> bool:
        """Return whether the point can be written."""
        return self.write is not None

    @property
    def fallback(self) -> Fallback | None:
        """Return the fallback that the device takes by itself when nobody writes; None if there is none."""
        return None if self.write is None or self.write.fallback is None else self.write.fallback.plain


if TYPE_CHECKING:
    ProtocolName = str
else:  # the registry says which protocols there are
    ProtocolName = Literal[tuple(PROTOCOLS)]


class ProfileHead(Section):
    """The head of a profile: maker, model and source."""

    protocol: ProtocolName
    numbers_from: Literal[0, 1] | None = None
    """How the manual counts registers; on the wire they count from 0."""
    maker: str
    model: str
    source: str
    tested: str = ""


class Limits(Section):
    """The limits of the device, in registers and s."""

    block_max: Annotated[int, Field(ge=1, le=125)] = 125
    gap_max: Annotated[int, Field(ge=0, le=124)] = 0
    pause_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    write_pause_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    settle_s: Annotated[float, Field(ge=0, le=600)] = 0.0
    """How long after a write the device may still show the old value."""
    answer_s: Annotated[float, Field(gt=0, le=10)] | None = None
    """The usual time from a request to the beginning of its answer; used to plan a bus."""
    single_client: bool = False
    write_function: Literal[6, 16] | None = None
    no_fallback: Annotated[str, Field(min_length=8)] | None = None
    """Why points without a fallback have none, with the source."""

    def describe(self) -> Iterator[tuple[str, str]]:
        """Yield what the device bears, for people."""
        gaps = f"gaps of up to {self.gap_max} among them" if self.gap_max else "without gaps"
        yield "a read", f"at most {self.block_max} registers, {gaps}"
        if self.pause_s:
            yield "pause", f"{self.pause_s:g} s between requests"
        if self.single_client:
            yield "clients", "one at a time; others go through a share"
        if self.no_fallback is not None:
            yield "no fallback", self.no_fallback


class Identity(Section):
    """The registers with the identity of the device."""

    maker: Source | None = None
    model: Source | None = None
    serial: Source | None = None
    firmware: Source | None = None


class Mark(Section):
    """A mark of this device in the scan of a bus: a register, or an object of function 43/14.

    It matches if its value is one of ``equals``, or its text matches ``like`` (``*`` and ``?``, any case), or
    its number is in ``low..high``.  A range says that it may be this device, the others that it is.
    """

    address: Registers | None = Field(None, alias="register")
    unit: Unit | None = None
    device_id: Literal["vendor", "product", "revision", "url", "name", "model", "application"] | None = None
    type_name: TypeName = Field("uint16", alias="type")
    word_order: WordOrder = Field("high-first", alias="words")
    byte_order: WordOrder = Field("high-first", alias="bytes")
    length: Annotated[int, Field(ge=1, le=125)] | None = None
    scale: Scale = 1.0
    equals: Numbers = ()
    like: Annotated[str, Field(min_length=1)] | None = None
    low: Finite | None = None
    high: Finite | None = None

    @property
    def source(self) -> Source | None:
        """The source of its register; None for an object of function 43/14."""
        if self.address is None:
            return None
        keys = {
            "type": self.type_name,
            "words": self.word_order,
            "bytes": self.byte_order,
            "scale": self.scale,
        }
        place = {"register": self.address, "unit": self.unit, "length": self.length}
        return Source.model_validate(place | keys)

    def describe(self) -> str:
        """Return what is compared with what, for people."""
        where = f"its {self.device_id}" if self.source is None else self.source.describe_place()
        if self.like is not None:
            return f'{where} reads "{self.like}"'
        if self.equals:
            return f"{where} is {' or '.join(f'{code:g}' for code in self.equals)}"
        low, high = ("" if one is None else f"{one:.12g}" for one in (self.low, self.high))
        return f"{where} lies in {low}..{high}: it may be this device"
