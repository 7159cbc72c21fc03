"""Orders to SunSpec devices of the rig, which encodes and times them by itself: set, read back, ended."""

import struct

import pytest

from quartier_drivers import registry
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.readings import Quality
from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.sunspec.battery_inverter import BatteryInverter
from quartier_sim.sunspec.pv_inverter import SolarInverter

BATTERY, PV = "bat.setpoint_w", "pv.generation_max_w"
S = 1_000_000_000
GENERATIONS = pytest.mark.parametrize("generation", ["1xx", "7xx"])


@pytest.fixture
async def driven(clock):
    """Makes a driver for a device of the rig on a wire of its own."""
    lines, endpoints = [], []

    async def make(device, caps=None, name=None):
        storage = isinstance(device, BatteryInverter)
        endpoint = await serve_tcp(device)
        port = int(endpoint.url.rpartition(":")[2])
        bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=port, timeout_s=2.0, retries_count=0)
        line = registry.load_factory("modbus-tcp").line("lan", bus, clock)
        lines.append(line)
        endpoints.append(endpoint)
        spec = DeviceSpec("device", 1, {"": "bat" if storage else "pv"}, {}, caps or {})
        loaded = loading.load_profile(name or ("sunspec/battery" if storage else "sunspec/pv"))
        driver = registry.load_factory("modbus-tcp", "sunspec").driver(line, spec, loaded, clock)
        await driver.open()
        return driver

    yield make
    for line in lines:
        await line.close()
    for endpoint in endpoints:
        await endpoint.close()


def order(clock, point, value, life_s=20):
    return Command(point, value, clock.now_ns() + life_s * S)


async def read(driver, point):
    """The point as the next reads tell it."""
    found = [one for _ in range(20) for one in await driver.read() if one.point == point]
    return found[-1]


# -- setpoints -----------------------------------------------------------------------------


@GENERATIONS
@pytest.mark.parametrize("watts", [-1000.0, 1234.5, 0.0])
async def test_a_setpoint_acts_with_the_houses_sign_and_reads_back_in_watts(driven, clock, generation, watts):
    device = BatteryInverter(generation)
    driver = await driven(device)

    await driver.write(order(clock, BATTERY, watts))

    step = driver.points[BATTERY].step
    assert watts == pytest.approx(device.orders()["setpoint_w"], abs=step / 2)
    told = await read(driver, BATTERY)
    assert (watts, Quality.GOOD) == (pytest.approx(told.value, abs=step / 2), told.quality)


@GENERATIONS
async def test_a_setpoint_ends_by_the_devices_own_timer_and_then_none_is_read(driven, clock, generation):
    device = BatteryInverter(generation)
    driver = await driven(device)
    await driver.write(order(clock, BATTERY, -1000.0))

    device.tick(59.0)
    assert -1000.0 == device.orders()["setpoint_w"]
    device.tick(60.5)
    assert 0.0 == device.orders()["setpoint_w"]

    clock.move(6)
    assert Quality.BAD is (await read(driver, BATTERY)).quality


@GENERATIONS
async def test_writing_it_again_starts_the_timer_again_and_reading_does_not(driven, clock, generation):
    device = BatteryInverter(generation)
    driver = await driven(device)
    await driver.write(order(clock, BATTERY, -1000.0))
    device.tick(40.0)
    await driver.write(order(clock, BATTERY, -1000.0))
    device.tick(90.0)
    assert -1000.0 == device.orders()["setpoint_w"]

    for _ in range(20):
        clock.move(5)
        await driver.read()
    device.tick(101.0)
    assert 0.0 == device.orders()["setpoint_w"]


@GENERATIONS
async def test_leaving_gives_it_back_and_leaves_no_timer(driven, clock, generation):
    device = BatteryInverter(generation)
    driver = await driven(device)
    await driver.write(order(clock, BATTERY, 2000.0))

    await driver.release()

    assert 0.0 == device.orders()["setpoint_w"]
    assert 0 == device.image.get("704.WSetRvrtTms" if generation == "7xx" else "124.InOutWRte_RvrtTms")


