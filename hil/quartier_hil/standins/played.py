"""Assign a simulated device to each device of a site: its values, or the reason why there is none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier_hil.devices.actor import Device
from quartier_hil.standins import cast, sitefile
from quartier_hil.standins.cast import Facts, Role
from quartier_hil.standins.sitefile import Site

GX = "victron/gx"
PUSHED, ASKED = ("tic", "p1", "sml", "dlms"), ("mbus", "iec62056")
MODBUS = ("modbus-tcp", "modbus-rtu")
KINDS = (*MODBUS, "bacnet-ip", "opcua", *PUSHED, *ASKED)
"""Kinds of bus that the rig serves."""
_SINGLE = ("opcua", *PUSHED, "iec62056")


@dataclass(frozen=True, slots=True)
class Absent:
    """A device without a simulated one: the key of the site file, the reason, and the remedy."""

    name: str
    key: str
    why: str
    step: str


@dataclass(frozen=True, slots=True)
class Played:
    """A device with its simulated one.  ``shown``: prefix, owner and quantities of its values."""

    name: str
    entry: sitefile.Device
    role: Role
    body: Any
    shown: tuple[tuple[str, str, frozenset[str]], ...] = ()

    @property
    def owners(self) -> tuple[str, ...]:
        """The owners of the values that it shows."""
        return tuple(dict.fromkeys(owner for _, owner, _ in self.shown))


@dataclass(slots=True)
class Company:
    """Devices that are simulated and devices that are not, by name."""

    played: dict[str, Played] = field(default_factory=dict)
    absent: list[Absent] = field(default_factory=list)

    def on(self, bus: str) -> list[Played]:
        """Return the simulated devices on a bus."""
        return [one for one in self.played.values() if one.entry.bus == bus]

    @property
    def devices(self) -> dict[str, Device]:
        """Those that take orders and faults as devices do."""
        return {name: one.body for name, one in self.played.items() if isinstance(one.body, Device)}


def company(site: Site, seed: int = 1) -> Company:
    """Cast every device of a site."""
    found = Company()
    for number, (name, entry) in enumerate(site.devices.items()):
        why = _refusal(site, name, entry, found)
        if why is not None:
            found.absent.append(why)
            continue
        role = cast.role(entry.profile)
        assert role is not None
        body = _same_gx(entry, found) or role.make(_facts(site, name, entry, seed + number))
        found.played[name] = Played(name, entry, role, body, tuple(_shown(site, name, role)))
    return found


def _refusal(site: Site, name: str, entry: sitefile.Device, found: Company) -> Absent | None:
    """Return the reason why a device is not simulated; None if it is."""
    bus, key = site.buses[entry.bus], f"devices.{name}"
    if bus.kind not in KINDS:
        why = f"the rig serves no bus of kind {bus.kind}"
        step = f"exchange it for one on {', '.join(MODBUS)} in a copy of the site file, or leave it silent"
        return Absent(name, f"buses.{entry.bus}.kind", why, step)
    if bus.kind == "modbus-tcp" and bus.framing == "rtu":
        why = "the rig speaks Modbus TCP frames on TCP, not a serial server's"
        step = 'framing = "tcp", or kind = "modbus-rtu" with the port that the table tells'
        return Absent(name, f"buses.{entry.bus}.framing", why, step)
    if bus.mode in ("client", "d"):
        why = f"the rig's {bus.kind} meters do not work in mode {bus.mode}"
        return Absent(name, f"buses.{entry.bus}.mode", why, "leave the key out for the usual mode")
    if cast.role(entry.profile) is None:
        why = f"no device of the rig speaks as {entry.profile}"
        step = "quartier-hil devices --profiles lists those that it has; one of the same protocol may do"
        return Absent(name, f"{key}.profile", why, step)
    if bus.kind in _SINGLE and found.on(entry.bus):
        why = f"a bus of kind {bus.kind} has one device in the rig, and {found.on(entry.bus)[0].name} is it"
        return Absent(name, f"{key}.bus", why, "give it a bus of its own")
    return _taken(name, key, entry, found)


def _taken(name: str, key: str, entry: sitefile.Device, found: Company) -> Absent | None:
    """Return whether somebody else has its unit already."""
    for one in found.on(entry.bus):
        if (one.entry.unit, one.entry.address) == (entry.unit, entry.address) and entry.profile != GX:
            what = f"unit {entry.unit}" if not entry.address else entry.address
            return Absent(name, f"{key}.unit", f"{what} is {one.name}'s", "give it a unit of its own")
    return None


def _same_gx(entry: sitefile.Device, found: Company) -> Any:
    """The Victron GX that is on this bus already: it is several units of a site file."""
    same = (one.body for one in found.on(entry.bus) if entry.profile == one.entry.profile == GX)
    return next(same, None)


def _facts(site: Site, name: str, entry: sitefile.Device, seed: int) -> Facts:
    lives = next((one for one in site.assets.values() if one.device == name), None)
    return Facts(
        unit=entry.unit,
        asset=lives,
        seed=seed,
        contract_w=site.limits.contract_import_w,
        parts=_gx_units(site, entry) if entry.profile == GX else {},
    )


def _gx_units(site: Site, entry: sitefile.Device) -> Mapping[str, int]:
    """The units of a GX's services: each part of the site file is asked at the unit of its device."""
    services = {"battery": "vebus", "battery3": "vebus", "meter": "meter", "pvinverter": "pv"}
    here = {
        name: device.unit
        for name, device in site.devices.items()
        if device.bus == entry.bus and device.profile == GX
    }
    return {
        services[asset.part]: here[asset.device]
        for asset in site.assets.values()
        if asset.device in here and asset.part in services
    }


def _shown(site: Site, name: str, role: Role) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield the values that a device shows: prefix there, owner in the plant, quantities."""
    for owner, asset in site.assets.items():
        if asset.device == name:
            yield role.prefix(asset.part), owner, role.shown(asset.part)
    for owner, node in site.nodes.items():
        if node.device == name:
            yield role.prefix(node.part), owner, role.shown(node.part)
    for owner, contact in site.contacts.items():
        if contact.device == name:
            yield role.prefix(contact.part), owner, role.shown(contact.part)
    for supply in site.supplies.values():
        if supply.device == name:
            yield role.prefix(supply.part), site.grid, role.shown(supply.part)
