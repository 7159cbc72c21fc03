"""A record as pcapng or text.

    # quartier record 1
    # bus: tic0
    2026-11-28T13:45:17.123456789Z 8417.123456789 < 0a41445343 |.ADSC|
    2026-11-28T13:45:18.000000000Z 8418.000000000 = closed /dev/ttyUSB0

Columns are UTC, the monotonic clock in s, and ``<`` for received bytes, ``>`` for sent bytes, ``=`` for
events of the wire; then the bytes in hex, at most 32 per line, and as ASCII without parity bits. Bytes that
were read together have the same times. Lines that begin with ``#`` describe the whole record.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from quartier.commissioning.wire_record import packets
from quartier.commissioning.wire_record.packets import (
    LINK_ETHERNET,
    LINK_UPPER_PDU,
    CapturedPacket,
    TcpConnection,
    parse_endpoint,
)
from quartier.commissioning.wire_record.wire_record import WireRecord
from quartier_drivers.protocol import Capture
from quartier_drivers.registry import load_bus_protocol
from quartier_drivers.transport.frame_recorder import RecordedFrame


def find_file_suffix(taken: WireRecord) -> str:
    """Return ``.pcapng`` if a common analyser knows the protocol, else ``.txt``."""
    return ".txt" if find_link_type(taken) is None else ".pcapng"


def make_file(taken: WireRecord) -> bytes:
    """Return the complete file."""
    link_type = find_link_type(taken)
    if link_type is None:
        return make_text_file(taken, describe_record(taken))
    return packets.make_pcapng(link_type, taken.bus, describe_record(taken), list_packets(taken))


def describe_record(taken: WireRecord) -> str:
    """Return the description of the record in its file."""
    lines = [
        f"bus: {taken.bus}",
        f"kind: {taken.kind}{' ' * bool(taken.framing)}{taken.framing}",
        *([] if taken.is_masked else [f"where: {taken.where}"]),
        f"monotonic {taken.ns / 1e9:.3f} s was {format_utc(taken.utc_ms * 1_000_000)}",
    ]
    if taken.is_masked:
        lines.append("anonymised: identifiers and addresses are not the true ones")
    if find_link_type(taken) == packets.LINK_ETHERNET:
        lines.append("the heads of the packets were made anew, with the port that the protocol has by rule")
    capture = find_capture(taken)
    if capture is not None and capture.note:
        lines.append(capture.note)
    return "\n".join(lines)


def make_file_name(taken: WireRecord, event_utc_ms: int | None = None) -> str:
    """Return a name like ``lan-20261128T134517Z.pcapng``, by the time of the event.

    Without an event it is the time of the oldest recent frame: the opening of the wire may be long ago.
    """
    utc_ms = taken.utc_ms if event_utc_ms is None else event_utc_ms
    recent = taken.recent if event_utc_ms is None else ()
    utc_ns = taken.utc_ns(recent[0]) if recent else utc_ms * 1_000_000
    when = format_utc(utc_ns).partition(".")[0].replace("-", "").replace(":", "")
    return f"{taken.bus}-{when}Z{find_file_suffix(taken)}"


TEXT_VERSION = "# quartier record 1"
_ROW_BYTES = 32
_DIRECTION_SIGNS = {"in": "<", "out": ">"}


def make_text_file(taken: WireRecord, about: str) -> bytes:
    """Return the complete text file; ``about`` comes first, each of its lines as ``# …``."""
    heads = [TEXT_VERSION, *(f"# {line}" for line in about.splitlines())]
    rows = [row for frame in taken.frames for row in _list_rows(taken, frame)]
    return "".join(f"{line}\n" for line in (*heads, *rows)).encode()


def _list_rows(taken: WireRecord, frame: RecordedFrame) -> Iterator[str]:
    when = f"{format_utc(taken.utc_ns(frame))} {frame.ns // 10**9}.{frame.ns % 10**9:09d}"
    sign = _DIRECTION_SIGNS.get(frame.way)
    if sign is None:
        text = " ".join(filter(None, (frame.way, frame.words, frame.here, frame.there)))
        yield f"{when} = {text}"
        return
    for start in range(0, len(frame.data), _ROW_BYTES):
        piece = frame.data[start : start + _ROW_BYTES]
        yield f"{when} {sign} {piece.hex()} |{_show_ascii(piece)}|"


