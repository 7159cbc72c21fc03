import io
import json

import pytest

from quartier_hil.cli import device_commands, main


def test_a_capture_comes_with_what_it_says(tmp_path):
    out, expected = io.BytesIO(), tmp_path / "expected.jsonl"
    device_commands.write_capture("tic-standard", out, count=3, expected=expected)

    rows = [json.loads(line) for line in expected.read_text().splitlines()]
    assert 3 == out.getvalue().count(b"\nADSC\t")
    assert 3 == sum(row["label"] == "SINSTS" for row in rows)
    assert all(set(row) <= {"label", "value", "unit", "time", "more"} for row in rows)


def test_on_a_bad_line_less_comes_through(tmp_path):
    counts = []
    for line in ("clean", "awful"):
        expected = tmp_path / line
        device_commands.write_capture("p1", io.BytesIO(), count=20, line=line, expected=expected)
        counts.append(len(expected.read_text().splitlines()))

    assert counts[0] > counts[1]


def test_the_command_writes_bytes(capfdbinary):
    assert 0 == main(["capture", "sml", "--count", "2"])
    assert 2 == capfdbinary.readouterr().out.count(b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01")


def test_what_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["capture", "gas"])
    assert "invalid choice" in capsys.readouterr().err
