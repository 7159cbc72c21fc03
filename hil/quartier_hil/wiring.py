"""Plant and simulated devices put together: values to registers, orders back, and the site file for both.

The house has five devices on three wires: an RS-485 line (a pty) with the connection's meter (SDM630),
the heat pump's meter (EM24) and a relay board; a Victron GX with battery and PV on TCP; a charging
station (KEBA P30) on TCP.  With a contact of the grid operator an input board (IO 8CH) joins the line.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from quartier_hil.devices import catalog
from quartier_hil.devices.actor import Device  # noqa: TC001 - type hints are read at run time too
from quartier_hil.devices.endpoint import serve_pty, serve_tcp
from quartier_hil.district.session import Names
from quartier_hil.plant.building import Orders
from quartier_hil.scenario import House

# Time-outs are real: below this a busy machine would be taken for a silent device.
TIMEOUT_MIN_S = 0.1
METER, GX, CHARGER, HEAT_METER, RELAYS = "meter", "gx", "charger", "heatmeter", "relays"
INPUTS = "inputs"
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
        CHARGER,
        "",
        "ev1",
        frozenset({"power_w", "plugged_on", "charge_state", "session_energy_wh", "energy_import_wh"}),
    ),
    (HEAT_METER, "", "hp1", frozenset({"power_w", "energy_import_wh"})),
)
# What each output must read after `quartier release` (the profiles' on_release): device, order, value.
RELEASED = (
    (GX, "battery.setpoint_w", 0.0),
    (CHARGER, "current_max_a", 0.0),
    (RELAYS, "relay1.relay_on", 0.0),
)


class Wiring:
    """The devices of the house on their wires."""

    def __init__(self, seed: int, *, contact: bool = False) -> None:
        self.devices: dict[str, Device] = {
            METER: catalog.make("eastron/sdm630", unit=1, seed=seed),
            HEAT_METER: catalog.make("carlo-gavazzi/em24", unit=2, seed=seed + 1),
            RELAYS: catalog.make("waveshare/relay8", unit=3, seed=seed + 2),
            GX: catalog.make("victron/gx", seed=seed + 3),
            CHARGER: catalog.make("keba/p30", rated_a=16.0, seed=seed + 4),
        }
        if contact:
            self.devices[INPUTS] = catalog.make("waveshare/io8", unit=4, seed=seed + 5)
        self.gx_port = 0
        self.charger_port = 0
        self._wires = AsyncExitStack()

    async def serve(self, pty: Path) -> None:
        """Put all devices on their wires; ``pty`` becomes the serial port."""
        line = [self.devices[name] for name in (METER, HEAT_METER, RELAYS, INPUTS) if name in self.devices]
        await self._wires.enter_async_context(await serve_pty(line, pty))
        gx = await self._wires.enter_async_context(await serve_tcp(self.devices[GX]))
        charger = await self._wires.enter_async_context(await serve_tcp(self.devices[CHARGER]))
        self.gx_port, self.charger_port = gx.port, charger.port

    async def close(self) -> None:
        """Take everything off the wires."""
        await self._wires.aclose()

    def publish(self, values: Mapping[str, float], now_s: float) -> None:
        """Show the plant's values (``asset.quantity``) to the devices that measure them."""
        for device in self.devices.values():
            device.tick(now_s)
        shown: dict[str, dict[str, float]] = {}
        for name, prefix, asset, quantities in _MEASURED:
            found = shown.setdefault(name, {})
            for quantity in quantities:
                value = values.get(f"{asset}.{quantity}")
                if value is not None:
                    found[prefix + quantity] = value
        for name, found in shown.items():
            if not self.devices[name].off:
                self.devices[name].publish(found)

    def orders(self) -> Orders:
        """What the devices make the plant do."""
        gx, charger, relays = (self.devices[name] for name in (GX, CHARGER, RELAYS))
        return Orders(
            battery_w=0.0 if gx.off else gx.orders()["battery.setpoint_w"],
            current_max_a=0.0 if charger.off else charger.orders()["current_max_a"],
            relay_on=not relays.off and relays.orders()["relay1.relay_on"] > 0,
        )

    def unreleased(self) -> tuple[str, ...]:
        """Outputs that are not at their release value, in words; empty when all are."""
        wrong = []
        for name, point, expected in RELEASED:
            value = self.devices[name].orders()[point]
            if value != expected and not self.devices[name].faults:
                wrong.append(f"{name} {point} is {value:g} instead of {expected:g}")
        return tuple(wrong)

    def contact(self, *, closed: bool) -> None:
        """Close or open the grid operator's contact."""
        self.devices[INPUTS].publish({"in1.input_on": float(closed)})

    def fault(self, device: str, kind: Any, **args: Any) -> None:
        """Make a device misbehave (see ``devices.fault``)."""
        self.devices[device].fault(kind, **args)

    def clear(self, device: str) -> None:
        """Make a device well again."""
        self.devices[device].clear()

    @property
    def writes_count(self) -> int:
        """Writes that the devices took since the start."""
        return sum(device.writes_count for device in self.devices.values())


