"""Serve the simulated devices of a site on their wires, and the table of their addresses."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from quartier_sim.bacnet.udp_endpoint import serve_udp
from quartier_sim.building import device_roles, serial_meters
from quartier_sim.building.device_assignment import (
    MODBUS_KINDS,
    DeviceAssignment,
    SimulatedDevice,
    UnsimulatedDevice,
)
from quartier_sim.building.serial_meters import SerialMeter
from quartier_sim.building.site_file import Bus, Site
from quartier_sim.devices.catalog import find_profiles_folder
from quartier_sim.devices.serial_ports import Port, PtyPort, TcpPort
from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus.endpoints import PtyEndpoint, serve_pty, serve_tcp
from quartier_sim.opcua.certificates import PASSWORD_FILE

PORT_BASE = 15_020
GATEWAY_HOST = "127.0.0.2"
"""The gateway's end of a BACnet network on loopback, so that both may have the same port."""
# Nobody listens there: what is not played is silent, and never the real one.
UNUSED_PORT = 9


class BusNotServed(OSError):  # noqa: N818 - a state of the wires, named as the house names it
    """A bus cannot be put on its wire; the text names it and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAddress:
    """Address of one device."""

    bus: str
    protocol: str
    address: str
    """``host:port``, ``opc.tcp://…`` or the path of a serial port."""
    device: str
    unit: int
    profile: str
    plays: str
    serves: tuple[str, ...]
    """Assets, boards and contacts whose values it shows."""

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return asdict(self)


