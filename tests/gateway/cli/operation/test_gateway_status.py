"""The one screen: what stands in it in good days and in bad ones."""

import asyncio
import io
import json
import os
import socket
from contextlib import ExitStack
from copy import deepcopy

import pytest
from rich.console import Console

from quartier.cli import main
from quartier.cli.operation.gateway_status import render_overview, suggest_remedy
from quartier.cli.rendering import status_text
from quartier.cli.rendering.output import make_console
from quartier.runtime.local_socket.orders import ORDER_SOCKET
from quartier.runtime.local_socket.questions import QUESTION_SOCKET, NoDaemon, NotPermitted
from quartier.runtime.owned_files import Owner, use_rights

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
    assert "bat1 battery D -1,200 W 0.3 s good 61.2 % controlled -1,180 W done self-consumption" == line(
        text, "bat1"
    )
    assert "lan open 88 % 0.0 s" == line(text, "lan")
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

    assert "boiler load C – – never read not limited" == line(text, "boiler")
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


def test_a_bus_whose_line_is_down_has_no_time_to_spare(shown):
    text = shown(buses__0__online=False, buses__0__slack_pct=0.0)

    assert "lan lost – –" == line(text, "lan")


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
        (None, "no district in the site file: the site works alone"),
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

    assert "bat1 -1,200 W 0.3 s good 61.2 % controlled -1,180 W done" == line(text, "bat1 ")
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


POINTS = [
    {"point": "grid.power_w", "value": 3000.4, "unit": "W", "quality": "good", "age_s": 0.4, "address": "input:52"},
    {"point": "grid.energy_import_wh", "value": None, "unit": "W.h", "quality": "never read", "age_s": None,
     "address": "1/701.TotWhAbs|103.WH|102.WH"},
    {"point": "bat1.setpoint_w", "value": -500, "unit": "W", "quality": "good", "age_s": 65, "address": "holding:37",
     "writable": True, "on_release": 0, "fallback": {"value": 0, "after_s": 60},
     "written": {"value": -500, "verdict": "refused", "why": "exception 3", "reason": "", "age_s": 3}},
    {"point": "boiler.relay_on", "value": True, "unit": "", "quality": "good", "age_s": 1, "address": "coil:0",
     "writable": True, "on_release": "own", "fallback": None,
     "writes": {"today": 7, "budget": 24, "total": 1200, "persistent": True}},
]  # fmt: skip


@pytest.fixture
def ask(tmp_path, status, capsys, serving):
    """``await ask("points", …)``: (exit code, output, errors) at a desk that knows STATUS and POINTS."""

    async def asks(*words):
        async with serving({"status": lambda: status, "points": lambda: POINTS}):
            code = await asyncio.to_thread(main, [*words, "--runtime-dir", str(tmp_path)])
        return code, *capsys.readouterr()

    return asks


async def test_the_status_is_one_screen_or_all_of_it_as_json(ask, status):
    code, text, _ = await ask("status")
    assert (0, True) == (code, "CONTROLLED" in text)

    code, text, _ = await ask("status", "--json")
    assert (0, status) == (code, json.loads(text))


def cells(text, begin):
    (found,) = [line for line in text.splitlines() if line.startswith(begin)]
    return " ".join(found.split())


async def test_points_show_value_last_command_and_what_becomes_of_it_without_us(ask):
    code, text, _ = await ask("points")

    assert 0 == code
    assert "grid.power_w 3,000 W good 0.4 s input:52" == cells(text, "grid.power_w")
    assert "grid.energy_import_wh – Wh never read – 1/701.TotWhAbs or 2 more" == cells(
        text, "grid.energy_import_wh"
    )
    assert "bat1.setpoint_w -500 W good 65 s -500 refused (exception 3) 0 0 W after 60 s holding:37" == cells(
        text, "bat1"
    )
    assert "boiler.relay_on on good 1.0 s own nothing coil:0" == cells(text, "boiler")


async def test_points_are_picked_by_any_of_the_patterns(ask):
    code, text, _ = await ask("points", "grid.power*", "*.relay_on", "--json")

    assert (0, ["grid.power_w", "boiler.relay_on"]) == (code, [point["point"] for point in json.loads(text)])


async def test_writes_show_where_the_wear_went(ask):
    code, said, _ = await ask("points", "--writes")
    (head, row) = said.splitlines()

    assert 0 == code
    assert ["point", "today", "budget", "total", "memory"] == head.split()[:5]
    assert ["boiler.relay_on", "7", "24", "1200", "wears"] == row.split()[:5]
    told = json.loads((await ask("points", "--writes", "--json"))[1])
    assert ["boiler.relay_on"] == [point["point"] for point in told]


async def test_a_name_that_is_none_is_exit_1_and_says_how_to_find_it(ask):
    code, text, errors = await ask("points", "gird.*", "ev.*")

    assert (1, "") == (code, text)
    assert errors.startswith("no point is called gird.* or ev.*; did you mean 'grid.power_w' or ")


@pytest.mark.parametrize("words", [("status",), ("top",), ("points",)])
def test_without_a_daemon_it_is_exit_69_with_the_place_and_the_remedy(words, tmp_path, capsys):
    assert 69 == main([*words, "--runtime-dir", str(tmp_path)])

    said = capsys.readouterr().err
    assert str(tmp_path / QUESTION_SOCKET) in said
    assert "systemctl start quartier" in said
    assert "--runtime-dir" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("words", "denied", "group"),
    [
        (("status",), "may not ask the daemon at", "join the group quartier,"),
        (("alarms",), "may not ask the daemon at", "join the group quartier,"),
        (("override",), "may not give orders to the daemon at", "join the group quartier-operators,"),
    ],
)
def test_a_user_without_permission_is_exit_77_with_the_remedy(open_path, capsys, words, denied, group):
    places = ["--runtime-dir", str(open_path)]
    places += ["--state-dir", str(open_path)] if words == ("alarms",) else []
    assert 69 == main([*words, *places])
    capsys.readouterr()
    with ExitStack() as sockets:
        for name in (QUESTION_SOCKET, ORDER_SOCKET):
            made = sockets.enter_context(socket.socket(socket.AF_UNIX))
            made.bind(str(open_path / name))
            (open_path / name).chmod(0o600)
        with use_rights(Owner(4711, 4711)):
            assert 77 == main([*words, *places])

    said = capsys.readouterr().err
    assert f"{denied} {open_path}" in said
    assert group in said
    assert "no daemon" not in said


def test_who_may_not_ask_is_told_how_to():
    assert "join the group quartier, or ask with sudo" == suggest_remedy(NotPermitted("not you"))
    assert "systemctl start quartier" in suggest_remedy(NoDaemon("no daemon answers"))
