"""The ``metrics`` of a Sparkplug B data payload from columns: the specification of ``metrics.pyx``.

A metric is written in the order of its field numbers: what names it (prepared by the caller), its
timestamp, ``is_historical``, ``is_null``, the property ``Quality`` where it is not good, its value in
the form that it was born with.  Source: Eclipse Sparkplug 3.0.0, chapter 6, "Payloads"; Protocol
Buffers, "Encoding".
"""

import math
import struct
from collections.abc import Mapping, Sequence

from quartier_native.reference.blocks import put_varint

ANY, WHOLE, REAL, BOOLEAN, STRING = range(5)
"""How a metric was born; ``ANY``: it was not, its value goes as it is."""
FORMS_COUNT = 5
TEXT_MAX_CHARS = 8_000
POINTS_MAX = 1 << 20

_FLOAT, _INT, _BOOL, _TEXT, _BIG = range(5)  # the low four bits of a sample's kind
_AS_IT_IS = {_FLOAT: REAL, _INT: WHOLE, _BOOL: BOOLEAN, _TEXT: STRING, _BIG: WHOLE}
_HISTORICAL, _NULL = b"\x28\x01", b"\x38\x01"
_BAD = b"\x4a\x0f\x0a\x07Quality\x12\x04\x08\x03\x18\x00"
_STALE = b"\x4a\x10\x0a\x07Quality\x12\x05\x08\x03\x18\xf4\x03"
_QUALITIES = {0: b"", 1: _BAD, 2: _STALE}  # the high four bits; anything else is bad
_UINT64_MAX = 2**64 - 1


class MetricWriter:
    """Knows what names each point of one table of names, and in which form its value goes."""

    def __init__(self) -> None:
        self._prefixes: list[bytes | None] = []
        self._forms: list[int] = []

    def name(self, point: int, prefix: bytes, form: int) -> None:
        """Write point number ``point`` with ``prefix`` (a name or alias field) in ``form``.

        Raises ValueError for a number beyond ``POINTS_MAX`` or no form.
        """
        if not 0 <= point < POINTS_MAX or not 0 <= form < FORMS_COUNT:
            raise ValueError(f"point {point} in form {form}")
        more = point + 1 - len(self._prefixes)
        self._prefixes.extend([None] * more)
        self._forms.extend([ANY] * more)
        self._prefixes[point] = prefix
        self._forms[point] = form

    def missing(self, points: Sequence[int], start: int) -> int:
        """The place, from ``start`` on, of the first sample whose point has no name yet; -1: none.

        ``points`` is an ``array("I")``.
        """
        for place in range(max(start, 0), len(points)):
            if points[place] >= len(self._prefixes) or self._prefixes[points[place]] is None:
                return place
        return -1

    def write(
        self,
        points: Sequence[int],
        kinds: Sequence[int],
        values: Sequence[float],
        times_ms: Sequence[int],
        texts: Mapping[int, str],
        start: int,
        historical: bool,  # noqa: FBT001 - by place, for speed
        count_max: int,
        bytes_max: int,
    ) -> tuple[bytes, int]:
        """Samples from place ``start`` on as ``metrics`` fields of a payload; returns how many, too.

        At most ``count_max`` samples and ``bytes_max`` bytes (but one sample at least), and time never
        goes back.  Columns: ``array`` of ``I``, ``B``, ``d`` and ``q``; ``texts`` by place.
        Raises ValueError where the columns differ in length, KeyError for a point without a name.
        """
        count = len(points)
        if not count == len(kinds) == len(values) == len(times_ms):
            raise ValueError("columns differ in length")
        if not 0 <= start <= count:
            raise ValueError(f"place {start} of {count}")
        parts: list[bytes] = []
        size = 0
        for place in range(start, count):
            if len(parts) == count_max or (parts and times_ms[place] < times_ms[place - 1]):
                break
            if self.missing(points[place : place + 1], 0) == 0:
                raise KeyError(points[place])
            metric = self._metric(
                points[place], kinds[place], values[place], times_ms[place], texts.get(place, ""), historical
            )
            if parts and size + len(metric) > bytes_max:
                break
            parts.append(metric)
            size += len(metric)
        return b"".join(parts), len(parts)

    def _metric(
        self,
        point: int,
        kind: int,
        value: float,
        time_ms: int,
        text: str,
        historical: bool,  # noqa: FBT001 - by place, for speed
    ) -> bytes:
        form = self._forms[point]
        written = _value(kind & 15, value, text, _AS_IT_IS.get(kind & 15, ANY) if form == ANY else form)
        quality = _QUALITIES.get(kind >> 4, _BAD)
        if written is None and not quality:
            quality = _BAD
        body = b"".join(
            (
                self._prefixes[point] or b"",
                b"\x18" + _varint(max(0, time_ms)),
                _HISTORICAL if historical else b"",
                _NULL if written is None else b"",
                quality,
                written or b"",
            )
        )
        return b"\x12" + _varint(len(body)) + body


def _value(kind: int, value: float, text: str, form: int) -> bytes | None:
    """The value's field; None where a metric of this form cannot carry it."""
    if form == STRING:
        told = _string(kind, value, text)
        return None if told is None else _text_field(told)
    number = _number(kind, value, text)
    if number is None:
        return None
    if form == BOOLEAN:
        return b"\x70\x01" if number else b"\x70\x00"
    if form == WHOLE:
        return b"\x58" + _varint(int(number) & _UINT64_MAX)
    try:
        return b"\x69" + struct.pack("<d", float(number))
    except OverflowError:
        return None


def _text_field(text: str) -> bytes:
    encoded = text[:TEXT_MAX_CHARS].encode("utf-8", "replace")
    return b"\x7a" + _varint(len(encoded)) + encoded


def _string(kind: int, value: float, text: str) -> str | None:
    if kind == _FLOAT:
        return repr(value)
    if kind == _INT:
        return str(int(value)) if math.isfinite(value) else None
    if kind == _BOOL:
        return "True" if value != 0.0 else "False"
    return text if kind in {_TEXT, _BIG} else None


def _number(kind: int, value: float, text: str) -> float | int | None:
    if kind == _BIG:
        try:
            return int(text)
        except ValueError:
            return None
    if kind == _BOOL:
        return 1.0 if value != 0.0 else 0.0
    return value if kind in {_FLOAT, _INT} and math.isfinite(value) else None


def _varint(number: int) -> bytes:
    encoded = bytearray()
    put_varint(encoded, number)
    return bytes(encoded)
