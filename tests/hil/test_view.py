import io

import pytest
from rich.console import Console

from quartier_hil import view
from quartier_hil.verdict.checks import Verdict


def _console(*, terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=150)


def test_the_screen_tells_promise_measurement_link_and_events(prepared):
    console = _console(terminal=True)
    console.print(view.screen(prepared))
    text = console.file.getvalue()

    for needle in (
        "import at most 12 kW, by the contract",
        "CONTROLLED",
        "heartbeat and document",
        "15:00:05  a car is plugged in",
        "-500 W (self-consumption)",
    ):
        assert needle in text


def test_without_a_terminal_each_event_is_a_line_told_once(prepared):
    console = _console(terminal=False)
    with view.View(console) as seen:
        seen.show(prepared)
        seen.show(prepared)

    text = console.file.getvalue()
    assert 1 == text.count("0:00:05  a car is plugged in")
    assert "link CONTROLLED" in text
    assert "\x1b" not in text


def test_a_broken_promise_is_plain_to_see():
    console = _console(terminal=False)
    view.conclude(console, [Verdict("cap-kept", "p", "m", holds=False)], {"import_wh": 1500.0}, 7)
    text = console.file.getvalue()

    assert "BROKEN" in text
    assert "imported 1.50 kWh" in text
    assert "Seed 7" in text


@pytest.mark.parametrize(("skipped_count", "holds", "told"), [(13, False, 1), (0, False, 0), (13, True, 0)])
def test_a_machine_that_was_too_busy_is_named_beside_a_broken_promise(skipped_count, holds, told):
    console = _console(terminal=False)
    verdict = Verdict("cap-kept", "p", "m", holds=holds)
    view.conclude(console, [verdict], {"skipped_count": skipped_count}, 1)

    assert told == console.file.getvalue().count("--rate 20")
