"""How often the connection meter is asked for frequency and voltage, which the grid's events need (pure)."""

from dataclasses import replace

from quartier.config.load import Loaded
from quartier_drivers.profile import Profile

ASKED = frozenset({"modbus", "opcua", "sunspec"})
"""Protocols whose devices are asked; a meter that speaks by itself keeps its own pace."""
FREQUENCY, VOLTAGES = "frequency_hz", frozenset({"voltage_l1_v", "voltage_l2_v", "voltage_l3_v"})
VOLTAGE_S = 1.0


def asked(loaded: Loaded, device: str) -> Profile:
    """The profile of a device as it is asked: that of the connection meter as events need it."""
    _, grid = loaded.site.grid()
    profile = loaded.profiles[device]
    return paced(profile, grid.part, grid.frequency_period_s) if grid.device == device else profile


def frequency_s(loaded: Loaded) -> float | None:
    """How often the connection meter says its frequency, in s; None where it does not."""
    _, grid = loaded.site.grid()
    profile = asked(loaded, grid.device)
    point = profile.parts.get(grid.part, {}).get(FREQUENCY)
    return None if point is None else profile.scan[point.scan]


def paced(profile: Profile, part: str, frequency_s: float) -> Profile:
    """The profile with ``part``'s frequency read every ``frequency_s`` and its voltages every second.

    What the profile reads sooner already stays.
    """
    points = profile.parts.get(part)
    if profile.protocol not in ASKED or points is None:
        return profile
    wanted = {FREQUENCY: frequency_s, **dict.fromkeys(VOLTAGES, VOLTAGE_S)}
    scan, changed = dict(profile.scan), dict(points)
    for quantity, period_s in wanted.items():
        if quantity in points and profile.scan[points[quantity].scan] > period_s:
            name = next((n for n, each_s in scan.items() if each_s == period_s), f"every {period_s:g} s")
            scan[name] = period_s
            changed[quantity] = points[quantity].model_copy(update={"scan": name})
    if changed == points:
        return profile
    return replace(profile, scan=scan, parts={**profile.parts, part: changed})
