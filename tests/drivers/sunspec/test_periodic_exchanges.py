"""A heartbeat is written while an order is fresh."""

import pytest
from tests.drivers.modbus.conftest import tcp
from tests.drivers.sunspec.conftest import chain_of, device_of

from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.readings import Quality
from quartier_drivers.sunspec.periodic_exchanges import ControllerHeartbeat, SummedQuantity
from quartier_drivers.sunspec.registers import RegisterReader
from quartier_drivers.sunspec.schema import Steering, SunspecPoint

MODELS = [
    {"ID": 715, "LocRemCtl": 0, "DERHb": 0, "ControllerHb": 0, "AlarmReset": 0},
    {"ID": 802, "CtrlHb": 0},
]
RULE = Steering.model_validate(
    {
        "control": "704.WSet",
        "on_release": "own",
        "heartbeat": ["715.ControllerHb", "802.CtrlHb"],
        "heartbeat_s": 2,
    }
)
S = 1_000_000_000


@pytest.fixture
async def beating(inverter, clock):
    line = TcpLine("lan", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port), clock)
    inverter.words = chain_of(MODELS)
    yield lambda models=MODELS: ControllerHeartbeat.of(
        "p", device_of(models), RULE, RegisterReader(line, 1, Limits()), clock
    )
    await line.close()


async def test_both_counters_move_with_an_order_and_each_in_turn_while_it_is_fresh(beating, inverter, clock):
    beat = beating()
    assert beat.due_ns is None

    await beat.now(clock.now_ns() + 5 * S)
    assert [2, 2, 2, 1] == [count for _, count in inverter.blocks]  # the model's head before each
    assert clock.now_ns() + 2 * S == beat.due_ns

    clock.move(2)
    await beat.send_beat(clock.now_ns())
    assert 2 == len(inverter.blocks)
    assert clock.now_ns() + S == beat.due_ns  # the other one


async def test_it_ends_with_the_order(beating, inverter, clock):
    beat = beating()
    await beat.now(clock.now_ns() + 5 * S)
    inverter.blocks.clear()
    clock.move(5)

    await beat.send_beat(clock.now_ns())

    assert [] == inverter.blocks
    assert beat.due_ns is None
    await beat.now(clock.now_ns() + 5 * S)
    beat.end()
    assert beat.due_ns is None


async def test_a_device_that_refuses_one_is_not_asked_again(beating, inverter, clock):
    beat = beating()
    del inverter.words[40002 + 5]  # ControllerHb

    await beat.now(clock.now_ns() + 5 * S)
    inverter.blocks.clear()
    await beat.now(clock.now_ns() + 5 * S)

    assert [2, 1] == [count for _, count in inverter.blocks]


async def test_one_that_is_refused_for_the_moment_is_written_again(beating, inverter, clock):
    beat, answer = beating(), inverter.answer
    inverter.server.script = [
        lambda asked: tcp(asked.number, asked.unit, b"\x90\x04") if asked.pdu[0] == 16 else answer(asked)
    ]
    await beat.now(clock.now_ns() + 5 * S)
    inverter.server.script = [answer]
    inverter.blocks.clear()

    await beat.now(clock.now_ns() + 5 * S)

    assert [2, 2, 2, 1] == [count for _, count in inverter.blocks]


async def test_nothing_is_written_where_another_model_stands_now(beating, inverter, clock):
    beat = beating()
    await beat.now(clock.now_ns() + 9 * S)
    words = chain_of([{"ID": 121, "WMax": 5}, *MODELS])
    inverter.words = dict(words)

    clock.move(2)
    await beat.send_beat(clock.now_ns())

    assert 802 == beat.missing_model
    assert words == inverter.words
    await beat.send_beat(clock.now_ns())
    assert beat.due_ns is None


async def test_a_device_without_any_has_none(beating):
    assert beating([{"ID": 121, "WMax": 5}]) is None


MODULES = {"ID": 160, "L": 8 + 40, "DCW_SF": 1, "module": [{"DCW": 120}, {"DCW": 30}]}


@pytest.fixture
def summed(clock):
    def make(model=MODULES, **said):
        taken = SunspecPoint.model_validate({"source": [["160.module[1].DCW", "-160.module[2].DCW"]], **said})
        return SummedQuantity("bat.power_w", taken, taken.source[0], device_of([model]), None, clock)

    return make


def test_points_are_added_and_subtracted_and_take_the_houses_sign(summed):
    assert (900.0, Quality.GOOD) == (summed().reading().value, summed().reading().quality)
    assert -900.0 == summed(sign=-1).reading().value


def test_a_part_that_is_not_implemented_makes_the_sum_bad(summed):
    assert Quality.BAD is summed({**MODULES, "DCW_SF": None}).reading().quality
    assert Quality.BAD is summed({**MODULES, "module": [{"DCW": 1}, {}]}).reading().quality


def test_what_is_not_plausible_is_bad(summed):
    assert Quality.BAD is summed(high=800.0).reading().quality
