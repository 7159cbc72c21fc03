"""A capture is read as the driver reads it, each frame in the meter's words and in ours."""

import json

import pytest
from tests.drivers.meter.conftest import LINKY, frame

from quartier_drivers.errors import ConfigError
from quartier_drivers.meter.decode import Capture, Frame, Points, usual
from quartier_drivers.meter.keys import Keys
from quartier_drivers.meter.telegram import Group, Telegram
from quartier_drivers.profile import parse
from quartier_drivers.registry import METERS

CAPTURE = frame(ADSC="012345678910", EAST="003519702", URMS1="242")


def test_a_frame_is_told_in_both_words():
    capture = Capture("tic")
    (found,) = capture.frames([CAPTURE])

    told = json.loads(json.dumps(found.as_json()))
    assert ("012345678910", 1, 0) == (told["meter"], told["frame"], told["bad"])
    assert {"label": "EAST", "value": "003519702", "time": ""}.items() <= told["groups"][1].items()
    assert (1, 3, 3) == (capture.frames_count, capture.groups_count, capture.counts.good_count)


def test_what_json_has_no_word_for_is_null():
    telegram = Telegram("", (Group("0", float("nan"), more={"x": float("inf"), "y": 1}),))

    (found,) = Frame(1, telegram, {}).as_json()["groups"]
    assert {"label": "0", "value": None, "unit": "", "time": "", "x": None, "y": 1} == found


def test_a_key_of_the_wrong_size_is_said():
    with pytest.raises(ConfigError, match="p1: decoder"):
        Capture("p1", keys=Keys(b"short"))


def test_chunks_do_not_matter():
    assert list(Capture("tic").frames([CAPTURE])) == list(
        Capture("tic").frames(CAPTURE[at : at + 1] for at in range(len(CAPTURE)))
    )


def test_nothing_good_is_no_frame():
    capture = Capture("tic")

    assert [] == list(capture.frames([b"rubbish" * 1000]))
    assert 0 == capture.frames_count


def test_only_good_points_are_told():
    telegram = Telegram("", (Group("EAST", "5"), Group("URMS1", "x"), Group("STGE", "00000080")))

    assert {"energy_import_wh": 5.0, "over_power_on": True} == Points([LINKY]).of(telegram)
    assert {} == Points([]).of(telegram)


def test_of_several_profiles_the_one_that_tells_most_counts():
    head = '[profile]\nprotocol = "tic"\nmaker = "A"\nmodel = "B"\nsource = "made for this test"\n'
    other = parse(f'{head}[points.over_on]\ngroup = "ADPS"\nunstated = 0\n', "a/b", "b.toml")

    assert {"energy_import_wh": 5.0} == Points([other, LINKY]).of(Telegram("", (Group("EAST", "5"),)))
    assert {} == Points([other]).of(Telegram("", (Group("EAST", "5"),)))


def test_a_profile_of_another_protocol_is_refused():
    with pytest.raises(ConfigError, match="speaks modbus; expected one that speaks tic"):
        Capture("tic", "eastron/sdm630")


@pytest.mark.parametrize("protocol", METERS)
def test_the_usual_profiles_of_a_protocol_need_nothing_special(protocol):
    assert all(one.protocol == protocol and not one.decoder for one in usual(protocol))
