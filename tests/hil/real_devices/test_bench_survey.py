"""A walk over a bench: who answers, what is wrong, and nothing switched unless it is asked for."""

import asyncio
import contextlib
import struct

import pytest

from quartier_hil.real_devices import bench_file
from quartier_hil.real_devices.bench_survey import (
    SurveyRow,
    format_survey,
    rest_relays,
    survey_bench,
    survey_with_guardian,
)

pytestmark = pytest.mark.peer


def _by_key(rows):
    return {row.key: row for row in rows}


async def test_a_look_switches_nothing_and_asks_nobody_whose_supply_rests_cut(bench, things):
    rows = _by_key(await survey_bench(bench))

    assert [] == things.switched
    assert [] == [row.key for row in rows.values() if row.wrong]
    assert "4711" == rows["meters.clamp"].says
    assert "not asked: its power rests cut" in rows["devices.charger"].says
    assert "cut, its rest" == rows["devices.charger.power"].says


async def test_with_switching_each_relay_goes_to_both_sides_and_every_device_says_who_it_is(bench, things):
    rows = _by_key(await survey_bench(bench, switch=True))

    assert [] == [row for row in rows.values() if row.wrong]
    assert "23456789" == rows["devices.charger"].says
    assert "16" == rows["devices.charger.measured.current_max_a"].says
    assert {"0 0", "0 1", "1 0", "1 1", "2 0", "2 1"} == {*things.switched}
    assert {"0": 0, "1": 0, "2": 0} == things.coils


async def test_a_walk_that_switches_is_under_a_guardian_that_is_told_first_and_has_nothing_to_do_then(
    bench, things, tmp_path
):
    told = []
    await survey_bench(
        bench, switch=True, record_owed_states=lambda debts: told.append((len(debts), len(things.switched)))
    )
    assert [(3, 0), (0, len(things.switched))] == told

    rows = await survey_with_guardian(bench, tmp_path / "guardian.log")
    assert [] == [row for row in rows if row.wrong]
    assert {"0": 0, "1": 0, "2": 0} == things.coils
    assert "" == (tmp_path / "guardian.log").read_text()


async def test_a_stranger_a_silent_board_and_an_adapter_that_is_not_there_are_wrong(things):
    text = things.file.read_text()
    text += '[adapters.a]\nport = "/dev/serial/by-id/none"\n[boards.gone]\nadapter = "a"\n'
    # The stranger is the meter, which needs no time to boot.
    text += f'[devices.stranger]\nhost = "127.0.0.1"\nport = {things.ports["meter"]}\nunit = 2\nprofile = "keba/p30"\n'
    text += 'identity = { register = "holding:0xFC00", type = "uint32" }\nserial = "1"\nboot_s = 0.1\n'
    things.file.write_text(text)
    rows = _by_key(await survey_bench(bench_file.load_bench(things.file), switch=True))

    assert "says 4711, expected 1" == rows["devices.stranger"].wrong
    assert "" == rows["devices.charger"].wrong
    assert "is not there: is it plugged in?" == rows["adapters.a"].wrong
    assert "/dev/serial/by-id/none" in rows["boards.gone"].wrong


async def test_a_device_that_says_another_name_while_it_boots_is_asked_again(tmp_path):
    said = []

    async def boots(reader, writer):
        """A Modbus unit that names itself 0 twice, then 4711."""
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                request = await reader.readexactly(12)
                said.append(4711 if len(said) >= 2 else 0)
                writer.write(request[:4] + struct.pack(">HBBBI", 7, *request[6:8], 4, said[-1]))
        writer.close()

    async with await asyncio.start_server(boots, "127.0.0.1", 0) as server:
        path = tmp_path / "bench.toml"
        path.write_text(
            f'title = "One that boots"\n[devices.slow]\nhost = "127.0.0.1"\nport = '
            f'{server.sockets[0].getsockname()[1]}\nprofile = "keba/p30"\nserial = "4711"\nboot_s = 60\n'
            'identity = { register = "holding:0", type = "uint32" }\n'
        )
        (row,) = await survey_bench(bench_file.load_bench(path), switch=True)

    assert [0, 0, 4711] == said
    assert ("4711", "") == (row.says, row.wrong)


async def test_a_relay_that_is_not_at_its_rest_is_told_and_put_there(bench, lines):
    await lines.to(bench.boards["power"]).switch(2, on=True)

    assert "its rest is cut" in _by_key(await survey_bench(bench))["devices.charger.car"].wrong
    assert "at rest: cut" == _by_key(await rest_relays(bench))["devices.charger.car"].says
    assert "" == _by_key(await survey_bench(bench))["devices.charger.car"].wrong


def test_the_table_has_a_line_for_each_and_counts_what_is_wrong():
    rows = [
        SurveyRow("boards.power", "h:502, unit 1", "answers"),
        SurveyRow("meters.clamp", "h:503, unit 1", "", "no answer"),
    ]

    assert (
        "ok     boards.power  h:502, unit 1  answers\n"
        "WRONG  meters.clamp  h:503, unit 1  no answer\n"
        "2 looked at, 1 wrong\n"
    ) == format_survey(rows)
