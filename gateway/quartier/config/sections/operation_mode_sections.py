"""Keys of assets that run in operation modes."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from quartier.config.sections.asset_sections import ControllableAssetSection
from quartier.config.sections.value_types import DimmingStep, TimeOfDay, Watts

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Celsius = Annotated[float, Field(ge=-30, le=120)]
Kelvin = Annotated[float, Field(ge=0, le=10)]
Tier = Literal["A", "B", "C", "D"]
StepPercent = Annotated[float, Field(ge=5, le=50)]


class SwitchedAssetSection(ControllableAssetSection):
    """An asset whose orders another device may take than the one it is measured by."""

    switch_device: str | None = None
    """The device that takes its orders, if another one."""
    switch_part: str = ""
    """Which part of switch_device."""


class LightsSection(SwitchedAssetSection):
    """A group of street lights: dimmed, never below half, never switched off by the gateway."""

    role: Literal["lights"]
    """Street lights that take a dim level."""
    tier: Tier = "C"
    """Turn in which a cap dims them: D first, then C and B; A never."""
    rated_w: Watts
    """Power of the whole group at full light."""
    dim_min_pct: Annotated[float, Field(ge=50, le=100)] = 50.0
    """They are never dimmed further than this."""
    dim_step_pct: Annotated[float, Field(ge=5, le=50)] = 10.0
    """Size of a step of dimming."""
    evening: Annotated[tuple[DimmingStep, ...], Strict(False)] = ()
    """From when how much of the light is enough, such as ["22:30 80 %", "00:30 60 %", "05:30 100 %"]."""
    dusk_offset_s: Annotated[float, Field(ge=-7_200, le=7_200)] = 0.0
    """So long after sunset their own clock lights them, as long before sunrise it ends; minus: by day."""


class HeatSection(SwitchedAssetSection):
    """A heat pump or a water heater, with the store that it fills."""

    role: Literal["heat"]
    """A heat pump or hot water; takes sg_ready_state (SG Ready 1 to 4), setpoint_shift_k or relay_on."""
    tier: Tier = "C"
    """Turn in which a cap lowers and blocks it; below comfort_min_c it is in tier B; A never."""
    rated_w: Watts
    """Most power it takes."""
    normal_w: Watts | None = None
    """Power it takes in normal running; absent: three quarters of rated_w."""
    comfort_min_c: Celsius | None = None
    """Below this tank_c (or room_c) it is blocked last; absent: its turn is always that of tier."""
    comfort_max_c: Celsius | None = None
    """Above this tank_c (or room_c) it is never boosted; absent: it is not boosted at all."""
    tank_m3: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Water that it heats, 0.3 for 300 l; with both comfort keys, for tank_c, a plan stores heat in it."""
    tank_loss_w: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Standing loss of the tank as on its label, 45 K above the room; absent: the most that the EU allows."""
    around_c: Celsius = 20.0
    """Temperature around the tank."""
    heat_pct: Annotated[float, Field(ge=10, le=1_000)] = 100.0
    """Heat of the electricity that it takes: 100 of a heating rod, 300 of a heat pump."""
    draw_w: Watts = 0.0
    """Heat that is drawn from the tank in the mean of a day, where a plan is not told when."""
    preheat: bool = True
    """Whether it stores own generation that is left over, up to comfort_max_c."""
    force_on: bool = False
    """Whether an export cap may use state 4 of SG Ready, in which some pumps switch their heating rod on."""
    shift_up_k: Kelvin = 2.0
    """How far a boost raises the setpoint, where it takes setpoint_shift_k."""
    shift_down_k: Kelvin = 2.0
    """How far a cap lowers the setpoint, where it takes setpoint_shift_k."""
    min_on_s: Seconds = 300.0
    """Once it was let run, or boosted, that lasts at least this long."""
    min_off_s: Seconds = 180.0
    """Once it was blocked, or lowered, that lasts at least this long."""


class CoolingSection(SwitchedAssetSection):
    """Air conditioning, or a cold room."""

    role: Literal["cooling"]
    """Cooling; takes setpoint_shift_k (plus is warmer) or relay_on."""
    tier: Tier = "C"
    """Turn in which a cap lowers and blocks it (cold rooms: B); above comfort_max_c always B; A never."""
    rated_w: Watts
    """Most power it takes."""
    normal_w: Watts | None = None
    """Power it takes in normal running; absent: three quarters of rated_w."""
    comfort_min_c: Celsius | None = None
    """It pre-cools room_c down to this; absent: it does not pre-cool at all."""
    comfort_max_c: Celsius | None = None
    """Above this room_c it is blocked last; absent: its turn is always that of tier."""
    preheat: bool = True
    """Whether it stores own generation that is left over, down to comfort_min_c."""
    shift_up_k: Kelvin = 2.0
    """How far a cap lets the setpoint rise, where it takes setpoint_shift_k."""
    shift_down_k: Kelvin = 2.0
    """How far pre-cooling lowers the setpoint, where it takes setpoint_shift_k."""
    min_on_s: Seconds = 300.0
    """Once it was let run that lasts at least this long."""
    min_off_s: Seconds = 180.0
    """Once it was blocked, or lowered, that lasts at least this long."""


class SubstationSection(SwitchedAssetSection):
    """The pump of a geothermal loop: slowed down to the least flow, never stopped by the gateway."""

    role: Literal["substation"]
    """A substation whose pump takes pump_pct."""
    tier: Tier = "C"
    """Turn in which a cap slows it: D first, then C and B; A never."""
    rated_w: Watts
    """Power of the pump at full speed; it goes with the third power of the speed."""
    pump_normal_pct: Annotated[float, Field(ge=20, le=100)] = 100.0
    """Speed without a cap, unless its own control has it; of one that takes pump_pct as a limit, 100."""
    pump_min_pct: Annotated[float, Field(ge=10, le=100)]
    """Least speed, for the least flow of the loop."""
    pump_step_pct: StepPercent = 10.0
    """Size of a step of its speed."""
    supply_min_c: Celsius | None = None
    """Below this supply_c the pump is given back to its own control."""
    supply_max_c: Celsius | None = None
    """Above this supply_c the pump is given back to its own control."""
    return_min_c: Celsius | None = None
    """Below this return_c the pump is given back to its own control."""
    return_max_c: Celsius | None = None
    """Above this return_c the pump is given back to its own control."""
    min_on_s: Seconds = 60.0
    """Once it went faster that lasts at least this long."""
    min_off_s: Seconds = 60.0
    """Once it went slower that lasts at least this long."""


class ChpSection(SwitchedAssetSection):
    """Combined heat and power; generating counts minus.  It is stopped by its own controller only."""

    role: Literal["chp"]
    """Combined heat and power; takes request_on or relay_on, where it is led by electricity."""
    led: Literal["heat", "electricity"] = "heat"
    """What it is run for; led by heat it is measured only."""
    rated_w: Watts
    """Electric power it generates."""
    start_import_w: Watts | None = None
    """Led by electricity: it is asked to run once the import stays above this for 5 minutes."""
    min_run_s: Annotated[float, Field(ge=600, le=86_400)] = 1_800.0
    """Least run: so long a request is never withdrawn."""
    min_rest_s: Annotated[float, Field(ge=300, le=86_400)] = 900.0
    """Least rest between two requests."""
    start_s: Annotated[float, Field(ge=0, le=1_800)] = 300.0
    """What its start takes; the least run begins after it."""


class WasteSection(SwitchedAssetSection):
    """Pneumatic waste collection: a batch that may be interrupted, to be done by a time of the day."""

    role: Literal["waste"]
    """Pneumatic waste collection; takes run_on or relay_on."""
    tier: Tier = "C"
    """Turn in which a cap interrupts it; when its time runs out it is in tier B; A never."""
    rated_w: Watts
    """Power of its fans."""
    window_start: TimeOfDay = "06:00"
    """From when it may run, in the building's time."""
    deadline: TimeOfDay = "22:00"
    """By when a batch that waits has to be done; the end of its window."""
    duration_s: Annotated[float, Field(ge=60, le=86_400)] = 3_600.0
    """What a batch takes, where the plant does not say left_s."""
    min_on_s: Seconds = 300.0
    """Once it runs it runs at least this long."""
    min_off_s: Seconds = 180.0
    """Once it was interrupted it rests at least this long."""


