"""Converts items to readable values: numbers scaled exactly, texts, dates; pure."""

from quartier_drivers.meter.dlms import axdr, moment, obis
from quartier_drivers.meter.dlms.axdr import Item
from quartier_drivers.meter.telegram import Said

_EXACT_MAX = 30
_TEXT_MAX = 256


def scaler_of(item: Item | None) -> tuple[int, str] | None:
    """Return power of ten and unit of a scaler_unit structure; None if the item is none."""
    if item is None or item.tag != axdr.STRUCTURE or len(item.items) != 2:
        return None
    power, unit = item.items
    if power.tag != axdr.INT8 or unit.tag != axdr.ENUM:
        return None
    assert isinstance(power.value, int)
    assert isinstance(unit.value, int)
    return power.value, obis.UNITS.get(unit.value, "")


def scaled(number: float, power: int) -> int | float:
    """Return a number times a power of ten: whole numbers exactly, else the nearest float."""
    if power == 0:
        return number
    if isinstance(number, int) and abs(power) <= _EXACT_MAX:
        factor: int = 10 ** abs(power)
        return number * factor if power > 0 else number / factor
    return number * 10.0**power


def quantity(item: Item, scaler: Item | None) -> tuple[Said | None, str]:
    """Return a value with its unit; None if nothing was stated."""
    value = said(item)
    scale = scaler_of(scaler)
    if scale is None:
        return value, ""
    if isinstance(value, str) or value is None:
        return value, scale[1]
    return scaled(value, scale[0]), scale[1]


def said(item: Item) -> Said | None:  # noqa: PLR0911 - one for each kind of value
    """Return an unscaled item: number, text or date; a list as text; None if nothing is stated."""
    value = item.value
    if value is None:
        return None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    if isinstance(value, int):
        return value
    if isinstance(value, bytes):
        return text_of(value) if item.tag == axdr.OCTETS else moment.iso(value) or value.hex()
    if isinstance(value, str):
        return _printable(value.rstrip("\0 "))
    if isinstance(value, tuple):
        return obis.label(value[1])
    return "[" + " ".join(str(said(part)) for part in value)[:_TEXT_MAX] + "]"


def text_of(octets: bytes) -> str:
    """Return an octet string as a date if it is one, as printable text, as a name, else in hex digits."""
    if found := moment.whole(octets):
        return found
    bare = octets.rstrip(b"\0 ")
    if all(0x20 <= byte < 0x7F for byte in bare):
        return bare.decode("ascii").lstrip()
    return obis.label(octets) if obis.is_name(octets) else octets.hex()


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
