from dataclasses import replace

import pytest

from quartier.control import hunting
from quartier.control.hunting import Swings, Zigzag
from quartier.control.orders import Order
from quartier.control.sight import Memory

S = 1_000_000_000


def swung(house, pairs, step_s=1.0):
    """Swings after (grid W, order W) pairs, one each ``step_s``."""
    found = Swings()
    for n, (grid_w, order_w) in enumerate(pairs):
        now_ns = round(n * step_s * S)
        memories = {"grid.power_w": Memory(grid_w, now_ns)}
        orders = {"bat1.setpoint_w": Order(order_w, now_ns, "")}
        found = hunting.watched(found, house, memories, orders, now_ns)
    return found


def square(half, count, size=1_000.0):
    return [size if n // half % 2 else -size for n in range(half * count)]


def test_an_output_that_swings_with_the_grid_loses_half_its_gain_each_time(house):
    wave = square(5, 8)

    assert 1.0 == swung(house, zip(square(5, 4), square(5, 4), strict=True)).gain("bat1")
    assert 0.5 == swung(house, zip(wave, wave, strict=True)).gain("bat1")
    wave = square(5, 15)
    assert 0.25 == swung(house, zip(wave, wave, strict=True)).gain("bat1")
    wave = square(5, 60)
    assert 0.0 == swung(house, zip(wave, wave, strict=True)).gain("bat1")


def test_an_output_that_swings_alone_or_a_grid_that_does_is_no_hunting(house):
    wave, still = square(5, 12), [0.0] * 60

    assert 1.0 == swung(house, zip(still, wave, strict=True)).gain("bat1")
    assert 1.0 == swung(house, zip(wave, still, strict=True)).gain("bat1")


def test_small_or_uneven_swings_are_no_hunting(house):
    small = square(5, 20, size=90.0)
    uneven = [
        v for n, half in enumerate((3, 20, 4, 30, 2, 25, 3, 30, 5)) for v in [1_000.0 * (-1) ** n] * half
    ]

    assert 1.0 == swung(house, zip(small, small, strict=True)).gain("bat1")
    assert 1.0 == swung(house, zip(uneven, uneven, strict=True)).gain("bat1")


@pytest.mark.parametrize(("half", "gain"), [(2, 1.0), (8, 0.5), (30, 0.5), (90, 1.0)])
def test_only_a_pace_that_the_measured_delay_makes_counts(house, half, gain):
    probed = replace(house, assets=(replace(house.assets[0], delay_s=3.0, lag_s=1.0), *house.assets[1:]))
    wave = square(half, 8)

    assert gain == swung(probed, zip(wave, wave, strict=True)).gain("bat1")


def test_after_a_quarter_of_an_hour_of_calm_the_gain_is_doubled(house):
    wave = square(5, 15)
    calm = [0.0] * 905

    assert 0.25 == swung(house, zip(wave, wave, strict=True)).gain("bat1")
    assert 0.5 == swung(house, zip(wave + calm, wave + calm, strict=True)).gain("bat1")
    calm = [0.0] * 1_900
    assert 1.0 == swung(house, zip(wave + calm, wave + calm, strict=True)).gain("bat1")


def test_the_alarm_says_how_fast_and_what_to_do(house):
    wave = square(5, 8)
    (text,) = hunting.alarms(swung(house, zip(wave, wave, strict=True)))

    assert "bat1 and the grid swing against each other every 10 s: it is answered by 50 %" in text
    assert "quartier probe" in text


def test_a_signal_that_only_rises_never_turns():
    found = Zigzag()
    for n in range(100):
        found = hunting._turned(found, Memory(50.0 * n, n * S), 200.0)

    assert () == found.turned_ns


@pytest.mark.long
@pytest.mark.parametrize(("delay_s", "lag_s"), [(2, 0), (2, 2), (1, 3)])
def test_a_battery_with_usual_delays_is_never_said_to_hunt(plant, delay_s, lag_s):
    p = plant(base_w=500, delay_s=delay_s, lag_s=lag_s, soc_pct=60)
    p.run(60)
    for base_w in (3_000, 800, 4_200, 300):
        p.base_w = base_w
        p.run(60)
        assert 1.0 == p.state.swings.gain("bat1")


@pytest.mark.long
def test_a_battery_whose_readings_come_far_too_late_hunts_until_its_gain_is_stepped_back(plant, monkeypatch):
    def swings_w(p):
        p.run(30)
        p.base_w = 3_500
        p.run(400)
        return max(p.grid_log[-120:]) - min(p.grid_log[-120:])

    late = {"base_w": 500, "delay_s": 8, "lag_s": 20, "soc_pct": 60}
    mended = plant(**late)
    assert swings_w(mended) < 200
    assert mended.state.swings.gain("bat1") < 1.0
    assert any("swing against each other" in text for text in mended.view["alarms"])

    monkeypatch.setattr(hunting, "GAINS", (1.0, 1.0, 1.0, 1.0))
    assert swings_w(plant(**late)) > 1_500, "without the step back it goes on"
