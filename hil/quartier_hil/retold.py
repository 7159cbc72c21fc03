"""Read the daemon's history of a run by its own command, in the site's time zone."""

import datetime as dt
import json
from typing import Any

from quartier_hil import span
from quartier_hil.scenario import Scenario
from quartier_hil.stage.daemon import Daemon
from quartier_hil.verdict import stored as shelf
from quartier_hil.verdict.stored import Rows, Stored


async def stored(daemon: Daemon, scenario: Scenario) -> Stored | None:
    """Return 15 min values and samples for the checks; None if no check needs any, or there are none."""
    points = shelf.points(scenario)
    if not points:
        return None
    quarters = await _rows(daemon, scenario, points, "--every", shelf.EVERY)
    samples = await _rows(daemon, scenario, points)
    return None if quarters is None or samples is None else Stored(quarters, samples)


async def everything(daemon: Daemon, begin_s: float, end_s: float) -> list[dict[str, Any]] | None:
    """Each sample between two Unix times that the daemon itself has stored; None when it gives none."""
    start, end = (dt.datetime.fromtimestamp(at_s, dt.UTC).isoformat() for at_s in (begin_s, end_s))
    words = ["--config", str(daemon.site_file), "--from", start, "--to", end, "--format", "jsonl"]
    code, text = await daemon.command("history", *words)
    if code:
        return None
    rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    # Events stay in the site until they have a topic; all the rest goes to the district.
    return [row for row in rows if not row["point"].startswith("event.")]


async def _rows(daemon: Daemon, scenario: Scenario, points: tuple[str, ...], *more: str) -> Rows | None:
    begin, end = span.of(scenario).asked
    words = ["--config", str(daemon.site_file), "--from", begin, "--to", end, "--format", "csv", *more]
    code, text = await daemon.command("history", "--points", *points, *words, zone=span.ZONE.key)
    return None if code else shelf.rows(text.splitlines())
