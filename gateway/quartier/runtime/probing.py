"""When a silent device is asked again: seldom where that costs its neighbours, soon where there are none.

Who fell silent together, behind a router or a cable, is looked for together once one of them is back; where
that keeps nobody else waiting (``lanes``) a few times more: a router just back may lose some requests.
"""

from collections.abc import Iterable

from quartier.runtime.health import PROBE_PAUSE_S, Health

PROBE_SHARE = 0.03
"""Of a bus's time, while a neighbour answers: so much may go to who does not."""
LONELY_SHARE = 1.0
"""The same where nobody answers: there is nobody whose time that would be."""
TOGETHER_S, TOGETHER_POLLS = 10.0, 2.0
"""Whose last answers lie no further apart than this fell silent together."""
HOPES_COUNT = 3
"""So many probes of a device follow soon on a return that promises its own."""


def again_ns(health: Health, others: Iterable[Health], now_ns: int, cost_s: float) -> int:
    """When to probe a device that was just asked; ``others`` lost ``cost_s`` by that, itself too."""
    known = tuple(others)
    lonely = not any(one.reachable for one in known)
    aside_count = sum(one.aside for one in known)
    share = LONELY_SHARE if lonely else PROBE_SHARE
    pause_s = PROBE_PAUSE_S[0] if lonely else health.pause_s
    wait_s = PROBE_PAUSE_S[0] if health.hopes_count else max(pause_s, cost_s * aside_count / share)
    probe_ns = now_ns + int(wait_s * 1e9)
    # What it owes is waited for first, and not by its neighbours.
    return probe_ns if health.speechless else max(probe_ns, health.driver.due_ns)


def put_off(health: Health, others: Iterable[Health], now_ns: int, cost_s: float) -> list[Health]:
    """Set when to probe a device that was just asked in vain; whose probes changed.

    Where it was the last that answered, nobody's time is spared any more: all are looked for soon.
    """
    known = tuple(others)
    health.probe_ns = again_ns(health, known, now_ns, cost_s)
    health.hopes_count = max(0, health.hopes_count - 1)
    if any(one.reachable for one in known):
        return [health]
    for one in known:
        if one.aside and not one.speechless:
            one.probe_ns = min(one.probe_ns, max(health.probe_ns, one.driver.due_ns))
    return list(known)


def look_again(others: Iterable[Health], lost_ns: int, now_ns: int) -> None:
    """The line is back that was lost at ``lost_ns``: who answered until then is probed now."""
    for one in others:
        within_ns = int(max(TOGETHER_S, TOGETHER_POLLS * one.period_s) * 1e9)
        if one.aside and one.since_good_ns >= lost_ns - within_ns:
            one.probe_ns = now_ns


def woken(health: Health, others: Iterable[Health], now_ns: int, hopes_count: int = 0) -> list[Health]:
    """Those that fell silent when ``health`` did, which has just answered: their probes are due now.

    If they do not answer, ``hopes_count`` more follow soon.
    """
    if not health.aside:
        return []
    within_ns = int(max(TOGETHER_S, TOGETHER_POLLS * health.period_s) * 1e9)
    found = [one for one in others if one is not health and one.aside]
    found = [one for one in found if abs(one.since_good_ns - health.since_good_ns) <= within_ns]
    for one in found:
        one.probe_ns, one.hopes_count = now_ns, hopes_count
    return found
