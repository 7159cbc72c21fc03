"""A setpoint never stands without its timer, and leaving never widens anything."""

from typing import Any

import pytest

from quartier_drivers.modbus.orders import dump, release, restore, setpoint
from quartier_drivers.modbus.served import Served
from quartier_drivers.schema import Limits, Point

LIMITS = Limits()
TIMER = {"value": 0, "after_s": 60, "register": "holding:31"}


def served(limits_w: tuple[float, float] = (-5000, 5000), **write: Any) -> Served:
    table = {"low": limits_w[0], "high": limits_w[1], "on_release": 0} | write
    point = Point.model_validate({"register": "holding:20", "type": "int32", "write": table})
    return Served("m.setpoint_w", "setpoint_w", "float", 3, point)


def places(requests: list[Any]) -> list[tuple[int, tuple[int, ...]]]:
    return [(request.address, request.values) for request in requests]


def test_the_timer_is_written_before_the_value() -> None:
    assert [(31, (60,)), (20, (0xFFFF, 0xFFFF))] == places(setpoint(served(fallback=TIMER), -1.0, 0, LIMITS))


def test_a_timer_counts_in_its_own_unit() -> None:
    timer = TIMER | {"scale": 0.1, "type": "uint32"}

    assert (31, (0, 600)) == places(setpoint(served(fallback=timer), 0.0, 0, LIMITS))[0]


def test_a_fixed_timer_needs_no_write() -> None:
    assert [20] == [
        place for place, _ in places(setpoint(served(fallback={"value": 0, "after_s": 60}), 1.0, 0, LIMITS))
    ]


def test_the_profile_says_which_function_writes_one_register() -> None:
    requests = setpoint(served(fallback=TIMER), 0.0, 0, Limits(write_function=16))

    assert [16, 16] == [request.function for request in requests]
    assert [6, 16] == [request.function for request in setpoint(served(fallback=TIMER), 0.0, 0, LIMITS)]


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
    assert expected == places(release(served(**write), cap, 0, LIMITS))


def test_what_cannot_be_written_is_left_as_it_is() -> None:
    assert [] == release(served(on_release=5), None, None, LIMITS)
    assert [] == release(served((-1e12, 1e12), on_release=1e11), None, 0, LIMITS)


def test_a_write_survives_the_file_it_is_kept_in() -> None:
    (request,) = setpoint(served(), 5.0, 0, LIMITS)

    assert request == restore(dump("m.setpoint_w", request))
