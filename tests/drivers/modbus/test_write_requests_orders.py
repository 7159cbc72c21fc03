"""A setpoint never stands without its timer, and leaving never widens anything."""

from typing import Any

import pytest

from quartier_drivers.device_profile.schema import Limits, Point
from quartier_drivers.modbus.release_writes import restore_write
from quartier_drivers.modbus.served_points import ServedPoint
from quartier_drivers.modbus.write_requests import dump_write, make_release, make_setpoint

LIMITS = Limits()
TIMER = {"value": 0, "after_s": 60, "register": "holding:31"}


def served(limits_w: tuple[float, float] = (-5000, 5000), **write: Any) -> ServedPoint:
    table = {"low": limits_w[0], "high": limits_w[1], "on_release": 0} | write
    point = Point.model_validate({"register": "holding:20", "type": "int32", "write": table})
    return ServedPoint("m.setpoint_w", "setpoint_w", "float", 3, point)


def places(requests: list[Any]) -> list[tuple[int, tuple[int, ...]]]:
    return [(request.address, request.values) for request in requests]


def test_the_timer_is_written_before_the_value() -> None:
    assert [(31, (60,)), (20, (0xFFFF, 0xFFFF))] == places(
        make_setpoint(served(fallback=TIMER), -1.0, 0, LIMITS)
    )


def test_where_the_timer_of_an_order_before_runs_the_value_comes_first() -> None:
    requests = make_setpoint(served(fallback=TIMER), -1.0, 0, LIMITS, is_timed=True)

    assert [(20, (0xFFFF, 0xFFFF)), (31, (60,))] == places(requests)


def test_a_timer_counts_in_its_own_unit() -> None:
    timer = TIMER | {"scale": 0.1, "type": "uint32"}

    assert (31, (0, 600)) == places(make_setpoint(served(fallback=timer), 0.0, 0, LIMITS))[0]


def test_a_fixed_timer_needs_no_write() -> None:
    assert [20] == [
        place
        for place, _ in places(make_setpoint(served(fallback={"value": 0, "after_s": 60}), 1.0, 0, LIMITS))
    ]


def test_the_profile_says_which_function_writes_one_register() -> None:
    requests = make_setpoint(served(fallback=TIMER), 0.0, 0, Limits(write_function=16))

    assert [16, 16] == [request.function for request in requests]
    assert [6, 16] == [request.function for request in make_setpoint(served(fallback=TIMER), 0.0, 0, LIMITS)]


def bits(field: tuple[int, int], value: float, **table: Any) -> tuple[int, ...]:
    write = {"low": 0, "high": 7, "on_release": 0, "function": 22}
    point = Point.model_validate({"register": "holding:20", "bits": field, "write": write} | table)
    (request,) = make_setpoint(ServedPoint("m.mode_index", "mode_index", "int", 3, point), value, 0, LIMITS)
    assert (22, 20) == (request.function, request.address)
    return request.values


def test_a_mask_write_changes_its_bits_and_no_others() -> None:
    assert (0xFF8F, 0x0050) == bits((4, 6), 5)
    assert (0xFF8F, 0x0000) == bits((4, 6), 0)
    assert (0x8FFF, 0x5000) == bits((4, 6), 5, bytes="low-first")
    assert (0xFFFE, 0x0001) == bits((0, 0), 1)


def test_a_mask_never_spills_over_its_bits() -> None:
    with pytest.raises(ValueError, match="does not fit bits 4..5"):
        bits((4, 5), 7)


@pytest.mark.parametrize("function", [16, 23])
def test_a_point_may_be_written_by_a_function_of_its_own(function: int) -> None:
    requests = make_setpoint(served(type="int16", function=function, fallback=TIMER), 5.0, 0, LIMITS)

    assert [(6, (60,)), (function, (5,))] == [(request.function, request.values) for request in requests]


def test_a_coil_may_be_written_as_one_of_many() -> None:
    point = Point.model_validate({"register": "coil:20", "write": {"on_release": 0, "function": 15}})
    (request,) = make_setpoint(ServedPoint("m.relay_on", "relay_on", "bool", 3, point), 1.0, 0, LIMITS)

    assert (15, (1,)) == (request.function, request.values)


@pytest.mark.parametrize(
    ("write", "cap", "expected"),
    [
        ({"on_release": "hold", "fallback": TIMER}, None, []),
        ({"on_release": 0, "fallback": TIMER}, None, [(20, (0, 0))]),
        ({"on_release": 7, "fallback": TIMER}, None, [(20, (0, 7)), (31, (0,))]),
        ({"on_release": "cap"}, 70.0, [(20, (0, 70))]),
        ({"on_release": "cap", "fallback": TIMER}, 70.0, [(20, (0, 70)), (31, (0,))]),
        ({"on_release": "cap"}, None, []),
        ({"on_release": "cap"}, 1e9, [(20, (0, 5000))]),
        (
            {"on_release": "own", "own": {"register": "coil:4", "value": 1}, "fallback": TIMER},
            None,
            [(4, (1,)), (31, (0,))],
        ),
    ],
    ids=[
        "hold",
        "value that the timer gives too",
        "value",
        "cap",
        "cap with timer",
        "no cap",
        "clamped",
        "own",
    ],
)
def test_leaving_writes_what_on_release_says_and_no_timer_towards_anything_else(
    write: dict[str, Any], cap: float | None, expected: list[Any]
) -> None:
    assert expected == places(make_release(served(**write), cap, 0, LIMITS))


def test_what_cannot_be_written_is_left_as_it_is() -> None:
    assert [] == make_release(served(on_release=5), None, None, LIMITS)
    assert [] == make_release(served((-1e12, 1e12), on_release=1e11), None, 0, LIMITS)


def test_a_write_survives_the_file_it_is_kept_in() -> None:
    (request,) = make_setpoint(served(), 5.0, 0, LIMITS)

    assert request == restore_write(dump_write("m.setpoint_w", request))
