"""Groups unfold as lengths and counts say, and never beyond the model."""

from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.sunspec.test_models import NUMBERS

from quartier_drivers.sunspec.models import ModelPoint, find_model, unfold_model


def unfolded(number, length, counts=None):
    return unfold_model(find_model(number), length, (counts or {}).get)


def places(number, length, counts=None):
    return {leaf.path: (leaf.offset, leaf.scale_offset) for leaf in unfolded(number, length, counts)}


def test_a_plain_model_stands_as_its_file_says():
    found = places(103, 50)

    assert (14, 15) == found["W"]
    assert (24, 26) == found["WH"]
    assert (50, None) == found["EvtVnd4"]
    assert [] == unfolded(103, 50).faults


def test_a_group_without_a_count_is_repeated_as_the_length_has_room():
    found = places(160, 8 + 3 * 20)

    assert (10, None) == found["module[1].ID"]
    assert (19 + 40 + 2, 4) == found["module[3].DCW"]  # its scale factor stands in front of the groups
    assert "module[4].ID" not in found


def test_a_count_is_a_point_of_the_model_and_scale_factors_are_found_in_it():
    found = places(714, 18 + 2 * 25, {4: 2})

    assert found["Prt[2].DCW"][1] == found["DCW_SF"][0]
    assert "Prt[3].DCW" not in found


def test_groups_nest():
    counts = {6: 5, 5: 0}  # NCrvSet is not there: the places are found below
    definition = find_model(707)
    names = {entry.name: at for at, entry in enumerate(definition.group.entries)}
    counts = {names["NPt"]: 3, names["NCrvSet"]: 2}
    curve = 1 + 3 * (1 + 3 * 3)

    told = unfold_model(definition, 7 + 2 * curve, counts.get)

    assert [] == told.faults
    last = told.of("Crv[2].MomCess.Pt[3].Tms")
    assert (7 + 2 + 2 * curve - 2, names["Tms_SF"]) == (last.offset, last.scale_offset)


def test_a_count_that_is_not_implemented_is_taken_from_the_length():
    told = unfolded(714, 18 + 2 * 25, {4: 0xFFFF})

    assert told.of("Prt[2].DCW") is not None
    assert ["does not tell NPrt: Prt counted by its length"] == told.faults


def test_a_shorter_model_loses_its_last_points_and_says_so():
    told = unfolded(1, 65)

    assert told.of("Pad") is None
    assert told.of("SN") is not None
    assert ["is shorter than its definition: Pad and what follows is missing"] == told.faults


def test_a_longer_model_says_so():
    assert ["has 4 registers more than its definition"] == unfolded(103, 54).faults


def test_registers_left_over_in_a_repetition_are_told():
    assert ["module: 7 registers are left over"] == unfolded(160, 8 + 20 + 7).faults[:1]


def test_a_fixed_power_is_a_leafs_own():
    assert -1 == unfolded(307, 11).of("TmpAmb").power


def test_a_point_that_is_not_there_is_none():
    assert unfolded(103, 50).of("Nonsense") is None


@given(st.sampled_from(NUMBERS), st.integers(0, 700), st.integers(0, 0xFFFF))
def test_no_length_and_no_count_leads_beyond_the_model_or_goes_on_for_ever(number, length, count):
    leaves = list(unfold_model(find_model(number), length, lambda _at: count))

    assert all(isinstance(leaf, ModelPoint) for leaf in leaves)
    assert all(leaf.offset + leaf.entry.size <= length + 2 for leaf in leaves)
    starts = [leaf.offset for leaf in leaves]
    assert starts == sorted(set(starts))
