"""A fallback is written and read back register by register; what differs is named with the next step."""

import math
from typing import Any

import pytest
from tests.drivers.modbus.conftest import Device, HandClock, TcpServer, silence
from tests.drivers.modbus.test_driver import line_to

from quartier_drivers.abilities import ArmableDriver
from quartier_drivers.contract import ArmedFallback, Command, DeviceSpec
from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.schema import Limits, Source
from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.modbus.arming import SingleRequests
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.factory import FACTORY
from quartier_drivers.modbus.frames import Answer, make_write

HEAD = '[profile]\nprotocol = "modbus"\nmaker = "ACME"\nmodel = "EV"\nsource = "s"\n'
POINT = """
[points.{quantity}]
register = "holding:20"
type = "int16"
[points.{quantity}.write]
low = -5000
high = 5000
on_release = 0
[points.{quantity}.write.fallback]
"""
WHOLE = """
value = 0
after_s = 60
register = "holding:31"
timer_shown = { register = "holding:131" }
value_shown = { register = "holding:130", scale = 0.1 }
settings = [{ register = "holding:30", value = 0 }, { register = "holding:32", value = 1, confirm = "none" }]
check = [{ register = "holding:90", equals = 3, remedy = "set the mode to external control" }]
"""
SOUND = {131: 60, 130: 0, 90: 3}


def driver_of(
    server: TcpServer, clock: HandClock, fallback: str, quantity: str = "setpoint_w"
) -> ModbusDriver:
    bus = TcpBus(kind="modbus-tcp", host="127.0.0.1", port=server.port, timeout_s=2.0, retries_count=0)
    profile: Any = parse_profile(HEAD + POINT.format(quantity=quantity) + fallback, "acme/ev", "ev.toml")
    return FACTORY.driver(FACTORY.line("net", bus, clock), DeviceSpec("dev", 3, {"": "m"}), profile, clock)


def written(device: Device) -> list[tuple[int, int]]:
    return [
        (asked.start, int.from_bytes(asked.pdu[3:5], "big"))
        for asked in device.server.asked
        if asked.pdu[0] == 6
    ]


async def armed(driver: ModbusDriver, *, writes: bool = True) -> ArmedFallback:
    (found,) = await driver.arm(writes=writes)
    return found


