"""Readings of the meter of a node, and their window of seconds and maximum of a day (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quartier.control.observe.observations import (
    CURRENT_QUANTITIES,
    NOMINAL_V,
    POWER_QUANTITIES,
    LastGood,
    LastGoodValues,
)
from quartier.control.observe.phases import TotalAndPhases
from quartier.control.observe.residual_load import REST_WINDOW_S, ResidualLoad, ease_residual_load
from quartier.site.records import replace

NO_READING: TotalAndPhases = (0.0, 0.0, 0.0, 0.0)
_S = 1_000_000_000
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class NodeReading:
    """``watts`` in total and by phase, at ``taken_ns``; the phases count only if ``phased``."""

    watts: TotalAndPhases
    taken_ns: int
    phased: bool


def read_node_meter(owner: str, last_good: LastGoodValues, lost_s: float, now_ns: int) -> NodeReading | None:
    """Return the newest reading of a meter; None if it is older than ``lost_s``, or there is none.

    A current has no sign: it gets the sign of its phase's power, else of the total. If a phase has both, the
    larger counts, because a fuse knows no power factor.
    """
    power = _find_recent(last_good, f"{owner}.power_w", lost_s, now_ns)
    watts = [_find_recent(last_good, f"{owner}.{name}", lost_s, now_ns) for name in POWER_QUANTITIES]
    amperes = [_find_recent(last_good, f"{owner}.{name}", lost_s, now_ns) for name in CURRENT_QUANTITIES]
    phased = all(w or a for w, a in zip(watts, amperes, strict=True))
    if power is None and not phased:
        return None
    sign = -1.0 if power is not None and power.value < 0 else 1.0
    l1, l2, l3 = (_phase_w(w, a, sign) for w, a in zip(watts, amperes, strict=True))
    total_w = l1 + l2 + l3 if power is None else power.value
    used = [one for one in (power, *watts, *amperes) if one is not None]
    newest_ns = used[0].taken_ns if power is not None else min(one.taken_ns for one in used)
    return NodeReading((total_w, l1, l2, l3), newest_ns, phased)


def _find_recent(last_good: LastGoodValues, point: str, lost_s: float, now_ns: int) -> LastGood | None:
    memory = last_good.get(point)
    return None if memory is None or now_ns - memory.taken_ns > lost_s * _S else memory


def _phase_w(watts: LastGood | None, amperes: LastGood | None, sign: float) -> float:
    power_w = 0.0 if watts is None else watts.value
    if amperes is None:
        return power_w
    if watts is not None and power_w != 0:
        sign = 1.0 if power_w > 0 else -1.0
    return sign * max(abs(power_w), abs(amperes.value) * NOMINAL_V)


@dataclass(frozen=True, slots=True)
class NodeWindow:
    """The residual load behind a meter in the last 5 s for these participants, and a maximum.

    As in ``residual_load``, meters are read at different moments. So the highest sample counts against import
    and the lowest against export, each eased by 200 W. A sample holds three values: the residual load if a
    recent lowering is still in the reading, if it is not, and the value between the two that is nearest to
    the one before. ``most_w`` is power that nothing measures.

    Since ``calm_ns`` everything below the node, as ordered, leaves a tenth of each limit free; None: it does
    not.
    """

    names: tuple[str, ...] = ()
    samples: tuple[tuple[int, TotalAndPhases, TotalAndPhases, TotalAndPhases], ...] = ()
    most_w: TotalAndPhases = NO_READING
    calm_ns: int | None = None

    def high_w(self, k: int) -> float:
        """Return the most of row ``k``, in W."""
        return self._base(k).high_w

    def low_w(self, k: int) -> float:
        """Return the least of row ``k``, in W."""
        return self._base(k).low_w

    def _base(self, k: int) -> ResidualLoad:
        return ease_residual_load(
            self.samples[0][3][k], [(low[k], high[k]) for _, low, high, _ in self.samples]
        )


def append_node_reading(
    look: NodeWindow,
    names: tuple[str, ...],
    found: NodeReading,
    participants_w: TotalAndPhases,
    gone_w: TotalAndPhases,
) -> NodeWindow:
    """Append a reading, less the power of the participants; unchanged if the window has that reading already.

    ``gone_w`` is the part of that power that was lowered just now.
    """
    old = look.samples if look.names == names else ()
    if old and old[-1][0] == found.taken_ns:
        return look
    oldest_ns = found.taken_ns - round(REST_WINDOW_S * _S)
    rest_w = subtract_rows(found.watts, participants_w)
    high_w = add_rows(rest_w, gone_w)
    sample = (found.taken_ns, rest_w, high_w, _nearest(old[-1][3], rest_w, high_w) if old else rest_w)
    return replace(look, names=names, samples=(*(s for s in old if s[0] >= oldest_ns), sample))


def _nearest(to_w: TotalAndPhases, low_w: TotalAndPhases, high_w: TotalAndPhases) -> TotalAndPhases:
    """Return for each row the value between ``low_w`` and ``high_w`` that is nearest to ``to_w``."""
    a, b, c, d = (min(max(w, low), high) for w, low, high in zip(to_w, low_w, high_w, strict=True))
    return a, b, c, d


def decay_maximum(look: NodeWindow, unmeasured_w: TotalAndPhases | None, dt_s: float) -> NodeWindow:
    """Update the maximum of unmeasured power, which decays over a day; None: it is not known now."""
    if unmeasured_w is None:
        return look
    kept = max(0.0, 1.0 - dt_s / _DAY_S)
    l0, l1, l2, l3 = (
        max(0.0, now, before * kept) for now, before in zip(unmeasured_w, look.most_w, strict=True)
    )
    return replace(look, most_w=(l0, l1, l2, l3))


def add_rows(*each: TotalAndPhases) -> TotalAndPhases:
    """Return the sum, row by row."""
    a, b, c, d = (sum(column) for column in zip(*each, strict=True)) if each else NO_READING
    return a, b, c, d


def subtract_rows(one: TotalAndPhases, other: Sequence[float]) -> TotalAndPhases:
    """Return the difference, row by row."""
    return one[0] - other[0], one[1] - other[1], one[2] - other[2], one[3] - other[3]


def keep_known_nodes(looks: Mapping[str, NodeWindow], names: Sequence[str]) -> dict[str, NodeWindow]:
    """Return the windows of nodes that still exist, empty but for their maximum."""
    return {name: NodeWindow(most_w=look.most_w) for name, look in looks.items() if name in names}
