"""A control that appears while the gateway runs is found without a restart."""

import pytest
from tests.drivers.sunspec.conftest import chain_of
from tests.drivers.sunspec.control.test_functions import CAP_704, NAMEPLATE

from quartier_drivers import registry
from quartier_drivers.contract import Command, DeviceSpec, do_nothing
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import Refused
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.sunspec.control import controlled_point

S = 1_000_000_000
CAP = "pv.generation_max_w"
COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1", "Vr": "1.0"}
AC = {"ID": 701, "W": 2468, "W_SF": 0}
WITHOUT, WITH = [COMMON, AC], [COMMON, AC, NAMEPLATE, CAP_704]
SPEC = DeviceSpec("roof", 1, {"": "pv"}, {}, {CAP: 2000.0})


@pytest.fixture
async def opened(inverter, clock):
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.5, retries_count=0
    )
    door = registry.load_factory("modbus-tcp", "sunspec")
    line = door.line("lan", bus, clock)
    inverter.words = chain_of(WITHOUT)
    driver = door.driver(line, SPEC, loading.load_profile("sunspec/pv"), clock)
    await driver.open()
    yield driver, line
    await line.close()


async def test_a_control_that_appears_is_found_when_the_fallback_is_looked_at(opened, inverter, clock):
    driver, _ = opened
    (missing,) = await driver.arm([CAP], writes=False)
    with pytest.raises(Refused, match=r"the device has none of 704\.WMaxLimPct"):
        await driver.write(Command(CAP, 1000.0, clock.now_ns() + 20 * S))
    inverter.words = chain_of(WITH)
    clock.move(controlled_point.SEARCH_PAUSE_NS / S + 1)
    (found,) = await driver.arm([CAP], writes=False)
    await driver.write(Command(CAP, 1000.0, clock.now_ns() + 20 * S))

    assert "has none of" in missing.problem
    assert "" == found.problem


async def test_looking_for_what_is_still_missing_disturbs_nothing(opened, inverter, clock):
    driver, _ = opened
    read = [one.point for _ in range(12) for one in await driver.read()]
    clock.move(controlled_point.SEARCH_PAUSE_NS / S + 1)
    asked_count = len(inverter.server.asked)
    (missing,) = await driver.arm([CAP], writes=False)
    searched_count = len(inverter.server.asked) - asked_count
    again = [one.point for _ in range(12) for one in await driver.read()]

    assert "has none of" in missing.problem
    assert searched_count > 0
    assert "pv.power_w" in read
    assert CAP not in again, "a device opened anew would say again what it has not"


async def test_others_have_their_turn_between_two_exchanges(opened):
    _, line = opened
    turns = []

    async def between():
        turns.append(len(turns))

    loaded = loading.load_profile("sunspec/pv")
    rule = loaded.parts[""]["generation_max_w"].write

    assert not await controlled_point.has_control_appeared(rule, line, SPEC, loaded, between)
    assert len(turns) > 1
    assert not await controlled_point.has_control_appeared(rule, line, SPEC, loaded, do_nothing)
