"""Lines for journald carry their priority; all others stay as they are."""

import json
import logging
import os
import sys
from contextlib import contextmanager

import pytest

from quartier.cli import main
from quartier.runtime import log, text_output
from quartier.runtime.text_output import escape_all, escape_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\u001b[2J"),
        ("\x9b31m", "\\u009b31m"),
        ("a\rb\x00", "a\\u000db\\u0000"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("\ud800", "\\ud800"),
        ("two\nlines\tand é - 12 °C", "two\nlines\tand é - 12 °C"),
    ],
)
def test_what_steers_a_terminal_is_shown_and_the_rest_stays(text, shown):
    assert shown == escape_text(text)


def test_a_json_document_keeps_its_meaning():
    value = {"serial\x9b": ["[/x]\u2066", 1, None, {"a": "\x1b"}]}

    assert value == json.loads(escape_text(json.dumps(value, ensure_ascii=False)))
    assert {"serial\\u009b": ["[/x]\\u2066", 1, None, {"a": "\\u001b"}]} == escape_all(value)


@pytest.fixture
def error_lines(tmp_path, monkeypatch):
    """``with error_lines() as lines``: the error output as systemd gives it to a service; ``lines`` reads it."""

    @contextmanager
    def serving():
        path = tmp_path / "journal"
        with path.open("w", encoding="utf-8") as stream, monkeypatch.context() as patch:
            found = os.fstat(stream.fileno())
            patch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
            patch.setattr(sys, "stderr", stream)
            yield lambda: (stream.flush(), path.read_text(encoding="utf-8").splitlines())[1]
        log.configure_logging(style="json")

    return serving


@pytest.mark.parametrize("style", ["json", "console"])
def test_each_line_of_the_log_has_the_priority_of_its_level(error_lines, style):
    with error_lines() as lines:
        with text_output.prioritise_errors():
            log.configure_logging(style=style, level="debug")
            log.get_logger().debug("bus.asked")
            log.get_logger().info("bus.back", bus="rs485")
            log.get_logger().warning("device.silent")
            log.get_logger().error("daemon.failed")
            log.get_logger().critical("disk.full")
            logging.getLogger("library").warning("two\nlines")
            sys.stderr.write("a line of ")
            sys.stderr.write("another part\n")
        found = lines()

    assert ["<7>", "<6>", "<4>", "<3>", "<2>", "<4>", "<4>", "<3>"] == [line[:3] for line in found]
    assert found[5:] == ["<4>library: two", "<4>lines", "<3>a line of another part"]
    assert ("{" if style == "json" else "2") == found[1][3]


def test_a_traceback_has_a_priority_on_each_line(error_lines):
    with error_lines() as lines:
        with text_output.prioritise_errors():
            log.configure_logging(style="console")
            try:
                [].pop()
            except IndexError as bug:
                log.get_logger().error("daemon.failed", exc_info=bug)
        found = lines()

    assert {"<3>"} == {line[:3] for line in found}
    assert len(found) > 3


def test_faults_warnings_and_notes_of_a_command_have_theirs(error_lines, tmp_path):
    site = tmp_path / "site.toml"
    site.write_text(
        'site = { id = "b1", district = "issy" }\nlimits = { contract_import_w = 9000 }\n'
        'buses.lan = { kind = "modbus-tcp", host = "gx" }\n'
        'devices.gx = { bus = "lan", profile = "victron/gx" }\n'
        'assets.grid = { role = "grid", device = "gx", part = "grid" }\n'
    )
    with error_lines() as lines:
        stream = sys.stderr
        assert 0 == main(["check", str(site)])
        assert 69 == main(["status", "--runtime-dir", str(tmp_path)])
        assert stream is sys.stderr
        warning, note, fault = lines()

    assert warning.startswith("<4>warning: ")
    assert note.startswith("<5>note: ")
    assert fault.startswith("<3>")


def test_a_pipe_or_a_file_gets_plain_lines(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    assert 69 == main(["status", "--runtime-dir", str(tmp_path)])

    assert not capsys.readouterr().err.startswith("<")
    assert not text_output.is_journal(sys.stderr, {})
