import pytest

from quartier.commissioning.probe import probe_state
from quartier.commissioning.probe.probe_state import GrowingSeries, ProbeEnded, ProbeRequest, ProbeState
from quartier.commissioning.probe.probe_trace import TimeSeries


def test_a_reading_is_held_once():
    column = GrowingSeries()
    column.add(1.0, 5.0)
    column.add(1.0, 5.0)
    column.add(2.0, 5.0)

    assert [1.0, 2.0] == column.series.times_s


def test_a_probe_looks_at_the_grids_phases_too(subjects):
    assert {
        "bat1.power_w",
        "bat1.setpoint_w",
        "bat1.soc_pct",
        "grid.power_w",
        "grid.power_l1_w",
        "grid.power_l2_w",
        "grid.power_l3_w",
    } == set(probe_state.list_probe_points(subjects["battery"]))


def test_the_noise_of_a_series_is_its_median_jump():
    assert 3.0 == probe_state.find_median_jump_w(TimeSeries((0, 1, 2, 3), (0, 3, 0, 100)))
    assert 0.0 == probe_state.find_median_jump_w(TimeSeries())


def test_what_has_no_room_ends_the_probe(subjects, bounds):
    stage = ProbeState(subjects["battery"], bounds(1000, 0), ProbeRequest(), 0)
    stage.columns["bat1.power_w"].add(1.0, 0.0)
    stage.columns["grid.power_w"].add(1.0, 800.0)

    assert 150 == pytest.approx(stage.limit_level(500))
    with pytest.raises(ProbeEnded, match="no room for the car, 500 W"):
        stage.require_headroom(500.0, "the car")


def test_an_asset_that_goes_the_other_way_round_needs_room_both_ways(subjects, bounds):
    stage = ProbeState(subjects["battery"], bounds(10_000, 0), ProbeRequest(), 0)
    stage.columns["bat1.power_w"].add(1.0, 0.0)
    stage.columns["grid.power_w"].add(1.0, 200.0)
    stage.is_flipped = True

    assert 200 == pytest.approx(stage.limit_level(500))
    assert -200 == pytest.approx(stage.limit_level(-500))
