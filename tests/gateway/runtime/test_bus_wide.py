"""A bus whose devices are asked at the same time: BACnet devices on UDP, counted on the wire."""

import asyncio
import contextlib
import time
from itertools import pairwise

import pytest
import structlog
from tests.drivers.bacnet.conftest import free_port
from tests.drivers.bacnet.conftest import profile as parsed

from quartier.runtime.bus.device_health import PROBE_PAUSE_S
from quartier.runtime.bus.poll import Bus
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_drivers.bacnet.bus_section import BacnetIpBus
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.registry import load_factory
from quartier_sim.bacnet.building_controllers import RoomController
from quartier_sim.bacnet.udp_endpoint import NetworkAddress, serve_udp

RATE = 10.0
DEADLINE_S = 60.0  # only ends a test that has failed
NETWORK = 2001
WRITE = 15  # BACnetConfirmedServiceChoice
PROFILE = parsed(
    """
[points.power_w]
object = "analog-input:1"
scan = "fast"
[points.setpoint_shift_k]
object = "analog-value:1"
scan = "slow"
write = { low = -5, high = 5, on_release = "own" }
"""
)


class Room(RoomController):
    """A room that writes down when it is asked, also where it says nothing."""

    def __init__(self, number, asked):
        super().__init__(300 + number)
        self.number, self.wire = number, asked

    def answer_confirmed(self, apdu, client):
        self.wire.append((self.number, apdu[3]))
        return super().answer_confirmed(apdu, client)


class House:
    """Rooms on UDP, a bus that reads them, and what was asked on the wire: (room, service)."""

    def __init__(self):
        self.clock = SiteClock(ClockSetting(rate=RATE))
        self.log = structlog.testing.CapturingLogger()
        self.latest, self.wire = {}, []

    def take(self, readings):
        self.latest |= {one.point: one for one in readings}

    def make(self, addresses, **keys):
        said = {"kind": "bacnet-ip", "interface": "127.0.0.1", "port": free_port(), "timeout_s": 0.5} | keys
        opened = load_factory("bacnet-ip")
        line = opened.line("bms", BacnetIpBus.model_validate(said), self.clock)
        specs = [
            DeviceSpec(f"room{number}", 1, {"": f"r{number}"}, address=there)
            for number, there in addresses.items()
        ]
        drivers = {one.name: opened.driver(line, one, PROFILE, self.clock) for one in specs}
        self.bus = Bus("bms", line, drivers, self.clock, self.take, self.log)

    async def until(self, condition):
        end_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end_s, "it never came"
            await asyncio.sleep(0.002)

    def log_of(self, event):
        return [call.kwargs for call in self.log.calls if call.args == (event,)]

    def places(self, number):
        """Where in the story of the wire a room was asked."""
        return [place for place, (asked, _) in enumerate(self.wire) if asked == number]

    def between(self, number):
        """What was on the wire between one question to a room and the next to it."""
        return [self.wire[first:then] for first, then in pairwise(self.places(number))]


@contextlib.asynccontextmanager
async def running(count, *, routed=False, **keys):
    house = House()
    rooms = {number: Room(number, house.wire) for number in range(1, count + 1)}
    async with contextlib.AsyncExitStack() as stack:
        if routed:
            there = {NetworkAddress(NETWORK, bytes([number])): room for number, room in rooms.items()}
            router = await stack.enter_async_context(await serve_udp(there))
            addresses = {number: f"{NETWORK}:{number}@{router.address}" for number in rooms}
        else:
            made = {
                number: await stack.enter_async_context(await serve_udp(room))
                for number, room in rooms.items()
            }
            addresses = {number: one.address for number, one in made.items()}
        house.make(addresses, **keys)
        task = asyncio.create_task(house.bus.run())
        try:
            await house.until(lambda: len(house.latest) == 2 * count)
            yield house, rooms
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()


def silence_rooms(house, rooms):
    for room in rooms:
        room.fault("silent")
    house.wire.clear()


async def test_silent_devices_delay_nobodys_reading():
    async with running(13) as (house, rooms):
        silent = [room for number, room in rooms.items() if number > 1]
        silence_rooms(house, silent)
        await house.until(lambda: all(len(house.places(room.number)) >= 2 for room in silent))

        for room in silent:
            waited = house.between(room.number)[0]
            assert 1 in [number for number, _ in waited], "while one is waited for, the other is read"


