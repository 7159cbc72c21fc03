import json

import pytest

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
