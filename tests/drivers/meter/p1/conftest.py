"""What P1 meters send, for tests: written from the companion standards, not from the decoder."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY = bytes.fromhex("4475D2230289243A4AE7732E2396C572")
PUBLIC = bytes.fromhex("00112233445566778899AABBCCDDEEFF")


def crc(text: bytes) -> int:
    value = 0
    for byte in text:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


def telegram(*lines: str, head: str = r"/ISK5\2M550T-1012", has_crc: bool = True) -> bytes:
    text = "\r\n".join([head, "", *lines, "!"]).encode()
    return text + (b"%04X" % crc(text) if has_crc else b"") + b"\r\n"


def sealed(
    text: bytes,
    counter: int = 1,
    key: bytes = KEY,
    authentication_key: bytes = PUBLIC,
    title: bytes = b"SAGgp\x00\x11\x22",
) -> bytes:
    number = counter.to_bytes(4, "big")
    whole = AESGCM(key).encrypt(title + number, text, b"\x30" + authentication_key)
    inside = b"\x30" + number + whole[:-4]  # the tag is cut to 12 of 16 bytes
    return b"\xdb\x08" + title + b"\x82" + len(inside).to_bytes(2, "big") + inside


DUTCH = (
    "1-3:0.2.8(50)",
    "0-0:1.0.0(260426223325S)",
    "0-0:96.1.1(4530303434303037333832323436303139)",
    "1-0:1.8.1(002130.115*kWh)",
    "1-0:1.8.2(000245.467*kWh)",
    "1-0:2.8.1(000010.001*kWh)",
    "1-0:2.8.2(000020.002*kWh)",
    "0-0:96.14.0(0001)",
    "1-0:1.7.0(00.111*kW)",
    "1-0:2.7.0(00.000*kW)",
    "0-0:96.7.21(00005)",
    "1-0:99.97.0(1)(0-0:96.7.19)(190326095015W)(0000002014*s)",
    "0-0:96.13.0()",
    "1-0:32.7.0(229.9*V)",
    "1-0:31.7.0(001*A)",
    "0-1:24.1.0(003)",
    "0-1:96.1.0(4730303339303031393336393930363139)",
    "0-1:24.2.1(260426223001S)(00246.138*m3)",
    "0-2:24.1.0(007)",
    "0-2:96.1.0(3853414731323334353637383930)",
    "0-2:24.2.1(260426220000S)(00872.234*m3)",
)
OLD = (
    "0-0:96.1.1(4B384547303034303436333935353037)",
    "1-0:1.8.1(12345.678*kWh)",
    "0-0:96.14.0(0002)",
    "1-0:1.7.0(001.19*kW)",
    "0-0:17.0.0(016*A)",
    "0-1:24.1.0(03)",
    "0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)",
    "(00001.001)",
    "0-1:24.4.0(1)",
)
