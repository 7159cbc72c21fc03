"""Keys of assets, class by class."""

from typing import Annotated, Literal

from pydantic import Field, Strict

from quartier.config.sections.value_types import Percent, ReasonText, Section, TimeOfDay, Watts


class MeasuredAssetSection(Section):
    """An asset."""

    device: str
    """The device it is measured by."""
    part: str = ""
    """Which part of that device; empty for a device of one part."""
    share: Literal["district", "local"] = "district"
    """Whether its data may leave the building."""


class GridMeterSection(MeasuredAssetSection):
    """The connection meter; reads the sum of all assets, import counts plus."""

    role: Literal["grid"]
    """The connection to the public network; exactly one asset has this role."""
    frequency_period_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """How often frequency is asked for: 0.2 serves every row of the grid's events, 1 all but the last."""
    voltage_v: Annotated[float, Field(gt=50, le=100_000)] = 230.0
    """Nominal voltage to neutral as the meter shows it; low and high voltage are judged by it."""


class ConnectedAssetSection(MeasuredAssetSection):
    """An asset behind the connection meter."""

    node: str = "grid"
    """The node of the connection tree that feeds it."""
    phase: Literal["l1", "l2", "l3", "all"] | None = None
    """Its phase as the grid meter names it (quartier probe finds it), "all" for three; absent: may be any."""


class ControllableAssetSection(ConnectedAssetSection):
    """An asset that may be given orders."""

    accept_no_fallback: ReasonText | None = None
    """Why it is given orders though its device does not forget them by itself; absent: it is given none."""


class BatterySection(ControllableAssetSection):
    """A battery with its inverter; charging counts plus."""

    role: Literal["battery"]
    """A battery that takes setpoints."""
    tier: Literal["A", "B", "C", "D"] = "D"
    """Turn in which a cap stops its charging: D first, then C and B; A never."""
    rated_w: Watts
    """Rated power of the inverter."""
    capacity_wh: Annotated[float, Field(gt=0, le=1_000_000_000)]
    """Usable energy."""
    charge_max_w: Watts | None = None
    """Most power it may charge with; absent: rated_w."""
    discharge_max_w: Watts | None = None
    """Most power it may discharge with; absent: rated_w."""
    ramp_max_w_per_s: Annotated[float, Field(gt=0, le=10_000_000)] | None = None
    """Fastest change of its setpoint; absent: a fifth of rated_w.  Caps come before ramps."""
    soc_min_pct: Percent = 10.0
    """Never discharged below this."""
    soc_max_pct: Percent = 95.0
    """Never charged above this."""
    reserve_soc_pct: Percent = 20.0
    """Kept for outages: above it the battery serves the building, below it nothing of ours discharges it."""


class PvSection(ControllableAssetSection):
    """Photovoltaics; generating counts minus."""

    role: Literal["pv"]
    """Photovoltaic generation."""
    rated_w: Watts
    """Rated power of the inverter."""
    curtail: Literal["none", "limit", "relay"] | None = None
    """How it is curtailed: by a power limit, by a relay, not at all; absent: as the device can."""
    switch_device: str | None = None
    """The device whose relay cuts it off, if another one."""
    switch_part: str = ""
    """Which part of switch_device."""


class ChargePointSection(ControllableAssetSection):
    """A charge point for cars."""

    role: Literal["ev"]
    """A charge point that takes a current limit."""
    tier: Literal["A", "B", "C", "D"] = "D"
    """Turn in which a cap slows and pauses it: D first, then C and B; A never."""
    phases_count: Literal[1, 3] = 3
    """How many phases it charges on."""
    l1_on: Literal["l1", "l2", "l3"] | None = None
    """The phase of the building at its terminal L1 (rotated wiring); absent: one-phase cars may be on any."""
    departure: TimeOfDay | None = None
    """Local time by which a car needs its energy, as "07:30"; a value from the charge point comes first."""
    energy_wanted_wh: Annotated[float, Field(gt=0, le=500_000)] | None = None
    """Energy that a car wants in one stay; a value from the charge point comes first."""
    voltage_v: Annotated[float, Field(ge=100, le=260)] = 230.0
    """Voltage from phase to neutral."""
    current_min_a: Annotated[float, Field(ge=6, le=32)] = 6.0
    """Least current; below it charging pauses (IEC 61851-1: 6 A)."""
    current_max_a: Annotated[float, Field(ge=6, le=80)] = 16.0
    """Most current that cable and fuse allow."""
    rated_w: Watts | None = None
    """Rated power; absent: current_max_a times voltage_v times phases_count."""
    min_on_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    """Once started it charges at least this long."""
    min_off_s: Annotated[float, Field(ge=0, le=86_400)] = 180.0
    """Once paused it rests at least this long."""


class LoadSection(ControllableAssetSection):
    """A consumer; one with a relay can be shed."""

    role: Literal["load"]
    """A consumer."""
    tier: Literal["A", "B", "C", "D"] = "A"
    """Turn in which a cap sheds it: D first, then C and B; A never."""
    rated_w: Watts
    """Rated power; what it counts for while it is not measured."""
    switch_device: str | None = None
    """The device whose relay lets it run, if another one."""
    switch_part: str = ""
    """Which part of switch_device."""
    run_w: Annotated[tuple[Watts, ...], Strict(False), Field(max_length=96)] = ()
    """Power of a run in each quarter of an hour, begun by its relay once a day; absent: no runs."""
    run_resumes: bool = True
    """Whether a run that a limit interrupted goes on where it stopped; false: it begins anew."""
    window_start: TimeOfDay | None = None
    """From when a run may begin, in the building's time; absent: at any time."""
    deadline: TimeOfDay | None = None
    """By when the day's run has to be done; absent: by midnight."""
    min_on_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    """Once switched on it runs at least this long."""
    min_off_s: Annotated[float, Field(ge=0, le=86_400)] = 180.0
    """Once switched off it rests at least this long."""
