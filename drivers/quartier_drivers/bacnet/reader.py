"""Reads a BACnet device without a site file, by a URL: all of its objects, or the points of a profile."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError

from quartier_drivers.bacnet import survey
from quartier_drivers.bacnet.address import Place
from quartier_drivers.bacnet.bus import BacnetIpBus
from quartier_drivers.bacnet.denials import Denied, Garbled
from quartier_drivers.bacnet.door import DOOR
from quartier_drivers.bacnet.inquiry import Inquiry
from quartier_drivers.bacnet.line import BacnetLine
from quartier_drivers.bacnet.peer import Bears, Peer
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.bacnet.survey import Row as ObjectRow
from quartier_drivers.bacnet.words import OBJECTS, PROPERTIES
from quartier_drivers.clock import LoopClock
from quartier_drivers.contract import DeviceSpec, Reading
from quartier_drivers.errors import ConfigError, Fault, NoReply
from quartier_drivers.rows import OWNER, Row, rows
from quartier_native.bacnet import Ref

FORMS = "eth0?unit=201, 192.168.1.5/24?unit=201 or eth0?address=192.168.1.10"
_NUMBERS = ("port", "device_id", "foreign_ttl_s", "retries_count")


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL names: our own socket on a network, and a device by its instance or its address."""

    bus: BacnetIpBus
    unit: int | None = None
    address: str = ""


@dataclass(slots=True)
class Told:
    """What a device tells: ``apdu_max`` in octets, ``multiple``: it takes several properties a request."""

    instance: int
    place: Place
    vendor_id: int
    apdu_max: int
    multiple: bool
    identity: Mapping[str, str]
    rows: Sequence[ObjectRow]
    requests_count: int
    faults: list[str] = field(default_factory=list)


def target(url: str) -> Target:
    """Read ``INTERFACE?unit=201``; keys of the bus's section (``port``, ``bbmd`` …) may follow.

    INTERFACE is a name (``eth0``) or an address with its prefix (``192.168.1.5/24``).  Raises ConfigError.
    """
    interface, _, query = url.removeprefix("bacnet:").removeprefix("//").partition("?")
    said: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    unit, address = said.pop("unit", None), said.pop("address", "")
    faults = []
    if unit is not None and not unit.isdecimal():
        faults.append(Fault(url, None, "unit", f"{unit!r} is wrong, expected a device instance, 0..4194302"))
    try:
        bus = BacnetIpBus.model_validate({"kind": "bacnet-ip", "interface": interface, **_typed(said)})
    except ValidationError as error:
        for one in error.errors():
            where = ".".join(str(part) for part in one["loc"]) or "url"
            faults.append(Fault(url, None, where, f"{one['msg'].removeprefix('Value error, ')}; as {FORMS}"))
        raise ConfigError(faults) from error
    number = None if unit is None or faults else int(unit)
    if number is not None and number > bus.unit_max:
        faults.append(Fault(url, None, "unit", f"{number} is wrong, expected 0..{bus.unit_max}"))
    if (misfit := bus.misfit(0, address)) is not None:
        faults.append(Fault(url, None, *misfit))
    if faults:
        raise ConfigError(faults)
    return Target(bus, number, address)


def _typed(said: Mapping[str, str]) -> dict[str, Any]:
    """Numbers where the section has numbers; what is none stays as it is and is a fault there."""
    typed: dict[str, Any] = dict(said)
    for key in _NUMBERS:
        if said.get(key, "").isdecimal():
            typed[key] = int(said[key])
    with contextlib.suppress(ValueError):
        typed |= {"timeout_s": float(said["timeout_s"])} if "timeout_s" in said else {}
    return typed


async def read_points(profile: BacnetProfile, url: str) -> list[Row]:
    """Every point of the profile, read once, and who the device is.

    Raises ConfigError (URL), LinkLost, or NoReply where the device does not answer.
    """
    named = _device(target(url))
    clock = LoopClock()
    line = DOOR.line("read", named.bus, clock)
    owners = {part: part or OWNER for part in profile.parts}
    spec = DeviceSpec("read", named.unit or 0, owners, address=named.address)
    driver = DOOR.driver(line, spec, profile, clock)
    found: dict[str, Reading] = {}
    await line.open()
    try:
        identity = await driver.open()
        for _ in range(4 * len(driver.points)):
            if len(found) == len(driver.points):
                break
            found |= {reading.point: reading for reading in await driver.read()}
    finally:
        await line.close()
    return rows(identity, found, driver.points)


def _device(named: Target) -> Target:
    if named.unit is None and not named.address:
        raise ConfigError([Fault(named.bus.interface, None, "url", f"names no device, expected {FORMS}")])
    return named


async def read_all(line: BacnetLine, named: Target) -> Told:
    """Everything that one device tells.  Raises NoReply, LinkLost; ConfigError: the URL names no device."""
    _device(named)
    await line.open()
    try:
        spec = DeviceSpec("device", named.unit or 0, {}, address=named.address)
        peer = Peer(line, spec, Bears())
        await peer.meet()
        if peer.place is None:
            raise NoReply("the device has not been found")
        inquiry = Inquiry(line, peer.place, peer.answer_max, multiple=peer.bears.multiple)
        return await _told(inquiry, peer)
    finally:
        await line.close()


async def _told(inquiry: Inquiry, peer: Peer) -> Told:
    instance, faults = peer.instance, []
    identity = await survey.identity(inquiry, instance)
    vendor = Ref(OBJECTS["device"], instance, PROPERTIES["vendor-identifier"])
    said = (await inquiry.read([vendor]))[vendor]
    number = said[0].value if isinstance(said, tuple) and len(said) == 1 else None
    try:
        objects = await survey.object_list(inquiry, instance)
        rows = await survey.rows(inquiry, [one for one in objects if one.object_type != OBJECTS["device"]])
    except (Denied, Garbled) as why:
        rows, faults = [], [f"its object list: {why}"]
    return Told(
        instance=instance,
        place=inquiry.place,
        vendor_id=number if type(number) is int else -1,
        apdu_max=peer.answer_max,
        multiple=inquiry.multiple,
        identity=identity,
        rows=rows,
        requests_count=inquiry.requests_count,
        faults=faults,
    )
