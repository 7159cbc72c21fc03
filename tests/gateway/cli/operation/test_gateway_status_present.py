"""``quartier status`` and ``points`` at a real desk."""

import asyncio
import json

import pytest

from quartier.cli import main
from quartier.cli.operation.gateway_status import suggest_remedy
from quartier.runtime.local_socket.questions import QUESTION_SOCKET, NoDaemon

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


def test_who_may_not_ask_is_told_how_to():
    closed = NoDaemon("no daemon answers")
    closed.__cause__ = PermissionError()

    assert "join the group quartier, or ask with sudo" == suggest_remedy(closed)
    assert "systemctl start quartier" in suggest_remedy(NoDaemon("no daemon answers"))
