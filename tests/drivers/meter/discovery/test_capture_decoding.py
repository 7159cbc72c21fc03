"""A capture is read as the driver reads it, each frame in the meter's words and in ours."""

import json

import pytest
from tests.drivers.meter.conftest import frame

from quartier_drivers.errors import ConfigError
from quartier_drivers.meter.discovery.capture_decoding import (
    CaptureDecoder,
    CaptureFrame,
    list_protocol_profiles,
)
from quartier_drivers.meter.keys import MeterKeys
from quartier_drivers.meter.telegrams import Group, Telegram
from quartier_drivers.registry import METER_PROTOCOLS

# EMH, a signed message of a charging station's meter (SmlLib 1.7, tests/test_frames.py): no number that we know.
NOTHING_READ = """
1B1B1B1B010101017605C4ACC7C062006200726301017601054562656505D2B35E770B0901454D480000CACF7E010163FA59
007605C4ACC7BF620062007263070177010B0901454D480000CACF7E078180817103FF72620165001E3F7D74770781828154
01FF017262037365671B632253003C53003C010105422CCD8C0177070100011100FF640000087262037365671B632353003C
53003C621E52FF560000009E3C0177078100600800010101010172620172620165001E3F500177078180817101FF01010101
650000000F018304C36D58A17F56377BC23212F85BD600D8EE69776B77BEEB3D53B88037AC44F96465F8A2BEFFDA63450D97
C2EDE9C8A1DD00030163B127007605C4ACC7C162006200726302017101637A1700001B1B1B1B1A01D863
"""
CAPTURE = frame(ADSC="012345678910", EAST="003519702", URMS1="242")


def test_a_frame_is_told_in_both_words():
    capture = CaptureDecoder("tic")
    (found,) = capture.frames([CAPTURE])

    told = json.loads(json.dumps(found.as_json()))
    assert ("012345678910", 1, 0) == (told["meter"], told["frame"], told["bad"])
    assert {"label": "EAST", "value": "003519702", "time": ""}.items() <= told["groups"][1].items()
    assert (1, 3, 3) == (capture.frames_count, capture.groups_count, capture.counts.good_count)


def test_what_json_has_no_word_for_is_null():
    telegram = Telegram("", (Group("0", float("nan"), more={"x": float("inf"), "y": 1}),))

    (found,) = CaptureFrame(1, telegram, {}).as_json()["groups"]
    assert {"label": "0", "value": None, "unit": "", "time": "", "x": None, "y": 1} == found


def test_a_key_of_the_wrong_size_is_said():
    with pytest.raises(ConfigError, match="p1: decoder"):
        CaptureDecoder("p1", keys=MeterKeys(b"short"))


def test_chunks_do_not_matter():
    assert list(CaptureDecoder("tic").frames([CAPTURE])) == list(
        CaptureDecoder("tic").frames(CAPTURE[at : at + 1] for at in range(len(CAPTURE)))
    )


def test_nothing_good_is_no_frame():
    capture = CaptureDecoder("tic")

    assert [] == list(capture.frames([b"rubbish" * 1000]))
    assert 0 == capture.frames_count


def test_only_good_points_are_told():
    capture = CaptureDecoder("tic", "enedis/linky_standard")
    (found,) = capture.frames([frame(ADSC="012345678910", EAST="000000005", URMS1="x", STGE="00000080")])

    assert {"energy_import_wh": 5.0, "over_power_on": True}.items() <= found.points.items()
    assert "voltage_l1_v" not in found.points
    assert ("enedis/linky_standard", "it was asked for") == (found.by.profile, found.by.why)


def test_the_profile_that_fits_the_meter_makes_the_points():
    capture = CaptureDecoder("tic")
    (found,) = capture.frames([CAPTURE])

    assert ["enedis/linky_standard"] == [one.profile for one in capture.suggestions("012345678910")]
    assert "sure" == found.as_json()["sure"]
    assert 3519702.0 == found.points["energy_import_wh"]
    assert {"energy_import_wh", "voltage_l1_v"} <= capture.suggestions("012345678910")[0].points.keys()
    assert "Linky (maker 01, 2023)" == capture.identity("012345678910").text


def test_a_sites_own_profile_is_suggested_too_and_one_with_a_fault_is_passed_over(tmp_path):
    folder = tmp_path / "acme"
    folder.mkdir()
    head = '[profile]\nprotocol = "tic"\nmaker = "A"\nmodel = "B"\nsource = "made for this test"\n'
    mark = '[recognise]\nstates = { ADSC = "0123*", URMS1 = "*" }\n'
    (folder / "own.toml").write_text(f'{head}{mark}[points.energy_import_wh]\ngroup = "EAST"\n')
    (folder / "bad.toml").write_text(f"{head}{mark}[points.nonsense]\n")
    capture = CaptureDecoder("tic", folders=[tmp_path])
    (found,) = capture.frames([CAPTURE])

    assert ("acme/own", {"energy_import_wh": 3519702.0}) == (found.by.profile, found.points)


def test_meters_in_one_capture_are_told_apart():
    other = frame(ADSC="042019222222", EAST="000000007")
    capture = CaptureDecoder("tic")
    list(capture.frames([CAPTURE, other]))

    assert ["012345678910", "042019222222"] == capture.meters
    assert [3519702.0, 7.0] == [
        capture.suggestions(meter)[0].points["energy_import_wh"] for meter in capture.meters
    ]


def test_what_was_said_before_the_meter_said_who_it_is_is_its_own():
    capture = CaptureDecoder("tic")
    list(capture.frames([frame(EAST="000000007"), CAPTURE]))

    assert ["012345678910"] == capture.meters


def test_after_a_while_only_the_way_of_decoding_that_fits_goes_on():
    capture = CaptureDecoder("tic")
    frames = list(capture.frames([CAPTURE] * 30))

    assert {"enedis/linky_standard"} == {one.by.profile for one in frames}
    assert 30 == capture.frames_count == capture.counts.good_count // 3


def test_what_no_profile_reads_has_no_profile():
    sml = bytes.fromhex(NOTHING_READ)
    capture = CaptureDecoder("sml")
    (found,) = capture.frames([sml])

    assert (None, {}) == (found.by, found.points)
    assert ("", "", "") == tuple(found.as_json()[key] for key in ("profile", "sure", "why"))
    assert [] == capture.suggestions("0901454d480000cacf7e")
    assert [] == capture.suggestions("nobody")


def test_a_profile_of_another_protocol_is_refused():
    with pytest.raises(ConfigError, match="speaks modbus; expected one that speaks tic"):
        CaptureDecoder("tic", "eastron/sdm630")


@pytest.mark.parametrize("protocol", METER_PROTOCOLS)
def test_every_profile_of_a_protocol_is_tried(protocol):
    found = list_protocol_profiles(protocol)

    assert found
    assert {protocol} == {one.protocol for one in found}
