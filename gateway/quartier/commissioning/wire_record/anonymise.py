"""Mask all identifiers of a record."""

from collections.abc import Sequence
from dataclasses import replace

from quartier.commissioning.wire_record import checksums
from quartier.commissioning.wire_record.identifiers import SEVEN_BITS, IdentifierMasks, find_identifiers
from quartier.commissioning.wire_record.record_file import is_serial_modbus, join_frames
from quartier.commissioning.wire_record.wire_record import WireRecord
from quartier_drivers.registry import METER_PROTOCOLS
from quartier_drivers.transport.frame_recorder import RecordedFrame

_FORWARDED_NPDU = bytes.fromhex("8104")


def anonymise_record(taken: WireRecord) -> WireRecord:
    """Return the record with other identifiers of the same lengths. Raises EncryptedError."""
    names = IdentifierMasks()
    names.learn(taken.secrets)
    for way in ("in", "out"):
        names.learn(find_identifiers(taken.kind, b"".join(_list_bytes(taken.frames, way))))
    frames = _mask_addresses(taken, names)
    if is_serial_modbus(taken):
        frames = [_mask_rtu_frame(frame, names) for frame in join_frames(frames)]
    elif taken.kind in METER_PROTOCOLS:
        frames = _mask_streams(taken.kind, frames, names)
    else:
        frames = [replace(frame, data=names.mask_bytes(frame.data)) for frame in frames]
    if taken.kind == "bacnet-ip":
        frames = [replace(frame, data=names.mask_addresses(frame.data)) for frame in frames]
    return replace(taken, frames=tuple(frames), where="", secrets=(), is_masked=True)


def _list_bytes(frames: Sequence[RecordedFrame], way: str) -> list[bytes]:
    return [frame.data for frame in frames if frame.way == way]


def _mask_addresses(taken: WireRecord, names: IdentifierMasks) -> list[RecordedFrame]:
    made = []
    for frame in taken.frames:
        if taken.kind == "bacnet-ip" and frame.data.startswith(_FORWARDED_NPDU):
            names.address(_read_forwarded_address(frame.data))
        here, there = names.address(frame.here), names.address(frame.there)
        words = frame.words.replace(taken.where, "the line") if taken.where else frame.words
        made.append(replace(frame, here=here, there=there, words=names.mask_text(words)))
    return made


def _read_forwarded_address(data: bytes) -> str:
    """Return the address of the device for which a BBMD forwards (ASHRAE 135 annex J.2.5)."""
    return f"{'.'.join(map(str, data[4:8]))}:{int.from_bytes(data[8:10], 'big')}"


def _mask_rtu_frame(frame: RecordedFrame, names: IdentifierMasks) -> RecordedFrame:
    return replace(frame, data=checksums.repair_rtu_frame(frame.data, names.mask_bytes(frame.data)))


def _mask_streams(kind: str, frames: list[RecordedFrame], names: IdentifierMasks) -> list[RecordedFrame]:
    """Mask incoming and outgoing bytes as one stream each: an identifier may span two pieces."""
    masked = {way: _mask_stream(kind, b"".join(_list_bytes(frames, way)), names) for way in ("in", "out")}
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


def _mask_stream(kind: str, data: bytes, names: IdentifierMasks) -> bytes:
    if kind not in SEVEN_BITS:
        after = bytearray(names.mask_bytes(data))
        checksums.repair_checksums(kind, data, after)
        return bytes(after)
    before = bytes(byte & 0x7F for byte in data)
    after = bytearray(names.mask_bytes(before))
    checksums.repair_checksums(kind, before, after)
    has_parity = any(byte & 0x80 for byte in data)
    return bytes(
        old if was == now else now | (now.bit_count() & 1) << 7 if has_parity else now
        for old, was, now in zip(data, before, after, strict=True)
    )
