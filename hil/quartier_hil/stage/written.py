"""The gateway's own write ledger of a run, as its command ``quartier why`` prints it for each asset."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Asked(Protocol):
    """Object that runs commands of ``quartier`` (``stage.daemon``)."""

    async def command(self, *words: str) -> tuple[int, str]:
        """Exit code and what was printed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One order as the gateway wrote it down; times are seconds of the scenario by the gateway's wall clock.

    ``value`` None: the point was given back; ``before`` what it showed then, ``shown`` what was read back.
    """

    at_s: float
    last_s: float
    point: str
    before: float | None
    value: float | None
    shown: float | None
    who: str
    why: str
    outcome: str
    end: str
    count: int


async def rows(daemon: Asked, site_file: str, assets: Iterable[str], start_unix_s: float) -> list[Row]:
    """Return every row of these assets in order of time; none for an asset without rows."""
    found = []
    for asset in assets:
        code, text = await daemon.command("why", asset, "--config", site_file, "--all", "--json")
        if code == 0:
            found += [_row(data, start_unix_s) for data in _told(text)]
    return sorted(found, key=lambda row: row.at_s)


def _told(text: str) -> list[Mapping[str, Any]]:
    try:
        return list(json.loads(text)["rows"])
    except (ValueError, KeyError, TypeError):
        return []


def _row(data: Mapping[str, Any], start_unix_s: float) -> Row:
    return Row(
        at_s=data["utc_ms"] / 1e3 - start_unix_s,
        last_s=data["last_ms"] / 1e3 - start_unix_s,
        **{key: data[key] for key in ("point", "before", "value", "shown", "why", "outcome", "end", "count")},
        who=data["who_words"],
    )
