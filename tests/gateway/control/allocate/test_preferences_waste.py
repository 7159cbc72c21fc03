import pytest

from quartier.control.allocate import preferences
from quartier.site.asset_types import OperationMode, WasteCollection

PLANT = WasteCollection(
    name="waste",
    rated_w=45_000,
    tier="C",
    quantity="run_on",
    senses=("waiting_on", "left_s"),
    modes=(OperationMode("runs", 1, 45_000), OperationMode("waits", 0, 0)),
    window_s=6 * 3600,
    deadline_s=22 * 3600,
    duration_s=3_600,
)
RUN, WAIT = preferences.WASTE_RUN, preferences.WAIT
WAITING = {"waiting_on": 1, "power_w": 0}


@pytest.mark.parametrize(
    ("hour", "points", "grid_w", "wanted", "tier", "words"),
    [
        (12, {"waiting_on": 0, "power_w": 0}, -90_000, WAIT, "C", "nothing to collect"),
        (12, WAITING, 0, WAIT, "C", "for own generation, until 20:54 at the latest"),
        (12, WAITING | {"left_s": 600}, 0, WAIT, "C", "for own generation, until 21:45 at the latest"),
        (12, WAITING, -45_000, RUN, "C", "with own generation"),
        (12, WAITING, -44_999, WAIT, "C", "for own generation, until 20:54 at the latest"),
        (20.89, WAITING, 0, WAIT, "C", "for own generation, until 20:54 at the latest"),
        (20.91, WAITING, 0, RUN, "B", "has to be done by 22:00"),
        (21.5, WAITING | {"left_s": 600}, 0, WAIT, "C", "for own generation, until 21:45 at the latest"),
        (22.1, WAITING, -90_000, WAIT, "C", "its time begins at 06:00"),
        (5.9, WAITING, -90_000, WAIT, "C", "its time begins at 06:00"),
        (12, {}, 0, WAIT, "C", "for own generation, until 20:54 at the latest"),
    ],
)
def test_a_batch_waits_for_own_generation_and_starts_as_late_as_it_may(
    seen, hour, points, grid_w, wanted, tier, words
):
    preference = preferences.find_waste_preference(
        PLANT, seen(PLANT, hour, mode=WAIT, grid_w=grid_w, **points)
    )

    assert (wanted, tier, words) == (preference.preferred_mode, preference.tier, str(preference.reason))
    assert WAIT == preference.lowest


def test_outside_its_time_not_even_an_export_cap_starts_it(seen):
    assert (
        WAIT == preferences.find_waste_preference(PLANT, seen(PLANT, 23, grid_w=-90_000, **WAITING)).highest
    )


def test_only_a_batch_that_has_to_be_done_claims_its_place(seen):
    assert not preferences.find_waste_preference(PLANT, seen(PLANT, 12, **WAITING)).claims
    assert preferences.find_waste_preference(PLANT, seen(PLANT, 21, **WAITING)).claims


def test_without_a_trusted_clock_it_runs_at_once(seen):
    assert (
        RUN
        == preferences.find_waste_preference(PLANT, seen(PLANT, 12, synced=False, **WAITING)).preferred_mode
    )


def test_once_it_runs_half_of_it_from_own_generation_is_enough(seen):
    points = {"waiting_on": 1, "power_w": 45_000}

    assert (
        RUN
        == preferences.find_waste_preference(
            PLANT, seen(PLANT, 12, mode=RUN, grid_w=22_500, **points)
        ).preferred_mode
    )
    assert (
        WAIT
        == preferences.find_waste_preference(
            PLANT, seen(PLANT, 12, mode=RUN, grid_w=22_501, **points)
        ).preferred_mode
    )
