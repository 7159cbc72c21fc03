"""The bus, the wear of memory and storms: a quirky device on a real wire."""

import asyncio
import contextlib
import itertools

from tests.drivers.modbus.conftest import Device, TcpServer
from tests.gateway.runtime.bus.test_poll import House
from tests.gateway.runtime.bus.test_poll import running as served

from quartier.runtime.bus import poll
from quartier_drivers.contract import Command
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import NoReply
from quartier_sim.modbus.quirk_servers import QuirkyTcpServer
from quartier_sim.modbus.quirks import make_plain_unit, make_quirk

CHARGER = """
[profile]
protocol = "modbus"
maker = "ACME"
model = "EV"
source = "s"
[limits]
settle_s = SETTLE
[points.current_max_a]
register = "holding:5"
scan = "fast"
write = { low = 0, high = 32, on_release = 6, persistent = true, writes_per_day = 2 }
[points.power_w]
register = "input:5"
scan = "fast"
"""
POINT = "ev1.current_max_a"


@contextlib.asynccontextmanager
async def running(server, settle_s=0.0, rate=20.0):
    async with server:
        charger = loading.parse_profile(CHARGER.replace("SETTLE", str(settle_s)), "acme/ev", "ev.toml")
        house = House(server.port, {"ev1": (1, "acme/ev", "")}, rate=rate, profiles={"ev1": charger})
        house.bus._budget._safe = {POINT: 6.0}
        task = asyncio.create_task(house.bus.run())
        try:
            yield house
        finally:
            task.cancel()
            await asyncio.wait([task])


async def ordered(house, value):
    """Have the bus write ``value``; gives what became of it."""
    now_ns = house.clock.now_ns()
    command = Command(POINT, value, now_ns + 3600 * 10**9)
    house.bus.post(command, now_ns)
    await house.until(lambda: house.bus.mailbox.outcomes[POINT].verdict not in ("pending", "unknown"))
    return house.bus.mailbox.outcomes[POINT]


def writes(server):
    return [pdu for _, pdu in server.asked if pdu[0] == 6]


async def test_a_budget_ends_with_the_safe_value_and_a_reason():
    server = QuirkyTcpServer({1: make_plain_unit()})
    async with running(server) as house:
        await house.until(lambda: POINT in house.latest)
        assert ["done", "done"] == [(await ordered(house, value)).verdict for value in (16.0, 10.0)]
        refused = await ordered(house, 20.0)
        assert "refused" == refused.verdict
        assert "its budget of 2 writes a day is spent" in refused.why
        await house.until(lambda: server.units[1].get("holding", 5) == [6])
        assert "refused" == (await ordered(house, 20.0)).verdict
        assert 3 == len(writes(server))
        await house.until(lambda: house.latest[POINT].value == 6.0)
        assert "done" == (await ordered(house, 6.0)).verdict
        assert 1 == len(house.said("write.budget_spent"))


async def test_a_safe_value_that_did_not_arrive_is_given_again(monkeypatch):
    server = QuirkyTcpServer({1: make_plain_unit()})
    async with running(server) as house:
        await house.until(lambda: POINT in house.latest)
        for value in (16.0, 20.0):
            await ordered(house, value)
        driver = house.bus.devices["ev1"].driver
        release, fails = driver.release, [True]

        async def release_fails_once(points=()):
            if fails:
                fails.clear()
                raise NoReply("unit 1 is silent")
            await release(points)

        monkeypatch.setattr(driver, "release", release_fails_once)
        await ordered(house, 30.0)
        await house.until(lambda: not fails)
        await ordered(house, 30.0)  # it takes the place of the giving back
        await house.until(lambda: server.units[1].get("holding", 5) == [6])


async def test_a_spent_budget_does_not_hold_back_a_shed():
    server = QuirkyTcpServer({1: make_plain_unit()})
    async with running(server) as house:
        await house.until(lambda: POINT in house.latest)
        for value in (16.0, 20.0):
            await ordered(house, value)
        shed = await ordered(house, 0.0)

    assert "done" == shed.verdict
    assert [0] == server.units[1].get("holding", 5)


async def test_a_value_that_stands_there_already_is_not_written_again():
    server = QuirkyTcpServer({1: make_plain_unit()})
    async with running(server) as house:
        await house.until(lambda: POINT in house.latest)
        spared = await ordered(house, 5.0)

    assert ("done", "the device has this value already: not written again") == (spared.verdict, spared.why)
    assert [] == writes(server)


