"""A fuse that carries too much although all was commanded: watched, told, and answered below it alone."""

from dataclasses import replace

import pytest

from quartier.control.limits import breach
from quartier.control.limits.active import ActiveLimits
from quartier.control.limits.breach import Breach, WatchedRow
from quartier.control.observe.observations import LastGood
from quartier.control.reason import make_text_reason
from quartier.site.asset_types import Battery, ChargePointAsset, Load, Pv
from quartier.site.site_layout import Node

S = 1_000_000_000
SHED = Node(name="shed", fuse_a=32.0, measured=True, unmeasured_w=0.0)
FORCE = ActiveLimits(
    import_w=60_000,
    export_w=60_000,
    sources={"import": make_text_reason("hard limit"), "export": make_text_reason("hard limit")},
)
L1 = WatchedRow("shed", 1, "import")


@pytest.fixture
def branched(house):
    limits = replace(house.limits, import_hard_w=60_000)
    return replace(house, assets=(), nodes=(SHED,), limits=limits)


def looked(house, watts, seconds, before=None, start=0, age_s=0):
    """The rows after so many looks at a meter of the shed with ``watts`` on each phase."""
    found = before or {}
    for t in range(start, start + seconds):
        taken_ns = (t - age_s) * S
        read = {f"shed.power_l{k}_w": LastGood(w, taken_ns) for k, w in enumerate(watts, 1)}
        read["shed.power_w"] = LastGood(sum(watts), taken_ns)
        found = breach.update_overloads(found, house, read, FORCE, t * S)
    return found


def told(found, house):
    return list(breach.find_overload_alarms(found, house, FORCE))


def test_a_phase_a_tenth_over_its_fuse_for_5_s_is_told_by_its_name(branched):
    assert [] == told(looked(branched, (8_100, 0, 0), 5), branched)
    assert ["over shed, fuse 32 A, L1 by 10 % for 5 s"] == told(looked(branched, (8_100, 0, 0), 6), branched)


def test_a_row_is_one_alarm_by_node_and_phase_whatever_its_figures(branched):
    (fast,) = breach.find_overload_alarms(looked(branched, (8_100, 0, 0), 6), branched, FORCE)
    (mean,) = breach.find_overload_alarms(looked(branched, (7_600, 0, 0), 59), branched, FORCE)

    assert ("node.exceeded", "shed.l1") == fast.key == mean.key


def test_a_mean_of_60_s_over_the_fuse_is_told_too_and_takes_the_next_step(branched):
    found = looked(branched, (7_600, 0, 0), 59)

    assert ["60 s mean over shed, fuse 32 A, L1"] == told(found, branched)
    assert found[L1].next_step


def test_a_fuse_works_both_ways(branched):
    found = looked(branched, (-8_100, 0, 0), 6)

    assert ["over shed, fuse 32 A, L1 feeding back by 10 % for 5 s"] == told(found, branched)


def test_the_power_of_a_node_is_watched_as_its_fuse_is(branched):
    house = replace(branched, nodes=(replace(SHED, power_max_w=10_000.0),))

    assert ["over shed, 10000 W by 10 % for 5 s"] == told(looked(house, (4_000, 4_000, 4_000), 6), house)


def test_a_row_far_below_its_cap_is_not_remembered(branched):
    assert {} == looked(branched, (3_000, 0, 0), 10)
    assert {L1} == set(looked(branched, (4_000, 0, 0), 10))


def test_a_meter_that_is_stale_breaks_the_observation(branched):
    before = looked(branched, (8_100, 0, 0), 5)
    stale = looked(branched, (8_100, 0, 0), 1, before, start=5, age_s=4)

    assert {} == stale
    assert [] == told(looked(branched, (8_100, 0, 0), 5, stale, start=6), branched)


def test_what_is_reckoned_and_the_sum_at_the_connection_are_not_watched(branched):
    house = replace(branched, nodes=(replace(SHED, measured=False),))
    grid = {"grid.power_w": LastGood(59_000.0, 0), "shed.power_w": LastGood(59_000.0, 0)}

    assert {} == breach.update_overloads({}, house, grid, FORCE, 0)


def test_the_main_fuse_is_watched_by_phase_where_the_grid_meter_tells_them(branched):
    house = replace(branched, nodes=(), main_fuse_a=63.0)
    read = {f"grid.power_l{k}_w": LastGood(16_000.0 * (k == 2), 0) for k in (1, 2, 3)}
    read["grid.power_w"] = LastGood(16_000.0, 0)

    assert {WatchedRow("grid", 2, "import")} == set(breach.update_overloads({}, house, read, FORCE, 0))


