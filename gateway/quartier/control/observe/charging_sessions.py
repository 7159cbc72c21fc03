"""Charging sessions: what is known of a car's charging, its request and its departure (pure).

A car may use one phase of three, and less current than offered. Until that was seen it counts with the least
power of a charging car: a car that waits for a cheaper hour must not depend on luck.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, inf
from types import MappingProxyType

from quartier.control.observe import local_time, phases
from quartier.control.observe.observations import (
    CURRENT_QUANTITIES,
    LastGoodValues,
    find_fresh_value,
    find_power_w,
    find_reading_age_s,
)
from quartier.control.observe.phases import PHASE_MIN_A, PhaseShare
from quartier.control.participants import CAR_ANSWERS_S, OVER_A, find_full_power_w
from quartier.control.records import Order
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import PHASES, ChargePointAsset
from quartier.site.records import Now, replace
from quartier.site.site_layout import Site

IDLE_MAX_W = 200.0
IDLE_AFTER_S = 60.0
"""A car that takes less than 200 W for a minute, though it may, is full or waits for its own reasons."""


TERMINALS_SURE_S = 20.0
"""How long a phase must be without current before it counts as not used, in s."""


UNDER_S, MARGIN_A = 30.0, 2.0
"""A car 1.5 A below its order for 30 s is held to its present current and 2 A, until it reaches that."""


UNMET_ORDER_S = 4 * 3600.0
"""The laxity of a car without a known departure, in s; each second of waiting takes one off."""


_S = 1_000_000_000
_DAY_S = 86_400.0
UsedTerminals = tuple[bool, bool, bool]


@dataclass(frozen=True, slots=True)
class Uptake:
    """The power that a car was seen to take.

    ``sure_w`` is the power that it surely takes, 0 while it is not known. ``is_all``: it was offered more,
    and took no more. ``phases_count`` is the smallest number of phases that carry it. ``low_w`` is the least
    power since ``since_ns``, ``least_a`` the smallest order and ``order_a`` the last one.
    """

    sure_w: float = 0.0
    is_all: bool = False
    phases_count: int = 0
    low_w: float = inf
    least_a: float = inf
    order_a: float = 0.0
    since_ns: int | None = None

    @property
    def is_known(self) -> bool:
        """Return whether its power was seen."""
        return self.sure_w > 0.0

    def least_w(self, ev: ChargePointAsset) -> float:
        """Return the sure power at full current, in W; the minimum of a charging car if none was seen."""
        return self.sure_w if self.is_known else ev.current_min_a * ev.voltage_v

    def likely_w(self, ev: ChargePointAsset, phases_count: int) -> float:
        """Return the likely power at full current, in W, on at most ``phases_count`` phases."""
        if self.is_all:
            return self.sure_w
        return max(self.sure_w, ev.current_max_a * ev.voltage_v * (self.phases_count or phases_count))

    def find_plan_current(self, ev: ChargePointAsset) -> tuple[int, float]:
        """Return the phases and the largest current, in A, that a plan may assume."""
        if not self.is_known:
            return 1, float(ceil(ev.current_min_a))
        if not self.is_all:
            return self.phases_count, ev.current_max_a
        return self.phases_count, min(ev.current_max_a, self.sure_w / (ev.voltage_v * self.phases_count))


@dataclass(frozen=True, slots=True)
class ChargingSession:
    """One charging session. ``used`` are the terminals it charges on, None while that is not sure.

    ``charged_wh`` is the energy it got. ``waited_s`` is how much longer it waited than it charged.
    ``idle_ns`` and ``under_ns`` are since when it takes nothing, or less than it may. ``uptake`` is the power
    that it was seen to take.
    """

    since_ns: int
    charged_wh: float = 0.0
    waited_s: float = 0.0
    used: UsedTerminals | None = None
    observed_terminals: UsedTerminals | None = None
    observation_ns: int = 0
    idle_ns: int | None = None
    under_ns: int | None = None
    uptake: Uptake = field(default_factory=Uptake)

    def is_idle(self, now_ns: int) -> bool:
        """Return whether it has taken nothing for a minute though it might have."""
        return self.idle_ns is not None and now_ns - self.idle_ns >= IDLE_AFTER_S * _S


@dataclass(frozen=True, slots=True)
class SharingState:
    """The state of load sharing: when it last ran, since when a paused car fits, the row that bounds each.

    ``level_w`` is what all may take together after the limit of the connection lowered it; None: it did not.
    """

    shared_ns: int | None = None
    fits_ns: Mapping[str, int] = field(default_factory=dict)
    level_w: float | None = None
    bounds: Mapping[str, int] = field(default_factory=dict)


def update_sessions(
    site: Site,
    before: Mapping[str, ChargingSession],
    switches: Mapping[str, SwitchState],
    last_good: LastGoodValues,
    dt_s: float,
    now: Now,
    *,
    orders: Mapping[str, Order] = MappingProxyType({}),
) -> dict[str, ChargingSession]:
    """Update the sessions at all charge points; without a car there is none.

    ``orders`` are the last ones: a plan or a person may order less than the switch state allows.
    """
    found = {}
    for asset in site.assets:
        if not isinstance(asset, ChargePointAsset) or _is_away(asset, last_good):
            continue
        stay = before.get(asset.name, ChargingSession(now.ns))
        switch = switches.get(asset.name, SwitchState())
        order = orders.get(f"{asset.name}.current_max_a")
        offered_a = (
            find_ordered_current_a(asset, switch)
            if order is None
            else min(find_ordered_current_a(asset, switch), order.value)
        )
        found[asset.name] = _continue_session(asset, stay, switch, offered_a, last_good, dt_s, now.ns)
    return found


def _is_away(ev: ChargePointAsset, last_good: LastGoodValues) -> bool:
    """Return whether surely no car is there; if the charger does not report it, one may be."""
    seen = last_good.get(f"{ev.name}.plugged_on")
    return seen is not None and seen.value == 0


def _continue_session(
    ev: ChargePointAsset,
    stay: ChargingSession,
    switch: SwitchState,
    offered_a: float,
    last_good: LastGoodValues,
    dt_s: float,
    now_ns: int,
) -> ChargingSession:
    watts = find_power_w(last_good, ev, now_ns)
    if watts is None:  # it is not known which car is there now
        return replace(stay, charged_wh=0.0, uptake=Uptake())
    charged_wh = find_fresh_value(last_good, f"{ev.name}.session_energy_wh", ev.period_s, now_ns)
    if charged_wh is None:
        charged_wh = stay.charged_wh + max(0.0, watts) * dt_s / 3600.0
    draws = watts >= IDLE_MAX_W
    idle_ns = None if draws or not switch.on else _since(stay.idle_ns, now_ns)
    waits = not switch.on and not draws
    waited_s = max(0.0, stay.waited_s + (dt_s if waits else -dt_s if draws else 0.0))
    stay = _update_terminals(stay, ev, last_good, now_ns)
    takes_a, may_a = find_drawn_current_a(ev, stay, last_good, now_ns), find_ordered_current_a(ev, switch)
    return replace(
        stay,
        charged_wh=charged_wh,
        idle_ns=idle_ns,
        waited_s=waited_s,
        under_ns=_since(stay.under_ns, now_ns)
        if switch.on and draws and takes_a < may_a - BELOW_ORDER_A
        else None,
        uptake=_uptake(stay, ev, last_good, offered_a, now_ns)
        if switch.on and draws
        else pause_uptake(stay.uptake),
    )


def _uptake(
    stay: ChargingSession, ev: ChargePointAsset, last_good: LastGoodValues, may_a: float, now_ns: int
) -> Uptake:
    power = last_good[f"{ev.name}.power_w"]
    phases_count = None if stay.used is None else sum(stay.used)
    return update_uptake(
        stay.uptake, ev, UptakeSample(may_a, power.value, power.taken_ns, phases_count), now_ns
    )


def _since(before_ns: int | None, now_ns: int) -> int:
    return now_ns if before_ns is None else before_ns


def _update_terminals(
    stay: ChargingSession, ev: ChargePointAsset, last_good: LastGoodValues, now_ns: int
) -> ChargingSession:
    """Update the terminals by the currents: one more phase counts at once, one less when that is sure."""
    amperes = phases.read_terminal_currents_a(ev, last_good, now_ns)
    if amperes is None:
        return (
            stay
            if stay.used is None and stay.observed_terminals is None
            else replace(stay, used=None, observed_terminals=None)
        )
    if max(amperes) < PHASE_MIN_A:
        return stay
    first, second, third = (ampere >= PHASE_MIN_A for ampere in amperes)
    seen = (first, second, third)
    if seen != stay.observed_terminals:
        stay = replace(stay, observed_terminals=seen, observation_ns=now_ns)
    grown = stay.used is not None and any(more and not had for more, had in zip(seen, stay.used, strict=True))
    if seen != stay.used and (grown or now_ns - stay.observation_ns >= TERMINALS_SURE_S * _S):
        return replace(stay, used=seen)
    return stay


def count_phases(ev: ChargePointAsset, stay: ChargingSession | None) -> int:
    """Return on how many phases the car charges; all of its point while that is not sure."""
    if ev.phases_count == 1 or stay is None or stay.used is None:
        return ev.phases_count
    return sum(stay.used)


def find_session_share(ev: ChargePointAsset, stay: ChargingSession | None, known: PhaseShare) -> PhaseShare:
    """Return the phase share of this car: the terminals it uses; ``known`` while that is not sure."""
    if ev.phases_count == 1 or stay is None or stay.used is None:
        return known if ev.phases_count == 1 else phases.ALL_PHASES
    part = 1.0 / sum(stay.used)
    if ev.l1_on is None:
        return PhaseShare((part, part, part), known=all(stay.used))
    first = PHASES.index(ev.l1_on)
    l1, l2, l3 = (part if stay.used[(k - first) % 3] else 0.0 for k in range(3))
    return PhaseShare((l1, l2, l3))


def is_order_ignored(switch: SwitchState, order_a: float, takes_a: float, read_ns: int) -> bool:
    """Return whether it takes more than it may, by a reading of ``read_ns``, although it had time to obey."""
    return takes_a > order_a + OVER_A and switch.had_time(CAR_ANSWERS_S, read_ns)


def find_ordered_current_a(ev: ChargePointAsset, switch: SwitchState) -> float:
    """Return the current it is limited to, in A; 0 while it is paused."""
    if not switch.on:
        return 0.0
    limit_w = find_full_power_w(ev) if switch.limit_w is None else switch.limit_w
    return limit_w / (ev.voltage_v * ev.phases_count)


def find_drawn_current_a(
    ev: ChargePointAsset, stay: ChargingSession | None, last_good: LastGoodValues, now_ns: int
) -> float:
    """Return its current on the phase with the largest one, in A."""
    amperes = phases.read_terminal_currents_a(ev, last_good, now_ns)
    if amperes is not None and ev.phases_count == 3:
        return max(amperes)
    watts = find_power_w(last_good, ev, now_ns) or 0.0
    return max(0.0, watts) / (ev.voltage_v * count_phases(ev, stay))


def find_read_time_ns(ev: ChargePointAsset, last_good: LastGoodValues, now_ns: int) -> int:
    """Return when the reading behind ``find_drawn_current_a`` was taken; now if there is none."""
    by_phase = ev.phases_count == 3 and phases.read_terminal_currents_a(ev, last_good, now_ns) is not None
    memory = last_good.get(f"{ev.name}.{CURRENT_QUANTITIES[0] if by_phase else 'power_w'}")
    return now_ns if memory is None else memory.taken_ns


def find_usable_current_a(
    ev: ChargePointAsset, stay: ChargingSession, last_good: LastGoodValues, now_ns: int
) -> float:
    """Return the current that it can use, in A: all it may, unless it stayed below its order for a while."""
    if stay.under_ns is None or now_ns - stay.under_ns < UNDER_S * _S:
        return ev.current_max_a
    return min(
        ev.current_max_a, max(ev.current_min_a, find_drawn_current_a(ev, stay, last_good, now_ns) + MARGIN_A)
    )


def find_departure_s(ev: ChargePointAsset, last_good: LastGoodValues, now: Now, zone: str) -> float | None:
    """Return the seconds until it leaves, by its charger, else by the site file; None if not known."""
    reading = last_good.get(f"{ev.name}.departure_in_s")
    if (
        reading is not None
        and find_fresh_value(last_good, f"{ev.name}.departure_in_s", ev.period_s, now.ns) is not None
    ):
        return max(0.0, reading.value - find_reading_age_s(reading, now.ns))
    local_s = local_time.find_local_time_s(now, zone)
    if ev.departure_s is None or local_s is None:
        return None
    return (ev.departure_s - local_s) % _DAY_S


def find_missing_energy_wh(
    ev: ChargePointAsset, stay: ChargingSession, last_good: LastGoodValues, now_ns: int
) -> float | None:
    """Return the energy it still wants in this session, in Wh; None if not known."""
    wanted_wh = find_fresh_value(last_good, f"{ev.name}.energy_wanted_wh", ev.period_s, now_ns)
    wanted_wh = ev.energy_wanted_wh if wanted_wh is None else wanted_wh
    return None if wanted_wh is None else max(0.0, wanted_wh - stay.charged_wh)


def find_laxity_s(
    ev: ChargePointAsset,
    stay: ChargingSession,
    last_good: LastGoodValues,
    now: Now,
    zone: str,
    *,
    is_sure: bool = False,
) -> float:
    """Return how long it can wait and still get its energy at full current, in s; negative if too late.

    ``is_sure``: with no more power than it was seen to take. Without a departure or an energy, it is its
    patience less its waiting time.
    """
    left_s, missing_wh = (
        find_departure_s(ev, last_good, now, zone),
        find_missing_energy_wh(ev, stay, last_good, now.ns),
    )
    if left_s is None or missing_wh is None:
        return UNMET_ORDER_S - stay.waited_s
    if missing_wh <= 0:
        return _DAY_S
    uptake = stay.uptake
    takes_w = uptake.least_w(ev) if is_sure else uptake.likely_w(ev, count_phases(ev, stay))
    return left_s - missing_wh / takes_w * 3600.0


def find_needed_current_a(
    ev: ChargePointAsset, stay: ChargingSession, last_good: LastGoodValues, now: Now, zone: str
) -> float:
    """Return the steady current that gives it its energy by its departure, in A; 0 if not known."""
    left_s, missing_wh = (
        find_departure_s(ev, last_good, now, zone),
        find_missing_energy_wh(ev, stay, last_good, now.ns),
    )
    if left_s is None or missing_wh is None or missing_wh <= 0:
        return 0.0
    if left_s <= 0:
        return ev.current_max_a
    needed = (
        missing_wh * 3600.0 / left_s / (ev.voltage_v * (stay.uptake.phases_count or count_phases(ev, stay)))
    )
    return min(ev.current_max_a, needed)


UPTAKE_WATCH_S = 30.0
"""How long it is watched, in s; the least power in that time is what it surely takes."""


BELOW_ORDER_A = 1.5
"""A car that stays this far below its order, in A, takes all that it can."""


MORE_SHARE = 1.02
"""Only a power above this factor of the one seen counts as more."""


_ROUND = 0.2
"""A phase slightly above its nominal voltage does not count as a second one."""


@dataclass(frozen=True, slots=True)
class UptakeSample:
    """One sample of a car.

    ``order_a`` is what it may take, in A; ``watts`` what it takes, in W, read at ``read_ns``;
    ``phases_count`` on how many phases it charges, if its currents show that.
    """

    order_a: float
    watts: float
    read_ns: int
    phases_count: int | None = None


def update_uptake(before: Uptake, ev: ChargePointAsset, sample: UptakeSample, now_ns: int) -> Uptake:
    """Add one more sample of a car that draws power."""
    if before.since_ns is None or sample.order_a > before.order_a + BELOW_ORDER_A:
        return replace(
            before, low_w=inf, least_a=sample.order_a, order_a=sample.order_a, since_ns=now_ns
        )  # its present power follows another order
    watched_s = (sample.read_ns - before.since_ns) / _S
    low_w = before.low_w if watched_s < CAR_ANSWERS_S else min(before.low_w, sample.watts)
    least_a, after = min(before.least_a, sample.order_a), before
    if (low_w, least_a, sample.order_a) != (before.low_w, before.least_a, before.order_a):
        after = replace(before, low_w=low_w, least_a=least_a, order_a=sample.order_a)
    return after if watched_s < UPTAKE_WATCH_S else _conclude_watch(after, ev, sample.phases_count, now_ns)


def pause_uptake(before: Uptake) -> Uptake:
    """Pause the watch: the car draws nothing, or may not. The result so far stays."""
    return before if before.since_ns is None else replace(before, since_ns=None)


def _conclude_watch(watched: Uptake, ev: ChargePointAsset, phases_count: int | None, now_ns: int) -> Uptake:
    """Conclude a watch, and begin the next."""
    low_w, least_a = watched.low_w, max(ev.current_min_a, watched.least_a)
    count = phases_count or min(ev.phases_count, max(1, ceil(low_w / (ev.voltage_v * least_a) - _ROUND)))
    is_all = low_w < (least_a - BELOW_ORDER_A) * ev.voltage_v * count
    after = replace(watched, low_w=inf, least_a=watched.order_a, since_ns=now_ns)
    if is_all or low_w > MORE_SHARE * watched.sure_w:
        return replace(after, sure_w=low_w, is_all=is_all, phases_count=count)
    return after
