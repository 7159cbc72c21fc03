"""What comes back in a fleet is what comes back in a house: the gateway's own cycle is beside it."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.control.cycle import run_cycle
from quartier.control.limits.active import ActiveLimits
from quartier.control.participants import find_control_point
from quartier.control.reason import make_text_reason
from quartier.control.records import LinkLimits
from quartier.control.requests import Requests
from quartier.control.state import ControlState
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.asset_types import ChargePointAsset, GridMeter, Load
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier.site.site_layout import Site, SiteLimits
from quartier_bench.fleet.load_restoration import LoadRestoration
from quartier_bench.fleet.plant_model import SHEDS_MAX_COUNT, view_columns
from quartier_drivers.readings import Quality, Reading, make_readings
from quartier_native.fleets import EV, LOAD, LONG_AGO_NS, NONE_W, Building, Fleet, Unit, step_many

S = 1_000_000_000
NOW_S = 200_000
NOW_NS = NOW_S * S
CAP_W = 8000.0
TIERS = "DCB"
LIMITS = SiteLimits(
    import_hard_w=CAP_W,
    export_hard_w=CAP_W,
    import_failsafe_w=0,
    export_failsafe_w=0,
    import_autonomous_w=CAP_W,
    export_autonomous_w=CAP_W,
)


def assets(source):
    made = []
    for number in range(source.randint(1, 6)):
        name = f"a{number}"
        if source.random() < 0.5:
            tier, cost = source.choice(TIERS), source.choice([0.0, 1.0])
            rated_w = source.uniform(500, 4000)
            made.append(
                Load(name=name, tier=tier, comfort_cost=cost, rated_w=rated_w, switchable=True, min_off_s=180)
            )
        else:
            made.append(ChargePointAsset(name=name, tier="D", rated_w=7360, phases_count=1))
    return made


def turn(source, asset):
    on, ago_s = source.random() < 0.4, source.choice([1, 100, 179, 180, 900])
    limit_w = (
        source.choice([None, 1380.0, 2300.0, 3680.0]) if isinstance(asset, ChargePointAsset) and on else None
    )
    sheds = tuple(
        NOW_NS - s * S for s in sorted(source.sample([100, 900, 3000, 5000], source.randint(0, 3)))[::-1]
    )
    before_w = source.choice([0.0, 1500.0])
    return SwitchState(on, NOW_NS - ago_s * S, limit_w, before_w, None, sheds)


def unit(asset):
    kept = {"tier": "DCBA".index(asset.tier), "comfort_cost": asset.comfort_cost, "share": (0.0, 0.0, 0.0)}
    times = {"min_on_s": asset.min_on_s, "min_off_s": asset.min_off_s}
    if isinstance(asset, ChargePointAsset):
        full_w = asset.current_max_a * asset.voltage_v
        return Unit(kind=EV, rated_w=full_w, floor_w=1380.0, ampere_w=230.0, **times, **kept)
    return Unit(kind=LOAD, rated_w=asset.rated_w, **times, **kept)


def ordered(asset, stands):
    """What stands at the point that an asset is steered by."""
    if isinstance(asset, Load) or not stands.on:
        return float(stands.on)
    return asset.current_max_a if stands.limit_w is None else stands.limit_w / asset.voltage_v


def cycled(mine, turns, taken_w, rest_w, gate):
    house = Site(name="h", grid=GridMeter(name="grid", rated_w=1e6), limits=LIMITS, assets=tuple(mine))
    caps = LinkLimits(
        mode="CONTROLLED",
        why="",
        since_ns=0,
        import_max_w=CAP_W,
        export_max_w=CAP_W,
        sources={"import": make_text_reason("d"), "export": make_text_reason("d")},
    )
    told_w = {"grid": rest_w + sum(taken_w.values()), **taken_w}
    image = ProcessImage()
    told = {f"{name}.power_w": watts for name, watts in told_w.items()}
    told |= {find_control_point(asset): ordered(asset, turns[asset.name]) for asset in mine}
    readings = (Reading(name, value, Quality.GOOD, NOW_NS) for name, value in told.items())
    image.put(make_readings(readings, NOW_NS))
    force = ActiveLimits(import_w=CAP_W, export_w=CAP_W, sources={})
    state = replace(
        ControlState.fresh(house), switch_states=turns, gate=gate, active_limits=force, mode="CONTROLLED"
    )
    now = Now(NOW_NS, 1_790_000_000_000, synced=True)
    return run_cycle(image.freeze(NOW_NS), Requests(caps=caps), state, now).state


def stepped(mine, turns, taken_w, rest_w, below_s):
    made = Fleet([Building([-1], [unit(asset) for asset in mine])])
    kept = made.columns(SHEDS_MAX_COUNT)
    state, inputs, result = kept.state(), kept.inputs(), kept.result()
    views = view_columns(state, inputs, result)
    views.rest_w[0] = views.high_w[0] = views.low_w[0] = rest_w
    views.import_max_w[0] = views.export_max_w[0] = CAP_W
    for at, asset in enumerate(mine):
        stands = turns[asset.name]
        views.present_w[at], views.on[at] = taken_w[asset.name], stands.on
        views.since_ns[at], views.before_w[at] = stands.since_ns, stands.before_w
        views.limit_w[at] = NONE_W if stands.limit_w is None else stands.limit_w
        views.sheds_ns[at, : len(stands.sheds_ns)] = stands.sheds_ns
        views.shed_count[at] = len(stands.sheds_ns)
    returns = LoadRestoration(made.units, np.zeros(len(mine), dtype=np.int64), np.array([CAP_W]), 1, views)
    returns.below_s[0] = below_s
    step_many(made, state, inputs, result, NOW_NS, 1.0)
    grid_w = np.array([rest_w + sum(taken_w.values())])
    returns.second(NOW_S, NOW_NS, grid_w, np.array([rest_w + views.setpoint_w.sum()]))
    return views


@examples(30)
@given(st.integers(0, 2**32))
def test_what_comes_back_in_a_fleet_is_what_comes_back_in_a_house(seed):
    source = random.Random(seed)
    mine = assets(source)
    turns = {asset.name: turn(source, asset) for asset in mine}
    taken_w = {}
    for asset in mine:
        stands, full_w = turns[asset.name], 7360.0 if isinstance(asset, ChargePointAsset) else asset.rated_w
        taken_w[asset.name] = (full_w if stands.limit_w is None else stands.limit_w) if stands.on else 0.0
    rest_w = source.uniform(0, 4000)
    waited_s = source.choice([119, 120, 500])
    gate = RestoreGate((NOW_S - waited_s) * S, None, None)
    after = cycled(mine, turns, taken_w, rest_w, gate)
    views = stepped(mine, turns, taken_w, rest_w, NOW_S - waited_s)
    for at, asset in enumerate(mine):
        theirs = after.switch_states[asset.name]
        limit_w = NONE_W if theirs.limit_w is None else theirs.limit_w
        since_ns = LONG_AGO_NS if theirs.since_ns is None else theirs.since_ns

        assert (bool(views.on[at]), views.since_ns[at]) == (theirs.on, since_ns), asset
        assert views.limit_w[at] == pytest.approx(limit_w), asset


@pytest.fixture
def three():
    """Three buildings, each with a load that is shed."""
    made = Fleet([Building([-1], [Unit(kind=LOAD, rated_w=1000.0)])] * 3)
    kept = made.columns(SHEDS_MAX_COUNT)
    views = view_columns(kept.state(), kept.inputs(), kept.result())
    views.on[:] = 0
    views.import_max_w[:] = 5000.0
    return LoadRestoration(made.units, np.arange(3), np.full(3, 5000.0), 7, views)


def passed(returns, first, last):
    """When each of the three came back."""
    back = {}
    for second in range(first, last):
        for at in returns.second(second, (second + 1) * S, np.zeros(3), np.zeros(3)):
            back[int(at)] = second
    return back


def test_after_120_s_below_nine_tenths_of_the_cap_one_comes_back(three):
    assert {0: 120, 1: 120, 2: 120} == passed(three, 0, 200)


def test_after_a_common_event_each_waits_its_own_part_of_300_s_more(three):
    three.common(10)
    back = passed(three, 10, 500)

    assert 3 == len(set(back.values()))
    assert all(130 <= at <= 431 for at in back.values())


def test_after_an_outage_a_building_rises_by_a_tenth_of_its_contract_a_minute(three):
    three.seen.import_max_w[:] = 1e6
    three.start_after_outage(0)
    back = passed(three, 0, 1200)

    # A minute of good voltage, up to 300 s, then two minutes for 1 kW of 5.
    assert 3 == len(set(back.values()))
    assert all(60 + 120 <= at <= 60 + 300 + 120 + 121 for at in back.values())
