"""The one screen: what stands in it in good days and in bad ones."""

import io
from copy import deepcopy

import pytest
from rich.console import Console

from quartier.cli.operation.gateway_status import render_overview
from quartier.cli.rendering import status_text
from quartier.cli.rendering.output import make_console

LINK = {
    "data_on": True, "control_on": True, "data_fault": None, "control_fault": None, "phase": "live",
    "heartbeat_age_s": 12.0, "catching_up": False,
}  # fmt: skip


def test_a_stage_whose_cause_is_over_says_how_long_it_stays():
    rule = {"name": "grid-meter-lost", "words": "the grid meter is lost", "ends_in_s": 26.0}
    lines = status_text.describe_stage({"stage": "SAFE", "rules": [rule]})

    assert [
        "SAFE: the grid meter is lost (over; the stage ends in 26 s if the cause does not come back)"
    ] == [str(line) for line in lines]


@pytest.fixture
def shown(capsys, status):
    """``shown(path=value, …)``: the screen's text of a status with changes (``control__mode``)."""

    def shows(**changes):
        changed = deepcopy(status)
        for path, value in changes.items():
            *steps, last = path.split("__")
            place = changed
            for step in steps:
                place = place[int(step)] if step.isdigit() else place[step]
            place[last] = value
        make_console().print(render_overview(changed))
        return capsys.readouterr().out

    return shows


def line(text, begin):
    (found,) = [line for line in text.splitlines() if line.startswith(begin)]
    return " ".join(found.split())


def test_a_good_day_at_a_glance(shown):
    text = shown(district=LINK)

    assert "b012 of issy up 2 h, cython engine, boot 7" == line(text, "b012")
    assert "CONTROLLED for 65 s: heartbeat and documents" == line(text, "CONTROLLED")
    assert "grid 420 W export, good, 0.4 s old" == line(text, "grid")
    assert "import at most 5,000 W: envelope dso e1" == line(text, "import")
    assert "bat1 battery D -1,200 W 0.3 s good 61.2 % steered -1,180 W done self-consumption" == line(
        text, "bat1"
    )
    assert "lan open 87.5 % 0.0 s" == line(text, "lan")
    assert "gx good Victron Energy GX c0619" in " ".join(text.split())
    assert "district connected, live, heartbeat 12 s ago" == line(text, "district")
    assert "history 12.3 MB, 35 commits, 6 pending, 0 gaps, 42 samples not yet delivered" == line(
        text, "history"
    )
    assert "8,000 cycles, 0 skipped, 99.9 % began within 2 ms" == line(text, "8,000")


def test_a_device_that_is_set_aside_is_said_to_give_no_answer():
    assert ["no answer, asked less often", "silent"] == [
        status_text.format_device_state(state) for state in ("set aside", "silent")
    ]


@pytest.mark.parametrize(
    ("count", "words"),
    [(999, "999 cycles, 0 skipped"), (1000, "1,000 cycles, 0 skipped, 99.9 % began within 2 ms")],
)
def test_a_share_of_the_cycles_is_told_from_a_thousand_on(count, words):
    told = {"count": count, "skipped_count": 0, "late_p999_s": 0.002}

    assert words == status_text.describe_cycles(told).plain


def test_a_refused_order_says_why(shown):
    why = "bat1.setpoint_w: 704.WSetRvrtTms reads back 0"
    refused = {"value": -1180.0, "verdict": "refused", "why": why, "reason": "", "age_s": 1.0}

    assert "refused: bat1.setpoint_w: 704.WSetRvrtTms reads back 0" == line(
        shown(written={"bat1.setpoint_w": refused}), "refused:"
    )


def test_each_contact_says_whether_it_acts_and_for_how_long(shown):
    caps = {"import": 4200.0}
    text = shown(
        control__contacts={
            "dso1": {"acting": True, "why": "acts", "age_s": 12.0, "caps": caps},
            "dso2": {"acting": False, "why": "rests", "age_s": 7200.0, "caps": caps},
        }
    )

    assert "contact dso1 acts, for 12 s" == line(text, "contact dso1")
    assert "contact dso2 rests, for 2 h" == line(text, "contact dso2")


def test_each_supply_says_its_load_tariff_colours_and_relays(shown):
    told = {
        "subscribed_va": 6000.0, "apparent_va": 713.0, "w_per_va": 0.9, "warned": [], "cut_w": None,
        "tariff_index": 6, "today": "blue", "tomorrow": "red", "mobile_peak": "",
        "relays": [0, 7],
    }  # fmt: skip
    silent = told | {"subscribed_va": None, "tariff_index": None, "today": "", "tomorrow": "", "relays": None}
    idle = told | {"apparent_va": None, "relays": [], "mobile_peak": "announced"}
    text = shown(control__supplies={"linky": told, "late": silent, "calm": idle})

    assert (
        "supply linky 713 VA of 6,000 VA subscribed, tariff 6, today blue, tomorrow red, relays closed: 0, 7"
        == line(text, "supply linky")
    )
    assert "supply late has not yet said what is subscribed" == line(text, "supply late")
    assert line(text, "supply calm").startswith("supply calm – of 6,000 VA subscribed")
    assert line(text, "supply calm").endswith("mobile peak announced, relays closed: none")
    warned = told | {"warned": ["over-power", "more than subscribed"], "cut_w": 4500.0}
    words = " ".join(str(one) for one in status_text.describe_supplies({"supplies": {"linky": warned}}))
    assert "subscribed, warns: over-power and more than subscribed, import cut to 4,500 W, tariff" in words


