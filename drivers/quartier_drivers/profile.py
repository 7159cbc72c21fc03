"""Device profiles: TOML data that says what a device serves, checked on load with every fault at once."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.place import Places, keys_of, nearest, syntax_fault
from quartier_drivers.points import is_owner, word

BUILT_IN = Path(__file__).parent / "profiles"
SCAN_S = {"fast": 1.0, "normal": 5.0, "slow": 60.0}
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
    return [raw] if isinstance(raw, int) else raw


def _on_release(raw: object) -> object:
    if raw in ("own", "cap", "hold"):
        return raw
    if isinstance(raw, bool | int | float):
        return float(raw)
    raise ValueError(f'{raw!r} is wrong, expected "own", "cap", "hold" or a number')


def _bits(pair: tuple[int, int]) -> tuple[int, int]:
    if not 0 <= pair[0] <= pair[1]:
        raise ValueError(f"{list(pair)} is no bit field, expected [lowest, highest], counted from 0")
    return pair


def _not_zero(scale: float) -> float:
    if scale == 0:
        raise ValueError("0 is wrong, expected a factor that is not zero")
    return scale


Registers = Annotated[Address, BeforeValidator(address)]
Scale = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_not_zero)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Unit = Annotated[int, Field(ge=0, le=255)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, strict=False)


class Own(_Table):
    """The write that gives a point back to the device's own control."""

    address: Registers = Field(alias="register")
    type_name: TypeName = Field("uint16", alias="type")
    value: Finite
    """As it stands in the register, unscaled."""


class DeviceFallback(_Table):
    """What the device does by itself when nobody writes; ``address`` is its timer, if it can be set."""

    value: Finite
    """What the point then takes, house units."""
    after_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    address: Registers | None = Field(None, alias="register")
    type_name: TypeName = Field("uint16", alias="type")
    scale: Scale = 1.0
    """Seconds per count of the timer register."""


class Write(_Table):
    """How a point is written; ``address``, ``type_name`` and ``scale`` where they differ from reading."""

    low: Finite | None = None
    high: Finite | None = None
    persistent: bool = False
    on_release: Annotated[Literal["own", "cap", "hold"] | float, BeforeValidator(_on_release)]
    own: Own | None = None
    fallback: DeviceFallback | None = None
    confirm: Literal["read", "none"] = "read"
    address: Registers | None = Field(None, alias="register")
    type_name: TypeName | None = Field(None, alias="type")
    scale: Scale | None = None


class Source(_Table):
    """Where a value stands and how it is read: value = sign * scale * 10^scale_register * raw + offset.

    ``sum_of`` values of the type stand one after the other, and raw is their sum: the phases of a
    meter that gives no total.
    """

    address: Registers = Field(alias="register")
    unit: Unit | None = None
    type_name: TypeName = Field("uint16", alias="type")
    word_order: Order = Field("high-first", alias="words")
    byte_order: Order = Field("high-first", alias="bytes")
    bit: Annotated[int, Field(ge=0, le=63)] | None = None
    bits: Annotated[tuple[int, int], AfterValidator(_bits)] | None = None
    length: Annotated[int, Field(ge=1, le=125)] | None = None
    sum_of: Annotated[int, Field(ge=1, le=62)] = 1
    values: Mapping[int, str] | None = None
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
    def field(self) -> tuple[int, int] | None:
        """Lowest and highest bit of its bit field, if it is one."""
        return self.bits if self.bit is None else (self.bit, self.bit)


class Point(Source):
    """One quantity of a device."""

    low: Finite | None = None
    high: Finite | None = None
    scan: str = "normal"
    write: Write | None = None


class Head(_Table):
    """Whose profile it is and what it was made from."""

    protocol: Literal["modbus"]
    maker: str
    model: str
    source: str
    tested: str = ""


