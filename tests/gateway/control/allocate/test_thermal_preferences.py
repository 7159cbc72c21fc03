from dataclasses import replace

import pytest

from quartier.control.allocate import thermal_preferences
from quartier.site.asset_types import CoolingAsset, HeatAsset, OperationMode, VentilationUnit


@pytest.mark.parametrize(("tier", "later"), [("D", "B"), ("C", "B"), ("B", "B"), ("A", "A")])
def test_what_people_feel_already_stands_behind_c_and_d(tier, later):
    assert later == thermal_preferences.rank_after_tiers(tier)


ROOM = CoolingAsset(
    name="air1",
    rated_w=4_000,
    tier="C",
    quantity="setpoint_shift_k",
    senses=("room_c",),
    modes=(
        OperationMode("boost", -2, 4_000),
        OperationMode("normal", 0, 3_000),
        OperationMode("lowered", 2, 1_500),
    ),
    normal=1,
    boosts=0,
    comfort_min_c=22,
    comfort_max_c=26,
)


@pytest.mark.parametrize(
    ("room_c", "wanted", "highest", "tier"),
    [(24, 0, 0, "C"), (23.9, 1, 0, "C"), (22, 1, 1, "C"), (26, 0, 0, "C"), (26.1, 1, 0, "B")],
)
def test_a_room_is_cooled_ahead_down_to_its_band_and_left_alone_last_when_it_is_warm(
    seen, room_c, wanted, highest, tier
):
    preference = thermal_preferences.find_cooling_preference(
        ROOM, seen(ROOM, grid_w=-5_000, room_c=room_c, power_w=0)
    )

    assert (wanted, highest, tier) == (preference.preferred_mode, preference.highest, preference.tier)
    assert 2 == preference.lowest


PUMP = HeatAsset(
    name="pump1",
    rated_w=4_000,
    tier="C",
    quantity="sg_ready_state",
    senses=("tank_c", "room_c"),
    modes=(
        OperationMode("boost", 3, 4_000),
        OperationMode("normal", 2, 3_000),
        OperationMode("blocked", 1, 0),
    ),
    normal=1,
    boosts=0,
    comfort_min_c=45,
    comfort_max_c=55,
)
BOOST, NORMAL, BLOCKED = 0, 1, 2


@pytest.mark.parametrize(
    ("tank_c", "grid_w", "mode", "wanted"),
    [
        (50, -4_000, NORMAL, BOOST),
        (50, -3_999, NORMAL, NORMAL),
        (50, 2_000, BOOST, BOOST),  # it takes 4 kW itself: half of that is still its own
        (50, 2_001, BOOST, NORMAL),
        (53.1, -9_000, NORMAL, NORMAL),  # so near the edge no boost begins
        (53.1, -9_000, BOOST, BOOST),
        (55, -9_000, BOOST, NORMAL),
        (44.9, -9_000, NORMAL, NORMAL),
    ],
)
def test_own_generation_that_is_left_over_is_stored_while_the_band_takes_it(
    seen, tank_c, grid_w, mode, wanted
):
    power_w = 4_000 if mode == BOOST else 0
    make_inputs = seen(PUMP, grid_w=grid_w, mode=mode, tank_c=tank_c, power_w=power_w)

    assert wanted == thermal_preferences.find_heat_preference(PUMP, make_inputs).preferred_mode


def test_above_the_band_not_even_an_export_cap_boosts_it(seen):
    preference = thermal_preferences.find_heat_preference(
        PUMP, seen(PUMP, grid_w=-9_000, tank_c=55.1, power_w=0)
    )

    assert NORMAL == preference.highest
    assert BLOCKED == preference.lowest


@pytest.mark.parametrize(("tank_c", "tier"), [(45, "C"), (44.9, "B")])
def test_below_the_band_blocking_comes_last_and_it_asks_for_its_place(seen, tank_c, tier):
    preference = thermal_preferences.find_heat_preference(
        PUMP, seen(PUMP, mode=BLOCKED, tank_c=tank_c, power_w=0)
    )

    assert tier == preference.tier
    assert (tier == "B") is preference.claims


@pytest.mark.parametrize(
    ("points", "tier"),
    [({"tank_c": 50, "room_c": 19}, "C"), ({"room_c": 44}, "B"), ({}, "C")],
)
def test_the_tank_says_more_than_the_room_and_without_either_nothing_is_boosted(seen, points, tier):
    preference = thermal_preferences.find_heat_preference(PUMP, seen(PUMP, power_w=0, **points))

    assert tier == preference.tier
    assert (BOOST if points else NORMAL) == preference.highest


def test_who_does_not_want_pre_heating_gets_none(seen):
    never = replace(PUMP, preheat=False)

    assert (
        NORMAL
        == thermal_preferences.find_heat_preference(
            never, seen(never, grid_w=-9_000, tank_c=50, power_w=0)
        ).preferred_mode
    )


UNIT = VentilationUnit(
    name="air",
    rated_w=3_000,
    tier="C",
    quantity="speed_pct",
    senses=("co2_ppm",),
    modes=tuple(OperationMode(f"{p} % speed", p, 3_000 * (p / 100) ** 3) for p in (100, 80, 60, 40)),
    co2_max_ppm=1_200,
)


def test_the_step_onto_the_least_ventilation_comes_last(seen):
    preference = thermal_preferences.find_ventilation_preference(UNIT, seen(UNIT, co2_ppm=900))

    assert (3, "C", "B") == (preference.lowest, preference.tier, preference.last_tier)


@pytest.mark.parametrize(("co2_ppm", "lowest"), [(1_200, 3), (1_201, 1)])
def test_bad_air_keeps_it_from_being_slowed_further(seen, co2_ppm, lowest):
    preference = thermal_preferences.find_ventilation_preference(UNIT, seen(UNIT, mode=1, co2_ppm=co2_ppm))

    assert (0, lowest) == (preference.preferred_mode, preference.lowest)
