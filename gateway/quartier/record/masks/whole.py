"""A whole record without what names somebody: meters, addresses, ports of adapters."""

from collections.abc import Sequence
from dataclasses import replace

from quartier.record.masks import sums
from quartier.record.masks.found import SEVEN_BITS, identifiers
from quartier.record.masks.names import Names
from quartier.record.taken import Taken
from quartier.record.wires import is_serial_modbus, joined
from quartier_drivers.registry import METERS
from quartier_drivers.tape import Frame

_FORWARDED = bytes.fromhex("8104")


def anonymised(taken: Taken) -> Taken:
    """The same record with other identifiers, of the same lengths.  Raises found.Sealed."""
    names = Names()
    names.learn(taken.secrets)
    for way in ("in", "out"):
        names.learn(identifiers(taken.kind, b"".join(_of(taken.frames, way))))
    frames = _addressed(taken, names)
    if is_serial_modbus(taken):
        frames = [_rtu(frame, names) for frame in joined(frames)]
    elif taken.kind in METERS:
        frames = _streams(taken.kind, frames, names)
    else:
        frames = [replace(frame, data=names.swept(frame.data)) for frame in frames]
    if taken.kind == "bacnet-ip":
        frames = [replace(frame, data=names.swept_of_addresses(frame.data)) for frame in frames]
    return replace(taken, frames=tuple(frames), where="", secrets=(), is_masked=True)


def _of(frames: Sequence[Frame], way: str) -> list[bytes]:
    return [frame.data for frame in frames if frame.way == way]


def _addressed(taken: Taken, names: Names) -> list[Frame]:
    made = []
    for frame in taken.frames:
        if taken.kind == "bacnet-ip" and frame.data.startswith(_FORWARDED):
            names.address(_of_forwarded(frame.data))
        here, there = names.address(frame.here), names.address(frame.there)
        words = frame.words.replace(taken.where, "the line") if taken.where else frame.words
        made.append(replace(frame, here=here, there=there, words=names.words(words)))
    return made


def _of_forwarded(data: bytes) -> str:
    """Who is forwarded by a BBMD (ASHRAE 135 annex J.2.5)."""
    return f"{'.'.join(map(str, data[4:8]))}:{int.from_bytes(data[8:10], 'big')}"


def _rtu(frame: Frame, names: Names) -> Frame:
    return replace(frame, data=sums.frame_rtu(frame.data, names.swept(frame.data)))


def _streams(kind: str, frames: list[Frame], names: Names) -> list[Frame]:
    """What came and what went are each one stream: an identifier may lie across two pieces of it."""
    masked = {way: _stream(kind, b"".join(_of(frames, way)), names) for way in ("in", "out")}
    at = {"in": 0, "out": 0}
    made = []
    for frame in frames:
        if frame.data:
            start = at[frame.way]
            at[frame.way] += len(frame.data)
            made.append(replace(frame, data=masked[frame.way][start : at[frame.way]]))
        else:
            made.append(frame)
    return made


def _stream(kind: str, data: bytes, names: Names) -> bytes:
    if kind not in SEVEN_BITS:
        after = bytearray(names.swept(data))
        sums.mended(kind, data, after)
        return bytes(after)
    before = bytes(byte & 0x7F for byte in data)
    after = bytearray(names.swept(before))
    sums.mended(kind, before, after)
    has_parity = any(byte & 0x80 for byte in data)
    return bytes(
        old if was == now else now | (now.bit_count() & 1) << 7 if has_parity else now
        for old, was, now in zip(data, before, after, strict=True)
    )