async def test_settings_and_timer_are_written_and_all_is_read_back(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = dict(SOUND)
    driver = driver_of(tcp_server, clock, WHOLE)

    assert isinstance(driver, ArmableDriver)
    assert ArmedFallback("m.setpoint_w", 0.0, 60.0) == await armed(driver)
    assert [(31, 60), (30, 0), (32, 1)] == written(device)


async def test_a_check_writes_nothing(device: Device, tcp_server: TcpServer, clock: HandClock) -> None:
    device.words = dict(SOUND)

    assert "" == (await armed(driver_of(tcp_server, clock, WHOLE), writes=False)).problem
    assert [] == written(device)


@pytest.mark.parametrize(
    ("register", "word", "words"),
    [
        (131, 0, "60 s was written, holding:131 holds 0 s: it never acts"),
        (131, 600, "it acts later than declared"),
        (131, 20, "it may act between two writes"),
        (130, 60, "0 was written as its value, holding:130 holds 6"),
        (90, 1, "holding:90 holds 1; set the mode to external control"),
    ],
)
async def test_what_came_back_otherwise_is_said_with_the_next_step(
    device: Device, tcp_server: TcpServer, clock: HandClock, register: int, word: int, words: str
) -> None:
    device.words = SOUND | {register: word}

    assert words in (await armed(driver_of(tcp_server, clock, WHOLE))).problem


async def test_a_setting_that_does_not_stay_is_named(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = SOUND | {30: 7}
    found = await armed(driver_of(tcp_server, clock, WHOLE), writes=False)

    assert "0 is declared in holding:30, holding:30 holds 7; run quartier arm" == found.problem


async def test_a_refused_write_and_a_refused_read_are_named(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = dict(SOUND)
    device.refused = {30, 130}
    problem = (await armed(driver_of(tcp_server, clock, WHOLE))).problem

    assert "holding:30: 0 was written and refused (illegal data address); set it at the device" in problem
    assert "holding:130 cannot be read back (illegal data address)" in problem


async def test_a_timer_that_rides_with_setpoints_may_stand_at_zero_until_one_was_written(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = {31: 0}
    driver = driver_of(tcp_server, clock, 'value = "own"\nafter_s = 60\nregister = "holding:31"')
    resting = await armed(driver, writes=False)
    await driver.write(Command("m.setpoint_w", 100.0, clock.now_ns() + 10**9))
    device.words[31] = 0  # the device did not keep it
    dead = await armed(driver, writes=False)
    await driver.release()

    assert ArmedFallback("m.setpoint_w", None, 0.0, "", is_verified=False) == resting
    assert "it never acts" in dead.problem
    assert "" == (await armed(driver, writes=False)).problem


async def test_a_limit_may_fall_lower_than_declared_and_no_higher(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    text = 'value = 6\nafter_s = 60\nvalue_shown = { register = "holding:130" }'
    driver = driver_of(tcp_server, clock, text, "current_max_a")
    device.words = {130: 0}
    less = await armed(driver, writes=False)
    device.words = {130: 16}
    more = await armed(driver, writes=False)

    assert ArmedFallback("m.current_max_a", 0.0, None) == less
    assert "6 is declared as its value, holding:130 holds 16; set it at the device itself" == more.problem


async def test_what_the_device_cannot_show_is_declared_by_the_manual(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    fixed = driver_of(tcp_server, clock, "value = 0\nafter_s = 60")
    holds = driver_of(tcp_server, clock, "holds = true", "generation_max_w")

    assert ArmedFallback("m.setpoint_w", 0.0, None, is_verified=False) == await armed(fixed)
    assert ArmedFallback("m.generation_max_w", None, math.inf, is_verified=False) == await armed(holds)
    assert [] == device.server.asked


async def test_a_write_may_come_between_two_exchanges(
    device: Device, tcp_server: TcpServer, clock: HandClock
) -> None:
    device.words = dict(SOUND)
    driver = driver_of(tcp_server, clock, WHOLE)
    places: list[int] = []

    async def between() -> None:
        places.append(len(device.server.asked))

    await driver.arm(writes=False, between=between)

    assert [1, 2, 3] == places


async def test_silence_ends_it(tcp_server: TcpServer, clock: HandClock) -> None:
    tcp_server.script = [silence]
    with pytest.raises(NoReply):
        await armed(driver_of(tcp_server, clock, WHOLE), writes=False)


PLACE = Address("holding", 7)


@pytest.fixture
def beside(device: Device, clock: HandClock) -> SingleRequests:
    device.words = {7: 0x4142, 8: 0x4300}
    limits = Limits(pause_s=0.5, write_pause_s=2.0)
    return SingleRequests(line_to(device.server, clock, 30.0), DeviceSpec("dev", 3, {"": "m"}), limits)


async def test_registers_are_fetched_and_texts_are_said(beside: SingleRequests, device: Device) -> None:
    assert Answer((0x4142, 0x4300)) == await beside.fetch(3, PLACE, 2)
    said = Source.model_validate({"register": "holding:7", "type": "string", "length": 2})
    assert "ABC" == await beside.read_text(said)
    device.refused = {7}
    assert "" == await beside.read_text(said)


async def test_a_gateway_that_reaches_nobody_is_silence(beside: SingleRequests, device: Device) -> None:
    device.refused, device.exception = {7}, 11

    with pytest.raises(NoReply, match="gateway target"):
        await beside.fetch(3, PLACE, 1)


async def test_a_write_keeps_its_pause_and_a_refusal_names_the_point(
    beside: SingleRequests, device: Device, clock: HandClock
) -> None:
    await beside.send("m.setpoint_w", make_write(3, "holding", 9, (5,)))
    assert 5 == device.words[9]
    await beside.fetch(3, PLACE, 1)
    assert [2.0] == clock.slept_s

    device.refused = {9}
    with pytest.raises(Refused, match=r"m\.setpoint_w: illegal data address"):
        await beside.send("m.setpoint_w", make_write(3, "holding", 9, (5,)))


async def test_who_is_silent_is_asked_once(beside: SingleRequests, device: Device) -> None:
    device.server.script = [silence]
    beside._line._timeout_s, beside._line._retries_count = 0.05, 2
    beside.is_silent = True

    with pytest.raises(NoReply):
        await beside.fetch(3, PLACE, 1)
    assert 1 == len(device.server.asked)


@pytest.mark.parametrize(
    ("unit", "words"), [(3, "unit 3 is "), (100, "the profile of unit 3 also uses unit 100: unit 100 is ")]
)
async def test_a_silent_unit_that_only_the_profile_names_is_told_with_that_of_the_device(
    beside: SingleRequests, device: Device, unit: int, words: str
) -> None:
    device.server.script = [silence]
    beside._line._timeout_s, beside.is_silent = 0.05, True

    with pytest.raises(NoReply, match=f"^{words}silent"):
        await beside.fetch(unit, PLACE, 1)