@GENERATIONS
async def test_what_the_table_holds_does_the_same_without_a_profile(driven, clock, generation):
    device = BatteryInverter(generation)
    driver = await driven(device)
    await driver.write(order(clock, BATTERY, 2000.0))
    writes = driver.releases()
    factory = registry.load_factory("modbus-tcp", "sunspec")
    endpoint = await serve_tcp(device)
    section = {"kind": "modbus-tcp", "host": "127.0.0.1", "port": int(endpoint.url.rpartition(":")[2])}

    assert [] == await factory.replay(section, writes)

    await endpoint.close()
    assert 0.0 == device.orders()["setpoint_w"]


@GENERATIONS
async def test_more_than_the_device_can_is_refused_and_changes_nothing(driven, clock, generation):
    device = BatteryInverter(generation)
    driver = await driven(device)
    await driver.write(order(clock, BATTERY, 1000.0))

    with pytest.raises(Refused, match=r"6000 W is beyond -5000\.\.5000 W"):
        await driver.write(order(clock, BATTERY, 6000.0))
    assert 1000.0 == device.orders()["setpoint_w"]


async def test_a_rating_that_changed_is_read_before_the_next_order(driven, clock):
    device = BatteryInverter("1xx")
    driver = await driven(device)
    await driver.write(order(clock, BATTERY, 1000.0))
    device.image.show("124.WChaMax", 10_000.0)

    await driver.write(order(clock, BATTERY, 1000.0))

    assert 10.0 == device.image.number("124.InWRte")  # per cent of 10 kW
    assert 1000.0 == pytest.approx(device.orders()["setpoint_w"])


async def test_a_void_rating_is_refused_in_words(driven, clock):
    driver = await driven(BatteryInverter("1xx", habits=["no-scale"]))

    with pytest.raises(Refused, match=r"124\.WChaMax tells no rating"):
        await driver.write(order(clock, BATTERY, 1000.0))


# -- timers that fail ----------------------------------------------------------------------


@GENERATIONS
async def test_a_timer_persisted_at_zero_is_found_and_the_order_taken_back(driven, clock, generation):
    device = BatteryInverter(generation, habits=["timer-lost"])
    driver = await driven(device)

    with pytest.raises(Refused, match=r"RvrtTms reads back 0 where 60 was written.*taken back"):
        await driver.write(order(clock, BATTERY, 1000.0))
    assert 0.0 == device.orders()["setpoint_w"]

    (looked,) = await driver.arm(writes=False)
    assert "RvrtTms reads back 0 where 60 was written" in looked.problem, (
        "though a timer at rest shows nothing"
    )
    (armed,) = await driver.arm(writes=True)
    assert "holds 0 s where 60 s are declared: it never acts; set it at the device" in armed.problem


@GENERATIONS
async def test_arming_writes_the_timer_and_reads_it_back(driven, generation):
    driver = await driven(BatteryInverter(generation))

    (before,) = await driver.arm(writes=False)
    (after,) = await driver.arm([BATTERY], writes=True)

    assert ("", False) == (before.problem, before.is_verified)
    assert (BATTERY, None, 60.0, "", True) == (
        after.point,
        after.value,
        after.after_s,
        after.problem,
        after.is_verified,
    )


async def test_between_two_exchanges_of_arming_others_have_their_turn(driven):
    driver = await driven(BatteryInverter("7xx"))
    turns = []

    async def between():
        turns.append(1)

    await driver.arm(writes=True, between=between)
    assert turns
    assert [] == list(await driver.arm(["other.setpoint_w"], writes=False))


async def test_a_device_without_any_of_the_controls_is_told(driven, clock):
    device = SolarInverter("1xx")
    driver = await driven(device, name="sunspec/battery")

    with pytest.raises(Refused, match=r"has none of 704\.WSet, 704\.WSetPct, 124\.StorCtl_Mod"):
        await driver.write(order(clock, "pv.setpoint_w", 1000.0))
    (armed,) = await driver.arm(writes=False)
    assert "has none of" in armed.problem
    assert [] == list(driver.releases())


async def test_a_timer_that_reading_starts_again_is_named(driven, clock):
    device = BatteryInverter("7xx", habits=["timer-fed-by-polls"])
    driver = await driven(device)
    await driver.write(order(clock, BATTERY, -1000.0))
    for second in range(1, 20):
        clock.move(1)
        device.tick(float(second))
        await driver.read()

    assert "order.not_held" in [note.code for note in driver.notes()]
    (armed,) = await driver.arm(writes=False)
    assert "reading starts it again" in armed.problem


