"""Meters behind the five verbs, on real ptys."""

import pytest
from tests.drivers.meter.conftest import LINKY, frame, group, until

from quartier_drivers.abilities import NoteSource, RememberingDriver, SpeakingDriver
from quartier_drivers.contract import Command, DeviceSpec
from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.meter.bus_section import TicBus
from quartier_drivers.meter.driver import FACTORY
from quartier_drivers.readings import NO_READINGS, Quality


@pytest.fixture
async def meter(plug, house_time):
    port = FACTORY.line("tic0", TicBus(kind="tic", port=plug.path), house_time)
    driver = FACTORY.driver(port, DeviceSpec("linky", 1, {"": "grid"}), LINKY, house_time)
    driver.port = port
    driver.words = []
    driver.on_data(lambda: driver.words.append(1))
    await port.open()
    yield driver
    await port.close()


async def heard(driver, plug, data):
    """Have the meter say it; then who it is and what it told first."""
    with pytest.raises(NoReply):
        await driver.open()
    plug.say(data)
    await until(lambda: driver.words)
    return await driver.open(), await driver.read()


def shown(readings):
    return {one.point: (one.value, one.quality) for one in readings}


async def test_what_a_meter_says_is_read(meter, plug):
    identity, readings = await heard(meter, plug, frame(ADSC="012345678910", EAST="000005000", URMS1="230"))

    assert {"maker": "Acme", "model": "M1", "serial": "012345678910"} == identity
    assert {
        "grid.energy_import_wh": (5000.0, Quality.GOOD),
        "grid.voltage_l1_v": (230.0, Quality.GOOD),
    } == shown(readings)


async def test_a_meter_that_has_said_nothing_is_not_there_yet(meter):
    with pytest.raises(NoReply, match="nothing sound"):
        await meter.open()
    assert NO_READINGS is await meter.read()


async def test_a_meter_that_stays_silent_is_not_due_again_at_once(meter, house_time):
    meter._receive_ns = house_time.now_ns() - 100 * 10**9
    with pytest.raises(NoReply):
        await meter.open()

    assert meter.due_ns > house_time.now_ns()


async def test_a_meter_of_another_mode_is_named_as_such(meter, plug):
    with pytest.raises(NoReply):
        await meter.open()
    plug.say(frame(ADSC="012345678910", VTIC="02"))
    await until(lambda: meter.counts.frames_count)

    with pytest.raises(NoReply, match="says nothing that its profile asks for"):
        await meter.open()


async def test_its_turn_comes_when_it_has_spoken(meter, plug, house_time):
    await heard(meter, plug, frame(ADSC="012345678910", EAST="000005000"))
    assert meter.due_ns > house_time.now_ns()
    meter.words.clear()

    plug.say(frame(ADSC="012345678910", EAST="000005001"))
    await until(lambda: meter.words)
    assert meter.due_ns <= house_time.now_ns()


async def test_a_switch_does_not_wait_for_the_end_of_its_frame(meter, plug):
    await heard(meter, plug, frame(ADSC="012345678910", EAST="000005000"))
    meter.words.clear()
    plug.say(b"\x02" + group("ADSC", "012345678910") + group("STGE", "00000080"))
    await until(lambda: meter.words)

    assert {"grid.over_power_on": (True, Quality.GOOD)} == shown(await meter.read())


async def test_an_unplugged_line_is_lost_at_once(meter, plug, house_time):
    await heard(meter, plug, frame(ADSC="012345678910", EAST="000005000"))
    meter.words.clear()
    plug.unplug()
    await until(lambda: meter.words)

    assert meter.due_ns <= house_time.now_ns()
    with pytest.raises(LinkLost, match="gone"):
        await meter.read()


async def test_a_meter_can_only_be_read(meter):
    with pytest.raises(Refused):
        await meter.write(Command("grid.energy_import_wh", 1.0, 1))
    await meter.release()
    assert () == meter.releases()
    assert ["grid.x: cannot be written"] == await FACTORY.replay({}, [{"point": "grid.x"}])


async def test_it_speaks_notes_and_remembers(meter, plug):
    await heard(meter, plug, frame(ADSC="012345678910", EAST="000005000"))

    assert isinstance(meter, SpeakingDriver)
    assert isinstance(meter, NoteSource)
    assert isinstance(meter, RememberingDriver)
    assert {
        "grid.energy_import_wh": {"shift": 0.0, "raw": 5000.0, "meter": "012345678910"}
    } == meter.dump_state()
    meter.recall(meter.dump_state(), 10.0)
    assert [] == meter.notes()


async def test_a_key_file_that_cannot_be_read_is_said(plug, house_time):
    port = FACTORY.line("tic0", TicBus(kind="tic", port=plug.path), house_time)
    spec = DeviceSpec("linky", 1, {"": "grid"}, key_file="/nowhere/keys")

    with pytest.raises(NoReply, match="/nowhere/keys: file: cannot be read"):
        await FACTORY.driver(port, spec, LINKY, house_time).open()
