"""Convert registers to values and back as a profile says, including binary-coded decimals (pure, exact).

Scaling is done in whole numbers and rounded once: 1234 at scale 0.1 is exactly 123.4.
"""

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from quartier_drivers.device_profile.register_address import Address, parse_address
from quartier_drivers.device_profile.register_profile import RegisterProfile
from quartier_drivers.device_profile.schema import DIRECTED_TYPE, Point, Source
from quartier_drivers.points import parse_quantity
from quartier_drivers.readings import Quality, Value

if TYPE_CHECKING:
    from quartier_drivers.device_profile.proof_files import ProofVector


def parse_bcd(code: int) -> int | None:
    """Return the number of a BCD code: 0x1234 is 1234.  None if a nibble is no decimal digit."""
    try:
        return int(f"{code:x}")
    except ValueError:
        return None


def encode_bcd(number: int) -> int:
    """Return the BCD code of a number: 1234 is 0x1234."""
    return int(str(number), 16)


Decoded = tuple[Value | None, Quality]
RegisterPlace = tuple[int | None, Address]
"""A register: the unit that the point names (None: the device's own), then table and number."""


_FLOATS = {"float32": (">I", ">f"), "float64": (">Q", ">d")}
Decoder = Callable[[Sequence[int], int], Decoded]
"""Takes the words of a point and the power of its scale register; returns value and quality."""


_GOOD_QUALITY, _BAD_QUALITY = Quality.GOOD, Quality.BAD
NO_VALUE: Decoded = (None, _BAD_QUALITY)
"""No usable value: absent, or not a number."""


# SunSpec (Information Model Reference, "scale factors"): -10..10; 0x8000 is "not implemented".
_POWER_MAX = 10


@dataclass(frozen=True, slots=True)
class Scaling:
    """value = raw * top / bottom + shift, all whole numbers, so that only one division rounds."""

    top: int
    shift: int
    bottom: int

    def up(self, raw: float) -> float:
        """Return the value; infinite if it is beyond the range of a float."""
        if (self.top, self.shift, self.bottom) == (1, 0, 1):
            return float(raw)
        over, under = raw.as_integer_ratio()
        try:
            return (over * self.top + self.shift * under) / (self.bottom * under)
        except OverflowError:
            return math.inf

    def down(self, value: float) -> Fraction:
        """Return the exact raw number of a value."""
        return (Fraction(value) * self.bottom - self.shift) / self.top


@lru_cache(maxsize=4096)
def make_scaling(scale: float, offset: float, sign: int, power: int) -> Scaling:
    """Return the exact scaling from raw numbers to values, in whole numbers."""
    # repr() is the shortest decimal that means this float: what the profile's author wrote.
    factor = Fraction(repr(scale)) * sign * Fraction(10) ** power
    shift = Fraction(repr(offset))
    bottom = math.lcm(factor.denominator, shift.denominator)
    return Scaling(int(factor * bottom), int(shift * bottom), bottom)


def decode_number(source: Source, words: Sequence[int], power: int = 0) -> float | int | str | None:
    """Return the value of ``words`` (16-bit registers, or coils as 0 and 1) in our units and sign.

    ``power`` is the content of the scale register.  None for an absent code, NaN and infinity.
    """
    if source.type_name == "string":
        return _read_text(source, words)
    raw: float = 0
    for start in range(0, source.width, source.each):
        one = _decode_single(source, words[start : start + source.each])
        if one is None:
            return None
        raw += one
    if not math.isfinite(raw):
        return None
    value = make_scaling(source.scale, source.offset, source.sign, power).up(raw)
    return value if math.isfinite(value) else None


def _decode_single(source: Source, words: Sequence[int]) -> float | int | None:
    if source.address.table in ("coil", "discrete"):
        return _convert_code(source, int(words[0]))
    if source.type_name == DIRECTED_TYPE:
        return _decode_directed(source, words[0], words[-1])
    code = _join_words(source, words)
    if code in source.absent:
        return None
    return parse_bcd(code) if source.type_name.startswith("bcd") else _convert_code(source, code)


def _decode_directed(source: Source, status: int, code: int) -> int | None:
    """Return a number whose sign is in itself or in its status word; None if the two contradict each other.

    Firmware that sends signed numbers sends a negative one where its status bit means plus (Sungrow:
    charging); it may leave both bits 0.
    """
    plus, minus = (bool(status >> bit & 1) for bit in source.bits or (0, 0))
    if code in source.absent or (plus and minus):
        return None
    number = code - 0x10000 if code & 0x8000 else code
    if number < 0:
        return None if minus else -number
    return number if plus else -number


def decode_text(source: Source, words: Sequence[int]) -> str:
    """Return the value as text, by its name in the profile if it has one; empty if there is no value."""
    value = decode_number(source, words)
    if value is None or isinstance(value, str):
        return value or ""
    if source.values:
        return source.values.get(int(value), "")
    return str(int(value)) if float(value).is_integer() else str(value)


