"""Checks that each asset uses an existing part of a device, and that the device can do what is configured."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quartier.config.checks.fault_text import FileFault
from quartier.config.checks.site_draft import SiteDraft
from quartier.config.sections.asset_sections import (
    BatterySection,
    ChargePointSection,
    LoadSection,
    PvSection,
)
from quartier.config.sections.operation_mode_sections import (
    CONTROL_QUANTITIES,
    OperationModeSection,
    SubstationSection,
    WasteSection,
    find_control_quantity,
    is_controllable,
)
from quartier_drivers.device_profile.loading import Profile
from quartier_drivers.device_profile.schema import Quantity
from quartier_drivers.device_profile.toml_files import suggest_key

ACCEPT_KEY = "accept_no_fallback"


def find_fallback_warnings(assets: Mapping[str, Any], profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    """Warn of each asset whose device has no accepted fallback: it is given no orders."""
    for name, asset in assets.items():
        found = find_control_point(asset, profiles)
        if found is None or asset.accept_no_fallback is not None:
            continue
        device, quantity, point = found
        fallback = point.fallback
        effect = (
            "it gets no orders"
            if isinstance(asset, BatterySection)
            else "it is not used for limits and sheds"
        )
        remedy = f"so {effect}; expected another device, or a reason why its use is safe"
        if fallback is None:
            keeps = f"{profiles[device].name} keeps its last {quantity} if the gateway stops"
            what = f"is missing: {keeps}, {remedy}"
            yield FileFault(("assets", name, ACCEPT_KEY), what)
        elif isinstance(asset, BatterySection) and fallback.kept_by == "requests":
            keeps = f"reading {profiles[device].name} restarts its timer, and its order does not end"
            what = f"is missing: {keeps}, {remedy}"
            yield FileFault(("assets", name, ACCEPT_KEY), what)


def find_control_point(asset: Any, profiles: Mapping[str, Profile]) -> tuple[str, str, Quantity] | None:
    """Return device, quantity and point that command the asset; None if it is not commanded."""
    if isinstance(asset, BatterySection):
        return _find_writable_point(profiles, asset.device, asset.part, "setpoint_w")
    if isinstance(asset, OperationModeSection):
        return _find_mode_control_point(asset, profiles)
    if isinstance(asset, ChargePointSection):
        return (
            None
            if asset.tier == "A"
            else _find_writable_point(profiles, asset.device, asset.part, "current_max_a")
        )
    if not isinstance(asset, PvSection | LoadSection) or (
        isinstance(asset, LoadSection) and asset.tier == "A"
    ):
        return None
    device, part = find_switch_place(asset) or (asset.device, asset.part)
    relay = _find_writable_point(profiles, device, part, "relay_on")
    if isinstance(asset, LoadSection) or asset.curtail == "none":
        return relay if isinstance(asset, LoadSection) else None
    limit = _find_writable_point(profiles, asset.device, asset.part, "generation_max_w")
    return relay if limit is None or asset.curtail == "relay" else limit


def is_curtailable(asset: PvSection, profiles: Mapping[str, Profile]) -> bool | None:
    """Return whether the PV takes limits or can be cut off; None if its device has no usable profile."""
    if asset.device not in profiles:
        return None
    found = find_control_point(asset, profiles)
    return found is not None and (asset.accept_no_fallback is not None or found[2].fallback is not None)


def _find_mode_control_point(
    asset: OperationModeSection, profiles: Mapping[str, Profile]
) -> tuple[str, str, Quantity] | None:
    if not is_controllable(asset):
        return None
    device, part = find_switch_place(asset) or (asset.device, asset.part)
    chosen = find_control_quantity(
        asset.role, lambda one: _find_writable_point(profiles, device, part, one) is not None
    )
    return _find_writable_point(profiles, device, part, chosen)


def _find_writable_point(
    profiles: Mapping[str, Profile], device: str, part: str, quantity: str
) -> tuple[str, str, Quantity] | None:
    found = (find_part_points(profiles, device, part) or {}).get(quantity)
    return (device, quantity, found) if found is not None and found.writable else None


READ_POINTS = {
    "grid": ("power_w",),
    "battery": ("power_w", "soc_pct"),
    "pv": ("power_w",),
    "ev": ("power_w",),
    "load": (),
    **dict.fromkeys(CONTROL_QUANTITIES, ()),
}
"""Quantities that a part must have for an asset of this role."""


APPARENT_POWER_POINT = "apparent_power_va"
"""What a grid meter may report in place of power_w, as French ones do."""


WRITTEN_POINTS = {
    "grid": (),
    "battery": ("setpoint_w",),
    "pv": (),
    "ev": ("current_max_a",),
    "load": (),
    **dict.fromkeys(CONTROL_QUANTITIES, ()),
}
"""Quantities that must be writable."""


def find_part_faults(draft: SiteDraft, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    """Yield unknown parts, parts with two owners, and points that a role lacks."""
    owners: dict[tuple[str, str], str] = {}
    for name, asset in draft.assets.items():
        for device, part, key in list_places(asset):
            yield from check_part(profiles, ("assets", name), (device, part, key))
            holder = owners.setdefault((device, part), name)
            if holder != name:
                shown = f"{device}.{part}" if part else device
                what = f"{shown} is used by {holder!r} already; expected another part"
                yield FileFault(("assets", name, key), what)
        yield from _find_ability_faults(name, asset, profiles)
    yield from _find_own_unit_faults(draft, profiles, list(owners))


def _find_own_unit_faults(
    draft: SiteDraft, profiles: Mapping[str, Profile], used: Sequence[tuple[str, str]]
) -> Iterator[FileFault]:
    """Yield devices whose ``unit`` serves a used part, although the profile names it for other points."""
    for device, part in used:
        entry, profile = draft.devices.get(device), profiles.get(device)
        if entry is None or profile is None or part not in profile.parts:
            continue
        units = {
            _find_point_unit(point) for points in profile.parts.values() for point in points.values()
        } - {None}
        own = [quantity for quantity, point in profile.parts[part].items() if _find_point_unit(point) is None]
        if own and entry.unit in units:
            shown = f"{device}.{part}" if part else device
            what = (
                f"{entry.unit} is not the unit of {shown} ({own[0]}): {profile.name} names it for its other"
                " points itself; expected the unit that `quartier scan modbus` says"
            )
            yield FileFault(("devices", device, "unit"), what)


def _find_point_unit(point: Any) -> int | None:
    """Return the unit that the profile names for a point; None if it is the device's."""
    unit = getattr(point, "unit", None)
    return unit if isinstance(unit, int) else None


