"""Put a site's simulated devices on their wires, each at an address that a test harness finds again."""

import copy
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from quartier_hil import siting
from quartier_hil.devices.actor import Device
from quartier_hil.devices.bacnet.endpoint import serve_udp
from quartier_hil.devices.endpoint import PtyEndpoint, serve_pty, serve_tcp
from quartier_hil.devices.meters.port import Port, PtyPort, TcpPort
from quartier_hil.standins import meter
from quartier_hil.standins.meter import Meter
from quartier_hil.standins.played import MODBUS, Company, Played
from quartier_hil.standins.sitefile import Bus, Site

PORT_BASE = 15_020
OWN_END = "127.0.0.2"
"""The gateway's end of a BACnet network on loopback, so that both may have the same port."""
# Nobody listens there: what is not played is silent, and never the real one.
NOWHERE_PORT = 9


class Unserved(OSError):  # noqa: N818 - a state of the wires, named as the house names it
    """A bus cannot be put on its wire; the text names it and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
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
class Wires:
    """The endpoints of a site; ``folder`` holds the links of its serial ports and its certificates."""

    site: Site
    company: Company
    folder: Path
    host: str = "127.0.0.1"
    port_base: int | None = None
    rate: float = 1.0
    seed: int = 1
    rows: list[Row] = field(default_factory=list)
    meters: dict[str, Meter] = field(default_factory=dict)
    ports: dict[str, Port | PtyEndpoint] = field(default_factory=dict)
    """Serial ports by bus: what can be pulled out."""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _taken_count: int = 0
    _copy: dict[str, Any] = field(default_factory=dict)

    async def serve(self) -> None:
        """Put everything on its wire.  Raises Unserved; what was put there before is taken away again."""
        self._copy = copied(self.site)
        for name, bus in self.site.buses.items():
            here = self.company.on(name)
            if not here:
                self._hush(name, bus)
                continue
            try:
                await self._serve(name, bus, here)
            except OSError as error:
                await self.close()
                raise Unserved(f"buses.{name}: {error.strerror or error}; {_remedy(bus)}") from error
            except ValueError as error:
                await self.close()
                raise Unserved(f"buses.{name}: {error}") from error

    async def close(self) -> None:
        """Take everything away."""
        await self._stack.aclose()

    async def _serve(self, name: str, bus: Bus, here: list[Played]) -> None:
        if bus.kind == "modbus-tcp":
            await self._modbus_tcp(name, bus, here)
        elif bus.kind == "modbus-rtu":
            line = await serve_pty(_bodies(here), self._link(name))
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

    async def _modbus_tcp(self, name: str, bus: Bus, here: list[Played]) -> None:
        port = self._port(bus.host, bus.port)
        server = await serve_tcp(_bodies(here), self.host, port)
        await self._stack.enter_async_context(server)
        self._copy["buses"][name] |= {"host": _reached(self.host), "port": server.port}
        self._tell(name, "Modbus TCP", f"{self.host}:{server.port}", here)

    async def _bacnet(self, name: str, bus: Bus, here: list[Played]) -> None:
        for one in here:
            end = await serve_udp(one.body, self.host, self._port("", None))
            await self._stack.enter_async_context(end)
            self._copy["devices"][one.name]["address"] = f"{_reached(self.host)}:{end.port}"
            self._tell(name, "BACnet/IP", f"{self.host}:{end.port}", [one])
        self._copy["buses"][name] |= {"interface": OWN_END, "port": bus.port or 47_808}
        self._copy["buses"][name].pop("bbmd", None)

    async def _opcua(self, name: str, bus: Bus, here: list[Played]) -> None:
        from quartier_hil.devices.opcua import pki, server  # noqa: PLC0415 - 40 MiB, for sites that have one

        keys = self.folder / "keys"
        identity = pki.made(keys / name, server.URI)
        pki.trust(keys, identity.certificate)
        secret = keys / siting.PASSWORD
        secret.touch(mode=0o600)
        secret.write_text(f"{server.PASSWORD}\n")
        parts = urlsplit(bus.url)
        plant = await server.serve(here[0].body, identity, self._port(parts.hostname or "", parts.port))
        await self._stack.enter_async_context(plant)
        login = {"url": plant.url, "user": server.USER, "password_file": str(secret.absolute())}
        said = self._copy["buses"][name]
        kept = {key: said[key] for key in ("subscribe", "poll_s", "timeout_s") if key in said}
        self._copy["buses"][name] = {"kind": "opcua", **login, "pki": str(keys.absolute()), **kept}
        self._tell(name, "OPC UA", plant.url, here)

    async def _meters(self, name: str, bus: Bus, here: list[Played]) -> None:
        port: Port = PtyPort(self._link(name))
        if str(bus.port).startswith("tcp://"):
            parts = urlsplit(str(bus.port))
            port = TcpPort(host=self.host, port=self._port(parts.hostname or "", parts.port))
        for one in here:
            self.meters[one.name] = Meter(one.body)
        kept = [self.meters[one.name] for one in here]
        await self._stack.enter_async_context(
            meter.wire(bus.kind, kept, port, rate=self.rate, seed=self.seed, baud=bus.baud)
        )
        self.ports[name] = port
        # A pty has neither parity nor seven bits.
        led = {"port": _absolute(port), "framing": "8N1"} if isinstance(port, PtyPort) else {"port": port.url}
        self._copy["buses"][name] |= led
        self._tell(name, _NAMES[bus.kind], port.url, here)

    def _hush(self, name: str, bus: Bus) -> None:
        """Disable a bus without simulated devices: its copy in the site file never leads to the real one."""
        section = self._copy["buses"][name]
        if bus.kind == "modbus-tcp":
            section |= {"host": "127.0.0.1", "port": NOWHERE_PORT}
        elif bus.kind == "bacnet-ip":
            section |= {"interface": OWN_END}
        elif bus.kind == "opcua":
            section["url"] = f"opc.tcp://127.0.0.1:{NOWHERE_PORT}"
        elif bus.kind == "gpio":
            section["chip"] = "/dev/gpiochip-not-played"
        else:
            section["port"] = str(self._link(name).absolute())

    # -- addresses ---------------------------------------------------------------------------

    def _port(self, host: str, said: object) -> int:
        """The port of an endpoint: as the site file says where that is on this machine, else the next one."""
        if self.port_base is None and isinstance(said, int) and _is_here(host):
            return said
        if self.port_base == 0:
            return 0
        self._taken_count += 1
        return (self.port_base or PORT_BASE) + self._taken_count - 1

    def _link(self, bus: str) -> Path:
        return self.folder / bus

    def _tell(self, bus: str, protocol: str, address: str, here: list[Played]) -> None:
        for one in here:
            self.rows.append(
                Row(
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


def copied(site: Site) -> dict[str, Any]:
    """A site file's whole content, to be led to the rig.

    It has no district: what a simulated building measures is nobody's to hear.  BACnet devices that nobody
    plays lead nowhere.
    """
    whole = copy.deepcopy(dict(site.raw))
    whole.pop("district_link", None)
    whole.pop("shares", None)
    whole.setdefault("site", {})["simulated"] = True
    folders = whole["site"].get("profiles", [])
    ours = str(siting.profiles_folder())
    whole["site"]["profiles"] = [
        *(str((site.folder / one).absolute()) for one in folders if one != ours),
        ours,
    ]
    for name, device in whole["devices"].items():
        if site.buses[site.devices[name].bus].kind == "bacnet-ip":
            device["address"] = f"127.0.0.1:{NOWHERE_PORT}"
    return whole


def _absolute(port: PtyPort) -> str:
    return str(port.path.absolute())


def _bodies(here: list[Played]) -> list[Device]:
    """Return each simulated device once, also where it is several devices of the site file."""
    return list(dict.fromkeys(one.body for one in here))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reached(host: str) -> str:
    """Return the address by which a program on this machine reaches a listener on ``host``."""
    return "127.0.0.1" if host in ("", "0.0.0.0") else host  # noqa: S104 - compared, not bound


def _remedy(bus: Bus) -> str:
    if bus.kind in (*MODBUS, "opcua", "bacnet-ip"):
        return "--port-base N takes other ports, 0 free ones"
    return "--folder DIR takes another place for serial ports"


_NAMES = {
    "tic": "Linky TIC",
    "p1": "P1",
    "sml": "SML",
    "dlms": "HAN push",
    "mbus": "M-Bus",
    "iec62056": "IEC 62056-21",
}