class Limits(_Table):
    """What the device can bear; registers and seconds."""

    block_max: Annotated[int, Field(ge=1, le=125)] = 125
    gap_max: Annotated[int, Field(ge=0, le=124)] = 0
    pause_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    write_pause_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    single_client: bool = False
    write_function: Literal[6, 16] | None = None


class Identity(_Table):
    """Where the device says who it is."""

    maker: Source | None = None
    model: Source | None = None
    serial: Source | None = None
    firmware: Source | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A checked profile.  ``parts`` maps part -> quantity -> point; the part of a device of one is ``""``.

    ``scan`` maps scan class -> period in seconds.
    """

    name: str
    head: Head
    limits: Limits
    scan: Mapping[str, float]
    identity: Mapping[str, Source]
    parts: Mapping[str, Mapping[str, Point]]

    @property
    def protocol(self) -> str:
        """The protocol whose door reads this device."""
        return self.head.protocol


def names(folders: Sequence[Path] = ()) -> list[str]:
    """Every profile there is, as ``maker/model``, sorted; ``folders`` are the site's own."""
    return sorted(
        {
            f"{file.parent.name}/{file.stem}"
            for folder in (*folders, BUILT_IN)
            for file in folder.glob("*/*.toml")
        }
    )


def load(name: str, folders: Sequence[Path] = ()) -> Profile:
    """Load ``maker/model`` from the site's ``folders`` or the built-in ones, the site's first.

    Raises ConfigError with every fault of the file, or that there is no such profile.
    """
    for folder in (*folders, BUILT_IN):
        file = folder / f"{name}.toml"
        if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and file.is_file():
            return _read(name, file)
    raise ConfigError([Fault(name, None, "profile", f"is unknown; {nearest(name, names(folders))}")])


