"""Registers are read in as large pieces as the device allows."""

import pytest

from quartier_drivers.errors import NoReply
from quartier_drivers.modbus.bus import TcpBus
from quartier_drivers.modbus.line import LoopClock
from quartier_drivers.modbus.tcp import TcpLink
from quartier_drivers.schema import Limits
from quartier_drivers.sunspec.registers import Registers


@pytest.fixture
async def registers(inverter):
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.2, retries_count=0
    )
    line = TcpLink("lan", bus, LoopClock())
    yield Registers(line, 1, Limits())
    await line.close()


async def test_a_stretch_is_read_in_the_largest_pieces(registers, inverter):
    inverter.words = {at: at for at in range(1000, 1300)}

    assert list(range(1000, 1300)) == await registers.words(1000, 300)
    assert [(1000, 125), (1125, 125), (1250, 50)] == inverter.blocks


async def test_a_device_that_refuses_long_reads_is_asked_for_less_from_then_on(registers, inverter):
    inverter.words = {at: at for at in range(1000, 1300)}
    inverter.longest = 40

    assert list(range(1000, 1300)) == await registers.words(1000, 300)
    assert 31 == registers.block_max
    inverter.blocks.clear()
    assert list(range(1000, 1031)) == await registers.words(1000, 31)
    assert [(1000, 31)] == inverter.blocks


async def test_what_is_refused_is_left_out_and_the_rest_is_read(registers, inverter):
    inverter.words = {at: at for at in range(1000, 1020) if at != 1007}

    found = await registers.words(1000, 20)

    assert [at if at != 1007 else None for at in range(1000, 1020)] == found
    assert 125 == registers.block_max  # it was the place, not the length


async def test_a_stretch_that_is_refused_all_over_is_given_up(registers, inverter):
    assert [None] * 5000 == await registers.words(1000, 5000)
    assert len(inverter.server.asked) < 60


async def test_no_value_is_read_in_two_halves(registers, inverter):
    inverter.words = {at: at for at in range(1000, 1200)}

    assert list(range(1000, 1200)) == await registers.words(1000, 200, {1000, 1100, 1102, 1104, 1196})
    assert [(1000, 104), (1104, 96)] == inverter.blocks


async def test_a_unit_that_a_gateway_does_not_reach_is_silent(registers, inverter):
    inverter.refused, inverter.exception = {1000}, 11
    inverter.words = {1000: 0}

    with pytest.raises(NoReply, match="gateway target"):
        await registers.ask(1000, 1)
