"""While a device is opened the others are written and read."""

import asyncio
import contextlib

from tests.gateway.runtime.bus.test_poll import House

from quartier.runtime.bus.device_health import DeviceHealth
from quartier.runtime.bus.poll import YieldPoints
from quartier_drivers import registry
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.readings import Quality
from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.sunspec.pv_inverter import SolarInverter

VIRTUAL_TIME = True

S = 1_000_000_000


class Patience:
    """A driver that is opened in steps, and one that is due."""

    def __init__(self, due_ns=0):
        self.points = {}
        self.due_ns = due_ns
        self.turn = None

    def on_pause(self, turn):
        self.turn = turn


def met(name, driver):
    return DeviceHealth(name, driver, known=True)


async def test_all_writes_go_first_and_then_the_most_overdue_read():
    waiting, told = [1, 2], []

    async def wrote():
        told.append(f"write {waiting.pop()}") if waiting else told.append("nothing to write")
        return told[-1] != "nothing to write"

    async def read(health):
        told.append(health.name)
        assert health is not yield_points.opening

    opened, early, late = met("opened", Patience()), met("early", Patience(3)), met("late", Patience(2))
    unknown = DeviceHealth("unknown", Patience(1))
    yield_points = YieldPoints((opened, early, late, unknown), wrote, read, lambda: 5)

    await opened.driver.turn()

    assert ["write 2", "write 1", "nothing to write", "late"] == told
    assert yield_points.opening is None


async def test_nobody_is_read_before_his_time_and_one_yield_points_has_no_other():
    told = []

    async def wrote():
        assert yield_points.opening is opened
        await other.driver.turn()
        told.append("looked")
        return False

    opened, other = met("opened", Patience()), met("other", Patience(9))
    yield_points = YieldPoints((opened, other), wrote, told.append, lambda: 5)

    await opened.driver.turn()

    assert ["looked"] == told


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
