"""On which phases an asset's power is: known, or counted so that no phase is hoped to be free (pure)."""

from dataclasses import dataclass

from quartier.control.sight import CURRENTS, POWERS, Memories, fresh, power_w
from quartier.house.assets import Asset, Ev
from quartier.house.nodes import PHASES, Phase

MEASURED = ("power_w", *POWERS, *CURRENTS)
"""What a meter of a node may say."""
THIRDS = (1 / 3, 1 / 3, 1 / 3)
LEAST_A = 1.0
"""A phase with less current than this is not charged on."""

Three = tuple[float, float, float]
"""One number for each of l1, l2 and l3."""
Four = tuple[float, float, float, float]
"""One number for the total and for each phase."""


@dataclass(frozen=True, slots=True)
class Share:
    """The part of an asset's power on each phase; where it is not ``known``, the most that may be there."""

    parts: Three
    known: bool = True

    def spread(self, watts: float) -> Four:
        """``watts`` in total and by phase."""
        l1, l2, l3 = self.parts
        return watts, watts * l1, watts * l2, watts * l3

    def at_most(self, watts: float) -> Four:
        """The most that may be on each phase: what generates somewhere relieves none for sure."""
        return self.spread(watts) if self.known or watts > 0 else (watts, 0.0, 0.0, 0.0)

    def at_least(self, watts: float) -> Four:
        """The least that may be on each phase: what is taken somewhere loads none for sure."""
        return self.spread(watts) if self.known or watts < 0 else (watts, 0.0, 0.0, 0.0)


ANY = Share((1.0, 1.0, 1.0), known=False)
ALL = Share(THIRDS)


def on(phase: Phase) -> Share:
    """Wholly on one phase."""
    l1, l2, l3 = (float(phase == one) for one in PHASES)
    return Share((l1, l2, l3))


def of(asset: Asset, via: Phase | None, memories: Memories, limit_w: float | None, now_ns: int) -> Share:
    """Where the power of ``asset`` is.  ``via`` is the phase of a node of one phase that feeds it.

    ``limit_w`` is what a charging point is held to (None: its full power), as if on all its phases.
    """
    if via is not None:
        return on(via)
    if isinstance(asset, Ev) and asset.phases_count == 3:
        return _charging(asset, memories, limit_w, now_ns)
    if asset.phase is None:
        return ANY
    return ALL if asset.phase == "all" else on(asset.phase)


def _charging(ev: Ev, memories: Memories, limit_w: float | None, now_ns: int) -> Share:
    """A car at three phases may use one, two or all: as its currents say, else as its power allows."""
    amperes = terminals_a(ev, memories, now_ns)
    if amperes is not None and max(amperes) >= LEAST_A:
        return drawn(ev, amperes)
    watts = power_w(memories, ev, now_ns)
    each_w = (ev.current_max_a * ev.voltage_v * 3 if limit_w is None else limit_w) / 3
    if watts is None or watts <= 0:
        return ALL  # what it is held to, it may take on all three
    part = min(1.0, max(1 / 3, each_w / watts))
    return Share((part, part, part), known=part <= 1 / 3)


def drawn(ev: Ev, amperes: Three) -> Share:
    """The share of a car by the currents at its terminals, where the building's phases are known."""
    total_a = sum(amperes)
    if ev.l1_on is None:
        part = max(amperes) / total_a
        return Share((part, part, part), known=max(amperes) - min(amperes) < LEAST_A)
    first = PHASES.index(ev.l1_on)
    l1, l2, l3 = (amperes[(k - first) % 3] / total_a for k in range(3))
    return Share((l1, l2, l3))


def terminals_a(ev: Ev, memories: Memories, now_ns: int) -> Three | None:
    """The currents at the terminals L1, L2 and L3 of a charging point, in A; None where it says none."""
    seen = [fresh(memories, f"{ev.name}.{name}", ev.period_s, now_ns) for name in CURRENTS]
    if seen[0] is None:
        return None
    l1, l2, l3 = (abs(one or 0.0) for one in seen)
    return l1, l2, l3
