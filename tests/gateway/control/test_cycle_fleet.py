"""The fleet's kernel and the cycle decide alike where both are meant to.

Compared are houses of relays, charge points, PV and batteries behind one connection, in a cycle where every
input is fresh, nothing is in breach, no event of the grid is on, no cap but import and export is given, and
nothing comes back (the gate is shut, a relay's PV still rests).  What runs in modes is given a drawn preference,
which the kernel is told, in place of that of its class.  Batteries are compared in whole watts, as they are
written.
"""

import random
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.control.allocate import preferences
from quartier.control.cycle import run_cycle
from quartier.control.participants import find_control_point
from quartier.control.reason import NO_REASON, make_text_reason
from quartier.control.records import LinkLimits, Order, OrderBook, Preference
from quartier.control.requests import Requests
from quartier.control.state import ControlState, Decision
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import (
    Battery,
    ChargePointAsset,
    ChpUnit,
    GridMeter,
    HeatSubstation,
    Load,
    OperationMode,
    OperationModeAsset,
    Pv,
)
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier.site.site_layout import Site, SiteLimits
from quartier_drivers.readings import Quality, Reading, make_readings
from quartier_native.fleets import LONG_AGO_NS, NONE_W, Building, Fleet, FleetState, Unit, step_many
from quartier_native.reference import fleet_columns

S = 1_000_000_000
NOW_NS = 200_000 * S
FAR_W = 1e6
TIERS = "DCBA"
NO_PHASE = (0.0, 0.0, 0.0)
LIMITS = SiteLimits(
    import_hard_w=FAR_W,
    export_hard_w=FAR_W,
    import_failsafe_w=0,
    export_failsafe_w=0,
    import_autonomous_w=FAR_W,
    export_autonomous_w=FAR_W,
)


def assets(source: random.Random) -> list[Any]:
    """Flexible ones first, as the cycle orders them, then batteries."""
    made: list[Any] = []
    for number in range(source.randint(0, 8)):
        name, tier = f"a{number:02}", source.choice(TIERS[:3])
        common = {"comfort_cost": source.choice([0.0, 1.0]), "min_on_s": source.choice([0.0, 300.0])}
        if (kind := source.choice(["load", "ev", "ev", "limit", "relay"])) == "load":
            made.append(Load(name=name, tier=tier, rated_w=2000, switchable=True, **common))
        elif kind == "ev":
            phases = source.choice([1, 3])
            made.append(ChargePointAsset(name=name, tier=tier, rated_w=11_040, phases_count=phases, **common))
        else:
            made.append(Pv(name=name, rated_w=6000, curtail=kind))
    made += [
        Battery(
            name=f"b{number}",
            rated_w=source.choice([3000, 5000]),
            capacity_wh=10_000,
            charge_max_w=source.choice([3000, 5000]),
            discharge_max_w=4000,
            ramp_max_w_per_s=source.choice([500, 5000]),
        )
        for number in range(source.randint(0, 2))
    ]
    return made


def moded_assets(source: random.Random) -> list[OperationModeAsset]:
    """Assets that run in modes: most are machines, some generate."""
    made: list[OperationModeAsset] = []
    for number in range(source.randint(1, 3)):
        times: dict[str, Any] = {
            "min_on_s": source.choice([0.0, 300.0, 300.0]),
            "min_off_s": source.choice([0.0, 180.0]),
        }
        modes: tuple[OperationMode, ...]
        if source.random() < 0.25:
            modes = (OperationMode("rest", 0, 0.0), OperationMode("run", 1, -4000.0))
            made.append(ChpUnit(name=f"m{number}", quantity="request_on", modes=modes, rated_w=4000, **times))
            continue
        tier: Any = source.choice(TIERS)
        powers_w = sorted((source.choice([500.0, 2000.0, 3000.0, 6000.0]) for _ in "abc"), reverse=True)
        modes = tuple(OperationMode(str(place), place, watts) for place, watts in enumerate(powers_w))
        made.append(
            HeatSubstation(
                name=f"m{number}",
                tier=tier,
                quantity="pump_pct",
                modes=modes,
                normal=source.randrange(3),
                rated_w=powers_w[0],
                **times,
            )
        )
    return made


def draw_preference(source: random.Random, asset: OperationModeAsset) -> Preference:
    highest, wanted, lowest = sorted(source.randrange(len(asset.modes)) for _ in "abc")
    return Preference(wanted, highest, lowest, asset.tier, NO_REASON)


