from dataclasses import replace

from quartier.control.limits import unmet
from quartier.control.limits.active import ActiveLimits
from quartier.control.observe.observations import LastGood
from quartier.control.reason import make_text_reason

FORCE = ActiveLimits(
    import_w=9_000,
    export_w=2_000,
    sources={"import": make_text_reason("link"), "export": make_text_reason("envelope dso 1")},
)
VA, EXPORT = (
    {"grid.apparent_power_va": LastGood(800.0, 0)},
    {"grid.apparent_power_export_va": LastGood(0.0, 0)},
)


def test_a_meter_of_va_alone_has_no_sign_until_it_says_any_export(house):
    apparent = replace(house, grid=replace(house.grid, is_apparent=True))

    assert [False, True, False] == [
        unmet.is_meter_unsigned(house, VA),
        unmet.is_meter_unsigned(apparent, VA),
        unmet.is_meter_unsigned(apparent, VA | EXPORT),
    ]


def test_a_meter_that_no_longer_says_its_export_has_no_sign_again(house):
    apparent = replace(house, grid=replace(house.grid, is_apparent=True))

    def said(age_s):
        newest = {"grid.power_w": LastGood(800.0, 100_000_000_000)}
        return (
            EXPORT | newest | {"grid.apparent_power_export_va": LastGood(0.0, (100 - age_s) * 1_000_000_000)}
        )

    assert [False, True] == [unmet.is_meter_unsigned(apparent, said(age_s)) for age_s in (14, 16)]


def test_what_is_generated_must_fit_into_an_export_cap_that_nobody_sees(house):
    apparent = replace(house, grid=replace(house.grid, is_apparent=True))
    capped = unmet.limit_unseen_export(apparent, VA, FORCE)

    assert 2_000 == capped.generation_w
    assert "envelope dso 1: the grid meter shows no export" == str(capped.sources["generation"])
    assert FORCE is unmet.limit_unseen_export(house, VA, FORCE)
    tighter = replace(FORCE, generation_w=500.0)
    assert tighter is unmet.limit_unseen_export(apparent, VA, tighter)


def test_a_lost_grid_meter_leaves_generation_the_export_cap_and_what_surely_runs(plant, house):
    p = plant(base_w=1_000, sun_w=6_000, loads_w={"pump": 1_500}).cap(export_max_w=2_000).run(30)
    p.silent = {"grid"}
    p.run(20)

    assert p.pv_w >= -(2_000 + 1_500)
    assert p.view["assets"]["pv1"]["command"]["reason"].endswith(
        "no grid meter: generation limited to this cap"
    )
    del house
