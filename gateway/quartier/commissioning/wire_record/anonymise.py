"""Mask all identifiers of a record."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from quartier.commissioning.wire_record.identifiers import IdentifierMasks
from quartier.commissioning.wire_record.record_file import find_capture, join_frames
from quartier.commissioning.wire_record.wire_record import WireRecord
from quartier_drivers.registry import load_bus_protocol
from quartier_drivers.transport.frame_recorder import RecordedFrame

if TYPE_CHECKING:
    from quartier_drivers.protocol import Protocol


def anonymise_record(taken: WireRecord) -> WireRecord:
    """Return the record with other identifiers of the same lengths. Raises EncryptedError."""
    protocol, capture = load_bus_protocol(taken.kind), find_capture(taken)
    names = IdentifierMasks()
    names.learn(taken.secrets)
    for way in ("in", "out"):
        names.learn(protocol.find_identifiers(b"".join(_list_bytes(taken.frames, way))))
    frames = _mask_ends(taken, protocol, names)
    if capture is not None and capture.form == "frames":
        frames = [_mask_frame(protocol, one, names) for one in join_frames(frames, capture.is_whole)]
    elif protocol.is_stream:
        frames = _mask_streams(protocol, frames, names)
    else:
        frames = [replace(frame, data=names.mask_bytes(frame.data)) for frame in frames]
    if capture is not None and capture.form == "datagrams":
        frames = [replace(frame, data=names.mask_addresses(frame.data)) for frame in frames]
    return replace(taken, frames=tuple(frames), where="", secrets=(), is_masked=True)


def _list_bytes(frames: Sequence[RecordedFrame], way: str) -> list[bytes]:
    return [frame.data for frame in frames if frame.way == way]


def _mask_ends(taken: WireRecord, protocol: "Protocol", names: IdentifierMasks) -> list[RecordedFrame]:
    made = []
    for frame in taken.frames:
        if carried := protocol.find_carried_address(frame.data):
            names.address(carried)
        here, there = names.address(frame.here), names.address(frame.there)
        words = frame.words.replace(taken.where, "the line") if taken.where else frame.words
        made.append(replace(frame, here=here, there=there, words=names.mask_text(words)))
    return made


def _mask_frame(protocol: "Protocol", frame: RecordedFrame, names: IdentifierMasks) -> RecordedFrame:
    after = bytearray(names.mask_bytes(frame.data))
    protocol.repair_checksums(frame.data, after)
    return replace(frame, data=bytes(after))


def _mask_streams(
    protocol: "Protocol", frames: list[RecordedFrame], names: IdentifierMasks
) -> list[RecordedFrame]:
    """Mask incoming and outgoing bytes as one stream each: an identifier may span two pieces."""
    masked = {way: _mask_stream(protocol, b"".join(_list_bytes(frames, way)), names) for way in ("in", "out")}
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


def _mask_stream(protocol: "Protocol", data: bytes, names: IdentifierMasks) -> bytes:
    if not protocol.has_seven_bits:
        after = bytearray(names.mask_bytes(data))
        protocol.repair_checksums(data, after)
        return bytes(after)
    before = bytes(byte & 0x7F for byte in data)
    after = bytearray(names.mask_bytes(before))
    protocol.repair_checksums(before, after)
    has_parity = any(byte & 0x80 for byte in data)
    return bytes(
        old if was == now else now | (now.bit_count() & 1) << 7 if has_parity else now
        for old, was, now in zip(data, before, after, strict=True)
    )
