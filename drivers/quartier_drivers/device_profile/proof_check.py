"""Compares a profile with its proof files, field by field and as decoded numbers.  Pure.

Separate code, which shares nothing with ``register_codec``, turns a figure into the registers that the source
would send for a number; the profile must read the same number from them.
"""

import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from quartier_drivers import register_codec, registry
from quartier_drivers.device_profile.profile_check import Profile
from quartier_drivers.device_profile.proof_files import (
    MAKER_KINDS,
    SOURCE_UNITS,
    Figure,
    ProofRecord,
    ProofReview,
    ProofSource,
    ProofVector,
    Statements,
)
from quartier_drivers.device_profile.schema import WIDTHS, Point
from quartier_drivers.points import parse_quantity

ProofLevel = Literal["unproven", "one list", "manual", "two sources", "capture", "device"]
PROOF_LEVELS: tuple[ProofLevel, ...] = ("unproven", "one list", "manual", "two sources", "capture", "device")
"""From the weakest to the strongest."""

_BILLED_UNITS = ("w", "wh", "va", "m3")
"""Units whose quantities all serve control or billing, except ratings."""
_RATING = re.compile(r"rated|capacity|installed")
_ELECTRICAL = re.compile(r"(?:voltage|current)(?:_l[123])?_[va]|.*(?:limit|failsafe).*_a")
"""Voltages and currents of the phases, and limits; not those of a string, a cell or a battery."""
_STATE_QUANTITIES = ("soc_pct", "input_on", "relay_on")
_TOLERANCE = 1e-6
_STRUCT_CODES = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
    "bool": "H",
}
_TEST_POWER = -2
"""Exponent in the scale register while a figure is tried."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A source and the profile differ; ``reason`` says why the profile is kept, if that is recorded."""

    profile: str
    point: str
    source: str
    field: str
    expected: str
    """What the source states."""
    got: str
    """The value in the profile."""
    reason: str
    file: str
    line: int | None

    def __str__(self) -> str:
        """Return one line for people."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        told = f"{self.field} {self.expected}, the profile {self.got}"
        text = f"{place}: {self.profile}: {self.point}: {self.source}: {told}"
        return f"{text} (kept: {self.reason})" if self.reason else text


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof level of a profile.  ``agree`` maps each point to the sources that agree."""

    profile: str
    level: ProofLevel
    counted: tuple[str, ...]
    """Points that serve control or billing; the weakest of them sets the level."""
    agree: Mapping[str, tuple[ProofSource, ...]]
    disagreements: tuple[Disagreement, ...]
    left_out: Mapping[str, str]
    sources: tuple[ProofSource, ...]
    checks: tuple[ProofReview, ...]
    """Checks by a second reader; they do not count for the level."""

    @property
    def faults(self) -> tuple[Disagreement, ...]:
        """The disagreements without a recorded reason."""
        return tuple(one for one in self.disagreements if not one.reason)

    @property
    def list_weakest(self) -> tuple[str, ...]:
        """The counted points that sources of fewer than two origins confirm."""
        return tuple(point for point in self.counted if _count_origins(self.agree.get(point, ())) < 2)


def prove_profile(profile: Profile, dossiers: Sequence[ProofRecord]) -> Proof:
    """Check every figure and vector; the level follows from what agrees."""
    points = {
        f"{part}.{quantity}".lstrip("."): (quantity, point)
        for part, quantities in profile.parts.items()
        for quantity, point in quantities.items()
    }
    agree: dict[str, list[ProofSource]] = {}
    disagreements: list[Disagreement] = []
    left_out: dict[str, str] = {}
    for dossier in dossiers:
        left_out |= {point: why for point, why in dossier.left_out.items() if point in points}
        for at, stated in enumerate(dossier.sources):
            disagreements += _SourceCheck(profile, points, dossier, at, stated, agree).run()
    counted = _list_counted(points, left_out)
    sources = tuple(stated.source for dossier in dossiers for stated in dossier.sources)
    found = {point: tuple(ones) for point, ones in agree.items()}
    level = (
        "unproven"
        if not counted
        else min((_find_level(found.get(p, ())) for p in counted), key=PROOF_LEVELS.index)
    )
    checks = tuple(one for dossier in dossiers for one in dossier.checks if one.profile in ("", profile.name))
    return Proof(profile.name, level, counted, found, tuple(disagreements), left_out, sources, checks)


def _list_counted(points: Mapping[str, tuple[str, Any]], left_out: Mapping[str, str]) -> tuple[str, ...]:
    steers = [
        path
        for path, (quantity, point) in points.items()
        if point.writable or is_controlled_or_billed(quantity)
    ]
    return tuple(path for path in (steers or points) if path not in left_out)


def is_controlled_or_billed(quantity: str) -> bool:
    """Return whether a quantity serves control or billing: power, energy, volume, phases, limits, charge."""
    if quantity in _STATE_QUANTITIES:
        return True
    if _RATING.search(quantity):
        return False
    return parse_quantity(quantity).unit in _BILLED_UNITS or bool(_ELECTRICAL.fullmatch(quantity))


