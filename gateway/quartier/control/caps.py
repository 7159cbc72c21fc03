"""Caps and whose they are: they combine by minimum, and the one that binds keeps its name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
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
        return Powers(*(min(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)))

    def plus(self, watts: float) -> "Powers":
        """Each cap raised by ``watts``."""
        return Powers(*(getattr(self, f.name) + watts for f in fields(self)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCaps:
    """What the link allows now, in W, and who said so.

    ``whose`` maps each capped direction (``import``, ``export``, ``generation``,
    ``consumption``) to the tightest source.  ``since_ns`` is when the state was
    entered.  The two flags are the fail-safe state's (failsafe.md section 2); ``tested``: nothing is
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
    best = dict.fromkeys(DIRECTIONS, inf)
    whose: dict[str, Reason] = {}
    for source, powers in sources:
        for direction in DIRECTIONS:
            watts = getattr(powers, f"{direction}_w")
            if watts < best[direction]:
                best[direction] = watts
                whose[direction] = source
    return Powers(*(best[direction] for direction in DIRECTIONS)), whose
