"""APDUs of a push: data-notification, and the three ways to cipher it.

Source: IEC 62056-5-3 section 9.5 (data-notification 0F, general-glo-ciphering DB, general-ded-ciphering
DC, general-ciphering DD).
"""

import struct
from typing import Literal

from quartier_hil.devices.meters import cipher
from quartier_hil.devices.meters.cipher import Keys
from quartier_hil.devices.meters.dlms.data import length, octets

_NOTIFICATION = 0x0F
_GENERAL = {"glo": 0xDB, "ded": 0xDC}


def notification(
    body: bytes, *, invoke: int = 0x40000000, moment: bytes = b"", tagged: bool = False
) -> bytes:
    """A data-notification; ``moment`` is its date-time or nothing.

    ``tagged``: the date-time carries the tag of an octet string, as Kaifa sends it.
    """
    when = octets(moment) if tagged else length(len(moment)) + moment
    return bytes([_NOTIFICATION]) + struct.pack(">I", invoke) + when + body


def ciphered(
    apdu: bytes,
    keys: Keys,
    counter: int,
    *,
    title: bytes,
    control: int = cipher.AUTHENTICATED | cipher.ENCRYPTED,
    kind: Literal["glo", "ded"] = "glo",
) -> bytes:
    """``apdu`` under the keys; ``counter`` must rise."""
    content = cipher.content(keys, title, counter, apdu, control)
    return bytes([_GENERAL[kind]]) + length(len(title)) + title + length(len(content)) + content
