import asyncio

import pytest
from bacpypes3.apdu import SubscribeCOVRequest
from tests.drivers.bacnet.conftest import profile, spec
from tests.drivers.bacnet.test_driver import told

from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_drivers.readings import Quality

FOLLOWED = """
[limits]
cov_lifetime_s = 60
[points.supply_c]
object = "analog-input:1"
cov = "{kind}"
scan = "slow"
"""


ALARM = """
[points.alarm_on]
object = "binary-input:1"
cov = "unconfirmed"
"""


async def opened(line, clock, server, kind="unconfirmed", more="", points=FOLLOWED):
    driver = BacnetDriver(line, spec(server), profile(points.format(kind=kind) + more), clock)
    await driver.open()
    await settled(driver)
    return driver


async def settled(driver):
    """Read until each subscription has said what is now, with which it begins (13.14.2)."""
    await told(driver)
    async with asyncio.timeout(60):  # only ends a test that has failed
        while not all(one.has_notified for one in driver._subscriptions._all.values()):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)
    return await told(driver)


async def news(driver):
    came = asyncio.Event()
    driver.on_notification(came.set)
    if driver.notification_ns is None:
        await asyncio.wait_for(came.wait(), 60)
    return {reading.point: (reading.value, reading.quality) for reading in await driver.read()}


@pytest.mark.parametrize("kind", ["unconfirmed", "confirmed"])
async def test_a_change_comes_by_itself(line, clock, serve, kind):
    server = await serve()
    driver = await opened(line, clock, server, kind)
    server.object("supply").presentValue = 25.0

    assert {"air.supply_c": (25.0, Quality.GOOD)} == await news(driver)


async def test_a_subscription_is_renewed_at_half_of_its_life(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server)
    asked = counted(server)
    clock.move(29.0)
    await told(driver)
    assert 0 == len(asked)
    clock.move(1.0)
    await told(driver)

    assert [60] == [request.lifetime for request in asked]


async def test_a_slow_poll_goes_on_beneath(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server)
    clock.move(60.0)

    assert "air.supply_c" in await told(driver)


async def test_a_device_that_was_silent_is_subscribed_to_anew(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server)
    asked = counted(server)
    driver._note_failure(TimeoutError())
    await told(driver)

    assert 1 == len(asked)


async def test_who_refuses_is_polled_and_that_is_said_once(line, clock, serve):
    server = await serve()
    server.app.do_SubscribeCOVRequest = None
    driver = BacnetDriver(line, spec(server), profile(FOLLOWED.format(kind="confirmed")), clock)
    await driver.open()

    assert (21.5, Quality.GOOD) == (await told(driver))["air.supply_c"]
    assert ["subscription.refused"] == [note.code for note in driver.notes()]
    clock.move(601.0)
    await told(driver)
    assert () == tuple(driver.notes())


async def test_one_subscription_serves_all_points_of_an_object(line, clock, serve):
    server = await serve()
    more = '[points.supply_fault_on]\nobject = "analog-input:1"\nproperty = "status-flags"\nbit = 1\n'
    driver = await opened(line, clock, server, more=more)

    assert 1 == len(server.app._cov_detections) == len(driver._subscriptions._all)


async def test_a_device_that_is_forgotten_is_no_longer_heard(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server)
    await driver.close()
    server.object("supply").presentValue = 25.0
    await asyncio.sleep(0)

    assert {} == line._followers


def counted(server):
    """The subscriptions that are asked for from now on."""
    asked, answer = [], server.app.do_SubscribeCOVRequest

    async def do(request: SubscribeCOVRequest):
        asked.append(request)
        await answer(request)

    server.app.do_SubscribeCOVRequest = do
    return asked


async def test_a_state_that_should_have_been_notified_has_its_subscription_made_anew(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server, points=ALARM)
    asked = counted(server)
    driver._line.unfollow(driver._subscriptions._process_id)  # nothing of it arrives any more
    server.object("alarm").presentValue = "active"
    clock.move(5.0)

    assert (True, Quality.GOOD) == (await told(driver))["air.alarm_on"]
    assert 1 == len(asked)


async def test_a_number_may_change_within_its_increment_without_a_word(line, clock, serve):
    server = await serve()
    driver = await opened(line, clock, server)
    asked = counted(server)
    driver._line.unfollow(driver._subscriptions._process_id)
    server.object("supply").presentValue = 21.55
    clock.move(20.0)
    driver._times._jobs[0].due_ns = clock.now_ns()
    await told(driver)

    assert [] == asked
