"""What is wrong with shares: two at one address, buses that cannot be shared, writes that meet our own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from quartier.config.draft import Draft
from quartier.config.faults import Flaw
from quartier.config.model import Device
from quartier.config.parts import homes
from quartier.config.shares import Share
from quartier_drivers.modbus.share.span import Span, spans
from quartier_drivers.positions import Path
from quartier_drivers.profile import Profile, RegisterProfile
from quartier_drivers.registry import KINDS
from quartier_drivers.schema import WIDTHS, Address, Condition, Point, Setting

_WILD = ("0.0.0.0", "[::]")  # noqa: S104 - compared with, not listened at
# More addresses than that are no list of machines that somebody knows.
_KNOWN_MAX = 256


@dataclass(frozen=True, slots=True)
class _Own:
    """Places that Quartier writes, or that decide what its writes do."""

    unit: int
    place: Address
    count: int
    what: str


def flaws_of_shares(draft: Draft, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    """Everything that is wrong with shares beside what their references lack."""
    for name, share in draft.shares.items():
        bus = draft.buses.get(share.bus)
        if bus is not None and KINDS[bus.kind].protocol != "modbus":
            what = f"{share.bus!r} is no Modbus bus but {bus.kind}; expected a modbus-tcp or modbus-rtu one"
            yield Flaw(("shares", name, "bus"), what)
        if bus is not None and 0 in share.units and _is_serial(bus):
            what = "0 reaches every device of a serial line; expected 1..255"
            yield Flaw(("shares", name, "units", share.units.index(0)), what)
        yield from _writes(name, share, draft, profiles)
    yield from _addresses(draft.shares)
    yield from _clients(draft.shares)


def _is_serial(bus: Any) -> bool:
    return bus.kind == "modbus-rtu" or getattr(bus, "framing", "") == "rtu"


def warnings_about_shares(shares: Mapping[str, Share]) -> Iterator[Flaw]:
    """Shares that let in whoever comes, aloud."""
    for name, share in shares.items():
        for at, text in enumerate(share.clients):
            count = ip_network(text).num_addresses
            if count > _KNOWN_MAX and (share.writes or not ip_network(text).is_private):
                what = f"{text} lets in {count} addresses" + " that may write" * bool(share.writes)
                yield Flaw(("shares", name, "clients", at), f"{what}; Modbus knows no password")


def _addresses(shares: Mapping[str, Share]) -> Iterator[Flaw]:
    """Shares at one address are of one bus; a wildcard holds a port for all addresses."""
    before: list[tuple[str, Share]] = []
    for name, share in shares.items():
        host, _, port = share.listen.rpartition(":")
        for other, one in before:
            there, _, same = one.listen.rpartition(":")
            if port != same or (host != there and not {host, there} & set(_WILD)):
                continue
            if host != there or share.bus != one.bus:
                what = f"{share.listen} meets {one.listen} of {other!r}; expected a port of its own"
                yield Flaw(("shares", name, "listen"), what, against=("shares", other, "listen"))
                break
        before.append((name, share))


def _clients(shares: Mapping[str, Share]) -> Iterator[Flaw]:
    holders: dict[tuple[str, str], str] = {}
    for name, share in shares.items():
        for at, text in enumerate(share.clients):
            holder = holders.setdefault((share.listen, str(ip_network(text))), name)
            if holder != name:
                what = f"{text} belongs to {holder!r} at the same address"
                yield Flaw(("shares", name, "clients", at), what, against=("shares", holder, "clients"))


def _writes(name: str, share: Share, draft: Draft, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    bus = draft.buses.get(share.bus)
    devices = {key: one for key, one in draft.devices.items() if one.bus == share.bus}
    named = {one.unit for one in devices.values()}
    named |= {own.unit for key, one in devices.items() for own in _owned(one, profiles.get(key), None)}
    used = {home[:2] for asset in draft.assets.values() for home in homes(asset)}
    for at, span in enumerate(spans(share.writes)):
        path = ("shares", name, "writes", at)
        if span.unit not in named | set(share.units):
            yield Flaw(path, f"unit {span.unit} is no device's; expected it in units, or another one")
        # A device that has its TCP port for itself mostly answers to any unit: one of nobody may be its too.
        may_be_any = span.unit not in named and bus is not None and not _is_serial(bus)
        for key, device in devices.items():
            parts = {part for holder, part in used if holder == key}
            yield from _met(path, span, key, device, profiles.get(key), parts, may_be_any=may_be_any)


def _met(
    path: Path,
    span: Span,
    key: str,
    device: Device,
    profile: Profile | None,
    parts: set[str],
    *,
    may_be_any: bool,
) -> Iterator[Flaw]:
    """A span that meets what Quartier writes there; where that is not known before, none may be written.

    ``may_be_any``: its unit is none of the site's, and may be another number of this device.
    """
    line: Path = ("devices", key, "profile")
    other = f"; if unit {span.unit} is something else, expected a device of its own with it" * may_be_any
    is_register = isinstance(profile, RegisterProfile)
    if profile is not None and not is_register and (may_be_any or span.unit == device.unit):
        what = f"{span}: where the registers of {key!r} lie is only found out there, so none may be written"
        yield Flaw(path, what + other, against=line)
    for own in _owned(device, profile, parts):
        unit = span.unit if may_be_any else own.unit
        if span.touches(unit, own.place.table, own.place.number, own.count):
            what = f"{span} covers {own.place}, {own.what} of {key!r}; expected what Quartier does not write"
            yield Flaw(path, what + other, against=line)
            return


def _owned(device: Device, profile: Profile | None, parts: set[str] | None) -> Iterator[_Own]:
    """What is written in these parts of a device that belong to assets; None: in all."""
    if not isinstance(profile, RegisterProfile):
        return
    for part, points in profile.parts.items():
        for quantity, point in points.items() if parts is None or part in parts else ():
            unit = device.unit if point.unit is None else point.unit
            yield from _of_point(quantity, point, unit)


def _of_point(quantity: str, point: Point, unit: int) -> Iterator[_Own]:
    """The registers of one point: its value and switch, how it is given back, its timer and what arms it."""
    write = point.write
    if write is None:
        return
    target = point.model_copy(update={"type_name": write.type_name or point.type_name})
    yield _Own(unit, write.address or point.address, target.width, f"{quantity}, which Quartier writes,")
    if point.scale_address is not None:
        yield _Own(unit, point.scale_address, 1, f"the scale of {quantity}")
    for one in (write.own, write.gate):
        if one is not None:
            yield _Own(unit, one.address, WIDTHS.get(one.type_name, 1), f"a switch of {quantity}")
    fallback = write.fallback
    if fallback is None:
        return
    if fallback.address is not None:
        width = WIDTHS.get(fallback.type_name, 1)
        yield _Own(unit, fallback.address, width, f"the timer of {quantity}")
    beside: list[Setting | Condition] = [*fallback.settings, *fallback.check]
    for setting in beside:
        at = unit if setting.unit is None else setting.unit
        width = WIDTHS.get(setting.type_name, 1)
        yield _Own(at, setting.address, width, f"a setting of the fall-back of {quantity}")
