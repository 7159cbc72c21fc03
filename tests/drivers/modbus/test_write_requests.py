"""What is known of the caps that stand: the last reading or order, and nothing where neither is sound."""

import pytest
from tests.drivers.modbus.conftest import Asked, Device, HandClock, TcpServer
from tests.drivers.modbus.test_driver import BATTERY, S, driver_of, line_to, profile, read_all

from quartier_drivers.contract import Command
from quartier_drivers.device_profile.schema import Point
from quartier_drivers.modbus.served_points import ServedPoint
from quartier_drivers.modbus.write_requests import StandingLimits
from quartier_drivers.readings import Quality, Reading, make_readings

CAP, OTHER = "pv.generation_max_w", "pv.setpoint_w"


def served(name, on_release):
    write = {"low": 0, "high": 9000, "on_release": on_release}
    point = Point.model_validate({"register": "holding:40", "write": write})
    return ServedPoint(name, name.partition(".")[2], "float", 3, point)


@pytest.fixture
def standing():
    return StandingLimits([served(CAP, "cap"), served(OTHER, 0)])


def told(value, quality=Quality.GOOD):
    return make_readings([Reading(CAP, value, quality, 0)], 0)


def test_only_points_that_are_released_to_a_cap_count(standing):
    standing.note_order(OTHER, 10.0)

    assert (True, False) == (CAP in standing, OTHER in standing)
    assert 4200.0 == standing.least(OTHER, 4200.0)


@pytest.mark.parametrize(
    ("last", "left"),
    [
        (told(1500.0), 1500.0),
        (told(9000.0), 4200.0),
        (told(1500.0, Quality.BAD), 4200.0),
        (make_readings([Reading("pv.power_w", 7.0, Quality.GOOD, 0)], 0), 900.0),
    ],
)
def test_the_lower_of_the_fail_safe_cap_and_what_was_last_read_is_left(standing, last, left):
    standing.note_order(CAP, 900.0)

    assert last is standing.note_readings(last)
    assert left == standing.least(CAP, 4200.0)


def test_without_a_fail_safe_cap_nothing_is_written(standing):
    standing.note_order(CAP, 900.0)

    assert standing.least(CAP, None) is None


@pytest.mark.parametrize(("standing_w", "left_w"), [(1500, 1500), (4200, 4200), (9000, 4200)])
async def test_leaving_lowers_a_cap_or_lets_it_be_and_never_raises_it(
    device: Device, tcp_server: TcpServer, clock: HandClock, standing_w: int, left_w: int
) -> None:
    line = line_to(tcp_server, clock)
    driver = driver_of(line, BATTERY, clock)
    device.words = {40: 9000}
    await read_all(driver, clock)
    device.words = {40: standing_w}  # somebody else has written it since
    await driver.release(["m.generation_max_w"])

    assert left_w == device.words[40]
    assert (float(standing_w),) == driver.standing
    await line.close()


@pytest.mark.parametrize("confirm", ["none", "read"])
async def test_a_cap_that_cannot_be_read_on_leaving_goes_by_what_was_ordered_last(
    device: Device, tcp_server: TcpServer, clock: HandClock, confirm: str
) -> None:
    text = '[points.generation_max_w]\nregister = "holding:40"\n[points.generation_max_w.write]\n'
    text += f'low = 0\nhigh = 9000\non_release = "cap"\nconfirm = "{confirm}"\n'

    def refuses_reads(asked: Asked) -> bytes:
        device.refused = {40} if asked.pdu[0] == 3 else set()
        return device.answer(asked)

    line = line_to(tcp_server, clock)
    driver = driver_of(line, profile(text), clock)
    unknown = [write["values"] for write in driver.releases()]
    await driver.write(Command("m.generation_max_w", 1200.0, clock.now_ns() + S))
    tcp_server.script = [refuses_reads]
    await driver.release()

    assert ([[4200]], [[1200]]) == (unknown, [write["values"] for write in driver.releases()])
    assert 1200 == device.words[40]
    await line.close()
