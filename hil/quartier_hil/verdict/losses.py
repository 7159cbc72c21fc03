"""Collect the losses that the gateway reported, by code and subject, with their times (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

Key = tuple[str, str]
"""A loss: the code of its alarm and the name of its subject."""
BY_BUS = "device.silent"
"""Code of a silent device that only its bus reports, where control has no row of its own."""


@dataclass
class Losses:
    """Each loss reported, as (from, until, key) in seconds of the site's clock; inf: not over."""

    ended: list[tuple[float, float, Key]] = field(default_factory=list)
    standing: dict[Key, float] = field(default_factory=dict)

    def look(self, now_s: float, told: Mapping[Key, float]) -> None:
        """Record the losses reported now, each with its age in s."""
        for key in self.standing.keys() - told.keys():
            self.ended.append((self.standing.pop(key), now_s, key))
        for key in told.keys() - self.standing.keys():
            self.standing[key] = now_s - told[key]

    @property
    def spans(self) -> tuple[tuple[float, float, Key], ...]:
        """All losses, in order of time."""
        return tuple(sorted([*self.ended, *((at_s, inf, key) for key, at_s in self.standing.items())]))


def told(view: Mapping[str, Any], utc_ms: int = 0) -> dict[Key, float]:
    """Return the losses in the view of a cycle, each with its age in s (0 where the daemon states none)."""
    found: dict[Key, float] = {}
    for row in view.get("losses", ()):
        key = f"loss.{row['name'].replace('-', '_')}", str(row["of"])
        found[key] = max(0.0, (utc_ms - row.get("since_utc_ms", utc_ms)) / 1e3)
    lost = (name for name, one in view.get("contacts", {}).items() if one["why"] == "cannot be read")
    silent = (node["name"] for node in view.get("nodes", ()) if node["basis"] == "silent")
    found |= {("contact.unread", name): 0.0 for name in lost}
    return found | {("node.meter_silent", name): 0.0 for name in silent if name != "grid"}


def by_bus(status: Mapping[str, Any]) -> dict[Key, float]:
    """Return the devices that their buses report as silent."""
    return {(BY_BUS, name): 0.0 for name in _silent(status)}


def _silent(status: Mapping[str, Any]) -> Iterator[str]:
    for bus in status.get("buses", ()):
        yield from (device["name"] for device in bus["devices"] if device["state"] == "silent")
