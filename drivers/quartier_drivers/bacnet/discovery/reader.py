"""Read a BACnet device by a URL, without a site file: all of its objects, or the points of a profile."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from pydantic import ValidationError

from quartier_drivers.bacnet.address import DevicePlace
from quartier_drivers.bacnet.bus_section import BacnetIpBus
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused, GarbledAnswer
from quartier_drivers.bacnet.discovery import device_survey
from quartier_drivers.bacnet.discovery.device_survey import ObjectRow
from quartier_drivers.bacnet.discovery.scan import find_contradictions
from quartier_drivers.bacnet.factory import FACTORY
from quartier_drivers.bacnet.network.line import BacnetLine
from quartier_drivers.bacnet.network.peer import BacnetDevice, DeviceLimits
from quartier_drivers.bacnet.network.property_reads import PropertyInquiry
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.bacnet.standard_names import OBJECT_TYPES, PROPERTIES
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_rows import (
    DEVICE_OWNER,
    DeviceReadout,
    drop_profile_names,
    make_readout,
    make_rows,
)
from quartier_drivers.errors import ConfigError, Fault, NoReply
from quartier_drivers.transport.event_loop import LoopClock
from quartier_native.bacnet import Ref

if TYPE_CHECKING:
    from quartier_drivers.readings import Reading

URL_FORMS = "eth0?unit=201, 192.168.1.5/24?unit=201 or eth0?address=192.168.1.10"
_NUMBER_KEYS = ("port", "device_id", "foreign_ttl_s", "retries_count")


@dataclass(frozen=True, slots=True)
class ReadTarget:
    """The target of a URL: our own socket on a network, and a device by its instance or its address."""

    bus: BacnetIpBus
    unit: int | None = None
    address: str = ""


@dataclass(slots=True)
class DeviceReport:
    """Everything read from a device.

    ``apdu_max`` is in octets; ``multiple``: it accepts several properties per request.
    """

    instance: int
    place: DevicePlace
    vendor_id: int
    apdu_max: int
    multiple: bool
    identity: Mapping[str, str]
    rows: Sequence[ObjectRow]
    requests_count: int
    faults: list[str] = field(default_factory=list)


def parse_target(url: str) -> ReadTarget:
    """Parse ``INTERFACE?unit=201``; keys of the bus's section (``port``, ``bbmd`` …) may follow.

    INTERFACE is a name (``eth0``) or an address with its prefix (``192.168.1.5/24``).  Raises ConfigError.
    """
    interface, _, query = url.removeprefix("bacnet:").removeprefix("//").partition("?")
    said: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    unit, address = said.pop("unit", None), said.pop("address", "")
    faults = []
    if unit is not None and not unit.isdecimal():
        faults.append(Fault(url, None, "unit", f"{unit!r} is wrong, expected a device instance, 0..4194302"))
    try:
        bus = BacnetIpBus.model_validate(
            {"kind": "bacnet-ip", "interface": interface, **_convert_types(said)}
        )
    except ValidationError as error:
        for one in error.errors():
            where = ".".join(str(part) for part in one["loc"]) or "url"
            faults.append(
                Fault(url, None, where, f"{one['msg'].removeprefix('Value error, ')}; as {URL_FORMS}")
            )
        raise ConfigError(faults) from error
    number = None if unit is None or faults else int(unit)
    if number is not None and number > bus.unit_max:
        faults.append(Fault(url, None, "unit", f"{number} is wrong, expected 0..{bus.unit_max}"))
    if (misfit := bus.misfit(0, address)) is not None:
        faults.append(Fault(url, None, *misfit))
    if faults:
        raise ConfigError(faults)
    return ReadTarget(bus, number, address)


def _convert_types(said: Mapping[str, str]) -> dict[str, Any]:
    """Convert texts to numbers where the section needs them; others stay and are faults there."""
    typed: dict[str, Any] = dict(said)
    for key in _NUMBER_KEYS:
        if said.get(key, "").isdecimal():
            typed[key] = int(said[key])
    with contextlib.suppress(ValueError):
        typed |= {"timeout_s": float(said["timeout_s"])} if "timeout_s" in said else {}
    return typed


async def read_points(profile: BacnetProfile, url: str) -> DeviceReadout:
    """Return every point of the profile, read once, and the identity of the device.

    Raises ConfigError (URL), LinkLost, or NoReply if the device does not answer.
    """
    named = _find_device(parse_target(url))
    clock = LoopClock()
    line = FACTORY.line("read", named.bus, clock)
    owners = {part: part or DEVICE_OWNER for part in profile.parts}
    spec = DeviceSpec("read", named.unit or 0, owners, address=named.address)
    driver = FACTORY.driver(line, spec, drop_profile_names(profile), clock)
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
    return make_readout(make_rows(identity, found, driver.points), find_contradictions(identity, profile))


def _find_device(named: ReadTarget) -> ReadTarget:
    if named.unit is None and not named.address:
        raise ConfigError([Fault(named.bus.interface, None, "url", f"names no device, expected {URL_FORMS}")])
    return named


async def read_device(line: BacnetLine, named: ReadTarget) -> DeviceReport:
    """Return everything about one device.

    Raises NoReply, LinkLost, or ConfigError if the URL names no device.
    """
    _find_device(named)
    await line.open()
    try:
        spec = DeviceSpec("device", named.unit or 0, {}, address=named.address)
        peer = BacnetDevice(line, spec, DeviceLimits())
        await peer.meet()
        if peer.place is None:
            raise NoReply("the device has not been found")
        inquiry = PropertyInquiry(line, peer.place, peer.answer_max, multiple=peer.capabilities.multiple)
        return await _read_report(inquiry, peer)
    finally:
        await line.close()


async def _read_report(inquiry: PropertyInquiry, peer: BacnetDevice) -> DeviceReport:
    instance, faults = peer.instance, []
    identity = await device_survey.read_identity(inquiry, instance)
    vendor = Ref(OBJECT_TYPES["device"], instance, PROPERTIES["vendor-identifier"])
    said = (await inquiry.read([vendor]))[vendor]
    number = said[0].value if isinstance(said, tuple) and len(said) == 1 else None
    try:
        objects = await device_survey.read_object_list(inquiry, instance)
        rows = await device_survey.read_rows(
            inquiry, [one for one in objects if one.object_type != OBJECT_TYPES["device"]]
        )
    except (DeviceRefused, GarbledAnswer) as why:
        rows, faults = [], [f"its object list: {why}"]
    return DeviceReport(
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
