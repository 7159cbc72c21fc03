"""What is written for a cap and for a setpoint of model 704, and how it is read back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.sunspec.conftest import device_of

from quartier_drivers.sunspec.control.functions import (
    Limit123,
    Limit704,
    PercentSetpoint704,
    WattSetpoint704,
)
from quartier_drivers.sunspec.schema import Steering

NAMEPLATE = {"ID": 702, "WMax": 6000, "WMaxRtg": 8000, "W_SF": 0}
RATED = {"ID": 121, "WMax": 600, "WMax_SF": 1}
FULL_123 = {
    "ID": 123,
    "WMaxLimPct": 100,
    "WMaxLimPct_WinTms": 9,
    "WMaxLimPct_RvrtTms": 60,
    "WMaxLimPct_RmpTms": 5,
    "WMaxLim_Ena": 0,
    "WMaxLimPct_SF": 0,
}
BARE_123 = {"ID": 123, "WMaxLimPct": 100, "WMaxLim_Ena": 0, "WMaxLimPct_SF": 0}
CAP_704 = {
    "ID": 704,
    "WMaxLimPctEna": 0,
    "WMaxLimPct": 1000,
    "WMaxLimPctRvrt": 1000,
    "WMaxLimPctEnaRvrt": 0,
    "WMaxLimPctRvrtTms": 0,
    "WMaxLimPct_SF": -1,
}
SET_704 = {
    "ID": 704,
    "WSetEna": 0,
    "WSetMod": 0,
    "WSet": 0,
    "WSetRvrt": 0,
    "WSetPct": 7,
    "WSetPctRvrt": 8,
    "WSetEnaRvrt": 1,
    "WSetRvrtTms": 0,
    "WSet_SF": 1,
    "WSetPct_SF": -1,
}


def rule(control, **said):
    return Steering.model_validate({"control": control, "on_release": "hold", **said})


def cap123(model=FULL_123, rating=RATED, **said):
    return Limit123(device_of([rating, model]), rule("123.WMaxLimPct", **said))


def cap704(model=CAP_704, **said):
    return Limit704(device_of([NAMEPLATE, model]), rule("704.WMaxLimPct", **said))


def set704(kind=WattSetpoint704, nameplate=NAMEPLATE, model=SET_704, beside=(), **said):
    return kind(device_of([nameplate, model, *beside]), rule("704.WSet", **said))


# -- 123 -----------------------------------------------------------------------------------


def test_a_cap_of_123_goes_in_one_request_without_window_and_without_timer():
    assert [
        {
            "WMaxLimPct": 16,
            "WMaxLimPct_WinTms": 0,
            "WMaxLimPct_RvrtTms": 0,
            "WMaxLimPct_RmpTms": 5,
            "WMaxLim_Ena": 1,
        }
    ] == list(cap123().orders(1000.0, None))


def test_where_a_point_between_is_missing_the_value_comes_before_the_enable():
    assert [{}, {"WMaxLimPct": 16}, {"WMaxLim_Ena": 1}] == list(cap123(BARE_123).orders(1000.0, None))


@pytest.mark.parametrize(("raw", "watts"), [(0, 0.0), (0, 59.9), (1, 60.0), (16, 1019.0), (100, 9e9)])
def test_a_cap_is_never_rounded_up_and_never_above_the_rating(raw, watts):
    assert raw == cap123().orders(watts, None)[0]["WMaxLimPct"]


@pytest.mark.parametrize("power", range(-10, 11))
@pytest.mark.parametrize("watts", [0.0, 100.0, 3000.0, 5999.0, 6000.0])
def test_whatever_the_scale_a_cap_fits_its_register_and_is_never_above_what_was_ordered(power, watts):
    old = cap123({**FULL_123, "WMaxLimPct_SF": power})
    new = cap704({**CAP_704, "WMaxLimPct_SF": power})

    for cap in (old, new):
        for raw in (cap.orders(watts, None)[0]["WMaxLimPct"], cap.orders(9e9, watts)[0]["WMaxLimPct"]):
            assert 0 <= raw < 0xFFFF
        assert cap.pct.watts(cap.orders(watts, None)[0]["WMaxLimPct"]) <= watts
        assert cap.span()[1] <= 6000.0


def test_a_rating_that_stands_elsewhere_now_is_a_map_that_moved():
    device = device_of([RATED, FULL_123])
    cap = Limit123(device, rule("123.WMaxLimPct"))
    assert not cap.has_other_model

    device.memory[40002] = 120  # the cap's own model is where it was

    assert cap.has_other_model


def test_the_lowest_cap_of_the_profile_is_kept():
    assert 3 == cap123(lowest_pct=2.5).orders(0.0, None)[0]["WMaxLimPct"]
    assert 3 == cap123(lowest_pct=3).orders(10.0, None)[0]["WMaxLimPct"]


@pytest.mark.parametrize("watts", [-1.0, math.inf, math.nan])
def test_what_is_no_cap_is_refused(watts):
    with pytest.raises(ValueError, match="is no cap on generation"):
        cap123().orders(watts, None)


def test_a_cap_that_is_not_enabled_is_the_rating():
    assert (6000.0, "not enabled") == cap123().reading()
    assert (3000.0, "WMaxLimPct 50") == cap123({**FULL_123, "WMaxLimPct": 50, "WMaxLim_Ena": 1}).reading()


def test_a_cap_is_not_lifted_by_giving_it_back():
    assert [] == list(cap123().make_relinquish_writes())
    assert cap123().orders(500.0, None) == cap123().make_release_writes(500.0)


@pytest.mark.parametrize(("standing", "expected"), [(10, 10), (80, 50)])
def test_leaving_lifts_no_cap_that_is_lower_than_the_fail_safe_one(standing, expected):
    old = cap123({**FULL_123, "WMaxLimPct": standing, "WMaxLim_Ena": 1}).make_release_writes(3000.0)
    new = cap704({**CAP_704, "WMaxLimPct": 10 * standing, "WMaxLimPctEna": 1}).make_release_writes(3000.0)

    assert expected == old[0]["WMaxLimPct"]
    assert (10 * expected, 10 * expected) == (new[0]["WMaxLimPct"], new[0]["WMaxLimPctRvrt"])


def test_leaving_a_cap_that_is_not_in_force_sets_the_fail_safe_one():
    off = cap123({**FULL_123, "WMaxLimPct": 10, "WMaxLim_Ena": 0}).make_release_writes(3000.0)

    assert 50 == off[0]["WMaxLimPct"]


@pytest.mark.parametrize(("enabled", "ends_in"), [(1, 100), (0, 333)])
def test_arming_lets_a_cap_that_stands_end_in_no_higher_one(enabled, ends_in):
    cap = cap704({**CAP_704, "WMaxLimPct": 100, "WMaxLimPctEna": enabled})

    assert ends_in == cap.arming(2000.0)["WMaxLimPctRvrt"]


def test_arming_a_cap_of_123_puts_its_timer_out():
    assert {"WMaxLimPct_RvrtTms": 0} == cap123().arming(100.0)
    assert {} == cap123(BARE_123).arming(100.0)


# -- 704, the cap --------------------------------------------------------------------------


def test_a_cap_of_704_ends_in_the_fail_safe_cap_and_is_enabled_last():
    assert [
        {
            "WMaxLimPct": 500,
            "WMaxLimPctRvrt": 333,
            "WMaxLimPctEnaRvrt": 1,
            "WMaxLimPctRvrtTms": 60,
        },
        {"WMaxLimPctEna": 1},
    ] == list(cap704().orders(3000.0, 2000.0))


def test_it_never_ends_in_a_higher_cap():
    (values, _) = cap704().orders(100.0, 2000.0)

    assert (16, 16) == (values["WMaxLimPct"], values["WMaxLimPctRvrt"])


def test_without_a_fail_safe_cap_it_has_no_timer():
    (values, _) = cap704().orders(3000.0, None)

    assert {
        "WMaxLimPct": 500,
        "WMaxLimPctRvrt": 500,
        "WMaxLimPctEnaRvrt": 1,
        "WMaxLimPctRvrtTms": 0,
    } == values


def test_a_device_that_cannot_end_in_a_cap_gets_no_timer():
    bare = {"ID": 704, "WMaxLimPctEna": 0, "WMaxLimPct": 5, "WMaxLimPctRvrtTms": 9, "WMaxLimPct_SF": 0}

    assert [{"WMaxLimPct": 50, "WMaxLimPctRvrtTms": 0}, {"WMaxLimPctEna": 1}] == list(
        cap704(bare).orders(3000.0, 2000.0)
    )


def test_leaving_it_at_the_fail_safe_cap_stops_the_timer():
    (values, enable) = cap704().make_release_writes(2000.0)

    assert (333, 333, 1, 0) == tuple(values.values())
    assert {"WMaxLimPctEna": 1} == enable


@given(st.floats(0, 20_000), st.floats(0, 20_000))
def test_no_cap_and_no_fail_safe_cap_is_ever_above_what_was_ordered(watts, cap):
    function = cap704()
    (values, _) = function.orders(watts, cap)

    assert function.pct.watts(values["WMaxLimPct"]) <= watts
    assert function.pct.watts(values["WMaxLimPctRvrt"]) <= min(watts, cap)


# -- 704, the setpoint ---------------------------------------------------------------------


def test_charging_is_minus_in_704_and_the_timer_goes_with_it():
    assert [
        {
            "WSetMod": 1,
            "WSet": -123,
            "WSetPct": 7,
            "WSetPctRvrt": 8,
            "WSetRvrt": 0,
            "WSetEnaRvrt": 0,
            "WSetRvrtTms": 60,
        },
        {"WSetEna": 1},
    ] == list(set704().orders(1234.0, None))


def test_a_setpoint_may_end_in_another():
    (values, _) = set704(fallback=-500).orders(1000.0, None)

    assert (1, 50) == (values["WSetEnaRvrt"], values["WSetRvrt"])


def test_a_setpoint_in_per_cent_is_of_wmax():
    assert [
        {"WSetMod": 0, "WSetPct": 250, "WSetPctRvrt": 0, "WSetEnaRvrt": 0, "WSetRvrtTms": 60},
        {"WSetEna": 1},
    ] == list(set704(PercentSetpoint704).orders(-1500.0, None))


def test_what_the_device_cannot_do_is_refused():
    with pytest.raises(ValueError, match=r"6500 W is beyond -6000\.\.6000 W"):
        set704().orders(6500.0, None)
    limits = {**NAMEPLATE, "WChaRteMax": 2000, "WDisChaRteMaxRtg": 4000}
    assert (-4000.0, 2000.0) == set704(nameplate=limits).span()


def test_without_a_timer_there_is_no_setpoint_unless_the_profile_wants_none():
    model = {key: value for key, value in SET_704.items() if key != "WSetRvrtTms"}

    with pytest.raises(ValueError, match="no order would ever end"):
        set704(model=model).orders(100.0, None)
    assert "WSetRvrtTms" not in set704(model=model, after_s=0).orders(100.0, None)[0]


def test_what_does_not_fit_its_register_is_refused():
    wide = {"ID": 702, "WMax": 60000, "W_SF": 6}

    with pytest.raises(ValueError, match=r"does not fit 704\.WSet"):
        set704(nameplate=wide, model={**SET_704, "WSet_SF": -3}).orders(3e6, None)


def test_a_setpoint_that_is_not_enabled_or_of_another_mode_is_none():
    held = {**SET_704, "WSet": -100, "WSetEna": 1, "WSetMod": 1}

    assert (1000.0, "WSet -100") == set704(model=held).reading()
    assert (None, "own control") == set704(model={**held, "WSetEna": 0}).reading()
    assert (None, "own control") == set704(model={**held, "WSetMod": 0}).reading()


def test_giving_it_back_disables_it_and_puts_its_timer_out():
    assert [{"WSetEna": 0}, {"WSetRvrtTms": 0}] == list(set704().make_relinquish_writes())


def test_leaving_it_at_a_value_has_no_timer():
    (values, _) = set704().make_release_writes(0.0)

    assert (0, 0) == (values["WSet"], values["WSetRvrtTms"])


def test_a_function_is_there_if_what_it_needs_is_implemented():
    assert set704().is_there
    assert not set704(model={"ID": 704, "WSetEna": 0}).is_there
    assert not set704(WattSetpoint704, model={**SET_704, "WSet": None}).is_there
