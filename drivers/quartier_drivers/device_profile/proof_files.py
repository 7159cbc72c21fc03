"""Reads proof files: what sources state about a device's points, typed from each source.

``profiles/<maker>/proof/<model>.toml`` belongs to the profile.  Figures keep the notation of their source:
its numbers, units and direction of plus.  Nothing in such a file is derived from the profile.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from quartier_drivers.device_profile.loading import BUILT_IN_FOLDER
from quartier_drivers.device_profile.register_address import Table
from quartier_drivers.device_profile.schema import Bits, Finite, Scale, Section, TypeName, WordOrder
from quartier_drivers.device_profile.toml_files import TomlPlaces, read_text, read_toml, suggest_key
from quartier_drivers.errors import ConfigError, Fault

SourceKind = Literal["manual", "sample", "list", "capture", "device"]
"""The maker's manual or sample, another project's list, bytes of a device, or a device that we measured."""
MAKER_KINDS: tuple[SourceKind, ...] = ("manual", "sample")

PlusDirection = Literal["import", "export", "charge", "discharge", "consume", "produce"]
# In Quartier, plus means that the asset takes energy from the building's bus; import at the grid meter is
# plus.
PLUS_SIGNS: Mapping[str, int] = {
    "import": 1,
    "charge": 1,
    "consume": 1,
    "export": -1,
    "discharge": -1,
    "produce": -1,
}

# Prefix and base of a source's unit -> suffix and factor of our points.
_UNIT_BASES = {
    "W": "w",
    "Wh": "wh",
    "V": "v",
    "A": "a",
    "Hz": "hz",
    "VA": "va",
    "var": "var",
    "varh": "varh",
    "%": "pct",
    "°C": "c",
    "m3": "m3",
    "m3/h": "m3_per_h",
    "s": "s",
    "ppm": "ppm",
    "Pa": "pa",
}
_UNIT_PREFIXES = {
    "": "1",
    "k": "1000",
    "M": "1000000",
    "G": "1000000000",
    "m": "0.001",
    "d": "0.1",
    "c": "0.01",
}
SOURCE_UNITS: Mapping[str, tuple[str, str]] = {
    f"{prefix}{base}": (suffix, factor)
    for base, suffix in _UNIT_BASES.items()
    for prefix, factor in _UNIT_PREFIXES.items()
    if not prefix or base not in ("%", "°C", "ppm")
} | {"l": ("m3", "0.001"), "l/h": ("m3_per_h", "0.001"), "min": ("s", "60")}


def _check_unit(text: str) -> str:
    if text and text not in SOURCE_UNITS:
        raise ValueError(f"{text!r} is not a known unit; {suggest_key(text, sorted(SOURCE_UNITS))}")
    return text


def _make_labels(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else (raw,)


Labels = Annotated[tuple[str, ...], BeforeValidator(_make_labels)]


class Figure(Section):
    """One point as a source states it; for registers value = raw * scale / divide + offset, in its unit."""

    name: str = ""
    """The name of the point in the source."""
    at: Annotated[int, Field(ge=0)] | None = None
    """The register's number as the source prints it; ``first`` is the number of the first register there."""
    first: Annotated[int, Field(ge=0)] = 0
    table: Table | None = None
    type_name: TypeName | None = Field(None, alias="type")
    word_order: WordOrder = Field("high-first", alias="words")
    byte_order: WordOrder = Field("high-first", alias="bytes")
    bit: Annotated[int, Field(ge=0, le=63)] | None = None
    bits: Bits | None = None
    length: Annotated[int, Field(ge=1, le=125)] | None = None
    sum_of: Annotated[int, Field(ge=1, le=62)] = 1
    scale: Scale = 1.0
    divide: Scale = 1.0
    offset: Finite = 0.0
    codes: Mapping[str, int] = Field(default_factory=dict)
    """The code that is written for each of our values, where they are codes."""
    scale_at: Annotated[int, Field(ge=0)] | None = None
    """The register of the power of ten."""
    modbus_unit: Annotated[int, Field(ge=0, le=255)] | None = None
    unit: Annotated[str, AfterValidator(_check_unit)] = ""
    """The source's unit; absent: that of our point."""
    plus: PlusDirection | None = None
    """What a positive number means in the source; absent: the same as in our points."""
    group: Labels = ()
    """A meter's label; the values of several are added."""
    minus: str = ""
    """A meter's label whose value is subtracted."""
    point: str = ""
    """A SunSpec point, as ``203.W``."""
    object_name: str = Field("", alias="object")
    """A BACnet object, as ``analog-input:3``."""

    @property
    def sign(self) -> int:
        """Return +1 if the source counts in our direction, else -1."""
        return PLUS_SIGNS.get(self.plus or "", 1)

    @property
    def factor(self) -> str:
        """Return how many of our units are in one unit of the source, as a decimal."""
        return SOURCE_UNITS[self.unit][1] if self.unit else "1"

    @property
    def number(self) -> int:
        """Return the register number as on the wire, counted from 0."""
        return (self.at or 0) - self.first

    def is_label(self, group: tuple[str, ...], labels: tuple[str, ...]) -> bool:
        """Return whether the labels of a source match those of a profile, which may contain ``?`` and ``*``.

        A source that leaves out medium and channel (``1.8.0``) means the label of any (``1-0:1.8.0``).
        """
        if len(group) != len(labels):
            return False
        pairs = zip(sorted(group), sorted(labels), strict=True)
        return all(
            fnmatchcase(one, label) or (":" not in one and label.endswith(f":{one}")) for one, label in pairs
        )

    def is_in_unit(self, unit: str) -> bool:
        """Return whether the source's unit is ``unit``, by whatever name."""
        return SOURCE_UNITS.get(self.unit) == SOURCE_UNITS.get(unit)


