"""Asset classes: battery, PV, charge point, load, operation-mode assets (pure).

One sign (architecture.md#units): plus takes energy from the building's bus.  Powers named ``…_max_w``
are magnitudes and never negative.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

Tier = Literal["A", "B", "C", "D"]
Phase = Literal["l1", "l2", "l3"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """Anything with a power: it takes ``power_w`` from the building's bus.

    ``period_s`` is how often its power is read; ``comfort_cost`` orders sheds inside a tier where
    the number of sheds in 24 h is equal, lowest first.  ``falls_back``: its device forgets by itself what
    it was ordered; ``accepts_no_fallback``: the site file says aloud that it may be ordered without.
    ``phase`` is the one it hangs on, or ``all`` three; None: it may be any, and counts wholly on each.
    """

    role: ClassVar[str] = ""
    """How site file, status, alarms and reports call the class."""

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
class GridMeter(Asset):
    """The connection meter; reads the sum of all assets.  Points: ``power_w``, ``voltage_l1_v`` …

    ``is_apparent``: it says no ``power_w``, only ``apparent_power_va`` without a sign, and perhaps
    ``apparent_power_export_va``: then VA stand for W, which are never more.  ``frequency_period_s`` and
    ``voltage_period_s``: how often it says these, None where it does not; ``voltage_v``: the nominal one.
    """

    role: ClassVar[str] = "grid"

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

    role: ClassVar[str] = "battery"

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

    role: ClassVar[str] = "pv"

    curtail: Literal["none", "limit", "relay"] = "none"
    lease_s: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePointAsset(Asset):
    """A charging point.  Points: ``power_w``, ``plugged_on``; writes ``current_max_a`` (0 pauses).

    Where it says them: ``current_l1_a`` …, ``session_energy_wh``, ``energy_wanted_wh``, ``departure_in_s``.
    ``l1_on`` is the building's phase at its terminal L1 (None: unknown); ``departure_s`` when a car leaves,
    in seconds of the local day, and ``energy_wanted_wh`` what it wants in one stay, where no charger says.

    ``current_min_a`` is the floor of IEC 61851-1 below which charging pauses.  A current that its device ends
    by itself after ``lease_s`` is kept alive by writing.  Not ``shows_order``: what is read of it is what was
    written, and no more.
    """

    role: ClassVar[str] = "ev"

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

    role: ClassVar[str] = "load"

    switchable: bool = False
    min_on_s: float = 300.0
    min_off_s: float = 180.0
    lease_s: float = inf


@dataclass(frozen=True, slots=True)
class OperationMode:
    """One way to run: ``value`` is written to the asset's point for it, ``power_w`` is taken in it at most.

    What generates has a power below 0.
    """

    name: str
    value: float
    power_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationModeAsset(Asset):
    """Runs in one of ``modes``, the one that takes most first; written to ``<name>.<quantity>``.

    Its classes are in ``modes.py``; ``senses`` are quantities beside its power that tell what it would like,
    read each ``sense_period_s``.
    ``normal`` is the mode of one that nobody steers.  After a change to more power it stays there for
    ``min_on_s``, after one to less it goes to no more for ``min_off_s``: S2's timers, whose transitions
    nothing of ours breaks.  Further down it may go at once: what was lowered had run for long enough.
    An order that its device ends by itself after ``lease_s`` is kept alive by writing.  ``own_normal``: its
    own control is its normal mode, so nothing is written then.
    """

    role: ClassVar[str] = "moded"

    quantity: str
    senses: tuple[str, ...] = ()
    sense_period_s: float = 5.0
    modes: tuple[OperationMode, ...]
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


ControllableAsset = Battery | Pv | ChargePointAsset | Load | OperationModeAsset
QUARTER_S, DAY_S = 900.0, 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lights(OperationModeAsset):
    """A group of street lights: dimmed in steps, never below half and never switched off by us.

    Points: ``power_w``; writes ``dim_pct``.  ``evening`` says from when (seconds of the local day, in order
    from noon to noon) which share of the light is enough, in %; lamps are lit by their own clock, ``dusk_s``
    after sunset and as long before sunrise at ``place`` (degrees north and east; None: not known).
    """

    role: ClassVar[str] = "lights"

    evening: tuple[tuple[float, float], ...] = ()
    place: tuple[float, float] | None = None
    dusk_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermalAsset(OperationModeAsset):
    """Keeps a temperature inside a band: ``comfort_min_c`` to ``comfort_max_c``; None: not known.

    Points: ``power_w``; ``tank_c`` or ``room_c``, the first of ``senses`` that is not silent.  ``preheat``:
    it stores what the building generates and does not use.  ``boosts`` is the highest mode that it goes to
    for that by itself; ``normal`` where it has none.
    """

    comfort_min_c: float | None = None
    comfort_max_c: float | None = None
    preheat: bool = True
    boosts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterTank:
    """Water that keeps heat, as a plan sees it.

    ``loss_w`` is its standing loss 45 K above its surroundings (EN 12897), which are at ``around_c``;
    ``heat_pct`` what heat it gets of the electricity that is taken, ``draw_w`` what people draw in the mean.
    """

    volume_m3: float
    loss_w: float
    around_c: float = 20.0
    heat_pct: float = 100.0
    draw_w: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatAsset(ThermalAsset):
    """A heat pump or a water heater; writes ``sg_ready_state``, ``setpoint_shift_k`` or ``relay_on``.

    ``water`` None: nothing is known of what it fills, and it is not planned.
    """

    role: ClassVar[str] = "heat"

    water: WaterTank | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoolingAsset(ThermalAsset):
    """Air conditioning or a cold room; writes ``setpoint_shift_k`` (plus is warmer) or ``relay_on``.

    It pre-cools down to ``comfort_min_c``; above ``comfort_max_c`` people, or goods, feel it.
    """

    role: ClassVar[str] = "cooling"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatSubstation(OperationModeAsset):
    """The pump of a geothermal loop: slowed in steps down to the least flow, never stopped by us.

    Points: ``power_w``, ``supply_c``, ``return_c``; writes ``pump_pct``.  ``bands`` maps each of them to the
    lowest and highest temperature at which it may be moved, in degrees Celsius.
    """

    role: ClassVar[str] = "substation"

    bands: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChpUnit(OperationModeAsset):
    """Combined heat and power: may be asked to run, is stopped by its own controller only.

    Points: ``power_w`` (never plus); writes ``request_on`` or ``relay_on``.  Led by heat (``start_import_w``
    None) it is measured only; led by electricity it is asked for while the import stays above that.
    ``min_off_s`` is its least run with what its start takes, ``min_on_s`` its least rest.
    """

    role: ClassVar[str] = "chp"

    start_import_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WasteCollection(OperationModeAsset):
    """Pneumatic waste collection: a batch that may be interrupted, to be done by a time of the local day.

    Points: ``power_w``, ``waiting_on``, ``left_s``; writes ``run_on`` or ``relay_on``.  ``window_s`` and
    ``deadline_s`` are seconds of the local day; a batch takes ``duration_s`` where ``left_s`` is unknown.
    """

    role: ClassVar[str] = "waste"

    window_s: float
    deadline_s: float
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLoad(OperationModeAsset):
    """A load that does one run a day: begun once, not interrupted by anything that may wait, done by a time.

    Points: ``power_w``, ``waiting_on`` where its device says it; writes ``relay_on``.  ``run_w`` is what a
    run takes in each quarter of an hour; ``window_s`` (None: at any time) and ``deadline_s`` are seconds of
    the local day.  ``resumes``: one that was interrupted goes on where it stopped; else it begins anew.
    """

    role: ClassVar[str] = "run"

    run_w: tuple[float, ...]
    window_s: float | None = None
    deadline_s: float = 0.0
    resumes: bool = True

    @property
    def duration_s(self) -> float:
        """Return how long a run takes."""
        return QUARTER_S * len(self.run_w)

    @property
    def window_length_s(self) -> float:
        """Return how long it may run before that: a whole day where its hours begin as they end."""
        begin_s = self.deadline_s if self.window_s is None else self.window_s
        return (self.deadline_s - begin_s) % DAY_S or DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class VentilationUnit(OperationModeAsset):
    """A ventilation unit: slowed in steps down to the least that the people in it need.

    Points: ``power_w``, ``co2_ppm``; writes ``speed_pct``.  Above ``co2_max_ppm`` it is not slowed.
    """

    role: ClassVar[str] = "ventilation"

    co2_max_ppm: float


PHASES: tuple[Phase, ...] = ("l1", "l2", "l3")
ROOT_NODE = "grid"
"""The name of the connection itself in the tree, whatever its meter is called."""
