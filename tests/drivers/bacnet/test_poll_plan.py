"""What becomes of a plan when the device says no: driven against the rig's devices, each with a habit."""

import pytest
from tests.drivers.bacnet.conftest import profile, spec
from tests.drivers.bacnet.test_driver import told

from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_drivers.readings import Quality
from quartier_sim.bacnet.building_controllers import VentilationUnit
from quartier_sim.bacnet.services import Capabilities
from quartier_sim.bacnet.udp_endpoint import serve_udp

POINTS = "".join(
    f'[points.{quantity}]\nobject = "analog-input:{instance}"\n'
    for instance, quantity in enumerate(
        (
            "supply_c",
            "extract_c",
            "outdoor_c",
            "co2_ppm",
            "fan_supply_pct",
            "fan_extract_pct",
            "power_w",
            "energy_import_wh",
        ),
        1,
    )
)
MISSING = '[points.other_c]\nobject = "analog-input:99"\nunits = "degrees-celsius"\n'


async def opened(line, clock, endpoint, points=POINTS):
    driver = BacnetDriver(line, spec(address=endpoint.address), profile(points), clock)
    await driver.open()
    return driver


@pytest.mark.parametrize(
    ("habits", "requests"),
    [
        (Capabilities(), 1),
        (Capabilities(apdu_max=206), 1),
        (Capabilities(apdu_max=128), 2),
        (Capabilities(apdu_max=50), 8),
        (Capabilities(reads_multiple=False), 8),
        (Capabilities(apdu_max=50, reads_multiple=False), 8),
    ],
)
async def test_all_is_read_in_the_fewest_requests_that_the_device_bears(line, clock, habits, requests):
    async with await serve_udp(VentilationUnit(habits=habits)) as endpoint:
        driver = await opened(line, clock, endpoint)
        found = await told(driver)

    assert 8 == sum(quality is Quality.GOOD for _, quality in found.values())
    assert requests == driver.requests_count


async def test_a_device_that_bears_less_than_it_says_is_asked_for_less(line, clock):
    """It says 1476 octets and answers 128: the request is halved until it fits."""
    unit = VentilationUnit(habits=Capabilities(apdu_max=128))
    unit.itself._habits = Capabilities()
    async with await serve_udp(unit) as endpoint:
        driver = await opened(line, clock, endpoint)
        found = await told(driver)

    assert 8 == sum(quality is Quality.GOOD for _, quality in found.values())
    assert 2 <= driver.requests_count <= 4


@pytest.mark.parametrize("habits", [Capabilities(), Capabilities(reads_multiple=False)])
async def test_what_is_not_there_is_bad_once_and_asked_for_again_after_ten_minutes(line, clock, habits):
    async with await serve_udp(VentilationUnit(habits=habits)) as endpoint:
        driver = await opened(line, clock, endpoint, POINTS + MISSING)

        assert Quality.BAD is (await told(driver))["air.other_c"][1]
        clock.move(5.0)
        assert "air.other_c" not in await told(driver)
        clock.move(600.0)
        assert Quality.BAD is (await told(driver))["air.other_c"][1]


async def test_a_read_that_comes_periods_late_is_skipped_and_counted(line, clock):
    async with await serve_udp(VentilationUnit()) as endpoint:
        driver = await opened(line, clock, endpoint)
        await told(driver)
        clock.move(16.0)
        await told(driver)

    assert 2 == driver.skipped_count == line.stats["skipped_count"]


async def test_a_device_behind_a_router_is_read_like_any_other(line, clock):
    from quartier_sim.bacnet.udp_endpoint import NetworkAddress as There  # noqa: PLC0415 - this test alone

    async with await serve_udp({There(2001, b"\x05"): VentilationUnit()}) as endpoint:
        driver = BacnetDriver(line, spec(address=f"2001:5@{endpoint.address}"), profile(POINTS), clock)
        await driver.open()
        found = await told(driver)

    assert (20.0, Quality.GOOD) == found["air.supply_c"]