def test_a_house_without_a_tree_has_no_rows(house):
    assert {} == breach.update_overloads({}, house, {"grid.power_w": LastGood(99_000.0, 0)}, FORCE, 0)


def test_a_node_is_over_while_a_breach_of_what_it_draws_stands(branched):
    drawn, fed = looked(branched, (8_100, 0, 0), 6), looked(branched, (-8_100, 0, 0), 6)

    assert breach.is_overloaded(drawn, Breach(), "shed")
    assert not breach.is_overloaded(drawn, Breach(mean_over=True), "attic")
    assert not breach.is_overloaded(fed, Breach(), "shed")
    assert [False, True] == [
        breach.is_overloaded({}, Breach(mean_over=over), "grid") for over in (False, True)
    ]


# --- and what is done about it ------------------------------------------------------------------------


def pump(name, node):
    return Load(name=name, rated_w=3_000, tier="C", switchable=True, node=node, phase="l1", min_on_s=0)


@pytest.fixture
def yard(board, car, branched):
    """A car that does not obey and a pump behind the fuse of the shed, and a pump elsewhere."""

    def make(base_w, told_a):
        ev = ChargePointAsset(
            name="ev1", rated_w=7_360, node="shed", phases_count=1, phase="l1", current_max_a=32.0
        )
        house = replace(branched, assets=(ev, pump("inside", "shed"), pump("outside", "grid")))
        p = board(house=house, cars={"ev1": car(phases=1)}).cap(import_max_w=60_000)
        p.loads_w = {"inside": 1_500, "outside": 1_500}
        p.points["ev1.current_max_a"] = told_a
        p.deaf = {"ev1"}
        p.base_w = {"shed": (base_w, 0, 0)}
        return p

    return make


def test_a_car_that_does_not_obey_makes_what_else_hangs_at_its_fuse_go_and_nothing_else(yard):
    p = yard(2_500, 20.0).run(60)  # 4600 + 1500 + 2500 = 8600 W of 7360

    assert [0, 1] == [p.points[f"{name}.relay_on"] for name in ("inside", "outside")]
    assert "shed, fuse 32 A, L1: shed, tier C" == p.reason("inside")
    assert 0 == p.written("ev1.current_max_a")[-1][1]


def test_a_little_over_for_a_minute_takes_the_steps_below_the_fuse_in_turn(board, branched):
    """The battery is reckoned to give what is over, and gives nothing."""
    cells = Battery(
        name="cells",
        rated_w=5_000,
        capacity_wh=10_000,
        charge_max_w=5_000,
        discharge_max_w=5_000,
        ramp_max_w_per_s=5_000,
        node="shed",
        phase="l1",
    )
    pumps = (pump("beside", "grid"), pump("inside", "shed"), pump("more", "shed"))
    p = board(house=replace(branched, assets=(cells, *pumps))).cap(import_max_w=60_000)
    p.raw["cells.soc_pct"] = 50.0
    p.loads_w = {"beside": 1_500, "inside": 300, "more": 300}
    p.base_w = {"shed": (7_300, 0, 0)}  # 7900 W of 7360
    found = []
    for seconds in (58, 8, 14):
        p.run(seconds)
        found.append([p.points[f"{name}.relay_on"] for name in ("beside", "inside", "more")])

    assert [[1, 1, 1], [1, 0, 1], [1, 0, 0]] == found
    assert "shed, fuse 32 A, L1: 60 s mean over the cap: shed, tier C" == p.reason("more")


def test_a_car_that_draws_more_than_its_order_is_ordered_no_more_for_it(yard):
    """What it draws is reckoned with, and what a fuse leaves of that may be above its order."""
    told = [value for _, value in yard(1_600, 20.0).run(110).written("ev1.current_max_a")]

    assert told == sorted(told, reverse=True)


def test_a_roof_that_feeds_back_over_its_fuse_whatever_it_is_told_is_told_to_stop(board, branched):
    roof = Pv(name="roof", rated_w=9_000, curtail="limit", node="shed", phase="l1")
    p = board(house=replace(branched, assets=(roof,))).cap(import_max_w=60_000, export_max_w=60_000)
    p.loads_w = {"roof": -9_000}  # 39 A behind 32 A
    p.run(30)

    assert [6_000, 0] == list(dict.fromkeys(value for _, value in p.written("roof.generation_max_w")))
    assert "shed, fuse 32 A, L1 feeding back: still above it: stopped" in {c.reason for _, c in p.log}
    assert "limited to 0 W; does not follow its order" == p.view["assets"]["roof"]["state"]
    assert "over shed, fuse 32 A, L1 feeding back by 10 % for 5 s" in p.view["alarms"]
