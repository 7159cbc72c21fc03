"""A run at the table: begun as late as it may without a plan, held by caps alone, and finished over a restart."""

import json
from dataclasses import replace

import pytest

from quartier.control import switch_state
from quartier.control.observe import daily_runs
from quartier.control.state import ControlState
from quartier.site.asset_types import BatchLoad, OperationMode, Pv

# --- inputs that age -------------------------------------------------------------------------


def test_a_stale_grid_meter_freezes_increases_and_refreshes_nothing(plant):
    p = plant(base_w=2000).run(40)
    p.silent = {"grid"}
    p.run(3)
    fresh = p.view["stage"]
    p.run(5)

    assert ("NORMAL", "FREEZE", "stale") == (fresh, p.view["stage"], p.view["grid"]["state"])
    assert [] == p.written("bat1.setpoint_w", since=43)


def test_a_cap_that_tightens_while_the_meter_is_stale_still_sheds(plant):
    p = plant(base_w=1000, soc_pct=10, loads_w={"pump": 3000}).run(40)
    p.silent = {"grid"}
    p.run(5)
    p.cap(import_max_w=2000).run(1)

    assert 0.0 == p.points["pump.relay_on"]


def test_a_lost_grid_meter_gives_the_battery_back_once_and_sheds_to_the_failsafe_cap(plant):
    p = plant(
        base_w=1500, ev_wants_w=7000, soc_pct=50, loads_w={"heat": 1500, "pump": 2000, "cold": 1000}
    ).run(60)
    p.silent = {"grid"}
    p.run(60)
    given = [(t, c.value, c.reason) for t, c in p.log if c.point == "bat1.setpoint_w" and t >= 63]

    assert [(70, 0.0, "given back: grid meter lost")] == given
    assert ("SAFE", "lost") == (p.view["stage"], p.view["grid"]["state"])
    assert p.grid_w <= 5000
    cap = p.view["caps"]["import"]
    assert (5000, "fail-safe value, grid meter lost") == (cap["max_w"], cap["whose"])
    assert 0.0 == p.points["ev1.current_max_a"]


@pytest.mark.parametrize(("silent", "car_a"), [({"grid"}, 6.0), ({"grid", "pump"}, 0.0)])
def test_without_the_grid_meter_a_load_that_is_shed_and_falls_silent_counts_at_its_worst(
    plant, house, silent, car_a
):
    """Its relay's own timer may have it running again, and nobody would see it."""
    p = plant(house=replace(house, unmeasured_w=500.0), soc_pct=10, loads_w={"pump": 3000})
    p.cap(import_max_w=400).run(60)
    assert 0.0 == p.points["pump.relay_on"]
    p.ev_wants_w = 11_040
    p.cap(import_max_w=9000).run(1)
    p.silent = silent
    p.run(60)

    assert car_a == p.points["ev1.current_max_a"]


@pytest.mark.parametrize("silent", [{"grid"}, {"grid", "pv1"}])
def test_without_the_grid_meter_a_pv_that_is_silent_makes_no_room_for_loads(plant, house, silent):
    p = plant(house=replace(house, unmeasured_w=500.0), soc_pct=10, ev_wants_w=11_040, sun_w=3000).run(60)
    p.silent, p.sun_w = silent, 0.0
    p.run(60)

    assert p.grid_w <= 5000


def test_caps_and_sheds_go_on_being_written_while_the_meter_is_lost(plant):
    p = plant(base_w=1500, ev_wants_w=7000, soc_pct=50).run(60)
    p.silent = {"grid"}
    p.run(100)

    assert len(p.written("ev1.current_max_a", since=80)) >= 3


def test_without_the_grid_meter_generation_keeps_to_the_export_cap_and_what_surely_runs(plant):
    p = plant(base_w=500, sun_w=5000, soc_pct=95, loads_w={"lift": 1200}).run(60)
    p.silent = {"grid"}
    p.run(20)

    assert 1200.0 == p.points["pv1.generation_max_w"]


def test_without_the_grid_meter_a_pv_relay_opens_where_it_could_export(plant, house):
    relay = (Pv(name="pv1", rated_w=3000, curtail="relay"),)
    p = plant(house=replace(house, assets=relay), base_w=5000, sun_w=2000).run(30)
    p.silent = {"grid"}
    p.run(20)

    assert 0.0 == p.points["pv1.relay_on"]


def test_the_meter_that_comes_back_gives_control_back_after_its_dwell(plant):
    p = plant(base_w=2000).run(60)
    p.silent = {"grid"}
    p.run(30)
    lost = p.view["grid"]["state"], p.view["grid"]["verdict"]
    p.silent = set()
    p.run(25)
    dwelling = p.view["stage"], p.view["assets"]["bat1"]["state"]
    p.run(60)

    assert ("lost", "unknown") == lost
    assert "good" == p.view["grid"]["verdict"]
    assert ("SAFE", "grid meter was lost shortly before") == dwelling
    assert ("NORMAL", "controlled") == (p.view["stage"], p.view["assets"]["bat1"]["state"])
    assert abs(p.grid_w) < 50


