"""Finds what to review in a profile that loads: ranges, overlaps, sources, fallbacks.  Pure."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from quartier_drivers import quantities, registry
from quartier_drivers.device_profile.loading import parse_profile
from quartier_drivers.device_profile.profile_check import Finding, Profile
from quartier_drivers.device_profile.toml_files import TomlPlaces
from quartier_drivers.errors import Fault

if TYPE_CHECKING:
    from quartier_drivers.device_profile.schema import Limits

_SOURCE_LENGTH_MIN = 20
_SUGGESTIONS_MAX = 20  # each takes about a millisecond, and a profile may have thousands of points
_NO_FALLBACK_TEXT = (
    "has no fallback: name what the device does when nobody writes ([….write.fallback]), or say in "
    "limits.no_fallback why there is none"
)
_PROFILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*")


def find_findings(text: str, name: str, file: str) -> list[Fault]:
    """Return what to review in the text of a profile, ordered by line; ``file`` names the file in the faults.

    Raises ConfigError with all faults if the profile cannot be loaded.
    """
    profile = parse_profile(text, name, file)
    places = TomlPlaces(file, text)
    found = [places.fault(path, what) for path, what in find_profile_findings(profile)]
    return sorted(found, key=lambda fault: fault.line or 0)


def find_profile_findings(profile: Profile) -> list[Finding]:
    """Return what to review in a loaded profile."""
    return list(_find_all(profile))


def _find_all(profile: Profile) -> Iterator[Finding]:
    yield from _check_head(profile)
    yield from _check_quantities(profile)
    yield from _check_fallbacks(profile)
    yield from registry.load_protocol(profile.protocol).find_findings(profile)


def _check_head(profile: Profile) -> Iterator[Finding]:
    if len(profile.head.source) < _SOURCE_LENGTH_MIN:
        yield ("profile", "source"), "is no source; name the manual, its revision and the table or page"
    if not _PROFILE_NAME.fullmatch(profile.name):
        yield (
            ("profile", "model"),
            f"is in {profile.name}.toml; write folder and file in lower case: <maker>/<model>.toml",
        )


def _check_quantities(profile: Profile) -> Iterator[Finding]:
    """Find quantities that the vocabulary does not have; the first ones with a suggestion."""
    unknown = (row for row in profile.list_points() if not quantities.is_known(row[1]))
    for count, (path, quantity, _) in enumerate(unknown):
        near = quantities.suggest(quantity) if count < _SUGGESTIONS_MAX else None
        meant = f"did you mean {near!r}? " if near else ""
        own = f"begin a name of your own with '{quantities.PRIVATE_PREFIX}'"
        yield path, f"is no known quantity; {meant}'quartier profiles quantities' lists all; {own}"


def _check_fallbacks(profile: Profile) -> Iterator[Finding]:
    limits: Limits | None = getattr(profile, "limits", None)
    if limits is None or limits.no_fallback is not None:
        return
    for path, _, point in profile.list_points():
        if point.writable and point.fallback is None:
            yield (*path, "write"), _NO_FALLBACK_TEXT
