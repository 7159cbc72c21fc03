"""When the grid meter is lost the daemon stops keeping a setpoint alive, and the device's own timer ends it.

A daemon of its own process on a real line of each kind.  The release values that are written are lost on
the way here: what stands in the end is the device's doing alone (spec/failsafe.md#rule-11).
"""

import asyncio
import contextlib
import time

import pytest
from tests.gateway.daemon.conftest import Gateway

from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_pty, serve_tcp
from quartier_sim.modbus.victron_gx import Gx
from quartier_sim.sunspec.battery_inverter import BatteryInverter

RATE = 15.0
SITE = """\
site = {{ id = "b012", district = "issy", simulated = true }}
limits = {{ contract_import_w = 12000, contract_export_w = 6000 }}
buses.lan = {{ {bus} }}
buses.board = {{ kind = "modbus-tcp", host = "127.0.0.1", port = {board}, timeout_s = 1.0 }}
devices.inverter = {{ bus = "lan", {device} }}
devices.meter = {{ bus = "board", profile = "eastron/sdm630", unit = 1 }}
assets.grid = {{ role = "grid", device = "meter" }}
assets.bat1 = {{ role = "battery", device = "inverter"{part}, rated_w = 5000, capacity_wh = 10000 }}
"""


class DeafGx(Gx):
    """A GX that never hears that it is to stop; it keeps when it was ordered, and when its timer ran out."""

    keys = 'profile = "victron/gx", unit = 227'
    part = ', part = "battery"'

    def __init__(self):
        super().__init__()
        self.hears_no_stop = False
        self.orders_s = []
        self.stops_count = 0
        self.fell_s = None
        self.step_s = 0.0  # how coarse its time is on a busy machine
        self.publish({"battery.power_w": 0.0, "battery.soc_pct": 60.0})

    @property
    def ordered_w(self):
        return self.orders()["battery.setpoint_w"]

    def _order(self, phase, watt):
        if watt == 0 and self.hears_no_stop:
            self.stops_count += 1
            return
        self.orders_s.append(self.now_s)
        super()._order(phase, watt)

    def expire(self):
        before = any(self._phases_w)
        super().expire()
        if self.hears_no_stop and before and not any(self._phases_w):
            self.fell_s = self.now_s


class SlowToHearGx(DeafGx):
    """A GX that hears the third stop, and keeps when that was."""

    def __init__(self):
        super().__init__()
        self.stopped_s = None

    def _order(self, phase, watt):
        if self.stops_count == 2:
            self.hears_no_stop = False
            self.stopped_s = self.stopped_s or self.now_s
        super()._order(phase, watt)


class DeafSunSpec(BatteryInverter):
    """The same of SunSpec: once it is told to stop it hears nothing any more, though it says yes."""

    keys = 'profile = "sunspec/battery"'
    part = ""

    def __init__(self, generation):
        super().__init__(generation)
        self.hears_no_stop = False
        self.orders_s = []
        self.stops_count = 0
        self.fell_s = None
        self.step_s = 0.0  # how coarse its time is on a busy machine
        self.publish({"power_w": 0.0, "soc_pct": 60.0})

    @property
    def ordered_w(self):
        return self.orders()["setpoint_w"]

    def write(self, table, address, words):
        path = getattr(self.image.at(address), "path", "")
        if self.hears_no_stop and path == self._setpoint.enable and list(words) == [0]:
            self.stops_count += 1
        if self.stops_count:
            return
        super().write(table, address, words)
        if path in (self._setpoint.enable, self._setpoint.seconds):
            self.orders_s.append(self.now_s)

    def expire(self):
        before = self._setpoint.is_enabled
        super().expire()
        if self.hears_no_stop and before and not self._setpoint.is_enabled and self.fell_s is None:
            self.fell_s = self.now_s


class Timeless(BatteryInverter):
    """A SunSpec battery that takes a timer and keeps zero."""

    keys = 'profile = "sunspec/battery"'
    part = ""

    def __init__(self):
        super().__init__("7xx", habits=["timer-lost"])
        self.step_s = 0.0
        self.publish({"power_w": 0.0, "soc_pct": 60.0})


DEVICES = {
    "modbus": DeafGx,
    "sunspec 1xx": lambda: DeafSunSpec("1xx"),
    "sunspec 7xx": lambda: DeafSunSpec("7xx"),
}


