from dataclasses import FrozenInstanceError

import pytest

from quartier.site.asset_types import Battery, ChargePointAsset, GridMeter, Lights, Load, OperationMode, Pv
from quartier.site.site_layout import Site, SiteLimits

LIMITS = SiteLimits(
    import_hard_w=1,
    export_hard_w=1,
    import_failsafe_w=1,
    export_failsafe_w=1,
    import_autonomous_w=1,
    export_autonomous_w=1,
)


def test_a_house_can_be_built_from_nothing_but_its_meter_and_limits():
    house = Site(name="b1", grid=GridMeter(name="grid", rated_w=1), assets=(), limits=LIMITS)

    assert (0.0, 1.0, {}, None) == (
        house.grid_target_w,
        house.cycle_s,
        house.release_values,
        house.unmeasured_w,
    )
    with pytest.raises(FrozenInstanceError):
        house.name = "b2"


def test_defaults_are_the_careful_ones():
    battery = Battery(
        name="bat1", rated_w=1, capacity_wh=1, charge_max_w=1, discharge_max_w=1, ramp_max_w_per_s=1
    )

    assert (10, 95, 20) == (battery.soc_min_pct, battery.soc_max_pct, battery.reserve_soc_pct)
    assert "none" == Pv(name="pv1", rated_w=1).curtail
    assert ("A", False) == ((load := Load(name="l1", rated_w=1)).tier, load.switchable)
    assert ("D", 6.0) == ((ev := ChargePointAsset(name="ev1", rated_w=1)).tier, ev.current_min_a)


def test_the_point_of_an_asset_in_modes_is_its_own():
    lights = Lights(name="street", rated_w=100, quantity="dim_pct", modes=(OperationMode("full", 100, 100),))

    assert "street.dim_pct" == lights.point
