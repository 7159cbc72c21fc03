"""A device behind the five verbs, on a real server."""

import asyncio

import pytest
from asyncua import ua
from tests.drivers.opcua.conftest import DEVICE, PROFILE, URI

from quartier_drivers.contract import Command
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import LinkLost, Refused
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.driver import OpcuaDriver
from quartier_drivers.readings import Quality
from quartier_drivers.transport.event_loop import LoopClock


class Device:
    """A driver with its line, read as the bus would: in the order of what is due."""

    def __init__(self, line, sheet):
        self.line = line
        self.driver = OpcuaDriver(line, DEVICE, sheet, LoopClock())
        self.seen = {}

    async def until(self, holds, most_s=60.0):
        """Read whatever is due until ``holds``."""
        clock = LoopClock()
        end_ns = clock.now_ns() + int(most_s * 1e9)
        while not holds(self):
            assert clock.now_ns() < end_ns, self.seen
            wait_s = (self.driver.due_ns - clock.now_ns()) / 1e9
            if wait_s > 0:
                await asyncio.sleep(min(wait_s, 0.02))
                continue
            for reading in await self.driver.read():
                self.seen[reading.point.removeprefix("pump.")] = reading

    def value(self, name):
        found = self.seen.get(name)
        return found.value if found and found.quality is Quality.GOOD else None


@pytest.fixture
async def device(line, sheet):
    made = Device(line, sheet)
    yield made
    await made.driver.close()


def order(point, value, life_s=10):
    return Command(f"pump.{point}", value, LoopClock().now_ns() + int(life_s * 1e9))


async def test_every_point_is_told_in_the_house_s_words(device, plant):
    plant.set("Power", 1500.0)
    plant.set("Valve", 500, ua.VariantType.Int16)
    plant.set("Running", True)
    await device.until(lambda one: len(one.seen) == 4)

    assert [1500.0, 50.0, True, "on"] == [
        device.value(name) for name in ("power_w", "valve_pct", "running_on", "state_text")
    ]
    assert {"maker": "Rig", "model": "Plant", "firmware": "1.0pre"} == await device.driver.open()


async def test_a_change_is_told_by_the_server_and_not_asked_for(device, plant):
    await device.until(lambda one: one.driver._watch.vouches_for(one.driver._batches[0]))
    before = device.line.stats["requests_count"]

    plant.set("Power", 4321.0)
    await device.until(lambda one: one.value("power_w") == 4321.0)

    assert before == device.line.stats["requests_count"]


async def test_an_order_is_written_and_read_back(device, plant):
    await device.until(lambda one: len(one.seen) == 4)

    await device.driver.write(order("valve_pct", 72.5))

    assert 725 == plant.get("Valve")
    await device.until(lambda one: one.value("valve_pct") == 72.5)


@pytest.mark.parametrize(
    ("point", "value", "says"),
    [
        ("power_w", 1, "cannot be written"),
        ("valve_pct", 80.5, r"is outside 0\.\.80"),
        ("valve_pct", float("nan"), "is no number"),
        ("nobody_w", 1, "cannot be written"),
    ],
)
async def test_an_order_outside_profile_or_range_is_refused_and_not_written(
    device, plant, point, value, says
):
    before = plant.get("Valve")

    with pytest.raises(Refused, match=says):
        await device.driver.write(order(point, value))

    assert before == plant.get("Valve")


async def test_leaving_gives_back_what_on_release_says(device, plant):
    plant.set("Running", True)
    await device.driver.write(order("valve_pct", 70))

    await device.driver.release()

    assert 300 == plant.get("Valve")
    assert plant.get("Running"), "hold"


async def test_a_bad_status_is_a_bad_value_with_its_name(device, plant):
    plant.set("Power", ua.DataValue(ua.Variant(1.0), ua.StatusCode(ua.StatusCodes.BadSensorFailure)))
    await device.until(lambda one: "power_w" in one.seen)

    assert Quality.BAD is device.seen["power_w"].quality
    assert "BadSensorFailure" in device.seen["power_w"].raw
    plant.set("Power", 1500.0)
    await device.until(lambda one: one.value("power_w") == 1500.0)


async def test_a_subscription_that_dies_without_a_word_is_found_and_made_anew(device, plant):
    await device.until(lambda one: one.driver._watch.vouches_for(one.driver._batches[0]))
    number = device.driver._watch._number
    plant.do(forget_subscriptions(plant.server))

    plant.set("Power", 777.0)
    await device.until(lambda one: one.value("power_w") == 777.0)
    await device.until(lambda one: one.line.stats["resubscriptions_count"] >= 1)
    await device.until(lambda one: one.driver._watch.vouches_for(one.driver._batches[0]))

    assert number != device.driver._watch._number
    plant.set("Power", 778.0)
    await device.until(lambda one: one.value("power_w") == 778.0)


DRIFTING = f"""\
[profile]
protocol = "opcua"
maker = "Rig"
model = "Plant"
source = "made for these tests"
[scan]
fast = 0.2
[points.power_w]
node = "nsu={URI};s=Power"
deadband = 5
scan = "fast"
"""


