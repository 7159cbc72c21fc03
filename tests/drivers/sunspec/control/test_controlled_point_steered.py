"""One point and the function that writes it."""

import pytest
from tests.drivers.modbus.conftest import tcp
from tests.drivers.sunspec.conftest import chain_of, device_of
from tests.drivers.sunspec.control.test_functions import CAP_704, FULL_123, NAMEPLATE, RATED

from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.errors import Refused
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.wire.tcp_line import TcpLine
from quartier_drivers.readings import Quality
from quartier_drivers.sunspec.control.controlled_point import (
    ControlledPoint,
    find_function,
    list_control_names,
)
from quartier_drivers.sunspec.control.functions import Limit123, Limit704
from quartier_drivers.sunspec.registers import RegisterReader
from quartier_drivers.sunspec.schema import Steering

MODELS = [RATED, FULL_123]
RULE = Steering.model_validate(
    {"control": ["704.WMaxLimPct", "123.WMaxLimPct"], "on_release": "cap", "low": 0.0, "high": 5000.0}
)
S = 1_000_000_000


@pytest.fixture
async def steered(inverter, clock):
    """Of a device with a cap in model 123."""
    inverter.words = chain_of(MODELS)
    line = TcpLine("lan", TcpBus(kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port), clock)
    registers = RegisterReader(line, 1, Limits())

    def make(rule=RULE, cap=500.0, limits=None):
        function = find_function(device_of(MODELS), rule)
        return ControlledPoint(
            "pv.generation_max_w", function, registers, limits or Limits(), cap, 5.0, clock
        )

    yield make
    await line.close()


def test_the_first_control_that_the_device_has_is_taken():
    assert isinstance(find_function(device_of(MODELS), RULE), Limit123)
    assert isinstance(find_function(device_of([NAMEPLATE, CAP_704, *MODELS]), RULE), Limit704)
    assert find_function(device_of([RATED]), RULE) is None


def test_all_that_its_controls_need_is_asked_for():
    names = {str(one) for one in list_control_names(RULE, device_of(MODELS))}

    assert {"704.WMaxLimPct", "702.WMax", "123.WMaxLim_Ena", "121.WMax", "120.WRtg", "715.LocRemCtl"} <= names


async def test_what_it_is_set_to_is_read_by_its_function(steered, inverter):
    one = steered()
    assert (6000.0, Quality.GOOD, "not enabled") == (
        one.reading(0).value,
        one.reading(0).quality,
        one.reading(0).raw,
    )

    inverter.words = chain_of([{**RATED, "WMax_SF": None}, FULL_123])
    await one.round.whole()

    assert Quality.BAD is one.reading(0).quality
    assert "tells no rating" in one.reading(0).raw


async def test_what_is_outside_the_profiles_limits_is_refused(steered):
    with pytest.raises(Refused, match=r"6000 is outside 0\.\.5000"):
        await steered().write(6000.0, 2**62)


async def test_a_device_that_says_no_is_quoted(steered, inverter):
    one, answer = steered(), inverter.answer

    def unwilling(asked):
        return tcp(asked.number, asked.unit, b"\x90\x04") if asked.pdu[0] == 16 else answer(asked)

    inverter.server.script = [unwilling]
    with pytest.raises(Refused, match="device failure"):
        await one.write(1000.0, 2**62)


async def test_what_does_not_stand_as_written_is_refused_by_name(steered, inverter):
    one = steered()
    answer = inverter.answer

    def forgets(asked):
        held = dict(inverter.words)
        answered = answer(asked)
        if asked.pdu[0] == 16:
            inverter.words = held
        return answered

    inverter.server.script = [forgets]
    with pytest.raises(Refused, match=r"123\.WMaxLim_Ena reads back 0 where 1 was written"):
        await one.write(1000.0, 2**62)


async def test_a_device_that_settles_late_is_not_judged_at_once(steered, inverter):
    one = steered(limits=Limits(settle_s=2.0))
    answer = inverter.answer

    def later(asked):
        held = dict(inverter.words)
        answered = answer(asked)
        if asked.pdu[0] == 16:
            inverter.words = held
        return answered

    inverter.server.script = [later]
    await one.write(1000.0, 2**62)

    assert 2.0 == one.settle_s
    assert "123.WMaxLim_Ena reads back 0 where 1 was written" in await one.check_last_order()
    assert "" == await one.check_last_order()


async def test_hold_writes_nothing_and_a_cap_its_value(steered):
    hold = RULE.model_copy(update={"on_release": "hold"})

    assert [] == steered(hold).releases()
    assert [] == steered(cap=None).releases()
    (write,) = steered().releases()
    assert ("pv.generation_max_w", 1, 16, [8, 0, 0, 5, 1]) == (
        write["point"],
        write["unit"],
        write["function"],
        write["values"],
    )


async def test_a_device_that_refuses_its_arming_is_quoted(steered, inverter):
    one = steered()
    assert "" == await one.arm()

    inverter.words = {}
    assert "illegal data address" in await one.arm()


async def test_a_cap_lower_than_the_fail_safe_one_is_what_leaving_writes(steered):
    one = steered(cap=3000.0)
    assert one.standing is None
    await one.write(600.0, 2**62)

    assert 10 == one.standing
    assert 10 == one.releases()[0]["values"][0]
    await one.write(4000.0, 2**62)
    assert 50 == one.releases()[0]["values"][0]
