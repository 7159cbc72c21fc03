"""What the rig's tests share: a run that is prepared but not performed."""

import datetime as dt
import time

import pytest

from quartier_hil.processes.broker_process import BrokerProcess
from quartier_hil.processes.daemon_process import DaemonProcess
from quartier_hil.processes.district_process import DistrictProcess
from quartier_hil.runner.device_wiring import DeviceWiring
from quartier_hil.runner.run import SITE_NAMES, Run, RunOptions
from quartier_hil.runner.smart_meters import SmartMeters
from quartier_hil.scenario.scenario_file import Scenario
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.site_clock import RigClock


@pytest.fixture
def prepared(tmp_path):
    scenario = Scenario(title="A title", start=dt.datetime(2026, 6, 12, 15), duration_s=100)  # noqa: DTZ001 - the house's local time
    series = LoadSeries(base_w=(500.0,), solar_w_per_kw=(0.0,), origin="")
    found = Run(RunOptions(scenario=scenario, series=series, folder=tmp_path))
    found.clock = RigClock(time.time())
    found.zero_s = 0.0
    found.broker = BrokerProcess(tmp_path, "iotcore")
    found.peer = DistrictProcess(tmp_path, found.broker.port, SITE_NAMES, found.clock)
    found.wiring = DeviceWiring(seed=1)
    found.smart_meters = SmartMeters(("tic",), tmp_path, contract_w=12_000, rate=1.0, seed=1)
    found.daemon = DaemonProcess(tmp_path / "site.toml", tmp_path, found.clock)
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
    found.record.mark(5, "a car is plugged in")
    return found