def _find_level(sources: Sequence[ProofSource]) -> ProofLevel:
    kinds = {source.kind for source in sources}
    if "device" in kinds:
        return "device"
    if "capture" in kinds:
        return "capture"
    if _count_origins(sources) > 1:
        return "two sources"
    if kinds & set(MAKER_KINDS):
        return "manual"
    return "one list" if kinds else "unproven"


def _count_origins(sources: Sequence[ProofSource]) -> int:
    return len({source.whose for source in sources})


class _SourceCheck:
    """One source against one profile."""

    def __init__(
        self,
        profile: Profile,
        points: Mapping[str, tuple[str, Any]],
        dossier: ProofRecord,
        at: int,
        stated: Statements,
        agree: dict[str, list[ProofSource]],
    ) -> None:
        self._profile = profile
        self._points = points
        self._dossier = dossier
        self._at = at
        self._stated = stated
        self._agree = agree
        self._wrong: set[str] = set()
        self._right: set[str] = set()

    def run(self) -> list[Disagreement]:
        """Return all differences; add the points that agree to ``agree``."""
        found = [
            one
            for key, figures in (("points", self._stated.points), ("writes", self._stated.writes))
            for path, figure in figures.items()
            for one in self._figure(key, path, figure)
        ]
        for number, vector in enumerate(self._stated.source.vectors):
            found += self._vector(number, vector)
        for path in sorted(self._right - self._wrong):
            self._agree.setdefault(path, []).append(self._stated.source)
        for path in self._stated.source.differs:
            if path not in self._wrong:
                found.append(
                    self._differs("differs", path, "record", ("a difference", "agrees; remove the line"), "")
                )
        return found

    def _differs(
        self, key: str, path: str, what: str, sides: tuple[object, object], reason: str | None = None
    ) -> Disagreement:
        self._wrong.add(path)
        places = self._dossier.places
        line = places.line(("source", self._at, key, path))
        why = self._stated.source.differs.get(path, "") if reason is None else reason
        expected, got = map(str, sides)
        source = str(self._stated.source)
        return Disagreement(self._profile.name, path, source, what, expected, got, why, places.file, line)

    def _figure(self, key: str, path: str, figure: Figure) -> Iterator[Disagreement]:
        if path not in self._points:
            # A file for several profiles may state points that only some of them have.
            if len(self._dossier.profiles) == 1:
                yield self._differs(key, path, "states", ("a point", "has none of this name"))
            return
        quantity, point = self._points[path]
        if key == "writes" and not point.writable:
            yield self._differs(key, path, "is", ("written", "reads it only"))
        elif figure.unit and SOURCE_UNITS[figure.unit][0] != parse_quantity(quantity).unit:
            yield self._differs(key, path, "unit", (figure.unit, parse_quantity(quantity).unit))
        else:
            told = [*self._compare(key, quantity, point, figure)]
            yield from (self._differs(key, path, what, sides) for what, sides in told)
            if not told and (key == "writes" or not point.writable):
                self._right.add(path)

    def _compare(self, key: str, quantity: str, point: Any, figure: Figure) -> "Differences":
        if not isinstance(point, Point):
            return _compare_named(key, quantity, point, figure)
        source = register_codec.make_write_source(point) if key == "writes" else point
        alike = {"input", "holding"} if self._dossier.same_tables else set()
        table = source.address.table if {figure.table, source.address.table} <= alike else figure.table
        if (table, figure.number) != (source.address.table, source.address.number):
            stands = (f"{figure.table}:{figure.number}", source.address)
            return iter([("is at", stands)])
        return _compare_register(key, quantity, point, source, figure)

    def _vector(self, number: int, vector: ProofVector) -> Iterator[Disagreement]:
        key = f"vector {vector.name!r}"
        found = registry.load_protocol(self._profile.protocol).decode_vector(self._profile, vector)
        for path, expected in vector.expected.items():
            got = found.get(path)
            if not _is_alike(expected, got):
                yield self._differs(f"vectors.{number}", path, key, (expected, got))
            elif not self._points[path][1].writable:
                self._right.add(path)


Differences = Iterator[tuple[str, tuple[object, object]]]
"""What differs, with the values of the source and of the profile."""


def _compare_register(key: str, quantity: str, point: Point, source: Any, figure: Figure) -> Differences:
    """Yield where the profile reads something else from the words of the source."""
    if figure.modbus_unit is not None and figure.modbus_unit != source.unit:
        yield "has unit", (figure.modbus_unit, source.unit or "of the device")
    if source.type_name == "string" or figure.type_name == "string":
        if (figure.type_name, figure.length) != (source.type_name, source.length):
            yield "is", (f"{figure.type_name} of {figure.length}", f"{source.type_name} of {source.length}")
        return
    if key == "writes" and point.write is not None and point.write.codes is not None:
        yield from _compare_codes(point.write.codes, source.type_name, figure)
        return
    if parse_quantity(quantity).kind == "text" and not point.values:
        yield "is", (figure.type_name, "a text")
        return
    for words, value in _make_probes(figure, parse_quantity(quantity).unit):
        memory = dict(enumerate(words, figure.number))
        if figure.scale_at is not None:
            memory[figure.scale_at - figure.first] = _TEST_POWER & 0xFFFF
        got = _read_memory(source, memory)
        if not _is_alike(value, got):
            shown = " ".join(f"{one:04X}" for one in words)
            yield f"reads {shown} as", (_render_value(value), _render_value(got))
            return


