"""``quartier notify``: check, test, and the service itself."""

import asyncio
import json
import signal
import subprocess
import sys

import pytest

from quartier.cli import main

HOOK = """
[channels.desk]
kind = "webhook"
url = "http://127.0.0.1:{port}/hook"
quiet = {{}}
"""


@pytest.fixture
def settings(tmp_path, free_port):
    path = tmp_path / "notify.toml"
    path.write_text(HOOK.format(port=free_port))
    return path


def test_check_lists_the_channels(settings, capsys, free_port):
    assert 0 == main(["notify", "--check", "--settings", str(settings)])
    said = capsys.readouterr().out
    assert f"http://127.0.0.1:{free_port}/hook" in said
    assert "22:00 to 06:30 except critical" in said
    assert 0 == main(["notify", "--check", "--settings", str(settings), "--json"])
    assert "webhook" == json.loads(capsys.readouterr().out)["channels"]["desk"]["kind"]


def test_wrong_settings_are_78_with_the_line(settings, capsys):
    settings.write_text(settings.read_text() + "colour = 3\n")
    assert 78 == main(["notify", "--check", "--settings", str(settings)])
    assert f"{settings}:6: channels.desk.colour: is an unknown key" in capsys.readouterr().err


def test_a_test_that_is_not_taken_is_1_and_a_channel_that_is_not_there_78(settings, capsys, tmp_path):
    words = ["notify", "--settings", str(settings), "--runtime-dir", str(tmp_path), "--test"]
    assert 1 == main(words)
    assert "desk: not sent: " in capsys.readouterr().err
    assert 78 == main([*words, "phone"])
    assert "there is no channel 'phone'; expected one of desk" in capsys.readouterr().err


def test_without_a_folder_for_its_state_it_is_73(settings, capsys, tmp_path):
    assert 73 == main(["notify", "--settings", str(settings), "--state-dir", str(tmp_path / "nowhere")])
    assert "give --state-dir" in capsys.readouterr().err


@pytest.mark.daemon
async def test_the_service_ends_at_sigterm(settings, tmp_path):
    words = [
        "notify",
        "--settings",
        str(settings),
        "--state-dir",
        str(tmp_path),
        "--runtime-dir",
        str(tmp_path),
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "quartier.cli", *words, stdout=subprocess.PIPE
    )
    async with asyncio.timeout(60):
        assert b"telling desk of alarms\n" == await process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert 0 == await process.wait()
