"""Record types that several packages keep between cycles (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from quartier.control.reason import Reason, make_reason, make_text_reason
from quartier.site.asset_types import Tier
from quartier_drivers.contract import Origin


@dataclass(frozen=True, slots=True)
class PowerRange:
    """The allowed power of a battery, in W; ``low_w`` is never positive, ``high_w`` never negative."""

    low_w: float
    high_w: float


DIRECTIONS = ("import", "export", "generation", "consumption")


@dataclass(frozen=True, slots=True)
class PowerLimits:
    """One limit per direction in W, never negative; infinite if a document sets none."""

    import_w: float
    export_w: float
    generation_w: float = inf
    consumption_w: float = inf

    def least(self, other: "PowerLimits") -> "PowerLimits":
        """Return the smaller limit of the two in each direction."""
        return PowerLimits(
            min(self.import_w, other.import_w),
            min(self.export_w, other.export_w),
            min(self.generation_w, other.generation_w),
            min(self.consumption_w, other.consumption_w),
        )

    def add(self, watts: float) -> "PowerLimits":
        """Return the limits, each raised by ``watts``."""
        return PowerLimits(
            self.import_w + watts,
            self.export_w + watts,
            self.generation_w + watts,
            self.consumption_w + watts,
        )

    def list_directions(self) -> tuple[float, float, float, float]:
        """Return the limits in the order of ``DIRECTIONS``."""
        return self.import_w, self.export_w, self.generation_w, self.consumption_w


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
    """The limits of the link now, in W, with their sources.

    ``sources`` maps each limited direction (``import``, ``export``, ``generation``, ``consumption``) to the
    source of the strictest limit. ``since_ns`` is when the link state was entered. ``no_battery_export`` and
    ``no_grid_charge_above_reserve`` are the two rules of spec/failsafe.md#state-failsafe. ``tested``: the
    link is not lost, the fail-safe state is only tested. ``clock`` says what is wrong with the wall clock;
    empty if nothing is.
    """

    mode: str
    why: str
    since_ns: int
    import_max_w: float
    export_max_w: float
    generation_max_w: float | None = None
    consumption_max_w: float | None = None
    sources: Mapping[str, Reason] = field(default_factory=dict)
    no_battery_export: bool = False
    no_grid_charge_above_reserve: bool = False
    tested: bool = False
    clock: str = ""


@dataclass(frozen=True, slots=True)
class Preference:
    """The mode that an operation-mode asset prefers, and the range in which it may be moved.

    All three are indices into the modes of the asset, of which the first takes most: ``highest <= wanted <=
    lowest``. ``tier`` is the tier now: an asset close to its deadline, or to the edge of its comfort, is shed
    later. ``last_tier`` is the tier of the step to the lowest mode, if that differs. ``reason`` says why the
    mode is preferred. The asset changes to it only after it was preferred for ``after_s`` without a break.

    ``claims``: the asset is held by a limit and asks for its place now; others that are shed earlier give
    way. ``given_back`` says why the asset must be left to its own control.
    """

    preferred_mode: int
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
"""A reading within ACT_S of an order may be from before it; after ANSWER_S an order excuses nothing."""


_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class DesiredValue:
    """The desired value of a point. A change within ``deadband`` waits for the next refresh.

    ``tighter`` says which values a limit needs: -1 lower ones, +1 higher ones, 0 neither. A change in that
    direction is always written, so the deadband never lets a limit be exceeded. A change within the deadband
    in the other direction is not written by a refresh either, so that a limit does not move to and fro.

    A lease is written every ``refresh_s`` (None: once). Both kinds are written again if the device shows
    another value, or if its power contradicts the order. ``obeys`` is False if the power contradicts the
    order, True if it agrees, None if that is not known. The command expires after ``life_s``. ``holds``: the
    reason belongs to the value that is already written, also while nothing new is written.
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
    """The last value written to a point, when, and why it stands there now.

    ``raised_ns``: when the value last became more. ``since_ns``: when this value was first written.
    ``is_kept``: the device was seen to keep this value. ``rewritten_ns``: when it was written again lately
    because the device did not keep it. ``written_reason``: why it was written, None if that is ``reason``.
    """

    value: float
    written_ns: int
    reason: Reason
    raised_ns: int | None = None
    is_kept: bool = False
    rewritten_ns: tuple[int, ...] = ()
    since_ns: int | None = None
    written_reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class OrderBook:
    """All orders by point, and the points given back because an input they need is lost.

    ``returns`` are the release values that were written to these points; ``releases`` checks that the devices
    take them. For a point that is given back to its device's own control, the value in ``returns`` is our
    last order (not a number if there was none), which the device no longer follows.
    """

    orders: Mapping[str, Order] = field(default_factory=dict)
    released: frozenset[str] = frozenset()
    returns: Mapping[str, Order] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Override:
    """An order for one asset until ``until_ns``; ``until_utc_ms`` is the same time for people.

    ``value`` is W for a battery (plus charges) or for the limit of a PV, A for a charge point (0 pauses), 1
    or 0 for a relay, the number of a mode. None is maintenance. ``why`` is the text that a person wrote;
    ``because`` is the reason of a rule of the gateway.
    """

    asset: str
    value: float | None
    until_ns: int
    until_utc_ms: int
    who: Origin
    why: str = ""
    because: Reason | None = None

    @property
    def reason(self) -> Reason:
        """The reason that is shown with each order."""
        if self.who.kind == "document":
            program, document = self.who.name, self.who.id
            return make_reason("document.orders", *self._identity, program=program, document=document)
        if self.because is not None:
            return self.because._replace(who=self.who, until_utc_ms=self.until_utc_ms)
        code = "hand.maintenance" if self.value is None else "hand.orders"
        reason = make_reason(code, *self._identity, person=self.who.name)
        return reason.then(make_text_reason(self.why)) if self.why else reason

    @property
    def _identity(self) -> tuple[Origin, int]:
        return self.who, self.until_utc_ms


Overrides = Mapping[str, Override]


def is_by_hand(name: str, overrides: Overrides) -> bool:
    """Return whether a person, and not the district, ordered this asset."""
    return name in overrides and overrides[name].who.kind == "person"


@dataclass(frozen=True, slots=True)
class ModeStep:
    """One step that an operation-mode asset offers: to ``mode``, where it is expected to take ``target_w``.

    ``name`` is the name of the mode. ``early``: the step is taken before anything that people feel.
    ``generates``: the step adds own generation.
    """

    mode: int
    target_w: float
    name: str
    tier: Tier
    early: bool = False
    generates: bool = False


@dataclass(frozen=True, slots=True)
class AllocationStep:
    """One step of the allocation: participant ``index`` goes to ``target_w`` for this ``reason``.

    Consecutive divisible steps of one ``pool`` are taken together, each in proportion to its size. A ``pool``
    of -1 stands alone.
    """

    index: int
    target_w: float
    divisible: bool
    reason: Reason
    tier: str = ""
    pool: int = -1

    @property
    def plain(self) -> tuple[int, float, bool]:
        """The step in the form that the kernel of one node takes."""
        return self.index, self.target_w, self.divisible
