"""The frames of a bus as packets of its protocol, and which buses have such a form."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from quartier.record import packets
from quartier.record.packets import Connection, ends
from quartier.record.pcapng import ETHERNET, UPPER_PDU, Packet
from quartier.record.taken import Taken
from quartier_drivers.tape import Frame
from quartier_native import crc16

MODBUS_PORT, BACNET_PORT, OPCUA_PORT = 502, 47808, 4840
"""Ports by rule (IANA)."""
_OF_TCP = {"modbus-tcp": MODBUS_PORT, "opcua": OPCUA_PORT}
# What is still heard so long after the last byte is no part of the same frame; the longest one is 256 bytes.
_PART_NS = 500_000_000
_RTU_MIN, _RTU_MAX = 4, 256


def link_type(taken: Taken) -> int | None:
    """Which packets it becomes; None: no analyser knows what it speaks, it is written as text."""
    if is_serial_modbus(taken):
        return UPPER_PDU
    return ETHERNET if taken.kind in (*_OF_TCP, "bacnet-ip") else None


def is_serial_modbus(taken: Taken) -> bool:
    """Whether its frames are those of Modbus RTU, on a port or through TCP."""
    return taken.kind == "modbus-rtu" or taken.framing == "rtu"


def packed(taken: Taken) -> Iterator[Packet]:
    """Its packets; only where there is a ``link_type``."""
    if link_type(taken) == UPPER_PDU:
        return _serial(taken)
    return _datagrams(taken) if taken.kind == "bacnet-ip" else _connections(taken)


def _connections(taken: Taken) -> Iterator[Packet]:
    port = _OF_TCP[taken.kind]
    link = Connection(ends(""), (ends("")[0], port))
    for frame in taken.frames:
        note = _note(frame)
        if frame.way == "opened":
            there = ends(frame.there)
            link = Connection(ends(frame.here), (there[0], port))
            note = f"{note}; {frame.here} to {frame.there}"
            made = link.open()
        elif frame.way in ("in", "out"):
            made = [(frame.way == "in", link.carry(frame.data, from_there=frame.way == "in"))]
        else:
            is_theirs = frame.way == "ended"
            is_hard = is_theirs and "closed by the other end" not in frame.words
            made = [(is_theirs, link.end(from_there=is_theirs, is_hard=is_hard))]
        for is_inbound, data in made:
            yield Packet(taken.utc_ns(frame), data, is_inbound, note)


def _datagrams(taken: Taken) -> Iterator[Packet]:
    here = ends("")[0]
    for frame in taken.frames:
        if frame.way == "opened":
            here = ends(frame.here)[0]
        elif frame.way in ("in", "out"):
            is_inbound = frame.way == "in"
            place = ends(frame.there)[0], BACNET_PORT
            data = packets.datagram((here, BACNET_PORT), place, frame.data, from_there=is_inbound)
            yield Packet(taken.utc_ns(frame), data, is_inbound, f"{_note(frame)}; {frame.there}")


def _serial(taken: Taken) -> Iterator[Packet]:
    for frame in joined(taken.frames):
        if frame.data:
            pdu = packets.named("mbrtu", frame.data)
            yield Packet(taken.utc_ns(frame), pdu, frame.way == "in", _note(frame))


def joined(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Frames of Modbus RTU whose bytes came in pieces, whole: once the checksum fits, or no more came."""
    held: Frame | None = None
    for frame in frames:
        is_part = frame.way == "in" and held is not None and frame.ns - held.ns < _PART_NS
        if held is not None and not is_part:
            yield held
            held = None
        if frame.way != "in":
            yield frame
            continue
        held = frame if held is None else replace(held, data=held.data + frame.data)
        if _is_whole(held.data):
            yield held
            held = None
    if held is not None:
        yield held


def _is_whole(data: bytes) -> bool:
    return len(data) > _RTU_MAX or (len(data) >= _RTU_MIN and not crc16(data))


def _note(frame: Frame) -> str:
    moment = f"monotonic {frame.ns // 10**9}.{frame.ns % 10**9:09d} s"
    return f"{moment}; {frame.words}" if frame.words else moment
