"""A day's run is owed until its deadline, begun by its power, done by its time, and never lost."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from quartier.control.observe import daily_runs
from quartier.control.observe.daily_runs import NO_RUN, RUN_MODE, WAIT_MODE, RunProgress
from quartier.control.observe.observations import LastGood
from quartier.control.switch_state import SwitchState
from quartier.site.alarm_types import Alarm
from quartier.site.asset_types import BatchLoad, OperationMode
from quartier.site.records import Now

S, HOUR_S = 1_000_000_000, 3_600.0
WASHER = BatchLoad(
    name="washer",
    rated_w=2_200,
    tier="D",
    quantity="relay_on",
    senses=("waiting_on",),
    modes=(OperationMode("runs", 1, 2_200), OperationMode("waits", 0, 0)),
    run_w=(2_000, 100),
    window_s=20 * HOUR_S,
    deadline_s=6 * HOUR_S,
)
MIDNIGHT_MS = round(dt.datetime(2026, 1, 15, tzinfo=ZoneInfo("Europe/Paris")).timestamp() * 1000)
ON, OFF = SwitchState(mode=RUN_MODE), SwitchState(mode=WAIT_MODE)


def at(hour, *, synced=True):
    """An hour of a winter day in Paris; the monotonic clock began at its midnight."""
    return Now(round(hour * HOUR_S) * S, MIDNIGHT_MS + round(hour * HOUR_S * 1000), synced)


def due(hour, **more):
    """What is owed until an hour of that day."""
    return RunProgress(at(hour).utc_ms, at(hour).ns, **more)


@pytest.fixture
def look(house):
    """``look(before, hour, turn, washer, **values)``: the run after a look, of values read just now."""

    def looked(
        before=NO_RUN, hour=22.0, turn=OFF, washer=WASHER, *, synced=True, dt_s=1.0, stale=(), **values
    ):
        now = at(hour, synced=synced)
        memories = {
            f"washer.{name}": LastGood(float(value), now.ns - (60 * S if name in stale else 0))
            for name, value in values.items()
        }
        home = replace(house, assets=(*house.assets, washer))
        return daily_runs.update_runs(home, {"washer": before}, {"washer": turn}, memories, dt_s, now)[
            "washer"
        ]

    return looked


def test_a_run_is_owed_until_the_next_deadline(look):
    assert due(30) == look(hour=22)
    assert due(6) == look(hour=2)
    assert due(24) == look(hour=22, washer=replace(WASHER, window_s=None, deadline_s=0.0))


def test_a_deadline_that_the_file_moves_is_the_new_one(look):
    assert due(31) == look(due(30), washer=replace(WASHER, deadline_s=7 * HOUR_S))


def test_only_loads_with_a_run_that_take_orders_have_one(house):
    measured = replace(house, assets=(*house.assets, replace(WASHER, writable=False)))
    assert {} == daily_runs.update_runs(measured, {}, {}, {}, 1.0, at(22))


def test_it_has_begun_once_its_relay_is_on_and_it_takes_what_a_run_takes(look):
    assert not look(due(30), turn=OFF, relay_on=0, power_w=2_000).is_begun
    assert not look(due(30), turn=ON, relay_on=1, power_w=104).is_begun
    assert look(due(30), turn=ON, relay_on=1, power_w=105).is_begun


def test_where_nothing_measures_it_it_begins_with_its_relay(look):
    assert look(due(30), turn=ON, relay_on=1).is_begun
    assert look(due(30), turn=ON, relay_on=1, power_w=0, stale=("power_w",)).is_begun
    assert look(due(30), turn=ON).is_begun  # nobody reads its relay: as ordered
    assert not look(due(30), turn=OFF).is_begun


def test_a_run_counts_while_its_relay_is_on_and_is_done_after_its_time(look):
    begun = due(30, is_begun=True)
    assert 11.0 == look(replace(begun, ran_s=10.0), relay_on=1).ran_s
    assert 10.0 == look(replace(begun, ran_s=10.0), relay_on=0).ran_s
    assert 20.0 == look(replace(begun, ran_s=10.0), relay_on=1, dt_s=600).ran_s  # nobody saw the rest
    assert not look(replace(begun, ran_s=1_798.0), relay_on=1).is_done
    assert due(30, ran_s=1_800.0, is_done=True) == look(replace(begun, ran_s=1_799.0), relay_on=1)


def test_a_run_that_was_interrupted_goes_on_or_begins_anew_as_the_file_says(look):
    begun, anew = due(30, is_begun=True, ran_s=600.0), replace(WASHER, resumes=False)

    assert begun == look(begun, relay_on=0)
    assert due(30) == look(begun, relay_on=0, washer=anew)


def test_a_relay_that_is_silent_interrupts_nothing(look):
    begun, anew = due(30, is_begun=True, ran_s=600.0), replace(WASHER, resumes=False)

    assert begun == look(begun, relay_on=1, stale=("relay_on",), washer=anew)
    assert not look(due(30), relay_on=1, stale=("relay_on",)).is_begun


def test_after_the_deadline_of_one_that_is_done_the_next_is_owed(look):
    assert due(6, is_done=True) == look(due(6, is_done=True), hour=5.99)
    assert due(30) == look(due(6, is_done=True), hour=6)
    assert due(30) == look(RunProgress(at(6).utc_ms, None, is_done=True), hour=15)  # as recalled


def test_one_that_was_missed_is_owed_on_until_the_hours_of_the_next(look):
    late = look(due(6), hour=6)

    assert due(6, is_late=True) == late
    assert due(6, is_late=True) == look(late, hour=19.99)
    assert due(30, is_late=True) == look(late, hour=20)


def test_one_that_may_run_all_day_and_was_missed_is_late_at_once(look):
    all_day = replace(WASHER, window_s=None)
    assert due(30, is_late=True) == look(due(6), hour=6, washer=all_day)


def test_one_that_has_begun_goes_on_after_its_deadline_and_is_late(look):
    begun = due(6, is_begun=True, ran_s=600.0)

    late = look(begun, hour=6, relay_on=1)
    assert due(6, is_begun=True, ran_s=601.0, is_late=True) == late
    assert not look(replace(late, ran_s=1_799.5), hour=6.5, relay_on=1).is_late


def test_where_nothing_waits_none_was_missed(look):
    assert due(30) == look(due(6), hour=6, waiting_on=0)
    assert due(6, is_late=True) == look(due(6), hour=6, waiting_on=1)
    assert due(6, is_late=True) == look(due(6), hour=6, waiting_on=0, stale=("waiting_on",))


def test_a_machine_that_was_on_and_took_nothing_had_nothing_to_run(look):
    idle = look(due(6, idle_s=598.5), hour=5.9, relay_on=1, power_w=2)
    assert due(6, idle_s=599.5) == idle
    assert due(6, idle_s=600.5, is_late=True) == look(idle, hour=6, relay_on=1, power_w=2)
    assert due(30) == look(replace(idle, idle_s=600.0), hour=6, relay_on=0, power_w=2)
    assert due(30, is_begun=True) == look(
        replace(idle, due_utc_ms=at(30).utc_ms), hour=7, relay_on=1, power_w=900
    )


def test_where_the_device_says_what_waits_there_may_be_a_second_run(look):
    done = due(30, is_done=True, ran_s=1_800.0)

    assert done == look(done, waiting_on=1)
    assert due(30) == look(done, waiting_on=0)


def test_without_the_time_of_day_the_monotonic_clock_goes_on(look):
    assert NO_RUN == look(hour=22, synced=False)
    assert due(6) == look(due(6), hour=5.9, synced=False)
    assert due(6, is_late=True) == look(due(6), hour=6, synced=False)
    assert RunProgress(due_ns=at(30).ns) == look(due(6, is_done=True), hour=6, synced=False)


def test_a_wall_clock_that_leaps_is_followed_where_it_is_trusted(look):
    leapt = RunProgress(at(6).utc_ms, at(9).ns)  # three hours forward
    assert due(6) == look(leapt, hour=5)


def test_what_is_late_is_told(house):
    home = replace(house, assets=(*house.assets, WASHER))

    assert [] == daily_runs.find_late_run_alarms(home, {"washer": due(6)})
    late = Alarm("run.late", "washer", "washer: its run was not done by 06:00")
    assert [late] == daily_runs.find_late_run_alarms(home, {"washer": due(6, is_late=True)})


@pytest.mark.parametrize(
    ("progress", "state", "left_s"),
    [
        (due(6), "owed", 1_800.0),
        (due(6, is_begun=True, ran_s=600.0), "begun", 1_200.0),
        (due(6, is_done=True, ran_s=1_800.0), "done", 0.0),
    ],
)
def test_people_see_how_far_it_has_come(progress, state, left_s):
    told = {"state": state, "late": False, "left_s": left_s, "due_utc_ms": at(6).utc_ms}
    assert told == daily_runs.render_runs(WASHER, progress)


def test_a_restart_goes_on_with_it(house, look):
    home = replace(house, assets=(*house.assets, WASHER))
    before = due(6, is_begun=True, ran_s=659.0, is_late=True)

    known = daily_runs.load_runs(home, daily_runs.dump_runs({"washer": before, "gone": NO_RUN}))
    assert {"washer": RunProgress(at(6).utc_ms, None, 600.0, is_begun=True, is_late=True)} == known
    after = look(known["washer"], hour=5.9, relay_on=1)
    assert due(6, is_begun=True, ran_s=601.0, is_late=True) == after


def test_a_minute_of_a_run_is_not_worth_writing_down():
    one = due(6, is_begun=True, ran_s=600.0)
    assert daily_runs.dump_runs({"washer": one}) == daily_runs.dump_runs(
        {"washer": replace(one, ran_s=659.9, due_ns=1)}
    )


@pytest.mark.parametrize(
    "facts",
    [
        None,
        {"washer": 1},
        {"washer": {}},
        {"washer": {"due_utc_ms": "x", "ran_s": 0, "is_begun": 0, "is_done": 0, "is_late": 0}},
        {"washer": {"due_utc_ms": None, "ran_s": 9e9, "is_begun": 0, "is_done": 0, "is_late": 0}},
        {"hp1": {"due_utc_ms": None, "ran_s": 0, "is_begun": 0, "is_done": 0, "is_late": 0}},
    ],
)
def test_what_is_no_fact_of_a_run_is_left_out(house, facts):
    assert {} == daily_runs.load_runs(replace(house, assets=(*house.assets, WASHER)), facts)


def test_a_run_whose_deadline_was_never_known_is_recalled_so(house):
    home = replace(house, assets=(*house.assets, WASHER))
    assert {"washer": NO_RUN} == daily_runs.load_runs(home, daily_runs.dump_runs({"washer": NO_RUN}))
