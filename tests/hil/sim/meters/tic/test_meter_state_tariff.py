import datetime as dt

import pytest

from quartier_sim.meters.tic.meter_state import TARIFFS

NIGHT, NOON = dt.datetime(2026, 1, 1, 2), dt.datetime(2026, 1, 1, 12)  # noqa: DTZ001 - legal time of the place


@pytest.mark.parametrize(
    ("name", "moment", "colour", "ptec"),
    [
        ("base", NOON, 1, "TH.."),
        ("hc", NIGHT, 1, "HC.."),
        ("hc", NOON, 1, "HP.."),
        ("ejp", NOON, 1, "HN.."),
        ("ejp", NOON, 3, "PM.."),
        ("ejp", NIGHT, 3, "HN.."),
        ("ejp", NOON.replace(hour=6), 3, "HN.."),
        ("ejp", NIGHT.replace(hour=0), 3, "PM.."),
        ("tempo", NIGHT, 1, "HCJB"),
        ("tempo", NOON, 2, "HPJW"),
        ("tempo", NOON, 3, "HPJR"),
    ],
)
def test_the_hour_and_the_colour_say_which_index_counts(name, moment, colour, ptec):
    assert ptec == TARIFFS[name].period(moment, colour).ptec


def test_periods_are_numbered_from_one_and_names_fit_their_groups():
    for tariff in TARIFFS.values():
        assert list(range(1, len(tariff.periods) + 1)) == [one.index for one in tariff.periods]
        assert len(tariff.ngtf) <= 16
        assert all(len(one.ltarf) <= 16 and len(one.ptec) == 4 for one in tariff.periods)
