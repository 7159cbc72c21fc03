import asyncio
from dataclasses import replace

import pytest
from bacpypes3.basetypes import Reliability
from bacpypes3.pdu import IPv4Address
from tests.drivers.bacnet.conftest import POINTS, profile, spec

from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_drivers.contract import Command
from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.readings import Quality

GOOD, BAD = Quality.GOOD, Quality.BAD


async def opened(line, clock, server, points=POINTS, **keys):
    driver = BacnetDriver(line, spec(server, **keys), profile(points), clock)
    await driver.open()
    return driver


async def told(driver):
    """All that is due now, by point."""
    found = {}
    for _ in range(40):
        for reading in await driver.read():
            found[reading.point] = (reading.value, reading.quality)
        if driver.due_ns > driver._clock.now_ns():
            return found
    raise AssertionError("it never rests")


async def test_a_device_says_who_it_is(line, clock, serve):
    driver = BacnetDriver(line, spec(await serve()), profile(), clock)

    assert {"maker": "ACME", "model": "AHU-9", "instance": "2001"} == {
        key: text for key, text in (await driver.open()).items() if key in ("maker", "model", "instance")
    }


async def test_all_points_come_in_one_request_in_house_units(line, clock, serve):
    driver = await opened(line, clock, await serve())

    assert 1 == driver.requests_count
    assert {
        "air.supply_c": (21.5, GOOD),
        "air.power_w": (1250.0, GOOD),
        "air.fan_on": (False, GOOD),
        "air.speed_max_pct": (100.0, GOOD),
        "air.mode_state": (3, GOOD),
    } == await told(driver)


async def test_a_value_is_read_again_at_the_next_point_of_its_grid(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server)
    await told(driver)
    server.object("supply").presentValue = 22.0
    clock.move(5.0)

    assert (22.0, GOOD) == (await told(driver))["air.supply_c"]


async def test_a_command_takes_our_place_in_the_priority_array_and_is_read_back_at_once(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server)
    await told(driver)
    await driver.write(Command("air.fan_on", 1.0, clock.now_ns() + 10**9))

    assert 1 == server.object("fan").priorityArray[9].enumerated
    assert (True, GOOD) == (await told(driver))["air.fan_on"]


async def test_a_point_is_given_back_by_null_at_our_place(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server)
    await driver.write(Command("air.fan_on", 1.0, clock.now_ns() + 10**9))
    await driver.release(("air.fan_on",))

    assert server.object("fan").priorityArray[9].null is not None
    assert "inactive" == str(server.object("fan").presentValue)


async def test_what_is_outside_the_limits_is_refused(line, clock, serve):
    driver = await opened(line, clock, await serve())

    with pytest.raises(Refused, match="5 is outside 10..100"):
        await driver.write(Command("air.speed_max_pct", 5.0, clock.now_ns() + 10**9))


async def test_a_value_in_another_unit_than_declared_is_bad_and_said(line, clock, serve):
    driver = await opened(
        line, clock, await serve(), '[points.power_w]\nobject = "analog-input:2"\nunits = "watts"\n'
    )

    assert (0.0, BAD) == (await told(driver))["air.power_w"]
    assert ["units.differ"] == [note.code for note in driver.notes()]


async def test_an_object_that_is_not_there_is_bad_and_the_others_are_read(line, clock, serve):
    missing = POINTS + '[points.extract_c]\nobject = "analog-input:9"\nunits = "degrees-celsius"\n'
    driver = await opened(line, clock, await serve(), missing)
    found = await told(driver)

    assert (BAD, GOOD) == (found["air.extract_c"][1], found["air.supply_c"][1])
    clock.move(5.0)
    assert "air.extract_c" not in await told(driver)


async def test_an_object_in_fault_or_out_of_service_is_bad(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server)
    server.object("supply").reliability = Reliability("no-sensor")
    server.object("power").outOfService = True
    found = await told(driver)

    assert (BAD, BAD, GOOD) == tuple(
        found[f"air.{name}"][1] for name in ("supply_c", "power_w", "mode_state")
    )


async def test_a_silent_device_is_silent(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server)
    server.close()

    with pytest.raises(NoReply, match="is silent"):
        await driver.read()


async def test_a_device_that_is_not_there_has_no_releases_by_instance(line, clock):
    driver = BacnetDriver(line, replace(spec(), unit=7), profile(), clock)

    assert () == tuple(driver.releases())


async def named(line, clock, server, monkeypatch):
    """A device known by its instance: loopback's broadcast goes to it alone."""
    monkeypatch.setattr(line, "broadcast", lambda data: line.send(data, ("127.0.0.1", server.port)))
    driver = BacnetDriver(line, replace(spec(), unit=2001), profile(), clock)
    await driver.open()
    await told(driver)
    return driver


async def test_a_device_is_found_by_its_instance(line, clock, serve, monkeypatch):
    driver = await named(line, clock, await serve(), monkeypatch)

    assert driver._peer.place is not None
    assert 2001 == driver._peer.instance


async def test_a_silent_device_that_says_it_is_there_is_asked_at_once_where_it_is_now(
    line, clock, serve, monkeypatch
):
    server = await serve()
    driver = await named(line, clock, server, monkeypatch)
    server.close()
    clock.move(5.0)
    with pytest.raises(NoReply):
        await driver.read()
    assert driver.notification_ns is None

    moved, came = await serve(), asyncio.Event()
    driver.on_notification(came.set)
    moved.app.i_am(address=IPv4Address(f"127.0.0.1:{line.bus.port}"))
    await came.wait()
    assert clock.now_ns() == driver.notification_ns
    await driver.open()

    assert (21.5, GOOD) == (await told(driver))["air.supply_c"]
    assert ("127.0.0.1", moved.port) == driver._peer.place.host


async def test_a_device_that_answers_is_not_disturbed_by_those_who_greet(line, clock, serve, monkeypatch):
    server = await serve()
    driver = await named(line, clock, server, monkeypatch)
    woken = []
    driver.on_notification(lambda: woken.append(True))
    await line.ask_who_is(driver._peer.place)

    assert (None, []) == (driver.notification_ns, woken)
