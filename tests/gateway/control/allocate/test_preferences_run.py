from dataclasses import replace

import pytest

from quartier.control.allocate import preferences
from quartier.control.observe.daily_runs import RUN_MODE, WAIT_MODE, RunProgress
from quartier.site.asset_types import BatchLoad, OperationMode

KILN = BatchLoad(
    name="kiln",
    rated_w=4_500,
    tier="D",
    quantity="relay_on",
    senses=("waiting_on",),
    modes=(OperationMode("runs", 1, 4_500), OperationMode("waits", 0, 0)),
    run_w=(4_500,) * 8,
    window_s=6 * 3600,
    deadline_s=22 * 3600,
)
STILL = {"power_w": 0}


@pytest.fixture
def leaning(seen):
    """``leaning(until_h, progress, …)``: so many hours before its deadline, None where that is not known."""

    def made(until_h=10.0, grid_w=0.0, kiln=KILN, *, points=STILL, **progress):
        scene = seen(kiln, 12, mode=WAIT_MODE, grid_w=grid_w, **points)
        due_ns = None if until_h is None else scene.now_ns + round(until_h * 3.6e12)
        state = replace(scene.state, runs={"kiln": RunProgress(due_ns=due_ns, **progress)})
        return preferences.find_run_preference(kiln, replace(scene, state=state))

    return made


def told(leaning):
    return leaning.wanted, leaning.highest, leaning.lowest, leaning.tier, str(leaning.reason), leaning.claims


@pytest.mark.parametrize(
    ("until_h", "grid_w", "wanted", "highest", "tier", "words"),
    [
        (16.01, -9_000, WAIT_MODE, WAIT_MODE, "D", "its hours begin at 06:00"),
        (15.99, 0, WAIT_MODE, RUN_MODE, "D", "for own generation, until 19:48 at the latest"),
        (10, -4_499, WAIT_MODE, RUN_MODE, "D", "for own generation, until 19:48 at the latest"),
        (10, -4_500, RUN_MODE, RUN_MODE, "D", "with own generation"),
        (10, None, WAIT_MODE, RUN_MODE, "D", "for own generation, until 19:48 at the latest"),
        (2.21, 0, WAIT_MODE, RUN_MODE, "D", "for own generation, until 19:48 at the latest"),
        (2.2, 0, RUN_MODE, RUN_MODE, "B", "has to be done by 22:00"),
        (None, 0, RUN_MODE, RUN_MODE, "D", "the time of day is not known"),
    ],
)
def test_a_run_begins_with_own_generation_or_as_late_as_it_may(
    leaning, until_h, grid_w, wanted, highest, tier, words
):
    claims = tier == "B"
    assert (wanted, highest, WAIT_MODE, tier, words, claims) == told(leaning(until_h, grid_w))


def test_a_short_run_begins_five_minutes_before_it_need(leaning):
    short = replace(KILN, run_w=(4_500,))
    assert WAIT_MODE == leaning(1_201 / 3600, kiln=short).wanted
    assert RUN_MODE == leaning(1_200 / 3600, kiln=short).wanted


@pytest.mark.parametrize("until_h", [10, 0.1, None])
def test_a_run_that_has_begun_goes_on_after_c_and_d_and_claims_its_place(leaning, until_h):
    assert (RUN_MODE, RUN_MODE, WAIT_MODE, "B", "its run has begun", True) == told(
        leaning(until_h, is_begun=True)
    )


def test_a_run_that_is_late_goes_as_soon_as_it_may_whatever_its_hours(leaning):
    assert (RUN_MODE, RUN_MODE, WAIT_MODE, "B", "late: it was due at 22:00", True) == told(
        leaning(20, is_late=True)
    )
    words = "its run has begun, late: it was due at 22:00"
    assert words == str(leaning(-1, is_begun=True, is_late=True).reason)


def test_a_run_that_is_done_waits_for_the_next(leaning):
    words = "its run is done, the next begins after 22:00"
    assert (WAIT_MODE, WAIT_MODE, WAIT_MODE, "D", words, False) == told(leaning(is_done=True))


def test_where_nothing_waits_nothing_begins(leaning):
    assert "nothing waits to be run" == str(leaning(0.1, points=STILL | {"waiting_on": 0}).reason)
    assert "has to be done by 22:00" == str(leaning(0.1, points=STILL | {"waiting_on": 1}).reason)


def test_before_it_was_ever_looked_at_it_runs_as_the_time_is_not_known(seen):
    assert "the time of day is not known" == str(preferences.find_run_preference(KILN, seen(KILN, 12)).reason)
