"""Where there is no screen: one plain snapshot."""

import asyncio
import subprocess
import sys

from quartier.cli import main


async def test_without_a_terminal_it_prints_one_snapshot(answers, serving, tmp_path, capsys):
    known, about, asked = answers
    async with serving(known, about):
        code = await asyncio.to_thread(main, ["top", "--runtime-dir", str(tmp_path)])
    said = capsys.readouterr().out

    assert (0, [("status", "")] * 2) == (code, asked), "twice: a rate needs two looks"
    assert "CONTROLLED for 65 s" in said
    assert "self-consumption" in said
    assert "8,000 cycles" in said
    assert "\x1b" not in said


async def test_a_terminal_that_can_do_nothing_gets_the_snapshot_too(answers, serving, terminal):
    known, about, _ = answers
    async with serving(known, about):
        dumb = terminal("top", TERM="dumb")
        assert 0 == await dumb.ended()

    assert b"8,000 cycles" in dumb.screen
    assert b"\x1b[?1049h" not in dumb.screen


async def test_without_a_daemon_it_says_so_before_there_is_a_screen(terminal):
    watching = terminal("top")

    assert 69 == await watching.ended()
    assert b"systemctl start quartier" in watching.screen
    assert b"\x1b" not in watching.screen


def test_only_the_screen_itself_loads_textual():
    code = "import sys, quartier.cli.top.command, quartier.cli.operation.gateway_status; sys.exit('textual' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