def render_raw(source: Source, words: Sequence[int]) -> str:
    """Return the words as a manual prints them, with the name of an enumerated value."""
    text = " ".join(f"{one:04X}" for one in words)
    if source.address.table in ("coil", "discrete"):
        text = str(int(words[0]))
    if source.values:
        raw = _convert_code(source, _join_words(source, words))
        text += f" ({source.values.get(int(raw), 'unknown')})"
    return text


def decode_point(quantity: str, point: Point, words: Sequence[int], power: int = 0) -> Decoded:
    """Return the value of a point's ``words``, in the kind that the quantity names, and its quality.

    An absent code, NaN, infinity and a text without a name are ``(None, BAD)``.  An implausible value is
    returned as it is, with BAD.
    """
    return make_decoder(quantity, point)(words, power)


def make_decoder(quantity: str, point: Point) -> Decoder:
    """Return ``decode_point`` prepared for one point; it takes the words and the scale register's power."""
    kind = parse_quantity(quantity).kind
    if kind == "text":
        return lambda words, power: _decode_text_point(point, words, power)
    low = -math.inf if point.low is None else point.low
    high = math.inf if point.high is None else point.high

    def read(words: Sequence[int], power: int) -> Decoded:
        value = decode_number(point, words, power)
        if value is None or isinstance(value, str):
            return NO_VALUE
        quality = _GOOD_QUALITY if low <= value <= high else _BAD_QUALITY
        return (value if kind == "float" else _convert_kind(kind, value)), quality

    return read


def _decode_text_point(point: Point, words: Sequence[int], power: int) -> Decoded:
    value = decode_number(point, words, power)
    name = value if point.values is None or value is None else point.values.get(int(value))
    return NO_VALUE if name is None else (str(name), _GOOD_QUALITY)


def decode_power(words: Sequence[int]) -> int | None:
    """Return the power of ten in a scale register; None if the register is not implemented."""
    power = words[0] - 0x10000 if words[0] & 0x8000 else words[0]
    return power if -_POWER_MAX <= power <= _POWER_MAX else None


def encode_point(point: Point, value: float, power: int = 0) -> list[int]:
    """Return the registers (or the one coil) that write ``value``, in our units, to ``point``.

    Raises ValueError if the point is not writable, or the value is no number, is outside the profile's limits
    or does not fit the register.  A value between two steps becomes the nearest step inside the limits. A sum
    is written in equal shares; the remainder goes to the first of them.
    """
    if point.write is None:
        raise ValueError("cannot be written")
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number")
    target = make_write_source(point)
    low, high = find_write_range(point)
    if not low <= value <= high:
        raise ValueError(f"{value} is outside {low}..{high}")
    if point.write.codes is not None:
        if value not in point.write.codes:
            raise ValueError(f"{value:g} has no code; expected one of {sorted(point.write.codes)}")
        return encode_raw(target, point.write.codes[int(value)])
    if target.type_name in _FLOATS:
        scaled = float(make_scaling(target.scale, target.offset, target.sign, power).down(value))
        return encode_raw(target, scaled / target.sum_of) * target.sum_of
    share, rest = divmod(_encode_in_range(target, value, power, (low, high)), target.sum_of)
    shares = [share + (place < rest) for place in range(target.sum_of)]
    return [one for raw in shares for one in encode_raw(target, raw)]


def make_write_source(point: Point) -> Source:
    """Return where and how a point is written: its own source, changed by its ``write`` table.

    Raises ValueError if the point is not writable.
    """
    if point.write is None:
        raise ValueError("cannot be written")
    changes = {
        "address": point.write.address,
        "type_name": point.write.type_name,
        "scale": point.write.scale,
    }
    return point.model_copy(update={key: new for key, new in changes.items() if new is not None})


def find_write_range(point: Point) -> tuple[float, float]:
    """Return the lowest and highest value that may be written, in our units; 0 and 1 for on/off points.

    Raises ValueError if the point is not writable.
    """
    if point.write is None:
        raise ValueError("cannot be written")
    low, high = point.write.low, point.write.high
    return 0.0 if low is None else low, 1.0 if high is None else high


def encode_raw(source: Source, raw: float) -> list[int]:
    """Return the registers, or the coil, of the unscaled ``raw``; raises ValueError if it does not fit."""
    if source.address.table == "coil" or source.type_name == "bool":
        return [int(raw != 0)]
    if source.type_name in _FLOATS:
        return _split_words(source, _encode_float(source.type_name, raw))
    low, high = source.raw_range
    if raw != int(raw) or not low <= raw <= high:
        raise ValueError(f"{raw} does not fit {source.type_name} ({low}..{high})")
    code = (
        encode_bcd(int(raw)) if source.type_name.startswith("bcd") else int(raw) & (1 << 16 * source.each) - 1
    )
    if code in source.absent:
        raise ValueError(f"{raw} means 'not there' to this device")
    return _split_words(source, code)