def test_a_grid_meter_dead_from_the_start_is_a_named_state(plant):
    p = plant(base_w=1000, ev_wants_w=7000, loads_w={"pump": 2000}, silent={"grid"}).run(1)
    first = p.view["grid"]["state"], p.view["stage"], list(p.log)
    p.run(30)

    assert ("starting", "FREEZE", []) == first
    assert ("never read", "SAFE") == (p.view["grid"]["state"], p.view["stage"])
    assert "unknown" == p.view["grid"]["verdict"]
    assert (0.0, 0.0) == (p.points["ev1.current_max_a"], p.points["pump.relay_on"])
    assert 0.0 == p.points["bat1.setpoint_w"]


def test_a_declared_remainder_is_used_while_blind(plant, house):
    p = plant(
        house=replace(house, unmeasured_w=500.0), base_w=500, loads_w={"pump": 2000}, silent={"grid"}
    ).run(30)

    assert 1.0 == p.points["pump.relay_on"]


@pytest.mark.parametrize("kind", ["bat1.soc_pct", "bat1.power_w"])
def test_a_battery_without_its_own_readings_is_given_back(plant, kind):
    p = plant(base_w=2000).run(40)
    p.silent = {kind}
    p.run(120)
    given = [t for t, c in p.log if t >= 40 and c.reason.startswith("given back")]
    # Where nothing shows that it was taken, it is written for 30 s.
    again = [] if kind == "bat1.soc_pct" else [5, 10, 15, 20, 25]

    assert [0, *again] == [t - given[0] for t in given]
    assert p.view["assets"]["bat1"]["state"].endswith("is not known")


def test_a_battery_whose_readings_never_came_is_given_back_after_its_chance(plant):
    p = plant(base_w=2000, silent={"bat1"}).run(10)
    early = p.view["assets"]["bat1"]["state"], p.written("bat1.setpoint_w")
    p.run(10)

    assert ("waiting for its first reading", []) == early
    assert [0.0] == [w for _, w in p.written("bat1.setpoint_w")]


def test_a_point_without_a_release_value_is_named_for_its_driver_once(plant, house):
    p = plant(house=replace(house, release_values={}), base_w=2000).run(30)
    p.silent = {"grid"}
    releases = [r for _ in range(60) if (r := p.step().releases)]

    assert [("bat1.setpoint_w",)] == releases


def test_a_slow_grid_meter_costs_10_percent_of_every_cap(plant, house):
    slow = replace(house, grid=replace(house.grid, period_s=5.0))
    p = plant(house=slow, base_w=9000, soc_pct=60, grid_every_s=5).cap(import_max_w=6000).run(60)

    assert 5400 == p.view["caps"]["import"]["max_w"]
    assert "NORMAL" == p.view["stage"]
    assert max(p.grid_log[20:]) <= 5410


@pytest.mark.parametrize(
    ("gaps_s", "stage"),
    [
        ((2, 2, 2), "FREEZE"),
        ((2, 2), "NORMAL"),
        ((2, 2, 1, 2), "NORMAL"),  # one in time between them: they are not in a row
        ((3, 2), "FREEZE"),  # two missed at once, and a third
        ((4,), "FREEZE"),
    ],
)
def test_three_missed_cycles_in_a_row_freeze_however_they_are_spread(plant, gaps_s, stage):
    p = plant(base_w=2000).run(20)
    for gap_s in gaps_s:
        p.t += gap_s - 1
        p.step()

    assert stage == p.view["stage"]


def test_late_cycles_freeze_increases(plant):
    p = plant(base_w=2000).run(20)
    for _ in range(3):
        p.t += 2
        p.step()

    assert ("FREEZE", ["cycle-late"]) == (p.view["stage"], [r["name"] for r in p.view["rules"]])


@pytest.mark.parametrize(("is_gone", "shed"), [(True, "pump"), (False, "heat")])
def test_a_tighter_cap_is_kept_at_once_though_the_grid_meter_is_stale_and_an_asset_left_or_fell_silent(
    plant, with_house, is_gone, shed
):
    p = plant(house=with_house("pump", "heat"), base_w=2_000, loads_w={"pump": 1_000, "heat": 2_000})
    p.run(30)
    if is_gone:
        p.silent = {"grid"}
        p.run(5)
        p.state = p.state.adopt(with_house("pump"))
    else:
        p.silent = {"heat"}
        p.run(12)
        p.silent = {"grid", "heat"}
        p.run(5)
    p.cap(import_max_w=3_000).run(2)

    assert "stale" == p.view["grid"]["state"]
    assert 0.0 == p.points[f"{shed}.relay_on"]


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
    assert "limited to waits" == p.view["assets"]["washer"]["state"]
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
            [
                switch_state.dump_switch_states(p.state.switch_states, p.now()),
                daily_runs.dump_runs(p.state.runs),
            ]
        )
    )
    p.state = replace(
        ControlState.fresh(p.house),
        switch_states=switch_state.load_switch_states(p.house, kept[0], p.now()),
        runs=daily_runs.load_runs(p.house, kept[1]),
    )
    p.run(RUN_S - 320)
    assert on(p)
    p.run(30)

    assert "done" == p.view["assets"]["washer"]["run"]["state"]
    assert 2 == len({value for _, value in p.written("washer.relay_on", LATEST_T)})
