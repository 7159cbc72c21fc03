"""Encrypted P1: a telegram inside a general-glo-ciphering frame.

Source: Luxmetering P1 specification 1.1.3 section 3.2.5: DB, length and system title, 82 and two bytes
of length, security control 30, invocation counter, ciphertext, tag of 12 bytes.  Austrian T210-D
meters do the same.
"""

import struct

from quartier_hil.devices.meters import cipher
from quartier_hil.devices.meters.cipher import Keys
from quartier_hil.devices.meters.speech import Telegram, whole

TITLE = b"SAG\x67\x08\x00\x12\x34"


def seal(telegram: Telegram, keys: Keys, counter: int, title: bytes = TITLE) -> Telegram:
    """``telegram`` as it comes out of an encrypting meter; ``counter`` must rise with each."""
    content = cipher.content(keys, title, counter, telegram.data, cipher.AUTHENTICATED | cipher.ENCRYPTED)
    header = b"\xdb" + bytes([len(title)]) + title + b"\x82" + struct.pack(">H", len(content))
    return whole(header + content, telegram.statements, telegram.meter)
