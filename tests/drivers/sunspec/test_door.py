"""The door for SunSpec devices is that of their wire, but for the drivers."""

from tests.drivers.sunspec.conftest import chain_of

from quartier_drivers import profile
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.modbus.bus import TcpBus
from quartier_drivers.modbus.tcp import TcpLink
from quartier_drivers.sunspec.door import DOOR
from quartier_drivers.sunspec.driver import SunspecDriver

COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1"}


def test_it_makes_modbus_lines_and_drivers_of_its_own(clock):
    line = DOOR.line("lan", TcpBus(kind="modbus-tcp", host="127.0.0.1"), clock)
    driver = DOOR.driver(line, DeviceSpec("d", 1, {"": "pv1"}), profile.load("sunspec/pv"), clock)

    assert isinstance(line, TcpLink)
    assert isinstance(driver, SunspecDriver)


async def test_what_was_encoded_is_written_without_a_profile(inverter):
    inverter.words = chain_of([COMMON, {"ID": 121, "WMax": 5}])
    write = {"point": "pv1.generation_max_w", "unit": 1, "function": 16, "address": 40072, "values": [9]}
    section = {"kind": "modbus-tcp", "host": "127.0.0.1", "port": inverter.server.port}

    assert [] == await DOOR.replay(section, [write])
    assert 9 == inverter.words[40072]
    (failure,) = await DOOR.replay(section, [{**write, "address": 1}])
    assert "illegal data address" in failure
