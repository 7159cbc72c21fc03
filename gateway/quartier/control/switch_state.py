"""The switch state of each asset: whether it may be switched now, and its place in the staged restore.

A compressor does not know that the gateway was restarted. While the machine runs, its own clock measures how
long the restart took, whatever the wall clock was set to. Over a reboot the wall clock measures it. If
neither can, every minimum time begins anew: it is kept longer than necessary, never shorter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from random import Random
from typing import Any, TypeGuard, TypeVar

from quartier.site.asset_types import Asset, ChargePointAsset, ChpUnit, Load, OperationModeAsset, Pv, Tier
from quartier.site.records import Now, replace
from quartier.site.site_layout import Site

RESTORE_BELOW_SHARE = 0.9
RESTORE_AFTER_S = 120.0
RESTORE_EACH_S = 30.0
RESTORE_SPREAD_S = 300.0
SWITCH_SETTLE_S = 4.0
SWITCH_RAMP_S = 4.0
"""For this time after a raise a car is assumed to be still rising: a breach acts after 5 s."""


PV_MIN_OFF_S = 300.0
SWITCHINGS_MAX_PER_H = 6
TIER_RANK = {"A": 3, "B": 2, "C": 1, "D": 0}
_S = 1_000_000_000
_DAY_NS = 86_400 * _S
_HOUR_NS = 3_600 * _S
_SHEDS_MAX = 256
_Shed = TypeVar("_Shed", bound=Asset)
FlexibleAsset = Load | ChargePointAsset | Pv | OperationModeAsset
_Consumer = Load | ChargePointAsset | OperationModeAsset


@dataclass(frozen=True, slots=True)
class SwitchState:
    """The switch state of one flexible asset: whether it may run, since when, and its own limit.

    ``since_ns`` None means long ago. ``limit_w`` is the power to which a charge point or a PV is held; None
    is its full power. ``before_w`` is what it took (or generated, negative) when it was last lowered, at
    ``lowered_ns``.

    ``mode`` is the last mode ordered of an operation-mode asset (None: none yet). ``is_held``: a limit holds
    it below its preferred mode. ``asks_ns``: since when it has preferred another mode without a break.
    ``switch_times_ns``: the changes of direction (down after up, or up after down) in the last hour.
    ``back_ns``: since when its own control has it.

    ``raised_ns``: when a car that took all it might was last allowed to take more, or came back.
    ``order_ns``: when it was last ordered to take (or generate) less; None means long ago. An asset that was
    seen not to obey gets no new time when it is ordered to take still less. ``unread_ns``: since when the
    point of an asset without an order of ours has not been read; None if it was read, or ordered.
    """

    on: bool = True
    since_ns: int | None = None
    limit_w: float | None = None
    before_w: float = 0.0
    lowered_ns: int | None = None
    sheds_ns: tuple[int, ...] = ()
    mode: int | None = None
    is_held: bool = False
    asks_ns: int | None = None
    switch_times_ns: tuple[int, ...] = ()
    back_ns: int | None = None
    raised_ns: int | None = None
    order_ns: int | None = None
    unread_ns: int | None = None

    @property
    def is_limited(self) -> bool:
        """Return whether it runs at less than it would by itself."""
        return self.is_held if self.mode is not None else not self.on or self.limit_w is not None

    def settling(self, now_ns: int, late_s: float = 0.0) -> bool:
        """Return whether some meter may not show a lowering yet; ``late_s`` is the grid meter's delay."""
        return self.lowered_ns is not None and now_ns - self.lowered_ns < (SWITCH_SETTLE_S + late_s) * _S

    def had_time(self, answer_s: float, read_ns: int) -> bool:
        """Return whether a reading taken at ``read_ns`` is from after the time to obey."""
        return self.order_ns is None or read_ns - self.order_ns >= answer_s * _S

    def is_ramping(self, now_ns: int) -> bool:
        """Return whether it may still be rising to what it was just allowed."""
        return self.raised_ns is not None and now_ns - self.raised_ns < SWITCH_RAMP_S * _S

    def sheds_24h(self, now_ns: int) -> int:
        """Return how often it was shed in the last 24 hours."""
        return sum(now_ns - then < _DAY_NS for then in self.sheds_ns)


