"""Devices of a site's further assets and of its boards' meters: one endpoint each, on its protocol."""

from collections.abc import Container, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from quartier_hil import fittings, siting
from quartier_hil.devices import catalog
from quartier_hil.devices.actor import Device
from quartier_hil.devices.bacnet.endpoint import serve_udp
from quartier_hil.devices.bacnet.station import Station
from quartier_hil.devices.bacnet.ventilation import VentilationUnit
from quartier_hil.devices.em24 import Em24
from quartier_hil.devices.endpoint import serve_tcp
from quartier_hil.devices.mains import PHASES
from quartier_hil.devices.opcua import station as opcua
from quartier_hil.devices.p30 import P30
from quartier_hil.devices.plc import Plc
from quartier_hil.fittings import BOX, METER
from quartier_hil.house import House

_CHARGING = ("power_w", "plugged_on", "charge_state", "session_energy_wh")
_AIR = ("power_w", "co2_ppm", "speed_pct", "supply_c", "extract_c", "outdoor_c")
_MEASURED = (
    "power_w",
    *(f"{kind}_{phase}_{unit}" for kind, unit in (("power", "w"), ("current", "a")) for phase in PHASES),
)


class Cabinets:
    """By the name of the device: an asset's name with ``_box`` after it, a board's with ``_meter``."""

    def __init__(self, house: House, seed: int) -> None:
        self.devices: dict[str, Device] = {}
        self._shown: dict[str, tuple[str, ...]] = {}
        self._boards = [board.name for board in house.boards if board.metered]
        for name in self._boards:
            self.devices[name + METER] = Em24(seed=seed + 100 + len(self.devices))
        for asset in house.assets:
            for name in fittings.names(asset):
                self._add(asset, name, seed + 100 + len(self.devices))

    def _add(self, asset: fittings.Asset, name: str, seed: int) -> None:
        if isinstance(asset, fittings.Cars):
            self.devices[name + BOX] = P30(rated_a=asset.current_max_a, seed=seed)
            self._shown[name] = _CHARGING
            return
        if isinstance(asset, fittings.Ventilation) and asset.protocol == "bacnet":
            self.devices[name + BOX] = VentilationUnit(seed=seed, rated_w=asset.rated_w)
            self._shown[name] = _AIR
            return
        if getattr(asset, "protocol", "modbus") == "opcua":
            plant = catalog.make(siting.profile(asset), seed=seed)
            assert isinstance(plant, opcua.Station)
            self.devices[name + BOX] = plant
            self._shown[name] = plant.quantities
            return
        box = Plc(asset.kind, seed=seed)
        self.devices[name + BOX] = box
        self._shown[name] = ("power_w", *box.map.shown)

    async def serve(self, stack: AsyncExitStack, keys: Path, real: Container[str] = ()) -> dict[str, int]:
        """Put each on a port of its own, TCP or UDP, but those that are real; returns the ports by device.

        In ``keys`` the gateway finds what it has to know of those with an OPC UA server: a password, and
        which certificates are theirs.
        """
        ports = {}
        for name, device in self.devices.items():
            if name in real:
                continue
            if isinstance(device, Station):
                ports[name] = (await stack.enter_async_context(await serve_udp(device))).port
                continue
            if isinstance(device, opcua.Station):
                ports[name] = await self._serve_plant(stack, name, device, keys)
                continue
            server = await stack.enter_async_context(await serve_tcp(device))
            ports[name] = server.port
        return ports

    def words(self, real: Container[str] = ()) -> list[str]:
        """Return the devices by protocol, as text: an item for each protocol present."""
        found: dict[str, list[str]] = {}
        for name, device in self.devices.items():
            if name not in real:
                found.setdefault(_protocol(device), []).append(name.removesuffix(BOX))
        return [f"{protocol} ({', '.join(names)})" for protocol, names in found.items()]

    async def _serve_plant(self, stack: AsyncExitStack, name: str, plant: opcua.Station, keys: Path) -> int:
        from quartier_hil.devices.opcua import pki, server  # noqa: PLC0415 - 40 MiB, for houses that have one

        identity = pki.made(keys / name, server.URI)
        pki.trust(keys, identity.certificate)
        secret = keys / siting.PASSWORD
        secret.touch(mode=0o600)
        secret.write_text(f"{server.PASSWORD}\n")
        served = await stack.enter_async_context(await server.serve(plant, identity))
        return served.port

    def publish(self, values: Mapping[str, float]) -> None:
        """Show each what its asset or board measures."""
        for name, quantities in self._shown.items():
            _show(self.devices[name + BOX], name, quantities, values)
        for name in self._boards:
            _show(self.devices[name + METER], name, _MEASURED, values)

    def orders(self) -> dict[str, dict[str, float]]:
        """Return the orders of each device to its asset; without power a station gives 0 A, others none."""
        found: dict[str, dict[str, float]] = {}
        for name in self._shown:
            device = self.devices[name + BOX]
            if not device.off:
                found[name] = dict(device.obeyed())
            elif isinstance(device, P30):
                found[name] = {"current_max_a": 0.0}
        return found


def _protocol(device: Device) -> str:
    if isinstance(device, Station):
        return "BACnet/IP"
    return "OPC UA" if isinstance(device, opcua.Station) else "Modbus TCP"


def _show(device: Device, name: str, quantities: tuple[str, ...], values: Mapping[str, float]) -> None:
    told = {quantity: values.get(f"{name}.{quantity}") for quantity in quantities}
    if not device.off:
        device.publish({quantity: value for quantity, value in told.items() if value is not None})
