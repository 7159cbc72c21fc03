"""Minimum times and sheds outlive a restart: who was switched when, by the machine's clock and by the wall.

A compressor does not know that the gateway was restarted.  While the machine runs its own clock tells how
long that took, whatever the wall clock was set to; over a reboot the wall clock does.  Where nobody can tell,
every time begins anew: it is kept longer than it need be, never shorter.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from quartier.control.shed import Turn
from quartier.house.assets import House, Moded
from quartier.house.now import Now

_NS_PER_MS = 1_000_000
_COUNT_MAX = 256


def kept(turns: Mapping[str, Turn], now: Now) -> dict[str, Any]:
    """JSON-ready, by asset, of those that were ever switched: the same until one is switched again."""
    return {name: _facts(turn, now) for name, turn in turns.items() if turn.since_ns is not None}


def _facts(turn: Turn, now: Now) -> dict[str, Any]:
    def utc_ms(then_ns: int) -> int:
        # Whole seconds: the wall clock drifts against ours, and a file is not worth writing for that.  The
        # next one, so that no time is over early.
        return -(-(now.utc_ms - (now.ns - then_ns) // _NS_PER_MS) // 1000) * 1000

    assert turn.since_ns is not None
    return {
        "on": turn.on,
        "since_utc_ms": utc_ms(turn.since_ns),
        "sheds_utc_ms": [utc_ms(then) for then in turn.sheds_ns],
        "turns_utc_ms": [utc_ms(then) for then in turn.turns_ns],
        "ns": [turn.since_ns, turn.sheds_ns, turn.turns_ns],
        "before_w": turn.before_w,
        "mode": turn.mode,
        "is_held": turn.is_held,
    }


def recalled(
    house: House, facts: object, now: Now, *, dark: bool = False, same_boot: bool = False
) -> dict[str, Turn]:
    """The turns of assets that are still there; what is no such fact is left out.

    ``dark``: the power was gone meanwhile, so that what was wanted above normal is no longer
    (spec/failsafe.md#rule-6); what a cap had lowered stays so.  ``same_boot``: the machine went on since.
    """
    if not isinstance(facts, Mapping):
        return {}
    found = {}
    for asset in house.assets:
        known = facts.get(asset.name)
        if isinstance(known, Mapping):
            try:
                found[asset.name] = _turn(asset, known, now, dark=dark, same_boot=same_boot)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
    return found


def _turn(asset: object, known: Mapping[str, Any], now: Now, *, dark: bool, same_boot: bool) -> Turn:
    mode = known["mode"]
    if mode is not None:
        mode = int(mode)
        if not isinstance(asset, Moded) or not 0 <= mode < len(asset.modes):
            raise ValueError("a mode that it does not have")
        mode = max(mode, asset.normal) if dark else mode
    before_w = float(known["before_w"])
    if not isfinite(before_w):
        raise ValueError("a power that is no number")
    since_ns, sheds_ns, turns_ns = _times_ns(known, now, same_boot=same_boot)
    return Turn(
        on=bool(known["on"]),
        since_ns=since_ns,
        before_w=before_w,
        sheds_ns=sheds_ns,
        mode=mode,
        is_held=bool(known["is_held"]),
        turns_ns=turns_ns,
    )


def _times_ns(
    known: Mapping[str, Any], now: Now, *, same_boot: bool
) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """When it was switched last, and each shed and turn, by this start's clock."""
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
