from dataclasses import replace

import pytest

from quartier.control.switch_state import SwitchState


@pytest.mark.parametrize(
    ("point", "value", "view"),
    [
        ("pump.relay_on", 0.0, "shed"),
        ("ev1.current_max_a", 8.0, "limited to 5520 W"),
        ("ev1.current_max_a", 0.0, "paused"),
    ],
)
def test_what_is_found_limited_stays_so_until_its_turn_to_come_back(plant, point, value, view):
    p = plant(base_w=500, loads_w={"pump": 1_000}, ev_wants_w=11_040)
    p.points[point] = value
    p.raw[point] = value
    p.step()
    asset = point.split(".")[0]

    assert view in p.view["assets"][asset]["state"]


def test_what_is_found_free_is_free(plant):
    p = plant(base_w=500, loads_w={"pump": 1_000})
    p.raw |= {"pump.relay_on": 1.0, "ev1.current_max_a": 16.0, "pv1.generation_max_w": 6_000.0}
    p.step()

    assert {"free"} == {p.view["assets"][name]["state"] for name in ("pump", "ev1", "pv1")}


@pytest.mark.parametrize(
    ("point", "value", "since_ns"),
    [("pump.relay_on", 0.0, 0), ("ev1.current_max_a", 8.0, -7), ("ev1.current_max_a", 0.0, 0)],
)
def test_what_is_remembered_over_a_restart_stays_where_it_is_found_limited(plant, point, value, since_ns):
    p, name = plant(ev_wants_w=11_040), point.split(".")[0]
    p.state = replace(p.state, turns={name: SwitchState(since_ns=-7, sheds_ns=(-9, -8), turns_ns=(-9,))})
    p.raw[point] = value
    p.step()
    turn = p.state.turns[name]

    assert ((-9, -8), (-9,), since_ns) == (turn.sheds_ns, turn.turns_ns, turn.since_ns)