def switch_off(
    switch: SwitchState, before_w: float, now_ns: int, *, is_unresponsive: bool = False
) -> SwitchState:
    """Shed or pause now.

    ``is_unresponsive``: it was seen not to obey, so its time to obey does not begin anew.
    """
    off = replace(
        switch,
        on=False,
        since_ns=now_ns,
        before_w=before_w,
        lowered_ns=now_ns,
        order_ns=switch.order_ns if is_unresponsive else now_ns,
    )
    return count_shed(off, now_ns)


def count_shed(switch: SwitchState, now_ns: int) -> SwitchState:
    """Count one more shed: only a limited number per hour may come back."""
    recent = tuple(then for then in switch.sheds_ns if now_ns - then < _DAY_NS)[-_SHEDS_MAX + 1 :]
    return replace(switch, sheds_ns=(*recent, now_ns))


def switch_on(switch: SwitchState, now_ns: int) -> SwitchState:
    """Allow the asset to run again from now."""
    return replace(switch, on=True, since_ns=now_ns)


def change_direction(switch: SwitchState, now_ns: int, *, up: bool) -> SwitchState:
    """Record a change of direction now, if there is one; ``on`` says which way the last change went."""
    if switch.on is up:
        return switch
    recent = tuple(then for then in switch.switch_times_ns if now_ns - then < _HOUR_NS)[-_SHEDS_MAX + 1 :]
    return replace(switch, switch_times_ns=(*recent, now_ns))


def is_return_allowed(asset: FlexibleAsset, switch: SwitchState, now_ns: int) -> bool:
    """Return whether it may come back: a load or a car only within six switchings an hour."""
    if not is_switch_allowed(asset, switch, now_ns):
        return False
    recent_count = sum(now_ns - then < _HOUR_NS for then in switch.sheds_ns)
    return not isinstance(asset, Load | ChargePointAsset) or recent_count < SWITCHINGS_MAX_PER_H // 2


def is_rise_allowed(switch: SwitchState, now_ns: int) -> bool:
    """Return whether it may go up: with the next way down it stays within six turns an hour."""
    recent_count = sum(now_ns - then < _HOUR_NS for then in switch.switch_times_ns)
    return switch.on or recent_count <= SWITCHINGS_MAX_PER_H - 2


def lower_limit(
    switch: SwitchState, limit_w: float, before_w: float, now_ns: int, *, is_unresponsive: bool = False
) -> SwitchState:
    """Hold the asset to ``limit_w`` from now, or to its present limit if that is lower.

    An asset that is still settling goes on settling from its first lowering. ``is_unresponsive`` is as in
    ``switch_off``.
    """
    switch = hold_limit(switch, limit_w, now_ns, is_unresponsive=is_unresponsive)
    return switch if switch.settling(now_ns) else replace(switch, before_w=before_w, lowered_ns=now_ns)


def hold_limit(
    switch: SwitchState, limit_w: float, now_ns: int, *, is_unresponsive: bool = False
) -> SwitchState:
    """Allow no more than ``limit_w`` from now; only a limit below the present one is an order to obey."""
    if switch.limit_w is not None and limit_w >= switch.limit_w:
        return switch
    return replace(switch, limit_w=limit_w, order_ns=switch.order_ns if is_unresponsive else now_ns)


def raise_limit(switch: SwitchState, limit_w: float | None, now_ns: int, *, is_at_limit: bool) -> SwitchState:
    """Allow up to ``limit_w`` from now (None: full power).

    ``is_at_limit``: the asset took all that it might until now, so from now it is seen whether it follows.
    One that does not follow gets no new time from a further raise.
    """
    return replace(switch, limit_w=limit_w, raised_ns=now_ns if is_at_limit else switch.raised_ns)


