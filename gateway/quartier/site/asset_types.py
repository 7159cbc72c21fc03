"""Asset classes: battery, PV, charge point, load, operation-mode assets (pure).

Sign convention (architecture.md#units): plus takes energy from the building's bus. Powers named ``…_max_w``
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

    ``period_s`` is how often its power is read. ``comfort_cost`` orders sheds inside a tier if the number of
    sheds in 24 h is equal, lowest first. ``falls_back``: its device drops an order by itself.
    ``accepts_no_fallback``: the site file expressly allows orders without a fallback. ``phase`` is the phase
    it is connected to, or ``all`` three; None: unknown, so it counts fully on each.
    """

    role: ClassVar[str] = ""
    """The name of the class in site file, status, alarms and reports."""

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
    """The grid meter; reads the sum of all assets. Points: ``power_w``, ``voltage_l1_v`` …

    ``is_apparent``: it provides no ``power_w``, only ``apparent_power_va`` without a sign, and perhaps
    ``apparent_power_export_va``. Then VA stand for W, which are never more. ``frequency_period_s`` and
    ``voltage_period_s``: how often it provides these, None if it does not. ``voltage_v`` is the nominal
    voltage.
    """

    role: ClassVar[str] = "grid"

    is_apparent: bool = False
    frequency_period_s: float | None = None
    voltage_period_s: float | None = None
    voltage_v: float = 230.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery(Asset):
    """A battery. Points: ``power_w``, ``soc_pct``; writes ``setpoint_w`` (plus charges).

    It never goes below ``soc_min_pct``. ``reserve_soc_pct`` is kept for outages and not used for
    self-consumption or limits. ``delay_s`` is the delay of its response (None: not measured) and
    ``response_w_per_s`` its speed (0: at once). ``lag_s`` is how much later than its own readings the grid
    meter shows the response.
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
    """PV. Points: ``power_w`` (never positive); writes ``generation_max_w`` or ``relay_on`` if curtailable.

    If its device ends a limit by itself after ``lease_s``, the value is refreshed, also while nothing is
    limited.
    """

    role: ClassVar[str] = "pv"

    curtail: Literal["none", "limit", "relay"] = "none"
    is_output_unused: bool = False
    """It could be curtailed, but its section says ``curtail = "none"``."""
    lease_s: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePointAsset(Asset):
    """A charge point. Points: ``power_w``, ``plugged_on``; writes ``current_max_a`` (0 pauses).

    Points that some devices provide: ``current_l1_a`` …, ``session_energy_wh``, ``energy_wanted_wh``,
    ``departure_in_s``. ``l1_on`` is the building's phase at its terminal L1 (None: unknown). ``departure_s``
    (seconds of the local day) is when a car leaves, and ``energy_wanted_wh`` the energy it wants in one
    session, if the charger provides neither.

    ``current_min_a`` is the floor of IEC 61851-1 below which charging pauses. If its device ends a current by
    itself after ``lease_s``, the value is refreshed. Without ``shows_order`` its point reads back only what
    was written.
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
    """A consumer; sheddable if it has a relay: writes ``relay_on`` (true lets it run).

    If its device ends a relay position by itself after ``lease_s``, the value is refreshed. A load with daily
    runs is a ``BatchLoad``.
    """

    role: ClassVar[str] = "load"

    switchable: bool = False
    min_on_s: float = 300.0
    min_off_s: float = 180.0
    lease_s: float = inf


