"""What a daemon answers on a good day, for everything that shows it."""

from copy import deepcopy

import pytest

STATUS = {
    "gateway": {
        "site": "b012", "district": "issy", "boot": 7, "pid": 1, "uptime_s": 8000.0, "utc_ms": 0,
        "synced": True, "simulated": False, "engine": "cython",
    },
    "control": {
        "mode": "CONTROLLED", "why": "heartbeat and documents", "mode_age_s": 65.0, "stage": "WELL", "rules": [],
        "caps": {"import": {"max_w": 5000, "whose": "envelope dso e1"}, "export": {"max_w": 0, "whose": "hard limit"}},
        "grid": {"power_w": -420.0, "age_s": 0.4, "state": "good"},
        "alarms": [], "acted": [], "restore": {}, "contacts": {},
        "assets": {
            "bat1": {
                "role": "battery", "tier": "D", "power_w": -1200.0, "age_s": 0.3, "quality": "good", "soc_pct": 61.2,
                "state": "steered",
                "command": {"point": "bat1.setpoint_w", "value": -1180.0, "age_s": 2, "reason": "self-consumption"},
            },
            "boiler": {"role": "load", "tier": "C", "power_w": None, "age_s": None, "quality": "never read", "state": "free"},
        },
    },
    "cycles": {"count": 8000, "skipped_count": 0, "late_p999_s": 0.002, "late_max_s": 0.01},
    "buses": [
        {
            "name": "lan", "online": True, "why": "", "slack_pct": 87.5, "lateness_s": 0.01,
            "devices": [
                {"name": "gx", "state": "good", "why": "", "age_s": 0.2, "errors_count": 0,
                 "identity": {"maker": "Victron Energy", "model": "GX", "serial": "c0619"}},
            ],
        },
    ],
    "written": {"bat1.setpoint_w": {"value": -1180.0, "verdict": "done", "why": "", "reason": "", "age_s": 1.0}},
    "store": {"size_bytes": 12_300_000, "gaps_count": 0, "backlog_count": 42, "error": ""},
    "district": None,
    "disabled": {},
}  # fmt: skip


@pytest.fixture
def status():
    return deepcopy(STATUS)
