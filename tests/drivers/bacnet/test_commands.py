"""Against the rig's ventilation unit, whose stack is neither ours nor bacpypes3's."""

from dataclasses import dataclass

import pytest
from tests.drivers.bacnet.conftest import profile, spec
from tests.drivers.bacnet.test_driver import told

from quartier_drivers.bacnet.commands import MinimumTimes, SwitchTimes
from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_drivers.contract import Command
from quartier_drivers.errors import Refused
from quartier_drivers.readings import Quality, Reading, make_readings
from quartier_sim.bacnet.building_controllers import VentilationUnit
from quartier_sim.bacnet.udp_endpoint import serve_udp

POINTS = """
[points.heater_on]
object = "binary-output:1"
[points.heater_on.write]
on_release = "own"
[points.relay_on]
object = "load-control:1"
[points.relay_on.write]
on_release = "own"
shed = { percent = 60, duration_s = 900 }
[points.speed_max_pct]
object = "analog-value:2"
units = "percent"
[points.speed_max_pct.write]
low = 10
high = 100
on_release = "cap"
[points.speed_max_pct.write.fallback]
object = "analog-value:10"
value = 60
after_s = 90
[points.mode_state]
object = "multi-state-value:1"
[points.mode_state.write]
low = 1
high = 4
on_release = "own"
"""
OURS = 9  # priority 10, counted from 0


@dataclass
class Rig:
    unit: VentilationUnit
    driver: BacnetDriver
    clock: object

    async def order(self, point, value):
        await self.driver.write(Command(f"air.{point}", value, self.clock.now_ns() + 20 * 10**9))
        return await told(self.driver)

    def pass_(self, seconds):
        self.clock.move(seconds)
        self.unit.tick(self.unit.now_s + seconds)

    def codes(self):
        return [note.code for note in self.driver.notes()]


@pytest.fixture
async def rig(line, clock):
    unit = VentilationUnit()
    async with await serve_udp(unit) as endpoint:
        driver = BacnetDriver(
            line, spec(address=endpoint.address, caps={"air.speed_max_pct": 40.0}), profile(POINTS), clock
        )
        await driver.open()
        await told(driver)
        yield Rig(unit, driver, clock)


async def test_a_mode_is_commanded_and_read_back(rig):
    assert (4, Quality.GOOD) == (await rig.order("mode_state", 4.0))["air.mode_state"]
    assert 4.0 == rig.unit.mode.commands.places[OURS]


async def test_the_watchdog_is_fed_with_each_setpoint(rig):
    await rig.order("speed_max_pct", 60.0)

    assert (60.0, 90.0) == (rig.unit.limit.value, rig.unit.watchdog.value)


async def test_a_switch_that_has_just_changed_waits_for_its_least_time(rig):
    await rig.order("heater_on", 1.0)
    with pytest.raises(Refused, match="least time on or off lasts 120 s more"):
        await rig.order("heater_on", 0.0)
    rig.pass_(121.0)
    await told(rig.driver)

    assert (False, Quality.GOOD) == (await rig.order("heater_on", 0.0))["air.heater_on"]


async def test_a_shed_begins_now_on_the_devices_own_clock_and_ends_by_itself(rig):
    found = await rig.order("relay_on", 0.0)
    assert (False, 60.0) == (found["air.relay_on"][0], rig.unit.shed.share_pct)
    rig.pass_(901.0)

    assert (True, Quality.GOOD) == (await told(rig.driver))["air.relay_on"]


async def test_a_shed_is_ended(rig):
    await rig.order("relay_on", 0.0)

    assert (True, Quality.GOOD) == (await rig.order("relay_on", 1.0))["air.relay_on"]


async def test_who_stands_above_us_is_told_once_with_what_he_holds(rig):
    await rig.order("mode_state", 4.0)
    assert [] == rig.codes()
    rig.unit.mode.commands.put(1.0, 8, rig.unit.now_s)
    rig.pass_(61.0)
    await rig.order("mode_state", 4.0)
    await told(rig.driver)

    assert ["priority.held"] == rig.codes()
    rig.pass_(61.0)
    await rig.order("mode_state", 4.0)
    assert [] == rig.codes()
    rig.unit.mode.commands.put(None, 8, rig.unit.now_s)
    rig.pass_(61.0)
    await rig.order("mode_state", 4.0)
    assert ["priority.free"] == rig.codes()