async def test_an_order_waits_for_nobody_who_is_silent():
    async with running(2) as (house, rooms):
        silence_rooms(house, [rooms[2]])
        await house.until(lambda: house.places(2))
        now_ns = house.clock.now_ns()
        house.bus.post(Command("r1.setpoint_shift_k", 1.5, now_ns + 60 * 10**9), now_ns)
        await house.until(lambda: len(house.places(2)) >= 2)

        assert (1, WRITE) in house.between(2)[0]
        await house.until(lambda: house.bus.mailbox.outcomes["r1.setpoint_shift_k"].verdict == "done")


@pytest.mark.parametrize("most", [1, 3])
async def test_behind_one_router_no_more_are_asked_at_once_than_the_bus_says(most):
    async with running(6, routed=True, router_parallel_count=most) as (house, rooms):
        silence_rooms(house, rooms.values())
        await house.until(lambda: any(len(house.places(number)) >= 2 for number in rooms))
        first_repeat = min(house.places(number)[1] for number in rooms if len(house.places(number)) >= 2)

        assert most == len({number for number, _ in house.wire[:first_repeat]})


async def test_each_device_is_asked_one_thing_at_a_time():
    async with running(1) as (house, rooms):
        now_ns = house.clock.now_ns()
        silence_rooms(house, rooms.values())
        await house.until(lambda: house.places(1))
        house.bus.post(Command("r1.setpoint_shift_k", 1.5, now_ns + 60 * 10**9), now_ns)
        await house.until(lambda: len(house.places(1)) >= 2)

        assert WRITE not in [service for _, service in house.wire], "its read is still to be repeated"


async def fall_silent(house, rooms):
    """All of them together, each a moment after it answered, however busy the machine was before."""
    healths = house.bus.devices.values()

    def have_answered():
        now_ns = house.clock.now_ns()
        return all(now_ns - health.since_good_ns < 5 * 10**9 for health in healths)

    await house.until(have_answered)
    silence_rooms(house, rooms.values())
    await house.until(lambda: all(health.silent for health in healths))


async def probed_again(house):
    """Each was asked in vain once more, and the machine never stood still: that counts as the line's time."""
    async with asyncio.timeout(DEADLINE_S):
        stood_still = True
        while stood_still:
            stood_still = False
            counts = {name: health.errors_count for name, health in house.bus.devices.items()}
            while any(house.bus.devices[name].errors_count == count for name, count in counts.items()):
                before_s = time.monotonic()
                await asyncio.sleep(0.002)
                stood_still |= time.monotonic() - before_s > 0.03


async def test_where_nobody_behind_a_router_answers_each_is_looked_for_every_five_seconds():
    async with running(12, routed=True, timeout_s=0.05, retries_count=0) as (house, rooms):
        await fall_silent(house, rooms)
        await probed_again(house)
        now_ns = house.clock.now_ns()
        waits_s = [(health.probe_ns - now_ns) / 1e9 for health in house.bus.devices.values()]
        for room in rooms.values():
            room.clear()

        assert PROBE_PAUSE_S[0] >= max(waits_s)
        await house.until(lambda: not any(health.silent for health in house.bus.devices.values()))


async def test_once_one_behind_a_router_is_back_who_misses_his_probe_is_soon_probed_again():
    async with running(12, routed=True, timeout_s=0.05, retries_count=0) as (house, rooms):
        await fall_silent(house, rooms)
        rooms[1].clear()
        await house.until(lambda: not house.bus.devices["room1"].silent)
        failed = {name: health.errors_count for name, health in house.bus.devices.items() if name != "room1"}
        waits_s = {}

        def missed():
            for name, count in failed.items():
                health = house.bus.devices[name]
                if name not in waits_s and health.errors_count > count:
                    waits_s[name] = (health.probe_ns - house.clock.now_ns()) / 1e9
            return waits_s.keys() == failed.keys()

        await house.until(missed)
        assert PROBE_PAUSE_S[0] >= max(waits_s.values())


async def test_a_lost_network_is_tried_again_with_nothing_left_under_way():
    async with running(3) as (house, rooms):
        silence_rooms(house, rooms.values())
        await house.until(lambda: all(house.places(number) for number in rooms))
        house.bus.line._fail_line("the cable is out")
        await house.until(lambda: house.log_of("bus.back"))
        for room in rooms.values():
            room.clear()
        house.latest.clear()
        await house.until(lambda: {f"r{number}.power_w" for number in rooms} <= set(house.latest))

        assert 1 == len(house.log_of("bus.lost"))
