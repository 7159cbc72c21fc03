"""Single registers are asked and written beside the plan."""

import pytest
from tests.drivers.modbus.conftest import Device, HandClock, silence
from tests.drivers.modbus.test_driver import line_to

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.schema import Limits, Source
from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.modbus.arming import SingleRequests
from quartier_drivers.modbus.frames import Answer, make_write

PLACE = Address("holding", 7)


@pytest.fixture
def beside(device: Device, clock: HandClock) -> SingleRequests:
    device.words = {7: 0x4142, 8: 0x4300}
    limits = Limits(pause_s=0.5, write_pause_s=2.0)
    return SingleRequests(line_to(device.server, clock, 30.0), DeviceSpec("dev", 3, {"": "m"}), limits)


async def test_registers_are_fetched_and_texts_are_said(beside: SingleRequests, device: Device) -> None:
    assert Answer((0x4142, 0x4300)) == await beside.fetch(3, PLACE, 2)
    said = Source.model_validate({"register": "holding:7", "type": "string", "length": 2})
    assert "ABC" == await beside.said(said)
    device.refused = {7}
    assert "" == await beside.said(said)


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
