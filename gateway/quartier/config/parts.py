"""Which part of which device each asset lives in, and whether that part can do what the role needs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quartier.config.draft import Draft
from quartier.config.faults import Flaw
from quartier.config.model import Load, Pv
from quartier.config.modes import MODED, QUANTITIES, Substation, Waste, ordered
from quartier_drivers.place import nearest
from quartier_drivers.profile import Profile
from quartier_drivers.schema import Quantity

READ = {
    "grid": ("power_w",),
    "battery": ("power_w", "soc_pct"),
    "pv": ("power_w",),
    "ev": ("power_w",),
    "load": (),
    **dict.fromkeys(QUANTITIES, ()),
}
"""Quantities that a part must serve for an asset of this role."""
APPARENT = "apparent_power_va"
"""What a connection meter may say in place of power_w, as French ones do."""
WRITTEN = {
    "grid": (),
    "battery": ("setpoint_w",),
    "pv": (),
    "ev": ("current_max_a",),
    "load": (),
    **dict.fromkeys(QUANTITIES, ()),
}
"""Quantities that it must let be written."""


def flaws_of_parts(draft: Draft, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    """Unknown parts, parts with two owners, and points that a role misses."""
    owners: dict[tuple[str, str], str] = {}
    for name, asset in draft.assets.items():
        for device, part, key in homes(asset):
            yield from whole_part(profiles, ("assets", name), (device, part, key))
            holder = owners.setdefault((device, part), name)
            if holder != name:
                shown = f"{device}.{part}" if part else device
                what = f"{shown} belongs to {holder!r} already; expected a part of its own"
                yield Flaw(("assets", name, key), what)
        yield from _abilities(name, asset, profiles)
    yield from _own_units(draft, profiles, list(owners))


def _own_units(
    draft: Draft, profiles: Mapping[str, Profile], used: Sequence[tuple[str, str]]
) -> Iterator[Flaw]:
    """Parts in a unit of their own, of a device whose ``unit`` is one that its profile names for others."""
    for device, part in used:
        entry, profile = draft.devices.get(device), profiles.get(device)
        if entry is None or profile is None or part not in profile.parts:
            continue
        units = {_unit_of(point) for points in profile.parts.values() for point in points.values()} - {None}
        own = [quantity for quantity, point in profile.parts[part].items() if _unit_of(point) is None]
        if own and entry.unit in units:
            shown = f"{device}.{part}" if part else device
            what = (
                f"{entry.unit} is not the unit of {shown} ({own[0]}): {profile.name} names it for its other"
                " points itself; expected the unit that `quartier scan modbus` says"
            )
            yield Flaw(("devices", device, "unit"), what)


def _unit_of(point: Any) -> int | None:
    """The unit that the profile names for a point; None where it is the device's."""
    unit = getattr(point, "unit", None)
    return unit if isinstance(unit, int) else None


def homes(asset: Any) -> Iterator[tuple[str, str, str]]:
    """Device and part of each place that belongs to the asset, and the key that names it."""
    yield asset.device, asset.part, "part" if asset.part else "device"
    other = switch(asset)
    if other is not None and other != (asset.device, asset.part):
        yield (*other, "switch_part" if other[1] else "switch_device")


def whole_part(
    profiles: Mapping[str, Profile], path: tuple[str, str], home: tuple[str, str, str]
) -> Iterator[Flaw]:
    """Whether a device has this part, where its profile is known; ``path`` is the entry's that names it."""
    device, part, key = home
    prefix = "switch_" if key.startswith("switch") else ""
    if device in profiles and part not in profiles[device].parts:
        known = list(profiles[device].parts)
        help_ = "it has one part, named by no part key" if known == [""] else nearest(part, known)
        shown = f"{device!r} has no part {part!r}" if part else f"{device!r} has several parts"
        yield Flaw((*path, f"{prefix}part"), f"{shown}; {help_}")