@dataclass(slots=True)
class BusWires:
    """The endpoints of a site; ``folder`` holds the links of its serial ports and its certificates."""

    site: Site
    assignment: DeviceAssignment
    folder: Path
    host: str = "127.0.0.1"
    port_base: int | None = None
    rate: float = 1.0
    seed: int = 1
    rows: list[DeviceAddress] = field(default_factory=list)
    meters: dict[str, SerialMeter] = field(default_factory=dict)
    ports: dict[str, Port | PtyEndpoint] = field(default_factory=dict)
    """Serial ports by bus: what can be pulled out."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _taken_count: int = 0
    _copy: dict[str, Any] = field(default_factory=dict)

    async def serve(self) -> None:
        """Put everything on its wire.  Raises Unserved; what was put there before is taken away again."""
        self._copy = copy_site(self.site)
        for name, bus in self.site.buses.items():
            here = self.assignment.on(name)
            if not here:
                self._silence(name, bus)
                continue
            try:
                await self._serve(name, bus, here)
            except OSError as error:
                await self.close()
                raise BusNotServed(
                    f"buses.{name}: {error.strerror or error}; {_suggest_remedy(bus)}"
                ) from error
            except ValueError as error:
                await self.close()
                raise BusNotServed(f"buses.{name}: {error}") from error

    async def close(self) -> None:
        """Take everything away."""
        await self._stack.aclose()

    async def _serve(self, name: str, bus: Bus, here: list[SimulatedDevice]) -> None:
        if bus.kind == "modbus-tcp":
            await self._modbus_tcp(name, bus, here)
        elif bus.kind == "modbus-rtu":
            line = await serve_pty(_list_devices(here), self._link(name))
            await self._stack.enter_async_context(line)
            self.ports[name] = line
            self._copy["buses"][name]["port"] = str(line.path.absolute())
            self._tell(name, "Modbus RTU", str(line.path), here)
        elif bus.kind == "bacnet-ip":
            await self._bacnet(name, bus, here)
        elif bus.kind == "opcua":
            await self._opcua(name, bus, here)
        else:
            await self._meters(name, bus, here)

    async def _modbus_tcp(self, name: str, bus: Bus, here: list[SimulatedDevice]) -> None:
        port = self._port(bus.host, bus.port)
        server = await serve_tcp(_list_devices(here), self.host, port)
        await self._stack.enter_async_context(server)
        self._copy["buses"][name] |= {"host": _get_reachable_host(self.host), "port": server.port}
        self._tell(name, "Modbus TCP", f"{self.host}:{server.port}", here)

    async def _bacnet(self, name: str, bus: Bus, here: list[SimulatedDevice]) -> None:
        for one in here:
            end = await serve_udp(one.body, self.host, self._port("", None))
            await self._stack.enter_async_context(end)
            self._copy["devices"][one.name]["address"] = f"{_get_reachable_host(self.host)}:{end.port}"
            self._tell(name, "BACnet/IP", f"{self.host}:{end.port}", [one])
        self._copy["buses"][name] |= {"interface": GATEWAY_HOST, "port": bus.port or 47_808}
        self._copy["buses"][name].pop("bbmd", None)

    async def _opcua(self, name: str, bus: Bus, here: list[SimulatedDevice]) -> None:
        from quartier_sim.opcua import certificates, server  # noqa: PLC0415 - 40 MiB, for sites that have one

        keys = self.folder / "keys"
        identity = certificates.create_identity(keys / name, server.URI)
        certificates.trust_certificate(keys, identity.certificate)
        secret = keys / PASSWORD_FILE
        secret.touch(mode=0o600)
        secret.write_text(f"{server.PASSWORD}\n")
        parts = urlsplit(bus.url)
        plant = await server.make_server(here[0].body, identity, self._port(parts.hostname or "", parts.port))
        await self._stack.enter_async_context(plant)
        login = {"url": plant.url, "user": server.USER, "password_file": str(secret.absolute())}
        section = self._copy["buses"][name]
        kept = {key: section[key] for key in ("subscribe", "poll_s", "timeout_s") if key in section}
        self._copy["buses"][name] = {"kind": "opcua", **login, "pki": str(keys.absolute()), **kept}
        self._tell(name, "OPC UA", plant.url, here)

    async def _meters(self, name: str, bus: Bus, here: list[SimulatedDevice]) -> None:
        port: Port = PtyPort(self._link(name))
        if str(bus.port).startswith("tcp://"):
            parts = urlsplit(str(bus.port))
            port = TcpPort(host=self.host, port=self._port(parts.hostname or "", parts.port))
        for one in here:
            self.meters[one.name] = SerialMeter(one.body)
        meters = [self.meters[one.name] for one in here]
        await self._stack.enter_async_context(
            serial_meters.connect_meters(
                bus.kind, meters, port, rate=self.rate, seed=self.seed, baud=bus.baud
            )
        )
        self.ports[name] = port
        # A pty has neither parity nor seven bits.
        led = (
            {"port": _get_absolute_path(port), "framing": "8N1"}
            if isinstance(port, PtyPort)
            else {"port": port.url}
        )
        self._copy["buses"][name] |= led
        self._tell(name, _PROTOCOL_NAMES[bus.kind], port.url, here)

    def _silence(self, name: str, bus: Bus) -> None:
        """Disable a bus without simulated devices: its copy in the site file never leads to the real one."""
        section = self._copy["buses"][name]
        if bus.kind == "modbus-tcp":
            section |= {"host": "127.0.0.1", "port": UNUSED_PORT}
        elif bus.kind == "bacnet-ip":
            section |= {"interface": GATEWAY_HOST}
        elif bus.kind == "opcua":
            section["url"] = f"opc.tcp://127.0.0.1:{UNUSED_PORT}"
        elif bus.kind == "gpio":
            section["chip"] = "/dev/gpiochip-not-played"
        else:
            section["port"] = str(self._link(name).absolute())

    # -- addresses ---------------------------------------------------------------------------

    def _port(self, host: str, site_port: object) -> int:
        """The port of an endpoint: as the site file says where that is on this machine, else the next one."""
        if self.port_base is None and isinstance(site_port, int) and _is_local_host(host):
            return site_port
        if self.port_base == 0:
            return 0
        self._taken_count += 1
        return (self.port_base or PORT_BASE) + self._taken_count - 1

    def _link(self, bus: str) -> Path:
        return self.folder / bus

    def _tell(self, bus: str, protocol: str, address: str, here: list[SimulatedDevice]) -> None:
        for one in here:
            self.rows.append(
                DeviceAddress(
                    bus=bus,
                    protocol=protocol,
                    address=address,
                    device=one.name,
                    unit=one.entry.unit,
                    profile=one.entry.profile,
                    plays=one.role.words,
                    serves=one.owners,
                )
            )

    @property
    def copy(self) -> dict[str, Any]:
        """The site file with these addresses."""
        return self._copy


def copy_site(site: Site) -> dict[str, Any]:
    """A site file's whole content, to be led to the rig.

    It has no district: what a simulated building measures is nobody's to hear.  BACnet devices that nobody
    plays lead nowhere.
    """
    whole = copy.deepcopy(dict(site.raw))
    whole.pop("district_link", None)
    whole.pop("shares", None)
    whole.setdefault("site", {})["simulated"] = True
    folders = whole["site"].get("profiles", [])
    ours = str(find_profiles_folder())
    whole["site"]["profiles"] = [
        *(str((site.folder / one).absolute()) for one in folders if one != ours),
        ours,
    ]
    for name, device in whole["devices"].items():
        if site.buses[site.devices[name].bus].kind == "bacnet-ip":
            device["address"] = f"127.0.0.1:{UNUSED_PORT}"
    return whole


def _get_absolute_path(port: PtyPort) -> str:
    return str(port.path.absolute())


def _list_devices(here: list[SimulatedDevice]) -> list[Device]:
    """Return each simulated device once, also where it is several devices of the site file."""
    return list(dict.fromkeys(one.body for one in here))


def _is_local_host(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _get_reachable_host(host: str) -> str:
    """Return the address by which a program on this machine reaches a listener on ``host``."""
    return "127.0.0.1" if host in ("", "0.0.0.0") else host  # noqa: S104 - compared, not bound


def _suggest_remedy(bus: Bus) -> str:
    if bus.kind in (*MODBUS_KINDS, "opcua", "bacnet-ip"):
        return "--port-base N takes other ports, 0 free ones"
    return "--folder DIR takes another place for serial ports"


_PROTOCOL_NAMES = {
    "tic": "Linky TIC",
    "p1": "P1",
    "sml": "SML",
    "dlms": "HAN push",
    "mbus": "M-Bus",
    "iec62056": "IEC 62056-21",
}


_TABLE_HEADER = ("BUS", "PROTOCOL", "ADDRESS", "UNIT", "DEVICE", "PROFILE", "SHOWS")


def format_table(rows: Sequence[DeviceAddress], absent: Sequence[UnsimulatedDevice]) -> str:
    """For people."""
    cells = [_TABLE_HEADER, *(_format_cells(row) for row in rows)]
    text = "\n".join(_align_columns(cells))
    if absent:
        text += f"\n\nnot served, and silent ({len(absent)}):\n" + "\n".join(
            _format_unsimulated(one) for one in absent
        )
    return text


def build_json_table(
    rows: Sequence[DeviceAddress], absent: Sequence[UnsimulatedDevice], folder: Path
) -> dict[str, Any]:
    """For machines."""
    return {
        "served": [row.as_json() for row in rows],
        "not_served": [asdict(one) for one in absent],
        "folder": str(folder.absolute()),
        "site": str((folder / "site.toml").absolute()),
        "control": str((folder / "control").absolute()),
    }


def format_profiles() -> str:
    """Return every profile with its simulated device, as text."""
    found = ((name, device_roles.find_role(name)) for name in device_roles.list_profiles())
    return "\n".join(_align_columns([(name, role.words) for name, role in found if role is not None]))


def _format_cells(row: DeviceAddress) -> tuple[str, ...]:
    shows = ", ".join(row.serves) or "-"
    return (row.bus, row.protocol, row.address, str(row.unit), row.device, row.profile, shows)


def _align_columns(cells: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()


def _format_unsimulated(one: UnsimulatedDevice) -> str:
    return f"  {one.key}: {one.why}; next: {one.step}"
