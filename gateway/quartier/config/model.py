"""Every key of the site file, once: its unit (in its name), range, default and one sentence.

The same lines check the file, print the reference page, write the sample and feed the JSON
Schema that editors use.  What needs two sections to be judged is in ``checks.py``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Union
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, Strict

from quartier.config.ahead import Planning, Tariff
from quartier.config.capping import Contact, Supply
from quartier.config.modes import MODED
from quartier.config.nodes import Node
from quartier.config.placing import Measured, Ordered
from quartier.config.recording import Recording
from quartier.config.shares import Share
from quartier.config.words import (
    BrokerUrl,
    BuildingId,
    Name,
    Pct,
    ProfileName,
    RootKey,
    SecretFile,
    Section,
    TimeOfDay,
    TimeZone,
    TopicName,
    Watts,
)
from quartier_drivers.registry import KINDS, section

if TYPE_CHECKING:
    Bus = BaseModel
else:  # the registry says which kinds there are
    Bus = Annotated[Union[tuple(section(kind) for kind in KINDS)], Field(discriminator="kind")]  # noqa: UP007 - "|" takes no tuple
"""A wire or an endpoint; its keys depend on ``kind``."""


class Building(Section):
    """Which building this is."""

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


class Device(Section):
    """One thing that answers on a bus."""

    bus: str
    """The bus it answers on."""
    profile: ProfileName
    """Which profile describes it, as maker/model."""
    unit: Annotated[int, Field(ge=0, le=4_194_302)] = 1
    """Its unit (address) on the bus; of a GPIO chip, the offset of its line; of BACnet, its instance."""
    address: Annotated[str, Field(max_length=64, pattern=r"^[0-9A-Za-z.:@-]*$")] = ""
    """M-Bus secondary or IEC 62056-21 address; of BACnet IP, IP:port or network:mac (``@router``)."""
    key_file: SecretFile | None = None
    """File with the keys of a meter that encrypts (TOML: encryption_key, authentication_key, password)."""


class Grid(Measured):
    """The connection meter; reads the sum of all assets, import counts plus."""

    role: Literal["grid"]
    """The connection to the public network; exactly one asset has this role."""
    frequency_period_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """How often frequency is asked for: 0.2 serves every row of the grid's events, 1 all but the last."""
    voltage_v: Annotated[float, Field(gt=50, le=100_000)] = 230.0
    """Nominal voltage to neutral as the meter shows it; low and high voltage are judged by it."""


class Battery(Ordered):
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
    soc_min_pct: Pct = 10.0
    """Never discharged below this."""
    soc_max_pct: Pct = 95.0
    """Never charged above this."""
    reserve_soc_pct: Pct = 20.0
    """Kept for outages: above it the battery serves the house, below it nothing of ours discharges it."""


class Pv(Ordered):
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


class Ev(Ordered):
    """A charging point for cars."""

    role: Literal["ev"]
    """A charging point that takes a current limit."""
    tier: Literal["A", "B", "C", "D"] = "D"
    """Turn in which a cap slows and pauses it: D first, then C and B; A never."""
    phases_count: Literal[1, 3] = 3
    """How many phases it charges on."""
    l1_on: Literal["l1", "l2", "l3"] | None = None
    """The phase of the building at its terminal L1 (rotated wiring); absent: one-phase cars may be on any."""
    departure: TimeOfDay | None = None
    """Local time by which a car wants its energy, such as "07:30"; a charger that says one is believed."""
    energy_wanted_wh: Annotated[float, Field(gt=0, le=500_000)] | None = None
    """Energy that a car wants in one stay; a charger that knows better is believed."""
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


class Load(Ordered):
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


Asset = Annotated[Grid | Battery | Pv | Ev | Load | MODED, Field(discriminator="role")]
"""What control thinks in; its keys depend on ``role``."""


class Limits(Section):
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
        return min(self.contract_import_w, _or(self.import_max_w, self.contract_import_w))

    @property
    def export_hard_w(self) -> float:
        """The least of what was declared, in W."""
        return min(self.contract_export_w, _or(self.export_max_w, self.contract_export_w))

    @property
    def import_failsafe_w(self) -> float:
        """Import cap of FAILSAFE in W, never above the hard one."""
        return min(self.import_hard_w, _or(self.failsafe_import_w, 0.5 * self.contract_import_w))

    @property
    def export_failsafe_w(self) -> float:
        """Export cap of FAILSAFE in W, never above the hard one."""
        return min(self.export_hard_w, self.failsafe_export_w)

    @property
    def import_autonomous_w(self) -> float:
        """Import cap of AUTONOMOUS in W, never above the hard one."""
        return min(self.import_hard_w, _or(self.autonomous_import_w, 0.8 * self.contract_import_w))

    @property
    def export_autonomous_w(self) -> float:
        """Export cap of AUTONOMOUS in W, never above the hard one."""
        return min(self.export_hard_w, _or(self.autonomous_export_w, self.contract_export_w))


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


class Control(Section):
    """How the house is steered."""

    cycle_s: Annotated[float, Field(ge=0.2, le=5)] = 1.0
    """Period of the control cycle; what the district sends is answered in the next one."""
    grid_target_w: Annotated[float, Field(ge=-1_000_000, le=1_000_000)] = 0.0
    """Grid power that the battery aims at; plus keeps a little import."""


