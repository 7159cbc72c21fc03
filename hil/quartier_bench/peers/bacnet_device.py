"""A BACnet device of little cost: it answers ReadProperty and ReadPropertyMultiple and remembers its
answers.

``bacnet_device.py PORT`` on 127.0.0.1; it prints ``ready`` once it listens, and ends with its stdin.
Analog
inputs of any instance have a present value, status flags and degrees Celsius; all else is unknown.
Source: ASHRAE
135-2020, clauses 15.5, 15.7, 20 and 21; it shares nothing with what it measures.
"""

import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator

INSTANCE = 7
_READ_PROPERTY, _READ_PROPERTY_MULTIPLE = 12, 14
_DEVICE_TYPE = 8
_UNKNOWN_PROPERTY = b"\x91\x02\x91\x20"
# Of the device object: identifier, largest APDU, services (ReadProperty, ReadPropertyMultiple), name.
_DEVICE_PROPERTIES = {
    75: b"\xc4" + (_DEVICE_TYPE << 22 | INSTANCE).to_bytes(4, "big"),
    62: b"\x22\x05\xc4",
    97: b"\x85\x06\x00\x00\x0a\x00\x00\x00",
    107: b"\x91\x03",
    77: b"\x75\x06\x00bench",
}


def encode_value(object_id: int, property_id: int) -> bytes | None:
    """Return the encoded value of the property; None if there is none."""
    kind, instance = object_id >> 22, object_id & 0x3FFFFF
    if kind == _DEVICE_TYPE:
        return _DEVICE_PROPERTIES.get(property_id)
    if property_id == 85:
        return b"\x44" + struct.pack(">f", 20.0 + instance / 8)
    return {111: b"\x82\x04\x00", 117: b"\x91\x3e"}.get(property_id)


def parse_requests(data: bytes) -> Iterator[tuple[int, int]]:
    """Object and property of each that ReadPropertyMultiple asks for, numbers below 256, without an index."""
    at, object_id = 0, 0
    while at < len(data):
        head = data[at]
        if head == 0x0C:
            object_id, at = int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
        elif head == 0x09:
            yield object_id, data[at + 1]
            at += 2
        else:
            at += 1


def encode_multiple_ack(data: bytes) -> bytes:
    """A ReadPropertyMultiple-ACK."""
    ack, before = b"", -1
    for object_id, property_id in parse_requests(data):
        if object_id != before:
            ack += (b"\x1f" if before >= 0 else b"") + b"\x0c" + object_id.to_bytes(4, "big") + b"\x1e"
            before = object_id
        found = encode_value(object_id, property_id)
        ack += b"\x29" + bytes((property_id,))
        ack += b"\x5e" + _UNKNOWN_PROPERTY + b"\x5f" if found is None else b"\x4e" + found + b"\x4f"
    return ack + b"\x1f"


def encode_answer(apdu: bytes) -> bytes:
    """The APDU behind its invoke ID, for one from its service choice on."""
    service, data = apdu[0], apdu[1:]
    if service == _READ_PROPERTY_MULTIPLE:
        return b"\x0e" + encode_multiple_ack(data)
    if service == _READ_PROPERTY:
        found = encode_value(int.from_bytes(data[1:5], "big"), data[6])
        if data[1:5] == b"\x02\x3f\xff\xff":  # the instance that every device takes for its own
            data = b"\x0c" + (_DEVICE_TYPE << 22 | INSTANCE).to_bytes(4, "big") + data[5:]
        return (
            b"\x0c" + _UNKNOWN_PROPERTY if found is None else b"\x0c" + data[:7] + b"\x3e" + found + b"\x3f"
        )
    return b""


def main() -> None:
    """Answer until stdin ends."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    known: dict[bytes, tuple[bytes, bytes]] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", int(sys.argv[1])))
        sys.stdout.write(f"ready {one.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            data, host = one.recvfrom(2048)
            parts = known.get(data[9:])
            if parts is None:
                parts = known[data[9:]] = split_datagram(data[9:])
            one.sendto(parts[0] + data[8:9] + parts[1], host)


def split_datagram(apdu: bytes) -> tuple[bytes, bytes]:
    """Return the bytes of the answer's datagram before and after the invoke ID; an error has another type."""
    data = encode_answer(apdu) or b"\x09"
    kind = 0x60 if len(data) == 1 else 0x50 if data[1:] == _UNKNOWN_PROPERTY else 0x30
    size = 4 + 2 + 2 + len(data)
    return b"\x81\x0a" + size.to_bytes(2, "big") + b"\x01\x00" + bytes((kind,)), data


if __name__ == "__main__":
    main()
