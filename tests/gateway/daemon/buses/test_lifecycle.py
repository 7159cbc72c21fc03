"""The buses of a site and their tasks, on real wires against simulated devices."""

import json
import shutil
from types import SimpleNamespace

import pytest
import structlog

from quartier.daemon.assembly import bus_specs
from quartier.daemon.buses.lifecycle import ReleaseFile
from quartier.runtime import release
from quartier_drivers.modbus.driver import ModbusDriver

BOARD_GONE = ("devices.relays", "# devices.relays")

VIRTUAL_TIME = True


async def polled(yard):
    await yard.until(
        lambda: yard.seen("grid.power_w") is not None and yard.seen("boiler.power_w") is not None
    )


async def relay_on(yard, devices):
    """Switch the boiler on and wait until its relay has it."""
    yard.command("boiler.relay_on", 1.0)
    await yard.until(lambda: devices["relays"].orders()["relay1.relay_on"] == 1.0)
    await yard.until(lambda: yard.seen("boiler.relay_on") == 1)


async def test_every_bus_is_polled_and_its_points_are_known_at_once(yard):
    async with yard() as (found, _):
        await found.follow()
        assert {"lan", "board"} == set(found.buses)
        assert {"grid.power_w", "bat1.setpoint_w", "boiler.relay_on"} <= set(found.fleet.points)
        await polled(found)

        assert 3000 == pytest.approx(found.seen("grid.power_w"), abs=1)


async def started(yard, *changes):
    return await yard.fleet.follow(bus_specs.make_bus_specs(yard.read(*changes)))


async def test_the_points_of_buses_that_start_anew_are_told(yard):
    async with yard() as (found, _):
        assert {"grid", "bat1", "boiler"} == {point.partition(".")[0] for point in await started(found)}
        changed = (f"port = {found.ports['board']}", f"pause_s = 0.01, port = {found.ports['board']}")
        assert {"boiler"} == {point.partition(".")[0] for point in await started(found, changed)}
        assert set() == await started(found, changed)


async def test_the_same_file_again_changes_nothing(yard):
    async with yard() as (found, _):
        await found.follow()
        await polled(found)
        before = found.buses
        await found.follow()

        assert before == found.buses
        assert all(bus.online for bus in found.fleet.buses), "not even a connection was made anew"


async def test_a_changed_bus_starts_anew_and_its_neighbour_keeps_its_connection(yard):
    async with yard() as (found, _):
        await found.follow()
        await polled(found)
        before = found.buses
        await found.follow(
            (f"port = {found.ports['board']}", f"pause_s = 0.01, port = {found.ports['board']}")
        )
        found.image.drop({"boiler.power_w"})
        await polled(found)

        assert before["lan"] is found.buses["lan"]
        assert before["board"] is not found.buses["board"]
        told = found.fleet.report(found.clock.now_ns())
        values = {reading.point: reading.value for readings in told for reading in readings}
        assert 1 == values["lan.connects_count"]


async def test_a_device_whose_bus_starts_anew_still_knows_what_it_must_remember(yard, monkeypatch):
    """A meter swapped a moment before the site file was read again: what it adds up must not be lost."""
    recalled = []
    facts = {"shift": 1234.0}
    monkeypatch.setattr(ModbusDriver, "dump_state", lambda _self: facts, raising=False)
    monkeypatch.setattr(
        ModbusDriver, "recall", lambda _self, kept, _away_s: recalled.append(kept), raising=False
    )
    async with yard() as (found, _):
        await found.follow()
        assert [] == recalled
        await found.follow(
            (f"port = {found.ports['board']}", f"pause_s = 0.01, port = {found.ports['board']}")
        )

        assert facts in recalled


async def test_a_device_that_leaves_gets_its_safe_value(yard):
    async with yard() as (found, devices):
        await found.follow()
        await relay_on(found, devices)
        await found.follow(BOARD_GONE)

        assert 0.0 == devices["relays"].orders()["relay1.relay_on"]
        assert "boiler.relay_on" not in found.fleet.points


async def test_a_device_that_stays_on_a_changed_bus_keeps_its_output(yard):
    async with yard() as (found, devices):
        await found.follow()
        await relay_on(found, devices)
        writes_count = devices["relays"].writes_count
        await found.follow(
            (f"port = {found.ports['board']}", f"pause_s = 0.01, port = {found.ports['board']}")
        )

        assert (1.0, writes_count) == (
            devices["relays"].orders()["relay1.relay_on"],
            devices["relays"].writes_count,
        )


