"""The whole site file, and the sections that every site has once.

The same lines check the file, print the reference page, write the sample and feed the JSON
Schema that editors use.  What needs two sections to be judged is in ``checks/section_checks.py``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Union

from pydantic import BaseModel, Field, Strict

from quartier.config.sections.asset_sections import (
    BatterySection,
    ChargePointSection,
    GridMeterSection,
    LoadSection,
    PvSection,
)
from quartier.config.sections.connection_sections import (
    ContactSection,
    DistrictLinkSection,
    NodeSection,
    ShareSection,
    SupplySection,
)
from quartier.config.sections.operation_mode_sections import OperationModeSection
from quartier.config.sections.planning_sections import PlanningSection, TariffSection
from quartier.config.sections.value_types import (
    BuildingId,
    Name,
    Percent,
    ProfileName,
    SecretReference,
    Section,
    TimeZone,
    TopicName,
    Watts,
)
from quartier_drivers.registry import BUS_KINDS, load_section

if TYPE_CHECKING:
    BusSection = BaseModel
else:  # the registry says which kinds there are
    _BUS_SECTIONS = tuple(load_section(kind) for kind in BUS_KINDS)
    BusSection = Annotated[Union[_BUS_SECTIONS], Field(discriminator="kind")]  # noqa: UP007 - "|" takes no tuple
"""A wire or an endpoint; its keys depend on ``kind``."""


class SiteSection(Section):
    """Identity and place of the building."""

    id: BuildingId
    """The building's name in the district, unique there."""
    district: TopicName
    """The district's name; the group in MQTT topics."""
    simulated: bool = False
    """Allows a simulated clock (QUARTIER_CLOCK); never true where real devices are."""
    time_zone: TimeZone = "Europe/Paris"
    """Time zone of the building, for schedules and for what people see."""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    """Degrees north, for forecasts."""
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    """Degrees east, for forecasts."""
    profiles: Annotated[tuple[str, ...], Strict(False)] = ()
    """Folders with device profiles of your own, searched before the built-in ones; relative to this file."""


class DeviceSection(Section):
    """One thing that answers on a bus."""

    bus: str
    """The bus it answers on."""
    profile: ProfileName
    """Which profile describes it, as maker/model."""
    unit: Annotated[int, Field(ge=0, le=4_194_302)] = 1
    """Its unit (address) on the bus; of a GPIO chip, the offset of its line; of BACnet, its instance."""
    address: Annotated[str, Field(max_length=64, pattern=r"^[0-9A-Za-z.:@-]*$")] = ""
    """M-Bus secondary or IEC 62056-21 address; of BACnet IP, IP:port or network:mac (``@router``)."""
    key_file: SecretReference | None = None
    """File with the keys of a meter that encrypts (TOML: encryption_key, authentication_key, password)."""


AssetSection = Annotated[
    GridMeterSection | BatterySection | PvSection | ChargePointSection | LoadSection | OperationModeSection,
    Field(discriminator="role"),
]
"""What control thinks in; its keys depend on ``role``."""


