"""The fixed order in which a limit is met (spec/failsafe.md#section-3), as steps for the kernel (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from quartier.control import switch_state
from quartier.control.orders.unread_assets import _PAUSED
from quartier.control.participants import Participant, find_floor_power_w, find_full_power_w, is_at_order
from quartier.control.reason import Reason, make_reason
from quartier.control.records import AllocationStep, ModeStep
from quartier.control.switch_state import (
    SwitchState,
    is_return_allowed,
    is_switch_allowed,
    sort_by_shed_order,
)
from quartier.site.asset_types import Battery, ChargePointAsset, Load, OperationModeAsset, Pv, Tier
from quartier.site.records import replace

SLOWED, PAUSED = make_reason("charging.slowed"), make_reason("charging.paused")
RESUMES, FASTER, SWITCHED_ON = (
    make_reason("charging.resumes"),
    make_reason("charging.faster"),
    make_reason("load.on"),
)
SHED_CODES = {tier: make_reason("load.shed", tier=tier) for tier in ("A", "B", "C", "D")}
CURTAILED, SWITCHED_OFF = make_reason("generation.curtailed"), make_reason("generation.off")
STOPS_TAKING, GIVES = make_reason("battery.stops_charging"), make_reason("battery.discharges")
STOPS_GIVING, TAKES = make_reason("battery.stops_discharging"), make_reason("battery.charges")
TAKES_LESS, GIVES_LESS = make_reason("battery.charges_less"), make_reason("battery.discharges_less")
BATTERY_CODES = frozenset(one.code for one in (STOPS_TAKING, GIVES, STOPS_GIVING, TAKES))
"""What a step of a battery goes to at most; how far it went says ``outcome.named``."""


_Switched = Load | ChargePointAsset


def list_import_steps(
    players: Sequence[Participant], turns: Mapping[str, SwitchState], now_ns: int
) -> list[AllocationStep]:
    """For an import cap: battery stops, pre-heating, EV to its floor, battery out, CHP, EV pauses, D, C, B.

    Who is not ``usable`` is left as it stands; the others take its place in the order.
    """
    place = {player.name: index for index, player in enumerate(players)}
    batteries = [index for index, player in enumerate(players) if isinstance(player.asset, Battery)]
    moded = [
        i
        for i, p in enumerate(players)
        if isinstance(p.asset, OperationModeAsset) and p.usable and p.tier != "A"
    ]
    order = sort_by_shed_order(
        (p.asset for p in players if p.usable and isinstance(p.asset, _Switched)), turns, now_ns
    )
    running = [asset for asset in order if turns[asset.name].on]
    first = [asset for asset in running if isinstance(asset, ChargePointAsset) and asset.tier == "D"]
    # Who can wait longest pauses first; where cars do not share all are equal, and stay as they stand.
    first.sort(key=lambda ev: -players[place[ev.name]].laxity_s)
    steps = [AllocationStep(i, 0.0, True, STOPS_TAKING, "D") for i in batteries]
    steps += [_rung_step(i, rung) for i in moded for rung in _early(players[i])]
    steps += _slowed(players, place, first)
    steps += [AllocationStep(i, players[i].room.low_w, True, GIVES) for i in batteries]
    steps += [_rung_step(i, rung) for i in moded for rung in _generating(players[i])]
    steps += [_pause(place, ev) for ev in first if is_switch_allowed(ev, turns[ev.name], now_ns)]
    rest = [
        (
            switch_state.rank_tier(asset, asset.tier, turns[asset.name], now_ns),
            _taken(players, place, asset, turns, now_ns),
        )
        for asset in running
        if asset not in first and not _is_shared(players[place[asset.name]])
    ]
    rest += _cars(players, place, [asset for asset in running if asset not in first], turns, now_ns)
    rest += [
        (_place(players[i], rung.tier, now_ns), [_rung_step(i, rung)])
        for i in moded
        for rung in _late(players[i])
    ]
    rest.sort(key=lambda entry: entry[0])
    return [*steps, *chain.from_iterable(taken for _, taken in rest)]


def _place(player: Participant, tier: Tier, now_ns: int) -> tuple[int, int, float, str]:
    return switch_state.rank_tier(player.asset, tier, player.turn, now_ns)


def _early(player: Participant) -> list[ModeStep]:
    return [rung for rung in player.downs if rung.early and not rung.generates]


def _generating(player: Participant) -> list[ModeStep]:
    """Return what generates by our request: after the battery, before a car has to wait."""
    return [rung for rung in player.downs if rung.generates]


def _late(player: Participant) -> list[ModeStep]:
    return [rung for rung in player.downs if not (rung.early or rung.generates)]


def _rung_step(index: int, rung: ModeStep) -> AllocationStep:
    reason = make_reason("mode.to_of_tier", mode=rung.name, tier=rung.tier)
    if rung.generates:
        reason = make_reason("mode.to", mode=rung.name)
    return AllocationStep(index, rung.target_w, False, reason, rung.tier)


def _is_shared(player: Participant) -> bool:
    return player.allowed_w is not None


def _cars(
    players: Sequence[Participant],
    place: Mapping[str, int],
    running: Sequence[Load | ChargePointAsset],
    turns: Mapping[str, SwitchState],
    now_ns: int,
) -> Iterator[tuple[tuple[int, int, float, str], list[AllocationStep]]]:
    """Cars of a later tier that share: all of a tier are slowed together, then pause by turns."""
    cars = [ev for ev in running if isinstance(ev, ChargePointAsset) and _is_shared(players[place[ev.name]])]
    for tier in dict.fromkeys(ev.tier for ev in cars):
        mine = [ev for ev in cars if ev.tier == tier]
        turn = switch_state.TIER_RANK[tier]
        yield (turn, -1, 0.0, ""), _slowed(players, place, mine)
        for ev in mine:
            if is_switch_allowed(ev, turns[ev.name], now_ns):
                laxity_s = players[place[ev.name]].laxity_s
                yield (turn, 0, -laxity_s, ev.name), [_pause(place, ev)]


def _taken(
    players: Sequence[Participant],
    place: Mapping[str, int],
    asset: Load | ChargePointAsset,
    turns: Mapping[str, SwitchState],
    now_ns: int,
) -> list[AllocationStep]:
    switchable = is_switch_allowed(asset, turns[asset.name], now_ns)
    if isinstance(asset, ChargePointAsset):
        slower = _slowed(players, place, [asset])
        return [*slower, _pause(place, asset)] if switchable else slower
    return (
        [AllocationStep(place[asset.name], 0.0, False, SHED_CODES[asset.tier], asset.tier)]
        if switchable
        else []
    )


def list_export_steps(
    players: Sequence[Participant], turns: Mapping[str, SwitchState], now_ns: int, *, raising: bool
) -> list[AllocationStep]:
    """For an export cap: battery charges, flexible loads on, PV curtailed.

    Not ``raising``: a battery stops giving, PV is curtailed, and nothing takes more.

    A car that takes less than it may takes no more for being allowed more: it is no step.  PV that makes more
    than it may is told to make none, once.
    """
    place = {player.name: index for index, player in enumerate(players)}
    steps: list[AllocationStep] = []
    if raising:
        steps += [
            AllocationStep(i, p.room.high_w, True, TAKES)
            for i, p in enumerate(players)
            if isinstance(p.asset, Battery)
        ]
        # Cars that share are given all that fits anyway.
        usable = (p.asset for p in players if isinstance(p.asset, _Switched) and _may_rise(p))
        order = sort_by_shed_order(usable, turns, now_ns)
        for asset in reversed(order):
            steps += _raised(players[place[asset.name]], place[asset.name], turns[asset.name], now_ns)
        steps += _higher(players)
    else:
        steps += [AllocationStep(i, 0.0, True, STOPS_GIVING) for i, p in enumerate(players) if _gives(p)]
    for index, player in enumerate(players):
        if isinstance(player.asset, Pv) and player.turn.on and player.usable and not _is_spent(player):
            limit = player.asset.curtail == "limit"
            reason = CURTAILED if limit else SWITCHED_OFF
            steps.append(AllocationStep(index, 0.0, limit and not player.deaf, reason))
    return steps


def _is_spent(player: Participant) -> bool:
    """Return whether it was told to make nothing, and does not obey."""
    return player.deaf and player.turn.limit_w == 0.0


def _gives(player: Participant) -> bool:
    return isinstance(player.asset, Battery) and player.want_w < 0


def _may_rise(player: Participant) -> bool:
    return player.usable and not (player.deaf or _is_shared(player))


def _higher(players: Sequence[Participant]) -> Iterator[AllocationStep]:
    for index, player in enumerate(players):
        if player.usable:
            for rung in player.ups:
                yield AllocationStep(
                    index, rung.target_w, False, make_reason("mode.to", mode=rung.name), player.tier
                )


def _slowed(
    players: Sequence[Participant], place: Mapping[str, int], cars: Sequence[ChargePointAsset]
) -> list[AllocationStep]:
    """To their floors; cars that share go there together.

    One that takes more than it may is told its floor, after the others and once; where cars share, the
    others make room for it.
    """
    deaf = [ev for ev in cars if players[place[ev.name]].deaf]
    steps = [_slower(place, ev, _pool(players[place[ev.name]])) for ev in cars if ev not in deaf]
    for ev in deaf:
        player = players[place[ev.name]]
        if not _is_shared(player) and (player.turn.limit_w or 0.0) > find_floor_power_w(ev):
            steps.append(replace(_slower(place, ev), divisible=False))
    return steps


def _slower(place: Mapping[str, int], ev: ChargePointAsset, pool: int = -1) -> AllocationStep:
    return AllocationStep(place[ev.name], find_floor_power_w(ev), True, SLOWED, ev.tier, pool)


def _pool(player: Participant) -> int:
    return switch_state.TIER_RANK[player.asset.tier] if _is_shared(player) else -1


def _pause(place: Mapping[str, int], ev: ChargePointAsset) -> AllocationStep:
    return AllocationStep(place[ev.name], 0.0, False, PAUSED, ev.tier)


def _raised(player: Participant, index: int, turn: SwitchState, now_ns: int) -> list[AllocationStep]:
    asset = player.asset
    assert isinstance(asset, Load | ChargePointAsset)
    if not turn.on:
        if not is_return_allowed(asset, turn, now_ns):
            return []
        reason = RESUMES if isinstance(asset, ChargePointAsset) else SWITCHED_ON
        return [AllocationStep(index, estimate_return_power_w(asset, turn), False, reason, asset.tier)]
    if isinstance(asset, ChargePointAsset) and (is_at_order(player) or turn.is_ramping(now_ns)):
        return [AllocationStep(index, find_full_power_w(asset), True, FASTER, asset.tier)]
    return []


def estimate_return_power_w(asset: Load | ChargePointAsset, turn: SwitchState) -> float:
    """Return what it is expected to take when it comes back, in W."""
    if isinstance(asset, ChargePointAsset):
        return find_floor_power_w(asset)
    return turn.before_w if turn.before_w > 0 else asset.rated_w


def explain_first_order(player: Participant, turn: SwitchState, reason: Reason) -> Reason:
    """Return why one was moved, by its order: ``limit_first_order`` pauses a car that was to be slowed."""
    cause = reason.drop_last()
    if player.turn.unread_ns is None or turn.on or reason.last.code != SLOWED.code or cause is None:
        return reason
    return cause.then(_PAUSED)