async def test_a_device_whose_bus_moves_to_another_address_gets_its_safe_value_at_the_old_one(yard):
    async with yard() as (found, devices):
        await found.follow()
        await relay_on(found, devices)
        await found.follow((f"port = {found.ports['board']}", "port = 9"))

        assert 0.0 == devices["relays"].orders()["relay1.relay_on"]


async def test_the_release_table_begins_with_those_that_answer(yard):
    first = 'devices.absent = { bus = "board", profile = "waveshare/relay8", unit = 9 }\ndevices.relays = '
    switch = 'switch_device = "absent", switch_part = "relay1" }\n'
    pump = 'assets.pump = { role = "pv", device = "meter", rated_w = 500, ' + switch
    async with yard() as (found, devices):
        await found.follow(
            ("devices.relays = ", first),
            (
                'assets.boiler = { role = "load", device = "meter"',
                pump + 'assets.boiler = { role = "load", device = "meter2"',
            ),
            (
                "devices.meter = ",
                'devices.meter2 = { bus = "board", profile = "eastron/sdm630", unit = 1 }\ndevices.meter = ',
            ),
        )
        await relay_on(found, devices)
        points = [write["point"] for wire in found.fleet.make_release_table() for write in wire.writes]

        assert ["boiler.relay_on", "pump.relay_on"] == [p for p in points if p.endswith("relay_on")]


async def test_a_bus_that_leaves_is_no_longer_polled(yard):
    async with yard() as (found, devices):
        await found.follow()
        await relay_on(found, devices)
        await found.follow((f"port = {found.ports['board']}", "port = 150300"))

        assert {"lan"} == set(found.buses)
        assert not any(point.startswith("boiler.") for point in found.fleet.points)
        assert 0.0 == devices["relays"].orders()["relay1.relay_on"]


async def test_a_safe_value_that_cannot_be_written_is_named_and_holds_nobody_up(yard):
    async with yard() as (found, devices):
        await found.follow()
        await relay_on(found, devices)
        devices["relays"].fault("silent")
        await found.follow(BOARD_GONE)

        (said,) = found.said("release.failed")
        assert ("board", True) == (said["bus"], "relays" in said["why"])
        found.image.drop({"boiler.power_w"})
        await polled(found)


async def test_a_command_for_a_point_that_is_not_there_is_dropped(yard):
    async with yard() as (found, _):
        await found.follow()
        found.command("ev7.current_max_a", 6.0)

        assert all(not bus.mailbox.outcomes for bus in found.fleet.buses)


async def test_points_are_given_back_to_their_devices(yard):
    async with yard() as (found, devices):
        await found.follow()
        found.command("bat1.setpoint_w", 1000.0)
        await found.until(lambda: devices["gx"].orders().get("battery.setpoint_w") == 1000.0)
        found.fleet.give_back(["bat1.setpoint_w", "none.such_w"])

        await found.until(lambda: devices["gx"].orders()["battery.setpoint_w"] == 0.0)


async def test_an_asset_is_silent_only_when_every_device_of_it_is(yard):
    # At a higher rate the real time-outs of one device would make its neighbour late.
    async with yard(rate=10.0) as (found, devices):
        await found.follow()
        await polled(found)
        devices["meter"].fault("silent")
        await found.until(lambda: found.buses["board"].devices["meter"].silent)
        assert set() == found.fleet.silent(), "the relay of the boiler still answers"

        devices["relays"].fault("silent")
        await found.until(lambda: found.fleet.silent() == {"boiler"})
        devices["meter"].clear()
        await found.until(lambda: found.fleet.silent() == set())


async def test_the_release_table_needs_nothing_but_itself(yard, tmp_path):
    async with yard() as (found, devices):
        await found.follow()
        await relay_on(found, devices)
        release.save_release(tmp_path, found.fleet.make_release_table())

        failures = await release.write_releases(release.load_release(tmp_path))
        assert {"lan": [], "board": []} == {bus: list(failed) for bus, failed in failures.items()}
        assert 0.0 == devices["relays"].orders()["relay1.relay_on"]


async def test_leaving_names_what_failed_and_releases_the_rest(yard):
    async with yard() as (found, devices):
        await found.follow()
        await relay_on(found, devices)
        devices["gx"].fault("off")
        failures = await found.fleet.leave()

        assert 0.0 == devices["relays"].orders()["relay1.relay_on"]
        assert ["gx"] == [failure.partition(":")[0] for failure in failures]


