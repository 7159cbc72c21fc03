"""What the rig's tests share: a run that is prepared but not performed."""

import datetime as dt
import time

import pytest

from quartier_hil.clock import RigClock
from quartier_hil.records.series import Series
from quartier_hil.run import NAMES, Options, Run
from quartier_hil.scenario import Scenario
from quartier_hil.stage.broker import Broker
from quartier_hil.stage.daemon import Daemon
from quartier_hil.stage.peer import Peer
from quartier_hil.wiring import Wiring


@pytest.fixture
def prepared(tmp_path):
    scenario = Scenario(title="A title", start=dt.datetime(2026, 6, 12, 15), duration_s=100)  # noqa: DTZ001 - the house's local time
    series = Series(base_w=(500.0,), solar_w_per_kw=(0.0,), origin="")
    found = Run(Options(scenario=scenario, series=series, folder=tmp_path))
    found.clock = RigClock(time.time())
    found.zero_s = 0.0
    found.broker = Broker(tmp_path, "iotcore")
    found.peer = Peer(tmp_path, found.broker.port, NAMES, found.clock)
    found.wiring = Wiring(seed=1)
    found.daemon = Daemon(tmp_path / "site.toml", tmp_path, found.clock)
    found.status = {
        "control": {
            "mode": "CONTROLLED",
            "why": "heartbeat and document",
            "caps": {"import": {"max_w": 4000.0, "whose": "envelope"}},
            "assets": {
                "bat1": {
                    "command": {"point": "bat1.setpoint_w", "value": -500.0, "reason": "self-consumption"}
                }
            },
        }
    }
    found.course.mark(5, "a car is plugged in")
    return found