_SITE = """\
# The rig's house; written by quartier-hil for one run.
[site]
id = "{edge}"
district = "{group}"
simulated = true

[buses.rs485]
kind = "modbus-rtu"
port = "{pty}"
baud = 115200
timeout_s = {rtu_timeout_s}

[buses.gx_net]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {gx_port}
timeout_s = {timeout_s}

[buses.charger_net]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {charger_port}
timeout_s = {timeout_s}

[devices.meter]
bus = "rs485"
profile = "eastron/sdm630"
unit = 1

[devices.heatmeter]
bus = "rs485"
profile = "carlo-gavazzi/em24"
unit = 2

[devices.relays]
bus = "rs485"
profile = "waveshare/relay8"
unit = 3

[devices.gx]
bus = "gx_net"
profile = "victron/gx"
unit = 227

[devices.charger]
bus = "charger_net"
profile = "keba/p30"
unit = 255

[assets.grid]
role = "grid"
device = "meter"

[assets.bat1]
role = "battery"
device = "gx"
part = "battery"
rated_w = {battery_w}
capacity_wh = {battery_wh}

[assets.pv1]
role = "pv"
device = "gx"
part = "pv"
rated_w = {pv_w}
curtail = "none"

[assets.ev1]
role = "ev"
device = "charger"
current_max_a = 16

[assets.hp1]
role = "load"
device = "heatmeter"
tier = "C"
rated_w = {heat_pump_w}
switch_device = "relays"
switch_part = "relay1"

[limits]
contract_import_w = {contract_import_w}
contract_export_w = {contract_export_w}
failsafe_import_w = {failsafe_import_w}
failsafe_export_w = {failsafe_export_w}

[district_link]
url = "mqtt://127.0.0.1:{broker_port}"
primary_host = "{host}"
issuers_file = "{issuers_file}"
backfill_messages_per_s = 100
"""
_CONTACT = """
[devices.inputs]
bus = "rs485"
profile = "waveshare/io8"
unit = 4

[contacts.dso1]
device = "inputs"
part = "in1"
import_max_w = {contact_import_w}
"""


def site_file(
    house: House,
    wiring: Wiring,
    names: Names,
    *,
    pty: Path,
    broker_port: int,
    issuers_file: Path,
    rate: float,
) -> str:
    """The TOML text of the site that matches the wiring.

    Time-outs are real seconds on the wire: they shrink with the rate so that a silent device costs
    about the same share of the house's time, but never below what a loaded machine needs.
    """
    text = _SITE if house.contact_import_w is None else _SITE + _CONTACT
    return text.format(
        **house.model_dump(exclude={"soc_pct", "tank_c", "meters"}),
        edge=names.edge,
        group=names.group,
        host=names.host,
        pty=pty,
        gx_port=wiring.gx_port,
        charger_port=wiring.charger_port,
        broker_port=broker_port,
        issuers_file=issuers_file,
        timeout_s=max(1.0 / rate, TIMEOUT_MIN_S),
        rtu_timeout_s=max(1.0 / rate, TIMEOUT_MIN_S),
    )