def broken(readings):
    """A bug in a driver that shows with the boiler's readings only."""
    if any(reading.point == "boiler.power_w" for reading in readings):
        raise ZeroDivisionError("a bug of the test")


async def test_a_bug_in_one_bus_parks_it_after_five_and_the_others_go_on(yard):
    async with yard() as (found, _):
        await found.follow()
        await polled(found)
        found.bug = broken
        await found.until(lambda: found.said("task.parked"))
        assert [1, 2, 3, 4] == [said["count"] for said in found.said("task.failed")]
        found.image.drop({"grid.power_w"})
        await found.until(lambda: found.seen("grid.power_w") is not None)

        board = found.buses["board"]
        assert (False, "parked: ZeroDivisionError: a bug of the test") == (board.online, board.why)
        assert {"boiler"} == found.fleet.silent(), "the district is told"


async def test_a_bus_that_failed_once_is_open_again_afterwards(yard):
    async with yard() as (found, _):
        await found.follow()
        found.bug = broken
        await found.until(lambda: found.said("task.failed"))
        assert not found.buses["board"].online
        found.bug = lambda _readings: None
        await polled(found)

        assert (True, "") == (found.buses["board"].online, found.buses["board"].why)


async def test_a_parked_bus_still_gets_its_safe_values(yard):
    async with yard() as (found, devices):
        await found.follow()
        await relay_on(found, devices)
        found.bug = broken
        await found.until(lambda: found.said("task.parked"))

        assert [] == await found.fleet.leave()
        assert 0.0 == devices["relays"].orders()["relay1.relay_on"]


async def test_the_release_table_is_looked_at_again_when_a_cap_changes_in_a_device(yard):
    async with yard() as (found, _):
        await found.follow()
        await polled(found)
        assert {(True, ())} == set(found.fleet.find_reachability())
        driver = next(iter(found.fleet.buses[0].devices.values())).driver
        driver.__class__ = type("Capped", (driver.__class__,), {"standing": (2500,)})

        assert (True, (2500,)) in found.fleet.find_reachability()


WIRE = release.BusRelease("lan", {"kind": "modbus-tcp"}, [{"point": "bat1.setpoint_w"}])


def _made(folder, writes=WIRE.writes):
    log = structlog.testing.CapturingLogger()
    fleet = SimpleNamespace(find_reachability=lambda: [(True, None)], wires=[WIRE])
    fleet.make_release_table = lambda: [release.BusRelease(WIRE.bus, WIRE.section, writes)]
    return ReleaseFile(folder, log), fleet, log


def test_the_table_is_written_and_not_again_while_it_stands(tmp_path):
    table, fleet, _ = _made(tmp_path)
    table.keep(fleet)
    before = release.find_stamps(tmp_path)
    table.keep(fleet)

    assert [WIRE] == release.load_release(tmp_path)
    assert before == release.find_stamps(tmp_path)


def test_a_table_that_somebody_deleted_or_altered_is_written_anew(tmp_path):
    table, fleet, _ = _made(tmp_path / "run")
    table.keep(fleet)
    shutil.rmtree(tmp_path / "run")
    table.keep(fleet)
    deleted = release.load_release(tmp_path / "run")
    (tmp_path / "run" / release.RELEASE_FILE).write_text("{}")
    table.keep(fleet)

    assert [WIRE] == deleted
    assert json.loads((tmp_path / "run" / release.RELEASE_FILE).read_text())["table"]


def test_a_place_that_cannot_be_written_is_said_once_and_tried_again(tmp_path):
    place = tmp_path / "run"
    place.write_text("a file where a folder should be")
    table, fleet, log = _made(place)
    table.keep(fleet)
    table.keep(fleet)
    said = [call.args[0] for call in log.calls]
    place.unlink()
    table.keep(fleet)

    assert ["release.not_kept"] == said
    assert [WIRE] == release.load_release(place)


def test_it_follows_devices_that_come_and_go(tmp_path):
    table, fleet, _ = _made(tmp_path)
    table.follow(fleet)
    first = release.load_release(tmp_path)
    fleet.make_release_table = lambda: [release.BusRelease("lan", WIRE.section, [])]
    table.follow(fleet)
    same = release.load_release(tmp_path)
    fleet.find_reachability = lambda: [(False, None)]
    table.follow(fleet)

    assert (1, 1, 0) == (
        len(first[0].writes),
        len(same[0].writes),
        len(release.load_release(tmp_path)[0].writes),
    )
