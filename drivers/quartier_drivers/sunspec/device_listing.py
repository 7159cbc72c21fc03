"""Lists every model and point of a SunSpec device, without a profile."""

from dataclasses import asdict

from quartier_drivers.device_reports import DeviceListing, ListedTable, ReadRequest
from quartier_drivers.device_rows import DeviceReadout
from quartier_drivers.sunspec import reader
from quartier_drivers.sunspec.model_reading import ModelReading, ModelRow
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.reader import DeviceReport

_COLUMNS = ("point", ">value", "unit", "meaning", ">raw", "quality")


def list_device(request: ReadRequest) -> DeviceListing:
    """Read a device once.  Raises ConfigError (URL), LinkLost, or NoReply if it has no models."""
    report = reader.read_all(request.url)
    tables = [
        ListedTable(_describe_model(one), _COLUMNS, [_make_point_cells(row) for row in one.rows])
        for one in report.models
    ]
    return DeviceListing(tables, _render_models(report), report.faults)


async def read_profile(profile: SunspecProfile, request: ReadRequest) -> DeviceReadout:
    """Read the points of a profile once.  Raises ConfigError (URL), LinkLost or NoReply."""
    return await reader.read_points(profile, request.url)


def _make_point_cells(row: ModelRow) -> tuple[str, ...]:
    value = "–" if row.value is None else _format_exact(row.value)
    return row.point, value, row.unit, row.text, row.raw, row.quality.lower()


def _format_exact(value: float | str) -> str:
    """Return the value as the device sends it, not rounded."""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _describe_model(one: ModelReading) -> str:
    place = f"model {one.found.number} at {one.found.address}, length {one.found.length}"
    return "; ".join((f"{one.label} ({place})", *one.faults))


def _render_models(report: DeviceReport) -> dict[str, object]:
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
