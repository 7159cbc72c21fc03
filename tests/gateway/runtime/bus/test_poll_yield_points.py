"""While a device is opened the others are written and read."""

import asyncio
import contextlib
from types import SimpleNamespace

import structlog
from tests.gateway.runtime.bus.test_poll import House

from quartier.runtime.bus.device_health import NEVER_NS
from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_drivers import registry
from quartier_drivers.contract import Command, DeviceSpec, PointInfo
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import NoReply
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.readings import NO_READINGS, Quality
from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.sunspec.pv_inverter import SolarInverter

VIRTUAL_TIME = True

S = 1_000_000_000


class Device:
    """A device whose polls and writes are listed in ``story``; ``script`` runs in the middle of a poll."""

    def __init__(self, name, story, *, silent=False):
        self.name, self.story, self.silent = name, story, silent
        power, setpoint = f"{name}.power_w", f"{name}.setpoint_w"
        self.points = {
            power: PointInfo(power, "float", "a", 1.0),
            setpoint: PointInfo(setpoint, "float", "b", 1.0, writable=True, read_back=False),
        }
        self.due_ns = 0
        self.pause = self.script = None

    def on_pause(self, pause):
        self.pause = pause

    async def open(self):
        if self.silent:
            raise NoReply("silent")
        return {}

    async def read(self):
        self.story.append(f"read {self.name}")
        self.due_ns = NEVER_NS
        if self.script is not None:
            await self.script()
        return NO_READINGS

    async def write(self, _command):
        self.story.append(f"write {self.name}")


async def run_pause(names, script, *, silent=()):
    """Run a bus with these devices; ``script`` is called with it in a poll of the first, once all were read."""
    clock, story = SiteClock(ClockSetting()), []

    async def do_nothing():
        pass

    line = SimpleNamespace(open=do_nothing, close=do_nothing, stats={})
    devices = {name: Device(name, story, silent=name in silent) for name in names}
    bus = Bus("lan", line, devices, clock, print, structlog.testing.CapturingLogger())
    task = asyncio.create_task(bus.run())
    while any(f"read {name}" not in story for name in names if name not in silent):
        assert not task.done()
        await asyncio.sleep(0)
    first = devices[names[0]]

    async def run_script():
        story.clear()
        await script(bus, devices, clock.now_ns())
        story.append("resumed")
        bus.halt()

    first.script, first.due_ns = run_script, 0
    bus.devices.schedule.update_due_time(bus.devices[names[0]])
    bus.mailbox.wake()
    await task
    return story


def order(bus, name, now_ns):
    bus.post(Command(f"{name}.setpoint_w", 1.0, now_ns + S), now_ns)


async def test_all_writes_to_other_devices_go_first_and_then_the_most_overdue_read():
    async def script(bus, devices, now_ns):
        for name in ("opened", "early", "late"):
            order(bus, name, now_ns)
        for place, name in enumerate(("early", "late", "unknown"), 2):
            devices[name].due_ns = now_ns - place
        await devices["opened"].pause()

    story = await run_pause(["opened", "early", "late", "unknown"], script, silent=["unknown"])

    assert ["write early", "write late", "read late", "resumed"] == story


async def test_no_device_is_read_before_its_time():
    async def script(_bus, devices, now_ns):
        devices["other"].due_ns = now_ns + 3600 * S
        await devices["opened"].pause()

    assert ["resumed"] == await run_pause(["opened", "other"], script)


async def test_an_opening_inside_the_pause_of_another_has_no_pause():
    async def script(bus, devices, now_ns):
        async def write_and_pause(_command):
            order(bus, "third", now_ns)
            await devices["other"].pause()
            devices["other"].story.append("written")

        devices["other"].write = write_and_pause
        order(bus, "other", now_ns)
        await devices["opened"].pause()

    story = await run_pause(["opened", "other", "third"], script)

    assert ["written", "write third", "resumed"] == story


async def test_an_order_for_a_neighbour_is_written_while_a_long_map_is_read():
    slow, quick = SolarInverter("7xx", unit=1), SolarInverter("1xx", unit=2)
    asked = []
    _spied(slow, 1, asked)
    _spied(quick, 2, asked)
    async with contextlib.AsyncExitStack() as left:
        house = _house((await left.enter_async_context(await serve_tcp([slow, quick]))).port)
        task = asyncio.create_task(house.bus.run())
        left.push_async_callback(asyncio.wait, [task])
        left.callback(task.cancel)
        await house.until(lambda: Quality.GOOD is _quality(house, "pv1") is _quality(house, "pv2"))
        health = house.bus.devices["pv1"]
        asked.clear()
        health.known = False
        house.bus._schedule.update_due_time(health)
        order = Command("pv2.generation_max_w", 1000.0, house.clock.now_ns() + 3600 * S)
        _spied(slow, 1, [], lambda: (1, 3) in asked and house.bus.post(order, house.clock.now_ns()))
        await house.until(lambda: (2, 16) in asked and health.known)

    assert sum(unit == 1 for unit, _ in asked[: asked.index((2, 16))]) < 6, "it waited until all was read"


def _spied(device, unit, asked, then=lambda: None):
    answer = device.units[unit].answer

    def answered(pdu):
        asked.append((unit, pdu[0]))
        then()
        return answer(pdu)

    device.units[unit].answer = answered


def _quality(house, owner):
    reading = house.latest.get(f"{owner}.power_w")
    return None if reading is None else reading.quality


def _house(port):
    house = House(port, {}, rate=1.0)
    section = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=port, timeout_s=0.5, retries_count=0)
    line = registry.load_factory("modbus-tcp").line("lan", section, house.clock)
    loaded = loading.load_profile("sunspec/pv")
    drivers = {
        f"pv{unit}": registry.load_factory("modbus-tcp", "sunspec").driver(
            line, DeviceSpec(f"pv{unit}", unit, {"": f"pv{unit}"}), loaded, house.clock
        )
        for unit in (1, 2)
    }
    house.bus = type(house.bus)("lan", line, drivers, house.clock, house.take, house.log)
    return house