def _abilities(name: str, asset: Any, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    own = points_of(profiles, asset.device, asset.part)
    if own is None:
        return
    profile = profiles[asset.device].name
    for quantity in READ[asset.role]:
        if quantity not in own and not (asset.role == "grid" and APPARENT in own):
            yield Flaw(
                ("assets", name, "device"), f"{profile} has no {quantity}, which {_a(asset.role)} needs"
            )
    for quantity in WRITTEN[asset.role]:
        if not _writable(own, quantity):
            what = f"{profile} has no {quantity} to write, which {_a(asset.role)} needs"
            yield Flaw(("assets", name, "device"), what)
    if isinstance(asset, MODED):
        yield from _modes(name, asset, own, profiles)
    elif isinstance(asset, Pv | Load):
        yield from _switching(name, asset, own, profiles)


def _modes(
    name: str, asset: MODED, own: Mapping[str, Quantity], profiles: Mapping[str, Profile]
) -> Iterator[Flaw]:
    yield from _sensing(name, asset, own, profiles)
    other = switch(asset)
    taker = points_of(profiles, *other) if other else own
    able = QUANTITIES[asset.role]
    if ordered(asset) and taker is not None and not any(_writable(taker, quantity) for quantity in able):
        device = other[0] if other else asset.device
        key = "switch_device" if other else "device"
        what = f"{profiles[device].name} has no {' or '.join(able)} to write, which {_a(asset.role)} needs"
        yield Flaw(("assets", name, key), what)


def _sensing(
    name: str, asset: MODED, own: Mapping[str, Quantity], profiles: Mapping[str, Profile]
) -> Iterator[Flaw]:
    """What a role cannot do without: its temperatures where they have limits, whether a batch waits."""
    needed = {"waiting_on": "device"} if isinstance(asset, Waste) else {}
    if isinstance(asset, Substation):
        keys = [f"{stem}_{end}_c" for stem in ("supply", "return") for end in ("max", "min")]
        said = [key for key in keys if getattr(asset, key) is not None]
        needed = {f"{key.partition('_')[0]}_c": key for key in said}
    for quantity, key in needed.items():
        if quantity not in own:
            what = f"{profiles[asset.device].name} has no {quantity}, which it needs"
            yield Flaw(("assets", name, key), what)


def _switching(
    name: str, asset: Pv | Load, own: Mapping[str, Quantity], profiles: Mapping[str, Profile]
) -> Iterator[Flaw]:
    other = switch(asset)
    relay = points_of(profiles, *other) if other else own
    if relay is None:
        return
    has_relay = _writable(relay, "relay_on")
    if other and not has_relay:
        yield Flaw(("assets", name, "switch_device"), f"{other[0]!r} has no relay_on to write there")
    elif isinstance(asset, Pv) and asset.curtail == "relay" and not has_relay:
        yield Flaw(("assets", name, "curtail"), '"relay" needs a relay_on to write; expected switch_device')
    elif isinstance(asset, Load) and asset.tier != "A" and not has_relay:
        what = f"{asset.tier!r} needs a relay_on to write; expected switch_device, or tier = 'A' (never shed)"
        yield Flaw(("assets", name, "tier"), what)
    if isinstance(asset, Pv) and asset.curtail == "limit" and not _writable(own, "generation_max_w"):
        yield Flaw(("assets", name, "curtail"), '"limit" needs a generation_max_w to write')
    if isinstance(asset, Load) and not {"power_w", "relay_on"} & own.keys():
        yield Flaw(("assets", name, "device"), "has neither power_w nor relay_on there; a load needs one")


def _writable(part: Mapping[str, Quantity], quantity: str) -> bool:
    return quantity in part and part[quantity].writable


def _a(role: str) -> str:
    return f"an {role}" if role == "ev" else f"a {role}"


def switch(asset: Any) -> tuple[str, str] | None:
    """The device and part that takes the orders of this asset, if another than its own."""
    if isinstance(asset, Pv | Load | MODED) and asset.switch_device is not None:
        return asset.switch_device, asset.switch_part
    return None


def points_of(profiles: Mapping[str, Profile], device: str, part: str) -> Mapping[str, Quantity] | None:
    """The points of a part; None where the device has no usable profile or no such part."""
    profile = profiles.get(device)
    return profile.parts.get(part) if profile else None
