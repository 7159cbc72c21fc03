"""Record types that several packages hold between cycles (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from quartier.control.reason import Reason, make_reason, make_text_reason
from quartier.site.asset_types import Tier
from quartier_drivers.who import Who


@dataclass(frozen=True, slots=True)
class PowerRange:
    """The interval a battery's power may lie in, in W; ``low_w`` is never plus, ``high_w`` never minus."""

    low_w: float
    high_w: float


DIRECTIONS = ("import", "export", "generation", "consumption")


@dataclass(frozen=True, slots=True)
class PowerLimits:
    """One cap per direction in W, never negative; infinite where a document says nothing."""

    import_w: float
    export_w: float
    generation_w: float = inf
    consumption_w: float = inf

    def least(self, other: "PowerLimits") -> "PowerLimits":
        """The smaller of the two in each direction."""
        return PowerLimits(
            min(self.import_w, other.import_w),
            min(self.export_w, other.export_w),
            min(self.generation_w, other.generation_w),
            min(self.consumption_w, other.consumption_w),
        )

    def add(self, watts: float) -> "PowerLimits":
        """Each cap raised by ``watts``."""
        return PowerLimits(
            self.import_w + watts,
            self.export_w + watts,
            self.generation_w + watts,
            self.consumption_w + watts,
        )

    def list_directions(self) -> tuple[float, float, float, float]:
        """The caps in the order of ``DIRECTIONS``."""
        return self.import_w, self.export_w, self.generation_w, self.consumption_w


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
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


@dataclass(frozen=True, slots=True)
class Preference:
    """Indices into the asset's modes, of which the first takes most: ``highest <= wanted <= lowest``.

    ``tier`` is its turn now: what nears its deadline, or the edge of its comfort, comes later; the step to
    the lowest mode stands in ``last_tier``, where that is another.  ``reason`` says why it is wanted: only
    what was wanted for ``after_s`` without a break is gone to.  ``claims``: what a cap holds asks for its
    place now, and others of an earlier turn give way.  ``given_back`` says why its own control must have it.
    """

    wanted: int
    highest: int
    lowest: int
    tier: Tier
    reason: Reason
    last_tier: Tier | None = None
    after_s: float = 0.0
    claims: bool = False
    given_back: Reason | None = None


REFRESH_S = 20.0
ACT_S, ANSWER_S = 3.0, 20.0
"""A reading sooner than this after an order may be of before it; an order older than this is no excuse."""


_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class DesiredValue:
    """What a point shall be.  A change within ``deadband`` waits for the next refresh.

    ``tighter`` says which values a limit needs: -1 lower ones, +1 higher ones, 0 neither.  A change in that
    direction is always written, so the deadband never lets a limit be exceeded; one within the deadband in
    the other direction is not written by a refresh either, lest a limit moves to and fro.
    A lease is written every ``refresh_s``; None: once.  Both are written again when the device shows another
    value, or its power contradicts the order: ``obeys`` is False then, True where its power agrees, None
    where that is not known.  The command is worthless after ``life_s``.  ``holds``: the reason is that of
    what stands there already, also while nothing is written.
    """

    point: str
    value: float
    reason: Reason
    deadband: float = 0.0
    refresh_s: float | None = REFRESH_S
    life_s: float = REFRESH_S
    holds: bool = False
    tighter: Literal[-1, 0, 1] = 0
    obeys: bool | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What was last written to a point, when, and why it stands there now; when it last became more.

    ``since_ns``: when this value was written first.  ``is_kept``: the device was seen to keep this value.
    ``rewritten_ns``: when it was told again lately because it did not.
    """

    value: float
    written_ns: int
    reason: Reason
    raised_ns: int | None = None
    is_kept: bool = False
    rewritten_ns: tuple[int, ...] = ()
    since_ns: int | None = None


@dataclass(frozen=True, slots=True)
class OrderBook:
    """All orders by point, and the points given back because an input they need is lost.

    ``returns`` are the release values that were written to them: ``releases`` sees that devices take them.
    Of a point that its device's own control gets back, the value there is our last order (not a number where
    there was none): the device does not do that any more.
    """

    orders: Mapping[str, Order] = field(default_factory=dict)
    released: frozenset[str] = frozenset()
    returns: Mapping[str, Order] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Override:
    """One asset's order until ``until_ns``; ``until_utc_ms`` is the same for people.

    ``value``: W of a battery (plus charges) or of a PV's limit, A of a charging point (0 pauses), 1 or 0 of a
    relay, the number of a mode; None: maintenance.  ``why`` is what a person wrote; a rule of ours says why
    by ``because``.
    """

    asset: str
    value: float | None
    until_ns: int
    until_utc_ms: int
    who: Who
    why: str = ""
    because: Reason | None = None

    @property
    def reason(self) -> Reason:
        """As it stands beside each order."""
        if self.who.kind == "document":
            program, document = self.who.name, self.who.id
            return make_reason("document.orders", *self._whose, program=program, document=document)
        if self.because is not None:
            return self.because._replace(who=self.who, until_utc_ms=self.until_utc_ms)
        code = "hand.maintenance" if self.value is None else "hand.orders"
        reason = make_reason(code, *self._whose, person=self.who.name)
        return reason.then(make_text_reason(self.why)) if self.why else reason

    @property
    def _whose(self) -> tuple[Who, int]:
        return self.who, self.until_utc_ms


Overrides = Mapping[str, Override]


def is_by_hand(name: str, overrides: Overrides) -> bool:
    """Return whether a person ordered it, and not the district."""
    return name in overrides and overrides[name].who.kind == "person"


@dataclass(frozen=True, slots=True)
class ModeStep:
    """One step that an asset in modes offers: to ``mode``, where it is expected to take ``target_w``.

    ``name`` is the mode's.  ``early``: it is taken before anything that people feel; ``generates``: it adds
    generation of our own.
    """

    mode: int
    target_w: float
    name: str
    tier: Tier
    early: bool = False
    generates: bool = False


@dataclass(frozen=True, slots=True)
class AllocationStep:
    """``index`` is the player's; ``reason`` says what happens to it.

    Divisible steps of one ``pool`` in a row are taken together, each in proportion to its way; -1: alone.
    """

    index: int
    target_w: float
    divisible: bool
    reason: Reason
    tier: str = ""
    pool: int = -1

    @property
    def plain(self) -> tuple[int, float, bool]:
        """Return what the kernel of one node takes."""
        return self.index, self.target_w, self.divisible
