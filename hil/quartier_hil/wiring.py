"""Connect plant and simulated devices: values to registers, orders back, and the site file for both.

The site has five devices on three wires: an RS-485 line (a pty) with the connection's meter (SDM630),
the heat pump's meter (EM24) and a relay board; a Victron GX with battery and PV on TCP; a charging
station (KEBA P30) on TCP.  With a contact of the grid operator an input board (IO 8CH) joins the line.
"""

from collections.abc import Collection, Container, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from quartier_hil import siting, verbs
from quartier_hil.cabinets import Cabinets
from quartier_hil.devices import catalog
from quartier_hil.devices.actor import Device
from quartier_hil.devices.endpoint import serve_pty, serve_tcp
from quartier_hil.devices.sunspec.measured import Generation
from quartier_hil.devices.sunspec.solar import SolarInverter
from quartier_hil.devices.sunspec.storage import BatteryInverter
from quartier_hil.district.session import Names
from quartier_hil.house import House, Make
from quartier_hil.outputs import outputs
from quartier_hil.plant.building import Orders

# Time-outs are real: below this a busy machine would be taken for a silent device.
TIMEOUT_MIN_S = 0.1
METER, GX, CHARGER, HEAT_METER, RELAYS = "meter", "gx", "charger", "heatmeter", "relays"
INPUTS = "inputs"
STORAGE, SOLAR = "storage", "solar"
HEARTBEAT_S = 60.0
NOWHERE = 1
"""The port of a twin that is on no wire; the bench's takes its place in the site file."""
_PROFILES = {GX: ("victron/gx", 227), STORAGE: ("sunspec/battery", 1), SOLAR: ("sunspec/pv", 1)}
MAKES: Mapping[Make, str] = {
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
RELEASED = (
    (GX, "battery.setpoint_w", 0.0),
    (STORAGE, "setpoint_w", 0.0),
    (CHARGER, "current_max_a", 0.0),
    (RELAYS, "relay1.relay_on", 0.0),
)


class Wiring:
    """Devices of the site on their wires; those that are ``real`` elsewhere are on none of these."""

    def __init__(self, seed: int, house: House | None = None, real: Collection[str] = ()) -> None:
        house = House() if house is None else house
        self.house = house
        self.real = frozenset(real)
        self.devices: dict[str, Device] = {
            METER: catalog.make("eastron/sdm630", unit=1, seed=seed),
            HEAT_METER: catalog.make("carlo-gavazzi/em24", unit=2, seed=seed + 1),
            RELAYS: catalog.make("waveshare/relay8", unit=3, seed=seed + 2),
            CHARGER: catalog.make("keba/p30", rated_a=16.0, seed=seed + 4),
        }
        if "gx" in (house.battery, house.pv):
            self.devices[GX] = catalog.make("victron/gx", seed=seed + 3)
        if house.contact_import_w is not None:
            self.devices[INPUTS] = catalog.make("waveshare/io8", unit=4, seed=seed + 5)
        if house.battery != "gx":
            self.devices[STORAGE] = BatteryInverter(
                _generation(house.battery),
                rated_w=house.battery_w,
                capacity_wh=house.battery_wh,
                heartbeat_s=HEARTBEAT_S,
                habits=house.battery_habits,
                seed=seed + 6,
            )
        if house.pv != "gx":
            self.devices[SOLAR] = SolarInverter(
                _generation(house.pv), rated_w=house.pv_w, habits=house.pv_habits, seed=seed + 7
            )
        self.cabinets = Cabinets(house, seed)
        self.devices |= self.cabinets.devices
        self.ports: dict[str, int] = {}
        self._closed = False
        self._wires = AsyncExitStack()

    async def serve(self, pty: Path) -> None:
        """Put all devices on their wires; ``pty`` becomes the serial port."""
        line = [self.devices[name] for name in verbs.LINE if name in self.devices and name not in self.real]
        self._line = await self._wires.enter_async_context(await serve_pty(line, pty))
        for name in (GX, CHARGER, STORAGE, SOLAR):
            if name in self.real:
                self.ports[name] = NOWHERE
            elif name in self.devices:
                server = await serve_tcp(self.devices[name])
                await self._wires.enter_async_context(server)
                self.ports[name] = server.port
        self.ports |= await self.cabinets.serve(self._wires, keys(pty), self.real)
        self.ports |= {name: NOWHERE for name in self.cabinets.devices if name in self.real}

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
        self.cabinets.publish(values)

    def orders(self) -> Orders:
        """Return the orders of the devices to the plant."""
        charger, relays = self.devices[CHARGER], self.devices[RELAYS]
        stored = (STORAGE, "setpoint_w") if STORAGE in self.devices else (GX, "battery.setpoint_w")
        generation_w = self._order(SOLAR, "generation_max_w")
        return Orders(
            battery_w=self._order(*stored) or 0.0,
            generation_max_w=float("inf") if generation_w is None else generation_w,
            current_max_a=0.0 if charger.off else charger.obeyed()["current_max_a"],
            relay_on=not relays.off and relays.obeyed()["relay1.relay_on"] > 0,
            more=self.cabinets.orders(),
        )

    def _order(self, name: str, point: str) -> float | None:
        """Return an order of a device to the plant; None if it is not in this site, or has no power."""
        device = self.devices.get(name)
        return None if device is None or device.off else device.obeyed()[point]

    def unreleased(self) -> tuple[str, ...]:
        """Outputs that are not at their release value, in words; empty when all are."""
        wrong = []
        for name, point, expected in RELEASED:
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
        for name in verbs.named(self.house, target):
            self.devices[name].fault(verbs.felt(target, kind), **args)

    def clear(self, target: str) -> None:
        """Make a device, or all on a wire, well again."""
        for name in verbs.named(self.house, target):
            self.devices[name].clear()

    def supply(self, *, on: bool, backed: Container[str] = ()) -> None:
        """Take the power from every device that has no battery of its own, or give it back."""
        for name, device in self.devices.items():
            if name not in backed:
                device.clear("off") if on else device.fault("off")

    def orderable(self, point: str) -> tuple[Device, int]:
        """The device of an output and its port, for a second client.  Raises KeyError for no such output."""
        device = {out.point: out.device for out in outputs(self.house)}[point]
        return self.devices[device], self.ports[device]

    @property
    def words(self) -> str:
        """Simulated devices by wire, as text; a real one is on none of these."""
        on_line = [word for name, word in _ON_LINE.items() if name in self.devices and name not in self.real]
        on_tcp = [
            f"Modbus TCP ({word})"
            for name, word in _ON_TCP.items()
            if name in self.devices and name not in self.real
        ]
        return ", ".join(
            [f"Modbus RTU on a pty ({', '.join(on_line)})", *on_tcp, *self.cabinets.words(self.real)]
        )

    @property
    def writes_count(self) -> int:
        """Writes that the devices took since the start."""
        return sum(device.writes_count for device in self.devices.values())


_UNWRITTEN = {
    *("soc_pct", "tank_c", "meters", "battery", "battery_habits", "pv", "pv_habits"),
    *("boards", "assets", "main_fuse_a", "outdoor_c"),
    *("tariff", "planning", "departure", "wanted_wh"),
    *("failsafe_agreed", "failsafe_import_w", "failsafe_export_w", "grid_meter", "frequency_period_s"),
    "unlisted_generation_w",
}
_SITE = """\
# The rig's house; written by quartier-hil for one run.
[site]
id = "{edge}"
district = "{group}"
simulated = true
{profiles}{control}
[buses.rs485]
kind = "modbus-rtu"
port = "{pty}"
baud = 115200
timeout_s = {rtu_timeout_s}

[buses.charger_net]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {charger_port}
timeout_s = {timeout_s}

[devices.meter]
bus = "rs485"
profile = "{grid_profile}"
unit = 1

[devices.heatmeter]
bus = "rs485"
profile = "carlo-gavazzi/em24"
unit = 2

[devices.relays]
bus = "rs485"
profile = "waveshare/relay8"
unit = 3

[devices.charger]
bus = "charger_net"
profile = "keba/p30"
unit = 255

[assets.grid]
role = "grid"
device = "{grid_device}"
{frequency}
[assets.bat1]
role = "battery"
{battery_device}
rated_w = {battery_w}
capacity_wh = {battery_wh}

[assets.pv1]
role = "pv"
{pv_device}
rated_w = {pv_w}

[assets.ev1]
role = "ev"
device = "charger"
current_max_a = 16
{departure}
[assets.hp1]
role = "load"
device = "heatmeter"
tier = "C"
rated_w = {heat_pump_w}
switch_device = "relays"
switch_part = "relay1"
accept_no_fallback = "the board has no watchdog; left on or off, fuse and tank bear the heat pump"

[limits]
contract_import_w = {contract_import_w}
contract_export_w = {contract_export_w}
{agreed}{main_fuse}
[district_link]
url = "mqtt://127.0.0.1:{broker_port}"
primary_host = "{host}"
issuers_file = "{issuers_file}"
backfill_messages_per_s = 100
"""
_TCP = """
[buses.{name}_net]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}
timeout_s = {timeout_s}

[devices.{name}]
bus = "{name}_net"
profile = "{profile}"
unit = {unit}
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
    cycle_s: float = 1.0,
) -> str:
    """Return the TOML text of the site that matches the wiring.

    Time-outs are real seconds on the wire: they shrink with the rate so that a silent device costs
    about the same share of plant time, but never below the need of a loaded machine.
    """
    on_gx = {"battery": house.battery == "gx", "pv": house.pv == "gx"}
    timeout_s = max(1.0 / rate, TIMEOUT_MIN_S)
    text = _SITE if house.contact_import_w is None else _SITE + _CONTACT
    whole = text.format(
        **house.model_dump(exclude=_UNWRITTEN),
        edge=names.edge,
        group=names.group,
        host=names.host,
        pty=pty,
        charger_port=wiring.ports[CHARGER],
        broker_port=broker_port,
        issuers_file=issuers_file,
        battery_device='device = "gx"\npart = "battery"' if on_gx["battery"] else 'device = "storage"',
        pv_device='device = "gx"\npart = "pv"\ncurtail = "none"' if on_gx["pv"] else 'device = "solar"',
        timeout_s=timeout_s,
        rtu_timeout_s=timeout_s,
        control="" if cycle_s == 1.0 else f"\n[control]\ncycle_s = {cycle_s:g}\n",
        main_fuse="" if house.main_fuse_a is None else f"main_fuse_a = {house.main_fuse_a:g}\n",
        **siting.connection(house),
    )
    whole += siting.text(house, wiring.ports, timeout_s, keys(pty)) + house.supply_text
    for name, (profile, unit) in _PROFILES.items():
        if name in wiring.ports:
            whole += _TCP.format(
                name=name, profile=profile, unit=unit, port=wiring.ports[name], timeout_s=timeout_s
            )
    return whole


def keys(pty: Path) -> Path:
    """Return the folder of passwords and certificates of a site, next to its serial port."""
    return pty.parent / "keys"


def _generation(make: Make) -> Generation:
    return "1xx" if make == "sunspec-1xx" else "7xx"
