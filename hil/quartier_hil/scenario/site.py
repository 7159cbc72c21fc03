"""The site of a scenario (`[house]`): sizes, contract, boards and assets, every key with one sentence."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from quartier_hil.scenario.expectations import FileTable, Pct, Seconds
from quartier_hil.scenario.supply_contract import Planning, Tariff

Watts = Annotated[float, Field(ge=0, le=1_000_000)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,19}$")]
Hour = Annotated[float, Field(ge=0, le=24)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Tier = Literal["A", "B", "C", "D"]
DEVICE_SUFFIX = "_box"
"""After an asset's name: the name of the device that it lives in."""
METER_SUFFIX = "_meter"
"""After a board's name: the name of the meter that measures it."""


class Board(FileTable):
    """A board with fuses."""

    name: Name
    """Its name."""
    under: str = "grid"
    """The board that feeds it."""
    fuse_a: Annotated[float, Field(gt=0, le=1_000)]
    """Its fuse on each of three phases."""
    metered: bool = False
    """Whether a meter of its own measures it, the device that is called so with ``_meter`` after it."""


class SiteAsset(FileTable):
    """Keys that all further assets have."""

    name: Name
    """Its name; its device is called so with ``_box`` after it."""
    board: str = "grid"
    """The board that feeds it."""


class ChargePark(SiteAsset):
    """A park of charge points: ``name01``, ``name02`` and so on, each with one car that comes and goes."""

    kind: Literal["cars"]
    """Charge points for cars."""
    count: Annotated[int, Field(ge=1, le=99)]
    """How many."""
    single_count: Annotated[int, Field(ge=0)] = 0
    """How many of them charge on one phase, in turn on L1, L2 and L3; the rest on three."""
    current_max_a: Annotated[float, Field(ge=6, le=32)] = 16.0
    """Most current per phase."""
    arrive_from_s: Seconds
    """Cars come between this second and ``arrive_to_s``, drawn by the scenario's seed."""
    arrive_to_s: Seconds
    """See ``arrive_from_s``."""
    leave_s: Seconds = 1e9
    """When they leave; absent: they stay."""
    need_min_wh: Annotated[float, Field(ge=0)] = 8_000.0
    """Each would take between this and ``need_max_wh``."""
    need_max_wh: Annotated[float, Field(ge=0)] = 25_000.0
    """See ``need_min_wh``."""


class Lights(SiteAsset):
    """A group of street lights."""

    kind: Literal["lights"]
    """Street lights."""
    rated_w: Watts
    """At full light."""
    tier: Tier = "C"
    """Turn in which a cap dims them."""
    evening: tuple[str, ...] = ()
    """From when how much light is enough, as the site file says it."""


class HeatPump(SiteAsset):
    """A heat pump on SG Ready with a tank and a room."""

    kind: Literal["heat"]
    """A heat pump."""
    rated_w: Watts
    """Electric power of its compressor."""
    tank_c: float = 45.0
    """Its tank at the start."""
    comfort_min_c: float | None = None
    """Below this it is blocked last."""
    comfort_max_c: float | None = None
    """Up to this it may be boosted."""


class Boiler(SiteAsset):
    """Hot water with a heating rod behind a relay; people draw as from the usual tank."""

    kind: Literal["boiler"]
    """Hot water."""
    rated_w: Watts
    """Of its heating rod."""
    tank_m3: Annotated[float, Field(gt=0, le=100)] = 0.3
    """Water that it holds."""
    tank_loss_w: Annotated[float, Field(gt=0)] = 80.0
    """What it loses 45 K above the room, as on its label."""
    tank_c: float = 55.0
    """Its water at the start."""
    comfort_min_c: float = 45.0
    """Below this it is blocked last, and follows no plan."""
    comfort_max_c: float = 60.0
    """Up to this a plan heats it."""
    start_c: float = 55.0
    """From below this on its thermostat asks."""
    stop_c: float = 62.0
    """Up to this it does."""
    draw_share: Annotated[float, Field(ge=0, le=10)] = 1.0
    """How much of the usual hot water is drawn."""
    draw_w: Watts = 0.0
    """What the site file says is drawn in the mean of a day."""


class Cooling(SiteAsset):
    """A room that is cooled."""

    kind: Literal["cooling"]
    """Cooling."""
    rated_w: Watts
    """Electric power of its compressor."""
    tier: Tier = "C"
    """Turn in which a cap lets it be warmer."""
    comfort_min_c: float | None = None
    """Down to this it may pre-cool."""
    comfort_max_c: float | None = None
    """Above this it is blocked last."""