def test_a_grid_meter_of_va_is_shown_in_va(shown):
    text = shown(control__grid={"power_w": 713.0, "age_s": 1.0, "state": "good", "unit": "VA"})

    assert "grid 713 VA import, good, 1.0 s old" == line(text, "grid")


def test_what_was_never_read_is_a_dash_and_no_zero(shown):
    text = shown(control__grid={"power_w": None, "age_s": None, "state": "starting", "unit": "W"})

    assert "boiler load C – – never read free" == line(text, "boiler")
    assert "grid –, starting, – old" == line(text, "grid")


def test_a_bad_day_says_what_and_why(shown):
    text = shown(
        control__stage="SAFE",
        control__rules=[{"name": "grid-lost", "words": "the grid meter is lost"}],
        control__alarms=["grid meter lost: every asset counts at its worst"],
        control__acted=["bat1: import cap"],
        buses__0__online=False,
        buses__0__why="127.0.0.1:502 refuses",
        buses__0__lateness_s=None,
        buses__0__devices__0__state="silent",
        buses__0__devices__0__why="unit 1 is silent",
        store__error="No space left on device",
        gateway__synced=False,
        gateway__simulated=True,
        disabled={"devices.relays": ["site.toml:6: devices.relays.profile: unknown"]},
    )

    for words in (
        "SAFE: the grid meter is lost",
        "alarm: grid meter lost",
        "acting: bat1: import cap",
        "127.0.0.1:502 refuses",
        "unit 1 is silent",
        "history: No space left on device",
        "clock not synchronised",
        "simulated",
        "disabled: devices.relays: site.toml:6: devices.relays.profile: unknown",
    ):
        assert words in text


def test_why_a_bus_is_lost_is_said_once(shown):
    why = "127.0.0.1:502 refuses"
    text = shown(
        buses__0__online=False,
        buses__0__why=why,
        buses__0__devices__0__state="silent",
        buses__0__devices__0__why=why,
    )

    assert 1 == text.count(why)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (None, "no district in the site file: the house stands alone"),
        ({**LINK, "catching_up": True}, "district connected, live, heartbeat 12 s ago, catching up"),
        ({**LINK, "heartbeat_age_s": None}, "district connected, live, no heartbeat yet"),
        ({**LINK, "data_on": False, "data_fault": "refused"}, "district not connected: refused"),
        (
            {**LINK, "server": "broker.example:8883"},
            "district connected to broker.example:8883, live, heartbeat 12 s ago",
        ),
        ({**LINK, "control_on": False}, "district not connected: connecting"),
    ],
)
def test_the_district_is_there_or_the_reason_why_not(shown, link, expected):
    assert expected in shown(district=link)


def test_a_daemon_that_has_just_begun_says_so(shown):
    text = shown(control={}, written={})

    assert "starting: the first cycle has not ended yet" in text
    assert "lan open" in " ".join(text.split())


def test_on_a_terminal_of_80_columns_no_word_is_cut(status):
    narrow = Console(file=io.StringIO(), width=80)
    narrow.print(render_overview(status))
    text = narrow.file.getvalue()

    assert "bat1 -1,200 W 0.3 s good 61.2 % steered -1,180 W done" == line(text, "bat1 ")
    assert "bat1: self-consumption" == line(text, "bat1:")


def test_the_connection_tree_shows_what_flows_and_what_room_is_left(shown):
    root = {
        "name": "grid", "under": None, "basis": "measured", "fuse_a": None,
        "load_w": [4000.0, 4000.0, 0.0, 0.0], "import_max_w": [9000.0, None, None, None],
        "headroom_w": [5000.0, None, None, None],
    }  # fmt: skip
    shed = {
        "name": "shed", "under": "grid", "basis": "reckoned", "fuse_a": 16.0,
        "load_w": [4000.0, 4000.0, 0.0, 0.0], "import_max_w": [11040.0, 3680.0, 3680.0, 3680.0],
        "headroom_w": [7040.0, -320.0, 3680.0, 3680.0],
    }  # fmt: skip
    text = shown(control__nodes=[root, shed])

    assert "grid measured – 4,000 W 4,000 W 0 W 0 W 5,000 W" == line(text.split("least room")[1], "grid")
    assert "shed grid reckoned 16 A 4,000 W 4,000 W 0 W 0 W -320 W" == line(text, "shed")
    assert "least room" not in shown()


def test_a_bus_that_is_not_secure_says_so(shown):
    text = shown(buses__0__weakness="neither signed nor encrypted, anonymous")

    assert "not secure: neither signed nor encrypted, anonymous" in " ".join(text.split())


def test_a_site_file_that_a_job_brought_is_named(shown):
    assert "The site file came by j1 (5)" in " ".join(shown(gateway__site_file="j1 (5)").split())
    assert "The site file" not in shown()


@pytest.mark.parametrize("columns", [46, 80])
def test_outcome_and_reason_are_whole_words_on_a_narrow_terminal(status, columns):
    made = deepcopy(status)
    made["control"]["assets"]["ev1"] = {
        **made["control"]["assets"]["bat1"],
        "role": "ev",
        "state": "no order yet: its actual state is not known",
        "command": None,
    }
    narrow = Console(width=columns, file=io.StringIO())
    narrow.print(render_overview(made))
    page = narrow.file.getvalue()

    assert max(map(len, page.splitlines())) <= columns
    words = " ".join(page.split())
    assert "done" in words
    assert "bat1:" in words
    assert "self-consumption" in words
    assert "gx" in words
    assert "Victron Energy GX c0619" in words or columns == 80
    if columns == 46:
        assert "ev1: no order yet: its actual state is not known" in words
