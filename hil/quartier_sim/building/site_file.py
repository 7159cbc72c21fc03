"""Read the part of a gateway's site file that the simulated building needs (pure)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quartier_drivers.errors import ConfigError, Fault
from quartier_sim import data_files


class _Section(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Bus(_Section):
    """A wire or an endpoint: its address alone."""

    kind: str
    """Protocol of its devices."""
    host: str = ""
    """Host of Modbus TCP."""
    port: int | str | None = None
    """TCP or UDP port, or the serial port."""
    url: str = ""
    """URL of OPC UA."""
    framing: str | None = None
    """Framing of Modbus TCP: ``rtu`` where a serial server passes on the frames of its line."""
    baud: int | None = None
    """Speed of a serial line."""
    mode: str | None = None
    """Mode of a meter that can send by itself or be polled."""
    timeout_s: float = 1.0
    """Time that the gateway waits for an answer, s."""


class Device(_Section):
    """One thing that answers on a bus."""

    bus: str
    """The bus it answers on."""
    profile: str
    """Profile that reads it."""
    unit: int = 1
    """Its address there."""
    address: str = ""
    """Its address where a number is not enough."""


class Asset(_Section):
    """Asset of the building: its role, its device, its size."""

    model_config = ConfigDict(extra="allow", frozen=True)

    role: str
    """Role of the asset."""
    device: str = ""
    """The device that contains or measures it."""
    part: str = ""
    """Which part of the device."""
    switch_device: str | None = None
    """The device with the relay that switches it."""
    switch_part: str = ""
    """Part of that device."""
    node: str = "grid"
    """The board that feeds it."""
    phase: str | None = None
    """The phase it hangs on."""
    capacity_wh: float | None = Field(default=None, gt=0)
    """Capacity of a battery, Wh."""

    def number(self, key: str, usual: float) -> float:
        """Another key that is a number, or what is usual where it is missing."""
        value = getattr(self, key, None)
        return float(value) if isinstance(value, int | float) else usual


class Node(_Section):
    """A point of the connection tree."""

    under: str = "grid"
    """The board that feeds it."""
    fuse_a: float = 63.0
    """Its fuse on each phase."""
    device: str | None = None
    """The meter that measures it."""
    part: str = ""
    """Part of the meter."""


class Input(_Section):
    """A contact of the grid operator, or a supply's own meter."""

    device: str
    """The device that shows it."""
    part: str = ""
    """Which part of the device."""


class Limits(_Section):
    """The contract, as far as a Linky shows it."""

    contract_import_w: float = 9_000.0
    """Import power of the contract."""


class SiteInfo(_Section):
    """Name and clock of the building."""

    id: str = "site"
    """Its name."""
    time_zone: str = "Europe/Paris"
    """Time zone of its clock."""


class Site(_Section):
    """A site file as the rig sees it.  ``raw`` is the whole of it."""

    site: SiteInfo = SiteInfo()
    """Which building this is."""
    buses: dict[str, Bus] = Field(default_factory=dict)
    """Wires and endpoints."""
    devices: dict[str, Device] = Field(default_factory=dict)
    """Devices by name."""
    assets: dict[str, Asset] = Field(default_factory=dict)
    """What stands in the building."""
    nodes: dict[str, Node] = Field(default_factory=dict)
    """Boards."""
    contacts: dict[str, Input] = Field(default_factory=dict)
    """Contacts of the grid operator."""
    supplies: dict[str, Input] = Field(default_factory=dict)
    """Meters of the supplier."""
    limits: Limits = Limits()
    """The contract."""
    raw: Mapping[str, Any] = Field(default_factory=dict)
    """The whole content of the file."""
    folder: Path = Path()
    """Folder of the file."""

    @property
    def grid(self) -> str:
        """The name of the asset that is the connection."""
        return next((name for name, asset in self.assets.items() if asset.role == "grid"), "grid")


def load_site(path: Path) -> Site:
    """Read a site file.  Raises ConfigError with every fault that keeps the rig from playing it."""
    raw = data_files.read_toml_file(path)
    try:
        site = Site.model_validate({**raw, "raw": raw, "folder": path.parent})
    except ValidationError as error:
        raise ConfigError(
            [
                Fault(
                    str(path),
                    None,
                    ".".join(map(str, item["loc"])),
                    f"{item['msg']}; `quartier check {path}` judges the whole file",
                )
                for item in error.errors()
            ]
        ) from error
    faults = [Fault(str(path), None, key, what) for key, what in _find_unknown_names(site)]
    if faults:
        raise ConfigError(faults)
    return site


def _find_unknown_names(site: Site) -> list[tuple[str, str]]:
    """Return the faults of names that do not exist."""
    if not site.devices:
        return [("devices", "there is none; expected what an installer's site file names, [devices.NAME]")]
    found = [
        (f"devices.{name}.bus", f"there is no bus {device.bus!r}; expected one of {_join_names(site.buses)}")
        for name, device in site.devices.items()
        if device.bus not in site.buses
    ]
    for section, key, name, device_name in _list_device_keys(site):
        if device_name and device_name not in site.devices:
            what = f"there is no device {device_name!r}; expected one of {_join_names(site.devices)}"
            found.append((f"{section}.{name}.{key}", what))
    return [*found, *_find_shared_parts(site)]


def _find_shared_parts(site: Site) -> list[tuple[str, str]]:
    """Return the faults of parts with two owners: one part of a device shows one asset."""
    found, owners = [], dict[tuple[str, str], str]()
    measured = [(f"assets.{name}", one.device, one.part) for name, one in site.assets.items()]
    measured += [(f"nodes.{name}", one.device or "", one.part) for name, one in site.nodes.items()]
    for owner, device, part in measured:
        whose = owners.setdefault((device, part), owner) if device else owner
        if whose != owner:
            what = f"{device} shows {whose} already; expected a device or a part of its own"
            found.append((f"{owner}.device", what))
    return found


def _list_device_keys(site: Site) -> list[tuple[str, str, str, str]]:
    """Each section, key and name that names a device."""
    found = [("assets", "device", name, asset.device) for name, asset in site.assets.items()]
    found += [("assets", "switch_device", name, one.switch_device or "") for name, one in site.assets.items()]
    found += [("nodes", "device", name, node.device or "") for name, node in site.nodes.items()]
    found += [("contacts", "device", name, one.device) for name, one in site.contacts.items()]
    return found + [("supplies", "device", name, one.device) for name, one in site.supplies.items()]


def _join_names(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "none"
