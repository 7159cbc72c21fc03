"""The factory for SunSpec devices is that of their wire, but for the drivers."""

from tests.drivers.sunspec.conftest import chain_of

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.sunspec.driver import SunspecDriver
from quartier_drivers.sunspec.factory import FACTORY

COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1"}


def test_it_makes_modbus_lines_and_drivers_of_its_own(clock):
    line = FACTORY.line("lan", TcpBus(kind="modbus-tcp", host="127.0.0.1"), clock)
    driver = FACTORY.driver(line, DeviceSpec("d", 1, {"": "pv1"}), loading.load_profile("sunspec/pv"), clock)

    assert isinstance(line, TcpLine)
    assert isinstance(driver, SunspecDriver)


async def test_what_was_encoded_is_written_without_a_profile(inverter):
    inverter.words = chain_of([COMMON, {"ID": 121, "WMax": 5}])
    write = {"point": "pv1.generation_max_w", "unit": 1, "function": 16, "address": 40072, "values": [9]}
    section = {"kind": "modbus-tcp", "host": "127.0.0.1", "port": inverter.server.port}

    assert [] == await FACTORY.replay(section, [write])
    assert 9 == inverter.words[40072]
    (failure,) = await FACTORY.replay(section, [{**write, "address": 1}])
    assert "illegal data address" in failure
