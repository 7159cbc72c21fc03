"""What a person says of an asset, ``3kW`` or ``off``, as the value that control takes; and back."""

import re

from quartier.commissioning.firstsite import read_number
from quartier.house.assets import Battery, Ev, Moded, Pv, Steered

_NUMBER = re.compile(r"([+-]?[0-9]+(?:[.,][0-9]+)?)\s*(kw|w|a|%)?", re.IGNORECASE)
_SWITCH = {"off": 0.0, "on": 1.0}


def value(asset: Steered, text: str) -> float:
    """Raises ValueError, saying what is expected of this asset."""
    said = text.strip().lower()
    if isinstance(asset, Moded):
        return _mode(asset, said)
    if isinstance(asset, Ev):
        span = f"{asset.current_min_a:g}A to {asset.current_max_a:g}A"
        return 0.0 if said == "off" else _number(said, ("a",), f"a current with its unit, {span}, or off")
    if isinstance(asset, Battery):
        return _watts(said, "a power with its unit, W or kW: 2kW charges, -2kW discharges")
    if isinstance(asset, Pv) and asset.curtail == "limit":
        return _watts(said, "a power with its unit, W or kW, no sign: 2kW is the most that it may generate")
    if said not in _SWITCH:
        raise ValueError(f"{text!r} is not understood; it can only be switched: expected on or off")
    return _SWITCH[said]


def _mode(asset: Moded, said: str) -> float:
    for number, mode in enumerate(asset.modes):
        if said in {mode.name.lower(), f"{mode.value:g}", f"{mode.value:g}%", f"{mode.value:g} %"}:
            return float(number)
    raise ValueError(f"{said!r} is none of its modes; expected {' or '.join(m.name for m in asset.modes)}")


def _watts(said: str, expected: str) -> float:
    number = _number(said, ("w", "kw"), expected)
    return number * 1000.0 if said.endswith("kw") else number


def _number(said: str, units: tuple[str, ...], expected: str) -> float:
    found = _NUMBER.fullmatch(said)
    if found is None or found[2] not in units:
        raise ValueError(f"{said!r} is not understood; expected {expected}")
    return read_number(found[1], {"kw": "kW"}.get(found[2], found[2].upper()))


def words(asset: Steered, ordered: float | None) -> str:
    """The value as a person would say it; None is maintenance."""
    if ordered is None:
        return "maintenance"
    if isinstance(asset, Moded):
        return asset.modes[int(ordered)].name
    if isinstance(asset, Ev):
        return f"{ordered:g} A" if ordered else "off"
    if isinstance(asset, Battery) or (isinstance(asset, Pv) and asset.curtail == "limit"):
        return f"{ordered:g} W"
    return "on" if ordered else "off"