async def test_a_timer_that_ran_out_and_did_nothing_is_named(driven, clock):
    device = BatteryInverter("7xx", habits=["timer-ignored"])
    driver = await driven(device)
    await driver.write(order(clock, BATTERY, -1000.0))
    for second in range(1, 80):
        clock.move(1)
        device.tick(float(second))
        await driver.read()

    (armed,) = await driver.arm(writes=False)
    assert "704.WSetRvrtTms has run out and has no effect: the order is still active" in armed.problem


async def test_a_timer_that_counts_as_it_should_is_no_trouble(driven, clock):
    device = BatteryInverter("7xx")
    driver = await driven(device)
    for second in range(1, 60):
        if second % 20 == 1:
            await driver.write(order(clock, BATTERY, -1000.0))
        clock.move(1)
        device.tick(float(second))
        await driver.read()

    assert [] == [note.code for note in driver.notes()]
    assert "" == (await driver.arm(writes=False))[0].problem


# -- caps ----------------------------------------------------------------------------------


@GENERATIONS
@pytest.mark.parametrize("watts", [0.0, 999.9, 3000.0, 99_999.0])
async def test_a_cap_is_never_exceeded_and_reads_back_in_watts(driven, clock, generation, watts):
    device = SolarInverter(generation)
    driver = await driven(device, {PV: 500.0})

    await driver.write(order(clock, PV, watts))

    acting = device.orders()["generation_max_w"]
    assert acting <= watts
    assert min(watts, 6000.0) == pytest.approx(acting, abs=0.6)
    assert acting == pytest.approx((await read(driver, PV)).value)


@pytest.mark.parametrize("watts", [3000.0, 100.0])
async def test_a_cap_of_704_falls_to_the_fail_safe_cap_and_is_never_lifted(driven, clock, watts):
    device = SolarInverter("7xx")
    driver = await driven(device, {PV: 1500.0})
    await driver.write(order(clock, PV, watts))

    device.tick(1000.0)

    assert device.orders()["generation_max_w"] <= min(watts, 1500.0)
    assert 60.0 == driver.points[PV].fallback.after_s


async def test_a_cap_of_123_stands_for_ever_also_where_a_timer_was_left_by_somebody(driven, clock):
    device = SolarInverter("1xx")
    device.image.put("123.WMaxLimPct_RvrtTms", 30)
    driver = await driven(device, {PV: 1500.0})
    assert "would end in none at all; run quartier arm" in (await driver.arm(writes=False))[0].problem
    await driver.write(order(clock, PV, 1200.0))

    device.tick(1e6)

    assert 1200.0 == pytest.approx(device.orders()["generation_max_w"])
    assert driver.points[PV].fallback.holds
    assert "" == (await driver.arm(writes=True))[0].problem


@GENERATIONS
async def test_leaving_leaves_the_fail_safe_cap_for_ever(driven, clock, generation):
    device = SolarInverter(generation)
    driver = await driven(device, {PV: 1500.0})
    await driver.write(order(clock, PV, 5000.0))

    await driver.release()
    device.tick(1e6)

    assert 1500.0 == pytest.approx(device.orders()["generation_max_w"], abs=0.6)


@GENERATIONS
async def test_without_a_fail_safe_cap_leaving_changes_nothing(driven, clock, generation):
    device = SolarInverter(generation)
    driver = await driven(device)
    await driver.write(order(clock, PV, 1000.0))

    await driver.release()
    device.tick(1e6)

    assert 1000.0 == pytest.approx(device.orders()["generation_max_w"], abs=0.6)


# -- heartbeats ----------------------------------------------------------------------------


async def test_a_heartbeat_goes_on_while_the_order_is_fresh_and_no_longer(driven, clock):
    device = BatteryInverter("7xx", heartbeat_s=5.0)
    driver = await driven(device)
    start_ns = clock.now_ns()
    await driver.write(order(clock, BATTERY, -1000.0, life_s=20))

    def seconds():
        return (clock.now_ns() - start_ns) / S

    while seconds() < 19:
        clock.move(0.5)
        device.tick(seconds())
        await driver.read()
        assert -1000.0 == device.orders()["setpoint_w"]
    while seconds() < 30:  # polled on, but nobody stands behind the order any more
        clock.move(0.5)
        device.tick(seconds())
        await driver.read()

    assert 0.0 == device.orders()["setpoint_w"]