class ProofVector(Section):
    """Registers or a telegram, and what they mean by an independent reading."""

    name: Annotated[str, Field(min_length=4)]
    registers: Mapping[str, Annotated[tuple[int, ...], BeforeValidator(tuple)]] = Field(default_factory=dict)
    capture: str = ""
    """A telegram in hex."""
    text: str = ""
    """A telegram as text."""
    expected: Mapping[str, bool | int | float | str]


class ProofSource(Section):
    """The statements of one source.  ``every`` holds the keys that all of its figures share."""

    kind: SourceKind
    document: Annotated[str, Field(min_length=4)]
    """Title of the manual, or ``owner/repository: path``."""
    revision: Annotated[str, Field(min_length=1)]
    """Revision, date, or commit."""
    place: str = ""
    """Table, section or page."""
    origin: str = ""
    """Its author: two sources of one origin count once; absent: the document up to its colon."""
    note: str = ""
    every: Mapping[str, Any] = Field(default_factory=dict)
    points: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    writes: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    differs: Mapping[str, Annotated[str, Field(min_length=12)]] = Field(default_factory=dict)
    """Points where the profile differs from this source, each with the reason."""
    vectors: Annotated[tuple[ProofVector, ...], BeforeValidator(_make_labels)] = ()

    @property
    def whose(self) -> str:
        """The origin; without one, the document up to its colon."""
        return self.origin or self.document.partition(":")[0].strip().lower()

    def __str__(self) -> str:
        """Return the source as text for people."""
        return ", ".join(part for part in (self.document, self.revision, self.place) if part)


class ProofReview(Section):
    """A second reader's check: each point was looked up in other sources, before this file was read."""

    profile: str = ""
    """Which of the file's profiles; absent: all of them."""
    day: date
    sources: Annotated[tuple[str, ...], BeforeValidator(_make_labels), Field(min_length=1)]
    """Title and place of each, with revision or commit where it has one."""
    points: Annotated[int, Field(ge=1)]
    """How many points were looked up, and how many of them agree, or are in no source; the others differ."""
    agree: Annotated[int, Field(ge=0)]
    not_found: Annotated[int, Field(ge=0)] = 0
    found: str = ""
    """What differs or is in no source, and what was mended."""

    @property
    def differ(self) -> int:
        """The number of points that differ."""
        return self.points - self.agree - self.not_found


class _ProofFile(Section):
    profiles: Annotated[tuple[str, ...], BeforeValidator(_make_labels)] = ()
    """Which profiles it proves; absent: the one that the file is named after."""
    same_tables: Annotated[str, Field(min_length=12)] | None = None
    """Why an input register and the holding register of its number are the same."""
    left_out: Mapping[str, Annotated[str, Field(min_length=12)]] = Field(default_factory=dict)
    """Points that the level does not count, each with the reason."""
    source: Annotated[tuple[ProofSource, ...], BeforeValidator(_make_labels)] = ()
    check: Annotated[tuple[ProofReview, ...], BeforeValidator(_make_labels)] = ()


@dataclass(frozen=True, slots=True)
class Statements:
    """A source with its checked figures."""

    source: ProofSource
    points: Mapping[str, Figure]
    writes: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class ProofRecord:
    """The content of a proof file; ``places`` knows the lines."""

    profiles: tuple[str, ...]
    same_tables: bool
    left_out: Mapping[str, str]
    sources: tuple[Statements, ...]
    checks: tuple[ProofReview, ...]
    places: TomlPlaces = field(repr=False)