class Substation(SiteAsset):
    """The pump of a geothermal loop."""

    kind: Literal["substation"]
    """A geothermal substation."""
    rated_w: Watts
    """Of the pump at full speed."""
    pump_min_pct: Pct = 40.0
    """Least speed, for the least flow."""
    protocol: Literal["modbus", "opcua"] = "modbus"
    """How its controller is read: a PLC's registers, or an OPC UA server of its own."""
    return_min_c: float | None = None
    """Below this return the pump is given back to its own control."""


class CogenerationUnit(SiteAsset):
    """Combined heat and power."""

    kind: Literal["chp"]
    """Combined heat and power."""
    rated_w: Watts
    """Electric power that it gives."""
    led: Literal["heat", "electricity"] = "heat"
    """What it is run for."""
    start_import_w: Watts | None = None
    """Led by electricity: asked for while the import stays above this."""
    tank_c: float = 60.0
    """Its tank at the start."""


class WasteCollection(SiteAsset):
    """Pneumatic waste collection."""

    kind: Literal["waste"]
    """Pneumatic waste collection."""
    rated_w: Watts
    """Of its fans."""
    batches_s: tuple[Seconds, ...] = ()
    """When a batch comes."""
    batch_s: Annotated[float, Field(gt=0)] = 1_800.0
    """How long one takes."""
    window_start: TimeOfDay = "06:00"
    """From when it may run."""
    deadline: TimeOfDay = "22:00"
    """By when all has to be done."""
    protocol: Literal["modbus", "opcua"] = "modbus"
    """How its controller is read: a PLC's registers, or an OPC UA server of its own."""


class Ventilation(SiteAsset):
    """A ventilation unit."""

    kind: Literal["ventilation"]
    """Ventilation."""
    rated_w: Watts
    """Of its fans at full speed."""
    speed_min_pct: Pct = 40.0
    """Least ventilation."""
    people: Annotated[float, Field(ge=0)] = 60.0
    """Who breathes there from 8 to 18 h."""
    protocol: Literal["modbus", "bacnet"] = "modbus"
    """How its controller is read: a PLC's registers, or the objects of a BACnet device."""


class PlainLoad(SiteAsset):
    """A plain consumer."""

    kind: Literal["load"]
    """A consumer, with a relay where its tier is not A."""
    rated_w: Watts
    """What it takes while it runs."""
    tier: Tier = "A"
    """Turn in which a cap sheds it."""
    phase: Literal[1, 2, 3] | None = None
    """The phase it hangs on, if one alone."""
    from_h: Hour = 0.0
    """It runs from this hour of the day to ``until_h``."""
    until_h: Hour = 24.0
    """See ``from_h``."""
    run_w: tuple[Watts, ...] = ()
    """It is a machine whose run takes so much in each quarter of an hour; absent: it follows the hours."""
    loaded_s: tuple[Seconds, ...] = ()
    """When somebody fills the machine and presses its key: it runs as soon as its relay lets it."""
    window_start: TimeOfDay | None = None
    """From when it may run, in the site file."""
    deadline: TimeOfDay | None = None
    """By when its run has to be done."""


Asset = Annotated[
    ChargePark
    | Lights
    | HeatPump
    | Boiler
    | Cooling
    | Substation
    | CogenerationUnit
    | WasteCollection
    | Ventilation
    | PlainLoad,
    Field(discriminator="kind"),
]


def list_asset_names(asset: SiteAsset) -> tuple[str, ...]:
    """Return the names of its assets: one, or those of a park."""
    if isinstance(asset, ChargePark):
        return tuple(f"{asset.name}{number:02d}" for number in range(1, asset.count + 1))
    return (asset.name,)


def list_device_names(boards: Iterable[Board], assets: Iterable[SiteAsset]) -> tuple[str, ...]:
    """The devices of boards with a meter and of assets, by name."""
    meters = tuple(board.name + METER_SUFFIX for board in boards if board.metered)
    return meters + tuple(name + DEVICE_SUFFIX for asset in assets for name in list_asset_names(asset))


def find_phase(cars: ChargePark, place: int) -> int | None:
    """The phase of the car at ``place`` (from 0); None for a three-phase one."""
    return place % 3 + 1 if place < cars.single_count else None


InverterMake = Literal["gx", "sunspec-1xx", "sunspec-7xx"]
SmartMeterName = Literal["tic", "p1", "mbus"]
GridMeterKind = Literal["usual", "slow", "plain", "minute", "linky"]


