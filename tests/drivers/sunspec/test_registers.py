"""Registers are read in as large pieces as the device allows."""

import pytest
from tests.drivers.sunspec.conftest import chain_of

from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.errors import NoReply
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.sunspec.model_chain import BASE_ADDRESSES
from quartier_drivers.sunspec.registers import AheadReader, ChainSurvey, RegisterReader
from quartier_drivers.transport.event_loop import LoopClock


@pytest.fixture
async def registers(inverter):
    async for one in made(inverter, RegisterReader):
        yield one


@pytest.fixture
async def ahead(inverter):
    async for one in made(inverter, AheadReader):
        yield one


async def made(inverter, kind):
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.5, retries_count=0
    )
    line = TcpLine("lan", bus, LoopClock())
    yield kind(line, 1, Limits())
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


async def test_reading_ahead_asks_for_each_register_once_but_for_some_where_blocks_meet(ahead, inverter):
    inverter.words = {at: at for at in range(1000, 1300)}

    assert (1000, 1001) == (await ahead.ask(1000, 2)).values
    assert (1060, 1061) == (await ahead.ask(1060, 2)).values
    inverter.words |= {1122: 7, 1124: 9}  # they change between the two blocks
    assert (1190, 1191) == (await ahead.ask(1190, 2)).values
    assert list(range(1000, 1240)) == await ahead.words(1000, 240)

    assert [(1000, 125), (1122, 125)] == inverter.blocks
    assert {1125: b"\x00\x07\x04\x63\x00\x09"} == ahead.again
    assert b"\x04\x62\x04\x63\x04\x64\x04\x65" == ahead.find_cached_bytes(1122, 4)
    assert (1124, 1125) == ahead.find_cached_words(1124, 2)
    assert [None] * 4 == [
        ahead.find_cached_bytes(1240, 8),
        ahead.find_cached_bytes(999, 2),
        ahead.find_cached_words(1240, 8),
        ahead.find_cached_words(999, 2),
    ]


async def test_reading_ahead_ends_where_the_map_does_and_goes_on_with_what_is_asked_for(ahead, inverter):
    inverter.words = {at: at for at in range(1000, 1160)}

    assert (1000, 1001) == (await ahead.ask(1000, 2)).values
    assert (1130, 1131) == (await ahead.ask(1130, 2)).values
    assert (1158, 1159) == (await ahead.ask(1158, 2)).values
    assert (await ahead.ask(1160, 2)).exception

    assert [
        (1000, 125),
        (1122, 125),
        (1122, 67),
        (1122, 10),
        (1129, 31),
        (1157, 5),
        (1160, 2),
    ] == inverter.blocks


async def test_half_of_a_refused_block_is_tried_once(ahead, inverter):
    inverter.words = {at: at for at in range(1000, 1225)}

    await ahead.ask(1000, 2)
    assert (1150, 1151) == (await ahead.ask(1150, 2)).values
    assert (1223, 1224) == (await ahead.ask(1223, 2)).values

    assert [(1000, 125), (1122, 125), (1122, 77), (1196, 29)] == inverter.blocks


async def test_reading_ahead_leaves_out_what_is_far_away(ahead, inverter):
    inverter.words = {at: at for at in range(1000, 9000)}

    await ahead.ask(1000, 2)
    await ahead.ask(5000, 2)

    assert [(1000, 125), (5000, 125)] == inverter.blocks


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
