"""A setpoint in model 124 leaves the battery one power only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.sunspec.conftest import device_of

from quartier_drivers.sunspec.control.storage_function import StorageSetpoint124
from quartier_drivers.sunspec.schema import Steering

NAMEPLATE = {"ID": 120, "MaxDisChaRte": 400, "MaxDisChaRte_SF": 1}
MODEL = {
    "ID": 124,
    "WChaMax": 5000,
    "WChaMax_SF": 0,
    "StorCtl_Mod": 0,
    "OutWRte": 10000,
    "InWRte": 10000,
    "InOutWRte_WinTms": 3,
    "InOutWRte_RvrtTms": 0,
    "InOutWRte_RmpTms": 4,
    "InOutWRte_SF": -2,
}
BARE = {key: value for key, value in MODEL.items() if not key.endswith(("WinTms", "RmpTms"))}


def storage(model=MODEL, **said):
    rule = Steering.model_validate({"control": "124.StorCtl_Mod", "on_release": "own", **said})
    return StorageSetpoint124(device_of([NAMEPLATE, model]), rule)


def test_charging_at_a_power_is_at_most_and_at_least_that_in_one_request():
    assert [
        {
            "OutWRte": -2500,  # 1000 W of 4000 W
            "InWRte": 2000,  # of 5000 W
            "InOutWRte_WinTms": 0,
            "InOutWRte_RvrtTms": 60,
            "InOutWRte_RmpTms": 4,
        },
        {"StorCtl_Mod": 3},
    ] == list(storage().orders(1000.0, None))


def test_discharging_is_the_other_way_round_and_the_timer_comes_first_where_it_stands_apart():
    assert [
        {"InOutWRte_RvrtTms": 60},
        {"OutWRte": 2500, "InWRte": -2000},
        {"StorCtl_Mod": 3},
    ] == list(storage(BARE).orders(-1000.0, None))


@pytest.mark.parametrize(
    ("stands", "ordered", "given_back"), [(0b100, 0b111, 0b100), (0b1010, 0b1011, 0b1000)]
)
def test_bits_of_the_maker_beside_the_two_limits_stay_as_they_are(stands, ordered, given_back):
    held = storage({**BARE, "StorCtl_Mod": stands})
    under_order = storage({**BARE, "StorCtl_Mod": ordered})

    assert [False, True] == [held.is_enabled, under_order.is_enabled]
    assert {"StorCtl_Mod": ordered} == held.orders(1000.0, None)[-1]
    assert {"StorCtl_Mod": given_back} == under_order.make_relinquish_writes()[0]


def test_zero_is_zero_both_ways():
    assert {"OutWRte": 0, "InWRte": 0} == storage(BARE).orders(0.0, None)[1]


@given(st.floats(-4000, 5000), st.integers(-2, 0))
def test_however_it_is_rounded_the_window_is_open_and_reads_back_as_it_was_written(watts, power):
    model = {**MODEL, "InOutWRte_SF": power, "InWRte": 0, "OutWRte": 0}
    rates = storage(model).orders(watts, None)[0]
    held = storage({**model, **rates, "StorCtl_Mod": 3})

    high_w = rates["InWRte"] * 50 * 10.0**power
    low_w = -rates["OutWRte"] * 40 * 10.0**power
    assert low_w <= high_w + 1e-9
    value, _ = held.reading()
    assert value == pytest.approx(watts, abs=held.step_w() / 2 + 1e-9)


@pytest.mark.parametrize("watts", [5001.0, -4001.0])
def test_what_is_beyond_the_ratings_is_refused(watts):
    with pytest.raises(ValueError, match=r"is beyond -4000\.\.5000 W"):
        storage().orders(watts, None)


def test_what_its_counts_cannot_hold_is_refused():
    fine = storage({**MODEL, "InOutWRte_SF": -3, "InWRte": 0, "OutWRte": 0})  # 32.767 % at most

    assert (-1310.68, 1638.35) == fine.span()
    with pytest.raises(ValueError, match="is beyond"):
        fine.orders(2000.0, None)
    with pytest.raises(ValueError, match=r"does not fit 124\.InWRte and OutWRte"):
        fine.orders(1600.0, None)


def test_a_profile_may_say_what_the_percentages_are_of():
    assert (-5000.0, 5000.0) == storage(discharge_rating="124.WChaMax").span()


def test_without_its_timer_there_is_no_setpoint():
    with pytest.raises(ValueError, match="no order would ever end"):
        storage({**BARE, "InOutWRte_RvrtTms": None}).orders(100.0, None)


def test_a_void_rating_is_told():
    with pytest.raises(ValueError, match=r"124\.WChaMax tells no rating"):
        storage({**MODEL, "WChaMax_SF": None}).orders(100.0, None)


@pytest.mark.parametrize(
    ("expected", "held"),
    [
        ((None, "own control"), {"StorCtl_Mod": 0, "InWRte": 100, "OutWRte": -125}),
        ((None, "own control"), {"StorCtl_Mod": 2, "InWRte": 100, "OutWRte": -125}),
        ((50.0, "InWRte 100 OutWRte -125"), {"StorCtl_Mod": 3, "InWRte": 100, "OutWRte": -125}),
        ((-50.0, "InWRte -100 OutWRte 125"), {"StorCtl_Mod": 3, "InWRte": -100, "OutWRte": 125}),
        (
            (None, "InWRte 10000 OutWRte 0: leaves it 0..5000 W"),
            {"StorCtl_Mod": 3, "InWRte": 10000, "OutWRte": 0},
        ),
    ],
)
def test_only_a_window_of_one_power_is_a_setpoint(expected, held):
    assert expected == storage({**MODEL, **held}).reading()


def test_giving_it_back_ends_the_mode_then_opens_the_limits_and_puts_the_timer_out():
    assert [{"StorCtl_Mod": 0}, {"OutWRte": 10000, "InWRte": 10000}, {"InOutWRte_RvrtTms": 0}] == list(
        storage().make_relinquish_writes()
    )
    void = storage({**MODEL, "WChaMax_SF": None}, discharge_rating="124.WChaMax")
    assert [{"StorCtl_Mod": 0}, {}, {"InOutWRte_RvrtTms": 0}] == list(void.make_relinquish_writes())


@pytest.mark.parametrize("power", range(-10, 11))
def test_whatever_the_scale_giving_it_back_opens_the_limits_and_orders_none(power):
    device = storage({**MODEL, "InOutWRte_SF": power})
    rates = device.make_relinquish_writes()[1]
    low, high = device.span()

    assert all(0 <= raw <= 32767 for raw in rates.values())
    assert -4000 <= low <= 0 <= high <= 5000


def test_leaving_it_at_zero_has_no_timer():
    assert 0 == storage().make_release_writes(0.0)[0]["InOutWRte_RvrtTms"]


def test_arming_writes_the_timer_alone():
    assert {"InOutWRte_RvrtTms": 60} == storage().arming(None)