def _compare_codes(written: Mapping[int, int], type_name: str, figure: Figure) -> Differences:
    """Yield where the codes written for our values differ."""
    ours = {str(value): code for value, code in written.items()}
    if figure.type_name not in (None, type_name):
        yield "is", (figure.type_name, type_name)
    for value, code in figure.codes.items():
        if ours.get(value) != code:
            yield f"writes for {value}", (f"{code:#x}", f"{ours[value]:#x}" if value in ours else "nothing")


def _read_memory(source: Any, memory: Mapping[int, int]) -> float | None:
    start = source.address.number
    words = [memory.get(start + step, _make_filler(start + step)) for step in range(source.width)]
    power = 0
    if source.scale_address is not None:
        known = register_codec.decode_power([memory.get(source.scale_address.number, 0x8000)])
        if known is None:
            return None
        power = known
    value = register_codec.decode_number(source, words, power)
    return value if isinstance(value, int | float) else None


def _make_filler(number: int) -> int:
    """Return a content for registers that the source does not name; it must not look like its number."""
    return (number * 40503 + 12345) & 0x7FFF | 1


def _make_probes(figure: Figure, unit: str) -> Iterator[tuple[list[int], float]]:
    """Yield words that the source would send, each with their meaning in our unit and sign."""
    if figure.table in ("coil", "discrete"):
        yield from (([bit], float(bit)) for bit in (0, 1))
        return
    for raw in _make_raws(figure, unit):
        words = _encode_words(figure, raw) * figure.sum_of
        scale = Fraction(repr(figure.scale)) / Fraction(repr(figure.divide))
        power = Fraction(10) ** _TEST_POWER if figure.scale_at is not None else 1
        total = Fraction(_find_field_value(figure, raw)) * figure.sum_of * scale * power + Fraction(
            repr(figure.offset)
        )
        yield words, float(total * Fraction(figure.factor) * figure.sign)


def _make_raws(figure: Figure, unit: str) -> tuple[float, ...]:
    kind = figure.type_name or "uint16"
    if kind.startswith("float"):
        return (1.5, -2304.25, 70000.5)
    if kind == "bool":
        return (0, 1)
    if kind.startswith("bcd"):
        return (1, 1234)
    if figure.bit is not None or figure.bits is not None:
        return (0x5A5A, 0xA5A5)
    bits = 16 * WIDTHS[kind]
    wide = (0x12345678,) if bits > 16 else ()
    if kind.startswith("int"):
        # A voltage or a counter is never negative: lists differ in the signedness of those, which proves
        # nothing.
        return (1, 1234, *wide, *((-1234,) if unit not in ("v", "wh", "hz", "pct", "m3") else ()))
    # Powers, currents and counters do reach values beyond half of 16 bits.
    return (1, 1234, *wide, *((0xA5A5,) if bits == 16 and unit in ("w", "wh", "m3") else ()))


def _encode_words(figure: Figure, raw: float) -> list[int]:
    kind = figure.type_name or "uint16"
    if kind.startswith("bcd"):
        data = int(str(int(raw)), 16).to_bytes(2 * WIDTHS[kind], "big")
    else:
        data = struct.pack(">" + _STRUCT_CODES[kind], raw if kind.startswith("float") else int(raw))
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    if figure.byte_order == "low-first":
        words = [(one & 0xFF) << 8 | one >> 8 for one in words]
    return words if figure.word_order == "high-first" else words[::-1]


def _find_field_value(figure: Figure, raw: float) -> float:
    lowest, highest = figure.bits or (figure.bit, figure.bit)
    if lowest is None or highest is None:
        return raw
    return int(raw) >> lowest & (1 << highest - lowest + 1) - 1


def _compare_named(key: str, quantity: str, point: Any, figure: Figure) -> Differences:
    """Compare a name in the protocol's own terms; what stands there carries its own coding."""
    difference = point.compare_name(key, figure)
    if difference is not None:
        yield difference
    scaled = float(point.scale * point.sign)
    if (scaled < 0) != (figure.sign * figure.scale < 0) and parse_quantity(quantity).kind == "float":
        yield "counts", (figure.plus or "as here", "with the opposite sign")


def _is_alike(expected: object, got: object) -> bool:
    if isinstance(expected, str | bool) or isinstance(got, str | bool) or got is None:
        return expected == got
    if not isinstance(expected, int | float) or not isinstance(got, int | float):
        return False
    return math.isclose(expected, got, rel_tol=_TOLERANCE, abs_tol=1e-9)


def _render_value(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, int | float) else "nothing"
