from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.generation import MIN_REST_S, MIN_RUN_S, Cogeneration


def _spans(unit, seconds, order=lambda _: {}):
    """How long it ran and rested, in turn."""
    found, since_s = [], 0
    for now_s in range(0, seconds, 5):
        before, unit = unit, unit.step(order(now_s), Surroundings(now_s, now_s), 5.0)
        if before.running_on != unit.running_on:
            found.append((before.running_on, now_s - since_s))
            since_s = now_s
    return unit, found


def test_led_by_heat_it_runs_and_rests_for_its_least_times():
    _, spans = _spans(Cogeneration(name="a", rated_w=5_000, tank_c=54), 86_400)

    assert 4 < len(spans)
    assert all(length_s >= (MIN_RUN_S if ran else MIN_REST_S) for ran, length_s in spans[1:])


def test_a_request_that_is_withdrawn_at_once_stops_it_no_earlier():
    _, spans = _spans(
        Cogeneration(name="a", rated_w=5_000, tank_c=70),
        9_000,
        lambda now_s: {"request_on": float(now_s < 60)},
    )

    assert (True, MIN_RUN_S) <= spans[1]


def test_it_gives_power_once_it_has_started():
    unit, _ = _spans(Cogeneration(name="a", rated_w=5_000, tank_c=50), 100)
    assert 0 == unit.power_w

    unit, _ = _spans(Cogeneration(name="a", rated_w=5_000, tank_c=50), 300)
    assert -5_000 == unit.power_w


def test_a_hot_tank_refuses_a_request():
    unit, _ = _spans(Cogeneration(name="a", rated_w=5_000, tank_c=79), 60, lambda _: {"request_on": 1.0})

    assert not unit.running_on
