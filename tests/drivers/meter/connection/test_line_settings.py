"""The speed of a meter is found by what comes of it, and found again when it changes."""

import pytest

from quartier_drivers.meter.connection.line_settings import (
    PROTOCOL_SETTINGS,
    PROTOCOL_TRIALS,
    LineSetting,
    SettingSearch,
    TrialLimits,
    list_settings,
)
from quartier_drivers.meter.telegrams import DecoderCounts
from quartier_drivers.registry import METER_PROTOCOLS

STANDARD, HISTORIQUE = PROTOCOL_SETTINGS["tic"]


class Line:
    """A meter at one setting: groups come good there, rubbish elsewhere."""

    def __init__(self, truth, settings=PROTOCOL_SETTINGS["tic"], patience=PROTOCOL_TRIALS["tic"]):
        self.truth = truth
        self.counts = DecoderCounts()
        self.seeker = SettingSearch(settings, patience, 0.0)
        self.now_s = 0.0
        self.changes_count = 0

    def run(self, seconds, *, talks=True):
        for _ in range(seconds):
            self.now_s += 1
            if talks:
                self.counts.bytes_count += 100
                if self.seeker.setting == self.truth:
                    self.counts.good_count += 10
                else:
                    self.counts.bad_count += 3
            self.changes_count += self.seeker.look(self.now_s, self.counts)
        return self.seeker.setting


def test_the_speed_is_found_and_kept():
    line = Line(HISTORIQUE)

    assert HISTORIQUE == line.run(8)
    assert HISTORIQUE == line.run(1000)
    assert line.seeker.is_sure
    assert 1 == line.changes_count


def test_a_meter_that_changes_its_mode_is_found_again():
    line = Line(HISTORIQUE)
    line.run(60)
    line.truth = STANDARD

    assert STANDARD == line.run(30)


def test_silence_is_no_reason_to_look_elsewhere():
    line = Line(HISTORIQUE)
    line.run(60)

    assert HISTORIQUE == line.run(3600, talks=False)
    assert 1 == line.changes_count


def test_a_single_setting_is_never_changed():
    line = Line(STANDARD, (HISTORIQUE,))

    assert HISTORIQUE == line.run(3600)


def test_a_lucky_checksum_among_rubbish_makes_nothing_sure():
    seeker = SettingSearch(PROTOCOL_SETTINGS["tic"], TrialLimits(4.0, 4, 12.0), 0.0)

    assert seeker.look(5.0, DecoderCounts(500, 4, 30))


@pytest.mark.parametrize("protocol", METER_PROTOCOLS)
def test_what_the_site_says_replaces_what_is_usual(protocol):
    assert (LineSetting(9600, "8N1"),) == list_settings(protocol, 9600, "8N1")
    assert PROTOCOL_SETTINGS[protocol] == list_settings(protocol)
    assert all(one.framing == "8N1" for one in list_settings(protocol, None, "8N1"))


def test_a_character_lasts_as_long_as_its_bits():
    assert pytest.approx(10 / 9600) == LineSetting(9600, "7E1").char_s
    assert pytest.approx(11 / 2400) == LineSetting(2400, "8E1").char_s
    assert "2400 8E1" == str(LineSetting(2400, "8E1"))
