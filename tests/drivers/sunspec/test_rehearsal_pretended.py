"""The registers of pretended devices, walked and read by the driver's own code."""

import pytest
from tests.drivers.modbus.conftest import HandClock

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.rehearsal import SimulatedDevices
from quartier_drivers.sunspec.factory import FACTORY
from quartier_drivers.sunspec.model_chain import ModelChain, NoWords, walk_chain
from quartier_drivers.sunspec.rehearsal import make_registers

BUS = TcpBus.model_validate({"kind": "modbus-tcp", "host": "gx"})
PROFILES = ("sunspec/inverter", "sunspec/meter", "sunspec/battery", "sunspec/hybrid", "sunspec/pv")


def device_of(name):
    loaded = loading.load_profile(name, [])
    return DeviceSpec("one", 1, {part: f"a{at}" for at, part in enumerate(loaded.parts)}), loaded


def chain_of(held) -> ModelChain:
    asking = walk_chain()
    ask = next(asking)
    while True:
        words = [held.get(at) for at in range(ask.address, ask.address + ask.count)]
        try:
            ask = asking.send(NoWords.REFUSED if None in words else words)
        except StopIteration as ended:
            return ended.value


def test_an_inverter_has_the_models_that_its_profile_looks_for_first():
    assert [1, 701] == [one.number for one in chain_of(make_registers(*device_of("sunspec/inverter"))).models]


@pytest.mark.parametrize("name", PROFILES)
def test_its_chain_ends_as_the_standard_wants_it(name):
    assert () == chain_of(make_registers(*device_of(name))).faults


@pytest.mark.parametrize("name", PROFILES)
async def test_a_driver_finds_every_point_of_the_profile(name):
    clock = HandClock()
    spec, loaded = device_of(name)
    pretence = SimulatedDevices(answer_s=0.0)
    FACTORY.simulate(spec, loaded, pretence)
    driver = FACTORY.driver(FACTORY.rehearsal("lan", BUS, clock, pretence), spec, loaded, clock)

    await driver.open()

    absent = await driver.read()  # what a device has not is told first
    assert [] == [reading.point for reading in absent if reading.raw == "the device has none"]
