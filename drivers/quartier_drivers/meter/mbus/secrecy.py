"""Opens encrypted M-Bus telegrams: security mode 5, AES-128-CBC (EN 13757-7:2018, 7.6; OMS profile A)."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from quartier_drivers.meter.mbus.header import Header

_BLOCK, _KEY = 16, 16
_CHECK = b"\x2f\x2f"


def opened(body: bytes, header: Header, key: bytes) -> bytes | None:
    """Return the records in ``body``, or None without the right key or for another mode.

    The configuration gives the number of encrypted blocks of 16 bytes; what follows them is plain.  The two
    idle fillers at the beginning show whether the key is right.
    """
    blocks = header.configuration >> 4 & 0x0F
    if len(key) != _KEY or header.mode != 5 or not header.identity:
        return None
    size = blocks * _BLOCK
    if not blocks or size > len(body):
        return None
    vector = _vector(header)
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    plain = decryptor.update(body[:size]) + decryptor.finalize()
    return plain + body[size:] if plain.startswith(_CHECK) else None


def _vector(header: Header) -> bytes:
    """Return maker, number, version, medium as they are sent, then the access number eight times."""
    identity = header.identity
    address = identity[4:6] + identity[3::-1] + identity[6:8]
    return address + bytes([header.access]) * 8