async def test_a_device_that_takes_no_heartbeat_is_steered_without(driven, clock):
    device = BatteryInverter("7xx")
    for path in ("715.ControllerHb", "802.CtrlHb"):
        device.image.put(path, None)
    driver = await driven(device)

    await driver.write(order(clock, BATTERY, -1000.0))

    assert -1000.0 == device.orders()["setpoint_w"]


# -- wires and maps that change ------------------------------------------------------------


async def test_a_write_whose_answer_is_lost_is_read_before_all_else(driven, clock):
    device = BatteryInverter("7xx")
    driver = await driven(device)
    answer = device.units[1].answer

    def deaf(pdu):
        answered = answer(pdu)
        if pdu[0] == 16:
            device.fault("silent")
        return answered

    device.units[1].answer = deaf
    with pytest.raises(NoReply):
        await driver.write(order(clock, BATTERY, -1000.0))
    device.units[1].answer = answer
    device.clear()

    first = await driver.read()

    assert [BATTERY] == [one.point for one in first] or not first
    assert driver.due_ns <= clock.now_ns() + S


async def test_models_that_moved_are_looked_for_anew_and_nothing_is_written_meanwhile(driven, clock):
    device = BatteryInverter("7xx")
    driver = await driven(device)
    other = BatteryInverter("1xx")
    device.image.words.clear()
    device.image.words.update(other.image.words)
    writes = device.writes_count

    with pytest.raises(Refused, match="models have moved"):
        await driver.write(order(clock, BATTERY, -1000.0))
    assert writes == device.writes_count
    assert "models.moved" in [note.code for note in driver.notes()]

    for _ in range(3):
        await driver.read()
    assert "1/124.OutWRte" == driver.points[BATTERY].address


def swapped(device, other):
    """Another device at the same address; tells what was changed in it since, by its names."""
    device.units[1].answer = other.units[1].answer
    before = dict(other.image.words)

    def changed():
        return {
            cell.path
            for cell in other.image.cells.values()
            for at in range(cell.address, cell.end)
            if other.image.words[at] != before[at]
        }

    return changed


async def test_leaving_finds_models_that_moved_anew_before_it_writes(driven):
    device = SolarInverter("7xx")
    driver = await driven(device, caps={PV: 3000.0})
    changed = swapped(device, SolarInverter("1xx"))

    await driver.release()

    assert {"123.WMaxLimPct", "123.WMaxLim_Ena"} == changed()


async def test_no_table_is_left_for_models_that_moved_until_they_are_found_anew(driven, clock):
    device = SolarInverter("7xx")
    driver = await driven(device, caps={PV: 3000.0})
    table, standing = driver.releases(), driver.standing
    changed = swapped(device, SolarInverter("1xx"))
    with pytest.raises(Refused, match="have moved"):
        await driver.write(order(clock, PV, 1000.0))

    assert [] == driver.releases()
    assert standing != driver.standing
    await driver.read()
    assert driver.releases()
    assert table != driver.releases()
    assert set() == changed()


async def test_arming_writes_nothing_where_models_have_moved(driven):
    device = BatteryInverter("7xx")
    driver = await driven(device)
    changed = swapped(device, BatteryInverter("1xx"))

    (first,) = await driver.arm(writes=True)
    assert "have moved" in first.problem
    assert set() == changed()

    (then,) = await driver.arm(writes=True)
    assert ("", 60.0) == (then.problem, then.after_s)


async def test_a_heartbeat_never_goes_to_another_model(driven, clock):
    device = BatteryInverter("7xx")
    driver = await driven(device)
    await driver.write(order(clock, BATTERY, -1000.0, life_s=20))
    changed = swapped(device, BatteryInverter("1xx"))

    for _ in range(40):
        clock.move(0.5)
        await driver.read()

    assert set() == changed()
    assert "models.moved" in [note.code for note in driver.notes()]


async def test_leaving_goes_by_the_scale_and_the_rating_of_the_moment(driven):
    device = SolarInverter("1xx")
    driver = await driven(device, caps={PV: 3000.0})
    device.image.put("121.WMax", 2 * device.image.get("121.WMax"))

    await driver.release()

    assert 25.0 == device.image.number("123.WMaxLimPct")