class DistrictLink(Section):
    """The broker of the district; without this section the house stands alone."""

    url: BrokerUrl
    """mqtts://host or mqtts://host:port; plain mqtt:// only to this machine."""
    further_urls: Annotated[tuple[BrokerUrl, ...], Strict(False)] = ()
    """Further brokers of the same district, in the order in which they are tried after url."""
    primary_host: TopicName | None = None
    """Sparkplug host whose STATE is waited for before births; absent: births at once."""
    user: str | None = None
    """User name at the broker."""
    password_file: SecretFile | None = None
    """File with the password of user."""
    ca_file: SecretFile | None = None
    """Certificates of the authorities that may sign the broker's; absent: the system's."""
    cert_file: SecretFile | None = None
    """Our certificate; its common name is district.id."""
    key_file: SecretFile | None = None
    """Private key of cert_file."""
    issuers_file: SecretFile | None = None
    """List of who may sign documents: signed by a root of root_keys, or plain JSON where there is none."""
    root_keys: Annotated[tuple[RootKey, ...], Strict(False), Field(max_length=2)] = ()
    """Public keys of the district's offline roots, two for a change; with one, key lists may come as jobs."""
    watermark: bool = True
    """Whether the host sends watermarks; false for foreign hosts: then published counts as delivered."""
    watermark_unsigned: bool = False
    """Whether unsigned watermarks count.  Set it only where nobody else can write at the broker."""
    backfill_messages_per_s: Annotated[float, Field(ge=0.01, le=100)] = 5.0
    """Highest pace of what is delivered late; the district slows it down, and live data always goes first."""
    aliases: bool = False
    """Whether data messages name metrics by the aliases of their births, which is shorter."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Every broker, in the order in which they are tried."""
        return (self.url, *self.further_urls)

    @property
    def tls(self) -> bool:
        """Whether the link is encrypted, to one broker at least."""
        return any(urlsplit(url).scheme == "mqtts" for url in self.urls)

    @property
    def host(self) -> str:
        """Name or address of the broker."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """TCP port of the broker; 8883 or 1883 where the address has none."""
        return urlsplit(self.url).port or (8883 if urlsplit(self.url).scheme == "mqtts" else 1883)


class Deadbands(Section):
    """How much a value must change to become a sample."""

    power_w: Watts = 50.0
    """Power (W, var, VA): at least this much."""
    power_pct: Pct = 1.0
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
    soc_pct: Pct = 0.5
    """State of charge and other percentages."""
    counter_period_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """Energy counters: one sample in this time if they changed."""


class Store(Section):
    """The local history."""

    path: str = "history.db"
    """The database; a relative path lies in the state directory (/var/lib/quartier)."""
    size_max_mb: Annotated[int, Field(ge=16, le=1_000_000)] = 512
    """Disk budget in MB (1000 000 bytes); beyond it the oldest goes, and a gap record says so."""
    commit_s: Annotated[float, Field(ge=1, le=60)] = 10.0
    """Time between commits: the most that a power cut can cost."""
    chunk_count: Annotated[int, Field(ge=16, le=8_192)] = 512
    """Samples of one point that are compressed together."""
    deadbands: Deadbands = Deadbands()
    """How much a value must change to become a sample."""

    def file(self, state_dir: Path) -> Path:
        """Where the database is, given the state directory."""
        return state_dir / self.path


class Clock(Section):
    """When the wall clock is trusted: the kernel says so, and the district's stamps do not contradict."""

    heartbeat_offset_max_s: Annotated[float, Field(ge=1, le=60)] = 60.0
    """How far a heartbeat's stamp may be off a synchronised clock; beyond it the heartbeat does not count."""
    meter_differs_max_s: Annotated[float, Field(ge=60, le=604_800)] = 300.0
    """How far a meter's clock may be off ours; beyond it ours is in doubt, and no local plan is followed."""


class Site(Section):
    """A whole site file."""

    site: Building
    """Which building this is."""
    buses: dict[Name, Bus] = Field(default_factory=dict)
    """Wires and endpoints, by name."""
    devices: dict[Name, Device] = Field(default_factory=dict)
    """What answers on them, by name."""
    assets: dict[Name, Asset]
    """What control thinks in, by name."""
    nodes: dict[Name, Node] = Field(default_factory=dict)
    """The connection tree below the grid, by name."""
    contacts: dict[Name, Contact] = Field(default_factory=dict)
    """Contacts that cap the building while they act, by name."""
    supplies: dict[Name, Supply] = Field(default_factory=dict)
    """The grid operator's meters that cap the import by what is subscribed, by name."""
    limits: Limits
    """Hard limits and what is declared for each loss."""
    control: Control = Control()
    """How the house is steered."""
    district_link: DistrictLink | None = None
    """The broker of the district; absent: the house stands alone."""
    planning: Planning | None = None
    """Planning ahead; absent: the battery follows the rule of self-consumption."""
    tariff: Tariff | None = None
    """What energy costs by the contract."""
    shares: dict[Name, Share] = Field(default_factory=dict)
    """Other clients on the connections of Modbus buses, by name."""
    store: Store = Store()
    """The local history."""
    clock: Clock = Clock()
    """When the wall clock is trusted."""
    recording: Recording = Recording()
    """The last bytes of each bus, for ``quartier record`` and kept around a fault."""

    def grid(self) -> tuple[str, Grid]:
        """The name and section of the connection meter."""
        return next((name, asset) for name, asset in self.assets.items() if isinstance(asset, Grid))
