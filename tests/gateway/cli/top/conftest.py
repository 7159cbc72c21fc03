"""The desk of a good day, about everything that ``top`` may ask."""

from copy import deepcopy

import pytest

POINTS = {
    "gx": [
        {"point": "bat1.power_w", "value": -1200.0, "unit": "W", "quality": "good", "age_s": 0.3, "address": "holding:842"},
        {"point": "bat1.setpoint_w", "value": -1180.0, "unit": "W", "quality": "stale", "age_s": 7.0, "address": "holding:37",
         "writable": True, "on_release": 0, "fallback": {"value": 0, "after_s": 60},
         "written": {"value": -1180.0, "verdict": "done", "why": "", "reason": "self-consumption", "age_s": 1.0},
         "writes": {"today": 7, "budget": 24, "total": 1200, "persistent": True}},
    ],
}  # fmt: skip
POINTS["bat1"] = POINTS["gx"]
LEDGER = [
    {"boot": 7, "number": 2, "point": "bat1.setpoint_w", "why": "self-consumption", "who": {"kind": "rule", "name": "self-consumption"},
     "utc_ms": -9000, "last_ms": -1000, "count": 4, "value": -1180.0, "low": -1180.0, "high": -900.0, "outcome": "done"},
    {"boot": 7, "number": 1, "point": "bat1.setpoint_w", "why": "given back", "who": {"kind": "release"},
     "utc_ms": -200_000, "last_ms": -200_000, "outcome": "refused"},
]  # fmt: skip


@pytest.fixture
def answers(status):
    """What ``Desk`` takes, and what was asked so far; the answers are those of ``status`` at the time."""
    asked = []

    def headline():
        control = status["control"]
        return {key: control[key] for key in ("mode", "why", "mode_age_s") if key in control}

    def told(kind, found):
        return found and {"gateway": status["gateway"], "control": headline(), kind: found}

    def bus(name):
        asked.append(("bus", name))
        return told("bus", next((bus for bus in status["buses"] if bus["name"] == name), None))

    def device(name):
        asked.append(("device", name))
        found = [
            {**device, "bus": bus["name"], "online": bus["online"]}
            for bus in status["buses"]
            for device in bus["devices"]
            if device["name"] == name
        ]
        return told("device", found[0] if found else None)

    def asset(name):
        asked.append(("asset", name))
        found = status["control"].get("assets", {}).get(name)
        written = status["written"].get(f"{name}.setpoint_w")
        return told("asset", found and {"name": name, **found, "written": written, "ledger": LEDGER})

    def points(name):
        asked.append(("points", name))
        return deepcopy(POINTS.get(name))

    def house():
        asked.append(("status", ""))
        return status

    return {"status": house}, {"bus": bus, "device": device, "asset": asset, "points": points}, asked
