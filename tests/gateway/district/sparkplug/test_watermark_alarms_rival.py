import json

import pytest

from quartier.district.sparkplug.watermark_alarms import find_superseded_note


def watermark(**boots):
    streams = {stream: {"boot": boot, "seq": 5} for stream, boot in boots.items()}
    return json.dumps({"bdseq": 1, "streams": streams}).encode()


def is_stranger(boot):
    return boot == 9


def test_a_boot_that_none_of_our_starts_had_is_an_alarm_that_names_it():
    note = find_superseded_note(watermark(grid=7, bat1=9), is_stranger)

    assert ("district.superseded", True, {"boot": 9}) == (note.code, note.alarm, note.data)


@pytest.mark.parametrize("said", [watermark(grid=7, bat1=8), watermark(), b"", b"\xff", b'{"streams": 3}'])
def test_our_own_boots_and_what_is_no_watermark_say_nothing(said):
    assert None is find_superseded_note(said, is_stranger)
