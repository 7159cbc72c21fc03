"""Files to a ``Site``, or to every fault at once with its line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path as FilePath
from typing import Any

from quartier.config.checks import cross_check, owner
from quartier.config.contacts import is_lost
from quartier.config.draft import FIXED, NAMED, Draft, draft
from quartier.config.faults import Flaw, in_key_unit
from quartier.config.forgetting import warnings_about_fallbacks
from quartier.config.model import Grid, Site
from quartier.config.plausibility import warnings_about_values
from quartier.config.secrets import warnings_about, warnings_about_buses, warnings_about_keys
from quartier.config.sharing import warnings_about_shares
from quartier.config.suggest import suggest
from quartier.config.tree import is_untold, warnings_about_nodes, without_meters
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.place import Places, read_text, read_toml
from quartier_drivers.profile import Profile, names
from quartier_drivers.profile import load as load_profile


@dataclass(frozen=True, slots=True)
class Loaded:
    """A site and what is not right about it.

    ``disabled`` maps ``"devices.gx"``, ``"assets.bat1"``, ``"store"`` … to the faults that put it
    out of action; an asset whose own section is sound stays in ``site.assets`` even then, so that
    control counts it at its worst case (it has no points).  Disabled buses and devices are not
    in ``site``.  ``profiles`` holds the profile of every device of ``site``.  ``ordered`` names the job
    or the person that brought it, if it is not the file at the gateway.
    """

    site: Site
    profiles: Mapping[str, Profile]
    disabled: Mapping[str, tuple[Fault, ...]] = field(default_factory=dict)
    warnings: tuple[Fault, ...] = ()
    ordered: str = ""


@dataclass(frozen=True, slots=True)
class Instead:
    """A text that stands where a site file lies: named so in faults, with the file's own profile folders."""

    name: str
    text: str


def load(path: FilePath) -> Site:
    """Read a site file.  Raises ConfigError with every fault of it and of its profiles."""
    return check(path).site


def check(path: FilePath, instead: Instead | None = None) -> Loaded:
    """Read a site file strictly, its profiles and warnings with it.  Raises ConfigError as ``load``."""
    places, read, profiles = _read(path, instead)
    if read.flaws:
        raise ConfigError(_faults(places, read.flaws))
    return Loaded(_site(read), profiles, warnings=_warnings(places, read, profiles))


def read_site(instead: Instead) -> Site:
    """Read a site file that lies nowhere yet, for what it names: without its profiles and their checks.

    Raises ConfigError where its text, its site or its limits cannot be used.
    """
    places, data = _parsed(instead.name, instead.text)
    read = draft(data)
    if any(key not in read.fixed for key in ("site", "limits")):
        raise ConfigError(_faults(places, read.flaws))
    return _site(read)


def told(instead: Instead, flaws: Sequence[Flaw]) -> list[Fault]:
    """Flaws of a text as faults, each with its line."""
    return _faults(Places(instead.name, instead.text), flaws)


def load_lenient(path: FilePath, instead: Instead | None = None) -> Loaded:
    """Read a site file so that a house can be run: what is faulty is left out, with its faults.

    Raises ConfigError only if it cannot be parsed, or if its site, limits, grid, a node or a contact cannot
    be used: a limit is never guessed.  A contact whose device is faulty stays: unread, it acts.  So does a
    node: without its meter.
    """
    places, read, profiles = _read(path, instead)
    by_owner: dict[tuple[str | int, ...], list[Flaw]] = {}
    for flaw in (*read.flaws, *_dependants(read, profiles)):
        by_owner.setdefault(owner(flaw.path, NAMED), []).append(flaw)
    grids = [name for name, asset in read.assets.items() if isinstance(asset, Grid)]
    fatal = ("limits",) in by_owner or any(key not in read.fixed for key in ("site", "limits"))
    fatal = fatal or any(is_lost(flaw, read) or is_untold(flaw, read) for flaw in read.flaws)
    if fatal or len(grids) != 1:
        raise ConfigError(_faults(places, read.flaws))
    disabled = {".".join(map(str, path)): tuple(_faults(places, flaws)) for path, flaws in by_owner.items()}
    without_meters(read, (name for name in list(read.nodes) if f"nodes.{name}" in disabled))
    for table in ("buses", "devices", "shares"):
        entries: dict[str, Any] = getattr(read, table)
        for name in [name for name in entries if f"{table}.{name}" in disabled]:
            del entries[name]
    sound = {name: profile for name, profile in profiles.items() if name in read.devices}
    return Loaded(_site(read), sound, disabled, _warnings(places, read, sound))


