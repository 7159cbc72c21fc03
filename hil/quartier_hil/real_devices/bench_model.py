"""The bench file: adapters, boards, switches, meters, devices and their registers; every key with one
sentence.
Registers are independent of the device profiles.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from quartier_hil.scenario.expectations import FileTable, Seconds
from quartier_sim.modbus.framing import decode_int16, decode_int32
from quartier_sim.modbus.unit import Table

RegisterType = Literal["bool", "uint16", "int16", "uint32", "int32", "float32", "text"]
REGISTER_PATTERN = r"^(coil|discrete|input|holding):(0x[0-9a-fA-F]{1,4}|[0-9]{1,5})$"
_WORD_COUNTS = {"bool": 1, "uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "float32": 2}


class Register(FileTable):
    """A number, or a text, of a Modbus device."""

    where: Annotated[str, Field(pattern=REGISTER_PATTERN)] = Field(alias="register")
    """Table and number, counted from 0 as on the wire: ``input:0x0034``."""
    type: RegisterType = "uint16"
    """Encoding; a coil or a discrete input is ``bool``."""
    words: Literal["high-first", "low-first"] = "high-first"
    """The order of its 16-bit words."""
    scale: float = 1.0
    """Factor that converts it to the gateway's unit (W, A, pct)."""
    sign: Literal[1, -1] = 1
    """-1 where the device counts the other way: in the house plus takes energy."""
    length: Annotated[int, Field(ge=1, le=32)] = 8
    """text: how many registers it has."""

    @property
    def table(self) -> Table:
        """The table that it lies in."""
        table: Table = self.where.partition(":")[0]  # type: ignore[assignment]  # the pattern allows no other
        return table

    @property
    def address(self) -> int:
        """Its number on the wire."""
        text = self.where.partition(":")[2]
        return int(text, 16 if text.startswith("0x") else 10)

    @property
    def count(self) -> int:
        """Number of registers or bits that it takes."""
        return self.length if self.type == "text" else _WORD_COUNTS[self.type]

    def number(self, words: Sequence[int]) -> float:
        """Return the number in the gateway's unit and sign.  Raises ValueError for a text."""
        high_first = list(words) if self.words == "high-first" else list(words)[::-1]
        match self.type:
            case "bool" | "uint16":
                raw: float = high_first[0]
            case "int16":
                raw = decode_int16(high_first[0])
            case "uint32":
                raw = high_first[0] << 16 | high_first[1]
            case "int32":
                raw = decode_int32(*high_first)
            case "float32":
                raw = struct.unpack(">f", struct.pack(">HH", *high_first))[0]
            case _:
                raise ValueError(f"{self.where} is a text")
        return raw * self.scale * self.sign

    def format_value(self, words: Sequence[int]) -> str:
        """Return its value as text: a text as it is, a number without needless digits."""
        if self.type != "text":
            return f"{self.number(words):.10g}"
        raw = struct.pack(f">{len(words)}H", *words)
        return raw.split(b"\0")[0].decode("ascii", "replace").strip()


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
Unit = Annotated[int, Field(ge=0, le=255)]
Wire = Literal["power", "cable", "car"]
"""Wire that a relay of the bench can cut: the supply of a device, its bus cable, the car on its plug."""
HTTP_PORT = 80
WIRES: tuple[Wire, ...] = ("power", "cable", "car")


class Adapter(FileTable):
    """A serial adapter of this machine."""

    port: str
    """Its stable path: /dev/serial/by-id/… or by-path/…; ttyUSB0 is another one after the next start."""
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    """Its speed."""
    parity: Literal["N", "E", "O"] = "N"
    """Its parity."""
    stop_bits: Literal[1, 2] = 1
    """Its stop bits."""


class DevicePlace(FileTable):
    """Address of a Modbus device: on an adapter, or at a host."""

    adapter: str | None = None
    """Its adapter; else host."""
    host: str | None = None
    """Its address in the network; else adapter."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 502
    """Its TCP port."""
    unit: Unit = 1
    """Its unit number."""
    timeout_s: Annotated[float, Field(gt=0, le=30)] = 1.0
    """Longest time for an answer, for the rig and for the gateway."""

    @property
    def words(self) -> str:
        """For a person."""
        where = f"{self.host}:{self.port}" if self.adapter is None else f"adapter {self.adapter}"
        return f"{where}, unit {self.unit}"


class RelayBoard(DevicePlace):
    """A relay board, or a switched plug or power strip, with a coil or a number for each relay or outlet."""

    kind: Literal["modbus", "shelly"] = "modbus"
    """Protocol: coils on Modbus, or outlets over HTTP by Shelly's RPC (second generation and later)."""
    relays_count: Annotated[int, Field(ge=1, le=64)] = 8
    """Number of its relays or outlets."""
    first: Annotated[int, Field(ge=0, le=65_535)] = 0
    """The number of the coil or outlet of relay 1, counted from 0 as on the wire."""

    @model_validator(mode="before")
    @classmethod
    def _on_http(cls, raw: Any) -> Any:
        """Set port 80 for HTTP where the file names no port."""
        if isinstance(raw, dict) and raw.get("kind") == "shelly":
            return {"port": HTTP_PORT, **raw}
        return raw

    @property
    def words(self) -> str:
        """For a person."""
        return super().words if self.kind == "modbus" else f"http://{self.host}:{self.port}"