class VentilationSection(SwitchedAssetSection):
    """A ventilation unit: slowed down to the least that its people need, never stopped by the gateway."""

    role: Literal["ventilation"]
    """A ventilation unit that takes speed_pct."""
    tier: Tier = "C"
    """Turn in which a cap slows it; the step to speed_min_pct is in tier B; A never."""
    rated_w: Watts
    """Power of its fans at full speed; it goes with the third power of the speed."""
    speed_normal_pct: Annotated[float, Field(ge=20, le=100)] = 100.0
    """Speed without a cap, unless its own control has it; of one that takes speed_pct as a limit, 100."""
    speed_min_pct: Annotated[float, Field(ge=10, le=100)]
    """Least ventilation; a cap never slows it further."""
    speed_step_pct: StepPercent = 20.0
    """Size of a step of its speed."""
    co2_max_ppm: Annotated[float, Field(ge=600, le=5_000)] = 1_200.0
    """Above this co2_ppm it is not slowed further (EN 16798-1, category II: 800 ppm above outdoors)."""
    min_on_s: Seconds = 60.0
    """Once it went faster that lasts at least this long."""
    min_off_s: Seconds = 60.0
    """Once it went slower that lasts at least this long."""


OperationModeSection = (
    LightsSection
    | HeatSection
    | CoolingSection
    | SubstationSection
    | ChpSection
    | WasteSection
    | VentilationSection
)
"""The roles of assets that run in modes."""
OPERATION_MODE_SECTIONS: Mapping[str, type[SwitchedAssetSection]] = {
    "lights": LightsSection,
    "heat": HeatSection,
    "cooling": CoolingSection,
    "substation": SubstationSection,
    "chp": ChpSection,
    "waste": WasteSection,
    "ventilation": VentilationSection,
}
CONTROL_QUANTITIES = {
    "lights": ("dim_pct",),
    "heat": ("sg_ready_state", "setpoint_shift_k", "relay_on"),
    "cooling": ("setpoint_shift_k", "relay_on"),
    "substation": ("pump_pct",),
    "chp": ("request_on", "relay_on"),
    "waste": ("run_on", "relay_on"),
    "ventilation": ("speed_pct",),
}
"""What may be written to an asset of each such role; the first that its device takes."""


def is_controllable(asset: Any) -> bool:
    """Return whether it is given orders at all: a CHP that is led by heat is measured only."""
    return not isinstance(asset, ChpSection) or asset.led == "electricity"


def find_control_quantity(role: str, takes: Callable[[str], bool]) -> str:
    """Return the quantity that is written to an asset of this role; ``takes``: can its device write it?"""
    return next((one for one in CONTROL_QUANTITIES[role] if takes(one)), CONTROL_QUANTITIES[role][0])


def has_switch_device(asset: Any) -> bool:
    """Return whether another device takes its orders than the one it is measured by."""
    return isinstance(asset, SwitchedAssetSection) and asset.switch_device is not None