def _read(path: FilePath, instead: Instead | None) -> tuple[Places, Draft, dict[str, Profile]]:
    places, data = _parse(path) if instead is None else _parsed(instead.name, instead.text)
    read = draft(data)
    profiles = dict(_profiles(read, path.parent))
    read.flaws.extend(cross_check(read, profiles))
    return places, read, profiles


def _parse(path: FilePath) -> tuple[Places, dict[str, Any]]:
    try:
        return _parsed(str(path), read_text(path))
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise ConfigError([Fault(str(path), None, "file", what)]) from error


def _parsed(name: str, text: str) -> tuple[Places, dict[str, Any]]:
    try:
        data = read_toml(name, text)
    except ConfigError as error:
        line = text.rstrip().count("\n") + 1  # where it breaks off
        rows = text.split("\n")
        faults = [
            replace(one, line=one.line or line, what=in_key_unit(one, rows[one.line - 1] if one.line else ""))
            for one in error.faults
        ]
        raise ConfigError(faults) from error
    return Places(name, text), data


def _profiles(read: Draft, here: FilePath) -> Iterator[tuple[str, Profile]]:
    folders = [here / folder for folder in read.profile_folders]
    for index, folder in enumerate(folders):
        if not folder.is_dir():
            read.flaws.append(Flaw(("site", "profiles", index), f"{folder} is no folder"))
    once = cache(partial(load_profile, folders=folders))  # many devices, few profiles
    for name, profile in read.said("devices", "profile"):
        path = ("devices", name, "profile")
        try:
            yield name, once(profile)
        except ConfigError as error:
            if unknown := [fault for fault in error.faults if fault.file == profile]:
                near = suggest(profile, names(folders), "quartier profiles list")
                read.flaws += [Flaw(path, f"{profile!r} is unknown; {near}") for _ in unknown]
            else:
                read.flaws.append(Flaw(path, f"{profile!r} has faults in its own file"))
                read.flaws += [Flaw(path, fault.what, fault) for fault in error.faults]


def _dependants(read: Draft, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    """What cannot work because what it stands on is faulty."""
    faulty = {owner(flaw.path, NAMED) for flaw in read.flaws}
    dead_devices = {
        name for name in read.meant("devices") if ("devices", name) in faulty or name not in profiles
    }
    for name, device in read.devices.items():
        if device.bus in read.meant("buses") and (
            device.bus not in read.buses or ("buses", device.bus) in faulty
        ):
            dead_devices.add(name)
            yield Flaw(("devices", name, "bus"), f"{device.bus!r} is disabled by a fault of its own")
    for name, share in read.shares.items():
        if ("buses", share.bus) in faulty:
            yield Flaw(("shares", name, "bus"), f"{share.bus!r} is disabled by a fault of its own")
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
                    yield Flaw((table, name, key), f"{device_name!r} is disabled by a fault of its own")


def _site(read: Draft) -> Site:
    fixed = {key: read.fixed[key] for key in FIXED if key in read.fixed}
    named = {table: getattr(read, table) for table in NAMED}
    return Site(**named, **fixed)


def _warnings(places: Places, read: Draft, profiles: Mapping[str, Profile]) -> tuple[Fault, ...]:
    link = read.fixed.get("district_link")
    flaws = [
        *_idle(read),
        *(warnings_about(link) if link else ()),
        *warnings_about_keys(read.devices),
        *warnings_about_buses(read.buses),
        *warnings_about_fallbacks(read.assets, profiles),
        *warnings_about_nodes(read),
        *warnings_about_shares(read.shares),
        *warnings_about_values(read),
    ]
    return tuple(_faults(places, flaws))


def _idle(read: Draft) -> Iterator[Flaw]:
    """Devices that nothing was said about."""
    used = {
        getattr(entry, key, None)
        for table in (read.assets, read.contacts, read.supplies, read.nodes)
        for entry in table.values()
        for key in ("device", "switch_device")
    }
    for name in read.devices:
        if name not in used:
            yield Flaw(("devices", name), "belongs to no asset, contact, supply or node, so it is not read")


def _faults(places: Places, flaws: Sequence[Flaw]) -> list[Fault]:
    faults = [flaw.elsewhere or _fault(places, flaw) for flaw in flaws]
    here = places.file
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.file != here, fault.file, fault.line or 0))


def _fault(places: Places, flaw: Flaw) -> Fault:
    line = places.line(flaw.against) if flaw.against else None
    fault = places.fault(flaw.path, flaw.what if line is None else f"{flaw.what} (line {line})")
    return replace(fault, line=fault.line or 1)