async def test_a_device_that_settles_late_is_given_its_time_before_it_is_called_stubborn():
    server = QuirkyTcpServer({1: make_plain_unit()}, make_quirk("settles-late", seconds=0.4))
    async with running(server, settle_s=60.0) as house:
        await house.until(lambda: POINT in house.latest)
        outcome = await ordered(house, 16.0)

    assert ("done", "") == (outcome.verdict, outcome.why)


async def test_a_device_that_is_not_given_its_time_is_called_stubborn():
    server = QuirkyTcpServer({1: make_plain_unit()}, make_quirk("settles-late", seconds=3600.0))
    async with running(server) as house:
        await house.until(lambda: POINT in house.latest)
        outcome = await ordered(house, 16.0)

    assert ("refused", "the device holds 5") == (outcome.verdict, outcome.why)


async def test_an_endpoint_that_takes_connections_and_hangs_up_is_not_stormed(monkeypatch):
    pauses = []

    async def stand_by(_self, seconds):
        pauses.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(poll.Bus, "_wait_to_reopen", stand_by)
    server = QuirkyTcpServer({1: make_plain_unit()}, make_quirk("accepts-and-closes"))
    async with running(server) as house:
        await house.until(lambda: len(pauses) >= 8)

    assert all(pause >= 0.5 * min(2**place, 60) for place, pause in enumerate(pauses[:8]))


async def test_a_line_full_of_writes_still_reads_those_who_answer():
    devices = {"relays": (1, "waveshare/relay8", "relay1"), "m1": (2, "eastron/sdm630", "")}

    async def storm(house):
        """Another order whenever the bus is about to look for one."""
        for turn in itertools.count():
            now_ns = house.clock.now_ns()
            command = Command("relays.relay_on", float(turn % 2), now_ns + 3600 * 10**9, "storm")
            house.bus.mailbox.post([command], now_ns)
            await asyncio.sleep(0)

    async with served(devices) as (house, _):
        await house.until(lambda: {"m1.power_w", "relays.relay_on"} <= house.latest.keys())
        before_count = house.counts["m1.power_w"]
        storming = asyncio.create_task(storm(house))
        await house.until(lambda: house.counts["m1.power_w"] > before_count + 2)
        storming.cancel()
        await asyncio.wait([storming])


APART = """
[profile]
protocol = "modbus"
maker = "ACME"
model = "EV"
source = "s"
[points.current_max_a]
register = "holding:5"
scan = "fast"
write = { low = 0, high = 32, on_release = 6 }
[points.power_w]
register = "holding:300"
scan = "fast"
[points.energy_import_wh]
register = "holding:600"
scan = "fast"
"""


async def test_a_write_gets_in_between_two_reads_that_are_due_together():
    device, charger = Device(TcpServer()), loading.parse_profile(APART, "acme/ev", "ev.toml")
    listener = await asyncio.start_server(device.server.serve, "127.0.0.1", 0)
    house = House(
        listener.sockets[0].getsockname()[1], {"ev1": (1, "acme/ev", "")}, profiles={"ev1": charger}
    )
    told, ordered_at = [], []

    def answer(asked):
        """While the second of three reads is on its way, an order is given."""
        if asked.start == 300 and len(told) >= 6 and not ordered_at:
            now_ns = house.clock.now_ns()
            house.bus.post(Command(POINT, 16.0, now_ns + 3600 * 10**9), now_ns)
            ordered_at.append(len(device.server.asked))
        return device.answer(asked)

    def take(readings, taken=house.bus._deliver):
        told.append([one.point for one in readings])
        taken(readings)

    device.server.script, house.bus._deliver = [answer], take
    task = asyncio.create_task(house.bus.run())
    await house.until(lambda: POINT in house.latest and house.latest[POINT].value == 16.0)
    task.cancel()
    await asyncio.wait([task])
    listener.close()

    asked = [(one.pdu[0], one.start) for one in device.server.asked]
    at = ordered_at[0]
    assert [(3, 5), (3, 300), (6, 5), (3, 5)] == asked[at - 2 : at + 2]
    assert "done" == house.bus.mailbox.outcomes[POINT].verdict
