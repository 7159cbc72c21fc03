"""The fixed data structure of old M-Bus meters, CI 73 and 77 (EN 1434-3:1997, 5.2): two counters; pure."""

from types import MappingProxyType

from quartier_drivers.meter.mbus.groups import status
from quartier_drivers.meter.mbus.header import Header
from quartier_drivers.meter.mbus.quantities import Kind
from quartier_drivers.meter.telegram import Group, Said

LOW_FIRST, HIGH_FIRST = 0x73, 0x77
SIZE = 16
_BINARY, _STORED = 0x01, 0x02
_SAME_BUT_HISTORIC, _BARE = 0x3E, 0x3F
_CLOCK, _CALENDAR = 0x00, 0x01
# Media of four bits: from 9 on they repeat, for meters that send the highest byte first.
_MEDIA = (0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0F, 0x03, 0x04, 0x06, 0x07, 0x08, 0x0F)


def _decades(quantity: str, unit: str, *exponents: int) -> list[Kind]:
    """Return each unit once, ten and a hundred times."""
    return [Kind(quantity, unit, exponent + step) for exponent in exponents for step in range(3)]


_KINDS: tuple[Kind, ...] = (
    Kind("time"),
    Kind("date"),
    *_decades("energy", "Wh", 0, 3, 6),
    *_decades("energy", "J", 3, 6, 9),
    *_decades("power", "W", 0, 3, 6),
    *_decades("power", "J/h", 3, 6, 9),
    *_decades("volume", "m3", -6, -3, 0),
    *_decades("volume_flow", "m3/h", -6, -3, 0),
    Kind("temperature", "°C", -3),
    Kind("heat_cost"),
)


def fixed_header(data: bytes, *, high_first: bool) -> Header:
    """Return the header: number, medium, access and state; the maker is not sent."""
    number = data[0:4] if high_first else data[3::-1]
    first, second = _units(data, high_first=high_first)
    medium = _MEDIA[first >> 6 | second >> 4 & 0x0C]
    return Header(number.hex().upper(), medium=medium, access=data[4], state=data[5] & ~0x03)


def fixed_groups(data: bytes, header: Header, *, high_first: bool) -> list[Group]:
    """Return both counters, also those without a unit, and the state."""
    state = data[5]
    first, second = _units(data, high_first=high_first)
    units = [first & 0x3F, second & 0x3F]
    stored = [bool(state & _STORED), bool(state & _STORED) or units[1] == _SAME_BUT_HISTORIC]
    if units[1] == _SAME_BUT_HISTORIC:
        units[1] = units[0]
    found = []
    for place in range(2):
        code = data[8 + 4 * place : 12 + 4 * place]
        counter = code if high_first else code[::-1]
        found.append(
            _group(place, counter, units[place], header, binary=bool(state & _BINARY), storage=stored[place])
        )
    return [*found, status(header)]


def _units(data: bytes, *, high_first: bool) -> tuple[int, int]:
    return (data[7], data[6]) if high_first else (data[6], data[7])


def _group(place: int, counter: bytes, unit: int, header: Header, *, binary: bool, storage: bool) -> Group:
    kind = _KINDS[unit] if unit < len(_KINDS) else Kind("counter" if unit == _BARE else "reserved")
    more: dict[str, Said] = {
        "quantity": kind.quantity,
        "function": "instantaneous",
        "storage": int(storage),
        "tariff": 0,
        "subunit": place if unit == _BARE else 0,
        "qualifier": "",
        "medium": header.medium_text,
        "maker": header.maker,
    }
    label, digits = str(place), counter.hex()
    if unit in {_CLOCK, _CALENDAR}:
        pairs = [digits[at : at + 2] for at in range(2, 8, 2)]
        return Group(
            label, ":".join(pairs) if unit == _CLOCK else ".".join(pairs), "", "", MappingProxyType(more)
        )
    if binary:
        number = int.from_bytes(counter, "big", signed=True)
    elif digits.isdecimal():
        number = int(digits)
    else:
        more["error"] = "no decimal digits"
        return Group(label, f"0x{digits.upper()}", kind.unit, "", MappingProxyType(more))
    scaled = number * 10**kind.exponent if kind.exponent >= 0 else number / 10**-kind.exponent
    return Group(label, scaled, kind.unit, "", MappingProxyType(more))
