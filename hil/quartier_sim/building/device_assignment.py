"""Assign a simulated device to each device of a site, or state why there is none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier_sim.building import device_roles, site_file
from quartier_sim.building.device_roles import DeviceFacts, DeviceRole
from quartier_sim.building.site_file import Site
from quartier_sim.devices.simulated_device import Device

GX_PROFILE = "victron/gx"
PUSHED_KINDS, POLLED_KINDS = ("tic", "p1", "sml", "dlms"), ("mbus", "iec62056")
MODBUS_KINDS = ("modbus-tcp", "modbus-rtu")
SERVED_KINDS = (*MODBUS_KINDS, "bacnet-ip", "opcua", *PUSHED_KINDS, *POLLED_KINDS)
"""Kinds of bus that the rig serves."""
_SINGLE_DEVICE_KINDS = ("opcua", *PUSHED_KINDS, "iec62056")


@dataclass(frozen=True, slots=True)
class UnsimulatedDevice:
    """A device without a simulated one: the key of the site file, the reason, and the remedy."""

    name: str
    key: str
    why: str
    step: str


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """A device with its simulated one.  ``shown``: prefix, owner and quantities of its values."""

    name: str
    entry: site_file.Device
    role: DeviceRole
    body: Any
    shown: tuple[tuple[str, str, frozenset[str]], ...] = ()

    @property
    def owners(self) -> tuple[str, ...]:
        """The owners of the values that it shows."""
        return tuple(dict.fromkeys(owner for _, owner, _ in self.shown))


@dataclass(slots=True)
class DeviceAssignment:
    """Devices that are simulated and devices that are not, by name."""

    played: dict[str, SimulatedDevice] = field(default_factory=dict)
    absent: list[UnsimulatedDevice] = field(default_factory=list)

    def on(self, bus: str) -> list[SimulatedDevice]:
        """Return the simulated devices on a bus."""
        return [one for one in self.played.values() if one.entry.bus == bus]

    @property
    def devices(self) -> dict[str, Device]:
        """Those that take orders and faults as devices do."""
        return {name: one.body for name, one in self.played.items() if isinstance(one.body, Device)}


def assign_devices(site: Site, seed: int = 1) -> DeviceAssignment:
    """Cast every device of a site."""
    found = DeviceAssignment()
    for number, (name, entry) in enumerate(site.devices.items()):
        why = _explain_refusal(site, name, entry, found)
        if why is not None:
            found.absent.append(why)
            continue
        role = device_roles.find_role(entry.profile)
        assert role is not None
        body = _find_same_gx(entry, found) or role.make(_collect_facts(site, name, entry, seed + number))
        found.played[name] = SimulatedDevice(
            name, entry, role, body, tuple(_list_shown_values(site, name, role))
        )
    return found


def _explain_refusal(
    site: Site, name: str, entry: site_file.Device, found: DeviceAssignment
) -> UnsimulatedDevice | None:
    """Return the reason why a device is not simulated; None if it is."""
    bus, key = site.buses[entry.bus], f"devices.{name}"
    if bus.kind not in SERVED_KINDS:
        why = f"the rig serves no bus of kind {bus.kind}"
        step = (
            f"exchange it for one on {', '.join(MODBUS_KINDS)} in a copy of the site file, or leave it silent"
        )
        return UnsimulatedDevice(name, f"buses.{entry.bus}.kind", why, step)
    if bus.kind == "modbus-tcp" and bus.framing == "rtu":
        why = "the rig speaks Modbus TCP frames on TCP, not a serial server's"
        step = 'framing = "tcp", or kind = "modbus-rtu" with the port that the table tells'
        return UnsimulatedDevice(name, f"buses.{entry.bus}.framing", why, step)
    if bus.mode in ("client", "d"):
        why = f"the rig's {bus.kind} meters do not work in mode {bus.mode}"
        return UnsimulatedDevice(name, f"buses.{entry.bus}.mode", why, "leave the key out for the usual mode")
    if device_roles.find_role(entry.profile) is None:
        why = f"no device of the rig speaks as {entry.profile}"
        step = "quartier-hil devices --profiles lists those that it has; one of the same protocol may do"
        return UnsimulatedDevice(name, f"{key}.profile", why, step)
    if bus.kind in _SINGLE_DEVICE_KINDS and found.on(entry.bus):
        why = f"a bus of kind {bus.kind} has one device in the rig, and {found.on(entry.bus)[0].name} is it"
        return UnsimulatedDevice(name, f"{key}.bus", why, "give it a bus of its own")
    return _find_unit_conflict(name, key, entry, found)


def _find_unit_conflict(
    name: str, key: str, entry: site_file.Device, found: DeviceAssignment
) -> UnsimulatedDevice | None:
    """Return whether somebody else has its unit already."""
    for one in found.on(entry.bus):
        if (one.entry.unit, one.entry.address) == (entry.unit, entry.address) and entry.profile != GX_PROFILE:
            what = f"unit {entry.unit}" if not entry.address else entry.address
            return UnsimulatedDevice(
                name, f"{key}.unit", f"{what} is {one.name}'s", "give it a unit of its own"
            )
    return None


def _find_same_gx(entry: site_file.Device, found: DeviceAssignment) -> Any:
    """The Victron GX that is on this bus already: it is several units of a site file."""
    same = (one.body for one in found.on(entry.bus) if entry.profile == one.entry.profile == GX_PROFILE)
    return next(same, None)


def _collect_facts(site: Site, name: str, entry: site_file.Device, seed: int) -> DeviceFacts:
    lives = next((one for one in site.assets.values() if one.device == name), None)
    return DeviceFacts(
        unit=entry.unit,
        asset=lives,
        seed=seed,
        contract_w=site.limits.contract_import_w,
        parts=_map_gx_units(site, entry) if entry.profile == GX_PROFILE else {},
    )


def _map_gx_units(site: Site, entry: site_file.Device) -> Mapping[str, int]:
    """The units of a GX's services: each part of the site file is asked at the unit of its device."""
    services = {"battery": "vebus", "battery3": "vebus", "meter": "meter", "pvinverter": "pv"}
    here = {
        name: device.unit
        for name, device in site.devices.items()
        if device.bus == entry.bus and device.profile == GX_PROFILE
    }
    return {
        services[asset.part]: here[asset.device]
        for asset in site.assets.values()
        if asset.device in here and asset.part in services
    }


def _list_shown_values(site: Site, name: str, role: DeviceRole) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield the values that a device shows: prefix there, owner in the plant, quantities."""
    for owner, asset in site.assets.items():
        if asset.device == name:
            yield role.prefix(asset.part), owner, role.find_quantities(asset.part)
    for owner, node in site.nodes.items():
        if node.device == name:
            yield role.prefix(node.part), owner, role.find_quantities(node.part)
    for owner, contact in site.contacts.items():
        if contact.device == name:
            yield role.prefix(contact.part), owner, role.find_quantities(contact.part)
    for supply in site.supplies.values():
        if supply.device == name:
            yield role.prefix(supply.part), site.grid, role.find_quantities(supply.part)
