import pytest

from quartier.commissioning.probe import probe_measurement
from quartier.commissioning.probe.probe_trace import ProbeTrace, TimeSeries


def test_delay_gain_and_lag_of_both_meters(probe, plant):
    seen = probe(plant(delay_s=2.1, ramp_w_per_s=150.0, grid_lag_s=3.0, noise_w=20)).seen

    assert 2.1 == pytest.approx(seen.asset.response.delay_s, abs=0.3)
    assert 150 == pytest.approx(seen.asset.response.ramp_w_per_s, rel=0.1)
    assert 1.0 == pytest.approx(seen.grid.gain.value, abs=0.1)
    assert 3.0 == pytest.approx(seen.grid.response.delay_s - seen.asset.response.delay_s, abs=0.7)


@pytest.mark.parametrize(
    ("shares", "moved"),
    [
        ({"l1": 1.0, "l2": 0.0, "l3": 0.0}, ("l1",)),
        ({"l1": 0.0, "l2": 0.0, "l3": 1.0}, ("l3",)),
        ({"l1": 1 / 3, "l2": 1 / 3, "l3": 1 / 3}, ("l1", "l2", "l3")),
    ],
)
def test_the_phases_that_moved(probe, plant, shares, moved):
    assert moved == probe(plant(phases=shares, noise_w=40)).seen.visible_phases


def test_a_battery_that_is_full_is_judged_by_the_way_it_goes(probe, plant):
    seen = probe(plant(high_w=0.0)).seen

    assert "up" == seen.weak
    assert 1.0 == pytest.approx(seen.asset.gain.value)


def test_who_sleeps_at_0_w_is_judged_awake(probe, plant):
    seen = probe(plant(wake_s=6.0)).seen

    assert 6.0 == pytest.approx(seen.wake_s, abs=0.7)
    assert 1.0 == pytest.approx(seen.asset.response.delay_s, abs=0.4)


def test_what_goes_back_at_the_grid_alone_was_made_up_for(probe, plant):
    assert probe(plant(other=1.0)).seen.has_reacted
    assert not probe(plant()).seen.has_reacted


def test_nothing_commanded_is_nothing_measured():
    seen = probe_measurement.evaluate_trace(
        ProbeTrace((), 10.0, TimeSeries((1.0,), (5.0,)), TimeSeries((1.0,), (5.0,)))
    )

    assert 0 == seen.asset.gain.edges_count
    assert () == seen.visible_phases
