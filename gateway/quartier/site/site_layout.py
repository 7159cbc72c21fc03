"""The whole site: connection tree, contacts, supplies, limits (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from quartier.site.asset_types import (
    ROOT_NODE,
    Battery,
    ControllableAsset,
    GridMeter,
    OperationModeAsset,
    Phase,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitContact:
    """A contact, for example of the grid operator, that limits the building while it acts; W or None.

    Point: ``input_on`` (true is closed). It acts when closed, or when open if ``acts_open``, once that was
    seen for ``debounce_s``. It is released once the other state was seen for ``release_s``.
    """

    name: str
    acts_open: bool = False
    import_max_w: float | None = None
    export_max_w: float | None = None
    generation_max_w: float | None = None
    consumption_max_w: float | None = None
    debounce_s: float = 0.0
    release_s: float = 60.0
    period_s: float = 1.0


SUPPLY_RELAYS = ("dry_relay_on", *(f"virtual_relay_{number}_on" for number in range(1, 8)))
"""The relays that a grid operator's meter switches by the tariff; all but the first are virtual."""


MOBILE_PEAKS = ("peak_1", "peak_2", "peak_3")
"""The mobile peak periods that the meter announces by date."""


SUPPLY_POINTS = (
    "subscribed_power_va",
    "subscribed_current_a",
    "cut_off_power_va",
    "apparent_power_va",
    "current_l2_a",
    "over_current_on",
    "over_power_on",
    "tariff_index",
    "today_colour_state",
    "tomorrow_colour_state",
    "today_colour_index",
    "tomorrow_colour_index",
    "today_day_index",
    "tomorrow_day_index",
    "peak_notice_s",
    "peak_notice_state",
    "peak_state",
    *(f"{peak}_{edge}_in_s" for peak in MOBILE_PEAKS for edge in ("begin", "end")),
    *SUPPLY_RELAYS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyMeter:
    """The grid operator's meter, if it provides the subscribed power; this limits the import.

    Points, as far as it provides them: ``SUPPLY_POINTS``. The limit that follows a warning ends once no
    warning was seen for ``release_s``. ``is_grid``: it is the grid meter too.
    """

    name: str
    release_s: float = 60.0
    period_s: float = 1.0
    is_grid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSource:
    """A meter that provides the present tariff or the time.

    ``tariff_s`` and ``clock_s`` are how often it does, None if it does not. Points: ``tariff_index``,
    ``clock_offset_s`` (how far its clock is behind ours).
    """

    name: str
    tariff_s: float | None = None
    clock_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLimits:
    """Hard limits, and the declared limits for each loss (spec/failsafe.md#section-2): W, never negative."""

    import_hard_w: float
    export_hard_w: float
    import_failsafe_w: float
    export_failsafe_w: float
    import_autonomous_w: float
    export_autonomous_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A sub-board or a socket; ``fuse_a`` holds on each phase, ``power_max_w`` for their sum, both ways.

    ``phase`` is the phase of a single-phase node (None: unknown). ``measured``: a meter there provides
    ``power_w``, ``power_l1_w`` … or ``current_l1_a`` … of everything it feeds, every ``period_s``.
    ``unmeasured_w`` is the rated power of consumers without a meter there. None means zero behind a meter,
    else all that the building has.
    """

    name: str
    under: str = ROOT_NODE
    fuse_a: float
    phases_count: Literal[1, 3] = 3
    phase: Phase | None = None
    power_max_w: float = inf
    measured: bool = False
    period_s: float = 1.0
    unmeasured_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One building: its grid meter, its assets and its limits.

    ``release_values`` maps a writable point to the value written when an input it needs is lost
    (``control/orders/releases``). None means that only the driver knows (the device's own control, or nothing
    at all). ``own_controls`` are the points that go back to their device's own control: whether they show it.
    ``steps`` is the resolution of a writable point, in its unit, once its device reported it. ``fallbacks``
    is what a device does by itself with a point that nobody writes: its value (None: its own control) and
    after how many seconds.

    ``unmeasured_w`` is the rated power of consumers that no asset measures; None: the most seen so far.
    ``unlisted_generation_w`` is the power that devices outside the site file may generate or discharge in the
    building. ``seed`` spreads random delays over buildings. ``zone`` is the time zone of its people's
    schedules.

    ``nodes`` are below the connection, whose own fuse is ``main_fuse_a`` per phase (infinite: not declared).
    ``clock_sources`` provide the tariff or the time; one whose clock differs from ours by more than
    ``clock_differs_max_s`` contradicts it. ``plans``: the gateway makes a local plan for its battery.
    """

    name: str
    grid: GridMeter
    assets: tuple[ControllableAsset, ...]
    limits: SiteLimits
    grid_target_w: float = 0.0
    cycle_s: float = 1.0
    release_values: Mapping[str, float | None] = field(default_factory=dict)
    own_controls: Mapping[str, bool] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict, compare=False)
    fallbacks: Mapping[str, tuple[float | None, float]] = field(default_factory=dict, compare=False)
    unmeasured_w: float | None = None
    unlisted_generation_w: float = 800.0
    seed: int = 0
    contacts: tuple[LimitContact, ...] = ()
    supplies: tuple[SupplyMeter, ...] = ()
    zone: str = "Europe/Paris"
    nodes: tuple[Node, ...] = ()
    main_fuse_a: float = inf
    clock_sources: tuple[ClockSource, ...] = ()
    clock_differs_max_s: float = 300.0
    plans: bool = False

    @property
    def ratings_w(self) -> dict[str, float]:
        """The largest power of each asset in W, by name; 0 if not declared."""
        rated = {one.name: one.rated_w for one in self.assets}
        for one in self.assets:
            if isinstance(one, Battery):
                rated[one.name] = max(one.rated_w, one.charge_max_w, one.discharge_max_w)
            elif isinstance(one, OperationModeAsset):
                rated[one.name] = max(one.rated_w, *(abs(mode.power_w) for mode in one.modes))
        return rated

    @property
    def has_connection_tree(self) -> bool:
        """Return whether there are limits below the sum at the connection: nodes, or a fuse per phase."""
        return bool(self.nodes) or self.main_fuse_a < inf