def is_switch_allowed(asset: FlexibleAsset, switch: SwitchState, now_ns: int) -> bool:
    """Return whether its minimum on-time or off-time is over; only a person's order breaks these."""
    if switch.since_ns is None:
        return True
    if isinstance(asset, Pv):
        least_s = 0.0 if switch.on else PV_MIN_OFF_S
    else:
        least_s = asset.min_on_s if switch.on else asset.min_off_s
    return now_ns - switch.since_ns >= least_s * _S


def is_machine(asset: object) -> TypeGuard[Load | ChargePointAsset | OperationModeAsset]:
    """Return whether the asset must run for a while once started; a CHP is not started by a loosening."""
    return isinstance(asset, _Consumer) and not isinstance(asset, ChpUnit) and asset.min_on_s > 0.0


def is_starting(
    asset: Load | ChargePointAsset | OperationModeAsset, switch: SwitchState, now_ns: int
) -> bool:
    """Return whether its minimum on-time still runs; an asset under its own control is not known to be on."""
    return switch.on and switch.back_ns is None and not is_switch_allowed(asset, switch, now_ns)


def find_starting_machines(
    assets: Iterable[Asset], switches: Mapping[str, SwitchState], now_ns: int
) -> set[str]:
    """Return the machines that are inside their minimum on-time."""
    return {
        one.name
        for one in assets
        if is_machine(one) and one.name in switches and is_starting(one, switches[one.name], now_ns)
    }


def is_lowering_allowed(asset: OperationModeAsset, switch: SwitchState, now_ns: int) -> bool:
    """Return whether it may go further down: at once after a way down, as its minimum run was over then."""
    return not switch.on or is_switch_allowed(asset, switch, now_ns)


def sort_by_shed_order(
    assets: Iterable[_Shed], switches: Mapping[str, SwitchState], now_ns: int
) -> list[_Shed]:
    """Sort the assets in the order in which they are shed: tiers D, C, B.

    Inside a tier the one with the fewest sheds in 24 h comes first, then the one with the lowest cost. Tier A
    is never among them.
    """
    sheddable = [asset for asset in assets if asset.tier != "A"]
    return sorted(sheddable, key=lambda a: rank_tier(a, a.tier, switches[a.name], now_ns))


def rank_tier(asset: Asset, tier: Tier, switch: SwitchState, now_ns: int) -> tuple[int, int, float, str]:
    """Return the rank of an asset of ``tier`` in the one shed order: the smallest is shed first."""
    return TIER_RANK[tier], switch.sheds_24h(now_ns), asset.comfort_cost, asset.name


@dataclass(frozen=True, slots=True)
class RestoreGate:
    """The condition under which the next load may come back."""

    below_since_ns: int | None = None
    not_before_ns: int | None = None
    last_ns: int | None = None

    def is_open(self, now_ns: int) -> bool:
        """Return whether the next load may come back.

        The import must have been below the limit by 10 % for 120 s. 30 s must have passed since the last
        restore, and the random delay must be over.
        """
        if self.below_since_ns is None or now_ns - self.below_since_ns < RESTORE_AFTER_S * _S:
            return False
        rested = self.last_ns is None or now_ns - self.last_ns >= RESTORE_EACH_S * _S
        return rested and (self.not_before_ns is None or now_ns >= self.not_before_ns)


def advance_gate(gate: RestoreGate, *, below: bool, common: bool, seed: int, now_ns: int) -> RestoreGate:
    """Return the gate after one more cycle.

    ``common``: something happened now that all buildings saw (a limit rose, the link state changed). This
    building then waits 120 s and a random 0..300 s more, drawn from ``seed``, before it restores. If the 120
    s and the random delay ran at the same time, half of all buildings would come back together after 120 s.
    """
    since_ns = (now_ns if gate.below_since_ns is None else gate.below_since_ns) if below else None
    not_before_ns = gate.not_before_ns
    if common and (not_before_ns is None or now_ns >= not_before_ns):
        # Spreading needs no secret; a seed makes it repeatable.
        delay_s = RESTORE_AFTER_S + Random(f"{seed}:{now_ns}").random() * RESTORE_SPREAD_S  # noqa: S311  see above
        not_before_ns = now_ns + round(delay_s * _S)
    return RestoreGate(since_ns, not_before_ns, gate.last_ns)


