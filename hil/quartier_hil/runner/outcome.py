"""Result of a finished run: verdicts and figures, from the rig's own measurements and the daemon's data."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from quartier_hil.checks.check_builder import collect_verdicts, name_proved_rows
from quartier_hil.checks.limit_reaction import collect_reaction_figures
from quartier_hil.checks.verdicts import RunData, Verdict
from quartier_hil.processes.daemon_process import find_value
from quartier_hil.runner.run import Run

_GOOD_QUALITY = 192  # Sparkplug's quality property, after OPC


def evaluate_run(run: Run) -> list[Verdict]:
    """One verdict per check, the balance of every run first."""
    ending = RunData(
        modes=run.modes,
        releases=run.releases,
        downs=run.downs,
        crashes=run.crashes,
        series=_collect_series(run),
        told=_collect_reported_samples(run),
        district=run.peer.figures,
        missing=_count_missing_rows(run),
        backlog_count=_read_count(run.last_status, "backlog_count"),
        skipped_count=_read_count(run.last_status, "skipped_count"),
        cycles_count=_read_count(find_value(run.last_status, "cycles") or {}, "count"),
        heard=run.heard,
        memory=run.memory,
        answers=read_answers(run.peer.log),
        alarms=run.alarms.found,
        alarm_spans=run.alarms.spans,
        losses=run.losses.spans,
        stored=run.stored,
        zero_s=run.zero_s - run.advance_s,
        saving=run.saving,
        end_s=run.now_s,
    )
    verdicts = run.lateness.adjust_verdicts(collect_verdicts(run.checks, ending))
    return name_proved_rows(verdicts, run.scenario, run.caps)


def collect_figures(run: Run) -> dict[str, float]:
    """The figures by name: those of the plant, the wires, the district and the daemon."""
    found = run.kpis.table()
    found |= collect_reaction_figures(run.checks)
    if run.saving is not None:
        found |= {"unplanned_eur": run.saving.unplanned_eur, "saved_eur": run.saving.saving_eur}
    found["writes_count"] = float(run.wiring.writes_count)
    found["samples_count"] = float(run.peer.figures.get("samples_count", 0))
    found["repeats_count"] = float(run.peer.figures.get("repeats_count", 0))
    found["memory_max_mb"] = run.memory_max_mb
    for key in ("skipped_count", "late_p999_s", "late_max_s"):
        value = find_value(run.last_status, key)
        if isinstance(value, int | float):
            found[key] = float(value)
    return found


def _read_count(status: Mapping[str, Any], key: str) -> int | None:
    value = find_value(status, key)
    return int(value) if isinstance(value, int | float) else None


def _read_log(log: Path) -> Iterator[dict[str, Any]]:
    """Each line of the district's log."""
    if not log.exists():
        return
    with log.open(encoding="utf-8") as lines:
        for text in lines:
            try:
                yield json.loads(text)
            except ValueError:
                continue  # the last line of a district that was killed


def read_samples(log: Path) -> Iterator[tuple[str, int, int]]:
    """Point, UTC milliseconds and quality of every sample in the district's log."""
    for line in _read_log(log):
        if "first" not in line:
            continue
        stream = line["stream"]
        for name, at_ms, _value, quality in line["metrics"]:
            yield name if stream == "node" else f"{stream}.{name}", at_ms, quality


def read_answers(log: Path) -> list[tuple[str, str, str]]:
    """Return kind, status and reason of each answer to an envelope without sense.

    An unreadable envelope has no known name: its answer has none either and comes next.
    """
    kinds: dict[str, str] = {}
    found: dict[str, tuple[str, str]] = {}
    for line in _read_log(log):
        if line.get("kind") == "invalid_envelope":
            kinds[line["id"]] = line["of"]
        elif line.get("kind") == "ack" and isinstance(body := line.get("body"), dict):
            name = body.get("id") or next(reversed(kinds), "")
            if name in kinds:
                found[name] = (str(body.get("status")), str(body.get("reason") or ""))
    return [(kinds[name], *answer) for name, answer in found.items()]


def read_sample_times(log: Path) -> dict[str, set[int]]:
    """Per point the UTC milliseconds of every sample in the district's log."""
    found: dict[str, set[int]] = {}
    for point, at_ms, _quality in read_samples(log):
        found.setdefault(point, set()).add(at_ms)
    return found


def _collect_series(run: Run) -> dict[str, list[float]]:
    start_ms = (run.clock.origin_s + run.clock.offset_s + run.zero_s) * 1_000
    return {
        point: [(at_ms - start_ms) / 1_000 for at_ms in times]
        for point, times in read_sample_times(run.peer.log).items()
    }


def _collect_reported_samples(run: Run) -> dict[str, list[tuple[float, bool]]]:
    start_ms = (run.clock.origin_s + run.clock.offset_s + run.zero_s) * 1_000
    return group_by_second(read_samples(run.peer.log), start_ms)


def group_by_second(
    rows: Iterable[tuple[str, int, int]], start_ms: float
) -> dict[str, list[tuple[float, bool]]]:
    """Return the samples of each point: second since ``start_ms``, and whether the daemon called it good.

    A point is reported when it changes.  So its last sample before ``start_ms`` still holds at second 0.
    """
    found: dict[str, list[tuple[float, bool]]] = {}
    before: dict[str, tuple[int, bool]] = {}
    for point, at_ms, quality in rows:
        if at_ms >= start_ms:
            found.setdefault(point, []).append(((at_ms - start_ms) / 1_000, quality == _GOOD_QUALITY))
        elif at_ms >= before.get(point, (0, False))[0]:
            before[point] = (at_ms, quality == _GOOD_QUALITY)
    for point, (_, is_good) in before.items():
        found.setdefault(point, []).insert(0, (0.0, is_good))
    return found


def _count_missing_rows(run: Run) -> int | None:
    """Return the number of rows of the daemon's history that the district lacks; None: it was not read."""
    if run.history is None:
        return None
    held = read_sample_times(run.peer.log)
    return sum(row["utc_ms"] not in held.get(row["point"], set()) for row in run.history)