def load_proofs(folders: Sequence[Path] = ()) -> tuple[dict[str, list[ProofRecord]], list[Fault]]:
    """Read all proof files of the site's ``folders`` and the built-in ones.

    Return their content by profile, and their faults.
    """
    found: dict[str, list[ProofRecord]] = {}
    faults: list[Fault] = []
    for file in _list_files(folders):
        try:
            dossier = parse_proof(_read_file(file), f"{file.parent.parent.name}/{file.stem}", str(file))
        except ConfigError as error:
            faults += error.faults
            continue
        for name in dossier.profiles:
            found.setdefault(name, []).append(dossier)
    return found, faults


def _list_files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in (*folders, BUILT_IN_FOLDER):
        yield from sorted(folder.glob("*/proof/*.toml"))


def _read_file(file: Path) -> str:
    try:
        return read_text(file)
    except OSError as error:
        raise ConfigError([Fault(str(file), None, "file", f"cannot be read: {error.strerror}")]) from error


def parse_proof(text: str, name: str, file: str) -> ProofRecord:
    """Check the text of a proof file; ``name`` is the profile that the file is named after.

    Raises ConfigError with all faults.
    """
    data = read_toml(file, text)
    places = TomlPlaces(file, text)
    try:
        checked = _ProofFile.model_validate(data)
    except ValidationError as error:
        raise ConfigError(places.faults((), error, _ProofFile)) from error
    faults: list[Fault] = []
    sources = tuple(_make_statements(one, at, places, faults) for at, one in enumerate(checked.source))
    profiles = checked.profiles or (name,)
    if not checked.source and not checked.check:
        faults.append(places.fault((), "states nothing; expected [[source]] or [[check]]"))
    for at, one in enumerate(checked.check):
        faults += [places.fault(("check", at), said) for said in _check_review(one, profiles)]
    if faults:
        raise ConfigError(sorted(faults, key=lambda fault: fault.line or 0))
    same_tables = checked.same_tables is not None
    return ProofRecord(profiles, same_tables, checked.left_out, sources, checked.check, places)


def _check_review(check: ProofReview, profiles: Sequence[str]) -> Iterator[str]:
    if check.profile and check.profile not in profiles:
        hint = suggest_key(check.profile, sorted(profiles))
        yield f"profile: {check.profile!r} is none of this file; {hint}"
    if check.differ < 0:
        yield f"agree and not_found are more than points ({check.points})"
    elif check.agree < check.points and not check.found:
        yield "lacks found: what differs or is in no source"


def _make_statements(source: ProofSource, at: int, places: TomlPlaces, faults: list[Fault]) -> Statements:
    points = _make_figures(source, "points", at, places, faults)
    writes = _make_figures(source, "writes", at, places, faults)
    stated = {*points, *writes, *(point for vector in source.vectors for point in vector.expected)}
    faults += [
        places.fault(
            ("source", at, "differs", point), "the source states nothing about this point; remove the line"
        )
        for point in source.differs
        if point not in stated
    ]
    if not stated and not faults:
        faults.append(places.fault(("source", at), "states nothing; expected points, writes or vectors"))
    return Statements(source, points, writes)


def _make_figures(
    source: ProofSource, key: Literal["points", "writes"], at: int, places: TomlPlaces, faults: list[Fault]
) -> dict[str, Figure]:
    stated = source.points if key == "points" else source.writes
    found = {}
    for point, raw in stated.items():
        path = ("source", at, key, point)
        try:
            found[point] = Figure.model_validate({**source.every, **raw})
        except ValidationError as error:
            faults += places.faults(path, error, Figure)
            continue
        missing = _explain_missing(found[point])
        if missing:
            faults.append(places.fault(path, missing))
    return found


def _explain_missing(figure: Figure) -> str:
    """Return what a figure lacks before it can be compared; empty if it is complete."""
    if figure.group or figure.point or figure.object_name:
        return ""
    if figure.at is None:
        return "has no place; expected at, group, point or object"
    if figure.number < 0:
        return f"register {figure.at} lies before the first one ({figure.first})"
    lacks = [key for key, one in (("table", figure.table), ("type", figure.type_name)) if one is None]
    if lacks and figure.table not in ("coil", "discrete"):
        return f"lacks {' and '.join(lacks)}; state it here or in [source.every]"
    if figure.type_name == "string" and figure.length is None:
        return "lacks length: the number of registers of the text"
    return ""
