"""Writes a run's report folder: run.json, samples.csv, orders.csv, index.html.

Over wires also ledger.csv, and readings.csv where a device is real: every reading of it with its source.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from quartier_hil.report.page import page
from quartier_hil.rig.readings import Row as Reading
from quartier_hil.run import ZONE, Run
from quartier_hil.scenario import Scenario
from quartier_hil.stage.written import Row
from quartier_hil.verdict.checks import Verdict, counted
from quartier_hil.verdict.course import Course
from quartier_hil.verdict.ordered import Ledger
from quartier_hil.verdict.promise import Cap

# A day at one row a second would be 15 MB of text; rows beyond this become means over equal bins.
ROWS_MAX_COUNT = 20_000


@dataclass(frozen=True, kw_only=True)
class Account:
    """Data of a run for its files; ``facts``: conditions of the run, ``more``: entries of run.json alone."""

    scenario: Scenario
    course: Course
    start_unix_s: float
    caps: Sequence[Cap]
    modes: Sequence[tuple[float, str]]
    ledger: Ledger
    facts: Mapping[str, str]
    written: Sequence[Row] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


def write(
    run: Run, verdicts: Sequence[Verdict], figures: Mapping[str, float], folder: Path, further: str = ""
) -> Path:
    """Write the report of a run over wires into ``folder``; returns the page, which ends with ``further``."""
    start_unix_s = run.clock.origin_s + run.clock.offset_s + run.zero_s
    account = Account(
        scenario=run.scenario,
        course=run.course,
        start_unix_s=start_unix_s,
        caps=run.caps,
        modes=run.modes,
        ledger=run.ledger,
        written=run.own_ledger,
        facts={
            "records": run.options.series.origin,
            "clock": f"{run.scenario.rate:g} s of the house in a real second, steps of {run.step_s:g} s",
            "real time": f"{run.real_s:.0f} s",
            "broker": run.broker.kind,
            "daemon": f"started {counted(run.daemon.starts_count, 'time')}, last exit code {run.exit_code}",
            "wires": run.wiring.words,
            **({} if run.metal is None else run.metal.facts),
        },
        more={
            "real_s": run.real_s,
            "records": run.options.series.origin,
            "broker": run.broker.kind,
            "releases": [asdict(release) for release in run.releases],
            "district": run.peer.figures,
            "status": run.last_status,
            "exit_code": run.exit_code,
            **({} if run.metal is None else {"real": run.metal.account}),
        },
    )
    if run.metal is not None:
        zero_unix_s = run.clock.origin_s + run.zero_s
        _readings(run.metal.readings.rows, zero_unix_s, folder / "readings.csv")
    return leave(account, verdicts, figures, folder, further)


def leave(
    account: Account,
    verdicts: Sequence[Verdict],
    figures: Mapping[str, float],
    folder: Path,
    further: str = "",
) -> Path:
    """Write run.json, samples.csv, orders.csv and the page into ``folder``; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    _json(account, verdicts, figures, folder / "run.json")
    _csv(account, folder / "samples.csv")
    _orders(account, folder / "orders.csv")
    if account.written:
        _ledger(account, folder / "ledger.csv")
    path = folder / "index.html"
    path.write_text(
        page(
            title=account.scenario.title,
            story=account.scenario.story,
            verdicts=verdicts,
            figures=tiles(figures),
            facts={**account.facts, "promises": _promises(account.caps)},
            course=account.course,
            ledger=account.ledger,
            written=account.written,
            start_unix_s=account.start_unix_s,
            time_zone=ZONE,
            more=further,
        ),
        encoding="utf-8",
    )
    return path


def _promises(caps: Sequence[Cap]) -> str:
    return "; ".join(f"from {cap.from_s:g} s import {cap.import_w / 1e3:g} kW ({cap.whose})" for cap in caps)


def tiles(figures: Mapping[str, float]) -> list[tuple[str, str]]:
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
        ("writes on the wires", "writes_count", "{:.0f}", 1.0),
        ("switchings", "switchings_count", "{:.0f}", 1.0),
        ("samples at the district", "samples_count", "{:.0f}", 1.0),
        ("cycle p99.9 late", "late_p999_s", "{:.3g} s", 1.0),
        ("cycles skipped", "skipped_count", "{:.0f}", 1.0),
        ("memory of the daemon", "memory_max_mb", "{:.0f} MB", 1.0),
    )
    found = [
        (label, form.format(figures[key] * factor)) for label, key, form, factor in shown if key in figures
    ]
    return found + list(_by_period(figures))


def _by_period(figures: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Yield what each period of the supply contract drew and cost, in the order in which they came."""
    for name, value in figures.items():
        period = name.removeprefix("import_").removesuffix("_wh")
        cost_eur = figures.get(f"cost_{period}_eur")
        if cost_eur is not None and name == f"import_{period}_wh":
            yield period.replace("_", " "), f"{value / 1e3:.2f} kWh, {cost_eur:.2f} EUR"


def _json(account: Account, verdicts: Sequence[Verdict], figures: Mapping[str, float], path: Path) -> None:
    content: dict[str, Any] = {
        "title": account.scenario.title,
        "scenario": account.scenario.model_dump(mode="json"),
        "start_unix_s": account.start_unix_s,
        "verdicts": [verdict.row for verdict in verdicts],
        "figures": dict(figures),
        "promises": [asdict(cap) for cap in account.caps],
        "modes": account.modes,
        "events": [asdict(mark) for mark in account.course.marks],
        **account.more,
    }
    path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def _csv(account: Account, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["unix_s", "since_start_s", *account.course.columns])
        for at_s, values in account.course.rows(ROWS_MAX_COUNT):
            unix_s = f"{account.start_unix_s + at_s:.2f}"
            table.writerow([unix_s, f"{at_s:g}", *(f"{value:.6g}" for value in values)])


def _orders(account: Account, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["since_start_s", "point", "value", "reason", "count", "last_s"])
        for row in account.ledger.rows:
            table.writerow(
                [f"{row.at_s:g}", row.point, f"{row.value:g}", row.reason, row.count, f"{row.last_s:g}"]
            )


def _readings(rows: Sequence[Reading], zero_unix_s: float, path: Path) -> None:
    """Every real reading, by the machine's own clock: the site's may be on another day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["real_unix_s", "since_start_s", "point", "value", "source", "why"])
        for row in rows:
            value = "" if row.value is None else f"{row.value:.6g}"
            since_s = f"{row.unix_s - zero_unix_s:.2f}"
            table.writerow([f"{row.unix_s:.3f}", since_s, row.point, value, row.source, row.why])


def _ledger(account: Account, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        names = [one.name for one in fields(Row)]
        table.writerow(names)
        table.writerows([getattr(row, name) for name in names] for row in account.written)