def decode_part(
    profile: RegisterProfile, part: str, registers: Mapping[str, Sequence[int]]
) -> dict[str, Decoded]:
    """Decode every point of a part whose registers are all given.

    ``registers`` maps ``"input:0x0028"`` (``"100/holding:840"`` for another unit) to the words from there.
    """
    memory = _make_memory(registers)
    found = {}
    for quantity, point in profile.parts[part].items():
        words = _read_words(memory, point.unit, point.address, point.width)
        power = read_power(point, lambda place: _read_words(memory, place[0], place[1], 1))
        if words is not None and power is not None:
            found[quantity] = decode_point(quantity, point, words, power)
        elif words is not None and point.scale_address is not None:
            found[quantity] = NO_VALUE
    return found


def decode_vector(profile: RegisterProfile, vector: "ProofVector") -> dict[str, Value | None]:
    """Return the values of the registers of a proof, by quantity, or by part and quantity."""
    return {
        f"{part}.{quantity}".lstrip("."): value
        for part in profile.parts
        for quantity, (value, _) in decode_part(profile, part, vector.registers).items()
    }


def read_power(source: Source, read: Callable[[RegisterPlace], Sequence[int] | None]) -> int | None:
    """Return the power of ten for a source: 0 without a scale register, None if it is missing or invalid."""
    if source.scale_address is None:
        return 0
    words = read((source.unit, source.scale_address))
    return None if words is None else decode_power(words)


def _encode_in_range(target: Source, value: float, power: int, limits: tuple[float, float]) -> int:
    scale = make_scaling(target.scale, target.offset, target.sign, power)
    raw = round(scale.down(value))
    steps: Iterable[int] = (raw, raw - 1, raw + 1)
    for step in steps:
        if limits[0] <= scale.up(step) <= limits[1]:
            return step
    raise ValueError(f"{value} lies between two steps of the device that are both outside its limits")


def _convert_kind(kind: str, value: float) -> Value:
    if kind == "bool":
        return value != 0
    return round(value) if kind == "int" else float(value)


def _read_text(source: Source, words: Sequence[int]) -> str | None:
    order = "big" if source.byte_order == "high-first" else "little"
    ordered = words if source.word_order == "high-first" else reversed(words)
    data = b"".join(one.to_bytes(2, order) for one in ordered)  # type: ignore[arg-type]  # one of two literals
    text = data.split(b"\0", 1)[0].decode("utf-8", "replace")
    text = "".join(letter for letter in text if letter.isprintable()).strip()
    return text or None


def _join_words(source: Source, words: Sequence[int]) -> int:
    code = 0
    for one in words if source.word_order == "high-first" else reversed(words):
        code = code << 16 | (one if source.byte_order == "high-first" else _swap_bytes(one))
    return code


def _split_words(source: Source, code: int) -> list[int]:
    words = [code >> 16 * place & 0xFFFF for place in reversed(range(source.each))]
    if source.byte_order == "low-first":
        words = [_swap_bytes(one) for one in words]
    return words if source.word_order == "high-first" else words[::-1]


def _swap_bytes(one: int) -> int:
    return (one & 0xFF) << 8 | one >> 8


def _convert_code(source: Source, code: int) -> float | int:
    if source.field is not None:
        lowest, highest = source.field
        return code >> lowest & (1 << highest - lowest + 1) - 1
    if source.type_name in _FLOATS:
        whole, real = _FLOATS[source.type_name]
        raw: float = struct.unpack(real, struct.pack(whole, code))[0]
        return raw
    if source.type_name == "bool":
        return int(code != 0)
    width_bits = 16 * source.each
    signed = source.type_name.startswith("int") and code >> width_bits - 1
    return code - (1 << width_bits) if signed else code


def _encode_float(type_name: str, raw: float) -> int:
    whole, real = _FLOATS[type_name]
    try:
        code: int = struct.unpack(whole, struct.pack(real, raw))[0]
    except OverflowError as error:
        raise ValueError(f"{raw} does not fit {type_name}") from error
    return code


def _make_memory(registers: Mapping[str, Sequence[int]]) -> dict[tuple[int | None, str, int], int]:
    memory: dict[tuple[int | None, str, int], int] = {}
    for key, words in registers.items():
        unit, slash, place = key.rpartition("/")
        start = parse_address(place)
        for step, one in enumerate(words):
            memory[int(unit) if slash else None, start.table, start.number + step] = int(one)
    return memory


def _read_words(
    memory: Mapping[tuple[int | None, str, int], int], unit: int | None, start: Address, width: int
) -> list[int] | None:
    keys = [(unit, start.table, start.number + step) for step in range(width)]
    return [memory[key] for key in keys] if all(key in memory for key in keys) else None
