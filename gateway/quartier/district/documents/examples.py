"""An example of each document (pure)."""

from collections.abc import Mapping
from typing import Any

EXAMPLE_TIME_MS = 1_764_075_000_000
_HOUR_MS, _MINUTE_MS = 3_600_000, 60_000


def _make_signed(ident: str, iss: str, lasts_ms: int, **more: Any) -> dict[str, Any]:
    head = {"id": ident, "seq": EXAMPLE_TIME_MS, "iss": iss, "aud": "issy.b012"}
    return {**head, "iat": EXAMPLE_TIME_MS, "nbf": EXAMPLE_TIME_MS, "exp": EXAMPLE_TIME_MS + lasts_ms, **more}


def _make_signal(intervals: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        **_make_signed("s1", "optimiser", 24 * _HOUR_MS, start=EXAMPLE_TIME_MS, intervals=intervals),
        "aud": "issy",
    }


EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "heartbeat": {"iss": "optimiser", "n": EXAMPLE_TIME_MS, "ts": EXAMPLE_TIME_MS},
    "envelope": _make_signed(
        "evening-peak",
        "optimiser",
        24 * _HOUR_MS,
        program="district",
        priority=2,
        start=EXAMPLE_TIME_MS + 4 * _HOUR_MS,
        on_loss="hold",
        intervals=[
            {"duration_s": 7200, "import_max_w": 4000},
            {"duration_s": 3600, "import_max_w": 6000, "export_max_w": 0},
        ],
        default={"import_max_w": 9000, "export_max_w": 6000},
    ),
    "schedule": _make_signed(
        "night-charge",
        "optimiser",
        10 * _HOUR_MS,
        asset="bat1",
        start=EXAMPLE_TIME_MS + 2 * _HOUR_MS,
        intervals=[
            {"duration_s": 7200, "soc_pct": 80},
            {"duration_s": 3600},
            {"duration_s": 1800, "power_w": -2000},
        ],
    ),
    "failsafe": {
        "id": "failsafe-2026",
        "seq": EXAMPLE_TIME_MS,
        "iss": "optimiser",
        "aud": "issy.b012",
        "iat": EXAMPLE_TIME_MS,
        "nbf": EXAMPLE_TIME_MS,
        "import_max_w": 4000,
        "export_max_w": 0,
        "duration_min_s": 7200,
    },
    "signal-price": _make_signal(
        [{"duration_s": 3600, "import_eur_per_kwh": 0.21, "export_eur_per_kwh": 0.08}]
    ),
    "signal-co2": _make_signal([{"duration_s": 3600, "import_g_per_kwh": 42}]),
    "signal-level": _make_signal([{"duration_s": 1800, "level": 2}, {"duration_s": 1800, "level": 0}]),
    "signal-alert": _make_signal(
        [{"duration_s": 7200, "code": "COLD_SNAP", "text": "expect scarcity this evening"}]
    ),
    "flexibility": {
        "ts": EXAMPLE_TIME_MS,
        "valid_s": 3600,
        "import_max_w": 9000,
        "export_max_w": 6000,
        "forecast": {
            "method": "persistence of the last day",
            "start": EXAMPLE_TIME_MS,
            "step_s": 900,
            "grid_w": [1200.0, None, *[900.0] * 94],
            "load": None,
            "sun": None,
            "net": {
                "mean_w": [850.0] * 96,
                "low_w": [400.0] * 96,
                "middle_w": [780.0] * 96,
                "high_w": [1500.0] * 96,
                "model": "ridge, clear sky",
                "error_w": 410.0,
                "miss_w": 300.0,
                "inside_pct": 79.0,
            },
        },
        "devices": [
            {
                "device": "bat1",
                "role": "battery",
                "tier": "D",
                "control_type": "FILL_RATE_BASED_CONTROL",
                "available": True,
                "why": "",
                "power_w": -800,
                "power_ranges_w": [[-5000, 5000]],
                "energy_up_wh": 3400,
                "energy_down_wh": 4100,
                "timers": [],
                "fill_level_pct": 61,
                "forecast_w": None,
            }
        ],
    },
    "command": _make_signed(
        "peak-7", "optimiser", _MINUTE_MS, op="setpoint", asset="bat1", w=-2000, duration_s=900
    ),
    "job": _make_signed(
        "keys-2026-12",
        "jobs",
        24 * _HOUR_MS,
        op="keys",
        list="eyJhbGciOiJFZERTQSIs….eyJkaXN0cmljdCI6Imlzc3ki….2mFuYc3B…",
    ),
    "keys": {
        "district": "issy",
        "seq": EXAMPLE_TIME_MS,
        "keys": [
            {
                "kid": "optimiser-1",
                "public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "types": ["heartbeat", "envelope", "schedule", "failsafe", "signal", "command", "watermark"],
                "nbf": EXAMPLE_TIME_MS,
                "exp": EXAMPLE_TIME_MS + 366 * 24 * _HOUR_MS,
            },
            {
                "kid": "dso-1",
                "public_key": "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
                "types": ["envelope"],
                "programs": ["dso"],
            },
        ],
    },
    "watermark": {
        "bdseq": 7,
        "streams": {
            "grid": {"boot": 1_764_070_000, "seq": 81_523},
            "event": {"boot": 1_764_070_000, "seq": 12},
        },
    },
    "ack": {
        "id": "evening-peak",
        "seq": EXAMPLE_TIME_MS,
        "type": "envelope",
        "reception": "OK",
        "status": "ACCEPTED",
        "reason": "",
        "ts": EXAMPLE_TIME_MS + 1200,
    },
    "event": {
        "boot": 1_764_070_000,
        "seq": 13,
        "ts": EXAMPLE_TIME_MS + 1300,
        "code": "document.answered",
        "text": "envelope evening-peak: ACCEPTED",
        "data": {"program": "district", "id": "evening-peak", "status": "ACCEPTED", "reason": ""},
    },
}


def make_example(schema: Mapping[str, Any]) -> Any:
    """Return the smallest example that a schema allows: required fields only, the first of each choice."""
    return _make_value(schema, schema.get("$defs", {}))


def _make_value(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _make_value(known[schema["$ref"].rsplit("/", 1)[-1]], known)
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return _make_value(schema[word][0], known)
    return schema["enum"][0] if "enum" in schema else _make_plain_value(schema, known)


def _make_plain_value(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    kind = schema.get("type", "")
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: _make_value(fields[name], known) for name in schema.get("required", ())}
    if kind == "array":
        return [_make_value(schema["items"], known) for _ in range(schema.get("minItems", 0))]
    number = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    text = "x" * max(schema.get("minLength", 1), 1)
    return {"integer": number, "number": number, "boolean": False, "string": text}.get(kind)
