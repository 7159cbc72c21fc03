"""What the building is made of, as control sees it: assets with their roles and limits.

One sign (architecture.md#units): plus takes energy from the building's bus.  Powers named ``…_max_w``
are magnitudes and never negative.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from quartier.house.nodes import Node, Phase

Tier = Literal["A", "B", "C", "D"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Anything with a power: it takes ``power_w`` from the building's bus.

    ``period_s`` is how often its power is read; ``comfort_cost`` orders sheds inside a tier where
    the number of sheds in 24 h is equal, lowest first.  ``falls_back``: its device forgets by itself what
    it was ordered; ``accepts_no_fallback``: the site file says aloud that it may be ordered without.
    ``phase`` is the one it hangs on, or ``all`` three; None: it may be any, and counts wholly on each.
    """

    name: str
    rated_w: float
    tier: Tier = "A"
    node: str = "grid"
    phase: Phase | Literal["all"] | None = None
    period_s: float = 1.0
    measured: bool = True
    comfort_cost: float = 0.0
    falls_back: bool = True
    accepts_no_fallback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid(Asset):
    """The connection meter; reads the sum of all assets.  Points: ``power_w``, ``voltage_l1_v`` …

    ``is_apparent``: it says no ``power_w``, only ``apparent_power_va`` without a sign, and perhaps
    ``apparent_power_export_va``: then VA stand for W, which are never more.  ``frequency_period_s`` and
    ``voltage_period_s``: how often it says these, None where it does not; ``voltage_v``: the nominal one.
    """

    is_apparent: bool = False
    frequency_period_s: float | None = None
    voltage_period_s: float | None = None
    voltage_v: float = 230.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery(Asset):
    """Points: ``power_w``, ``soc_pct``; writes ``setpoint_w`` (plus charges).

    Never below ``soc_min_pct``; ``reserve_soc_pct`` is kept for outages and not used for
    self-consumption nor caps.  ``delay_s`` None: its response was not measured; else how late it answers and
    how fast (0: at once), and how much later than its own readings the grid meter's show it (``lag_s``).
    """

    capacity_wh: float
    charge_max_w: float
    discharge_max_w: float
    ramp_max_w_per_s: float
    soc_min_pct: float = 10.0
    soc_max_pct: float = 95.0
    reserve_soc_pct: float = 20.0
    soc_period_s: float = 5.0
    lease_s: float = 60.0
    writable: bool = True
    delay_s: float | None = None
    response_w_per_s: float = 0.0
    lag_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pv(Asset):
    """Points: ``power_w`` (never plus); writes ``generation_max_w`` or ``relay_on`` where curtailable.

    A limit that its device ends by itself after ``lease_s`` is kept alive by writing, also where it is none.
    """

    curtail: Literal["none", "limit", "relay"] = "none"
    lease_s: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Ev(Asset):
    """A charging point.  Points: ``power_w``, ``plugged_on``; writes ``current_max_a`` (0 pauses).

    Where it says them: ``current_l1_a`` …, ``session_energy_wh``, ``energy_wanted_wh``, ``departure_in_s``.
    ``l1_on`` is the building's phase at its terminal L1 (None: unknown); ``departure_s`` when a car leaves,
    in seconds of the local day, and ``energy_wanted_wh`` what it wants in one stay, where no charger says.

    ``current_min_a`` is the floor of IEC 61851-1 below which charging pauses.  A current that its device ends
    by itself after ``lease_s`` is kept alive by writing.  Not ``shows_order``: what is read of it is what was
    written, and no more.
    """

    tier: Tier = "D"
    phases_count: Literal[1, 3] = 3
    voltage_v: float = 230.0
    current_min_a: float = 6.0
    current_max_a: float = 16.0
    min_on_s: float = 60.0
    min_off_s: float = 180.0
    writable: bool = True
    lease_s: float = inf
    shows_order: bool = True
    l1_on: Phase | None = None
    departure_s: float | None = None
    energy_wanted_wh: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Asset):
    """A consumer; sheddable where it has a relay: writes ``relay_on`` (true lets it run).

    A position that its device ends by itself after ``lease_s`` is kept alive by writing.  One that does runs
    is in ``modes.py``.
    """

    switchable: bool = False
    min_on_s: float = 300.0
    min_off_s: float = 180.0
    lease_s: float = inf


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to run: ``value`` is written to the asset's point for it, ``power_w`` is taken in it at most.

    What generates has a power below 0.
    """

    name: str
    value: float
    power_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moded(Asset):
    """Runs in one of ``modes``, the one that takes most first; written to ``<name>.<quantity>``.

    Its classes are in ``modes.py``; ``senses`` are quantities beside its power that tell what it would like,
    read each ``sense_period_s``.
    ``normal`` is the mode of one that nobody steers.  After a change to more power it stays there for
    ``min_on_s``, after one to less it goes to no more for ``min_off_s``: S2's timers, whose transitions
    nothing of ours breaks.  Further down it may go at once: what was lowered had run for long enough.
    An order that its device ends by itself after ``lease_s`` is kept alive by writing.  ``own_normal``: its
    own control is its normal mode, so nothing is written then.
    """

    quantity: str
    senses: tuple[str, ...] = ()
    sense_period_s: float = 5.0
    modes: tuple[Mode, ...]
    normal: int = 0
    min_on_s: float = 0.0
    min_off_s: float = 0.0
    writable: bool = True
    lease_s: float = inf
    own_normal: bool = False

    @property
    def point(self) -> str:
        """The point it is steered by."""
        return f"{self.name}.{self.quantity}"


Steered = Battery | Pv | Ev | Load | Moded


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A contact, of the grid operator say, that caps the building while it acts; caps in W or None.

    Point: ``input_on`` (true is closed).  It acts when closed, or open where ``acts_open``, once that
    has been seen for ``debounce_s``; it lets go once the other has been seen for ``release_s``.
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
"""The relays that a grid operator's meter switches by the tariff; all but the first are its word alone."""
MOBILE_PEAKS = ("peak_1", "peak_2", "peak_3")
"""Those that it announces by date."""
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
class Supply:
    """The grid operator's meter, where it says what power is subscribed; it caps the import by that.

    Points, as far as it serves them: ``SUPPLY_POINTS``.  The cap that answers a warning goes once no warning
    was seen for ``release_s``.  ``is_grid``: it is the connection meter too.
    """

    name: str
    release_s: float = 60.0
    period_s: float = 1.0
    is_grid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A meter that says which tariff counts now, or what time it is: how often, None where it does not.

    Points: ``tariff_index``, ``clock_offset_s`` (how far it is behind our clock).
    """

    name: str
    tariff_s: float | None = None
    clock_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Hard limits and what is declared for each loss (spec/failsafe.md#section-2): W, never negative."""

    import_hard_w: float
    export_hard_w: float
    import_failsafe_w: float
    export_failsafe_w: float
    import_autonomous_w: float
    export_autonomous_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One building: its connection meter, its assets, its limits and what caps it.

    ``release_values`` maps a writable point to what is written when an input it needs is lost
    (``control/releases``); None where only the driver knows (the device's own control, or nothing at all).
    ``own_controls`` are the points that go back to their device's own control: whether they show it.
    ``steps`` is the resolution of a writable point, in its unit, once its device told it.  ``fallbacks`` is
    what a device does by itself with one that nobody writes (its value, None: its own control; after how many
    seconds).
    ``unmeasured_w`` is the rated power of what no asset measures; None: the most seen so far.
    ``unlisted_generation_w`` is what may be generated or discharged in the building by what is not listed.
    ``seed`` spreads random delays over buildings; ``zone`` is the time zone of its people's schedules.
    ``nodes`` hang below the connection, whose own fuse is ``main_fuse_a`` per phase (infinite: not declared).
    ``witnesses`` tell the tariff or the time; a clock of theirs that is further off ours than
    ``clock_differs_max_s`` contradicts it.  ``plans``: it plans for its battery.
    """

    name: str
    grid: Grid
    assets: tuple[Steered, ...]
    limits: Limits
    grid_target_w: float = 0.0
    cycle_s: float = 1.0
    release_values: Mapping[str, float | None] = field(default_factory=dict)
    own_controls: Mapping[str, bool] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict, compare=False)
    fallbacks: Mapping[str, tuple[float | None, float]] = field(default_factory=dict, compare=False)
    unmeasured_w: float | None = None
    unlisted_generation_w: float = 800.0
    seed: int = 0
    contacts: tuple[Contact, ...] = ()
    supplies: tuple[Supply, ...] = ()
    zone: str = "Europe/Paris"
    nodes: tuple[Node, ...] = ()
    main_fuse_a: float = inf
    witnesses: tuple[Witness, ...] = ()
    clock_differs_max_s: float = 300.0
    plans: bool = False

    @property
    def ratings_w(self) -> dict[str, float]:
        """The most power that each asset can have, by name; 0: not declared."""
        rated = {one.name: one.rated_w for one in self.assets}
        for one in self.assets:
            if isinstance(one, Battery):
                rated[one.name] = max(one.rated_w, one.charge_max_w, one.discharge_max_w)
            elif isinstance(one, Moded):
                rated[one.name] = max(one.rated_w, *(abs(mode.power_w) for mode in one.modes))
        return rated

    @property
    def is_branched(self) -> bool:
        """Whether there is more to keep than the sum at the connection."""
        return bool(self.nodes) or self.main_fuse_a < inf
