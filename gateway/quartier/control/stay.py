"""What is known of the car at a charging point: how it charges, what it wants, when it leaves (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from quartier.control import daytime, phases, uptake
from quartier.control.orders import Order
from quartier.control.phases import LEAST_A, Share
from quartier.control.players import CAR_ANSWERS_S, OVER_A, full_w
from quartier.control.shed import Turn
from quartier.control.sight import CURRENTS, Memories, age_s, fresh, power_w
from quartier.control.uptake import UNDER_A, Sight, Uptake
from quartier.house.assets import Ev, House
from quartier.house.nodes import PHASES
from quartier.house.now import Now
from quartier.house.records import replace

IDLE_W = 200.0
IDLE_S = 60.0
"""A car that takes less than 200 W for a minute, though it may, is full or waits for something of its own."""
SURE_S = 20.0
"""So long a phase must stay without current before it counts as not used."""
UNDER_S, MARGIN_A = 30.0, 2.0
"""A car that stays 1.5 A below its order for 30 s is held to what it takes and 2 A, until it reaches that."""
PATIENCE_S = 4 * 3600.0
"""The laxity of a car that nobody knows a departure of; each second that it waits takes one off."""
_S = 1_000_000_000
_DAY_S = 86_400.0

Used = tuple[bool, bool, bool]


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay of a car.  ``used`` are the terminals it charges on, None while that is not sure.

    ``charged_wh`` is what it got, ``waited_s`` how long it waited more than it charged; ``idle_ns`` and
    ``under_ns`` since when it takes nothing, or less than it may; ``uptake`` is what it was seen to take.
    """

    since_ns: int
    charged_wh: float = 0.0
    waited_s: float = 0.0
    used: Used | None = None
    seen: Used | None = None
    seen_ns: int = 0
    idle_ns: int | None = None
    under_ns: int | None = None
    uptake: Uptake = field(default_factory=Uptake)

    def is_idle(self, now_ns: int) -> bool:
        """Whether it has taken nothing for a minute though it might have."""
        return self.idle_ns is not None and now_ns - self.idle_ns >= IDLE_S * _S


@dataclass(frozen=True, slots=True)
class Park:
    """What sharing remembers: when it last did; since when a paused car would fit, which row bounds one.

    ``level_w`` is what all may take together after the cap at the connection took some; None: it took none.
    """

    shared_ns: int | None = None
    fits_ns: Mapping[str, int] = field(default_factory=dict)
    level_w: float | None = None
    bounds: Mapping[str, int] = field(default_factory=dict)


def stays(
    house: House,
    before: Mapping[str, Stay],
    turns: Mapping[str, Turn],
    memories: Memories,
    dt_s: float,
    now: Now,
    orders: Mapping[str, Order] = MappingProxyType({}),
) -> dict[str, Stay]:
    """The stays at all charging points; where no car is there is none.

    ``orders`` are the last ones: what a plan or a person orders may be less than the turn allows.
    """
    found = {}
    for asset in house.assets:
        if not isinstance(asset, Ev) or _is_away(asset, memories):
            continue
        stay = before.get(asset.name, Stay(now.ns))
        turn = turns.get(asset.name, Turn())
        order = orders.get(f"{asset.name}.current_max_a")
        offered_a = ordered_a(asset, turn) if order is None else min(ordered_a(asset, turn), order.value)
        found[asset.name] = _gone_on(asset, stay, turn, offered_a, memories, dt_s, now.ns)
    return found


def _is_away(ev: Ev, memories: Memories) -> bool:
    """Whether no car is there for sure; where the charger does not say, one may be."""
    seen = memories.get(f"{ev.name}.plugged_on")
    return seen is not None and seen.value == 0


