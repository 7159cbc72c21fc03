"""Whether a cap is broken although all was commanded: its alarms (spec/failsafe.md#breach)."""

from dataclasses import dataclass
from operator import itemgetter

from quartier.house.records import replace

MEAN_S = 60.0
NEXT_S = 10.0
FAST_S = 5.0
LEAST_W = 200.0
GRACE_S = 30.0  # a cap that tightened is to be kept, as measured, 30 s later
_S = 1_000_000_000
_WATTS = itemgetter(1)


@dataclass(frozen=True, slots=True)
class Breach:
    """One direction.  ``caps`` are those of the last 30 s, ``excess`` the samples of the last 60 s."""

    caps: tuple[tuple[int, float], ...] = ()
    excess: tuple[tuple[int, float], ...] = ()
    fast_since_ns: int | None = None
    stepped_ns: int | None = None
    mean_over: bool = False
    fast_over: bool = False
    next_step: bool = False


def watched(before: Breach, power_w: float | None, cap_w: float, now_ns: int) -> Breach:
    """Judge one sample of ``power_w`` in the direction of ``cap_w``; None breaks the observation.

    ``mean_over``: the mean of 60 s is above the cap by more than max(2 %, 200 W).  ``next_step``:
    that holds, it is above the cap now, and 10 s passed since the last step.  ``fast_over``: above
    the cap by 10 % for 5 s; of a cap near 0, by 200 W.
    """
    if power_w is None:
        return Breach(caps=before.caps)
    caps = _caps(before.caps, cap_w, now_ns)
    allowed_w = max(watts for _, watts in caps)
    oldest_ns = now_ns - round(MEAN_S * _S)
    # Samples stand in their order: those that are too old come first.
    old_count = 0
    while old_count < len(before.excess) and before.excess[old_count][0] < oldest_ns:
        old_count += 1
    excess = (*before.excess[old_count:], (now_ns, power_w - allowed_w))
    whole = excess[0][0] <= oldest_ns + 2 * _S
    mean_w = sum(map(_WATTS, excess)) / len(excess)
    mean_over = whole and mean_w > max(0.02 * allowed_w, LEAST_W)
    over = power_w - allowed_w > max(0.1 * allowed_w, LEAST_W)
    since_ns = now_ns if before.fast_since_ns is None else before.fast_since_ns
    fast_since_ns = since_ns if over else None
    rested = before.stepped_ns is None or now_ns - before.stepped_ns >= NEXT_S * _S
    next_step = mean_over and rested and power_w > allowed_w
    return replace(
        before,
        caps=caps,
        excess=excess,
        fast_since_ns=fast_since_ns,
        stepped_ns=now_ns if next_step else before.stepped_ns,
        mean_over=mean_over,
        fast_over=fast_since_ns is not None and now_ns - fast_since_ns >= FAST_S * _S,
        next_step=next_step,
    )


def _caps(before: tuple[tuple[int, float], ...], cap_w: float, now_ns: int) -> tuple[tuple[int, float], ...]:
    """Each cap with the last instant it was in force; those gone for 30 s are dropped."""
    kept = tuple(c for c in before if c[1] != cap_w and now_ns - c[0] < GRACE_S * _S)
    return (*kept, (now_ns, cap_w))
