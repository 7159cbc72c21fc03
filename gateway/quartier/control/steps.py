"""The one order in which a cap is taken (spec/failsafe.md#section-3), as steps for the kernel."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from quartier.control import shed
from quartier.control.players import Player, Rung, floor_w, full_w, stands
from quartier.control.reason import Reason, make
from quartier.control.shed import Turn, in_turn, may_return, may_switch
from quartier.house.assets import Battery, Ev, Load, Moded, Pv, Tier
from quartier.house.records import replace

SLOWED, PAUSED = make("charging.slowed"), make("charging.paused")
RESUMES, FASTER, SWITCHED_ON = make("charging.resumes"), make("charging.faster"), make("load.on")
SHED = {tier: make("load.shed", tier=tier) for tier in ("A", "B", "C", "D")}
CURTAILED, SWITCHED_OFF = make("generation.curtailed"), make("generation.off")
STOPS_TAKING, GIVES = make("battery.stops_charging"), make("battery.discharges")
STOPS_GIVING, TAKES = make("battery.stops_discharging"), make("battery.charges")
TAKES_LESS, GIVES_LESS = make("battery.charges_less"), make("battery.discharges_less")
OF_BATTERY = frozenset(one.code for one in (STOPS_TAKING, GIVES, STOPS_GIVING, TAKES))
"""What a step of a battery goes to at most; how far it went says ``outcome.named``."""
_Switched = Load | Ev


@dataclass(frozen=True, slots=True)
class Step:
    """``index`` is the player's; ``reason`` says what happens to it.

    Divisible steps of one ``pool`` in a row are taken together, each in proportion to its way; -1: alone.
    """

    index: int
    target_w: float
    divisible: bool
    reason: Reason
    tier: str = ""
    pool: int = -1

    @property
    def plain(self) -> tuple[int, float, bool]:
        """What the kernel of one node takes."""
        return self.index, self.target_w, self.divisible


def down(players: Sequence[Player], turns: Mapping[str, Turn], now_ns: int) -> list[Step]:
    """For an import cap: battery stops, pre-heating, EV to its floor, battery out, CHP, EV pauses, D, C, B.

    Who is not ``usable`` is left as it stands; the others take its place in the order.
    """
    place = {player.name: index for index, player in enumerate(players)}
    batteries = [index for index, player in enumerate(players) if isinstance(player.asset, Battery)]
    moded = [i for i, p in enumerate(players) if isinstance(p.asset, Moded) and p.usable and p.tier != "A"]
    order = in_turn((p.asset for p in players if p.usable and isinstance(p.asset, _Switched)), turns, now_ns)
    running = [asset for asset in order if turns[asset.name].on]
    first = [asset for asset in running if isinstance(asset, Ev) and asset.tier == "D"]
    # Who can wait longest pauses first; where cars do not share all are equal, and stay as they stand.
    first.sort(key=lambda ev: -players[place[ev.name]].laxity_s)
    steps = [Step(i, 0.0, True, STOPS_TAKING, "D") for i in batteries]
    steps += [_rung_step(i, rung) for i in moded for rung in _early(players[i])]
    steps += _slowed(players, place, first)
    steps += [Step(i, players[i].room.low_w, True, GIVES) for i in batteries]
    steps += [_rung_step(i, rung) for i in moded for rung in _generating(players[i])]
    steps += [_pause(place, ev) for ev in first if may_switch(ev, turns[ev.name], now_ns)]
    rest = [
        (
            shed.place(asset, asset.tier, turns[asset.name], now_ns),
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


def _place(player: Player, tier: Tier, now_ns: int) -> tuple[int, int, float, str]:
    return shed.place(player.asset, tier, player.turn, now_ns)


def _early(player: Player) -> list[Rung]:
    return [rung for rung in player.downs if rung.early and not rung.generates]


def _generating(player: Player) -> list[Rung]:
    """What generates by our request: after the battery, before a car has to wait."""
    return [rung for rung in player.downs if rung.generates]


def _late(player: Player) -> list[Rung]:
    return [rung for rung in player.downs if not (rung.early or rung.generates)]


def _rung_step(index: int, rung: Rung) -> Step:
    reason = make("mode.to_of_tier", mode=rung.name, tier=rung.tier)
    if rung.generates:
        reason = make("mode.to", mode=rung.name)
    return Step(index, rung.target_w, False, reason, rung.tier)


def _is_shared(player: Player) -> bool:
    return player.allowed_w is not None


def _cars(
    players: Sequence[Player],
    place: Mapping[str, int],
    running: Sequence[Load | Ev],
    turns: Mapping[str, Turn],
    now_ns: int,
) -> Iterator[tuple[tuple[int, int, float, str], list[Step]]]:
    """Cars of a later tier that share: all of a tier are slowed together, then pause by turns."""
    cars = [ev for ev in running if isinstance(ev, Ev) and _is_shared(players[place[ev.name]])]
    for tier in dict.fromkeys(ev.tier for ev in cars):
        mine = [ev for ev in cars if ev.tier == tier]
        turn = shed.TURN_OF_TIER[tier]
        yield (turn, -1, 0.0, ""), _slowed(players, place, mine)
        for ev in mine:
            if may_switch(ev, turns[ev.name], now_ns):
                laxity_s = players[place[ev.name]].laxity_s
                yield (turn, 0, -laxity_s, ev.name), [_pause(place, ev)]


def _taken(
    players: Sequence[Player],
    place: Mapping[str, int],
    asset: Load | Ev,
    turns: Mapping[str, Turn],
    now_ns: int,
) -> list[Step]:
    switchable = may_switch(asset, turns[asset.name], now_ns)
    if isinstance(asset, Ev):
        slower = _slowed(players, place, [asset])
        return [*slower, _pause(place, asset)] if switchable else slower
    return [Step(place[asset.name], 0.0, False, SHED[asset.tier], asset.tier)] if switchable else []


def up(players: Sequence[Player], turns: Mapping[str, Turn], now_ns: int, *, raising: bool) -> list[Step]:
    """For an export cap: battery charges, flexible loads on, PV curtailed.

    Not ``raising``: a battery stops giving, PV is curtailed, and nothing takes more.

    A car that takes less than it may takes no more for being allowed more: it is no step.  PV that makes more
    than it may is told to make none, once.
    """
    place = {player.name: index for index, player in enumerate(players)}
    steps: list[Step] = []
    if raising:
        steps += [
            Step(i, p.room.high_w, True, TAKES) for i, p in enumerate(players) if isinstance(p.asset, Battery)
        ]
        # Cars that share are given all that fits anyway.
        usable = (p.asset for p in players if isinstance(p.asset, _Switched) and _may_rise(p))
        order = in_turn(usable, turns, now_ns)
        for asset in reversed(order):
            steps += _raised(players[place[asset.name]], place[asset.name], turns[asset.name], now_ns)
        steps += _higher(players)
    else:
        steps += [Step(i, 0.0, True, STOPS_GIVING) for i, p in enumerate(players) if _gives(p)]
    for index, player in enumerate(players):
        if isinstance(player.asset, Pv) and player.turn.on and player.usable and not _is_spent(player):
            limit = player.asset.curtail == "limit"
            reason = CURTAILED if limit else SWITCHED_OFF
            steps.append(Step(index, 0.0, limit and not player.deaf, reason))
    return steps


def _is_spent(player: Player) -> bool:
    """Whether it was told to make nothing, and does not obey."""
    return player.deaf and player.turn.limit_w == 0.0


def _gives(player: Player) -> bool:
    return isinstance(player.asset, Battery) and player.want_w < 0


def _may_rise(player: Player) -> bool:
    return player.usable and not (player.deaf or _is_shared(player))


def _higher(players: Sequence[Player]) -> Iterator[Step]:
    for index, player in enumerate(players):
        if player.usable:
            for rung in player.ups:
                yield Step(index, rung.target_w, False, make("mode.to", mode=rung.name), player.tier)


def _slowed(players: Sequence[Player], place: Mapping[str, int], cars: Sequence[Ev]) -> list[Step]:
    """To their floors; cars that share go there together.

    One that takes more than it may is told its floor, after the others and once; where cars share, the
    others make room for it.
    """
    deaf = [ev for ev in cars if players[place[ev.name]].deaf]
    steps = [_slower(place, ev, _pool(players[place[ev.name]])) for ev in cars if ev not in deaf]
    for ev in deaf:
        player = players[place[ev.name]]
        if not _is_shared(player) and (player.turn.limit_w or 0.0) > floor_w(ev):
            steps.append(replace(_slower(place, ev), divisible=False))
    return steps


def _slower(place: Mapping[str, int], ev: Ev, pool: int = -1) -> Step:
    return Step(place[ev.name], floor_w(ev), True, SLOWED, ev.tier, pool)


def _pool(player: Player) -> int:
    return shed.TURN_OF_TIER[player.asset.tier] if _is_shared(player) else -1


def _pause(place: Mapping[str, int], ev: Ev) -> Step:
    return Step(place[ev.name], 0.0, False, PAUSED, ev.tier)


def _raised(player: Player, index: int, turn: Turn, now_ns: int) -> list[Step]:
    asset = player.asset
    assert isinstance(asset, Load | Ev)
    if not turn.on:
        if not may_return(asset, turn, now_ns):
            return []
        reason = RESUMES if isinstance(asset, Ev) else SWITCHED_ON
        return [Step(index, returning_w(asset, turn), False, reason, asset.tier)]
    if isinstance(asset, Ev) and (stands(player) or turn.is_ramping(now_ns)):
        return [Step(index, full_w(asset), True, FASTER, asset.tier)]
    return []


def returning_w(asset: Load | Ev, turn: Turn) -> float:
    """What it is expected to take when it comes back, in W."""
    if isinstance(asset, Ev):
        return floor_w(asset)
    return turn.before_w if turn.before_w > 0 else asset.rated_w
