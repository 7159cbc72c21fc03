"""Caps and whose they are: they combine by minimum, and the one that binds keeps its name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf

from quartier.control.reason import Reason

DIRECTIONS = ("import", "export", "generation", "consumption")


@dataclass(frozen=True, slots=True)
class Powers:
    """One cap per direction in W, never negative; infinite where a document says nothing."""

    import_w: float
    export_w: float
    generation_w: float = inf
    consumption_w: float = inf

    def least(self, other: "Powers") -> "Powers":
        """The smaller of the two in each direction."""
        return Powers(
            min(self.import_w, other.import_w),
            min(self.export_w, other.export_w),
            min(self.generation_w, other.generation_w),
            min(self.consumption_w, other.consumption_w),
        )

    def plus(self, watts: float) -> "Powers":
        """Each cap raised by ``watts``."""
        return Powers(
            self.import_w + watts,
            self.export_w + watts,
            self.generation_w + watts,
            self.consumption_w + watts,
        )

    def list_each(self) -> tuple[float, float, float, float]:
        """The caps in the order of ``DIRECTIONS``."""
        return self.import_w, self.export_w, self.generation_w, self.consumption_w


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCaps:
    """What the link allows now, in W, and who said so.

    ``whose`` maps each capped direction (``import``, ``export``, ``generation``,
    ``consumption``) to the tightest source.  ``since_ns`` is when the state was
    entered.  The two flags are those of spec/failsafe.md#state-failsafe; ``tested``: nothing is
    lost, that state is only tried.  ``clock`` says what is wrong with the wall clock; empty: nothing.
    """

    mode: str
    why: str
    since_ns: int
    import_max_w: float
    export_max_w: float
    generation_max_w: float | None = None
    consumption_max_w: float | None = None
    whose: Mapping[str, Reason] = field(default_factory=dict)
    no_battery_export: bool = False
    no_grid_charge_above_reserve: bool = False
    tested: bool = False
    clock: str = ""


def tightest(sources: Iterable[tuple[Reason, Powers]]) -> tuple[Powers, dict[str, Reason]]:
    """The minimum per direction over the sources, and whose each is; the first of equals wins."""
    best = [inf, inf, inf, inf]
    whose: dict[str, Reason] = {}
    for source, powers in sources:
        for place, watts in enumerate(powers.list_each()):
            if watts < best[place]:
                best[place] = watts
                whose[DIRECTIONS[place]] = source
    return Powers(*best), whose
