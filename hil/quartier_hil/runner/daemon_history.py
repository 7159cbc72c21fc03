"""Read the history and the write ledger of the daemon by its own commands."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from quartier_hil.checks import run_record
from quartier_hil.checks.run_record import HistoryRows, StoredHistory
from quartier_hil.processes.daemon_process import DaemonProcess
from quartier_hil.scenario import preparation
from quartier_hil.scenario.scenario_file import Scenario


async def read_stored_history(daemon: DaemonProcess, scenario: Scenario) -> StoredHistory | None:
    """Return 15 min values and samples for the checks; None if no check needs any, or there are none."""
    points = run_record.list_stored_points(scenario)
    if not points:
        return None
    quarters = await _read_rows(daemon, scenario, points, "--every", run_record.HISTORY_INTERVAL)
    samples = await _read_rows(daemon, scenario, points)
    return None if quarters is None or samples is None else StoredHistory(quarters, samples)


async def read_all_samples(
    daemon: DaemonProcess, begin_s: float, end_s: float
) -> list[dict[str, Any]] | None:
    """Each sample between two Unix times that the daemon itself has stored; None when it gives none."""
    start, end = (dt.datetime.fromtimestamp(at_s, dt.UTC).isoformat() for at_s in (begin_s, end_s))
    words = ["--config", str(daemon.site_file), "--from", start, "--to", end, "--format", "jsonl"]
    code, text = await daemon.command("history", *words)
    if code:
        return None
    rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    # Events stay in the site until they have a topic; all the rest goes to the district.
    return [row for row in rows if not row["point"].startswith("event.")]


async def _read_rows(
    daemon: DaemonProcess, scenario: Scenario, points: tuple[str, ...], *more: str
) -> HistoryRows | None:
    begin, end = preparation.make_quarter_span(scenario).local_times
    words = ["--config", str(daemon.site_file), "--from", begin, "--to", end, "--format", "csv", *more]
    code, text = await daemon.command("history", "--points", *points, *words, zone=preparation.SITE_ZONE.key)
    return None if code else run_record.parse_history(text.splitlines())


class CommandRunner(Protocol):
    """Object that runs commands of ``quartier`` (``stage.daemon``)."""

    async def command(self, *words: str) -> tuple[int, str]:
        """Exit code and what was printed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteLedgerRow:
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


async def read_write_ledger(
    daemon: CommandRunner, site_file: str, assets: Iterable[str], start_unix_s: float
) -> list[WriteLedgerRow]:
    """Return every row of these assets in order of time; none for an asset without rows."""
    found = []
    for asset in assets:
        code, text = await daemon.command("why", asset, "--config", site_file, "--all", "--json")
        if code == 0:
            found += [_parse_ledger_row(data, start_unix_s) for data in _parse_value(text)]
    return sorted(found, key=lambda row: row.at_s)


def _parse_value(text: str) -> list[Mapping[str, Any]]:
    try:
        return list(json.loads(text)["rows"])
    except (ValueError, KeyError, TypeError):
        return []


def _parse_ledger_row(data: Mapping[str, Any], start_unix_s: float) -> WriteLedgerRow:
    return WriteLedgerRow(
        at_s=data["utc_ms"] / 1e3 - start_unix_s,
        last_s=data["last_ms"] / 1e3 - start_unix_s,
        **{key: data[key] for key in ("point", "before", "value", "shown", "why", "outcome", "end", "count")},
        who=data["who_words"],
    )