async def serve_line(kind, device, folder):
    """The device on a line of this kind, and the keys of its bus."""
    if kind == "modbus-rtu":
        endpoint = await serve_pty(device, folder / "line")
        return endpoint, f'kind = "modbus-rtu", port = "{folder / "line"}", baud = 115200, timeout_s = 1.0'
    endpoint = await serve_tcp(device)
    return endpoint, f'kind = "modbus-tcp", host = "127.0.0.1", port = {endpoint.port}, timeout_s = 1.0'


@contextlib.asynccontextmanager
async def house(inverter, kind, folder):
    """(daemon, meter): devices whose time runs as fast as the daemon's."""
    meter = catalog.make_device("eastron/sdm630", unit=1)
    meter.publish({"power_w": 3000.0})
    begun_s = time.monotonic()

    async def tick():
        while True:
            now_s = (time.monotonic() - begun_s) * RATE
            inverter.step_s = max(inverter.step_s, now_s - inverter.now_s)
            for device in (inverter, meter):
                device.tick(now_s)
            await asyncio.sleep(0.005)

    line, bus = await serve_line(kind, inverter, folder)
    async with line, await serve_tcp(meter) as board:
        site = SITE.format(bus=bus, board=board.port, device=inverter.keys, part=inverter.part)
        gateway = Gateway(folder, site, rate=RATE)
        ticking = asyncio.create_task(tick())
        try:
            await gateway.start()
            yield gateway, meter
        finally:
            ticking.cancel()
            if gateway.process.returncode is None:
                gateway.process.kill()
                await gateway.process.wait()


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - a device has no event
            await asyncio.sleep(0.01)


@pytest.mark.daemon
@pytest.mark.parametrize("kind", ["modbus-tcp", "modbus-rtu"])
@pytest.mark.parametrize("device", DEVICES)
async def test_a_setpoint_whose_input_is_lost_is_ended_by_the_devices_own_timer(device, kind, tmp_path):
    inverter = DEVICES[device]()
    async with house(inverter, kind, tmp_path) as (gateway, meter):
        # So long it hears: a machine that stood still has lost its meter too, for a moment.
        await until(lambda: inverter.ordered_w < -1000 and len(inverter.orders_s) > 6)
        status = await gateway.ask()
        await until(lambda: inverter.ordered_w < -1000)
        inverter.hears_no_stop = True
        meter.fault("silent")
        await until(lambda: inverter.stops_count)
        last_s, held_w = inverter.orders_s[-1], inverter.ordered_w
        await until(lambda: inverter.fell_s is not None)
        after = await gateway.ask()

    assert ["", True] == [status["fallbacks"][0]["problem"], status["fallbacks"][0]["state"] != "none"]
    assert held_w < -1000, "the release value was lost on the way"
    assert last_s == inverter.orders_s[-1], "nobody kept the setpoint alive"
    assert 60.0 <= inverter.fell_s - last_s <= 60.0 + 2 * inverter.step_s
    assert 0.0 == inverter.ordered_w
    assert after["control"]["assets"]["bat1"]["state"] == "grid meter lost"


@pytest.mark.daemon
async def test_a_battery_that_ignores_its_first_release_values_is_told_until_it_stops(tmp_path):
    inverter = SlowToHearGx()
    async with house(inverter, "modbus-tcp", tmp_path) as (gateway, meter):
        await until(lambda: inverter.ordered_w < -1000 and len(inverter.orders_s) > 6)
        inverter.hears_no_stop = True
        meter.fault("silent")
        await until(lambda: inverter.stops_count)
        begun_s, last_s = inverter.now_s, inverter.orders_s[-1]
        await until(lambda: inverter.stopped_s)
        await gateway.until(lambda told: told["control"]["assets"]["bat1"]["state"] == "grid meter lost")

    assert last_s in inverter.orders_s[-2:], "nobody kept the setpoint alive meanwhile"
    assert 0.0 == inverter.ordered_w
    assert inverter.stopped_s - begun_s <= 30.0, "its own timer would have ended the setpoint after 60 s"


@pytest.mark.daemon
async def test_a_battery_whose_timer_does_not_hold_is_given_up_and_named(tmp_path):
    inverter = Timeless()
    async with house(inverter, "modbus-tcp", tmp_path) as (gateway, _):
        given_up = "the fallback of its device is not as declared"
        status = await gateway.until(lambda told: given_up in told["control"]["assets"]["bat1"]["state"])

    assert "RvrtTms reads back 0 where 60 was written" in status["fallbacks"][0]["problem"]
    assert 0.0 == inverter.orders()["setpoint_w"]
