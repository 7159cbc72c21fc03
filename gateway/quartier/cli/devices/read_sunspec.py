"""``quartier read sunspec``: every model and point of a SunSpec device, without a profile."""

import argparse
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from quartier.cli.rendering import output
from quartier_drivers.errors import WireError

if TYPE_CHECKING:
    from quartier_drivers.sunspec.model_reading import ModelReading, ModelRow
    from quartier_drivers.sunspec.reader import DeviceReport


def run_read_sunspec(options: argparse.Namespace) -> int:
    """Read it once; exit 1 when it does not answer, or has no models."""
    from quartier_drivers.sunspec import reader  # noqa: PLC0415 - a slow import

    try:
        report = reader.read_all(options.url)
    except WireError as error:
        print(f"{options.url}: {error}", file=sys.stderr)
        return 1
    if options.json:
        output.print_json(_render_models(report))
        return 0
    for one in report.models:
        cells = (_make_point_cells(row) for row in one.rows)
        columns = ("point", ">value", "unit", "meaning", ">raw", "quality")
        output.make_console().print(output.make_table(_describe_model(one), columns, cells))
    for fault in report.faults:
        print(f"{options.url}: {fault}", file=sys.stderr)
    return 0


def _make_point_cells(row: "ModelRow") -> tuple[str, ...]:
    value = "–" if row.value is None else _format_exact(row.value)
    return row.point, value, row.unit, row.text, row.raw, row.quality.lower()


def _format_exact(value: float | str) -> str:
    """Return the value as the device sends it, not rounded."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _describe_model(one: "ModelReading") -> str:
    place = f"model {one.found.number} at {one.found.address}, length {one.found.length}"
    return "; ".join((f"{one.label} ({place})", *one.faults))


def _render_models(report: "DeviceReport") -> dict[str, object]:
    models = [
        {
            "model": one.found.number,
            "instance": one.found.instance,
            "address": one.found.address,
            "length": one.found.length,
            "label": one.label,
            "faults": list(one.faults),
            "points": [asdict(row) for row in one.rows],
        }
        for one in report.models
    ]
    return {"base": report.base, "models": models, "faults": list(report.faults)}
