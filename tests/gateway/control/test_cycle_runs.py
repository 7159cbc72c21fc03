"""A run at the table: begun as late as it may without a plan, held by caps alone, and finished over a restart."""

import json
from dataclasses import replace

import pytest

from quartier.control import switch_state
from quartier.control.observe import daily_runs
from quartier.control.state import ControlState
from quartier.site.asset_types import BatchLoad, OperationMode

# The plant's time begins at 16:13:20; a run of a quarter of an hour by 17:30 begins at 17:10 at the latest.
LATEST_T, DUE_T, RUN_S = 3_400, 4_600, 900
WASHER = BatchLoad(
    name="washer",
    rated_w=2_000,
    tier="D",
    quantity="relay_on",
    modes=(OperationMode("runs", 1, 2_000), OperationMode("waits", 0, 0)),
    run_w=(2_000,),
    deadline_s=17.5 * 3_600,
    min_on_s=300,
    min_off_s=180,
)


@pytest.fixture
def laundry(plant, house):
    """A house with the machine, its relay open, some minutes before it has to begin."""

    class Laundry(plant):
        synced = True

        def now(self):
            return super().now()._replace(synced=self.synced)

    def made(*kept, washer=WASHER, t=LATEST_T - 200, **more):
        others = tuple(asset for asset in house.assets if asset.name in kept)
        home = replace(house, assets=(washer, *others))
        return Laundry(house=home, t=t, points={"washer.relay_on": 0.0}, **more)

    return made


def begun(laundry, *kept, **more):
    return laundry(*kept, **more).run(205)


def on(p):
    return p.points["washer.relay_on"] == 1


@pytest.mark.long
def test_without_a_plan_it_begins_as_late_as_it_may_and_is_done_in_time(laundry):
    p = laundry().run(200)
    assert [0.0] == sorted({value for _, value in p.written("washer.relay_on")})
    p.run(RUN_S + 20)

    assert [(LATEST_T, 1.0), (LATEST_T + RUN_S + 1, 0.0)] == [
        row
        for row, before in zip(p.written("washer.relay_on")[1:], p.written("washer.relay_on"), strict=False)
        if row[1] != before[1]
    ]
    assert {"state": "done", "late": False, "left_s": 0.0} == {
        key: value for key, value in p.view["assets"]["washer"]["run"].items() if key != "due_utc_ms"
    }
    assert "load" == p.view["assets"]["washer"]["role"]


def test_it_begins_as_late_where_the_time_of_day_was_lost_meanwhile(laundry):
    p = laundry().run(100)
    p.synced = False
    p.run(100)
    assert not on(p)
    p.run(1)

    assert on(p)


@pytest.mark.long
def test_a_run_that_has_begun_is_taken_after_all_of_c_and_d(laundry):
    p = begun(laundry, "heat", "pump", loads_w={"heat": 2_000, "pump": 3_000, "washer": 1.0}).run(300)
    p.cap(import_max_w=3_000).run(30)

    assert (0.0, 0.0, True) == (p.points["heat.relay_on"], p.points["pump.relay_on"], on(p))


@pytest.mark.long
def test_a_cap_interrupts_it_and_it_goes_on_as_soon_as_there_is_room(laundry):
    p = begun(laundry).run(300)
    p.cap(import_max_w=1_500).run(100)
    assert not on(p)
    assert p.longest_over_s(1_500, p.t - 95) == 0
    assert "held at waits" == p.view["assets"]["washer"]["state"]
    left_s = p.view["assets"]["washer"]["run"]["left_s"]
    p.cap(import_max_w=10_000).run(100)

    assert on(p)
    assert left_s == pytest.approx(p.view["assets"]["washer"]["run"]["left_s"], abs=20)
    p.run(round(left_s) + 10)
    assert "done" == p.view["assets"]["washer"]["run"]["state"]
    assert p.t < DUE_T


@pytest.mark.long
def test_what_no_cap_leaves_room_for_is_late_and_told_and_runs_then(laundry):
    p = laundry(t=DUE_T - 500).cap(import_max_w=1_500).run(510)
    assert not on(p)
    assert ["run.late"] == [alarm.code for alarm in p.view["alarms"] if alarm.of == "washer"]
    p.cap(import_max_w=10_000).run(5)

    assert on(p)
    p.run(RUN_S + 70)
    assert [] == [alarm for alarm in p.view["alarms"] if alarm.of == "washer"]
    assert not on(p)


def test_while_the_grid_meter_is_silent_nothing_begins(laundry):
    p = laundry().run(190)
    p.silent = {"grid"}
    p.run(60)
    assert not on(p)
    p.silent = set()
    p.run(60)

    assert on(p)


def test_a_restart_in_the_middle_neither_cuts_it_nor_begins_it_anew(laundry):
    p = begun(laundry).run(340)  # five minutes and more of it
    kept = json.loads(
        json.dumps(
            [switch_state.dump_switch_states(p.state.turns, p.now()), daily_runs.dump_runs(p.state.runs)]
        )
    )
    p.state = replace(
        ControlState.fresh(p.house),
        turns=switch_state.load_switch_states(p.house, kept[0], p.now()),
        runs=daily_runs.load_runs(p.house, kept[1]),
    )
    p.run(RUN_S - 320)
    assert on(p)
    p.run(30)

    assert "done" == p.view["assets"]["washer"]["run"]["state"]
    assert 2 == len({value for _, value in p.written("washer.relay_on", LATEST_T)})
