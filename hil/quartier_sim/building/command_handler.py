"""Run command lines on a served building, and check expected values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import nan
from typing import TYPE_CHECKING, Any, get_args

from quartier_sim.building import control_protocol
from quartier_sim.building.control_protocol import OPERATORS, CommandLine, parse_number
from quartier_sim.building.serial_meters import SerialMeter
from quartier_sim.building.simulated_building import DEFAULT_CAR_WH
from quartier_sim.devices.device_faults import METER_FAULT_KINDS, FaultKind, find_missing_argument
from quartier_sim.devices.serial_ports import Port
from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus.io_boards import RelayBoard

if TYPE_CHECKING:
    from quartier_sim.building.building_server import BuildingServer


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of a line; ``failed``: an expected value did not come."""

    ok: bool
    text: str
    failed: bool = False
    values: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        shown: dict[str, Any] = {"ok": self.ok, "text": self.text, "failed": self.failed}
        return shown | ({"values": dict(self.values)} if self.values else {})


class CommandHandler:
    """Command interface of one served building."""

    def __init__(self, served: "BuildingServer") -> None:
        self._served = served

    async def obey(self, text: str) -> Answer:
        """Run the command of a line; its fault, if any, is the answer."""
        try:
            line = control_protocol.parse_line(text)
            if line is None:
                return Answer(ok=True, text="")
            return await self._do(line)
        except (ValueError, LookupError) as error:
            return Answer(ok=False, text=str(error.args[0]) if error.args else str(error))

    async def _do(self, command_line: CommandLine) -> Answer:
        match command_line.verb:
            case "expect":
                return await self._expect(command_line)
            case "wait":
                await self._served.pass_s(parse_number(command_line.words[0], "wait"))
                return Answer(ok=True, text=f"waited {command_line.words[0]} s")
            case "pull" | "put":
                return await self._pull(command_line)
            case "fault":
                return self._fault(command_line)
            case "clear":
                return self._clear(command_line.words[0])
            case _:
                return self._at_once(command_line)

    def _at_once(self, command_line: CommandLine) -> Answer:
        match command_line.verb:
            case "show":
                return self._show(command_line.words[0] if command_line.words else "*")
            case "help":
                return Answer(ok=True, text=control_protocol.HELP)
            case "quit":
                self._served.end()
                return Answer(ok=True, text="the end")
            case _:
                return self._apply_event(command_line)

    # -- faults ------------------------------------------------------------------------------

    def _targets(self, name: str) -> list[tuple[str, Device | SerialMeter]]:
        """Return the targets of a fault: a device, or all devices on a bus.

        Raises LookupError with the names that exist.
        """
        served = self._served
        everything: dict[str, Device | SerialMeter] = {**served.assignment.devices, **served.wires.meters}
        if name in everything:
            return [(name, everything[name])]
        here = [one.name for one in served.assignment.on(name)]
        if not here:
            there = [*everything, *(row.bus for row in served.wires.rows)]
            listed = ", ".join(dict.fromkeys(there))
            raise LookupError(f"there is no device or bus {name!r} here; expected one of {listed}")
        return [(one, everything[one]) for one in here]

    def _fault(self, command_line: CommandLine) -> Answer:
        name, kind = command_line.words
        if kind not in get_args(FaultKind):
            raise ValueError(f"{kind!r} is no fault; expected one of {', '.join(get_args(FaultKind))}")
        arguments: dict[str, Any] = {key: self._key(key, value) for key, value in command_line.keys.items()}
        targets = self._targets(name)
        is_bus = [one for one, _ in targets] != [name]
        felt = "unplugged" if is_bus and kind == "off" else kind
        if not is_bus and (vain := _explain_no_effect(targets[0][1], kind)):
            raise ValueError(f"{name} cannot be {kind}: {vain}")
        missing = find_missing_argument(felt, arguments)  # type: ignore[arg-type]  # looked at above
        if missing:
            raise ValueError(missing)
        for _, target in targets:
            own = "off" if felt == "unplugged" and isinstance(target, SerialMeter) else felt
            target.fault(own, **arguments)  # type: ignore[arg-type]  # as above
        return Answer(ok=True, text=f"{name} is {kind}")

    @staticmethod
    def _key(key: str, value: str) -> Any:
        if key == "acts":
            return value not in ("0", "no", "false")
        if key in ("points", "what"):
            return value
        if key == "phases":
            return tuple(int(parse_number(text, key)) for text in value.split(","))
        return int(parse_number(value, key)) if key in ("every", "seed") else parse_number(value, key)

    def _clear(self, name: str) -> Answer:
        served = self._served
        if name == "all":
            for device in served.assignment.devices.values():
                device.clear()
            for meter in served.wires.meters.values():
                meter.clear()
        else:
            for _, target in self._targets(name):
                target.clear()
        return Answer(ok=True, text=f"{name}: well again")

    async def _pull(self, command_line: CommandLine) -> Answer:
        (bus,) = command_line.words
        ports = self._served.wires.ports
        if bus not in ports:
            listed = ", ".join(ports) or "none here"
            raise LookupError(f"there is no serial port {bus!r}; expected one of {listed}")
        port = ports[bus]
        if isinstance(port, Port):
            await (port.unplug() if command_line.verb == "pull" else port.plug())
        elif port.is_plugged != (command_line.verb == "put"):
            port.unplug() if command_line.verb == "pull" else port.plug()
        return Answer(ok=True, text=f"{bus} is {'out' if command_line.verb == 'pull' else 'back'}")

    # -- events --------------------------------------------------------------------------------

    def _apply_event(self, command_line: CommandLine) -> Answer:
        building, first = self._served.house, command_line.words[0]
        match command_line.verb:
            case "plug":
                building.plug(
                    first,
                    parse_number(command_line.words[1], "WH")
                    if len(command_line.words) > 1
                    else DEFAULT_CAR_WH,
                )
            case "unplug":
                building.plug(first, None)
            case "contact":
                self._contact(*command_line.words)
            case "load":
                building.base_w = None if first == "own" else parse_number(first, "load")
            case "sun":
                building.solar_w_per_kw = None if first == "own" else parse_number(first, "sun")
            case "soc":
                building.set_soc(first, parse_number(command_line.words[1], "PCT"))
            case "frequency":
                building.set_frequency(parse_number(first, "HZ"))
            case "voltage":
                building.set_voltage(parse_number(first, "V"))
        return Answer(ok=True, text="done")

    def _contact(self, name: str, state: str) -> None:
        closed = self._served.house.closed
        if name not in closed:
            raise LookupError(
                f"there is no contact {name!r}; expected one of {', '.join(closed) or 'none here'}"
            )
        if state not in ("closed", "open"):
            raise ValueError(f"{state!r} is no state of a contact; expected closed or open")
        closed[name] = state == "closed"

    # -- looking and judging -------------------------------------------------------------------

    def _show(self, pattern: str) -> Answer:
        found = {key: value for key, value in self._served.read_values().items() if fnmatchcase(key, pattern)}
        if not found:
            raise LookupError(f"nothing here is called {pattern!r}; `show` alone lists everything")
        return Answer(ok=True, text="\n".join(_format_rows(found)), values=found)

    async def _expect(self, command_line: CommandLine) -> Answer:
        """Look at every step: it must come true in time, and from then on stay as long as is said."""
        point, sign, text = command_line.words
        if sign not in OPERATORS:
            raise ValueError(f"{sign!r} compares nothing; expected one of {' '.join(OPERATORS)}")
        wanted, served = parse_number(text, "VALUE"), self._served
        within_s = parse_number(command_line.keys.get("within", "0"), "within")
        stays_s = parse_number(command_line.keys.get("for", "0"), "for")
        if point not in served.read_values():
            raise LookupError(f"nothing here is called {point!r}; `show` lists what there is")
        began_s = served.now_s
        since_s: float | None = None
        while True:
            value = served.read_values().get(point, nan)
            if OPERATORS[sign](value, wanted):
                since_s = served.now_s if since_s is None else since_s
                if served.now_s - since_s >= stays_s:
                    stayed = f", for {stays_s:g} s" if stays_s else ""
                    return Answer(ok=True, text=f"yes, {value:g} after {since_s - began_s:.1f} s{stayed}")
            else:
                since_s = None
                if served.now_s - began_s >= within_s:
                    served.failed_count += 1
                    why = f"NO, it is {value:g} after {served.now_s - began_s:.1f} s"
                    return Answer(ok=False, text=why, failed=True)
            await served.wait_for_step()


def _explain_no_effect(target: Device | SerialMeter, kind: str) -> str:
    """Return the reason why a fault would change nothing; empty if it would change something.

    A test must not pass because of such a fault.
    """
    if not isinstance(target, Device):
        return ""
    if kind in ("stuck", "delayed", "wrong", *METER_FAULT_KINDS) and isinstance(target, RelayBoard):
        return "it measures nothing"
    return "it takes no orders" if kind == "bent" and not target.orders() else ""


def _format_rows(found: Mapping[str, float]) -> Iterator[str]:
    width = max(map(len, found))
    return (f"{key:{width}} {value:>12.3f}".rstrip("0").rstrip(".") for key, value in sorted(found.items()))