def _gone_on(
    ev: Ev, stay: Stay, turn: Turn, offered_a: float, memories: Memories, dt_s: float, now_ns: int
) -> Stay:
    watts = power_w(memories, ev, now_ns)
    if watts is None:  # who stands there now nobody knows
        return replace(stay, charged_wh=0.0, uptake=Uptake())
    charged_wh = fresh(memories, f"{ev.name}.session_energy_wh", ev.period_s, now_ns)
    if charged_wh is None:
        charged_wh = stay.charged_wh + max(0.0, watts) * dt_s / 3600.0
    draws = watts >= IDLE_W
    idle_ns = None if draws or not turn.on else _since(stay.idle_ns, now_ns)
    waits = not turn.on and not draws
    waited_s = max(0.0, stay.waited_s + (dt_s if waits else -dt_s if draws else 0.0))
    stay = _phased(stay, ev, memories, now_ns)
    takes_a, may_a = drawn_a(ev, stay, memories, now_ns), ordered_a(ev, turn)
    return replace(
        stay,
        charged_wh=charged_wh,
        idle_ns=idle_ns,
        waited_s=waited_s,
        under_ns=_since(stay.under_ns, now_ns) if turn.on and draws and takes_a < may_a - UNDER_A else None,
        uptake=_uptake(stay, ev, memories, offered_a, now_ns)
        if turn.on and draws
        else uptake.unwatched(stay.uptake),
    )


def _uptake(stay: Stay, ev: Ev, memories: Memories, may_a: float, now_ns: int) -> Uptake:
    power = memories[f"{ev.name}.power_w"]
    phases_count = None if stay.used is None else sum(stay.used)
    return uptake.looked(stay.uptake, ev, Sight(may_a, power.value, power.taken_ns, phases_count), now_ns)


def _since(before_ns: int | None, now_ns: int) -> int:
    return now_ns if before_ns is None else before_ns


def _phased(stay: Stay, ev: Ev, memories: Memories, now_ns: int) -> Stay:
    """One more look at the currents: a phase more counts at once, one less when that is sure."""
    amperes = phases.terminals_a(ev, memories, now_ns)
    if amperes is None:
        return stay if stay.used is None and stay.seen is None else replace(stay, used=None, seen=None)
    if max(amperes) < LEAST_A:
        return stay
    first, second, third = (ampere >= LEAST_A for ampere in amperes)
    seen = (first, second, third)
    if seen != stay.seen:
        stay = replace(stay, seen=seen, seen_ns=now_ns)
    grown = stay.used is not None and any(more and not had for more, had in zip(seen, stay.used, strict=True))
    if seen != stay.used and (grown or now_ns - stay.seen_ns >= SURE_S * _S):
        return replace(stay, used=seen)
    return stay


def count(ev: Ev, stay: Stay | None) -> int:
    """On how many phases the car charges; all of its point's while that is not sure."""
    if ev.phases_count == 1 or stay is None or stay.used is None:
        return ev.phases_count
    return sum(stay.used)


def share(ev: Ev, stay: Stay | None, known: Share) -> Share:
    """Where the power of this car would be: on the terminals it uses; ``known`` while that is not sure."""
    if ev.phases_count == 1 or stay is None or stay.used is None:
        return known if ev.phases_count == 1 else phases.ALL
    part = 1.0 / sum(stay.used)
    if ev.l1_on is None:
        return Share((part, part, part), known=all(stay.used))
    first = PHASES.index(ev.l1_on)
    l1, l2, l3 = (part if stay.used[(k - first) % 3] else 0.0 for k in range(3))
    return Share((l1, l2, l3))


def is_deaf(turn: Turn, order_a: float, takes_a: float, read_ns: int) -> bool:
    """Whether it takes more than it may, by a reading of ``read_ns``, although it had the time to answer."""
    return takes_a > order_a + OVER_A and turn.had_time(CAR_ANSWERS_S, read_ns)


def ordered_a(ev: Ev, turn: Turn) -> float:
    """The current it is held to, in A; 0 while it is paused."""
    if not turn.on:
        return 0.0
    limit_w = full_w(ev) if turn.limit_w is None else turn.limit_w
    return limit_w / (ev.voltage_v * ev.phases_count)


