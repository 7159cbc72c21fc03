import json

import pytest

from quartier.runtime import log


def test_journald_gets_one_json_object_a_line(capsys):
    log.configure_logging(style="json")
    log.get_logger().warning("device.silent", device="grid", age_s=12.1)

    line = json.loads(capsys.readouterr().err)
    assert ("device.silent", "grid", "warning") == (line["event"], line["device"], line["level"])


def test_people_get_words_and_no_colours_where_there_is_no_terminal(capsys):
    log.configure_logging(style="console")
    log.get_logger().info("bus.back", bus="rs485")

    text = capsys.readouterr().err
    assert "bus.back" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_traceback_shows_no_value_of_a_variable(capsys, style):
    log.configure_logging(style=style)

    def sign_in(password):
        raise RuntimeError("it broke" if password else "")

    try:
        sign_in("hunter" + str(2))
    except RuntimeError as bug:
        log.get_logger().error("daemon.failed", exc_info=bug)

    text = capsys.readouterr().err
    assert "it broke" in text
    assert "hunter2" not in text


def test_foreign_text_steers_no_terminal_and_breaks_no_line(capsys):
    for style in ("json", "console"):
        log.configure_logging(style=style)
        log.get_logger().info("device.identified", serial="\x1b[2J\u202e", why=["\x9b31m"])

    assert not {"\x1b", "\x9b", "\u202e"} & set(capsys.readouterr().err)
