"""A survey finds the models, and goes on where the line left it."""

import pytest
from tests.drivers.sunspec.conftest import chain_of

from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.errors import NoReply
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.sunspec.model_chain import BASE_ADDRESSES
from quartier_drivers.sunspec.registers import ChainSurvey, RegisterReader

COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1"}
MODELS = [COMMON, {"ID": 103, "W": 12}, {"ID": 121, "WMax": 500}]


@pytest.fixture
async def survey(inverter, clock):
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.5, retries_count=0
    )
    line = TcpLine("lan", bus, clock)
    yield ChainSurvey(RegisterReader(line, 1, Limits()), BASE_ADDRESSES, clock)
    await line.close()


@pytest.mark.parametrize("base", BASE_ADDRESSES)
async def test_the_map_is_found_at_each_place_and_looked_for_there_first_the_next_time(
    survey, inverter, base
):
    inverter.words = chain_of(MODELS, base)

    assert base == (await survey.chain()).base
    inverter.blocks.clear()
    assert [1, 103, 121] == [one.number for one in (await survey.chain()).models]
    assert base == inverter.blocks[0][0]


async def test_a_device_that_is_silent_at_the_wrong_places_is_found(survey, inverter):
    inverter.words = chain_of(MODELS, 50000)
    inverter.silent = {*range(40000, 40010), *range(10)}

    assert 50000 == (await survey.chain()).base


async def test_a_dead_device_costs_one_time_out_at_a_time_once_it_was_silent_everywhere(survey, inverter):
    inverter.silent = set(range(0x10000))
    with pytest.raises(NoReply, match="is silent"):
        await survey.chain()
    assert 3 == len(inverter.blocks)

    asked = []
    for _ in range(3):
        with pytest.raises(NoReply, match="is silent"):
            await survey.chain()
        asked += [start for start, _ in inverter.blocks]

    assert sorted(BASE_ADDRESSES) == sorted(asked)
    inverter.silent, inverter.words = set(), chain_of(MODELS, asked[0])
    assert asked[0] == (await survey.chain()).base


async def test_a_device_without_a_map_is_told_with_the_next_step(survey, inverter):
    inverter.words = dict.fromkeys(range(10), 0)

    with pytest.raises(NoReply, match="has no SunSpec map at 40000, 0, 50000; is SunSpec switched on"):
        await survey.chain()


async def test_silence_in_the_middle_is_believed_the_second_time(survey, inverter):
    inverter.words = chain_of(MODELS)
    inverter.silent = {40122}  # where model 121 stands
    with pytest.raises(NoReply):
        await survey.chain()
    inverter.blocks.clear()

    chain = await survey.chain()

    assert [1, 103] == [one.number for one in chain.models]
    assert ("the chain ends without 0xFFFF: register 40122 is silent",) == chain.faults


async def test_after_a_lost_answer_the_walk_goes_on_where_it_was(survey, inverter):
    inverter.words = chain_of(MODELS)
    inverter.silent = {40122}
    with pytest.raises(NoReply):
        await survey.chain()
    inverter.blocks.clear()
    inverter.silent = set()

    assert [1, 103, 121] == [one.number for one in (await survey.chain()).models]
    assert [(40122, 2), (40154, 2)] == inverter.blocks


async def test_a_slow_device_does_not_hold_the_line_for_long(survey, inverter, clock):
    inverter.words = chain_of(MODELS)
    answer = inverter.answer

    def slowly(asked):
        clock.move(11)
        return answer(asked)

    inverter.server.script = [slowly]
    with pytest.raises(NoReply, match="take longer than 20 s"):
        await survey.chain()

    assert 2 == len(inverter.blocks)
    assert 3 == len((await survey.chain()).models)
