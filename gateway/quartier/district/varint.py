"""Whole numbers in as few bytes as they need, as protobuf and MQTT write them (pure)."""


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first, the top bit set in all but the last; 0 or more.

    Source: Protocol Buffers, Encoding, "Base 128 Varints"; MQTT 5.0, 1.5.5, up to 2**28 - 1.
    """
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
