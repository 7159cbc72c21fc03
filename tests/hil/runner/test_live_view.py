import io

from rich.console import Console

from quartier_hil.checks.verdicts import Verdict
from quartier_hil.runner import live_view


def _console(*, terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=150)


def test_the_screen_tells_promise_measurement_link_and_events(prepared):
    console = _console(terminal=True)
    console.print(live_view.render_screen(prepared))
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
    with live_view.LiveView(console) as seen:
        seen.show(prepared)
        seen.show(prepared)

    text = console.file.getvalue()
    assert 1 == text.count("0:00:05  a car is plugged in")
    assert "link CONTROLLED" in text
    assert "of 4 kW (envelope)" in text, "the limit that the gateway keeps is tighter than the contract"
    assert "\x1b" not in text


def test_a_broken_promise_is_plain_to_see():
    console = _console(terminal=False)
    live_view.print_conclusion(
        console, [Verdict("cap-kept", "p", "m", holds=False)], {"import_wh": 1500.0}, 7
    )
    text = console.file.getvalue()

    assert "BROKEN" in text
    assert "imported 1.50 kWh" in text
    assert "Seed 7" in text


def test_a_machine_that_is_too_slow_is_named_in_one_line_and_what_it_did_not_show_is_plain_to_see():
    console = _console(terminal=False)
    verdict = Verdict(
        "speed", "p", "", holds=False, unshown="this machine is too slow for 30 times real time"
    )
    live_view.print_conclusion(console, [verdict], {}, 1)

    assert "NOT SHOWN" in console.file.getvalue()
    assert (
        "This machine is too slow for 30 times real time. Try again with a lower --rate, or when the machine has less to do."
        in console.file.getvalue()
    )