async def test_a_server_that_never_tells_a_slow_drift_is_watched_without_a_deadband(section, trusting, plant):
    """asyncua's holds each value against the one before, which a drift is never far from."""
    del trusting
    plant.set("Power", 0.0)
    line = OpcuaLine("plant", section(poll_s=1.0), LoopClock())
    await line.open()
    device = Device(line, loading.parse_profile(DRIFTING, "rig/drift", "drift.toml"))
    watch = device.driver._watch
    await device.until(lambda one: watch.vouches_for(one.driver._batches[0]))
    drift = 0.0
    while "pump.power_w" not in watch.unfiltered:
        plant.set("Power", drift := drift + 4.0)
        told = line.stats["notifications_count"]
        await device.until(lambda one, told=told: one.line.stats["notifications_count"] > told)
    await device.until(lambda one: watch.vouches_for(one.driver._batches[0]))

    plant.set("Power", drift + 1.0)
    await device.until(lambda one: one.value("power_w") == drift + 1.0)
    assert 1 == line.stats["resubscriptions_count"]
    await device.driver.close()
    await line.close()


async def forget_subscriptions(server):
    """As a server whose publishing stops: nothing is said to anybody."""
    service = server.iserver.subscription_service
    for subscription in list(service.subscriptions.values()):
        await subscription.stop()
    service.subscriptions.clear()


async def test_after_a_lost_connection_all_is_planned_anew(device, plant):
    await device.until(lambda one: len(one.seen) == 4)
    await device.line.close()
    with pytest.raises(LinkLost):
        await device.until(lambda _: False)

    await device.line.open()
    plant.set("Power", 99.0)

    await device.until(lambda one: one.value("power_w") == 99.0)


async def test_a_connection_that_ends_is_found_at_once_whatever_is_watched(section, trusting, relay, sheet):
    line = OpcuaLine("plant", section(url=relay.url), LoopClock())
    await line.open()
    device = Device(line, sheet)
    await device.until(lambda one: one.driver._watch.vouches_for(one.driver._batches[0]))
    relay.cut()
    while line.is_connected:  # noqa: ASYNC110 - until the loop has heard of it
        await asyncio.sleep(0.001)

    assert device.driver.due_ns <= LoopClock().now_ns(), "not once its messages are missed"
    with pytest.raises(LinkLost, match="closed the connection"):
        await device.driver.read()
    assert trusting.entries()
    await device.driver.close()
    await line.close()


async def test_without_subscriptions_everything_is_asked_for(section, trusting, plant, sheet):
    line = OpcuaLine("plant", section(subscribe=False), LoopClock())
    await line.open()
    device = Device(line, sheet)
    plant.set("Power", 55.0)

    await device.until(lambda one: one.value("power_w") == 55.0)
    plant.set("Power", 56.0)
    await device.until(lambda one: one.value("power_w") == 56.0)

    assert 0 == line.stats["notifications_count"]
    assert trusting.entries()
    await line.close()


async def test_a_node_that_is_not_there_is_bad_and_costs_the_others_nothing(line):
    text = (
        PROFILE + f'[points.other_w]\nnode = "nsu={URI};s=Nobody"\n[points.alien_w]\nnode = "nsu=urn:x;s=y"\n'
    )
    device = Device(line, loading.parse_profile(text, "rig/plant", "plant.toml"))

    await device.until(lambda one: len(one.seen) == 6)

    assert "BadNodeIdUnknown" == device.seen["other_w"].raw
    assert "no such namespace" == device.seen["alien_w"].raw
    assert [Quality.BAD, Quality.BAD] == [device.seen[name].quality for name in ("other_w", "alien_w")]
    assert device.value("power_w") is not None


async def test_a_watchdog_is_written_before_each_setpoint(line, plant):
    text = PROFILE.replace(
        "on_release = 30",
        f'on_release = 30\nfallback = {{ value = 40, after_s = 60, node = "nsu={URI};s=Watchdog" }}',
    )
    device = Device(line, loading.parse_profile(text, "rig/plant", "plant.toml"))

    before = plant.get("Watchdog")
    await device.driver.write(order("valve_pct", 10))
    await device.driver.write(order("valve_pct", 11))

    assert before == 0
    assert 2 == plant.get("Watchdog")


async def test_a_cap_is_never_raised_on_leaving(line, plant):
    text = PROFILE.replace("valve_pct", "power_max_w").replace("on_release = 30", 'on_release = "cap"')
    device = Device(line, loading.parse_profile(text, "rig/plant", "plant.toml"))
    device.driver._device = type(DEVICE)("plant", 1, {"": "pump"}, caps={"pump.power_max_w": 60.0})
    plant.set("Valve", 500, ua.VariantType.Int16)
    await device.until(lambda one: len(one.seen) == 4)

    assert [500.0] == [write["raw"] for write in device.driver.releases()]
    plant.set("Valve", 700, ua.VariantType.Int16)
    await device.driver.release()

    assert 600 == plant.get("Valve"), "read just before it is lowered"
