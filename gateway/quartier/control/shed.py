"""Who may be switched when, in which turn, and how what was shed comes back: staged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TypeGuard, TypeVar

from quartier.house.assets import Asset, Ev, Load, Moded, Pv, Tier
from quartier.house.modes import Chp
from quartier.house.records import replace

RESTORE_BELOW = 0.9
RESTORE_AFTER_S = 120.0
RESTORE_EACH_S = 30.0
SPREAD_S = 300.0
SETTLE_S = 4.0
RAMP_S = 4.0
"""So long after it may take more a car is believed to be on its way there: a breach acts after 5 s."""
PV_MIN_OFF_S = 300.0
TURNS_MAX_PER_H = 6
TURN_OF_TIER = {"A": 3, "B": 2, "C": 1, "D": 0}
_S = 1_000_000_000
_DAY_NS = 86_400 * _S
_HOUR_NS = 3_600 * _S
_SHEDS_MAX = 256

_Shed = TypeVar("_Shed", bound=Asset)
Flexible = Load | Ev | Pv | Moded
_Consumer = Load | Ev | Moded


@dataclass(frozen=True, slots=True)
class Turn:
    """One flexible asset: whether it may run, since when (None: long ago), and its own limit.

    ``limit_w`` is the power an EV or a PV is held to; None: its full power.  ``before_w`` is what
    it took (or generated, minus) when it was last lowered, at ``lowered_ns``.  ``mode`` is the one that an
    asset in modes was ordered into (None: none yet), ``is_held`` while a cap holds it below what it likes;
    ``raised_ns``: when a car that took all it might was last told that it may take more, or came back;
    ``asks_ns``: since when it has liked another mode without a break; ``turns_ns``: when it went down after
    up, or up after down, in the last hour; ``back_ns``: since when its own control has it; ``told_ns``: when
    it was last told to take (or generate) less, None: long ago.  One that was seen not to obey gets no time
    anew by being told less still.  ``unread_ns``: since when the point of one that has no order of ours is
    waited for; None: it was read, or ordered.
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
    turns_ns: tuple[int, ...] = ()
    back_ns: int | None = None
    raised_ns: int | None = None
    told_ns: int | None = None
    unread_ns: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether it runs less than it would by itself."""
        return self.is_held if self.mode is not None else not self.on or self.limit_w is not None

    def settling(self, now_ns: int, late_s: float = 0.0) -> bool:
        """Whether a lowering may not yet show in every meter; ``late_s`` is how late the grid's is."""
        return self.lowered_ns is not None and now_ns - self.lowered_ns < (SETTLE_S + late_s) * _S

    def had_time(self, answer_s: float, read_ns: int) -> bool:
        """Whether a reading of ``read_ns`` is of after the time that it may take to obey."""
        return self.told_ns is None or read_ns - self.told_ns >= answer_s * _S

    def is_ramping(self, now_ns: int) -> bool:
        """Whether it may still be on its way to what it was just allowed."""
        return self.raised_ns is not None and now_ns - self.raised_ns < RAMP_S * _S

    def sheds_24h(self, now_ns: int) -> int:
        """How often it was shed in the last 24 hours."""
        return sum(now_ns - then < _DAY_NS for then in self.sheds_ns)


def switched_off(turn: Turn, before_w: float, now_ns: int, *, deaf: bool = False) -> Turn:
    """Shed or paused now; ``deaf``: it was seen not to obey, and is not believed to do so now."""
    off = replace(
        turn,
        on=False,
        since_ns=now_ns,
        before_w=before_w,
        lowered_ns=now_ns,
        told_ns=turn.told_ns if deaf else now_ns,
    )
    return counted(off, now_ns)


def counted(turn: Turn, now_ns: int) -> Turn:
    """One shed more: only so many in an hour may come back."""
    recent = tuple(then for then in turn.sheds_ns if now_ns - then < _DAY_NS)[-_SHEDS_MAX + 1 :]
    return replace(turn, sheds_ns=(*recent, now_ns))


def switched_on(turn: Turn, now_ns: int) -> Turn:
    """May run again from now."""
    return replace(turn, on=True, since_ns=now_ns)


def veered(turn: Turn, now_ns: int, *, up: bool) -> Turn:
    """Changes its direction now, or goes on in the same; ``on`` says which way the last change went."""
    if turn.on is up:
        return turn
    recent = tuple(then for then in turn.turns_ns if now_ns - then < _HOUR_NS)[-_SHEDS_MAX + 1 :]
    return replace(turn, turns_ns=(*recent, now_ns))


def may_return(asset: Flexible, turn: Turn, now_ns: int) -> bool:
    """Whether it may come back: a load or a car only while that leaves it within six switchings an hour."""
    if not may_switch(asset, turn, now_ns):
        return False
    recent_count = sum(now_ns - then < _HOUR_NS for then in turn.sheds_ns)
    return not isinstance(asset, Load | Ev) or recent_count < TURNS_MAX_PER_H // 2


def may_rise(turn: Turn, now_ns: int) -> bool:
    """Whether it may go up: so that with the way down that a cap may need next it turns six times an hour."""
    recent_count = sum(now_ns - then < _HOUR_NS for then in turn.turns_ns)
    return turn.on or recent_count <= TURNS_MAX_PER_H - 2


