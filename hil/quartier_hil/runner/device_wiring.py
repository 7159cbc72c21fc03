"""Connect plant and simulated devices: values to registers, orders back, and the site file for both.

The site has five devices on three wires: an RS-485 line (a pty) with the connection's meter (SDM630),
the heat pump's meter (EM24) and a relay board; a Victron GX with battery and PV on TCP; a charging
station (KEBA P30) on TCP.  With a contact of the grid operator an input board (IO 8CH) joins the line.
"""

from collections.abc import Collection, Container, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from quartier_hil.runner.asset_devices import AssetDevices
from quartier_hil.scenario import fault_rules
from quartier_hil.scenario.outputs import list_outputs
from quartier_hil.scenario.site import InverterMake, SiteSpec
from quartier_hil.scenario.site_file import (
    CHARGER,
    GX,
    HEAT_METER,
    INPUTS,
    METER,
    RELAYS,
    SOLAR,
    STORAGE,
    find_keys_folder,
)
from quartier_sim.devices import catalog
from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus.endpoints import serve_pty, serve_tcp
from quartier_sim.plant.building_model import Orders
from quartier_sim.sunspec.battery_inverter import BatteryInverter
from quartier_sim.sunspec.measurements import Generation
from quartier_sim.sunspec.pv_inverter import SolarInverter

HEARTBEAT_S = 60.0
ABSENT_PORT = 1
"""The port of a twin that is on no wire; the bench's takes its place in the site file."""
MAKE_NAMES: Mapping[InverterMake, str] = {
    "gx": "Victron GX",
    "sunspec-1xx": "SunSpec, models 1xx",
    "sunspec-7xx": "SunSpec, models 7xx",
}
_MAINS = frozenset(
    {"power_w", "frequency_hz", "energy_import_wh", "energy_export_wh"}
    | {
        f"{kind}_l{phase}_{unit}"
        for phase in (1, 2, 3)
        for kind, unit in (("voltage", "v"), ("current", "a"))
    }
    | {f"power_l{phase}_w" for phase in (1, 2, 3)}
)
# Device, what is put before the quantity there, asset, and the quantities it measures.
_MEASURED: tuple[tuple[str, str, str, frozenset[str]], ...] = (
    (METER, "", "grid", _MAINS),
    (GX, "battery.", "bat1", frozenset({"power_w", "soc_pct", "voltage_v"})),
    (GX, "pv.", "pv1", frozenset({"power_w", "energy_export_wh"})),
    (
        STORAGE,
        "",
        "bat1",
        frozenset({"power_w", "soc_pct", "voltage_v", "energy_import_wh", "energy_export_wh"}),
    ),
    (SOLAR, "", "pv1", frozenset({"power_w", "energy_export_wh"})),
    (
        CHARGER,
        "",
        "ev1",
        frozenset({"power_w", "plugged_on", "charge_state", "session_energy_wh", "energy_import_wh"}),
    ),
    (HEAT_METER, "", "hp1", frozenset({"power_w", "energy_import_wh"})),
)
_ON_LINE = {METER: "SDM630", HEAT_METER: "EM24", RELAYS: "relays", INPUTS: "inputs"}
_ON_TCP = {
    GX: "Victron GX",
    STORAGE: "SunSpec battery inverter",
    SOLAR: "SunSpec PV inverter",
    CHARGER: "KEBA P30",
}
# What each output must read after `quartier release` (the profiles' on_release): device, order, value.
RELEASE_VALUES = (
    (GX, "battery.setpoint_w", 0.0),
    (STORAGE, "setpoint_w", 0.0),
    (CHARGER, "current_max_a", 0.0),
    (RELAYS, "relay1.relay_on", 0.0),
)


