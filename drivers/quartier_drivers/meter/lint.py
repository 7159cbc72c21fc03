"""Finds what to review in a profile of a meter: power without a direction.  Pure."""

import re
from collections.abc import Iterator
from typing import Any

from quartier_drivers.device_profile.profile_check import Finding, Profile
from quartier_drivers.device_profile.toml_positions import KeyPath
from quartier_drivers.points import POWER_QUANTITIES

# OBIS C of the sum and the phases: absolute active power, and active power that is imported.
_ABSOLUTE_POWER = re.compile(r"(?:^|:)(?:15|35|55|75)\.7\b")
_IMPORT_POWER = re.compile(r"(?:^|:)(?:1|21|41|61)\.7\.0\b")
_NO_DIRECTION = (
    "which has no direction; expected 1-0:16.7.0, which SML's decoder makes of it where the meter states one"
)


def find_findings(profile: Profile) -> Iterator[Finding]:
    """Yield what to review."""
    for path, quantity, point in profile.list_points():
        yield from _check_direction(path, quantity, point)


def _check_direction(path: KeyPath, quantity: str, one: Any) -> Iterator[Finding]:
    """Find power of the connection that comes from a group without a direction."""
    if quantity not in POWER_QUANTITIES:
        return
    for label in (label for labels in one.group for label in labels):
        if _ABSOLUTE_POWER.search(label):
            yield (*path, "group"), f"{label} is absolute power, {_NO_DIRECTION}"
        elif _IMPORT_POWER.search(label) and not one.minus:
            what = f'is missing: {label} is import alone; name the export, or "" where it has a sign'
            yield (*path, "minus"), what
