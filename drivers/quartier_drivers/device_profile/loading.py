"""Loads device profiles: TOML data that says what a device serves, checked with all faults at once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from quartier_drivers import registry
from quartier_drivers.device_profile.profile_check import SCAN_PERIODS_S, Profile, ProfileCheck
from quartier_drivers.device_profile.register_profile import (
    RegisterProfile,
    RegisterProfileCheck,
    require_register_profile,
)
from quartier_drivers.device_profile.schema import Point
from quartier_drivers.device_profile.toml_files import TomlPlaces, read_text, read_toml, suggest_key
from quartier_drivers.errors import ConfigError, Fault

Certainty = Literal["sure", "likely", "possible"]
CERTAINTIES: tuple[Certainty, ...] = ("sure", "likely", "possible")


@dataclass(frozen=True, slots=True)
class ProfileMatch:
    """A profile that may fit.  ``why`` lists the marks that fit, and those without an answer.

    ``serial`` is the device's number if it was read.
    """

    profile: str
    sure: Certainty
    why: str
    fits_count: int = 0
    serial: str = ""


def rank_matches(guesses: Iterable[ProfileMatch]) -> list[ProfileMatch]:
    """Return the surest first; if several are sure, all of them become likely."""
    found = sorted(guesses, key=lambda one: (CERTAINTIES.index(one.sure), -one.fits_count, one.profile))
    if sum(one.sure == "sure" for one in found) < 2:
        return found
    return [
        replace(one, sure="likely", why=f"{one.why}; another profile fits as well")
        if one.sure == "sure"
        else one
        for one in found
    ]


__all__ = [
    "BUILT_IN_FOLDER",
    "SCAN_PERIODS_S",
    "Point",
    "Profile",
    "ProfileCheck",
    "RegisterProfile",
    "find_profile_file",
    "list_profiles",
    "load_profile",
    "parse_profile",
    "require_register_profile",
]
BUILT_IN_FOLDER = Path(__file__).parent.parent / "profiles"


def list_profiles(folders: Sequence[Path] = ()) -> list[str]:
    """Return all profiles as ``maker/model``, sorted; ``folders`` are the site's own."""
    return sorted(
        {
            f"{file.parent.name}/{file.stem}"
            for folder in (*folders, BUILT_IN_FOLDER)
            for file in folder.glob("*/*.toml")
        }
    )


def load_profile(name: str, folders: Sequence[Path] = ()) -> Profile:
    """Load ``maker/model`` from the site's ``folders``, else from the built-in ones.

    Raises ConfigError with all faults of the file, or if there is no such profile.
    """
    return _read_profile(name, find_profile_file(name, folders))


def find_profile_file(name: str, folders: Sequence[Path] = ()) -> Path:
    """Return the file that ``load_profile`` reads.  Raises ConfigError if there is no such profile."""
    for folder in (*folders, BUILT_IN_FOLDER):
        file = folder / f"{name}.toml"
        if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and file.is_file():
            return file
    raise ConfigError(
        [Fault(name, None, "profile", f"is unknown; {suggest_key(name, list_profiles(folders))}")]
    )


def load_profile_file(file: Path) -> Profile:
    """Load a profile from any file; its folder and its file name it.  Raises ConfigError with all faults."""
    return _read_profile(f"{file.absolute().parent.name}/{file.stem}", file)


def _read_profile(name: str, file: Path) -> Profile:
    try:
        return parse_profile(read_text(file), name, str(file))
    except OSError as error:
        raise ConfigError([Fault(str(file), None, "file", f"cannot be read: {error.strerror}")]) from error


def parse_profile(text: str, name: str, file: str) -> Profile:
    """Check the text of a profile; ``file`` is for the faults.  Raises ConfigError with all faults."""
    data = read_toml(file, text)
    check = _find_check(data)(TomlPlaces(file, text))
    profile = check.profile(name, data)
    if check.faults or profile is None:
        raise ConfigError(sorted(check.faults, key=lambda fault: fault.line or 0))
    return profile


def _find_check(data: Mapping[str, Any]) -> type[ProfileCheck]:
    """Return the check of the protocol; that of registers where the head names none."""
    head = data.get("profile")
    protocol = head.get("protocol") if isinstance(head, dict) else None
    if isinstance(protocol, str) and protocol in registry.PROTOCOLS:
        return registry.load_protocol(protocol).load_profile_check()
    return RegisterProfileCheck