def unit(asset: Any) -> Unit:
    kept = {"share": NO_PHASE, "tier": TIERS.index(asset.tier), "comfort_cost": asset.comfort_cost}
    if isinstance(asset, Battery):
        return Unit(
            kind=fleet_columns.BATTERY,
            rated_w=asset.rated_w,
            charge_max_w=asset.charge_max_w,
            discharge_max_w=asset.discharge_max_w,
            ramp_max_w_per_s=asset.ramp_max_w_per_s,
            soc_floor_pct=max(asset.soc_min_pct, asset.reserve_soc_pct),
            soc_max_pct=asset.soc_max_pct,
            **kept,
        )
    if isinstance(asset, Pv):
        kind = fleet_columns.PV_LIMIT if asset.curtail == "limit" else fleet_columns.PV_RELAY
        return Unit(kind=kind, rated_w=asset.rated_w, min_off_s=300.0, **kept)
    times = {"min_on_s": asset.min_on_s, "min_off_s": asset.min_off_s}
    if isinstance(asset, OperationModeAsset):
        modes_w = tuple(mode.power_w for mode in asset.modes)
        return Unit(kind=fleet_columns.MODED, modes_w=modes_w, normal=asset.normal, **times, **kept)
    if isinstance(asset, ChargePointAsset):
        ampere_w = asset.voltage_v * asset.phases_count
        floor_w, full_w = asset.current_min_a * ampere_w, asset.current_max_a * ampere_w
        return Unit(
            kind=fleet_columns.EV, rated_w=full_w, floor_w=floor_w, ampere_w=ampere_w, **times, **kept
        )
    return Unit(kind=fleet_columns.LOAD, rated_w=asset.rated_w, **times, **kept)


def turn(source: random.Random, asset: Any) -> SwitchState:
    """How it may stand from before."""
    ago_ns = [NOW_NS - round(age_s * S) for age_s in (1, 3.5, 100, 250, 400, 90_000)]
    sheds = tuple(sorted(source.sample(ago_ns, source.randint(0, 3))))
    on = source.random() < 0.7
    before_w = source.choice([0.0, 1500.0, 4000.0])
    lowered_ns = source.choice([None, *ago_ns])
    limit_w = None
    if isinstance(asset, ChargePointAsset) and source.random() < 0.4:
        floor_w = asset.current_min_a * asset.voltage_v * asset.phases_count
        limit_w = floor_w * source.choice([1.0, 1.5, 2.0])
    raised_ns = source.choice([None, *ago_ns]) if isinstance(asset, ChargePointAsset) else None
    told_ns = source.choice([None, NOW_NS - 6 * S, NOW_NS - 10 * S, *ago_ns])
    if isinstance(asset, Pv):
        sheds, before_w = (), -source.choice([0.0, 2000.0])
        if asset.curtail == "limit":
            on, limit_w = True, source.choice([None, None, 0.0, 2500.0, 5000.0])
        since_ns = None if on else NOW_NS - 5 * S
        return SwitchState(on, since_ns, limit_w, before_w, lowered_ns, sheds, order_ns=told_ns)
    since_ns = source.choice([None, *ago_ns])
    return SwitchState(
        on, since_ns, limit_w, before_w, lowered_ns, sheds, raised_ns=raised_ns, order_ns=told_ns
    )


def mode_turn(source: random.Random, asset: OperationModeAsset) -> SwitchState:
    """How one in modes may stand from before."""
    ago_ns = [NOW_NS - round(age_s * S) for age_s in (1, 3.5, 100, 250, 400, 90_000)]
    mode, lowered_ns = source.randrange(len(asset.modes)), source.choice([None, *ago_ns])
    return SwitchState(
        on=source.random() < 0.6,
        since_ns=source.choice([None, *ago_ns]),
        before_w=source.choice([0.0, 1500.0, 4000.0]),
        lowered_ns=lowered_ns,
        sheds_ns=tuple(sorted(source.sample(ago_ns, source.randint(0, 3)))),
        mode=mode,
        is_held=source.random() < 0.4,
        switch_times_ns=tuple(sorted(source.choice(ago_ns[:5]) for _ in range(source.randint(0, 5)))),
    )


def present_w(source: random.Random, asset: Any, stands: SwitchState) -> float:
    if isinstance(asset, OperationModeAsset):
        assert stands.mode is not None
        mode_w = asset.modes[stands.mode].power_w
        return source.choice([0.0, mode_w, mode_w * source.random()])
    if isinstance(asset, Pv):
        return -source.choice([0.0, source.uniform(0, 6000)])
    if isinstance(asset, Battery):
        return source.uniform(-4000, 5000)
    full_w = 3680.0 if isinstance(asset, ChargePointAsset) and asset.phases_count == 1 else 11_040.0
    most_w = full_w if isinstance(asset, ChargePointAsset) else 2000.0
    limit_w = most_w if stands.limit_w is None else stands.limit_w
    deaf_w = source.choice([0.0, 0.0, most_w, source.uniform(0, most_w)])
    return source.choice([0.0, most_w, limit_w, source.uniform(0, most_w)]) if stands.on else deaf_w