def format_utc(utc_ns: int) -> str:
    """Return a time like ``2026-11-28T13:45:17.123456789Z``."""
    seconds, ns = divmod(utc_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"


def _show_ascii(data: bytes) -> str:
    return "".join(chr(byte & 0x7F) if 0x20 <= byte & 0x7F < 0x7F else "." for byte in data)


# Bytes received this long after the last byte are not part of the same frame.
_JOIN_MAX_NS = 500_000_000


def find_capture(taken: WireRecord) -> Capture | None:
    """Return how its protocol is written for an analyser; None: as text, for no analyser knows it."""
    return load_bus_protocol(taken.kind).find_capture(taken.kind, taken.framing)


def find_link_type(taken: WireRecord) -> int | None:
    """Return the link type of its packets; None: no analyser knows the protocol, it is written as text."""
    capture = find_capture(taken)
    if capture is None:
        return None
    return LINK_UPPER_PDU if capture.form == "frames" else LINK_ETHERNET


def list_packets(taken: WireRecord) -> Iterator[CapturedPacket]:
    """Yield its packets; none if it has no link type."""
    capture = find_capture(taken)
    if capture is None:
        return
    if capture.form == "frames":
        yield from _list_serial_packets(taken, capture)
    elif capture.form == "datagrams":
        yield from _list_datagram_packets(taken, capture.port)
    else:
        yield from _list_connection_packets(taken, capture.port)


def _list_connection_packets(taken: WireRecord, port: int) -> Iterator[CapturedPacket]:
    link = TcpConnection(parse_endpoint(""), (parse_endpoint("")[0], port))
    for frame in taken.frames:
        note = _describe_frame(frame)
        if frame.way == "opened":
            there = parse_endpoint(frame.there)
            link = TcpConnection(parse_endpoint(frame.here), (there[0], port))
            note = f"{note}; {frame.here} to {frame.there}"
            made = link.open()
        elif frame.way in ("in", "out"):
            made = [(frame.way == "in", link.carry(frame.data, from_there=frame.way == "in"))]
        else:
            is_theirs = frame.way == "ended"
            is_hard = is_theirs and "closed by the other end" not in frame.words
            made = [(is_theirs, link.end(from_there=is_theirs, is_hard=is_hard))]
        for is_inbound, data in made:
            yield CapturedPacket(taken.utc_ns(frame), data, is_inbound, note)


def _list_datagram_packets(taken: WireRecord, port: int) -> Iterator[CapturedPacket]:
    here = parse_endpoint("")[0]
    for frame in taken.frames:
        if frame.way == "opened":
            here = parse_endpoint(frame.here)[0]
        elif frame.way in ("in", "out"):
            is_inbound = frame.way == "in"
            place = parse_endpoint(frame.there)[0], port
            data = packets.make_datagram((here, port), place, frame.data, from_there=is_inbound)
            yield CapturedPacket(
                taken.utc_ns(frame), data, is_inbound, f"{_describe_frame(frame)}; {frame.there}"
            )


def _list_serial_packets(taken: WireRecord, capture: Capture) -> Iterator[CapturedPacket]:
    for frame in join_frames(taken.frames, capture.is_whole):
        if frame.data:
            pdu = packets.make_upper_pdu(capture.dissector, frame.data)
            yield CapturedPacket(taken.utc_ns(frame), pdu, frame.way == "in", _describe_frame(frame))


def join_frames(
    frames: Iterable[RecordedFrame], is_whole: Callable[[bytes], bool]
) -> Iterator[RecordedFrame]:
    """Yield the frames of a serial line joined from pieces: once they are whole, or no more bytes came."""
    held: RecordedFrame | None = None
    for frame in frames:
        is_part = frame.way == "in" and held is not None and frame.ns - held.ns < _JOIN_MAX_NS
        if held is not None and not is_part:
            yield held
            held = None
        if frame.way != "in":
            yield frame
            continue
        held = frame if held is None else replace(held, data=held.data + frame.data)
        if is_whole(held.data):
            yield held
            held = None
    if held is not None:
        yield held


def _describe_frame(frame: RecordedFrame) -> str:
    moment = f"monotonic {frame.ns // 10**9}.{frame.ns % 10**9:09d} s"
    return f"{moment}; {frame.words}" if frame.words else moment
