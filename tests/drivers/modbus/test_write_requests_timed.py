"""Which timer of a setpoint runs; time is moved by hand."""

from typing import Any

from tests.drivers.modbus.conftest import HandClock

from quartier_drivers.device_profile.schema import Limits, Point
from quartier_drivers.modbus import write_requests
from quartier_drivers.modbus.frames import Request
from quartier_drivers.modbus.served_points import ServedPoint
from quartier_drivers.modbus.write_requests import RunningTimers


def served(**write: Any) -> ServedPoint:
    table = {"low": 0, "high": 10, "on_release": 0} | write
    point = Point.model_validate({"register": "holding:20", "write": table})
    return ServedPoint("m.setpoint_w", "setpoint_w", "float", 3, point)


TIMED = served(fallback={"value": 0, "after_s": 60, "register": "holding:31"})


def test_a_timer_counts_as_running_for_half_of_its_time_after_each_order(clock: HandClock) -> None:
    timed = RunningTimers(clock.now_ns)

    assert not timed.runs(TIMED)
    timed.note_order("m.setpoint_w")
    clock.move(30)
    assert timed.runs(TIMED)
    clock.move(1)
    assert not timed.runs(TIMED)
    timed.note_order("m.setpoint_w")
    assert timed.runs(TIMED)


def test_what_is_given_back_has_no_timer_that_anybody_knows_of(clock: HandClock) -> None:
    timed = RunningTimers(clock.now_ns)
    for dropped in (("m.setpoint_w",), ()):
        timed.note_order("m.setpoint_w")
        timed.note_order("m.other_w")
        timed.drop(dropped)

        assert not timed.runs(TIMED)
        assert (dropped == ("m.setpoint_w",)) == ("m.other_w" in timed)


def test_a_point_without_a_timer_has_none_that_runs(clock: HandClock) -> None:
    timed = RunningTimers(clock.now_ns)
    timed.note_order("m.setpoint_w")

    assert not timed.runs(served())
    assert not timed.runs(served(fallback={"value": 0, "register": "holding:31"}))


async def places(timed: RunningTimers, one: ServedPoint) -> list[int]:
    """Where an order writes, one after the other."""
    found: list[int] = []

    async def send(request: Request) -> None:
        found.append(request.address)

    requests = write_requests.make_setpoint(one, 5.0, 0, Limits(), is_timed=timed.runs(one))
    await timed.write(one, requests, send)
    return found


async def test_a_running_timer_is_written_last_and_left_to_run_on_while_something_is_urgent(
    clock: HandClock,
) -> None:
    timed = RunningTimers(clock.now_ns)

    assert [31, 20] == await places(timed, TIMED)
    clock.move(20)
    assert [20, 31] == await places(timed, TIMED)
    timed.is_urgent = lambda: True
    clock.move(20)
    assert [20] == await places(timed, TIMED)
    clock.move(11)
    assert [31, 20] == await places(timed, TIMED)


async def test_a_value_without_a_timer_beside_it_is_written_however_urgent_something_is(
    clock: HandClock,
) -> None:
    timed = RunningTimers(clock.now_ns)
    timed.is_urgent = lambda: True
    gated = served(
        fallback={"value": 0, "after_s": 60}, gate={"register": "holding:21", "open": 1, "shut": 0}
    )

    for _ in range(2):
        assert [20, 21] == await places(timed, gated)
