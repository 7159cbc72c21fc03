from dataclasses import replace

import pytest

from quartier.control.observe.observations import LastGood
from quartier.control.reason import NO_REASON
from quartier.control.records import Order
from quartier.control.supervise import hunting
from quartier.control.supervise.hunting import OutputSwings, SignalReversals

S = 1_000_000_000


def swung(house, pairs, step_s=1.0):
    """Swings after (grid W, order W) pairs, one each ``step_s``."""
    found = OutputSwings()
    for n, (grid_w, order_w) in enumerate(pairs):
        now_ns = round(n * step_s * S)
        memories = {"grid.power_w": LastGood(grid_w, now_ns)}
        orders = {"bat1.setpoint_w": Order(order_w, now_ns, NO_REASON)}
        found = hunting.update_hunting(found, house, memories, orders, now_ns)
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
    (text,) = hunting.find_hunting_alarms(swung(house, zip(wave, wave, strict=True)))

    assert "bat1 and the grid swing against each other every 10 s: it is answered by 50 %" in text
    assert "quartier probe" in text


def test_a_signal_that_only_rises_never_turns():
    found = SignalReversals()
    for n in range(100):
        found = hunting._add_value(found, LastGood(50.0 * n, n * S), 200.0)

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
        p.run(500)
        return max(p.grid_log[-120:]) - min(p.grid_log[-120:])

    late = {"base_w": 500, "delay_s": 8, "lag_s": 20, "soc_pct": 60}
    mended = plant(**late)
    assert swings_w(mended) < 200
    assert mended.state.swings.gain("bat1") < 1.0
    assert any("swing against each other" in text for text in mended.view["alarms"])

    monkeypatch.setattr(hunting, "GAINS", (1.0, 1.0, 1.0, 1.0))
    assert swings_w(plant(**late)) > 1_500, "without the step back it goes on"


# Loads that pulse by themselves

PULSES = pytest.mark.parametrize(
    ("on_s", "off_s", "watts"),
    [(20, 25, 6_500), (8, 8, 2_500), (5, 12, 1_800), (30, 30, 3_500), (40, 25, 2_200)],
)


@PULSES
@pytest.mark.parametrize("delay_s", [1, 3])
def test_a_load_that_pulses_beside_a_battery_is_no_swing_of_ours(plant, on_s, off_s, watts, delay_s):
    p = plant(base_w=800, delay_s=delay_s, soc_pct=70).cap(import_max_w=4_000)
    p.run(30)
    for _ in range(max(5, 200 // (on_s + off_s))):  # six turns are enough to be found
        p.base_w = 800 + watts
        p.run(on_s)
        p.base_w = 800
        p.run(off_s)

    assert 1.0 == p.state.swings.gain("bat1")
    assert p.longest_over_s(4_000, since=60) <= 5


def test_two_batteries_that_swing_together_are_found_by_their_sum(house):
    other = replace(house.assets[0], name="bat2")
    both = replace(house, assets=(*house.assets, other))
    found = OutputSwings()
    for n, watts in enumerate(square(5, 8)):
        now_ns = n * S
        memories = {"grid.power_w": LastGood(2 * watts, now_ns)}
        memories |= {f"{name}.power_w": LastGood(watts, now_ns) for name in ("bat1", "bat2")}
        orders = {f"{name}.setpoint_w": Order(watts, now_ns, NO_REASON) for name in ("bat1", "bat2")}
        found = hunting.update_hunting(found, both, memories, orders, now_ns)

    assert (0.5, 0.5) == (found.gain("bat1"), found.gain("bat2"))


@pytest.mark.parametrize(("power_w", "gain"), [(0.0, 1.0), (1_000.0, 0.5)])
def test_what_its_own_meter_does_not_show_moved_no_grid(house, power_w, gain):
    found = OutputSwings()
    for n, watts in enumerate(square(5, 8)):
        memories = {
            "grid.power_w": LastGood(watts, n * S),
            "bat1.power_w": LastGood(watts / 1e3 * power_w, n * S),
        }
        found = hunting.update_hunting(
            found, house, memories, {"bat1.setpoint_w": Order(watts, n * S, NO_REASON)}, n * S
        )

    assert gain == found.gain("bat1")


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_slowed_or_held_battery_answers_a_limit_at_once_and_goes_back(plant, step):
    p = plant(base_w=500, soc_pct=60).run(60)
    slowed = hunting.OutputSwing(step=step, found_ns=p.t * S, middle_w=-500.0)
    p.state = replace(p.state, swings=OutputSwings(of={"bat1": slowed}))
    p.base_w = 9_000
    p.cap(import_max_w=6_000).run(4)
    assert p.grid_log[-1] <= 6_050
    assert 0 == p.longest_over_s(6_000, since=64)
    p.base_w = 500
    p.run(150)

    assert -700 < p.points["bat1.setpoint_w"] < -300
    assert step == p.state.swings.of["bat1"].step


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_slowed_or_held_battery_charges_for_an_export_limit_at_once(plant, house, step):
    fixed = tuple(replace(a, curtail="none") if a.name == "pv1" else a for a in house.assets)
    p = plant(house=replace(house, assets=fixed), base_w=500, sun_w=500, soc_pct=60).run(60)
    slowed = hunting.OutputSwing(step=step, found_ns=p.t * S, middle_w=0.0)
    p.state = replace(p.state, swings=OutputSwings(of={"bat1": slowed}))
    p.cap(export_max_w=1_000).run(1)
    p.sun_w = 5_000
    p.run(4)

    assert 0 == p.longest_over_s(1_000, since=65, export=True)