class DeviceWiring:
    """Devices of the site on their wires; those that are ``real`` elsewhere are on none of these."""

    def __init__(self, seed: int, site_spec: SiteSpec | None = None, real: Collection[str] = ()) -> None:
        site_spec = SiteSpec() if site_spec is None else site_spec
        self.house = site_spec
        self.real = frozenset(real)
        self.devices: dict[str, Device] = {
            METER: catalog.make_device("eastron/sdm630", unit=1, seed=seed),
            HEAT_METER: catalog.make_device("carlo-gavazzi/em24", unit=2, seed=seed + 1),
            RELAYS: catalog.make_device("waveshare/relay8", unit=3, seed=seed + 2),
            CHARGER: catalog.make_device("keba/p30", rated_a=16.0, seed=seed + 4),
        }
        if "gx" in (site_spec.battery, site_spec.pv):
            self.devices[GX] = catalog.make_device("victron/gx", seed=seed + 3)
        if site_spec.contact_import_w is not None:
            self.devices[INPUTS] = catalog.make_device("waveshare/io8", unit=4, seed=seed + 5)
        if site_spec.battery != "gx":
            self.devices[STORAGE] = BatteryInverter(
                _find_generation(site_spec.battery),
                rated_w=site_spec.battery_w,
                capacity_wh=site_spec.battery_wh,
                heartbeat_s=HEARTBEAT_S,
                habits=site_spec.battery_habits,
                seed=seed + 6,
            )
        if site_spec.pv != "gx":
            self.devices[SOLAR] = SolarInverter(
                _find_generation(site_spec.pv),
                rated_w=site_spec.pv_w,
                habits=site_spec.pv_habits,
                seed=seed + 7,
            )
        self.asset_devices = AssetDevices(site_spec, seed)
        self.devices |= self.asset_devices.devices
        self.ports: dict[str, int] = {}
        self._closed = False
        self._wires = AsyncExitStack()

    async def serve(self, pty: Path) -> None:
        """Put all devices on their wires; ``pty`` becomes the serial port."""
        line = [
            self.devices[name]
            for name in fault_rules.LINE_DEVICES
            if name in self.devices and name not in self.real
        ]
        self._line = await self._wires.enter_async_context(await serve_pty(line, pty))
        for name in (GX, CHARGER, STORAGE, SOLAR):
            if name in self.real:
                self.ports[name] = ABSENT_PORT
            elif name in self.devices:
                server = await serve_tcp(self.devices[name])
                await self._wires.enter_async_context(server)
                self.ports[name] = server.port
        self.ports |= await self.asset_devices.serve(self._wires, find_keys_folder(pty), self.real)
        self.ports |= {name: ABSENT_PORT for name in self.asset_devices.devices if name in self.real}

    def pull(self) -> None:
        """Pull the serial adapter out of the gateway."""
        self._line.unplug()

    def put(self) -> None:
        """Put it back."""
        self._line.plug()

    async def close(self) -> None:
        """Take everything off the wires."""
        await self._wires.aclose()

    def publish(self, values: Mapping[str, float], now_s: float) -> None:
        """Show the plant's values (``asset.quantity``) to the devices that measure them."""
        for device in self.devices.values():
            device.tick(now_s)
        shown: dict[str, dict[str, float]] = {}
        for name, prefix, asset, quantities in _MEASURED:
            if name not in self.devices:
                continue
            found = shown.setdefault(name, {})
            for quantity in quantities:
                value = values.get(f"{asset}.{quantity}")
                if value is not None:
                    found[prefix + quantity] = value
        for name, found in shown.items():
            if not self.devices[name].off:
                self.devices[name].publish(found)
        self._show_contact()
        self.asset_devices.publish(values)

    def orders(self) -> Orders:
        """Return the orders of the devices to the plant."""
        charger, relays = self.devices[CHARGER], self.devices[RELAYS]
        stored = (STORAGE, "setpoint_w") if STORAGE in self.devices else (GX, "battery.setpoint_w")
        generation_w = self._order(SOLAR, "generation_max_w")
        return Orders(
            battery_w=self._order(*stored) or 0.0,
            generation_max_w=float("inf") if generation_w is None else generation_w,
            current_max_a=0.0 if charger.off else charger.effective_orders()["current_max_a"],
            relay_on=not relays.off and relays.effective_orders()["relay1.relay_on"] > 0,
            more=self.asset_devices.orders(),
        )

    def _order(self, name: str, point: str) -> float | None:
        """Return an order of a device to the plant; None if it is not in this site, or has no power."""
        device = self.devices.get(name)
        return None if device is None or device.off else device.effective_orders()[point]

    def list_unreleased_outputs(self) -> tuple[str, ...]:
        """Outputs that are not at their release value, in words; empty when all are."""
        wrong = []
        for name, point, expected in RELEASE_VALUES:
            order = self._order(name, point)
            away = name in self.real or order is None or self.devices[name].faults
            if order != expected and not away:
                wrong.append(f"{name} {point} is {order:g} instead of {expected:g}")
        return tuple(wrong)

    def contact(self, *, closed: bool) -> None:
        """Close or open the grid operator's contact."""
        self._closed = closed
        self._show_contact()

    def _show_contact(self) -> None:
        if INPUTS in self.devices and not self.devices[INPUTS].off:
            self.devices[INPUTS].publish({"in1.input_on": float(self._closed)})

    def fault(self, target: str, kind: Any, **args: Any) -> None:
        """Make a device, or all on a wire, misbehave (see ``devices.fault`` and ``verbs``)."""
        for name in fault_rules.list_target_devices(self.house, target):
            self.devices[name].fault(fault_rules.convert_wire_fault(target, kind), **args)

    def clear(self, target: str) -> None:
        """Make a device, or all on a wire, well again."""
        for name in fault_rules.list_target_devices(self.house, target):
            self.devices[name].clear()

    def supply(self, *, on: bool, backed: Container[str] = ()) -> None:
        """Take the power from every device that has no battery of its own, or give it back."""
        for name, device in self.devices.items():
            if name not in backed:
                device.clear("off") if on else device.fault("off")

    def find_output_device(self, point: str) -> tuple[Device, int]:
        """The device of an output and its port, for a second client.  Raises KeyError for no such output."""
        device = {out.point: out.device for out in list_outputs(self.house)}[point]
        return self.devices[device], self.ports[device]

    @property
    def words(self) -> str:
        """Simulated devices by wire, as text; a real one is on none of these."""
        on_line = [
            label for name, label in _ON_LINE.items() if name in self.devices and name not in self.real
        ]
        on_tcp = [
            f"Modbus TCP ({label})"
            for name, label in _ON_TCP.items()
            if name in self.devices and name not in self.real
        ]
        return ", ".join(
            [f"Modbus RTU on a pty ({', '.join(on_line)})", *on_tcp, *self.asset_devices.words(self.real)]
        )

    @property
    def writes_count(self) -> int:
        """Writes that the devices took since the start."""
        return sum(self.writes_by_device.values())

    @property
    def writes_by_device(self) -> Mapping[str, int]:
        """The same by device."""
        return {name: device.writes_count for name, device in self.devices.items()}


def _find_generation(make: InverterMake) -> Generation:
    return "1xx" if make == "sunspec-1xx" else "7xx"
