"""Formats SML's octets: OBIS numbers, identification numbers of devices, text; pure."""

from functools import lru_cache

from quartier_drivers.meter import obis

_DIN_43863_5 = 0x0A
"""The first byte of an identification number: its length, ten bytes."""


def label(name: bytes) -> str:
    """Return the label of an OBIS number; for a name that is not six bytes long its hexadecimal digits."""
    return obis.label(name) if len(name) == obis.SIZE else name.hex()


@lru_cache(maxsize=64)
def device(number: bytes) -> str:
    """Return an identification number as printed on the device, ``1EMH0012345678``; others as from ``text``.

    DIN 43863-5: length, medium, three letters of the maker, fabrication block, number of 32 bits.
    """
    if len(number) == 10 and number[0] == _DIN_43863_5 and number[2:5].isupper() and number[2:5].isalpha():
        letters = number[2:5].decode("ascii")
        return f"{number[1]:X}{letters}{number[5]:02X}{int.from_bytes(number[6:], 'big'):08d}"
    return text(number)


def text(octets: bytes) -> str:
    """Return octets in readable form: printable ASCII as text, anything else as hexadecimal digits."""
    if octets.isascii():
        letters = octets.decode("ascii")
        if letters.isprintable():
            return letters
    return octets.hex()