@dataclass(frozen=True, slots=True)
class OperationMode:
    """One operation mode: ``value`` is written to the asset's point, ``power_w`` is the most that it takes.

    A mode that generates has a negative power.
    """

    name: str
    value: float
    power_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationModeAsset(Asset):
    """An asset that runs in one of ``modes``, the one that takes most first; writes ``<name>.<quantity>``.

    Its classes follow below. ``senses`` are quantities beside its power that decide its preference, read each
    ``sense_period_s``. ``normal`` is the mode without any control.

    After a change to more power it stays there for ``min_on_s``. After a change to less power it goes to no
    more for ``min_off_s``. These are the timers of S2, whose blocked transitions the gateway never breaks.
    Further down it may go at once: it had run for long enough when it was lowered.

    If its device ends an order by itself after ``lease_s``, the value is refreshed. ``own_normal``: the
    device's own control is its normal mode, so nothing is written then.
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
        """The point by which it is controlled."""
        return f"{self.name}.{self.quantity}"


ControllableAsset = Battery | Pv | ChargePointAsset | Load | OperationModeAsset
QUARTER_S, DAY_S = 900.0, 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lights(OperationModeAsset):
    """A group of street lights: dimmed in steps, by the gateway never below half and never switched off.

    Points: ``power_w``; writes ``dim_pct``. ``evening`` lists from when (seconds of the local day, in order
    from noon to noon) which share of the light is enough, in %. The lamps are switched by their own clock: on
    ``dusk_s`` after sunset and off as long before sunrise at ``place`` (degrees north and east; None: not
    known).
    """

    role: ClassVar[str] = "lights"

    evening: tuple[tuple[float, float], ...] = ()
    place: tuple[float, float] | None = None
    dusk_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermalAsset(OperationModeAsset):
    """An asset that keeps a temperature in a band, ``comfort_min_c`` to ``comfort_max_c`` (None: not known).

    Points: ``power_w``; ``tank_c`` or ``room_c``, the first of ``senses`` that is not silent. ``preheat``: it
    stores the surplus of the building. ``boosts`` is the highest mode that it uses for that by itself; it
    equals ``normal`` if there is none.
    """

    comfort_min_c: float | None = None
    comfort_max_c: float | None = None
    preheat: bool = True
    boosts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterTank:
    """A store of hot water, as a plan needs it.

    ``loss_w`` is its standing loss at 45 K above its surroundings (EN 12897), which are at ``around_c``.
    ``heat_pct`` is the heat it gets from the electricity taken, in %. ``draw_w`` is the mean heat that people
    draw.
    """

    volume_m3: float
    loss_w: float
    around_c: float = 20.0
    heat_pct: float = 100.0
    draw_w: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatAsset(ThermalAsset):
    """A heat pump or a water heater; writes ``sg_ready_state``, ``setpoint_shift_k`` or ``relay_on``.

    ``water`` None: the store that it heats is not known, and it is not planned.
    """

    role: ClassVar[str] = "heat"

    water: WaterTank | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoolingAsset(ThermalAsset):
    """Air conditioning or a cold room; writes ``setpoint_shift_k`` (plus is warmer) or ``relay_on``.

    It pre-cools down to ``comfort_min_c``. Above ``comfort_max_c`` people, or goods, feel it.
    """

    role: ClassVar[str] = "cooling"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatSubstation(OperationModeAsset):
    """The pump of a geothermal loop: slowed in steps down to the least flow, never stopped by the gateway.

    Points: ``power_w``, ``supply_c``, ``return_c``; writes ``pump_pct``. ``bands`` lists for each temperature
    point the lowest and highest value at which the pump may be slowed, in degrees Celsius.
    """

    role: ClassVar[str] = "substation"

    bands: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChpUnit(OperationModeAsset):
    """Combined heat and power: the gateway may ask it to run; only its own controller stops it.

    Points: ``power_w`` (never positive); writes ``request_on`` or ``relay_on``. Led by heat
    (``start_import_w`` None) it is measured only. Led by electricity it is asked to run while the import
    stays above ``start_import_w``. ``min_off_s`` is its minimum run including its start, ``min_on_s`` its
    minimum rest.
    """

    role: ClassVar[str] = "chp"

    start_import_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WasteCollection(OperationModeAsset):
    """Pneumatic waste collection: an interruptible batch, due by a time of the local day.

    Points: ``power_w``, ``waiting_on``, ``left_s``; writes ``run_on`` or ``relay_on``. ``window_s`` and
    ``deadline_s`` are seconds of the local day. A batch takes ``duration_s`` if ``left_s`` is unknown.
    """

    role: ClassVar[str] = "waste"

    window_s: float
    deadline_s: float
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLoad(OperationModeAsset):
    """A load with one run a day: once begun, nothing that can wait interrupts it; it has a deadline.

    Points: ``power_w``, and ``waiting_on`` if its device provides it; writes ``relay_on``. ``run_w`` is the
    power of a run in each quarter of an hour. ``window_s`` (None: at any time) and ``deadline_s`` are seconds
    of the local day. ``resumes``: an interrupted run continues where it stopped; else it begins anew.
    """

    role: ClassVar[str] = "run"

    run_w: tuple[float, ...]
    window_s: float | None = None
    deadline_s: float = 0.0
    resumes: bool = True

    @property
    def duration_s(self) -> float:
        """The duration of a run, in s."""
        return QUARTER_S * len(self.run_w)

    @property
    def window_length_s(self) -> float:
        """The time before the deadline in which it may run, in s.

        It is a whole day if the window begins at the deadline.
        """
        begin_s = self.deadline_s if self.window_s is None else self.window_s
        return (self.deadline_s - begin_s) % DAY_S or DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class VentilationUnit(OperationModeAsset):
    """A ventilation unit: slowed in steps down to the least that the people inside need.

    Points: ``power_w``, ``co2_ppm``; writes ``speed_pct``. Above ``co2_max_ppm`` it is not slowed.
    """

    role: ClassVar[str] = "ventilation"

    co2_max_ppm: float


PHASES: tuple[Phase, ...] = ("l1", "l2", "l3")
ROOT_NODE = "grid"
"""The name of the connection in the connection tree, whatever its meter is called."""
