from dataclasses import replace

import pytest

from quartier.control.allocate import preferences
from quartier.site.asset_types import Lights, OperationMode

STREET = Lights(
    name="street",
    rated_w=4_000,
    tier="C",
    quantity="dim_pct",
    modes=tuple(OperationMode(f"{p} % light", p, 40.0 * p) for p in (100, 80, 60, 50)),
    evening=((22 * 3600, 80), (30 * 60, 55), (5.5 * 3600, 100)),
)


@pytest.mark.parametrize(
    ("hour", "light_pct"),
    [(13, 100), (21.9, 100), (22, 80), (23.9, 80), (0.4, 80), (0.5, 60), (5.4, 60), (5.5, 100), (11.9, 100)],
)
def test_the_evening_says_how_much_light_is_enough_and_more_is_taken_where_no_step_fits(
    at_hour, hour, light_pct
):
    leaning = preferences.find_lights_preference(STREET, at_hour(hour))

    assert light_pct == STREET.modes[leaning.wanted].value


def test_without_a_trusted_clock_they_are_as_bright_as_ever(at_hour):
    assert 0 == preferences.find_lights_preference(STREET, at_hour(2, synced=False)).wanted


def test_nothing_dims_them_below_half_not_even_a_mode_that_could(at_hour):
    darker = replace(
        STREET, modes=(*STREET.modes, OperationMode("20 % light", 20, 800), OperationMode("off", 0, 0))
    )

    assert 3 == preferences.find_lights_preference(darker, at_hour(2)).lowest


PARIS = replace(STREET, place=(48.82, 2.27), dusk_s=600)


@pytest.mark.parametrize(
    ("hour", "day"),  # 15 January: the sun is up from 08:39 to 17:21
    [(8.4, False), (8.55, True), (12.0, True), (17.4, True), (17.6, False), (0.0, False)],
)
def test_in_daylight_there_is_nothing_to_dim(seen, hour, day):
    leaning = preferences.find_lights_preference(PARIS, seen(PARIS, hour, power_w=0))

    assert ((0, 0) if day else (leaning.wanted, 3)) == (leaning.wanted, leaning.lowest)
    assert day is (str(leaning.reason) == "daylight, nothing to dim")


@pytest.mark.parametrize(
    ("dusk_s", "hour", "day"), [(-1_800, 16.7, True), (-1_800, 17.0, False), (1_800, 17.7, True)]
)
def test_lamps_that_are_lit_before_sunset_have_a_shorter_day(seen, dusk_s, hour, day):
    early = replace(PARIS, dusk_s=dusk_s)

    assert day is preferences.is_daylight(early, seen(early, hour))


def test_lamps_that_burn_in_daylight_may_be_dimmed_all_the_same(seen):
    assert 3 == preferences.find_lights_preference(PARIS, seen(PARIS, 12, power_w=201)).lowest


def test_without_place_or_clock_no_daylight_is_believed(seen):
    assert not preferences.is_daylight(STREET, seen(STREET, 12))
    assert not preferences.is_daylight(PARIS, seen(PARIS, 12, synced=False))
