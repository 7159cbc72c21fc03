"""What SML's numbers mean: units, OBIS numbers, identification numbers of devices; pure."""

from functools import lru_cache

# IEC 62056-62 (DLMS UA blue book), units of physical values, by their number.
UNITS = {
    1: "a",
    2: "mo",
    3: "wk",
    4: "d",
    5: "h",
    6: "min",
    7: "s",
    8: "deg",
    9: "C",
    11: "m",
    12: "m/s",
    13: "m3",
    14: "m3",
    15: "m3/h",
    16: "m3/h",
    17: "m3/d",
    18: "m3/d",
    19: "l",
    20: "kg",
    21: "N",
    22: "Nm",
    23: "Pa",
    24: "bar",
    25: "J",
    26: "J/h",
    27: "W",
    28: "VA",
    29: "var",
    30: "Wh",
    31: "VAh",
    32: "varh",
    33: "A",
    34: "As",
    35: "V",
    36: "V/m",
    37: "F",
    38: "Ohm",
    39: "Ohm m2/m",
    40: "Wb",
    41: "T",
    42: "A/m",
    43: "H",
    44: "Hz",
    45: "1/Wh",
    46: "1/varh",
    47: "1/VAh",
    48: "V2h",
    49: "A2h",
    50: "kg/s",
    51: "S",
    52: "K",
    53: "1/V2h",
    54: "1/A2h",
    55: "1/m3",
    56: "%",
    57: "Ah",
    60: "Wh/m3",
    61: "J/m3",
    62: "mol%",
    63: "g/m3",
    64: "Pa s",
    70: "dBm",
}
_DIN_43863_5 = 0x0A
"""The first byte of an identification number: its length, ten bytes."""


def label(name: bytes) -> str:
    """How an OBIS number of six bytes is written: ``1-0:1.8.0``, with ``*F`` where F is not 255.

    A name of another length is none: its hexadecimal digits.
    """
    if len(name) != 6:
        return name.hex()
    a, b, c, d, e, f = name
    written = f"{a}-{b}:{c}.{d}.{e}"
    return written if f == 255 else f"{written}*{f}"


@lru_cache(maxsize=64)
def device(number: bytes) -> str:
    """An identification number as it stands on the device, ``1EMH0012345678``; others as ``text`` has them.

    DIN 43863-5: length, medium, three letters of the maker, fabrication block, number of 32 bits.
    """
    if len(number) == 10 and number[0] == _DIN_43863_5 and number[2:5].isalpha() and number[2:5].isascii():
        letters = number[2:5].decode("ascii")
        return f"{number[1]:X}{letters}{number[5]:02X}{int.from_bytes(number[6:], 'big'):08d}"
    return text(number)


def text(octets: bytes) -> str:
    """Octets as a person reads them: printable ASCII as text, anything else as hexadecimal digits."""
    if octets.isascii():
        letters = octets.decode("ascii")
        if letters.isprintable():
            return letters
    return octets.hex()