def list_places(asset: Any) -> Iterator[tuple[str, str, str]]:
    """Yield device and part of each place that belongs to the asset, and the key that names it."""
    yield asset.device, asset.part, "part" if asset.part else "device"
    other = find_switch_place(asset)
    if other is not None and other != (asset.device, asset.part):
        yield (*other, "switch_part" if other[1] else "switch_device")


def check_part(
    profiles: Mapping[str, Profile], path: tuple[str, str], home: tuple[str, str, str]
) -> Iterator[FileFault]:
    """Yield a fault if a device with a known profile lacks this part; ``path`` is the entry that names it."""
    device, part, key = home
    prefix = "switch_" if key.startswith("switch") else ""
    if device in profiles and part not in profiles[device].parts:
        known = list(profiles[device].parts)
        help_ = "it has one part; remove the key" if known == [""] else suggest_key(part, known)
        shown = f"{device!r} has no part {part!r}" if part else f"{device!r} has several parts"
        yield FileFault((*path, f"{prefix}part"), f"{shown}; {help_}")


def _find_ability_faults(name: str, asset: Any, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    own = find_part_points(profiles, asset.device, asset.part)
    if own is None:
        return
    profile = profiles[asset.device].name
    for quantity in READ_POINTS[asset.role]:
        if quantity not in own and not (asset.role == "grid" and APPARENT_POWER_POINT in own):
            yield FileFault(
                ("assets", name, "device"),
                f"{profile} has no {quantity}, which {_add_article(asset.role)} needs",
            )
    for quantity in WRITTEN_POINTS[asset.role]:
        if not _is_writable(own, quantity):
            what = f"{profile} has no {quantity} to write, which {_add_article(asset.role)} needs"
            yield FileFault(("assets", name, "device"), what)
    if isinstance(asset, OperationModeSection):
        yield from _find_mode_faults(name, asset, own, profiles)
    elif isinstance(asset, PvSection | LoadSection):
        yield from _find_switch_faults(name, asset, own, profiles)


def _find_mode_faults(
    name: str, asset: OperationModeSection, own: Mapping[str, Quantity], profiles: Mapping[str, Profile]
) -> Iterator[FileFault]:
    yield from _find_sensor_faults(name, asset, own, profiles)
    other = find_switch_place(asset)
    taker = find_part_points(profiles, *other) if other else own
    able = CONTROL_QUANTITIES[asset.role]
    if (
        is_controllable(asset)
        and taker is not None
        and not any(_is_writable(taker, quantity) for quantity in able)
    ):
        device = other[0] if other else asset.device
        key = "switch_device" if other else "device"
        points = " or ".join(able)
        what = f"{profiles[device].name} has no {points} to write, which {_add_article(asset.role)} needs"
        yield FileFault(("assets", name, key), what)


def _find_sensor_faults(
    name: str, asset: OperationModeSection, own: Mapping[str, Quantity], profiles: Mapping[str, Profile]
) -> Iterator[FileFault]:
    """Yield missing sensors: temperatures with limits, and whether a batch waits."""
    needed = {"waiting_on": "device"} if isinstance(asset, WasteSection) else {}
    if isinstance(asset, SubstationSection):
        keys = [f"{stem}_{end}_c" for stem in ("supply", "return") for end in ("max", "min")]
        said = [key for key in keys if getattr(asset, key) is not None]
        needed = {f"{key.partition('_')[0]}_c": key for key in said}
    for quantity, key in needed.items():
        if quantity not in own:
            what = f"{profiles[asset.device].name} has no {quantity}, which it needs"
            yield FileFault(("assets", name, key), what)


def _find_switch_faults(
    name: str, asset: PvSection | LoadSection, own: Mapping[str, Quantity], profiles: Mapping[str, Profile]
) -> Iterator[FileFault]:
    other = find_switch_place(asset)
    relay = find_part_points(profiles, *other) if other else own
    if relay is None:
        return
    has_relay = _is_writable(relay, "relay_on")
    if other and not has_relay:
        yield FileFault(
            ("assets", name, "switch_device"), f"this part of {other[0]!r} has no relay_on to write"
        )
    elif isinstance(asset, PvSection) and asset.curtail == "relay" and not has_relay:
        yield FileFault(
            ("assets", name, "curtail"),
            '"relay" needs a relay_on to write; expected switch_device, or "none"',
        )
    elif isinstance(asset, LoadSection) and asset.tier != "A" and not has_relay:
        what = f"{asset.tier!r} needs a relay_on to write; expected switch_device, or tier = 'A' (never shed)"
        yield FileFault(("assets", name, "tier"), what)
    if (
        isinstance(asset, PvSection)
        and asset.curtail == "limit"
        and not _is_writable(own, "generation_max_w")
    ):
        instead = '"relay"' if has_relay else '"relay" with switch_device'
        what = f'"limit" needs a generation_max_w to write; expected {instead}, or "none"'
        yield FileFault(("assets", name, "curtail"), what)
    if isinstance(asset, LoadSection) and not {"power_w", "relay_on"} & own.keys():
        yield FileFault(
            ("assets", name, "device"), "has neither power_w nor relay_on; a load needs one of them"
        )


def _is_writable(part: Mapping[str, Quantity], quantity: str) -> bool:
    return quantity in part and part[quantity].writable


def _add_article(role: str) -> str:
    return f"an {role}" if role == "ev" else f"a {role}"


def find_switch_place(asset: Any) -> tuple[str, str] | None:
    """Return device and part that take the orders of this asset, if not its own."""
    if isinstance(asset, PvSection | LoadSection | OperationModeSection) and asset.switch_device is not None:
        return asset.switch_device, asset.switch_part
    return None


def find_part_points(
    profiles: Mapping[str, Profile], device: str, part: str
) -> Mapping[str, Quantity] | None:
    """Return the points of a part; None if the device has no usable profile or no such part."""
    profile = profiles.get(device)
    return profile.parts.get(part) if profile else None
