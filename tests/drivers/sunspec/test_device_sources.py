"""Of the alternatives of a profile the first is taken that the device has, and tells."""

from tests.drivers.sunspec.conftest import chain_of
from tests.drivers.sunspec.test_driver import COMMON, OLD

from quartier_drivers import registry
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.sunspec import device
from quartier_drivers.sunspec.registers import ChainSurvey, RegisterReader
from quartier_drivers.transport.event_loop import LoopClock


async def test_each_quantity_is_taken_from_the_first_that_tells_and_what_is_not_there_is_absent(
    inverter, clock
):
    inverter.words = chain_of([COMMON, OLD, {"ID": 701, "W_SF": 0}])
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.5, retries_count=0
    )
    line = registry.load_factory("modbus-tcp", "sunspec").line("lan", bus, clock)
    loaded = loading.load_profile("sunspec/battery")
    registers = RegisterReader(line, 1, loaded.limits)
    taken = loaded.parts[""]
    names = {name for one in taken.values() for names in one.source for name in names}
    known = await device.meet_device(
        registers, await ChainSurvey(registers, loaded.bases, LoopClock()).chain(), names
    )
    found = await device.choose_sources(known, registers, taken)
    await line.close()

    assert ["103.W"] == [str(name) for name in found["power_w"]]
    assert "soc_pct" in taken
    assert "soc_pct" not in found