@dataclass
class Case:
    """A building at one moment, and its caps in W."""

    assets: list[Any]
    turns: dict[str, SwitchState]
    taken_w: dict[str, float]
    soc_pct: dict[str, float]
    orders: dict[str, Order]
    preferences: dict[str, Preference]
    grid_w: float
    import_w: float
    export_w: float


def case(seed: int, *, with_modes: bool = False) -> Case:
    source = random.Random(seed)
    mine = assets(source)
    turns = {asset.name: turn(source, asset) for asset in mine if not isinstance(asset, Battery)}
    moded = moded_assets(source) if with_modes else []
    mine = [*(a for a in mine if a.name in turns), *moded, *(a for a in mine if a.name not in turns)]
    turns |= {asset.name: mode_turn(source, asset) for asset in moded}
    taken_w = {asset.name: present_w(source, asset, turns.get(asset.name, SwitchState())) for asset in mine}
    batteries = [asset for asset in mine if isinstance(asset, Battery)]
    orders = {
        f"{asset.name}.setpoint_w": Order(float(round(source.uniform(-3000, 3000))), NOW_NS - S, NO_REASON)
        for asset in batteries
        if source.random() < 0.7
    }
    soc_pct = {asset.name: source.choice([20.3, 50.0, 94.5, source.uniform(0, 100)]) for asset in batteries}
    grid_w = sum(taken_w.values()) + source.uniform(-4000, 6000)
    caps_w = [
        source.choice([FAR_W, source.uniform(0, 9000), float(source.randrange(0, 9000, 500))]) for _ in "ab"
    ]
    for name, stands in turns.items():  # one that was lowered a few seconds ago may not show it yet
        if source.random() < 0.15:
            then_ns = NOW_NS - source.choice([4, 5, 6, 8, 10]) * S
            before_w = stands.before_w * source.choice([1.0, 3.0])
            turns[name] = replace(stands, lowered_ns=then_ns, order_ns=then_ns, before_w=before_w)
    preferred = {asset.name: draw_preference(source, asset) for asset in moded}
    return Case(mine, turns, taken_w, soc_pct, orders, preferred, grid_w, *caps_w)


def ordered(asset: Any, stands: SwitchState) -> float:
    """What stands at the point that an asset is steered by."""
    if isinstance(asset, OperationModeAsset):
        assert stands.mode is not None
        return asset.modes[stands.mode].value
    if isinstance(asset, Pv) and asset.curtail == "limit":
        return asset.rated_w if stands.limit_w is None else stands.limit_w
    if not isinstance(asset, ChargePointAsset) or not stands.on:
        return float(stands.on)
    ampere_w = asset.voltage_v * asset.phases_count
    return asset.current_max_a if stands.limit_w is None else stands.limit_w / ampere_w


def cycled(one: Case) -> Decision:
    """What the gateway's cycle decides."""
    house = Site(
        name="h", grid=GridMeter(name="grid", rated_w=FAR_W), limits=LIMITS, assets=tuple(one.assets)
    )
    caps = LinkLimits(
        mode="CONTROLLED",
        why="test",
        since_ns=0,
        import_max_w=one.import_w,
        export_max_w=one.export_w,
        sources={"import": make_text_reason("district"), "export": make_text_reason("district")},
    )
    seen = {f"{name}.power_w": watts for name, watts in {"grid": one.grid_w, **one.taken_w}.items()}
    seen |= {f"{name}.soc_pct": pct for name, pct in one.soc_pct.items()}
    seen |= {
        find_control_point(asset): ordered(asset, one.turns[asset.name])
        for asset in one.assets
        if asset.name in one.turns
    }
    image = ProcessImage()
    image.put(
        make_readings((Reading(point, value, Quality.GOOD, NOW_NS) for point, value in seen.items()), NOW_NS)
    )
    state = replace(ControlState.fresh(house), switch_states=one.turns, book=OrderBook(one.orders))
    now = Now(NOW_NS, 1_790_000_000_000, synced=True)
    with patch.object(preferences, "find_class_preference", lambda asset, _: one.preferences[asset.name]):
        return run_cycle(image.freeze(NOW_NS), Requests(caps=caps), state, now)