_NS_PER_MS = 1_000_000
_COUNT_MAX = 256


def dump_switch_states(switches: Mapping[str, SwitchState], now: Now) -> dict[str, Any]:
    """Return the states of all assets that were ever switched, JSON-ready.

    The result stays the same until one of them is switched again.
    """
    return {name: _facts(switch, now) for name, switch in switches.items() if switch.since_ns is not None}


def _facts(switch: SwitchState, now: Now) -> dict[str, Any]:
    def utc_ms(then_ns: int) -> int:
        # Whole seconds: the wall clock drifts against the monotonic one, and that alone must not rewrite the
        # file. Rounded up, so that no time is over early.
        return -(-(now.utc_ms - (now.ns - then_ns) // _NS_PER_MS) // 1000) * 1000

    assert switch.since_ns is not None
    return {
        "on": switch.on,
        "since_utc_ms": utc_ms(switch.since_ns),
        "sheds_utc_ms": [utc_ms(then) for then in switch.sheds_ns],
        "turns_utc_ms": [utc_ms(then) for then in switch.switch_times_ns],
        "ns": [switch.since_ns, switch.sheds_ns, switch.switch_times_ns],
        "before_w": switch.before_w,
        "mode": switch.mode,
        "is_held": switch.is_held,
    }


def load_switch_states(
    site: Site, facts: object, now: Now, *, dark: bool = False, same_boot: bool = False
) -> dict[str, SwitchState]:
    """Load the switch states of assets that still exist; invalid facts are left out.

    ``dark``: the power was gone meanwhile, so a mode above normal is no longer wanted
    (spec/failsafe.md#rule-6); a lowering by a limit stays. ``same_boot``: the machine did not reboot in
    between.
    """
    if not isinstance(facts, Mapping):
        return {}
    found = {}
    for asset in site.assets:
        known = facts.get(asset.name)
        if isinstance(known, Mapping):
            try:
                found[asset.name] = _turn(asset, known, now, dark=dark, same_boot=same_boot)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
    return found


def _turn(asset: object, known: Mapping[str, Any], now: Now, *, dark: bool, same_boot: bool) -> SwitchState:
    mode = known["mode"]
    if mode is not None:
        mode = int(mode)
        if not isinstance(asset, OperationModeAsset) or not 0 <= mode < len(asset.modes):
            raise ValueError("a mode that it does not have")
        mode = max(mode, asset.normal) if dark else mode
    before_w = float(known["before_w"])
    if not isfinite(before_w):
        raise ValueError("a power that is no number")
    since_ns, sheds_ns, turns_ns = _times_ns(known, now, same_boot=same_boot)
    return SwitchState(
        on=bool(known["on"]),
        since_ns=since_ns,
        before_w=before_w,
        sheds_ns=sheds_ns,
        mode=mode,
        is_held=bool(known["is_held"]),
        switch_times_ns=turns_ns,
    )


def _times_ns(
    known: Mapping[str, Any], now: Now, *, same_boot: bool
) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Return when it was last switched, and each shed and turn, on the clock of this start."""
    if same_boot and "ns" in known:
        since_ns, *lists = known["ns"]
        sheds_ns, turns_ns = (tuple(min(int(then), now.ns) for then in one[-_COUNT_MAX:]) for one in lists)
        return min(int(since_ns), now.ns), sheds_ns, turns_ns
    lists = [known["sheds_utc_ms"], known["turns_utc_ms"]]
    sheds_ns, turns_ns = (tuple(_ns(then, now) for then in one[-_COUNT_MAX:]) for one in lists)
    return _ns(known["since_utc_ms"], now), sheds_ns, turns_ns


def _ns(then_utc_ms: Any, now: Now) -> int:
    ago_ms = now.utc_ms - int(then_utc_ms)
    return now.ns - ago_ms * _NS_PER_MS if now.synced and ago_ms >= 0 else now.ns
