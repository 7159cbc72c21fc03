"""Make a first site file from found devices and answers (pure).

The role of an asset follows from its profile: a part with a writable current limit is a charge point, one
with a setpoint and a state of charge is a battery, and so on.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

GRID_METER, BATTERY, PV, CHARGE_POINT, LOAD, NO_ROLE = "grid", "battery", "pv", "ev", "load", "none"
METER_ROLES = (GRID_METER, PV, LOAD, NO_ROLE)
"""What a simple meter may measure."""
_W_PER_KVA = 900.0
"""Watts of a French contract in kVA, as ``limits.contract_import_w`` counts them."""
_VOLTAGE_V = 230.0
_POWER_PATTERN = re.compile(r"(?:(3)\s*[x*]\s*)?(\d+(?:[.,]\d+)?)\s*(kva|kw|w|a)", re.IGNORECASE)
_AMBIGUOUS = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")
"""A mark before exactly three digits may be a thousands separator, but not after a single 0."""
_CONTRACT_W = (500.0, 5_000_000.0)


class ProfileQuantity(Protocol):
    """Part of a profile's point that this module needs."""

    @property
    def writable(self) -> bool:
        """Return whether it can be written."""


DeviceParts = Mapping[str, Mapping[str, ProfileQuantity]]


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device that answered: keys of its bus, profile, unit on the bus, and the reason for the profile.

    ``is_profile_sure`` is false where the profile is a guess.  ``key_file`` holds the keys of a meter that
    encrypts.
    """

    bus: Mapping[str, str | int]
    profile: str
    unit: int | None = None
    profile_reason: str = ""
    is_profile_sure: bool = True
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class AssetCandidate:
    """A part of a device, and the roles that its profile allows, the likeliest first."""

    device: str
    part: str
    roles: tuple[str, ...]

    @property
    def label(self) -> str:
        """Device and part for people."""
        return f"{self.device}.{self.part}" if self.part else self.device


@dataclass(frozen=True, slots=True)
class ChosenAsset:
    """An asset of the new file: its name, role, place, and the keys that were answered."""

    name: str
    role: str
    device: str
    part: str
    keys: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SiteAnswers:
    """The answers about the building itself; ``profiles`` are folders, relative to the site file."""

    id: str
    district: str
    contract_import_w: float
    contract_export_w: float
    time_zone: str = "Europe/Paris"
    profiles: tuple[str, ...] = ()


def name_devices(found: Sequence[FoundDevice]) -> dict[str, FoundDevice]:
    """Name each device by its model, with a number from the second one on."""
    counts: dict[str, int] = {}
    named = {}
    for one in found:
        stem = re.sub(r"[^a-z0-9_]", "_", one.profile.rpartition("/")[2].lower()) or "device"
        stem = stem if stem[0].isalpha() else f"d{stem}"
        counts[stem] = counts.get(stem, 0) + 1
        named[stem if counts[stem] == 1 else f"{stem}_{counts[stem]}"] = one
    return named


def find_asset_candidates(device: str, parts: DeviceParts) -> Iterator[AssetCandidate]:
    """Yield the parts of a device that can be an asset, each with its roles.

    A device has one battery: a second part that controls it is the same battery by other registers.
    """
    has_battery = False
    for part, quantities in parts.items():
        roles = _find_roles(part, quantities)
        if roles and not (has_battery and roles == (BATTERY,)):
            yield AssetCandidate(device, part, roles)
            has_battery = has_battery or roles == (BATTERY,)


def _find_roles(part: str, quantities: Mapping[str, ProfileQuantity]) -> tuple[str, ...]:
    writable = {name for name, one in quantities.items() if one.writable}
    measures = bool({"power_w", "apparent_power_va"} & quantities.keys())
    is_whole = not part and "soc_pct" not in quantities
    rules = (
        ("current_max_a" in writable and "power_w" in quantities, (CHARGE_POINT,)),
        ("setpoint_w" in writable and {"power_w", "soc_pct"} <= quantities.keys(), (BATTERY,)),
        (measures and ("generation_max_w" in writable or part in {"pv", "inverter"}), (PV,)),
        (measures and part == GRID_METER, (GRID_METER, NO_ROLE)),
        (measures and is_whole and "power_w" not in quantities, (GRID_METER,)),
        (measures and is_whole, METER_ROLES),
    )
    return next((roles for applies, roles in rules if applies), ())


def read_number(number: str, unit: str) -> float:
    """Read a decimal number with a point or a comma; ``unit`` is for the error text.

    Raises ValueError if the mark may be a thousands separator: 1,500 W can mean 1500 W or 1.5 W.
    """
    if _AMBIGUOUS.fullmatch(number):
        whole, part = re.sub("[.,]", "", number), f"{float(number.replace(',', '.')):g}"
        unit = unit.strip()
        raise ValueError(
            f"'{number} {unit}' can be read in two ways; write {whole.lstrip('+')} {unit} or {part} {unit}"
        )
    return float(number.replace(",", "."))


def parse_power_w(text: str) -> float:
    """Read ``12 kVA``, ``9 kW``, ``9000 W``, ``45 A`` or ``3x25 A`` as watts; a kVA of a device is 1000 W.

    Raises ValueError that says what is expected.
    """
    return _read_power_w(text, 1000.0)


def _read_power_w(text: str, w_per_kva: float) -> float:
    found = _POWER_PATTERN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r}: expected a number with its unit: 12 kVA, 9 kW, 9000 W, 45 A or 3x25 A")
    phases, number, unit = found[1], read_number(found[2], found[3]), found[3].lower()
    if phases and unit != "a":
        raise ValueError(f"{text!r}: expected amperes after 3x, as in 3x25 A")
    factors = {"kva": w_per_kva, "kw": 1000.0, "w": 1.0, "a": _VOLTAGE_V * (3 if phases else 1)}
    return number * factors[unit]


def parse_contract_w(text: str) -> float:
    """Read the import power of a contract.  Raises ValueError, also for an implausible value."""
    power_w = _read_power_w(text, _W_PER_KVA)
    low_w, high_w = _CONTRACT_W
    if not low_w <= power_w <= high_w:
        raise ValueError(
            f"{text!r} is {power_w:g} W; expected {low_w:g} W to {high_w / 1e6:g} MW; check the unit"
        )
    return power_w


def parse_export_w(text: str) -> float:
    """Read the agreed export power; a kVA counts as in a contract.  Raises ValueError."""
    return _read_power_w(text, _W_PER_KVA)


def parse_energy_wh(text: str) -> float:
    """Read ``10 kWh`` or ``9600 Wh``.  Raises ValueError that says what is expected."""
    found = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*(kwh|wh)", text.strip(), re.IGNORECASE)
    if found is None:
        raise ValueError(f"{text!r}: expected a number with its unit: 10 kWh or 9600 Wh")
    return read_number(found[1], found[2]) * (1000.0 if found[2].lower() == "kwh" else 1.0)


def render_site_file(
    building: SiteAnswers,
    devices: Mapping[str, FoundDevice],
    assets: Sequence[ChosenAsset],
    supplies: Sequence[str] = (),
) -> str:
    """Return the text of a short site file; the actions for each loss stay at their defaults."""
    buses: dict[tuple[tuple[str, str | int], ...], str] = {}
    lines = [
        "# Made by quartier init.  Every other key, with its default: quartier config sample",
        "",
        "[site]",
        f'id = "{building.id}"',
        f'district = "{building.district}"',
    ]
    if building.time_zone != "Europe/Paris":
        lines.append(f'time_zone = "{building.time_zone}"')
    if building.profiles:
        lines.append(f"profiles = [{', '.join(map(_format_toml, building.profiles))}]")
    lines += [
        "",
        "[limits]",
        f"contract_import_w = {_format_number(building.contract_import_w)}",
        f"contract_export_w = {_format_number(building.contract_export_w)}",
    ]
    for one in devices.values():
        key = tuple(one.bus.items())
        if key not in buses:
            buses[key] = f"bus{len(buses) + 1}"
            lines += [
                "",
                f"[buses.{buses[key]}]",
                *(f"{name} = {_format_toml(value)}" for name, value in key),
            ]
    for name, one in devices.items():
        lines += ["", f"[devices.{name}]", f'bus = "{buses[tuple(one.bus.items())]}"']
        lines.append(
            f'profile = "{one.profile}"' + ("" if one.is_profile_sure else "  # compare the maker's plate")
        )
        lines += [f"unit = {one.unit}"] if one.unit is not None else []
        lines += [f"key_file = {_format_toml(one.key_file)}"] if one.key_file else []
    for asset in assets:
        lines += ["", f"[assets.{asset.name}]", f'role = "{asset.role}"', f'device = "{asset.device}"']
        lines += [f'part = "{asset.part}"'] if asset.part else []
        lines += [f"{name} = {_format_toml(value)}" for name, value in asset.keys.items()]
    for number, name in enumerate(supplies, 1):
        supply = "enedis" if number == 1 else f"enedis{number}"  # its points need a name of their own
        lines += ["", "# The supplier's meter: its subscribed power is a limit too.", f"[supplies.{supply}]"]
        lines.append(f'device = "{name}"')
    return "\n".join(lines) + "\n"


def _format_toml(value: float | str) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else _format_number(value)


def _format_number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:g}"