def _read(name: str, file: Path) -> Profile:
    try:
        return parse(file.read_text(encoding="utf-8"), name, str(file))
    except OSError as error:
        raise ConfigError([Fault(str(file), None, "file", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([syntax_fault(str(file), error)]) from error


def parse(text: str, name: str, file: str) -> Profile:
    """Check a profile's text; ``file`` is for the faults.  Raises ConfigError with all of them."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([syntax_fault(file, error)]) from error
    check = _Check(Places(file, text))
    profile = check.profile(name, data)
    if check.faults or profile is None:
        raise ConfigError(sorted(check.faults, key=lambda fault: fault.line or 0))
    return profile


_Model = TypeVar("_Model", bound=_Table)
_SECTIONS = ("profile", "limits", "scan", "identity", "points", "parts")
Flaw = tuple[str, str]
"""A key below the point, and what is wrong with it."""


class _Check:
    """Walks a profile's data once and gathers every fault."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.faults: list[Fault] = []

    def profile(self, name: str, data: Mapping[str, Any]) -> Profile | None:
        for key in data:
            if key not in _SECTIONS:
                self._add((key,), f"is no known key; {nearest(key, _SECTIONS)}")
        head = self._model(Head, ("profile",), data.get("profile", {}))
        limits = self._model(Limits, ("limits",), data.get("limits", {}))
        scan = self._scan(data.get("scan", {}))
        identity = self._identity(data.get("identity", {}))
        parts = self._parts(data, scan)
        if head is None or limits is None:
            return None
        self._blocks(limits, parts)
        return Profile(name, head, limits, scan, identity, parts)

    def _add(self, path: tuple[str | int, ...], what: str) -> None:
        self.faults.append(self._places.fault(path, what))

    def _model(self, model: type[_Model], path: tuple[str, ...], raw: object) -> _Model | None:
        if not isinstance(raw, dict):
            self._add(path, f"{raw!r} is wrong, expected a table with {', '.join(keys_of(model))}")
            return None
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            self.faults += self._places.faults(path, error, model)
            return None

    def _table(self, path: tuple[str, ...], raw: object) -> dict[str, Any]:
        if isinstance(raw, dict):
            return raw
        self._add(path, f"{raw!r} is wrong, expected a table")
        return {}

    def _scan(self, raw: object) -> dict[str, float]:
        scan = dict(SCAN_S)
        for key, period in self._table(("scan",), raw).items():
            if isinstance(period, int | float) and not isinstance(period, bool) and 0.05 <= period <= 86400:
                scan[key] = float(period)
            else:
                self._add(("scan", key), f"{period!r} is wrong, expected seconds, 0.05..86400")
        return scan

    def _identity(self, raw: object) -> dict[str, Source]:
        identity = self._model(Identity, ("identity",), raw)
        sources = {key: getattr(identity, key) for key in keys_of(Identity)} if identity else {}
        found = {key: source for key, source in sources.items() if source is not None}
        for key, source in found.items():
            self._flaws(("identity", key), source_flaws(source))
        return found

    def _parts(self, data: Mapping[str, Any], scan: Mapping[str, float]) -> dict[str, dict[str, Point]]:
        parts: dict[str, dict[str, Point]] = {}
        if "points" in data:
            parts[""] = self._points(("points",), data["points"], scan)
        for part, raw in self._table(("parts",), data.get("parts", {})).items():
            if not is_owner(part):
                self._add(("parts", part), f"{part!r} is no name, expected a-z, 0-9 and '_'")
            parts[part] = self._points(("parts", part), raw, scan)
        if not any(parts.values()) and not self.faults:
            self._add(("points",), "is missing; expected [points.<quantity>] or [parts.<part>.<quantity>]")
        if "" in parts and len(parts) > 1:
            self._add(("points",), "stands beside parts; a device has points or parts, not both")
        return parts

    def _points(self, path: tuple[str, ...], raw: object, scan: Mapping[str, float]) -> dict[str, Point]:
        found = {}
        for quantity, table in self._table(path, raw).items():
            here = (*path, quantity)
            point = self._model(Point, here, table)
            if point is not None:
                found[quantity] = point
                self._flaws(here, point_flaws(quantity, point, scan))
            else:
                self._flaws(here, _name_flaws(quantity))
        return found

    def _blocks(self, limits: Limits, parts: Mapping[str, Mapping[str, Point]]) -> None:
        for part, points in parts.items():
            for quantity, point in points.items():
                if point.width > limits.block_max:
                    path = ("parts", part, quantity) if part else ("points", quantity)
                    self._add(
                        path, f"takes {point.width} registers, but limits.block_max is {limits.block_max}"
                    )

    def _flaws(self, path: tuple[str, ...], flaws: Sequence[Flaw]) -> None:
        for key, what in flaws:
            self._add((*path, *key.split(".")) if key else path, what)


def point_flaws(quantity: str, point: Point, scan: Mapping[str, float]) -> list[Flaw]:
    """What is wrong with a point though each of its keys is well-formed."""
    flaws = _name_flaws(quantity) or _kind_flaws(quantity, point)
    flaws += source_flaws(point)
    if point.scan not in scan:
        flaws.append(("scan", f"{point.scan!r} is no scan class; {nearest(point.scan, list(scan))}"))
    if point.low is not None and point.high is not None and point.low > point.high:
        flaws.append(("low", f"{point.low} is above high = {point.high}"))
    if point.write is not None:
        flaws += [(f"write.{key}".rstrip("."), what) for key, what in _write_flaws(point, point.write)]
    return flaws


def _name_flaws(quantity: str) -> list[Flaw]:
    try:
        word(quantity)
    except ValueError as error:
        return [("", str(error))]
    return []


def _kind_flaws(quantity: str, point: Point) -> list[Flaw]:
    kind = word(quantity).kind
    text = point.type_name == "string"
    if text != (kind == "text") and not (kind == "text" and point.values):
        return [("type", f"{point.type_name!r} does not fit {quantity}, a {kind}")]
    return []


def source_flaws(source: Source) -> list[Flaw]:
    """What contradicts itself in the description of one place on the wire."""
    return [(key, what) for wrong, key, what in _rules(source) if wrong]


def _rules(source: Source) -> list[tuple[bool, str, str]]:
    whole = source.type_name in WIDTHS and not source.type_name.startswith("float")
    is_bit = source.address.table in ("coil", "discrete")
    width_bits = 16 * source.each
    one_bit = source.field is not None or source.type_name in ("bool", "string")
    return [
        (
            is_bit and source.type_name not in ("bool", "uint16"),
            "type",
            f"{source.type_name!r} does not fit a {source.address.table}, expected 'bool'",
        ),
        (is_bit and source.field is not None, "bit", "does not fit a coil or discrete input: it is one bit"),
        (
            source.bit is not None and source.bits is not None,
            "bits",
            "stands beside bit; expected one of them",
        ),
        (source.field is not None and not whole, "bit", f"does not fit type {source.type_name!r}"),
        (
            source.field is not None and source.field[1] >= width_bits,
            "bit" if source.bits is None else "bits",
            f"goes beyond the {width_bits} bits of {source.type_name}",
        ),
        (
            source.type_name == "string" and source.length is None,
            "length",
            "is missing: registers of the string",
        ),
        (source.type_name != "string" and source.length is not None, "length", "fits strings only"),
        (source.values is not None and not whole, "values", f"does not fit type {source.type_name!r}"),
        (
            any(not 0 <= code < 1 << width_bits for code in source.absent)
            or (bool(source.absent) and is_bit),
            "absent",
            f"expected raw codes of 0..{(1 << width_bits) - 1}",
        ),
        (
            source.scale_address is not None and source.scale_address.table in ("coil", "discrete"),
            "scale_register",
            "expected an input or holding register",
        ),
        (source.scale_address is not None and one_bit, "scale_register", "does not fit a bit or a string"),
        (
            source.sum_of > 1 and (is_bit or one_bit or source.values is not None),
            "sum_of",
            "fits plain numbers only",
        ),
        (source.address.number + source.width > 0x10000, "register", "goes beyond register 65535"),
    ]


def _write_flaws(point: Point, write: Write) -> list[Flaw]:
    return [
        (key, what)
        for wrong, key, what in (*_place_rules(point, write), *_value_rules(point, write))
        if wrong
    ]


def _place_rules(point: Point, write: Write) -> list[tuple[bool, str, str]]:
    target = write.address or point.address
    timer = write.fallback.address if write.fallback else None
    writable: Callable[[Address | None], bool] = lambda at: at is None or at.table in ("coil", "holding")  # noqa: E731 - three uses, all below
    return [
        (
            not writable(target),
            "register",
            f"{target} cannot be written, expected a coil or holding register",
        ),
        (write.own is not None and not writable(write.own.address), "own.register", "cannot be written"),
        (not writable(timer), "fallback.register", "cannot be written"),
        (
            point.field is not None and write.address is None,
            "",
            "does not fit a bit field: its neighbours would be lost",
        ),
        (point.type_name == "string", "", "does not fit a string"),
        (point.sum_of > 1, "", "does not fit a sum: how to share it out is not said"),
        (write.on_release == "own" and write.own is None, "own", 'is missing; on_release = "own" needs it'),
    ]


def _value_rules(point: Point, write: Write) -> list[tuple[bool, str, str]]:
    is_bit = (write.address or point.address).table == "coil" or (
        write.type_name or point.type_name
    ) == "bool"
    low, high = (
        (write.low or 0.0, 1.0 if write.high is None else write.high) if is_bit else (write.low, write.high)
    )
    rules = [
        (low is None, "low", "is missing: the lowest value that may be written"),
        (high is None, "high", "is missing: the highest value that may be written"),
    ]
    if low is not None and high is not None:
        release = write.on_release
        rules += [
            (low > high, "low", f"{low} is above high = {high}"),
            (
                isinstance(release, float) and not low <= release <= high,
                "on_release",
                f"{release} is outside {low}..{high}",
            ),
        ]
    return rules
