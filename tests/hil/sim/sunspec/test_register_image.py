import pytest

from quartier_sim.sunspec.register_image import RegisterImage

CURVES = (705, {"V_SF": -2, "Crv": [{"ActPt": 2, "Pt": [{"V": 92}, {"V": 98}]}, {"Pt": [{"V": 1}]}]})
COMMON = (1, {"Mn": "Maker"})


def test_the_chain_begins_with_the_mark_and_ends_with_ffff():
    image = RegisterImage([COMMON])

    assert [0x5375, 0x6E53, 1, 66] == [image.words[at] for at in range(40_000, 40_004)]
    assert [0xFFFF, 0] == [image.words[at] for at in (40_070, 40_071)]
    assert 40_072 not in image.words


def test_points_of_groups_that_repeat_in_others_have_their_places():
    image = RegisterImage([COMMON, CURVES])
    first = image.cells["705.Crv[0].Pt[0].V"].address

    assert (2, 2) == (image.get("705.NCrv"), image.get("705.NPt"))
    assert [92, 98, 1, None] == [image.get(f"705.Crv[{crv}].Pt[{pt}].V") for crv in (0, 1) for pt in (0, 1)]
    # A curve is 10 registers and two points of two.
    assert first + 14 == image.cells["705.Crv[1].Pt[0].V"].address
    assert 13 + 2 * 14 == image.get("705.L")


def test_scale_factors_are_taken_in_from_the_group_or_the_model():
    image = RegisterImage([COMMON, CURVES])

    assert 0.92 == pytest.approx(image.number("705.Crv[0].Pt[0].V"))
    image.show("705.Crv[0].Pt[1].V", 1.05)
    assert 105 == image.get("705.Crv[0].Pt[1].V")


def test_a_scale_factor_that_is_not_implemented_counts_as_none():
    image = RegisterImage([COMMON, (103, {"W": 1200, "W_SF": None})])
    image.show("103.W", 1500.4)

    assert 1500.0 == image.number("103.W")


def test_numbers_out_of_range_saturate_and_never_read_as_not_implemented():
    image = RegisterImage([COMMON, (103, {"W": 0, "W_SF": 0, "A": 0, "A_SF": -2, "WH": None, "WH_SF": 0})])
    image.show("103.W", -1e9)
    image.show("103.A", 1e9)
    image.show("103.WH", 0.0)

    assert (-32_767, 65_534) == (image.get("103.W"), image.get("103.A"))
    assert [0, 0] == [image.words[image.cells["103.WH"].address + word] for word in (0, 1)]


def test_a_group_counted_by_length_makes_the_model_as_long_as_it_needs():
    image = RegisterImage([COMMON, (160, {"N": 2, "module": [{"DCW": 1}, {"DCW": 2}]})])

    assert 8 + 2 * 20 == image.get("160.L")
    assert 2 == image.get("160.module[1].DCW")


def test_models_of_one_number_and_models_that_nobody_knows_stand_in_the_chain():
    image = RegisterImage([COMMON, (64_999, [7, 7]), (804, {"SoC": 1}), (804, {"SoC": 2})])

    assert [1, 64_999, 804, 804] == [number for number, _, _ in image.models]
    assert (1, 2) == (image.get("804.SoC"), image.get("804#1.SoC"))


def test_a_longer_model_moves_what_follows_and_says_so():
    plain, longer = (
        RegisterImage([COMMON, (103, {}), (160, {"module": [{}]})], longer=extra) for extra in (0, 4)
    )

    assert 4 == longer.get("103.L") - plain.get("103.L")
    assert plain.get("160.L") == longer.get("160.L")
    assert 8 == longer.cells["160.ID"].address - plain.cells["160.ID"].address


def test_a_point_that_there_is_not_is_an_error():
    with pytest.raises(KeyError):
        RegisterImage([COMMON]).get("103.W")
    with pytest.raises(LookupError, match="no number"):
        RegisterImage([COMMON]).number("1.Opt")
