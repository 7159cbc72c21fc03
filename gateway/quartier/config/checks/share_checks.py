"""Faults of shared Modbus connections."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from quartier.config.checks.device_checks import list_places
from quartier.config.checks.fault_text import FileFault
from quartier.config.checks.site_draft import SiteDraft
from quartier.config.sections.connection_sections import ShareSection
from quartier.config.sections.site_file import DeviceSection
from quartier_drivers.device_profile.loading import Profile, RegisterProfile
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.schema import WIDTHS, Condition, Point, Setting
from quartier_drivers.device_profile.toml_positions import KeyPath
from quartier_drivers.modbus.sharing.register_spans import RegisterSpan, parse_spans
from quartier_drivers.registry import BUS_KINDS, load_bus_protocol

_ANY_ADDRESS = ("0.0.0.0", "[::]")  # noqa: S104 - compared with, not listened at
# More addresses than this are not a list of known machines.
_CLIENT_ADDRESSES_MAX = 256


@dataclass(frozen=True, slots=True)
class _OwnRegisters:
    """Registers that Quartier writes, or that decide what its writes do."""

    unit: int
    place: Address
    count: int
    what: str


def find_share_faults(draft: SiteDraft, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    """Yield all faults of shares except missing references."""
    for name, share in draft.shares.items():
        bus = draft.buses.get(share.bus)
        if bus is not None and not load_bus_protocol(bus.kind).is_shareable:
            known = [kind for kind in BUS_KINDS if load_bus_protocol(kind).is_shareable]
            what = f"{share.bus!r} is a {bus.kind} bus; expected a {' or '.join(known)} bus"
            yield FileFault(("shares", name, "bus"), what)
        if bus is not None and 0 in share.units and getattr(bus, "is_serial", False):
            what = "0 is the broadcast address of a serial line; expected 1..255"
            yield FileFault(("shares", name, "units", share.units.index(0)), what)
        yield from _find_write_faults(name, share, draft, profiles)
    yield from _find_address_faults(draft.shares)
    yield from _find_client_faults(draft.shares)


def find_share_warnings(shares: Mapping[str, ShareSection]) -> Iterator[FileFault]:
    """Warn of shares that let in many machines."""
    for name, share in shares.items():
        for at, text in enumerate(share.clients):
            count = ip_network(text).num_addresses
            if count > _CLIENT_ADDRESSES_MAX and (share.writes or not ip_network(text).is_private):
                what = f"{text} lets in {count} addresses" + " that may write" * bool(share.writes)
                yield FileFault(("shares", name, "clients", at), f"{what}; Modbus has no password")


def _find_address_faults(shares: Mapping[str, ShareSection]) -> Iterator[FileFault]:
    """Yield address conflicts: shares at one address need one bus.

    A wildcard takes a port at all addresses.
    """
    before: list[tuple[str, ShareSection]] = []
    for name, share in shares.items():
        host, _, port = share.listen.rpartition(":")
        for other, one in before:
            there, _, same = one.listen.rpartition(":")
            if port != same or (host != there and not {host, there} & set(_ANY_ADDRESS)):
                continue
            if host != there or share.bus != one.bus:
                what = f"{share.listen} conflicts with {one.listen} of {other!r}; expected another port"
                yield FileFault(
                    ("shares", name, "listen"), what, contradicted_path=("shares", other, "listen")
                )
                break
        before.append((name, share))


def _find_client_faults(shares: Mapping[str, ShareSection]) -> Iterator[FileFault]:
    holders: dict[tuple[str, str], str] = {}
    for name, share in shares.items():
        for at, text in enumerate(share.clients):
            holder = holders.setdefault((share.listen, str(ip_network(text))), name)
            if holder != name:
                what = f"{text} is a client of {holder!r} at the same address"
                yield FileFault(
                    ("shares", name, "clients", at), what, contradicted_path=("shares", holder, "clients")
                )


def _find_write_faults(
    name: str, share: ShareSection, draft: SiteDraft, profiles: Mapping[str, Profile]
) -> Iterator[FileFault]:
    bus = draft.buses.get(share.bus)
    devices = {key: one for key, one in draft.devices.items() if one.bus == share.bus}
    named = {one.unit for one in devices.values()}
    named |= {
        own.unit for key, one in devices.items() for own in _list_own_registers(one, profiles.get(key), None)
    }
    used = {home[:2] for asset in draft.assets.values() for home in list_places(asset)}
    for at, span in enumerate(parse_spans(share.writes)):
        path = ("shares", name, "writes", at)
        if span.unit not in named | set(share.units):
            yield FileFault(path, f"unit {span.unit} is no device; expected it in units, or another unit")
        # A device with its own TCP port mostly answers to any unit: an unknown unit may be this device, too.
        may_be_any = span.unit not in named and bus is not None and not getattr(bus, "is_serial", False)
        for key, device in devices.items():
            parts = {part for holder, part in used if holder == key}
            yield from _find_overlaps(
                path, span, key, device, profiles.get(key), parts, may_be_any=may_be_any
            )


def _find_overlaps(
    path: KeyPath,
    span: RegisterSpan,
    key: str,
    device: DeviceSection,
    profile: Profile | None,
    parts: set[str],
    *,
    may_be_any: bool,
) -> Iterator[FileFault]:
    """Yield a span that overlaps registers that Quartier writes; if those are unknown, none may be written.

    ``may_be_any``: its unit is not in the site, and may be another number of this device.
    """
    line: KeyPath = ("devices", key, "profile")
    other = f"; if unit {span.unit} is another device, expected a [devices] entry for it" * may_be_any
    is_register = isinstance(profile, RegisterProfile)
    if profile is not None and not is_register and (may_be_any or span.unit == device.unit):
        what = f"{span}: the registers of {key!r} are known only after it was read, so none may be written"
        yield FileFault(path, what + other, contradicted_path=line)
    for own in _list_own_registers(device, profile, parts):
        unit = span.unit if may_be_any else own.unit
        if span.touches(unit, own.place.table, own.place.number, own.count):
            what = f"{span} covers {own.place}, {own.what} of {key!r}; expected others"
            yield FileFault(path, what + other, contradicted_path=line)
            return


def _list_own_registers(
    device: DeviceSection, profile: Profile | None, parts: set[str] | None
) -> Iterator[_OwnRegisters]:
    """Yield the written registers in these parts of a device, which belong to assets; None: in all parts."""
    if not isinstance(profile, RegisterProfile):
        return
    for part, points in profile.parts.items():
        for quantity, point in points.items() if parts is None or part in parts else ():
            unit = device.unit if point.unit is None else point.unit
            yield from _list_point_registers(quantity, point, unit)


def _list_point_registers(quantity: str, point: Point, unit: int) -> Iterator[_OwnRegisters]:
    """Yield the registers of one point: its value, scale and switches, its timer and what arms it."""
    write = point.write
    if write is None:
        return
    target = point.model_copy(update={"type_name": write.type_name or point.type_name})
    yield _OwnRegisters(
        unit, write.address or point.address, target.width, f"{quantity}, which Quartier writes,"
    )
    if point.scale_address is not None:
        yield _OwnRegisters(unit, point.scale_address, 1, f"the scale of {quantity}")
    for one in (write.own, write.gate):
        if one is not None:
            yield _OwnRegisters(unit, one.address, WIDTHS.get(one.type_name, 1), f"a switch of {quantity}")
    fallback = write.fallback
    if fallback is None:
        return
    if fallback.address is not None:
        width = WIDTHS.get(fallback.type_name, 1)
        yield _OwnRegisters(unit, fallback.address, width, f"the timer of {quantity}")
    beside: list[Setting | Condition] = [*fallback.settings, *fallback.check]
    for setting in beside:
        at = unit if setting.unit is None else setting.unit
        width = WIDTHS.get(setting.type_name, 1)
        yield _OwnRegisters(at, setting.address, width, f"a setting of the fallback of {quantity}")
