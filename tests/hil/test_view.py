import datetime as dt
import io
import time

import pytest
from rich.console import Console

from quartier_hil import view
from quartier_hil.clock import RigClock
from quartier_hil.records.series import Series
from quartier_hil.run import NAMES, Options, Run
from quartier_hil.scenario import Scenario
from quartier_hil.stage.broker import Broker
from quartier_hil.stage.peer import Peer
from quartier_hil.verdict.checks import Verdict


@pytest.fixture
def run(tmp_path):
    scenario = Scenario(title="A title", start=dt.datetime(2026, 6, 12, 15), duration_s=100)  # noqa: DTZ001
    series = Series(base_w=(500.0,), solar_w_per_kw=(0.0,), origin="")
    found = Run(Options(scenario=scenario, series=series, folder=tmp_path))
    found.clock = RigClock(time.time())
    found.zero_s = 0.0
    found.broker = Broker(tmp_path, "iotcore")
    found.peer = Peer(tmp_path, found.broker.port, NAMES, found.clock)
    found.status = {
        "control": {
            "mode": "CONTROLLED",
            "why": "heartbeat and document",
            "caps": {"import": {"max_w": 4000.0, "whose": "envelope"}},
            "assets": {"bat1": {"command": {"value": -500.0, "reason": "self-consumption"}}},
        }
    }
    found.course.mark(5, "a car is plugged in")
    return found


def _console(*, terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=150)


def test_the_screen_tells_promise_measurement_link_and_events(run):
    console = _console(terminal=True)
    console.print(view.screen(run))
    text = console.file.getvalue()

    for needle in (
        "import at most 12 kW, by the contract",
        "CONTROLLED",
        "heartbeat and document",
        "a car is plugged in",
    ):
        assert needle in text


def test_without_a_terminal_each_event_is_a_line_told_once(run):
    console = _console(terminal=False)
    with view.View(console) as seen:
        seen.show(run)
        seen.show(run)

    text = console.file.getvalue()
    assert 1 == text.count("0:00:05  a car is plugged in")
    assert "link CONTROLLED" in text
    assert "\x1b" not in text


def test_a_broken_promise_is_plain_to_see():
    console = _console(terminal=False)
    view.conclude(
        console, [Verdict("cap-kept", "p", "m", holds=False)], {"import_wh": 1500.0}, "/x/index.html"
    )
    text = console.file.getvalue()

    assert "BROKEN" in text
    assert "imported 1.50 kWh" in text
    assert "/x/index.html" in text
