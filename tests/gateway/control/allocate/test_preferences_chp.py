from dataclasses import replace

import pytest

from quartier.control.allocate import preferences
from quartier.site.asset_types import Battery, ChpUnit, OperationMode

ENGINE = ChpUnit(
    name="chp1",
    rated_w=20_000,
    tier="D",
    quantity="request_on",
    modes=(OperationMode("rest", 0, 0), OperationMode("asked to run", 1, -20_000)),
    start_import_w=30_000,
    min_on_s=900,
    min_off_s=2_100,
)
REST, RUN = preferences.REST, preferences.CHP_RUN


@pytest.mark.parametrize(
    ("grid_w", "power_w", "mode", "wanted"),
    [
        (30_000, 0, REST, REST),
        (30_001, 0, REST, RUN),
        (10_001, -20_000, RUN, RUN),  # without it the import would be 30,001 W
        (7_000, -20_000, RUN, RUN),  # 27 kW: between 90 % and all of its start value it stays as it is
        (6_999, -20_000, RUN, REST),
        (28_000, 0, RUN, RUN),  # asked, and not yet generating
    ],
)
def test_it_is_asked_for_while_the_import_without_it_is_high(seen, grid_w, power_w, mode, wanted):
    leaning = preferences.find_chp_preference(ENGINE, seen(ENGINE, grid_w=grid_w, mode=mode, power_w=power_w))

    assert (wanted, 300) == (leaning.wanted, leaning.after_s)


def test_a_battery_that_charges_is_no_need(seen):
    battery = Battery(
        name="bat1",
        rated_w=5_000,
        capacity_wh=10_000,
        charge_max_w=5_000,
        discharge_max_w=5_000,
        ramp_max_w_per_s=1_000,
    )
    scene = seen(ENGINE, grid_w=34_000, mode=REST, power_w=0, others=(battery,))

    assert REST == preferences.find_chp_preference(ENGINE, scene).wanted


@pytest.mark.parametrize("mode", [REST, RUN])
def test_while_the_import_is_not_known_it_stays_as_it_is(seen, mode):
    assert (
        mode
        == preferences.find_chp_preference(ENGINE, seen(ENGINE, grid_w=None, mode=mode, power_w=0)).wanted
    )


def test_led_by_heat_it_is_never_moved(seen):
    heat = replace(ENGINE, start_import_w=None)
    leaning = preferences.find_chp_preference(heat, seen(heat, grid_w=90_000, mode=REST, power_w=0))

    assert (REST, REST, REST) == (leaning.highest, leaning.wanted, leaning.lowest)
