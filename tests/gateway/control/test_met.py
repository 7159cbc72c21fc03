import pytest


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
