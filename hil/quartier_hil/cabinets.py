"""The devices of a house's further assets on their wires: one endpoint each, Modbus TCP."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from quartier_hil import fittings
from quartier_hil.devices.actor import Device  # noqa: TC001 - type hints are read at run time too
from quartier_hil.devices.endpoint import serve_tcp
from quartier_hil.devices.p30 import P30
from quartier_hil.devices.plc import Plc
from quartier_hil.fittings import BOX
from quartier_hil.house import House

_CHARGING = ("power_w", "plugged_on", "charge_state", "session_energy_wh")


class Cabinets:
    """By the name of the device: an asset's name with ``_box`` after it."""

    def __init__(self, house: House, seed: int) -> None:
        self.devices: dict[str, Device] = {}
        self._shown: dict[str, tuple[str, ...]] = {}
        for asset in house.assets:
            for name in fittings.names(asset):
                self._add(asset, name, seed + 100 + len(self.devices))

    def _add(self, asset: fittings.Asset, name: str, seed: int) -> None:
        if isinstance(asset, fittings.Cars):
            self.devices[name + BOX] = P30(rated_a=asset.current_max_a, seed=seed)
            self._shown[name] = _CHARGING
            return
        plant = Plc(asset.kind, seed=seed)
        self.devices[name + BOX] = plant
        self._shown[name] = ("power_w", *plant.map.shown)

    async def serve(self, stack: AsyncExitStack) -> dict[str, int]:
        """Put each on a TCP port of its own; returns the ports by device."""
        ports = {}
        for name, device in self.devices.items():
            server = await stack.enter_async_context(await serve_tcp(device))
            ports[name] = server.port
        return ports

    def publish(self, values: Mapping[str, float]) -> None:
        """Show each what its asset measures."""
        for name, quantities in self._shown.items():
            device = self.devices[name + BOX]
            told = {quantity: values.get(f"{name}.{quantity}") for quantity in quantities}
            if not device.off:
                device.publish({quantity: value for quantity, value in told.items() if value is not None})

    def orders(self) -> dict[str, dict[str, float]]:
        """What each makes its asset do; without power a station gives none, others do as by themselves."""
        found: dict[str, dict[str, float]] = {}
        for name in self._shown:
            device = self.devices[name + BOX]
            if not device.off:
                found[name] = dict(device.obeyed())
            elif isinstance(device, P30):
                found[name] = {"current_max_a": 0.0}
        return found
