from dataclasses import replace

import pytest

from quartier.control.classes import lights
from quartier.house.assets import Mode
from quartier.house.modes import Lights

STREET = Lights(
    name="street",
    rated_w=4_000,
    tier="C",
    quantity="dim_pct",
    modes=tuple(Mode(f"{p} % light", p, 40.0 * p) for p in (100, 80, 60, 50)),
    evening=((22 * 3600, 80), (30 * 60, 55), (5.5 * 3600, 100)),
)


@pytest.mark.parametrize(
    ("hour", "light_pct"),
    [(13, 100), (21.9, 100), (22, 80), (23.9, 80), (0.4, 80), (0.5, 60), (5.4, 60), (5.5, 100), (11.9, 100)],
)
def test_the_evening_says_how_much_light_is_enough_and_more_is_taken_where_no_step_fits(
    at_hour, hour, light_pct
):
    leaning = lights.leaning(STREET, at_hour(hour))

    assert light_pct == STREET.modes[leaning.wanted].value


def test_without_a_trusted_clock_they_are_as_bright_as_ever(at_hour):
    assert 0 == lights.leaning(STREET, at_hour(2, synced=False)).wanted


def test_nothing_dims_them_below_half_not_even_a_mode_that_could(at_hour):
    darker = replace(STREET, modes=(*STREET.modes, Mode("20 % light", 20, 800), Mode("off", 0, 0)))

    assert 3 == lights.leaning(darker, at_hour(2)).lowest