def drawn_a(ev: Ev, stay: Stay | None, memories: Memories, now_ns: int) -> float:
    """The current it takes, on the phase with most of it, in A."""
    amperes = phases.terminals_a(ev, memories, now_ns)
    if amperes is not None and ev.phases_count == 3:
        return max(amperes)
    watts = power_w(memories, ev, now_ns) or 0.0
    return max(0.0, watts) / (ev.voltage_v * count(ev, stay))


def read_ns(ev: Ev, memories: Memories, now_ns: int) -> int:
    """When what ``drawn_a`` goes by was read; now where nothing was."""
    by_phase = ev.phases_count == 3 and phases.terminals_a(ev, memories, now_ns) is not None
    memory = memories.get(f"{ev.name}.{CURRENTS[0] if by_phase else 'power_w'}")
    return now_ns if memory is None else memory.taken_ns


def most_a(ev: Ev, stay: Stay, memories: Memories, now_ns: int) -> float:
    """The current that it can use, in A: all it may, unless it has stayed below its order for a while."""
    if stay.under_ns is None or now_ns - stay.under_ns < UNDER_S * _S:
        return ev.current_max_a
    return min(ev.current_max_a, max(ev.current_min_a, drawn_a(ev, stay, memories, now_ns) + MARGIN_A))


def leaves_s(ev: Ev, memories: Memories, now: Now, zone: str) -> float | None:
    """Seconds until it leaves: as its charger says, else by the site file; None where nobody knows."""
    said = memories.get(f"{ev.name}.departure_in_s")
    if said is not None and fresh(memories, f"{ev.name}.departure_in_s", ev.period_s, now.ns) is not None:
        return max(0.0, said.value - age_s(said, now.ns))
    local_s = daytime.local_s(now, zone)
    if ev.departure_s is None or local_s is None:
        return None
    return (ev.departure_s - local_s) % _DAY_S


def missing_wh(ev: Ev, stay: Stay, memories: Memories, now_ns: int) -> float | None:
    """What it still wants of this stay, in Wh; None where nobody knows."""
    wanted_wh = fresh(memories, f"{ev.name}.energy_wanted_wh", ev.period_s, now_ns)
    wanted_wh = ev.energy_wanted_wh if wanted_wh is None else wanted_wh
    return None if wanted_wh is None else max(0.0, wanted_wh - stay.charged_wh)


def laxity_s(ev: Ev, stay: Stay, memories: Memories, now: Now, zone: str, *, is_sure: bool = False) -> float:
    """How long it can wait and still leave with what it wants at full current, in s; below 0: no more.

    ``is_sure``: with no more than it was seen to take.  Without a departure or an energy: its patience less
    what it has waited.
    """
    left_s, want_wh = leaves_s(ev, memories, now, zone), missing_wh(ev, stay, memories, now.ns)
    if left_s is None or want_wh is None:
        return PATIENCE_S - stay.waited_s
    if want_wh <= 0:
        return _DAY_S
    seen = stay.uptake
    takes_w = seen.least_w(ev) if is_sure else seen.likely_w(ev, count(ev, stay))
    return left_s - want_wh / takes_w * 3600.0


def needed_a(ev: Ev, stay: Stay, memories: Memories, now: Now, zone: str) -> float:
    """The steady current with which it has what it wants when it leaves, in A; 0 where nobody knows."""
    left_s, want_wh = leaves_s(ev, memories, now, zone), missing_wh(ev, stay, memories, now.ns)
    if left_s is None or want_wh is None or want_wh <= 0:
        return 0.0
    if left_s <= 0:
        return ev.current_max_a
    needed = want_wh * 3600.0 / left_s / (ev.voltage_v * (stay.uptake.phases_count or count(ev, stay)))
    return min(ev.current_max_a, needed)
