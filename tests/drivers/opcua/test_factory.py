"""The factory: lines and drivers for a site, and safe values without one."""

import pytest
from asyncua import ua
from tests.drivers.opcua.conftest import DEVICE

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.opcua.factory import FACTORY
from quartier_drivers.registry import load_factory
from quartier_drivers.transport.event_loop import LoopClock


def test_the_registry_knows_it():
    assert FACTORY is load_factory("opcua")


async def test_the_release_table_alone_gives_points_back(section, sheet, plant, trusting):
    bus = section()
    driver = FACTORY.driver(FACTORY.line("plant", bus, LoopClock()), DEVICE, sheet, LoopClock())
    plant.set("Valve", 900, ua.VariantType.Int16)

    failures = await FACTORY.replay(bus.model_dump(mode="json"), driver.releases())

    assert [] == list(failures)
    assert 300 == plant.get("Valve"), "30 % at a tenth of a percent"
    assert trusting.entries()


async def test_a_server_that_is_gone_fails_every_write_by_name(section, sheet, trusting, free_port):
    bus = section(url=f"opc.tcp://127.0.0.1:{free_port}")
    driver = FACTORY.driver(FACTORY.line("plant", bus, LoopClock()), DEVICE, sheet, LoopClock())

    (failure,) = await FACTORY.replay(bus.model_dump(mode="json"), driver.releases())

    assert failure.startswith("pump.valve_pct: opc.tcp://127.0.0.1")
    assert trusting.entries()


async def test_what_a_newer_version_wrote_is_not_guessed(section):
    with pytest.raises(ValueError, match="colour"):
        await FACTORY.replay(section().model_dump(mode="json") | {"colour": "red"}, [])


async def test_a_device_without_owners_serves_nothing(section, sheet):
    line = FACTORY.line("plant", section(), LoopClock())

    assert {} == dict(FACTORY.driver(line, DeviceSpec("plant", 1, {}), sheet, LoopClock()).points)