class SiteSpec(FileTable):
    """The building's sizes and contract."""

    battery_wh: Annotated[float, Field(gt=0)] = 10_000.0
    """Capacity of the battery."""
    battery_w: Watts = 5_000.0
    """Power of the battery, both ways."""
    battery: InverterMake = "gx"
    """Its inverter: Victron's, or the device ``storage`` on SunSpec of either generation."""
    battery_habits: tuple[str, ...] = ()
    """What is wrong with a SunSpec battery inverter, of the habits that `quartier-hil sunspec` lists."""
    soc_pct: Pct = 50.0
    """State of charge at the start."""
    pv_w: Watts = 6_000.0
    """Peak power of the PV modules."""
    pv: InverterMake = "gx"
    """Its inverter: Victron's, or the device ``solar`` on SunSpec, which can be curtailed."""
    pv_habits: tuple[str, ...] = ()
    """What is wrong with a SunSpec PV inverter."""
    contract_import_w: Watts = 12_000.0
    """Import power of the contract: the hard limit."""
    contract_export_w: Watts = 6_000.0
    """Export power agreed with the grid operator."""
    failsafe_import_w: Watts = 6_000.0
    """Import cap while the district is lost."""
    failsafe_export_w: Watts = 6_000.0
    """Export cap while the district is lost, as agreed for this building."""
    failsafe_agreed: bool = True
    """Whether the site file says these two; false: half of the contract and no export hold."""
    contact_import_w: Watts | None = None
    """Import cap while the grid operator's contact is closed; absent: the house has no such contact."""
    meters: tuple[SmartMeterName, ...] = ()
    """Smart meters beside the devices: tic a Linky at the connection, p1 and mbus at one flat each."""
    tariff: Tariff | None = None
    """The supply contract that the Linky follows; absent: base, and prices of the series."""
    planning: Planning | None = None
    """Whether the gateway plans ahead by the supply contract; absent: the rule of self-consumption leads."""
    departure: TimeOfDay | None = None
    """When a car at the usual charge point leaves, as the site file says it; absent: it says nothing."""
    wanted_wh: Watts | None = None
    """What it wants in one stay, as the site file says it."""
    heat_pump_w: Watts = 2_500.0
    """Electric power of the heat pump."""
    tank_c: Annotated[float, Field(ge=20, le=90)] = 53.0
    """Temperature of the hot water at the start; the heat pump runs from 50 to 56 degrees."""

    boards: tuple[Board, ...] = ()
    """Boards below the connection, each with fuses."""
    assets: tuple[Asset, ...] = ()
    """What stands in it beside the usual."""
    main_fuse_a: Annotated[float, Field(gt=0)] | None = None
    """The connection's fuse on each phase; absent: none is judged."""
    grid_meter: GridMeterKind = "usual"
    """The connection's meter; slow: it is read each 5 s; plain: its frequency is not read; minute: it is read
    each 60 s; linky: the Linky alone, which tells VA without a sign (``meters`` must name ``tic``)."""
    unlisted_generation_w: Watts | None = None
    """What the site file says may be generated by what it does not list; absent: it says nothing."""
    frequency_period_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """How often the connection meter's frequency is read."""
    outdoor_c: float = 12.0
    """Mean of the air outside."""

    @model_validator(mode="after")
    def _check_linky_source(self) -> Self:
        if self.grid_meter == "linky" and "tic" not in self.meters:
            raise ValueError('grid_meter: there is no Linky; expected meters = ["tic"]')
        if self.tariff is not None and "tic" not in self.meters:
            raise ValueError('tariff: no meter reports it; expected meters = ["tic"]')
        if self.planning is not None and self.tariff is None:
            raise ValueError("planning: nobody knows a price; expected a table tariff")
        return self

    @property
    def supply_text(self) -> str:
        """The TOML text of the contract that the gateway plans by, and how; empty where it does not plan."""
        tariff, planning = self.tariff, self.planning
        return "" if tariff is None or planning is None else tariff.site() + planning.site()

    @property
    def effective_failsafe_import_w(self) -> float:
        """Fail-safe import cap: the one agreed, else half of the contract."""
        return self.failsafe_import_w if self.failsafe_agreed else 0.5 * self.contract_import_w

    @property
    def effective_failsafe_export_w(self) -> float:
        """Fail-safe export cap: the one agreed, else none."""
        return self.failsafe_export_w if self.failsafe_agreed else 0.0

    @property
    def tier_a_assets(self) -> tuple[str, ...]:
        """The assets of tier A, which get no orders."""
        return tuple(asset.name for asset in self.assets if getattr(asset, "tier", "") == "A")
