import pytest
from tests.drivers.modbus.conftest import HandClock
from tests.drivers.sunspec.test_rehearsal_pretended import BUS, device_of

from quartier_drivers.rehearsal import SimulatedDevices
from quartier_drivers.sunspec.factory import FACTORY


@pytest.fixture
def clock():
    return HandClock()


async def asks(name, clock, *, opened=True):
    spec, loaded = device_of(name)
    pretence = SimulatedDevices(answer_s=0.0)
    FACTORY.simulate(spec, loaded, pretence)
    driver = FACTORY.driver(FACTORY.rehearsal("lan", BUS, clock, pretence), spec, loaded, clock)
    if opened:
        await driver.open()
    return FACTORY.asks(driver, spec, loaded)


async def test_what_is_polled_is_planned_with_its_period_and_so_are_the_looks_at_its_models(clock):
    found = await asks("sunspec/inverter", clock)

    assert {1.0, 5.0, 30.0, 60.0} >= {ask.period_s for ask in found} >= {1.0, 30.0}
    assert {1} == {ask.unit for ask in found}


async def test_what_is_steered_is_read_back_by_requests_of_its_own(clock):
    controlled = {ask.key for ask in await asks("sunspec/pv", clock)}

    assert len(controlled) > len([ask for ask in await asks("sunspec/pv", clock) if ask.period_s == 30.0])


async def test_before_it_has_met_its_device_it_plans_nothing(clock):
    assert [] == await asks("sunspec/inverter", clock, opened=False)
