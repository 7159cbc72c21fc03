"""Devices of a site's further assets and of its boards' meters: one endpoint each, on its protocol."""

from collections.abc import Container, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from quartier_hil.scenario import site, site_file
from quartier_hil.scenario.site import DEVICE_SUFFIX, METER_SUFFIX, SiteSpec
from quartier_sim.bacnet.bacnet_device import BacnetDevice
from quartier_sim.bacnet.building_controllers import VentilationUnit
from quartier_sim.bacnet.udp_endpoint import serve_udp
from quartier_sim.devices import catalog
from quartier_sim.devices.meter_values import PHASES
from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.modbus.energy_meters import Em24
from quartier_sim.modbus.keba_p30 import P30
from quartier_sim.modbus.plc import Plc
from quartier_sim.opcua import plants as opcua
from quartier_sim.opcua.certificates import PASSWORD_FILE

_CHARGE_POINT_QUANTITIES = ("power_w", "plugged_on", "charge_state", "session_energy_wh")
_VENTILATION_QUANTITIES = ("power_w", "co2_ppm", "speed_pct", "supply_c", "extract_c", "outdoor_c")
_METER_QUANTITIES = (
    "power_w",
    *(f"{kind}_{phase}_{unit}" for kind, unit in (("power", "w"), ("current", "a")) for phase in PHASES),
)


class AssetDevices:
    """By the name of the device: an asset's name with ``_box`` after it, a board's with ``_meter``."""

    def __init__(self, site_spec: SiteSpec, seed: int) -> None:
        self.devices: dict[str, Device] = {}
        self._shown: dict[str, tuple[str, ...]] = {}
        self._boards = [board.name for board in site_spec.boards if board.metered]
        for name in self._boards:
            self.devices[name + METER_SUFFIX] = Em24(seed=seed + 100 + len(self.devices))
        for asset in site_spec.assets:
            for name in site.list_asset_names(asset):
                self._add(asset, name, seed + 100 + len(self.devices))

    def _add(self, asset: site.Asset, name: str, seed: int) -> None:
        if isinstance(asset, site.ChargePark):
            self.devices[name + DEVICE_SUFFIX] = P30(rated_a=asset.current_max_a, seed=seed)
            self._shown[name] = _CHARGE_POINT_QUANTITIES
            return
        if isinstance(asset, site.Ventilation) and asset.protocol == "bacnet":
            self.devices[name + DEVICE_SUFFIX] = VentilationUnit(seed=seed, rated_w=asset.rated_w)
            self._shown[name] = _VENTILATION_QUANTITIES
            return
        if getattr(asset, "protocol", "modbus") == "opcua":
            plant = catalog.make_device(site_file.find_profile(asset), seed=seed)
            assert isinstance(plant, opcua.OpcuaPlant)
            self.devices[name + DEVICE_SUFFIX] = plant
            self._shown[name] = plant.quantities
            return
        box = Plc(asset.kind, seed=seed)
        self.devices[name + DEVICE_SUFFIX] = box
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
            if isinstance(device, BacnetDevice):
                ports[name] = (await stack.enter_async_context(await serve_udp(device))).port
                continue
            if isinstance(device, opcua.OpcuaPlant):
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
                found.setdefault(_find_protocol(device), []).append(name.removesuffix(DEVICE_SUFFIX))
        return [f"{protocol} ({', '.join(names)})" for protocol, names in found.items()]

    async def _serve_plant(
        self, stack: AsyncExitStack, name: str, plant: opcua.OpcuaPlant, keys: Path
    ) -> int:
        from quartier_sim.opcua import certificates, server  # noqa: PLC0415 - 40 MiB, for houses that have one

        identity = certificates.create_identity(keys / name, server.URI)
        certificates.trust_certificate(keys, identity.certificate)
        secret = keys / PASSWORD_FILE
        secret.touch(mode=0o600)
        secret.write_text(f"{server.PASSWORD}\n")
        served = await stack.enter_async_context(await server.make_server(plant, identity))
        return served.port

    def publish(self, values: Mapping[str, float]) -> None:
        """Show each what its asset or board measures."""
        for name, quantities in self._shown.items():
            _show_values(self.devices[name + DEVICE_SUFFIX], name, quantities, values)
        for name in self._boards:
            _show_values(self.devices[name + METER_SUFFIX], name, _METER_QUANTITIES, values)

    def orders(self) -> dict[str, dict[str, float]]:
        """Return the orders of each device to its asset; without power a station gives 0 A, others none."""
        found: dict[str, dict[str, float]] = {}
        for name in self._shown:
            device = self.devices[name + DEVICE_SUFFIX]
            if not device.off:
                found[name] = dict(device.effective_orders())
            elif isinstance(device, P30):
                found[name] = {"current_max_a": 0.0}
        return found


def _find_protocol(device: Device) -> str:
    if isinstance(device, BacnetDevice):
        return "BACnet/IP"
    return "OPC UA" if isinstance(device, opcua.OpcuaPlant) else "Modbus TCP"


def _show_values(device: Device, name: str, quantities: tuple[str, ...], values: Mapping[str, float]) -> None:
    shown = {quantity: values.get(f"{name}.{quantity}") for quantity in quantities}
    if not device.off:
        device.publish({quantity: value for quantity, value in shown.items() if value is not None})
