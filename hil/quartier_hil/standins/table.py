"""Table of the served devices with their addresses, and of those not served (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from quartier_hil.standins import cast
from quartier_hil.standins.played import Absent
from quartier_hil.standins.wires import Row

_HEAD = ("BUS", "PROTOCOL", "ADDRESS", "UNIT", "DEVICE", "PROFILE", "SHOWS")


def table(rows: Sequence[Row], absent: Sequence[Absent]) -> str:
    """For people."""
    cells = [_HEAD, *(_cells(row) for row in rows)]
    text = "\n".join(_columns(cells))
    if absent:
        text += f"\n\nnot served, and silent ({len(absent)}):\n" + "\n".join(_told(one) for one in absent)
    return text


def as_json(rows: Sequence[Row], absent: Sequence[Absent], folder: Path) -> dict[str, Any]:
    """For machines."""
    return {
        "served": [row.as_json() for row in rows],
        "not_served": [asdict(one) for one in absent],
        "folder": str(folder.absolute()),
        "site": str((folder / "site.toml").absolute()),
        "control": str((folder / "control").absolute()),
    }


def profiles() -> str:
    """Return every profile with its simulated device, as text."""
    whole = {**cast.DEVICES, **cast.METERS}
    return "\n".join(_columns([(name, whole[name].words) for name in cast.known()]))


def _cells(row: Row) -> tuple[str, ...]:
    shows = ", ".join(row.serves) or "-"
    return (row.bus, row.protocol, row.address, str(row.unit), row.device, row.profile, shows)


def _columns(cells: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()


def _told(one: Absent) -> str:
    return f"  {one.key}: {one.why}; next: {one.step}"
