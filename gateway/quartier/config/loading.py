"""Load a file as a site, or as all faults with their lines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path as FilePath
from typing import Any

from quartier.config.checks.connection_checks import (
    find_node_warnings,
    loses_contact,
    loses_node_limit,
    remove_node_meters,
)
from quartier.config.checks.device_checks import find_fallback_warnings
from quartier.config.checks.fault_text import FileFault, suggest_key_unit
from quartier.config.checks.plausibility import find_implausible_values
from quartier.config.checks.section_checks import find_owner_path, find_section_faults
from quartier.config.checks.share_checks import find_share_warnings
from quartier.config.checks.similar_names import suggest_names
from quartier.config.checks.site_draft import FIXED_SECTIONS, NAMED_TABLES, SiteDraft, read_draft
from quartier.config.secret_files import find_key_file_warnings, find_link_warnings, find_login_warnings
from quartier.config.sections.asset_sections import GridMeterSection
from quartier.config.sections.site_file import SiteFile
from quartier_drivers.device_profile.loading import Profile, list_profiles, load_profile
from quartier_drivers.device_profile.toml_files import TomlPlaces, read_text, read_toml
from quartier_drivers.errors import ConfigError, Fault


@dataclass(frozen=True, slots=True)
class LoadedSite:
    """A site and its faults.

    ``disabled`` maps ``"devices.gx"``, ``"assets.bat1"``, ``"store"`` … to the faults that disable it. An
    asset whose own section is sound stays in ``site.assets`` even then, so that control counts it at its
    worst case (it has no points). Disabled buses and devices are not in ``site``. ``profiles`` holds the
    profile of every device of ``site``. ``ordered`` names the job or the person that brought the text, if it
    is not the file at the gateway.
    """

    site: SiteFile
    profiles: Mapping[str, Profile]
    disabled: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)
    warnings: tuple[Fault, ...] = ()
    ordered: str = ""


@dataclass(frozen=True, slots=True)
class ReplacementText:
    """A text that replaces a site file: faults name it, but profile folders are relative to the file."""

    name: str
    text: str


def load_site(path: FilePath) -> SiteFile:
    """Read a site file. Raises ConfigError with every fault of it and of its profiles."""
    return check_site_file(path).site


def check_site_file(path: FilePath, instead: ReplacementText | None = None) -> LoadedSite:
    """Read a site file strictly, with its profiles and warnings. Raises ConfigError as ``load_site``."""
    places, read, profiles = _read_file(path, instead)
    if read.flaws:
        raise ConfigError(_sort_faults(places, read.flaws))
    return LoadedSite(_make_site(read), profiles, warnings=_find_warnings(places, read, profiles))


def read_site(instead: ReplacementText) -> SiteFile:
    """Read the text of a site file without a file, for what it names: without its profiles and their checks.

    Raises ConfigError if its text, its site or its limits cannot be used.
    """
    places, data = _parse_text(instead.name, instead.text)
    read = read_draft(data)
    if any(key not in read.fixed for key in ("site", "limits")):
        raise ConfigError(_sort_faults(places, read.flaws))
    return _make_site(read)


def make_faults(instead: ReplacementText, flaws: Sequence[FileFault]) -> list[Fault]:
    """Return flaws of a text as faults with their lines."""
    return _sort_faults(TomlPlaces(instead.name, instead.text), flaws)


def load_site_leniently(path: FilePath, instead: ReplacementText | None = None) -> LoadedSite:
    """Read a site file so that a gateway can run: faulty parts are left out, with their faults.

    Raises ConfigError only if it cannot be parsed, or if its site, limits, grid, a node or a contact cannot
    be used: a limit is never guessed. A contact whose device is faulty stays: while it is unread, it acts. A
    node stays too, without its meter.
    """
    places, read, profiles = _read_file(path, instead)
    by_owner: dict[tuple[str | int, ...], list[FileFault]] = {}
    for flaw in (*read.flaws, *_find_dependent_faults(read, profiles)):
        by_owner.setdefault(find_owner_path(flaw.path, NAMED_TABLES), []).append(flaw)
    grids = [name for name, asset in read.assets.items() if isinstance(asset, GridMeterSection)]
    fatal = ("limits",) in by_owner or any(key not in read.fixed for key in ("site", "limits"))
    fatal = fatal or any(loses_contact(flaw, read) or loses_node_limit(flaw, read) for flaw in read.flaws)
    if fatal or len(grids) != 1:
        raise ConfigError(_sort_faults(places, read.flaws))
    disabled = {
        ".".join(map(str, path)): tuple(_sort_faults(places, flaws)) for path, flaws in by_owner.items()
    }
    remove_node_meters(read, (name for name in list(read.nodes) if f"nodes.{name}" in disabled))
    for table in ("buses", "devices", "shares"):
        entries: dict[str, Any] = getattr(read, table)
        for name in [name for name in entries if f"{table}.{name}" in disabled]:
            del entries[name]
    sound = {name: profile for name, profile in profiles.items() if name in read.devices}
    return LoadedSite(_make_site(read), sound, disabled, _find_warnings(places, read, sound))


def _read_file(
    path: FilePath, instead: ReplacementText | None
) -> tuple[TomlPlaces, SiteDraft, dict[str, Profile]]:
    places, data = _parse_file(path) if instead is None else _parse_text(instead.name, instead.text)
    read = read_draft(data)
    profiles = dict(_load_profiles(read, path.parent))
    read.flaws.extend(find_section_faults(read, profiles))
    return places, read, profiles


def _parse_file(path: FilePath) -> tuple[TomlPlaces, dict[str, Any]]:
    try:
        return _parse_text(str(path), read_text(path))
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise ConfigError([Fault(str(path), None, "file", what)]) from error


def _parse_text(name: str, text: str) -> tuple[TomlPlaces, dict[str, Any]]:
    try:
        data = read_toml(name, text)
    except ConfigError as error:
        line = text.rstrip().count("\n") + 1  # where it breaks off
        rows = text.split("\n")
        faults = [
            replace(
                one, line=one.line or line, what=suggest_key_unit(one, rows[one.line - 1] if one.line else "")
            )
            for one in error.faults
        ]
        raise ConfigError(faults) from error
    return TomlPlaces(name, text), data


def _load_profiles(read: SiteDraft, here: FilePath) -> Iterator[tuple[str, Profile]]:
    folders = [here / folder for folder in read.profile_folders]
    for index, folder in enumerate(folders):
        if not folder.is_dir():
            read.flaws.append(FileFault(("site", "profiles", index), f"{folder} is no folder"))
    once = cache(partial(load_profile, folders=folders))  # many devices, few profiles
    for name, profile in read.iterate_texts("devices", "profile"):
        path = ("devices", name, "profile")
        try:
            yield name, once(profile)
        except ConfigError as error:
            if unknown := [fault for fault in error.faults if fault.file == profile]:
                near = suggest_names(profile, list_profiles(folders), "quartier profiles list")
                read.flaws += [FileFault(path, f"{profile!r} is unknown; {near}") for _ in unknown]
            else:
                read.flaws.append(FileFault(path, f"{profile!r} has faults in its own file"))
                read.flaws += [FileFault(path, fault.what, fault) for fault in error.faults]


def _find_dependent_faults(read: SiteDraft, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    """Yield entries that cannot work because an entry that they need is faulty."""
    faulty = {find_owner_path(flaw.path, NAMED_TABLES) for flaw in read.flaws}
    dead_devices = {
        name
        for name in read.find_raw_entries("devices")
        if ("devices", name) in faulty or name not in profiles
    }
    for name, device in read.devices.items():
        if device.bus in read.find_raw_entries("buses") and (
            device.bus not in read.buses or ("buses", device.bus) in faulty
        ):
            dead_devices.add(name)
            yield FileFault(("devices", name, "bus"), f"{device.bus!r} is disabled by another fault")
    for name, share in read.shares.items():
        if ("buses", share.bus) in faulty:
            yield FileFault(("shares", name, "bus"), f"{share.bus!r} is disabled by another fault")
    for table, entries in (
        ("assets", read.assets),
        ("contacts", read.contacts),
        ("supplies", read.supplies),
        ("nodes", read.nodes),
    ):
        for name, entry in entries.items():
            for key in ("device", "switch_device"):
                device_name = getattr(entry, key, None)
                if device_name in dead_devices:
                    yield FileFault((table, name, key), f"{device_name!r} is disabled by another fault")


def _make_site(read: SiteDraft) -> SiteFile:
    fixed = {key: read.fixed[key] for key in FIXED_SECTIONS if key in read.fixed}
    named = {table: getattr(read, table) for table in NAMED_TABLES}
    return SiteFile(**named, **fixed)


def _find_warnings(places: TomlPlaces, read: SiteDraft, profiles: Mapping[str, Profile]) -> tuple[Fault, ...]:
    link = read.fixed.get("district_link")
    flaws = [
        *_find_unused_devices(read),
        *(find_link_warnings(link) if link else ()),
        *find_key_file_warnings(read.devices),
        *find_login_warnings(read.buses),
        *find_fallback_warnings(read.assets, profiles),
        *find_node_warnings(read),
        *find_share_warnings(read.shares),
        *find_implausible_values(read, profiles),
    ]
    return tuple(_sort_faults(places, flaws))


def _find_unused_devices(read: SiteDraft) -> Iterator[FileFault]:
    """Yield devices that no entry uses."""
    used = {
        getattr(entry, key, None)
        for table in (read.assets, read.contacts, read.supplies, read.nodes)
        for entry in table.values()
        for key in ("device", "switch_device")
    }
    for name in read.devices:
        if name not in used:
            yield FileFault(
                ("devices", name), "belongs to no asset, contact, supply or node, so it is not read"
            )


def _sort_faults(places: TomlPlaces, flaws: Sequence[FileFault]) -> list[Fault]:
    faults = [flaw.other_file_fault or _make_fault(places, flaw) for flaw in flaws]
    here = places.file
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.file != here, fault.file, fault.line or 0))


def _make_fault(places: TomlPlaces, flaw: FileFault) -> Fault:
    line = places.line(flaw.contradicted_path) if flaw.contradicted_path else None
    fault = places.fault(flaw.path, flaw.what if line is None else f"{flaw.what} (line {line})")
    return replace(fault, line=fault.line or 1)
