"""Reads one device once, without a site: ``quartier read PROFILE URL`` prints the result."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import Field, TypeAdapter, ValidationError

from quartier_drivers import profile as profiles
from quartier_drivers.clock import LoopClock
from quartier_drivers.contract import DeviceSpec, Reading
from quartier_drivers.errors import ConfigError, Fault, LinkLost, NoReply
from quartier_drivers.modbus.bus import RtuBus, TcpBus
from quartier_drivers.modbus.driver import ModbusDriver
from quartier_drivers.modbus.link import link
from quartier_drivers.place import keys_of, nearest
from quartier_drivers.rows import OWNER, Row, rows

_KINDS = {
    "modbus-tcp": "modbus-tcp",
    "tcp": "modbus-tcp",
    "modbus-rtu": "modbus-rtu",
    "rtu": "modbus-rtu",
}
_FORMS = "tcp://HOST[:PORT]?unit=1 or rtu:///dev/ttyUSB0?baud=9600&unit=1"
_BUS: TypeAdapter[TcpBus | RtuBus] = TypeAdapter(Annotated[TcpBus | RtuBus, Field(discriminator="kind")])
_ENDPOINT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?")
_DECIMAL = re.compile(r"[0-9]*\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a URL: a bus and a unit on it."""

    bus: TcpBus | RtuBus
    unit: int


def target(url: str, unit: int | None = None) -> Target:
    """Parse ``modbus-tcp://host:502?unit=1`` or ``modbus-rtu:///dev/ttyUSB0?baud=9600&unit=1``.

    Other keys of the bus's section (``timeout_s``, ``parity`` …) may follow; ``usb:SERIAL`` may replace the
    path.  ``unit`` overrides the URL's.  Raises ConfigError with all faults.
    """
    parts = urlsplit(url)
    if parts.scheme not in _KINDS:
        raise ConfigError([Fault(url, None, "url", _unknown(url))])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    asked = query.pop("unit", "1") if unit is None else str(unit)
    query.pop("unit", None)
    faults = []
    if not asked.isdecimal() or not 0 <= int(asked) <= 255:
        faults.append(Fault(url, None, "unit", f"{asked!r} is wrong, expected 0..255"))
    try:
        bus = _BUS.validate_python({"kind": _KINDS[parts.scheme], **_place(parts), **_numbers(query)})
    except (ValidationError, ValueError) as error:
        raise ConfigError([*faults, *_url_faults(url, error)]) from error
    if faults:
        raise ConfigError(faults)
    return Target(bus, int(asked))


async def read_once(
    profile: str, url: str, folders: Sequence[Path] = (), unit: int | None = None
) -> list[Row]:
    """Read every point of the device at ``url`` once; its identity comes first if the profile knows it.

    Raises ConfigError (profile or URL), LinkLost, or NoReply if the device answered nothing at all.
    """
    checked = profiles.load(profile, folders)
    if checked.protocol != "modbus" or not isinstance(checked, profiles.RegisterProfile):
        what = f"speaks {checked.protocol}; expected one that speaks modbus (quartier listen reads meters)"
        raise ConfigError([Fault(profile, None, "profile", what)])
    place = target(url, unit)
    clock = LoopClock()
    line = link("read", place.bus, clock)
    owners = {part: part or OWNER for part in checked.parts}
    device = DeviceSpec("read", place.unit, owners)
    driver = ModbusDriver(line, device, checked, clock, shows_raw=True)
    try:
        identity = await driver.open() if checked.identity else {}
        found = await _readings(driver)
    finally:
        await line.close()
    return rows(identity, found, (name for name in driver.points if _is_read(name, found, driver)))


async def _readings(driver: ModbusDriver) -> Mapping[str, Reading]:
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


def _is_read(name: str, found: Mapping[str, Reading], driver: ModbusDriver) -> bool:
    """Return whether a point gets a line: points that can only be written are never read."""
    return name in found or name in driver.read_points


def _place(parts: SplitResult) -> dict[str, object]:
    if _KINDS[parts.scheme] == "modbus-rtu":
        return {"port": parts.netloc + parts.path}
    return {"host": parts.hostname or ""} | ({"port": parts.port} if parts.port else {})


def _numbers(query: Mapping[str, str]) -> dict[str, object]:
    """Convert texts to numbers: the sections of the site file accept no text for them."""
    return {key: _number(text) for key, text in query.items()}


def _number(text: str) -> int | float | str:
    if text.isdecimal():
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _url_faults(url: str, error: Exception) -> list[Fault]:
    if not isinstance(error, ValidationError):
        return [Fault(url, None, "url", f"{error}, expected {_FORMS}")]
    return [
        Fault(url, None, ".".join(str(step) for step in item["loc"][1:]) or "url", _what(item))
        for item in error.errors(include_url=False)
    ]


def _unknown(url: str) -> str:
    """Return the fault of a text without scheme, or with an unknown one, and its likely meaning."""
    bare = url.partition("?")[0]
    if bare.startswith(("/", "usb:")):
        return f"{bare!r} has no scheme; write rtu://{bare}"
    if "://" in bare:
        return f"{bare.partition('://')[0]!r} is unknown, expected {_FORMS}"
    if _ENDPOINT.fullmatch(bare):
        return f"{bare!r} has no scheme; write tcp://{bare}"
    return f"{bare!r} has no scheme; expected {_FORMS}"


def _what(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        kind = TcpBus if item["loc"][0] == "modbus-tcp" else RtuBus
        return f"is no known key; {nearest(str(item['loc'][-1]), [*keys_of(kind), 'unit'])}"
    if item["type"] == "value_error":
        example = ", as in rtu:///dev/ttyUSB0" if item["loc"][-1] == "port" else ""
        return str(item["ctx"]["error"]) + example
    expected = item["msg"].removeprefix("Input should be ")
    return f"{item['input']!r} is wrong, expected {expected}"