async def test_what_nobody_renews_is_given_back(rig):
    await rig.order("mode_state", 4.0)
    rig.pass_(59.0)
    await told(rig.driver)
    assert 4.0 == rig.unit.mode.commands.places[OURS]
    rig.pass_(1.0)
    await told(rig.driver)

    assert rig.unit.mode.commands.places[OURS] is None
    assert "command.lapsed" in rig.codes()


async def test_what_is_renewed_stays(rig):
    await rig.order("mode_state", 4.0)
    for _ in range(6):
        rig.pass_(20.0)
        await rig.order("mode_state", 4.0)

    assert 4.0 == rig.unit.mode.commands.places[OURS]


async def test_a_cap_does_not_lapse(rig):
    await rig.order("speed_max_pct", 30.0)
    rig.clock.move(600.0)
    await told(rig.driver)

    assert 30.0 == rig.unit.limit.value


async def test_leaving_gives_back_what_is_ours_and_never_raises_a_cap(rig):
    await rig.order("mode_state", 4.0)
    await rig.order("speed_max_pct", 30.0)
    await rig.order("relay_on", 0.0)
    await rig.driver.release()

    assert rig.unit.mode.commands.places[OURS] is None
    assert 30.0 == rig.unit.limit.value
    assert 100.0 == rig.unit.shed.share_pct


async def test_a_cap_that_stands_higher_is_left_at_its_safe_value(rig):
    await rig.order("speed_max_pct", 80.0)
    await rig.driver.release(("air.speed_max_pct",))

    assert 40.0 == rig.unit.limit.value


async def test_a_cap_that_somebody_lowered_meanwhile_is_seen_before_we_leave(rig):
    await rig.order("speed_max_pct", 80.0)
    rig.unit.limit.commands.put(20.0, 10, rig.unit.now_s)
    await rig.driver.release(("air.speed_max_pct",))

    assert 20.0 == rig.unit.limit.value


async def test_the_release_table_holds_every_point_with_its_place(rig):
    written = {write["point"] for write in rig.driver.releases()}

    assert {"air.heater_on", "air.relay_on", "air.speed_max_pct", "air.mode_state"} == written
    assert 1 == len({write["place"] for write in rig.driver.releases()})


S = 1_000_000_000


def seen(minimums, is_on, at_s, quality=Quality.GOOD):
    minimums.note_readings(make_readings([Reading("air.fan_on", is_on, quality, at_s * S)], at_s * S))


def made():
    minimums = SwitchTimes()
    minimums.learn({"air.fan_on": MinimumTimes(on_s=120.0, off_s=180.0), "air.relay_on": MinimumTimes()})
    return minimums


def test_a_switch_stays_on_for_its_least_time():
    minimums = made()
    seen(minimums, False, 0)
    seen(minimums, True, 10)

    assert 120.0 == minimums.find_wait_s("air.fan_on", 0.0, 10 * S)
    assert 1.0 == minimums.find_wait_s("air.fan_on", 0.0, 129 * S)
    assert 0.0 == minimums.find_wait_s("air.fan_on", 0.0, 130 * S)


def test_a_switch_stays_off_for_its_least_time():
    minimums = made()
    seen(minimums, True, 0)
    seen(minimums, False, 10)

    assert 180.0 == minimums.find_wait_s("air.fan_on", 1.0, 10 * S)


def test_the_same_state_again_waits_for_nothing():
    minimums = made()
    seen(minimums, False, 0)
    seen(minimums, True, 10)

    assert 0.0 == minimums.find_wait_s("air.fan_on", 1.0, 11 * S)


def test_since_when_is_known_only_of_what_was_seen_to_change():
    minimums = made()
    seen(minimums, True, 10)

    assert 0.0 == minimums.find_wait_s("air.fan_on", 0.0, 11 * S)


def test_a_reading_that_is_bad_changes_nothing():
    minimums = made()
    seen(minimums, False, 0)
    seen(minimums, True, 10, Quality.BAD)

    assert 0.0 == minimums.find_wait_s("air.fan_on", 0.0, 11 * S)


def test_points_without_least_times_are_left_alone():
    assert ("air.fan_on",) == made().names
    assert 0.0 == made().find_wait_s("air.relay_on", 1.0, 0)
