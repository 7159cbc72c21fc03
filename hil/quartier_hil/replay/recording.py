"""Read records of a bus: pcapng (draft-ietf-opsawg-pcapng) of Modbus, and the text form of meter lines."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Direction = Literal["in", "out", "ended"]
"""As the recorder saw it: from the device, to the device, ended by the device."""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One thing at ``ns``, counted from any moment."""

    ns: int
    way: Direction
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Recording:
    """``protocol`` is ``modbus-tcp``, ``modbus-rtu`` or, of anything else, ``serial``."""

    protocol: Literal["modbus-tcp", "modbus-rtu", "serial"]
    events: tuple[RecordedEvent, ...]

    @property
    def is_asked(self) -> bool:
        """Return whether the device spoke when it was asked, not by itself."""
        return any(event.way == "out" for event in self.events)


class UnreadableRecordError(ValueError):
    """A file that is no record that can be served, with what is wrong."""


_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_LITTLE = bytes.fromhex("4d3c2b1a")
_ETHERNET, _UPPER_PDU = 1, 252
_FLAGS, _RESOLUTION = 2, 9
_INBOUND, _OUTBOUND = 1, 2
_TCP, _FIN, _RST = 6, 1, 4
_MODBUS_PORT = 502
_TEXT = "# quartier record 1"
_DIRECTIONS = {"<": "in", ">": "out"}

Block = tuple[int, bytes]


def read_recording(path: Path) -> Recording:
    """Raises Unreadable, saying what is wrong, and OSError."""
    try:
        return _parse_recording(path, path.read_bytes())
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise UnreadableRecordError(
            f"{path} is torn, or was not written by quartier record: {error}"
        ) from error


def _parse_recording(path: Path, content: bytes) -> Recording:
    if content.startswith(struct.pack("<I", _SECTION)):
        return _parse_packets(content)
    if content.startswith(_TEXT.encode()):
        return Recording("serial", tuple(_parse_lines(content.decode())))
    raise UnreadableRecordError(f"{path} is no record: neither pcapng nor {_TEXT!r}")


def _parse_packets(content: bytes) -> Recording:
    link_type, events = None, []
    unit_ns = 1000
    for kind, body in _parse_blocks(content):
        if kind == _INTERFACE:
            link_type = struct.unpack_from("<H", body)[0]
            if link_type not in (_ETHERNET, _UPPER_PDU):
                raise UnreadableRecordError(
                    f"link type {link_type} is not served; expected {_ETHERNET} or {_UPPER_PDU}"
                )
            power = dict(_parse_options(body[8:])).get(_RESOLUTION, b"\x06")[0]
            unit_ns = 10 ** max(0, 9 - power)
        elif kind == _PACKET:
            high, low, size = struct.unpack_from("<III", body, 4)
            frame, options = body[20 : 20 + size], dict(_parse_options(body[20 + size + -size % 4 :]))
            flags = struct.unpack("<I", options.get(_FLAGS, bytes(4)))[0] & 3
            if flags not in (_INBOUND, _OUTBOUND):
                raise UnreadableRecordError(
                    "a packet has no direction in its flags: not written by quartier record"
                )
            ns = (high << 32 | low) * unit_ns
            events += _parse_event(link_type, ns, frame, is_inbound=flags == _INBOUND)
    return Recording("modbus-tcp" if link_type == _ETHERNET else "modbus-rtu", tuple(events))


def _parse_blocks(content: bytes) -> Iterator[Block]:
    if content[8:12] != _LITTLE:
        raise UnreadableRecordError("a pcapng of the other byte order: not written by quartier record")
    start = 0
    while start < len(content):
        kind, size = struct.unpack_from("<II", content, start)
        if size < 12 or start + size > len(content):
            raise UnreadableRecordError(f"the pcapng is torn at byte {start}")
        yield kind, content[start + 8 : start + size - 4]
        start += size


def _parse_options(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        code, size = struct.unpack_from("<HH", data)
        if code == 0:
            return
        yield code, data[4 : 4 + size]
        data = data[4 + size + -size % 4 :]


def _parse_event(link_type: int | None, ns: int, frame: bytes, *, is_inbound: bool) -> list[RecordedEvent]:
    if link_type == _UPPER_PDU:
        return [RecordedEvent(ns, "in" if is_inbound else "out", _skip_tags(frame))]
    segment = _parse_segment(frame)
    data, flags = segment[(segment[12] >> 4) * 4 :], segment[13]
    if data:
        return [RecordedEvent(ns, "in" if is_inbound else "out", data)]
    return [RecordedEvent(ns, "ended")] if is_inbound and flags & (_FIN | _RST) else []


def _parse_segment(frame: bytes) -> bytes:
    """The TCP segment of a frame; raises Unreadable for what is no Modbus TCP."""
    if frame[12:14] == b"\x08\x00":
        protocol, rest = frame[23], frame[14 + (frame[14] & 0xF) * 4 :]
    else:
        protocol, rest = frame[20], frame[54:]
    if protocol != _TCP or _MODBUS_PORT not in struct.unpack_from(">HH", rest):
        raise UnreadableRecordError(
            "only records of Modbus and of lines of meters can be served; this is another"
        )
    return rest


def _skip_tags(frame: bytes) -> bytes:
    """Return the bytes after the tags of a ``wireshark-upper-pdu``."""
    while True:
        tag, size = struct.unpack_from(">HH", frame)
        frame = frame[4 + size :]
        if tag == 0:
            return frame


def _parse_lines(text: str) -> Iterator[RecordedEvent]:
    """Lines with the same times and direction were one piece."""
    held: RecordedEvent | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or not line:
            continue
        event = _parse_line(number, line)
        if held is not None and event is not None and (held.ns, held.way) == (event.ns, event.way):
            held = RecordedEvent(held.ns, held.way, held.data + event.data)
            continue
        if held is not None:
            yield held
        held = event
    if held is not None:
        yield held


def _parse_line(number: int, line: str) -> RecordedEvent | None:
    try:
        _, monotonic, sign, what = line.split(" ", 3)
        seconds, _, fraction = monotonic.partition(".")
        ns = int(seconds) * 10**9 + int(fraction)
        if sign == "=":
            return RecordedEvent(ns, "ended") if what.startswith("ended") else None
        data = bytes.fromhex(what.split(" ", 1)[0])
        return RecordedEvent(ns, "in" if _DIRECTIONS[sign] == "in" else "out", data)
    except (ValueError, KeyError) as error:
        raise UnreadableRecordError(f"line {number} is none of a record: {line[:60]!r}") from error
