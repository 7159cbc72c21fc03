"""Writes a run's report folder: run.json, samples.csv, orders.csv, index.html.

Over wires also ledger.csv, and readings.csv where a device is real: every reading of it with its source.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from quartier_hil.checks.promised_values import PromisedLimit
from quartier_hil.checks.run_record import OrderLedger, RunRecord
from quartier_hil.checks.verdicts import Verdict, format_count
from quartier_hil.real_devices.readings import ReadingRow as Reading
from quartier_hil.report.html_page import render_page
from quartier_hil.runner.daemon_history import WriteLedgerRow
from quartier_hil.runner.run import LOOK_REAL_S, Run
from quartier_hil.scenario.plant_assets import ZONE_NAME
from quartier_hil.scenario.scenario_file import Scenario

# A day at one row a second would be 15 MB of text; rows beyond this become means over equal bins.
ROWS_MAX_COUNT = 20_000
EVERY_ORDER_NOTE = (
    "Each order of the control cycle and why: a row for each change of value or reason; the last column "
    "counts the orders of a row."
)


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """Data of a run for its files; ``facts``: conditions of the run, ``more``: entries of run.json alone."""

    scenario: Scenario
    record: RunRecord
    start_unix_s: float
    caps: Sequence[PromisedLimit]
    modes: Sequence[tuple[float, str]]
    ledger: OrderLedger
    orders_note: str = EVERY_ORDER_NOTE
    facts: Mapping[str, str]
    written: Sequence[WriteLedgerRow] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


def write_run_report(
    run: Run, verdicts: Sequence[Verdict], figures: Mapping[str, float], folder: Path, further: str = ""
) -> Path:
    """Write the report of a run over wires into ``folder``; returns the page, which ends with ``further``."""
    start_unix_s = run.clock.origin_s + run.clock.offset_s + run.zero_s
    account = ReportData(
        scenario=run.scenario,
        record=run.record,
        start_unix_s=start_unix_s,
        caps=run.caps,
        modes=run.modes,
        ledger=run.ledger,
        orders_note=describe_seen_orders(LOOK_REAL_S * run.scenario.rate),
        written=run.own_ledger,
        facts={
            "records": run.options.series.origin,
            "clock": f"{run.scenario.rate:g} s of the house in a real second, steps of {run.step_s:g} s",
            "real time": f"{run.real_s:.0f} s",
            "broker": run.broker.kind,
            "daemon": f"started {format_count(run.daemon.starts_count, 'time')}, "
            f"last exit code {run.exit_code}",
            "wires": ", ".join(filter(None, (run.wiring.words, run.smart_meters.words))),
            "writes by device": _format_writes(run.wiring.writes_by_device),
            **({} if run.real_devices is None else run.real_devices.facts),
        },
        more={
            "real_s": run.real_s,
            "records": run.options.series.origin,
            "broker": run.broker.kind,
            "releases": [asdict(release) for release in run.releases],
            "district": run.peer.figures,
            "status": run.last_status,
            "exit_code": run.exit_code,
            **({} if run.real_devices is None else {"real": run.real_devices.account}),
        },
    )
    if run.real_devices is not None:
        zero_unix_s = run.clock.origin_s + run.zero_s
        _write_readings(run.real_devices.readings.rows, zero_unix_s, folder / "readings.csv")
    return write_report(account, verdicts, figures, folder, further)


def _format_writes(counts: Mapping[str, int]) -> str:
    """Describe the writes that each device took."""
    listed = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    return f"{listed or 'none'}; an order can take several: its value, its timer, what enables it"


def describe_seen_orders(look_s: float) -> str:
    """Describe what the table of orders holds if the daemon's status is read every ``look_s`` of the site."""
    return (
        f"The last order of each output and why, as the daemon's status showed it every {look_s:g} s: a row "
        "for each change of value or reason seen; the last column counts the looks that saw a new order. "
        "An order that another one replaced between two looks is not here: samples.csv has the value in each "
        "device at every step, and the gateway's own ledger counts every order."
    )


