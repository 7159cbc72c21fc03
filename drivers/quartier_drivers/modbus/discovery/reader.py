"""Reads one device once, without a site: ``quartier read PROFILE URL`` prints the result."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import Field, TypeAdapter, ValidationError

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.device_profile.profile_check import Profile
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.register_profile import RegisterProfile
from quartier_drivers.device_profile.schema import Source
from quartier_drivers.device_profile.toml_files import list_keys, suggest_key
from quartier_drivers.device_reports import ReadRequest
from quartier_drivers.device_rows import (
    DEVICE_OWNER,
    DeviceReadout,
    drop_profile_names,
    make_readout,
    make_rows,
)
from quartier_drivers.errors import ConfigError, Fault, LinkLost, NoReply
from quartier_drivers.modbus.arming import SingleRequests
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.discovery.recognition import find_contradictions
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.frames import make_identity_request, parse_identity
from quartier_drivers.modbus.release_writes import make_line
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.readings import Reading
from quartier_drivers.transport.event_loop import LoopClock

_URL_SCHEMES = {
    "modbus-tcp": "modbus-tcp",
    "tcp": "modbus-tcp",
    "modbus-rtu": "modbus-rtu",
    "rtu": "modbus-rtu",
}
_URL_FORMS = "tcp://HOST[:PORT]?unit=1 or rtu:///dev/ttyUSB0?baud=9600&unit=1"
_BUS: TypeAdapter[TcpBus | RtuBus] = TypeAdapter(Annotated[TcpBus | RtuBus, Field(discriminator="kind")])
_ENDPOINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?")
_DECIMAL = re.compile(r"[0-9]*\.[0-9]+")


@dataclass(frozen=True, slots=True)
class ReadTarget:
    """The target of a URL: a bus and a unit on it."""

    bus: TcpBus | RtuBus
    unit: int


def parse_target(url: str, unit: int | None = None) -> ReadTarget:
    """Parse ``modbus-tcp://host:502?unit=1`` or ``modbus-rtu:///dev/ttyUSB0?baud=9600&unit=1``.

    Other keys of the bus's section (``timeout_s``, ``parity`` …) may follow; ``usb:SERIAL`` may replace the
    path.  ``unit`` overrides the URL's.  Raises ConfigError with all faults.
    """
    parts = urlsplit(url)
    if parts.scheme not in _URL_SCHEMES:
        raise ConfigError([Fault(url, None, "url", _explain_unknown(url))])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    asked = query.pop("unit", "1") if unit is None else str(unit)
    query.pop("unit", None)
    faults = []
    if not asked.isdecimal() or not 0 <= int(asked) <= 255:
        faults.append(Fault(url, None, "unit", f"{asked!r} is wrong, expected 0..255"))
    try:
        bus = _BUS.validate_python(
            {"kind": _URL_SCHEMES[parts.scheme], **_parse_place(parts), **_convert_numbers(query)}
        )
    except (ValidationError, ValueError) as error:
        raise ConfigError([*faults, *_make_url_faults(url, error)]) from error
    if faults:
        raise ConfigError(faults)
    return ReadTarget(bus, int(asked))


async def read_once(
    profile: str, url: str, folders: Sequence[Path] = (), unit: int | None = None
) -> DeviceReadout:
    """Read every point of the device at ``url`` once; the identity that it states comes first.

    The registers that tell the profile's devices from others are read last.
    Raises ConfigError (profile or URL), LinkLost, or NoReply if the device answered nothing at all.
    """
    return await _read_loaded(loading.load_profile(profile, folders), url, unit)


async def read_profile(profile: Profile, request: ReadRequest) -> DeviceReadout:
    """Read every point of a device with a loaded profile, as ``read_once`` does."""
    return await _read_loaded(profile, request.url, None)


async def _read_loaded(checked: Profile, url: str, unit: int | None) -> DeviceReadout:
    if checked.protocol != "modbus" or not isinstance(checked, RegisterProfile):
        what = f"speaks {checked.protocol}; expected one that speaks modbus (quartier listen reads meters)"
        raise ConfigError([Fault(checked.name, None, "profile", what)])
    place = parse_target(url, unit)
    clock = LoopClock()
    line = make_line("read", place.bus, clock)
    owners = {part: part or DEVICE_OWNER for part in checked.parts}
    device = DeviceSpec("read", place.unit, owners)
    driver = ModbusDriver(line, device, drop_profile_names(checked), clock, shows_raw=True)
    try:
        identity = await driver.open() if checked.identity else {}
        found = await _collect_readings(driver)
        contradictions = await _find_contradictions(line, device, checked)
    finally:
        await line.close()
    shown = (name for name in driver.points if _has_reading(name, found, driver))
    return make_readout(make_rows(identity, found, shown), contradictions)


async def _find_contradictions(line: ModbusLine, device: DeviceSpec, profile: RegisterProfile) -> list[str]:
    """Describe each mark of the profile that the device contradicts; no answer contradicts nothing."""
    requests = SingleRequests(line, device, profile.limits)
    heard: dict[tuple[int, Address, int], Sequence[int]] = {}
    objects: Mapping[int, str] = {}

    def key(source: Source) -> tuple[int, Address, int]:
        return device.unit if source.unit is None else source.unit, source.address, source.width

    for mark in profile.marks.values():
        with contextlib.suppress(NoReply, LinkLost):
            if mark.source is None:
                answer = await requests.ask(make_identity_request(device.unit))
                objects = objects if answer.exception else parse_identity(answer)
            elif (place := key(mark.source)) not in heard:
                answer = await requests.fetch(*place)
                if not answer.exception:
                    heard[place] = answer.values
    return find_contradictions(profile, lambda source: heard.get(key(source)), objects)


async def _collect_readings(driver: ModbusDriver) -> Mapping[str, Reading]:
    """Read until every point was read, or was tried often enough."""
    found: dict[str, Reading] = {}
    silent: NoReply | LinkLost | None = None
    chances = 2 * len(driver.jobs) + 4 * len(driver.points)
    for _ in range(chances):
        if len(found) == len(driver.points):
            break
        try:
            found |= {reading.point: reading for reading in await driver.read()}
        except (NoReply, LinkLost) as error:
            silent = error
    if silent is not None and not found:
        raise silent
    return found


def _has_reading(name: str, found: Mapping[str, Reading], driver: ModbusDriver) -> bool:
    """Return whether a point gets a line: points that can only be written are never read."""
    return name in found or name in driver.read_points


def _parse_place(parts: SplitResult) -> dict[str, object]:
    if _URL_SCHEMES[parts.scheme] == "modbus-rtu":
        return {"port": parts.netloc + parts.path}
    return {"host": parts.hostname or ""} | ({"port": parts.port} if parts.port else {})


def _convert_numbers(query: Mapping[str, str]) -> dict[str, object]:
    """Convert texts to numbers: the sections of the site file accept no text for them."""
    return {key: _convert_number(text) for key, text in query.items()}


def _convert_number(text: str) -> int | float | str:
    if text.isdecimal():
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _make_url_faults(url: str, error: Exception) -> list[Fault]:
    if not isinstance(error, ValidationError):
        return [Fault(url, None, "url", f"{error}, expected {_URL_FORMS}")]
    return [
        Fault(url, None, ".".join(str(step) for step in item["loc"][1:]) or "url", _explain_error(item))
        for item in error.errors(include_url=False)
    ]


def _explain_unknown(url: str) -> str:
    """Return the fault of a text without scheme, or with an unknown one, and its likely meaning."""
    bare = url.partition("?")[0]
    if bare.startswith(("/", "usb:")):
        return f"{bare!r} has no scheme; write rtu://{bare}"
    if "://" in bare:
        return f"{bare.partition('://')[0]!r} is unknown, expected {_URL_FORMS}"
    if _ENDPOINT.fullmatch(bare):
        return f"{bare!r} has no scheme; write tcp://{bare}"
    return f"{bare!r} has no scheme; expected {_URL_FORMS}"


def _explain_error(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        kind = TcpBus if item["loc"][0] == "modbus-tcp" else RtuBus
        return f"is an unknown key; {suggest_key(str(item['loc'][-1]), [*list_keys(kind), 'unit'])}"
    if item["type"] == "value_error":
        example = ", as in rtu:///dev/ttyUSB0" if item["loc"][-1] == "port" else ""
        return str(item["ctx"]["error"]) + example
    expected = item["msg"].removeprefix("Input should be ")
    return f"{item['input']!r} is wrong, expected {expected}"
