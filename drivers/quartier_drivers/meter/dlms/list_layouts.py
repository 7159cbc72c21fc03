"""Identifies lists whose meter sends no names or no units, by their content; pure.

Sources: NVE HAN (Kaifa KFM_001; Kamstrup HAN-NVE, OBIS list Kamstrup_V0001), Wiener Netze and Netz Burgenland
(descriptions of their customer interface), Elektro Ljubljana (push object list of the AM550 and E450).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quartier_drivers.meter.dlms.values import CLOCK_NAME, parse_obis

# Blue Book 7.5: C of electricity counts 20 quantities for the sum of phases, then L1, L2 and L3.
_ACTIVE, _REACTIVE, _APPARENT, _CURRENT, _VOLTAGE, _FACTOR, _FREQUENCY = range(7)
_QUANTITIES = {
    1: _ACTIVE,
    2: _ACTIVE,
    15: _ACTIVE,
    16: _ACTIVE,
    **dict.fromkeys(range(3, 9), _REACTIVE),
    9: _APPARENT,
    10: _APPARENT,
    11: _CURRENT,
    12: _VOLTAGE,
    13: _FACTOR,
    14: _FREQUENCY,
}
_POWERS = {_ACTIVE: "W", _REACTIVE: "var", _APPARENT: "VA"}
_OTHERS = {_CURRENT: "A", _VOLTAGE: "V", _FACTOR: "", _FREQUENCY: "Hz"}
_MOMENTARY, _COUNTED = 7, 8
LIST_VERSION = bytes([1, 1, 0, 2, 129, 255])
LIST_VERSIONS = (LIST_VERSION, bytes([1, 0, 0, 2, 129, 255]))
"""The name of the list version at Kamstrup, and at Kaifa and Aidon."""
SERIAL = bytes([0, 0, 96, 1, 0, 255])
TYPE = bytes([0, 0, 96, 1, 7, 255])


@dataclass(frozen=True, slots=True)
class ListScales:
    """Powers of ten by which a list's numbers are multiplied for W, Wh, A, V, Hz and a factor up to 1."""

    power: int = 0
    energy: int = 0
    current: int = 0
    voltage: int = 0
    factor: int = -3
    frequency: int = 0

    def of(self, named: bytes) -> tuple[int, str] | None:
        """Return power of ten and unit for an electricity name; None if it is no such quantity."""
        media, _, quantity, process = named[:4]
        kind = _QUANTITIES.get((quantity - 1) % 20 + 1) if media == 1 and 1 <= quantity <= 80 else None
        if kind in _POWERS and process in (_MOMENTARY, _COUNTED):
            counted = process == _COUNTED
            return (self.energy if counted else self.power), _POWERS[kind] + ("h" if counted else "")
        if kind in _OTHERS and process == _MOMENTARY:
            scales = {_CURRENT: self.current, _VOLTAGE: self.voltage, _FACTOR: self.factor}
            return scales.get(kind, self.frequency), _OTHERS[kind]
        return None


@dataclass(frozen=True, slots=True)
class ListLayout:
    """A list by position: the ``names`` of its items, empty for an item without a meaning of its own."""

    names: tuple[bytes, ...]
    scales: ListScales


def _parse_names(text: str) -> tuple[bytes, ...]:
    return tuple(parse_obis(f"1-0:{part}.0") if part[0].isdigit() else _NAMED[part] for part in text.split())


_NAMED = {"version": LIST_VERSION, "serial": SERIAL, "type": TYPE, "clock": CLOCK_NAME}
_KAIFA = ListScales(current=-3, voltage=-1)
_KAIFA_HEAD = "version serial type 1.7 2.7 3.7 4.7"
_KAIFA_TAIL = "clock 1.8 2.8 3.8 4.8"
_THREE = "31.7 51.7 71.7 32.7 52.7 72.7"
KAIFA = {
    len(layout.names): layout
    for layout in (
        ListLayout(_parse_names("1.7"), _KAIFA),
        ListLayout(_parse_names(f"{_KAIFA_HEAD} 31.7 32.7"), _KAIFA),
        ListLayout(_parse_names(f"{_KAIFA_HEAD} {_THREE}"), _KAIFA),
        ListLayout(_parse_names(f"{_KAIFA_HEAD} 31.7 32.7 {_KAIFA_TAIL}"), _KAIFA),
        ListLayout(_parse_names(f"{_KAIFA_HEAD} {_THREE} {_KAIFA_TAIL}"), _KAIFA),
    )
}
"""Kaifa's lists 1, 2 and 3 by number of items; energy in Wh, power in W."""

# t: text, d: date-time, u: uint16, U: uint32 or uint64.
_BY_FORM: Mapping[str, ListLayout] = {
    "dUUUUUUUU": ListLayout(
        _parse_names("clock 1.8 2.8 3.8 4.8 1.7 2.7 3.7 4.7"), ListScales()
    ),  # Wiener Netze
    "uuuuuuUUUUt": ListLayout(  # Netz Burgenland
        _parse_names("32.7 52.7 72.7 31.7 51.7 71.7 1.7 2.7 1.8 2.8 serial"), ListScales(current=-2)
    ),
    "tUUUUUUUU": ListLayout(
        _parse_names("serial 1.7 2.7 3.7 4.7 1.8 2.8 3.8 4.8"), ListScales()
    ),  # Elektro Ljubljana
}

_KAIFA_LIST = re.compile(r"KFM_\d{3}")
_KAMSTRUP = re.compile(r"Kamstrup_V\d{4}")
_KAMSTRUP_TRANSFORMER = "685"  # a meter behind current transformers, by its type


def find_layout(form: str, first_text: str, *, is_kaifa: bool) -> ListLayout | None:
    """Return the layout of a list of this form; ``is_kaifa``: its header is written as Kaifa does."""
    if first_text.startswith("KFM_") or (is_kaifa and form == "U"):
        return KAIFA.get(len(form))
    return _BY_FORM.get(form)


def find_scales(version: str, kind: str, defects: Sequence[str] = ()) -> ListScales | None:
    """Return the scales of a list that names its values but not their units; None if its version is unknown.

    ``kind`` is the meter's type.  Kamstrup counts energy in 10 Wh; with ``energy-in-wh`` in Wh, as in Sweden.
    Kaifa's list with names, as in Sweden, has the scales of its list by position, as in Norway.
    """
    if _KAIFA_LIST.fullmatch(version):
        return _KAIFA
    if not _KAMSTRUP.fullmatch(version):
        return None
    energy = 0 if "energy-in-wh" in defects else 1
    return ListScales(energy=energy, current=-3 if kind.startswith(_KAMSTRUP_TRANSFORMER) else -2, factor=-2)