def write_report(
    account: ReportData,
    verdicts: Sequence[Verdict],
    figures: Mapping[str, float],
    folder: Path,
    further: str = "",
) -> Path:
    """Write run.json, samples.csv, orders.csv and the page into ``folder``; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(account, verdicts, figures, folder / "run.json")
    _write_samples(account, folder / "samples.csv")
    _write_orders(account, folder / "orders.csv")
    if account.written:
        _write_ledger(account, folder / "ledger.csv")
    path = folder / "index.html"
    path.write_text(
        render_page(
            title=account.scenario.title,
            story=account.scenario.story,
            verdicts=verdicts,
            figures=format_figures(figures),
            facts={**account.facts, "promises": _list_promised_limits(account.caps)},
            record=account.record,
            ledger=account.ledger,
            orders_note=account.orders_note,
            written=account.written,
            start_unix_s=account.start_unix_s,
            time_zone=ZONE_NAME,
            more=further,
        ),
        encoding="utf-8",
    )
    return path


def _list_promised_limits(caps: Sequence[PromisedLimit]) -> str:
    return "; ".join(f"from {cap.from_s:g} s import {cap.import_w / 1e3:g} kW ({cap.whose})" for cap in caps)


def format_figures(figures: Mapping[str, float]) -> list[tuple[str, str]]:
    """The figures in people's words."""
    shown = (
        ("imported", "import_wh", "{:.2f} kWh", 1e-3),
        ("exported", "export_wh", "{:.2f} kWh", 1e-3),
        ("generated", "generated_wh", "{:.2f} kWh", 1e-3),
        ("consumed", "consumed_wh", "{:.2f} kWh", 1e-3),
        ("cost, import less feed-in", "cost_eur", "{:.2f} EUR", 1.0),
        ("the same day without a plan", "unplanned_eur", "{:.2f} EUR", 1.0),
        ("highest mean import of an hour, with the plan", "hour_max_w", "{:.2f} kW", 1e-3),
        ("highest mean import of an hour, without", "unplanned_hour_max_w", "{:.2f} kW", 1e-3),
        ("saved by the plan, what is stored counted", "saved_eur", "{:.2f} EUR", 1.0),
        ("plans made", "plans_count", "{:.0f}", 1.0),
        ("self-consumption", "self_consumption_pct", "{:.0f} %", 1.0),
        ("self-sufficiency", "self_sufficiency_pct", "{:.0f} %", 1.0),
        ("highest import of one step", "import_max_w", "{:.2f} kW", 1e-3),
        ("over the import cap, reaction included", "over_cap_s", "{:.0f} s", 1.0),
        ("command after a tightening", "tighten_command_s", "{:.1f} s", 1.0),
        ("inside after a tightening", "tighten_inside_s", "{:.1f} s", 1.0),
        ("writes that the devices took", "writes_count", "{:.0f}", 1.0),
        ("switchings", "switchings_count", "{:.0f}", 1.0),
        ("samples at the district", "samples_count", "{:.0f}", 1.0),
        ("cycle p99.9 late", "late_p999_s", "{:.3g} s", 1.0),
        ("cycles skipped", "skipped_count", "{:.0f}", 1.0),
        ("memory of the daemon", "memory_max_mb", "{:.0f} MB", 1.0),
    )
    found = [
        (label, form.format(figures[key] * factor)) for label, key, form, factor in shown if key in figures
    ]
    return found + list(_list_period_figures(figures))


def _list_period_figures(figures: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Yield what each period of the supply contract drew and cost, in the order in which they came."""
    for name, value in figures.items():
        period = name.removeprefix("import_").removesuffix("_wh")
        cost_eur = figures.get(f"cost_{period}_eur")
        if cost_eur is not None and name == f"import_{period}_wh":
            yield period.replace("_", " "), f"{value / 1e3:.2f} kWh, {cost_eur:.2f} EUR"


def _write_json(
    account: ReportData, verdicts: Sequence[Verdict], figures: Mapping[str, float], path: Path
) -> None:
    content: dict[str, Any] = {
        "title": account.scenario.title,
        "scenario": account.scenario.model_dump(mode="json"),
        "start_unix_s": account.start_unix_s,
        "verdicts": [verdict.row for verdict in verdicts],
        "figures": dict(figures),
        "promises": [asdict(cap) for cap in account.caps],
        "modes": account.modes,
        "events": [asdict(mark) for mark in account.record.marks],
        **account.more,
    }
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def _write_samples(account: ReportData, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["unix_s", "since_start_s", *account.record.columns])
        for at_s, values in account.record.rows(ROWS_MAX_COUNT):
            unix_s = f"{account.start_unix_s + at_s:.2f}"
            table.writerow([unix_s, f"{at_s:g}", *(f"{value:.6g}" for value in values)])


def _write_orders(account: ReportData, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["since_start_s", "point", "value", "reason", "count", "last_s"])
        for row in account.ledger.rows:
            table.writerow(
                [f"{row.at_s:g}", row.point, f"{row.value:g}", row.reason, row.count, f"{row.last_s:g}"]
            )


def _write_readings(rows: Sequence[Reading], zero_unix_s: float, path: Path) -> None:
    """Every real reading, by the machine's own clock: the site's may be on another day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["real_unix_s", "since_start_s", "point", "value", "source", "why"])
        for row in rows:
            value = "" if row.value is None else f"{row.value:.6g}"
            since_s = f"{row.unix_s - zero_unix_s:.2f}"
            table.writerow([f"{row.unix_s:.3f}", since_s, row.point, value, row.source, row.why])


def _write_ledger(account: ReportData, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        names = [one.name for one in fields(WriteLedgerRow)]
        table.writerow(names)
        table.writerows([getattr(row, name) for name in names] for row in account.written)
