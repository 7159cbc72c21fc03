"""``quartier check``: faults of a site file, and which faults of its meter the building can see."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quartier.cli.installer import bus_plan
from quartier.cli.rendering import output
from quartier.config import loading
from quartier.config.loading import LoadedSite
from quartier.control.allocate import minimum_times
from quartier.control.allocate.minimum_times import MinimumTimeExcess
from quartier.control.events import rows
from quartier.control.observe.meter_check.detection import FaultDetection, find_detections
from quartier.daemon.assembly import bus_specs, site_model
from quartier.site.site_layout import Site
from quartier_drivers.errors import ConfigError, Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFileCheck:
    """The result of the check of a site file without faults."""

    loaded: LoadedSite
    site: Site
    warnings: Sequence[Fault]
    notes: Sequence[str]
    detections: Sequence[FaultDetection]
    excesses: Sequence[MinimumTimeExcess]


def run_check(options: argparse.Namespace) -> int:
    """Every fault at once; exit 78 when there is one, or with ``--strict`` a warning."""
    try:
        checked = _check_file(options.file)
    except ConfigError as error:
        if options.json:
            output.print_json(_render_faulty(options.file, error.faults))
        else:
            for fault in error.faults:
                print(fault)
            print(output.format_count(len(error.faults), "fault", "faults"), file=sys.stderr)
        return 78
    is_refused = options.strict and bool(checked.warnings)
    if options.json:
        output.print_json(_render_good(options.file, checked) | {"good": not is_refused})
        return 78 if is_refused else 0
    for warning in checked.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for text in checked.notes:
        print(f"note: {text}", file=sys.stderr)
    _print_result(options.file, checked, "refused by --strict" if is_refused else "good")
    if is_refused:
        print(output.format_count(len(checked.warnings), "warning", "warnings"), file=sys.stderr)
    return 78 if is_refused else 0


def _check_file(file: Path) -> SiteFileCheck:
    """Check the file and what follows from it.  Raises ConfigError."""
    loaded = loading.check_site_file(file)
    site = site_model.make_declared_site(loaded)
    missing = rows.find_unserved_rows(bus_specs.find_frequency_period_s(loaded))
    return SiteFileCheck(
        loaded=loaded,
        site=site,
        warnings=[*loaded.warnings, *bus_plan.find_bus_warnings(loaded, file)],
        notes=[missing] if missing else [],
        detections=list(find_detections(site)),
        excesses=minimum_times.find_largest_excesses(site),
    )


def _print_result(file: Path, checked: SiteFileCheck, verdict: str) -> None:
    site = checked.loaded.site
    print(
        f"{file}: {verdict}. Building {site.site.id} of {site.site.district}: "
        f"{output.format_count(len(site.buses), 'bus', 'buses')}, "
        f"{output.format_count(len(site.devices), 'device', 'devices')}, "
        f"{output.format_count(len(site.assets), 'asset', 'assets')}."
    )
    rows = [
        (one.fault, one.verdict or "not detected", ", ".join(one.by) or f"needs {one.missing}")
        for one in checked.detections
    ]
    title = f"Faults of the grid meter ({checked.site.grid.name}) that this site detects"
    output.make_console().print(output.make_table(title, ("fault", "verdict", "by"), rows))
    for one in checked.excesses:
        print(_describe_excess(one))


def _describe_excess(one: MinimumTimeExcess) -> str:
    return (
        f"minimum times: at most {one.power_w:.0f} W above a new {one.way} limit for up to {one.for_s:.0f} s"
        f" ({', '.join(one.machines)}); never above a fuse or breaker"
    )


def _render_good(file: Path, checked: SiteFileCheck) -> dict[str, Any]:
    """Return all that the text says, JSON-ready."""
    site = checked.loaded.site
    return {
        "file": str(file),
        "good": True,
        "faults": [],
        "warnings": [_render_fault("warning", one) for one in checked.warnings],
        "notes": list(checked.notes),
        "building": {
            "id": site.site.id,
            "district": site.site.district,
            "buses": len(site.buses),
            "devices": len(site.devices),
            "assets": len(site.assets),
        },
        "meter": checked.site.grid.name,
        "meter_faults": [
            {
                "fault": one.fault,
                "detected": bool(one.by),
                "verdict": one.verdict or None,
                "by": list(one.by),
                "needs": one.missing or None,
            }
            for one in checked.detections
        ],
        "minimum_times": [
            {"limit": one.way, "excess_w": one.power_w, "duration_s": one.for_s, "assets": list(one.machines)}
            for one in checked.excesses
        ],
    }


def _render_fault(severity: str, fault: Fault) -> dict[str, Any]:
    return {
        "severity": severity,
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "key": fault.key,
        "what": fault.what,
    }


def _render_faulty(file: Path, faults: Sequence[Fault]) -> dict[str, Any]:
    """Return the keys of a good file, as far as they are known of one with faults."""
    return {
        "file": str(file),
        "good": False,
        "faults": [_render_fault("error", one) for one in faults],
        "warnings": [],
        "notes": [],
        "building": None,
        "meter": None,
        "meter_faults": [],
        "minimum_times": [],
    }
