"""A cap on generation or consumption that nothing may keep is an alarm, with the watts that stand against it."""

from dataclasses import replace

import pytest


def unmet(p):
    return [text for text in p.view["alarms"] if "cannot be kept: " in text and "take no order" in text]


@pytest.fixture
def sunny(plant, house):
    """A house whose PV makes 5 kW; ``sunny(falls_back=False)`` changes the PV."""

    def make(**changes):
        p = plant(base_w=500, sun_w=5000, soc_pct=50)
        assets = tuple(replace(a, **changes) if a.name == "pv1" else a for a in house.assets)
        p.house = replace(house, assets=assets)
        p.__post_init__()
        return p.cap(generation_max_w=1000)

    return make


@pytest.mark.parametrize("changes", [{"falls_back": False}, {"curtail": "none"}])
def test_pv_that_takes_no_order_breaks_a_generation_cap_aloud(sunny, changes):
    p = sunny(**changes).run(30)

    assert [
        "generation cap 1000 W (link) cannot be kept: 5000 W of generation take no order",
    ] == unmet(p)


def test_pv_that_is_limited_keeps_it_in_silence(sunny):
    p = sunny().run(30)

    assert [] == unmet(p)
    assert p.points["pv1.generation_max_w"] <= 1000


def test_a_cap_on_consumption_below_what_cannot_be_shed_is_an_alarm(plant):
    p = (
        plant(base_w=3000, soc_pct=50, loads_w={"heat": 1000, "pump": 1000})
        .cap(consumption_max_w=2000)
        .run(30)
    )

    assert ["consumption cap 2000 W (link) cannot be kept: 3000 W take no order"] == unmet(p)


def test_what_may_still_be_shed_is_no_alarm(plant):
    p = (
        plant(base_w=1000, soc_pct=50, loads_w={"heat": 1000, "pump": 1000})
        .cap(consumption_max_w=1500)
        .run(30)
    )

    assert [] == unmet(p)