async def test_an_order_that_is_refused_prolongs_no_heartbeat(driven, clock):
    device = BatteryInverter("7xx", heartbeat_s=5.0)
    driver = await driven(device)
    start_ns = clock.now_ns()
    await driver.write(order(clock, BATTERY, -1000.0, life_s=10))
    with pytest.raises(Refused, match="is beyond"):
        await driver.write(order(clock, BATTERY, 99_000.0, life_s=1000))

    while clock.now_ns() - start_ns < 20 * S:
        clock.move(0.5)
        device.tick((clock.now_ns() - start_ns) / S)
        await driver.read()

    assert 0.0 == device.orders()["setpoint_w"]


async def test_an_order_that_was_refused_half_way_is_taken_back(driven, clock):
    device = BatteryInverter("1xx")
    driver = await driven(device)
    await driver.write(order(clock, BATTERY, 1000.0))
    answer, place = device.units[1].answer, device.image.cells["124.InWRte"].address

    def unsigned(pdu):
        at, count = struct.unpack(">HH", pdu[1:5])
        if pdu[0] == 16 and at <= place < at + count and pdu[6 + 2 * (place - at)] & 0x80:
            return bytes([0x90, 3])
        return answer(pdu)

    device.units[1].answer = unsigned
    with pytest.raises(Refused, match="illegal data value"):
        await driver.write(order(clock, BATTERY, -2000.0))

    assert 0 == device.image.get("124.StorCtl_Mod")


async def test_a_device_that_makes_zero_of_a_negative_limit_is_told_what_it_leaves_open(driven, clock):
    device = BatteryInverter("1xx")
    driver = await driven(device)
    answer, cell = device.units[1].answer, device.image.cells["124.OutWRte"]

    def clamping(pdu):
        answered = answer(pdu)
        if pdu[0] == 16 and device.image.words[cell.address] & 0x8000:
            device.image.words[cell.address] = 0
        return answered

    device.units[1].answer = clamping
    with pytest.raises(Refused, match=r"OutWRte 0: leaves it 0\.\.1000 W"):
        await driver.write(order(clock, BATTERY, 1000.0))


async def test_what_is_no_number_is_refused(driven, clock):
    driver = await driven(BatteryInverter("7xx"))

    for value in (float("inf"), float("nan")):
        with pytest.raises(Refused, match="is outside"):
            await driver.write(order(clock, BATTERY, value))


async def test_a_map_that_moved_is_noticed_by_polling_too(driven, clock):
    device = SolarInverter("7xx")
    driver = await driven(device, name="sunspec/inverter")
    other = SolarInverter("1xx")
    other.publish({"power_w": -777.0})
    device.image.words.clear()
    device.image.words.update(other.image.words)

    found = {}
    for _ in range(200):
        clock.move(1)
        found |= {one.point: one.value for one in await driver.read() if one.quality is Quality.GOOD}

    assert -777.0 == found["pv.power_w"]


async def test_a_device_that_takes_single_points_only_is_written_point_by_point(driven, clock):
    device = BatteryInverter("7xx")
    driver = await driven(device)
    answer = device.units[1].answer

    def picky(pdu):
        if pdu[0] == 16 and struct.unpack(">H", pdu[3:5])[0] > 2:
            return bytes([0x90, 3])
        return answer(pdu)

    device.units[1].answer = picky

    await driver.write(order(clock, BATTERY, -1000.0))

    assert -1000.0 == device.orders()["setpoint_w"]
    assert 60 == device.image.get("704.WSetRvrtTms")


async def test_odd_maps_are_steered_all_the_same_and_told_once(driven, clock):
    device = BatteryInverter("7xx", habits=["no-end", "stranger", "short-common", "short-reads=20", "base-0"])
    driver = await driven(device)

    await driver.write(order(clock, BATTERY, -1000.0))
    await driver.open()

    assert -1000.0 == device.orders()["setpoint_w"]
    assert ["models.odd"] == [note.code for note in driver.notes()]


async def test_nothing_that_cannot_be_written_is_written(driven, clock):
    driver = await driven(BatteryInverter("7xx"))

    with pytest.raises(Refused, match="cannot be written"):
        await driver.write(order(clock, "bat.power_w", 1.0))
    with pytest.raises(Refused, match="cannot be written"):
        await driver.write(order(clock, "other.setpoint_w", 1.0))
