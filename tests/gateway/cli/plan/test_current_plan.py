"""``quartier plan`` of a running daemon: its answer becomes the same page as a plan from a file."""

import asyncio
import json
import os
import sys

import pytest

from quartier.cli import main
from quartier.cli.plan import current_plan
from quartier.runtime.local_socket.questions import QuestionServer

STEP = {
    "battery_w": 1000.0,
    "grid_w": 1500.0,
    "curtailed_w": 0.0,
    "energy_wh": 5000.0,
    "cost_eur": 0.1,
    "value_eur_per_wh": 0.0003,
    "cap_eur_per_wh": 0.0,
    "load_w": 500.0,
    "pv_w": 0.0,
    "import_eur_per_wh": 0.0001,
    "export_eur_per_wh": 0.0,
    "why": "charges: an import costs 0.100, worth 0.300 in store",
}
TOLD = {
    "asset": "bat1",
    "why_not": "",
    "age_s": 70.0,
    "step_s": 3600,
    "start_utc_ms": 1_774_738_800_000,  # 2026-03-29 00:00 in Paris, a day of 23 hours
    "time_zone": "Europe/Paris",
    "cost_eur": 0.4,
    "left_eur": 0.1,
    "peak_w": 1500.0,
    "gap_eur": 0.0,
    "given_up": [{"what": "caps", "wh": 12.0, "steps": [1]}],
    "forecast": {"model": "ridge, none", "error_w": 321.0},
    "steps": [STEP] * 4,
    "others": {
        "ev1": [
            {"power_w": 0.0, "value": 0.0, "why": "waits until 03:00"},
            {"power_w": 0.0, "value": 0.0, "why": "waits until 03:00"},
            {"power_w": 6900.0, "value": 10.0, "why": "charges"},
            {"power_w": 0.0, "value": 0.0, "why": "has all the energy that it wants"},
        ]
    },
    "beside_why_not": "",
}


@pytest.mark.parametrize("more", [(), ("--json",)])
async def test_whoever_reads_only_the_head_gets_no_trace(tmp_path, more):
    """``quartier plan | head -1`` beside a daemon: the pipe is closed before anything is printed."""
    reader, writer = os.pipe()
    os.close(reader)
    desk = QuestionServer(tmp_path, {"plan": lambda: TOLD})
    words = ("-m", "quartier.cli", "plan", "--runtime-dir", str(tmp_path), *more)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(desk.run())
        while not (tmp_path / "quartier.sock").exists():  # noqa: ASYNC110 - it is all there is to see
            await asyncio.sleep(0)
        done = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdout=writer, stderr=asyncio.subprocess.PIPE
        )
        _, err = await done.communicate()
        serving.cancel()
    os.close(writer)

    assert (0, b"") == (done.returncode, err)


@pytest.fixture
def asked(tmp_path, capsys):
    """The command beside a desk that answers so; a socket's path must be short."""

    async def call(answer, *options):
        desk = QuestionServer(tmp_path, {"plan": lambda: answer})
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(desk.run())
            while not (tmp_path / "quartier.sock").exists():  # noqa: ASYNC110 - it is all there is to see
                await asyncio.sleep(0)
            code = await asyncio.to_thread(main, ["plan", "--runtime-dir", str(tmp_path), *options])
            serving.cancel()
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


async def test_the_plan_in_force_is_shown_with_its_age_forecast_and_reasons(asked):
    code, out, err = await asked(TOLD)

    assert (0, "") == (code, err)
    assert "in force, 70 s old; forecast of the net: ridge, none, error 321 W" in out
    assert "given up: the caps cannot be kept: 12 Wh are beyond them, from 01:00+0100 in 1 step" in out
    assert "charges: an import costs 0.100" in " ".join(out.split())
    assert json.loads((await asked(TOLD, "--json"))[1]) == TOLD


async def test_what_is_planned_beside_the_battery_stands_below_with_its_reason_or_why_nothing_is(asked):
    _, out, _ = await asked(TOLD)

    assert "ev1, 00:00+0100 to 03:00+0200: 0 W, waits until 03:00\n" in out
    assert "ev1, 04:00+0200 to the end: 0 W, has all the energy that it wants\n" in out
    _, out, _ = await asked({**TOLD, "others": {}, "beside_why_not": "too large"})
    assert "the others are not planned: too large\n" in out


async def test_a_plan_that_is_not_followed_says_why(asked):
    told = {**TOLD, "why_not": "the clock is not trusted", "steps": []}
    code, out, _ = await asked(told)

    assert (1, "not followed, the rule of self-consumption leads: the clock is not trusted\n") == (code, out)


async def test_a_house_that_does_not_plan_and_a_daemon_that_is_away_say_so(asked, tmp_path, capsys):
    assert (1, "this house does not plan: its site file has no [planning]\n") == (await asked(None))[:2]
    assert 69 == main(["plan", "--runtime-dir", str(tmp_path / "nowhere")])
    assert (
        "systemctl start quartier, or name its --runtime-dir; --series CSV plans" in capsys.readouterr().err
    )


def test_steps_go_by_the_wall_over_the_change_of_the_clock():
    plan, steps, why = current_plan.load_plan({**TOLD, "forecast": {"model": "habit", "error_w": None}})

    assert ["00:00+0100", "01:00+0100", "03:00+0200", "04:00+0200"] == [
        steps.format_time(number) for number in range(4)
    ]
    assert (1000.0, 4, 4) == (plan.steps[0].battery_w, len(plan.steps), len(why))
