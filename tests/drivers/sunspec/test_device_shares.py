"""Percentages of a rating are exact, and a cap is never rounded up."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.sunspec.conftest import device_of

from quartier_drivers.sunspec.device import PercentScale, make_percent_scale, make_watt_scale
from quartier_drivers.sunspec.schema import parse_name

CAP = parse_name("123.WMaxLimPct")
RATINGS = (parse_name("121.WMax"), parse_name("120.WRtg"))


def caps(rated, scale=0, power=-2, model=121):
    rating = {121: {"WMax": rated, "WMax_SF": scale}, 120: {"WRtg": rated, "WRtg_SF": scale}}[model]
    return device_of([{"ID": model, **rating}, {"ID": 123, "WMaxLimPct": 1, "WMaxLimPct_SF": power}])


def test_a_count_is_worth_its_share_of_the_rating():
    found = make_percent_scale(caps(6000), CAP, RATINGS)

    assert (Fraction(3, 5), 10_000, 6000.0) == (found.unit, found.whole, found.rated_w)
    assert (1666, 1667, 1667) == (found.below(1000.0), found.nearest(1000.0), found.above(1000.0))


def test_the_first_rating_that_the_device_tells_is_taken():
    assert 7000.0 == make_percent_scale(caps(700, 1, model=120), CAP, RATINGS).rated_w


@pytest.mark.parametrize("rated", [0xFFFF, 0])
def test_a_void_rating_is_told_in_words(rated):
    with pytest.raises(ValueError, match=r"121\.WMax nor 120\.WRtg tells no rating, so that a share"):
        make_percent_scale(caps(rated), CAP, RATINGS)


def test_a_rating_without_its_scale_factor_is_void():
    with pytest.raises(ValueError, match="tells no rating"):
        make_percent_scale(caps(6000, None), CAP, RATINGS)


def test_a_void_scale_factor_is_told_in_words():
    with pytest.raises(ValueError, match=r"scale factor of 123\.WMaxLimPct is not implemented"):
        make_percent_scale(caps(6000, power=None), CAP, RATINGS)
    with pytest.raises(ValueError, match=r"scale factor of 704\.WSet is not implemented"):
        make_watt_scale(device_of([{"ID": 704, "WSet": 5}]), parse_name("704.WSet"))


def test_a_point_in_watts_has_no_whole():
    found = make_watt_scale(device_of([{"ID": 704, "WSet": 5, "WSet_SF": 1}]), parse_name("704.WSet"))

    assert (50.0, float("inf")) == (found.watts(5), found.rated_w)


@given(
    st.floats(0, 1e7),
    st.fractions(Fraction(1, 10**6), 10**4, max_denominator=10**6),
)
def test_below_is_never_more_above_never_less_and_both_within_one_count(watts, unit):
    found = PercentScale(CAP, unit, 100)

    assert found.below(watts) * unit <= Fraction(watts) <= found.above(watts) * unit
    assert found.above(watts) - found.below(watts) <= 1
    assert found.below(watts) <= found.nearest(watts) <= found.above(watts)
