"""Parse unsigned data of hosts: JSON objects, STATE, watermark; encode variable-length integers (pure)."""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from quartier.site.samples import StreamPosition


def encode_varint(number: int) -> bytes:
    """Encode a number of 0 or more: seven bits per byte, lowest first, top bit set in all but the last.

    Source: Protocol Buffers, Encoding, "Base 128 Varints"; MQTT 5.0, 1.5.5, up to 2**28 - 1.
    """
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


_STATE_MAX_BYTES = 4 * 1024
_WATERMARK_MAX_BYTES = 256 * 1024
_STREAMS_MAX = 4_096
_UINT64_MAX = 2**64 - 1
_LATE_MAX_S = 1e9


def parse_json(data: bytes, size_max_bytes: int) -> dict[str, Any] | None:
    """Return a JSON object with finite numbers; None for anything else.

    Refuses NaN, infinities and duplicate keys.
    """
    if len(data) > size_max_bytes:
        return None
    try:
        found = json.loads(
            data.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_parse_finite,
            object_pairs_hook=_make_unique_dict,
        )
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def _make_unique_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is listed twice")
    return found


def parse_whole_number(value: object) -> int | None:
    """Return a whole number of 0..2**64-1; None for anything else, true and false included."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _UINT64_MAX else None


def parse_state(data: bytes) -> tuple[bool, int] | None:
    """Return a host's STATE: online, and its timestamp in Unix milliseconds; None if malformed."""
    found = parse_json(data, _STATE_MAX_BYTES)
    if found is None or not isinstance(found.get("online"), bool):
        return None
    timestamp_ms = parse_whole_number(found.get("timestamp"))
    return None if timestamp_ms is None else (found["online"], timestamp_ms)


class Watermark(NamedTuple):
    """The bdSeq that the district sees, the stored mark per stream, and the delay of live data there."""

    bdseq: int | None
    streams: Mapping[str, StreamPosition]
    late_s: float | None


def parse_watermark(data: bytes) -> Watermark | None:
    """Return a watermark; None if malformed."""
    found = parse_json(data, _WATERMARK_MAX_BYTES)
    if found is None:
        return None
    streams = found.get("streams")
    if not isinstance(streams, dict) or len(streams) > _STREAMS_MAX:
        return None
    marks = {}
    for stream, mark in streams.items():
        if not isinstance(mark, dict):
            return None
        boot, seq = parse_whole_number(mark.get("boot")), parse_whole_number(mark.get("seq"))
        if boot is None or seq is None:
            return None
        marks[stream] = StreamPosition(boot, seq)
    return Watermark(parse_whole_number(found.get("bdseq")), marks, _parse_late_s(found.get("late_s")))


def _parse_late_s(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _LATE_MAX_S else None


def load_marks(kept: object) -> dict[str, StreamPosition]:
    """Load the marks of an earlier run; ignore invalid entries."""
    marks = {}
    for stream, pair in kept.items() if isinstance(kept, dict) else ():
        match pair:
            case [int(boot), int(seq)]:
                marks[str(stream)] = StreamPosition(boot, seq)
            case _:
                continue
    return marks


def load_key_times(kept: object) -> dict[str, int]:
    """Return when keys were used in an earlier run, Unix milliseconds by ``kid``."""
    found = kept.items() if isinstance(kept, dict) else ()
    return {str(kid): at_ms for kid, at_ms in found if isinstance(at_ms, int)}
