"""Models that moved are noticed."""

import pytest
from tests.drivers.modbus.conftest import tcp
from tests.drivers.sunspec.conftest import chain_of, device_of

from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.sunspec.periodic_exchanges import MODEL_CHECK_PERIOD_S, ModelCheck, is_model_there
from quartier_drivers.sunspec.registers import RegisterReader

COMMON, RATED = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1"}, {"ID": 121, "WMax": 5}
MODELS = [COMMON, {"ID": 120, "WRtg": 6}, RATED, {"ID": 802, "CtrlHb": 0}]


@pytest.fixture
async def registers(inverter, clock):
    inverter.words = chain_of(MODELS)
    line = TcpLine("lan", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port), clock)
    yield RegisterReader(line, 1, Limits())
    await line.close()


async def test_the_furthest_is_looked_at_each_time_and_the_others_in_turn(registers, inverter, clock):
    models = device_of(MODELS).chain.models
    looks = ModelCheck(reversed(models), registers, clock.now_ns())
    assert clock.now_ns() + MODEL_CHECK_PERIOD_S * 1e9 == looks.due_ns

    for _ in range(3):
        assert await looks.check_next(clock.now_ns()) is None

    places = [at for at, _ in inverter.blocks]
    assert 3 * [models[-1].address] == places[::2]
    assert {one.address for one in models[:-1]} == set(places[1::2])


async def test_what_was_put_in_or_changed_places_is_noticed(registers, inverter, clock):
    looks = ModelCheck(device_of(MODELS).chain.models, registers, clock.now_ns())

    inverter.words = chain_of([*MODELS[:2], {"ID": 122}, *MODELS[2:]])
    assert 802 == await looks.check_next(clock.now_ns())

    inverter.words = chain_of(MODELS)
    inverter.words[device_of(MODELS).chain.models[1].address] = 64000
    assert 120 in [await looks.check_next(clock.now_ns()) for _ in range(3)]


async def test_where_nothing_is_in_use_nothing_is_asked(registers, inverter, clock):
    assert await ModelCheck((), registers, clock.now_ns()).check_next(clock.now_ns()) is None
    assert [] == inverter.blocks


async def test_a_device_that_does_not_say_just_now_has_not_changed(registers, inverter):
    model = device_of(MODELS).chain.models[0]
    assert await is_model_there(model, registers)

    inverter.server.script = [lambda asked: tcp(asked.number, asked.unit, b"\x83\x04")]
    assert await is_model_there(model, registers) is None
    inverter.server.script = [lambda asked: tcp(asked.number, asked.unit, b"\x83\x02")]
    assert await is_model_there(model, registers) is False