def stepped(one: Case, rest_w: float) -> FleetState:
    """What the kernel decides, told the rest that the cycle found."""
    made = Fleet([Building([-1], [unit(asset) for asset in one.assets])])
    kept = made.columns()
    state, inputs = kept.state(), kept.inputs()
    inputs.rest_w[0] = inputs.high_w[0] = inputs.low_w[0] = rest_w
    inputs.import_max_w[0], inputs.export_max_w[0] = one.import_w, one.export_w
    for at, asset in enumerate(one.assets):
        inputs.present_w[at] = one.taken_w[asset.name]
        inputs.soc_pct[at] = one.soc_pct.get(asset.name, 50.0)
        order = one.orders.get(f"{asset.name}.setpoint_w")
        state.setpoint_w[at] = float("nan") if order is None else order.value
        stands = one.turns.get(asset.name, SwitchState())
        state.on[at], state.before_w[at] = stands.on, stands.before_w
        state.since_ns[at] = LONG_AGO_NS if stands.since_ns is None else stands.since_ns
        state.lowered_ns[at] = LONG_AGO_NS if stands.lowered_ns is None else stands.lowered_ns
        state.raised_ns[at] = LONG_AGO_NS if stands.raised_ns is None else stands.raised_ns
        state.told_ns[at] = LONG_AGO_NS if stands.order_ns is None else stands.order_ns
        state.limit_w[at] = NONE_W if stands.limit_w is None else stands.limit_w
        for place, then in enumerate(stands.sheds_ns):
            state.sheds_ns[at * state.sheds_room + place] = then
        state.shed_count[at] = len(stands.sheds_ns)
        if isinstance(asset, OperationModeAsset):
            preference = one.preferences[asset.name]
            inputs.wanted[at], inputs.highest[at] = preference.preferred_mode, preference.highest
            inputs.lowest[at] = preference.lowest
            state.mode[at], state.held[at] = stands.mode, stands.is_held
            for place, then in enumerate(stands.switch_times_ns):
                state.veers_ns[at * fleet_columns.VEERS_MAX + place] = then
            state.veer_count[at] = len(stands.switch_times_ns)
    step_many(made, state, inputs, kept.result(), NOW_NS, 1.0)
    return state


def turn_after(state: FleetState, at: int, asset: Any) -> SwitchState:
    first, count = at * state.sheds_room, state.shed_count[at]
    first_turn, is_moded = at * fleet_columns.VEERS_MAX, isinstance(asset, OperationModeAsset)
    return SwitchState(
        on=bool(state.on[at]),
        since_ns=None if state.since_ns[at] == LONG_AGO_NS else state.since_ns[at],
        limit_w=None if state.limit_w[at] == NONE_W else state.limit_w[at],
        before_w=state.before_w[at],
        lowered_ns=None if state.lowered_ns[at] == LONG_AGO_NS else state.lowered_ns[at],
        sheds_ns=tuple(state.sheds_ns[first : first + count]),
        mode=state.mode[at] if is_moded else None,
        is_held=bool(state.held[at]),
        switch_times_ns=tuple(state.veers_ns[first_turn : first_turn + state.veer_count[at]]),
        raised_ns=None if state.raised_ns[at] == LONG_AGO_NS else state.raised_ns[at],
        order_ns=None if state.told_ns[at] == LONG_AGO_NS else state.told_ns[at],
    )


def compare(one: Case) -> None:
    """Compare what the cycle and the kernel decide."""
    decision = cycled(one)
    state = stepped(one, decision.state.window.samples[-1].rest_w)
    commands = {command.point: command.value for command in decision.commands}
    for at, asset in enumerate(one.assets):
        if not isinstance(asset, Battery):
            assert decision.state.switch_states[asset.name] == turn_after(state, at, asset), asset
            continue
        point, decided_w = f"{asset.name}.setpoint_w", round(state.setpoint_w[at])
        if point in commands:
            assert commands[point] == decided_w, point
        else:  # so little is not written
            assert abs(one.orders[point].value - decided_w) <= max(10.0, 0.002 * asset.rated_w), point


@examples(200, deep=5000)
@example(715)  # one machine is in its minimum on-time, so that the next one may not start
@example(4780)
@given(st.integers(0, 2**32))
def test_a_building_of_the_fleet_is_stepped_as_the_cycle_steps_it(seed: int) -> None:
    compare(case(seed))


@examples(100, deep=5000)
@given(st.integers(0, 2**32))
def test_what_runs_in_modes_is_stepped_as_the_cycle_steps_it(seed: int) -> None:
    compare(case(seed, with_modes=True))
