"""Of the alternatives of a profile the first is taken that the device has, and tells."""

from tests.drivers.sunspec.conftest import chain_of
from tests.drivers.sunspec.test_driver import COMMON, OLD

from quartier_drivers import profile, registry
from quartier_drivers.clock import LoopClock
from quartier_drivers.modbus.bus import TcpBus
from quartier_drivers.sunspec import device, sources
from quartier_drivers.sunspec.registers import Registers
from quartier_drivers.sunspec.survey import Survey


async def test_each_quantity_is_taken_from_the_first_that_tells_and_what_is_not_there_is_absent(
    inverter, clock
):
    inverter.words = chain_of([COMMON, OLD, {"ID": 701, "W_SF": 0}])
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.5, retries_count=0
    )
    line = registry.door("modbus-tcp", "sunspec").line("lan", bus, clock)
    loaded = profile.load("sunspec/battery")
    registers = Registers(line, 1, loaded.limits)
    taken = loaded.parts[""]
    names = {name for one in taken.values() for names in one.source for name in names}
    known = await device.met(registers, await Survey(registers, loaded.bases, LoopClock()).chain(), names)
    found = await sources.chosen(known, registers, taken)
    await line.close()

    assert ["103.W"] == [str(name) for name in found["power_w"]]
    assert "soc_pct" in taken
    assert "soc_pct" not in found
