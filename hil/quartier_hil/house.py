"""The building of a scenario: its sizes, its contract and what stands in it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from quartier_hil.fittings import Asset, Board, TimeOfDay, Watts
from quartier_hil.tariff import Planning, Tariff
from quartier_hil.wanted import Part, Pct

Make = Literal["gx", "sunspec-1xx", "sunspec-7xx"]
MeterName = Literal["tic", "p1", "mbus"]
GridMeter = Literal["usual", "slow", "plain"]


class House(Part):
    """The building's sizes and contract."""

    battery_wh: Annotated[float, Field(gt=0)] = 10_000.0
    """Capacity of the battery."""
    battery_w: Watts = 5_000.0
    """Power of the battery, both ways."""
    battery: Make = "gx"
    """Its inverter: Victron's, or the device ``storage`` on SunSpec of either generation."""
    battery_habits: tuple[str, ...] = ()
    """What is wrong with a SunSpec battery inverter, of the habits that `quartier-hil sunspec` lists."""
    soc_pct: Pct = 50.0
    """State of charge at the start."""
    pv_w: Watts = 6_000.0
    """Peak power of the PV modules."""
    pv: Make = "gx"
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
    meters: tuple[MeterName, ...] = ()
    """Smart meters beside the devices: tic a Linky at the connection, p1 and mbus at one flat each."""
    tariff: Tariff | None = None
    """The supply contract that the Linky follows; absent: base, and prices of the series."""
    planning: Planning | None = None
    """Whether the gateway plans ahead by the supply contract; absent: the rule of self-consumption leads."""
    departure: TimeOfDay | None = None
    """When a car at the usual charging point leaves, as the site file says it; absent: it says nothing."""
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
    grid_meter: GridMeter = "usual"
    """The connection's meter; slow: it is read each 5 s; plain: its frequency is not read."""
    frequency_period_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """How often the connection meter's frequency is read."""
    outdoor_c: float = 12.0
    """Mean of the air outside."""

    @model_validator(mode="after")
    def _told(self) -> Self:
        if self.tariff is not None and "tic" not in self.meters:
            raise ValueError('tariff: nobody tells it; expected meters = ["tic"]')
        if self.planning is not None and self.tariff is None:
            raise ValueError("planning: nobody knows a price; expected a table tariff")
        return self

    @property
    def supply_text(self) -> str:
        """The TOML text of the contract that the gateway plans by, and how; empty where it does not plan."""
        tariff, planning = self.tariff, self.planning
        return "" if tariff is None or planning is None else tariff.site() + planning.site()

    @property
    def lost_import_w(self) -> float:
        """Fail-safe import cap: the one agreed, else half of the contract."""
        return self.failsafe_import_w if self.failsafe_agreed else 0.5 * self.contract_import_w

    @property
    def lost_export_w(self) -> float:
        """Fail-safe export cap: the one agreed, else none."""
        return self.failsafe_export_w if self.failsafe_agreed else 0.0

    @property
    def untouchable(self) -> tuple[str, ...]:
        """The assets of tier A, which nobody may order."""
        return tuple(asset.name for asset in self.assets if getattr(asset, "tier", "") == "A")