class Relay(FileTable):
    """One relay, and what it does to the wire that runs through it."""

    board: str
    """Name of the board."""
    relay: Annotated[int, Field(ge=1)]
    """Number of the relay, counted from 1 as printed on boards."""
    contact: Literal["no", "nc"]
    """The contact that is wired: nc lets through while the coil has no current, no cuts then."""
    rest: Literal["connected", "cut"]
    """State of the wire at the end of every run."""

    def coil(self, *, connected: bool) -> bool:
        """Return the state of the coil for which the wire is connected, or cut."""
        return connected == (self.contact == "no")


class MeasuredQuantity(FileTable):
    """Source of a quantity of a real device: a meter of the bench, or the device itself."""

    meter: str | None = None
    """The meter of the bench that reads it; else the register of the device."""
    where: Annotated[str, Field(pattern=REGISTER_PATTERN)] | None = Field(None, alias="register")
    """Its register in the device, as holding:1020."""
    type: Literal["bool", "uint16", "int16", "uint32", "int32", "float32"] = "uint16"
    """How it is encoded."""
    words: Literal["high-first", "low-first"] = "high-first"
    """The order of its 16-bit words."""
    scale: float = 1.0
    """Factor that converts it to the gateway's unit."""
    sign: Literal[1, -1] = 1
    """-1 where the device counts the other way."""

    def own(self) -> Register | None:
        """The register of the device; None where a meter of the bench reads it."""
        if self.where is None:
            return None
        return Register.model_validate(self.model_dump(exclude={"meter"}, by_alias=True))


class RealDevice(DevicePlace):
    """A real device in place of a simulated one; its key is the name of the simulated one."""

    profile: str
    """The profile by which the gateway reads it: another model than the twin's is allowed."""
    identity: Register | None = None
    """Register of its identity; absent: that of its profile."""
    serial: str | None = None
    """Expected identity; another device at this place ends the run before anything is switched."""
    measured: Mapping[str, MeasuredQuantity] = {}
    """Each quantity that the rig can see of it, and from where: power_w at least."""
    power: Relay | None = None
    """The relay or outlet in its supply: the verb off."""
    cable: Relay | None = None
    """The relay in its bus or network cable: the verb unplugged."""
    car: Relay | None = None
    """The relay that puts a car, or what plays one, on a charging station: the event plug."""
    boot_s: Seconds = 60.0
    """Longest time to answer again after its supply or cable came back."""

    @property
    def wires(self) -> dict[Wire, Relay]:
        """Its relays by what they cut."""
        found = {"power": self.power, "cable": self.cable, "car": self.car}
        return {wire: found[wire] for wire in WIRES if found[wire] is not None}  # type: ignore[misc]  # None is left out


class ReferenceMeter(DevicePlace):
    """A reference meter: the checks use its reading."""

    power_w: Register
    """Register of the power."""
    identity: Register | None = None
    """Register of its identity."""
    serial: str | None = None
    """Expected identity."""


class Bench(FileTable):
    """A whole bench."""

    title: str
    """Title of the bench."""
    real: tuple[str, ...] = ()
    """The devices that are real in a run; all others are simulated."""
    period_s: Annotated[float, Field(ge=0.1, le=10)] = 1.0
    """Interval at which the rig reads each quantity."""
    stale_s: Annotated[float, Field(ge=0.5, le=60)] = 5.0
    """Largest age of a reading; an older one makes the run impossible to evaluate."""
    adapters: Mapping[Name, Adapter] = {}
    """The serial adapters."""
    boards: Mapping[Name, RelayBoard] = {}
    """Relay boards and switched power strips."""
    meters: Mapping[Name, ReferenceMeter] = {}
    """Reference meters."""
    devices: Mapping[Name, RealDevice] = {}
    """The real devices, by the name that a scenario's house has for them."""

    def places(self) -> Iterator[tuple[str, DevicePlace]]:
        """Everything that answers, with its key."""
        for table in ("boards", "meters", "devices"):
            for name, place in getattr(self, table).items():
                yield f"{table}.{name}", place

    def relays(self) -> Iterator[tuple[str, Wire, Relay]]:
        """Every relay with the device and the wire that it cuts."""
        for name, device in self.devices.items():
            for wire, relay in device.wires.items():
                yield name, wire, relay
