import pytest
from tests.drivers.bacnet.conftest import HOST, bus, free_port, profile, spec

from quartier_drivers.bacnet import release_writes
from quartier_drivers.bacnet.bus_section import BacnetIpBus
from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_drivers.contract import Command


async def left(line, clock, server):
    """The table of a daemon that has commanded a fan, and is gone."""
    driver = BacnetDriver(line, spec(server, caps={"air.speed_max_pct": 40.0}), profile(), clock)
    await driver.open()
    await driver.write(Command("air.fan_on", 1.0, clock.now_ns() + 10**9))
    return list(driver.releases())


def test_a_section_that_says_little_means_the_same_as_in_the_site_file():
    fields = BacnetIpBus.model_fields
    said = {key: field.default for key, field in fields.items() if not field.is_required()}

    assert said == dict(release_writes.SECTION_DEFAULTS)
    assert {key for key, field in fields.items() if field.is_required()} == release_writes._NEEDED


async def test_the_table_gives_everything_back_without_a_site_or_a_profile(line, clock, serve):
    server = await serve()
    writes = await left(line, clock, server)

    assert [] == list(await release_writes.write_release(bus().model_dump(mode="json"), writes))
    assert server.object("fan").priorityArray[9].null is not None
    assert 40.0 == server.object("speed").presentValue


async def test_who_is_silent_keeps_nobody_from_being_given_back(line, clock, serve):
    server = await serve()
    writes = await left(line, clock, server)
    silent = [{**write, "place": f"{HOST}:{free_port()}", "point": "other.fan_on"} for write in writes[:1]]
    failures = await release_writes.write_release(
        bus(timeout_s=0.5).model_dump(mode="json"), [*silent, *writes]
    )

    assert [True] == [failure.startswith("other.fan_on: ") and "is silent" in failure for failure in failures]
    assert server.object("fan").priorityArray[9].null is not None


async def test_a_network_that_is_gone_fails_every_write(line, clock, serve):
    writes = await left(line, clock, await serve())
    failures = await release_writes.write_release(bus(interface="192.0.2.1").model_dump(mode="json"), writes)

    assert len(writes) == len(failures)
    assert "no such address" in failures[0]


async def test_a_key_of_a_newer_version_is_not_guessed_at():
    with pytest.raises(ValueError, match="secure: not known here"):
        await release_writes.write_release({**bus().model_dump(mode="json"), "secure": True}, [])
