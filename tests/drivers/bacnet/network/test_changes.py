"""The driver beneath a rig's device whose subscriptions end as the standard says: without a word."""

import pytest
from tests.drivers.bacnet.conftest import profile, spec
from tests.drivers.bacnet.test_driver import told
from tests.drivers.bacnet.test_subscriptions import news, settled

from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_sim.bacnet.building_controllers import VentilationUnit
from quartier_sim.bacnet.services import Capabilities
from quartier_sim.bacnet.udp_endpoint import serve_udp

FOLLOWED = """
[limits]
cov_lifetime_s = 60
[points.supply_c]
object = "analog-input:1"
cov = "{kind}"
scan = "slow"
"""


@pytest.fixture(
    params=[("confirmed", 1476), ("unconfirmed", 50)], ids=["confirmed", "unconfirmed-from-a-small-device"]
)
async def followed(line, clock, request):
    """(unit, driver that follows its supply air, the unit's port)."""
    kind, apdu_max = request.param
    unit = VentilationUnit(201, habits=Capabilities(apdu_max=apdu_max))
    async with await serve_udp(unit) as endpoint:
        driver = BacnetDriver(line, spec(endpoint), profile(FOLLOWED.format(kind=kind)), clock)
        await driver.open()
        await settled(driver)
        yield unit, driver, endpoint


async def goes_on(unit, clock, seconds):
    clock.move(seconds)
    unit.tick(unit.now_s + seconds)


async def test_it_is_renewed_before_it_ends_so_that_changes_go_on(followed, clock):
    unit, driver, _ = followed
    for step in range(4):
        await goes_on(unit, clock, 30.0)
        await settled(driver)
        unit.publish({"supply_c": 25.0 + step})

        assert 25.0 + step == (await news(driver))["air.supply_c"][0]


async def test_one_that_the_device_forgot_leaves_the_poll_and_is_made_anew(followed, clock):
    unit, driver, endpoint = followed
    unit.fault("off")
    unit.clear("off")
    await endpoint.ready()
    unit.publish({"supply_c": 31.0})
    assert 0 == len(unit.service.subscriptions)
    await goes_on(unit, clock, 60.0)
    seen = [await told(driver) for _ in range(3)]

    assert 31.0 in [one["air.supply_c"][0] for one in seen if "air.supply_c" in one]
    assert 1 == len(unit.service.subscriptions)