class LimitsSection(Section):
    """Hard limits and what is declared for each loss; nothing received can raise them."""

    contract_import_w: Annotated[float, Field(gt=0, le=10_000_000)]
    """Import power of the contract; from kVA of a French contract: kVA times 900."""
    contract_export_w: Watts = 0.0
    """Export power agreed with the grid operator."""
    import_max_w: Watts | None = None
    """Hard import limit, by fuses and cables; absent: contract_import_w."""
    export_max_w: Watts | None = None
    """Hard export limit, by fuses and cables; absent: contract_export_w."""
    main_fuse_a: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Rated current of the main fuse, per phase; absent: the limits hold for the sum of phases alone."""
    unlisted_generation_w: Watts = 800.0
    """Largest power of generators and batteries not listed here; 0: none.  The meter check uses it."""
    failsafe_import_w: Watts | None = None
    """Import cap while the district is lost; absent: half of contract_import_w."""
    failsafe_export_w: Watts = 0.0
    """Export cap while the district is lost."""
    autonomous_import_w: Watts | None = None
    """Import cap once the loss has lasted failsafe_min_s; absent: 80 % of contract_import_w."""
    autonomous_export_w: Watts | None = None
    """Export cap once the loss has lasted failsafe_min_s; absent: contract_export_w."""
    failsafe_min_s: Annotated[float, Field(ge=7_200, le=86_400)] = 7_200.0
    """How long the fail-safe caps last at least."""
    hold_max_s: Annotated[float, Field(ge=3_600, le=172_800)] = 93_600.0
    """How long cached schedules may go on without the district."""
    heartbeat_timeout_s: Annotated[float, Field(ge=60, le=300)] = 120.0
    """Silence after which the district counts as lost."""

    @property
    def import_hard_w(self) -> float:
        """The least of what was declared, in W."""
        return min(self.contract_import_w, _choose_default(self.import_max_w, self.contract_import_w))

    @property
    def export_hard_w(self) -> float:
        """The least of what was declared, in W."""
        return min(self.contract_export_w, _choose_default(self.export_max_w, self.contract_export_w))

    @property
    def import_failsafe_w(self) -> float:
        """Import cap of FAILSAFE in W, never above the hard one."""
        return min(self.import_hard_w, _choose_default(self.failsafe_import_w, 0.5 * self.contract_import_w))

    @property
    def export_failsafe_w(self) -> float:
        """Export cap of FAILSAFE in W, never above the hard one."""
        return min(self.export_hard_w, self.failsafe_export_w)

    @property
    def import_autonomous_w(self) -> float:
        """Import cap of AUTONOMOUS in W, never above the hard one."""
        return min(
            self.import_hard_w, _choose_default(self.autonomous_import_w, 0.8 * self.contract_import_w)
        )

    @property
    def export_autonomous_w(self) -> float:
        """Export cap of AUTONOMOUS in W, never above the hard one."""
        return min(self.export_hard_w, _choose_default(self.autonomous_export_w, self.contract_export_w))


def _choose_default(value: float | None, default: float) -> float:
    return default if value is None else value


class ControlSection(Section):
    """Settings of the control cycle."""

    cycle_s: Annotated[float, Field(ge=0.2, le=5)] = 1.0
    """Period of the control cycle; what the district sends is answered in the next one."""
    grid_target_w: Annotated[float, Field(ge=-1_000_000, le=1_000_000)] = 0.0
    """Grid power that the battery aims at; plus keeps a little import."""


class DeadbandsSection(Section):
    """Smallest change of a value that becomes a sample."""

    power_w: Watts = 50.0
    """Power (W, var, VA): at least this much."""
    power_pct: Percent = 1.0
    """Power: and at least this share of its value."""
    power_period_s: Annotated[float, Field(ge=0, le=3_600)] = 1.0
    """Power: at most one sample in this time."""
    voltage_v: Annotated[float, Field(ge=0, le=1_000)] = 1.0
    """Voltage."""
    current_a: Annotated[float, Field(ge=0, le=1_000)] = 0.5
    """Current."""
    frequency_hz: Annotated[float, Field(ge=0, le=10)] = 0.01
    """Frequency."""
    temperature_k: Annotated[float, Field(ge=0, le=100)] = 0.2
    """Temperature."""
    soc_pct: Percent = 0.5
    """State of charge and other percentages."""
    counter_period_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """Energy counters: one sample in this time if they changed."""


class StoreSection(Section):
    """The local history."""

    path: str = "history.db"
    """The database; a relative path lies in the state directory (/var/lib/quartier)."""
    size_max_mb: Annotated[int, Field(ge=16, le=1_000_000)] = 512
    """Disk budget in MB (1000 000 bytes); above it the oldest samples are deleted, with a gap record."""
    commit_s: Annotated[float, Field(ge=1, le=60)] = 10.0
    """Time between commits: the most that a power cut can cost."""
    chunk_count: Annotated[int, Field(ge=16, le=8_192)] = 512
    """Samples of one point that are compressed together."""
    deadbands: DeadbandsSection = DeadbandsSection()
    """Smallest change of a value that becomes a sample."""

    def file(self, state_dir: Path) -> Path:
        """Return where the database is, given the state directory."""
        return state_dir / self.path


class ClockSection(Section):
    """Trust in the wall clock: the kernel is synchronised and no stamp of the district disagrees."""

    heartbeat_offset_max_s: Annotated[float, Field(ge=1, le=60)] = 60.0
    """How far a heartbeat's stamp may be off a synchronised clock; beyond it the heartbeat does not count."""
    meter_differs_max_s: Annotated[float, Field(ge=60, le=604_800)] = 300.0
    """How far a meter's clock may be off ours; beyond it ours is in doubt, and no local plan is followed."""


class RecordingSection(Section):
    """The last bytes of each bus, for `quartier record` and for recordings of faults."""

    buffer_max_bytes: Annotated[int, Field(ge=0, le=16_000_000)] = 512_000
    """Memory for the last frames of all buses, an equal share for each; 0: nothing is recorded."""
    buffer_s: Annotated[float, Field(ge=5, le=600)] = 60.0
    """How far back the frames of a bus go at most."""
    files_max_count: Annotated[int, Field(ge=0, le=1_000)] = 20
    """Recordings that are saved around a fault, in the state directory; the oldest goes first; 0: none."""
    after_s: Annotated[float, Field(ge=0, le=60)] = 5.0
    """How long such a recording continues after the fault."""
    anonymise: bool = False
    """Whether serials and addresses are masked in such recordings; an encrypting meter then leaves none."""


class SiteFile(Section):
    """A whole site file."""

    site: SiteSection
    """Identity and place of the building."""
    buses: dict[Name, BusSection] = Field(default_factory=dict)
    """Wires and endpoints, by name."""
    devices: dict[Name, DeviceSection] = Field(default_factory=dict)
    """What answers on them, by name."""
    assets: dict[Name, AssetSection]
    """What control thinks in, by name."""
    nodes: dict[Name, NodeSection] = Field(default_factory=dict)
    """The connection tree below the grid, by name."""
    contacts: dict[Name, ContactSection] = Field(default_factory=dict)
    """Contacts that cap the building while they act, by name."""
    supplies: dict[Name, SupplySection] = Field(default_factory=dict)
    """The grid operator's meters that cap the import by what is subscribed, by name."""
    limits: LimitsSection
    """Hard limits and what is declared for each loss."""
    control: ControlSection = ControlSection()
    """Settings of the control cycle."""
    district_link: DistrictLinkSection | None = None
    """The broker of the district; absent: the gateway works alone."""
    planning: PlanningSection | None = None
    """Planning ahead; absent: the battery follows the rule of self-consumption."""
    tariff: TariffSection | None = None
    """What energy costs by the contract."""
    shares: dict[Name, ShareSection] = Field(default_factory=dict)
    """Other clients on the connections of Modbus buses, by name."""
    store: StoreSection = StoreSection()
    """The local history."""
    clock: ClockSection = ClockSection()
    """When the wall clock is trusted."""
    recording: RecordingSection = RecordingSection()
    """The last bytes of each bus, for ``quartier record`` and for recordings of faults."""

    def grid(self) -> tuple[str, GridMeterSection]:
        """The name and section of the connection meter."""
        return next(
            (name, asset) for name, asset in self.assets.items() if isinstance(asset, GridMeterSection)
        )
