"""``quartier-hil replay`` says where it serves, and why it does not."""

import asyncio
import sys

import pytest

from quartier_hil.cli import main


def test_a_file_that_is_no_record_is_refused(tmp_path, capsys):
    path = tmp_path / "a.txt"
    path.write_text("hello")

    assert 2 == main(["replay", str(path)])
    assert "no record" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(tmp_path, capsys):
    assert 2 == main(["replay", str(tmp_path / "b.txt")])
    assert "b.txt" in capsys.readouterr().err


def test_both_wires_at_once_are_no_use(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["replay", "a", "--tcp", "0", "--pty"])

    assert 2 == ended.value.code
    assert "not allowed with" in capsys.readouterr().err


async def test_it_says_where_it_serves_and_answers_there(tmp_path):
    path = tmp_path / "tic0.txt"
    path.write_text("# quartier record 1\n2026-11-28T13:45:17.000000000Z 1.000000000 < 0a41 |.A|\n")
    words = ("-m", "quartier_hil.cli", "replay", str(path), "--tcp", "0", "--fast")
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
    try:
        url = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        assert b"\nA" == await asyncio.wait_for(reader.readexactly(2), 60)
        writer.close()
    finally:
        process.kill()
        await process.wait()