def lowered(turn: Turn, limit_w: float, before_w: float, now_ns: int, *, deaf: bool = False) -> Turn:
    """Held to ``limit_w`` from now, or to what it is held to already where that is less.

    One that is still settling goes on settling from its first lowering.  ``deaf``: as in ``switched_off``.
    """
    turn = held(turn, limit_w, now_ns, deaf=deaf)
    return turn if turn.settling(now_ns) else replace(turn, before_w=before_w, lowered_ns=now_ns)


def held(turn: Turn, limit_w: float, now_ns: int, *, deaf: bool = False) -> Turn:
    """May take no more than ``limit_w`` from now; only what is less than before is an order to obey."""
    if turn.limit_w is not None and limit_w >= turn.limit_w:
        return turn
    return replace(turn, limit_w=limit_w, told_ns=turn.told_ns if deaf else now_ns)


def raised(turn: Turn, limit_w: float | None, now_ns: int, *, stands: bool) -> Turn:
    """May take up to ``limit_w`` from now (None: its full power).

    ``stands``: it takes all that it might until now, so that from now it is seen whether it follows.  One
    that does not is given no time anew by being allowed still more.
    """
    return replace(turn, limit_w=limit_w, raised_ns=now_ns if stands else turn.raised_ns)


def may_switch(asset: Flexible, turn: Turn, now_ns: int) -> bool:
    """Whether its minimum on or off time is over; nothing but a person's hand breaks these."""
    if turn.since_ns is None:
        return True
    if isinstance(asset, Pv):
        least_s = 0.0 if turn.on else PV_MIN_OFF_S
    else:
        least_s = asset.min_on_s if turn.on else asset.min_off_s
    return now_ns - turn.since_ns >= least_s * _S


def is_machine(asset: object) -> TypeGuard[Load | Ev | Moded]:
    """Whether it must run for a while once it was started; what generates is not started by a loosening."""
    return isinstance(asset, _Consumer) and not isinstance(asset, Chp) and asset.min_on_s > 0.0


def is_starting(asset: Load | Ev | Moded, turn: Turn, now_ns: int) -> bool:
    """Whether its minimum on-time is not over; one that its own control has is not known to be on."""
    return turn.on and turn.back_ns is None and not may_switch(asset, turn, now_ns)


def starting(assets: Iterable[Asset], turns: Mapping[str, Turn], now_ns: int) -> set[str]:
    """The machines that are inside their minimum on-time."""
    return {
        one.name
        for one in assets
        if is_machine(one) and one.name in turns and is_starting(one, turns[one.name], now_ns)
    }


def may_sink(asset: Moded, turn: Turn, now_ns: int) -> bool:
    """Whether it may go further down: at once after it went down, for its least run was over then."""
    return not turn.on or may_switch(asset, turn, now_ns)


def in_turn(assets: Iterable[_Shed], turns: Mapping[str, Turn], now_ns: int) -> list[_Shed]:
    """In the order in which they are shed: D, C, B; inside a tier fewest sheds in 24 h, then lowest cost.

    Tier A is never among them.
    """
    sheddable = [asset for asset in assets if asset.tier != "A"]
    return sorted(sheddable, key=lambda a: place(a, a.tier, turns[a.name], now_ns))


def place(asset: Asset, tier: Tier, turn: Turn, now_ns: int) -> tuple[int, int, float, str]:
    """Where in the one order an asset of ``tier`` stands: what compares less is shed first."""
    return TURN_OF_TIER[tier], turn.sheds_24h(now_ns), asset.comfort_cost, asset.name


@dataclass(frozen=True, slots=True)
class Gate:
    """When the next load may come back."""

    below_since_ns: int | None = None
    not_before_ns: int | None = None
    last_ns: int | None = None

    def is_open(self, now_ns: int) -> bool:
        """Below the cap by 10 % for 120 s, 30 s after the last restore, and past the random delay."""
        if self.below_since_ns is None or now_ns - self.below_since_ns < RESTORE_AFTER_S * _S:
            return False
        rested = self.last_ns is None or now_ns - self.last_ns >= RESTORE_EACH_S * _S
        return rested and (self.not_before_ns is None or now_ns >= self.not_before_ns)


def passed(gate: Gate, *, below: bool, common: bool, seed: int, now_ns: int) -> Gate:
    """The gate after one more cycle.

    ``common``: something happened now that all buildings saw (a cap rose, the link's state changed),
    so that this one waits 120 s and a random 0..300 s more, drawn from ``seed``, before it restores:
    waiting for both at once would let half of all buildings come back together after 120 s.
    """
    since_ns = (now_ns if gate.below_since_ns is None else gate.below_since_ns) if below else None
    not_before_ns = gate.not_before_ns
    if common and (not_before_ns is None or now_ns >= not_before_ns):
        # Spreading needs no secret; a seed makes it repeatable.
        delay_s = RESTORE_AFTER_S + Random(f"{seed}:{now_ns}").random() * SPREAD_S  # noqa: S311  see above
        not_before_ns = now_ns + round(delay_s * _S)
    return Gate(since_ns, not_before_ns, gate.last_ns)
