"""What takes several exchanges is read one a turn, and told when all of it was."""

import pytest
from tests.drivers.sunspec.conftest import chain_of, device_of

from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.sunspec.periodic_exchanges import ReadRound
from quartier_drivers.sunspec.registers import RegisterReader
from quartier_drivers.sunspec.schema import parse_name

COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1"}
MODELS = [COMMON, {"ID": 121, "WMax": 500, "WMax_SF": 1}, {"ID": 123, "WMaxLimPct": 7, "WMaxLimPct_SF": 0}]
NAMES = [parse_name("121.WMax"), parse_name("123.WMaxLimPct")]
S = 1_000_000_000


@pytest.fixture
async def wire(inverter, clock):
    inverter.words = chain_of(MODELS)
    line = TcpLine("lan", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port), clock)
    device = device_of(MODELS)
    device.memory.clear()

    def make(block_max=125):
        return device, ReadRound(
            device, NAMES, RegisterReader(line, 1, Limits(block_max=block_max)), 5.0, clock.now_ns()
        )

    yield make
    await line.close()


async def test_one_request_where_it_fits(wire, clock):
    device, round_ = wire()

    assert await round_.read_next(clock.now_ns())
    assert 5000 == device.value(NAMES[0])
    assert 7 == device.value(NAMES[1])
    assert clock.now_ns() + 5 * S == round_.due_ns


async def test_one_exchange_a_turn_and_due_at_once_until_all_of_it_was_read(wire, clock):
    _, round_ = wire(30)

    assert not await round_.read_next(clock.now_ns())
    assert round_.due_ns <= clock.now_ns()
    assert await round_.read_next(clock.now_ns())
    assert round_.due_ns > clock.now_ns()


async def test_all_of_it_at_once_where_a_write_wants_it(wire, inverter):
    device, round_ = wire(30)

    await round_.whole()

    assert 2 == len(inverter.blocks)
    assert 7 == device.value(NAMES[1])


async def test_after_a_write_it_is_read_again_when_it_has_settled(wire, clock):
    _, round_ = wire()

    round_.later(clock.now_ns(), 0)
    assert clock.now_ns() + 5 * S == round_.due_ns
    round_.later(clock.now_ns(), 2 * S)
    assert clock.now_ns() + 2 * S == round_.due_ns
