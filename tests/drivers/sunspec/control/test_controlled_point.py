"""Steps become the fewest writes, and what the device does not hold is told."""

import pytest
from tests.drivers.sunspec.conftest import chain_of
from tests.drivers.sunspec.control.test_functions import (
    BARE_123,
    CAP_704,
    FULL_123,
    NAMEPLATE,
    cap123,
    set704,
)
from tests.drivers.sunspec.control.test_storage_function import storage

from quartier_drivers import registry
from quartier_drivers.contract import Command, DeviceSpec, do_nothing
from quartier_drivers.device_profile import loading
from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.errors import Refused
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.sunspec.control import controlled_point
from quartier_drivers.sunspec.control.controlled_point import explain_differences, make_requests


def written(function, steps, limits=None, *, apart=False):
    base = function.device.chain.of(function.model).address
    made = make_requests(function, steps, 7, limits or Limits(), apart=apart)
    assert {7} == {one.unit for one in made} or not made
    return [(one.function, one.address - base, list(one.values)) for one in made]


def test_points_side_by_side_go_in_one_request():
    assert [(16, 5, [16, 0, 0, 5, 1])] == written(cap123(), cap123().orders(1000.0, None))


def test_a_gap_parts_them_and_the_order_stays():
    function = cap123(BARE_123)

    assert [(16, 5, [16]), (16, 9, [1])] == written(function, function.orders(1000.0, None))


def test_point_by_point_where_the_device_takes_no_more():
    function = cap123(FULL_123)

    assert [5, 6, 7, 8, 9] == [
        at for _, at, _ in written(function, function.orders(1000.0, None), apart=True)
    ]
    single = written(function, function.orders(1000.0, None), Limits(write_function=6))
    assert {6} == {number for number, _, _ in single}


def test_a_setpoint_in_pieces_has_its_timer_before_its_value():
    function = set704()
    apart = written(function, function.orders(1234.0, None), apart=True)
    ordered = storage()
    rates = written(ordered, ordered.orders(1000.0, None), apart=True)

    assert [31, 23, 24, 26, 28, 29, 30, 22] == [at for _, at, _ in apart]
    assert [15, 12, 13, 14, 16, 5] == [at for _, at, _ in rates]


def test_numbers_of_two_registers_are_whole_and_signed():
    function = set704()

    found = written(function, function.orders(1234.0, None))

    assert [(16, 23, [1, 0xFFFF, 0xFF85, 0, 0, 7, 8, 0, 0, 60]), (16, 22, [1])] == found


def test_nothing_is_written_for_nothing():
    assert [] == written(cap123(), [{}])


def test_what_stands_as_written_is_alike():
    held = cap123(
        {**FULL_123, "WMaxLimPct": 16, "WMaxLimPct_WinTms": 0, "WMaxLimPct_RvrtTms": 0, "WMaxLim_Ena": 1}
    )

    assert "" == explain_differences(held, cap123().orders(1000.0, None))


def test_what_reads_back_otherwise_is_told_by_name():
    told = explain_differences(cap123(), cap123().orders(1000.0, None), but=("WMaxLimPct",))

    assert "123.WMaxLimPct_RvrtTms reads back 60 where 0 was written" in told
    assert "123.WMaxLim_Ena reads back 0 where 1 was written" in told
    assert "WMaxLimPct reads" not in told


def test_a_timer_may_have_counted_down_a_little():
    def held(seconds):
        function = set704(model={**dict(SET), "WSetRvrtTms": seconds})
        return explain_differences(function, [{"WSetRvrtTms": 60}])

    assert ["", "", ""] == [held(60), held(59), held(58)]
    assert "reads back 57" in held(57)
    assert "reads back 61" in held(61)
    assert "reads back 0" in held(0)


SET = {"ID": 704, "WSetEna": 1, "WSet": 0, "WSet_SF": 0}


S = 1_000_000_000
CAP = "pv.generation_max_w"
COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1", "Vr": "1.0"}
AC = {"ID": 701, "W": 2468, "W_SF": 0}
WITHOUT, WITH = [COMMON, AC], [COMMON, AC, NAMEPLATE, CAP_704]
SPEC = DeviceSpec("roof", 1, {"": "pv"}, {}, {CAP: 2000.0})


@pytest.fixture
async def opened(inverter, clock):
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.5, retries_count=0
    )
    factory = registry.load_factory("modbus-tcp", "sunspec")
    line = factory.line("lan", bus, clock)
    inverter.words = chain_of(WITHOUT)
    driver = factory.driver(line, SPEC, loading.load_profile("sunspec/pv"), clock)
    await driver.open()
    yield driver, line
    await line.close()


async def test_a_control_that_appears_is_found_when_the_fallback_is_looked_at(opened, inverter, clock):
    driver, _ = opened
    (missing,) = await driver.arm([CAP], writes=False)
    with pytest.raises(Refused, match=r"the device has none of 704\.WMaxLimPct"):
        await driver.write(Command(CAP, 1000.0, clock.now_ns() + 20 * S))
    inverter.words = chain_of(WITH)
    clock.move(controlled_point.SEARCH_PAUSE_NS / S + 1)
    (found,) = await driver.arm([CAP], writes=False)
    await driver.write(Command(CAP, 1000.0, clock.now_ns() + 20 * S))

    assert "has none of" in missing.problem
    assert "" == found.problem


async def test_looking_for_what_is_still_missing_disturbs_nothing(opened, inverter, clock):
    driver, _ = opened
    read = [one.point for _ in range(12) for one in await driver.read()]
    clock.move(controlled_point.SEARCH_PAUSE_NS / S + 1)
    asked_count = len(inverter.server.asked)
    (missing,) = await driver.arm([CAP], writes=False)
    searched_count = len(inverter.server.asked) - asked_count
    again = [one.point for _ in range(12) for one in await driver.read()]

    assert "has none of" in missing.problem
    assert searched_count > 0
    assert "pv.power_w" in read
    assert CAP not in again, "a device opened anew would say again what it has not"


async def test_others_have_their_turn_between_two_exchanges(opened):
    _, line = opened
    turns = []

    async def between():
        turns.append(len(turns))

    loaded = loading.load_profile("sunspec/pv")
    rule = loaded.parts[""]["generation_max_w"].write

    assert not await controlled_point.has_control_appeared(rule, line, SPEC, loaded, between)
    assert len(turns) > 1
    assert not await controlled_point.has_control_appeared(rule, line, SPEC, loaded, do_nothing)
