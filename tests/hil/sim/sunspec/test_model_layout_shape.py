import pytest

from quartier_sim.sunspec import model_layout


def test_a_models_points_are_those_of_its_file_with_length_scale_and_right_to_write():
    storage = {point.name: point for point in model_layout.load_model(124).points}

    assert (1, "InOutWRte_SF", True) == (
        storage["InWRte"].words,
        storage["InWRte"].scale,
        storage["InWRte"].writable,
    )
    assert not storage["ChaState"].writable
    assert 16 == model_layout.load_model(1).points[2].words


def test_groups_nest_and_say_what_counts_them():
    trips = model_layout.load_model(707)
    (curves,) = trips.groups

    assert {"NCrvSet", "NPt"} == trips.counts
    assert ["MustTrip", "MayTrip", "MomCess"] == [group.name for group in curves.groups]
    assert [None, None, None] == [group.count for group in curves.groups]
    assert "NPt" == curves.groups[0].groups[0].count


def test_a_group_counted_by_length_has_no_point_that_counts_it():
    assert 0 == model_layout.load_model(160).groups[0].count
    assert not model_layout.load_model(160).counts


def test_enumerations_bring_their_codes():
    states = {point.name: point for point in model_layout.load_model(715).points}

    assert {0, 1, 2, 3} == states["OpCtl"].codes


def test_every_file_is_understood():
    assert 100 < len([model_layout.load_model(number) for number in model_layout.list_models()])


def test_a_model_that_there_is_not_is_named():
    with pytest.raises(LookupError, match="no model 64999"):
        model_layout.load_model(64_999)
