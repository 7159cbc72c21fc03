"""How well a meter is heard is said in words that help, once."""

import pytest

from quartier_drivers.meter.connection.line_settings import ReceptionMonitor
from quartier_drivers.meter.telegrams import DecoderCounts


class Line:
    def __init__(self, protocol="tic"):
        self.signal = ReceptionMonitor(protocol, 0.0)
        self.counts = DecoderCounts()
        self.now_s = 0.0

    def run(self, seconds, *, heard=100, good=10, bad=0, why=""):
        for _ in range(seconds):
            self.now_s += 1
            self.counts.bytes_count += heard
            self.counts.good_count += good
            self.counts.bad_count += bad
            self.signal.look(self.now_s, self.counts, ("9600 7E1", "1200 7E1"), why)
        return self.signal.advice


def test_a_sound_line_needs_no_advice():
    assert "" == Line().run(300)


@pytest.mark.parametrize(
    ("protocol", "words"),
    [("tic", "cable or dongle"), ("p1", "RTS"), ("sml", "reading head"), ("dlms", "operator")],
)
def test_no_bytes_at_all_is_the_cable(protocol, words):
    advice = Line(protocol).run(20, heard=0, good=0)

    assert advice.startswith("no bytes at all: ")
    assert words in advice


def test_bytes_without_a_frame_name_the_speeds_that_were_tried():
    assert (
        "bytes but no frame at 9600 7E1 or 1200 7E1: wrong port, wrong kind of meter or inverted signal"
        == Line().run(20, good=0)
    )


def test_what_the_decoder_knows_better_is_said():
    assert "the key does not fit" == Line("dlms").run(20, good=0, why="the key does not fit")


def test_many_bad_checksums_are_the_ground():
    line = Line()
    advice = line.run(60, good=17, bad=8)

    assert advice.startswith("32 % bad checksums: ground or pull-up of the dongle")
    assert pytest.approx(32.0) == line.signal.bad_pct


def test_worse_and_better_are_each_noted_once():
    line = Line()
    line.run(120)
    line.run(600, good=8, bad=2)
    line.run(600)

    assert ["signal.bad", "signal.good"] == [note.code for note in line.signal.notes()]
    assert [] == line.signal.notes()


def test_a_meter_that_speaks_again_is_not_silent():
    line = Line()
    line.run(30, heard=0, good=0)
    assert line.signal.is_silent

    line.run(1)
    assert not line.signal.is_silent


def test_nothing_is_kept_but_the_last_minute():
    line = Line()
    line.run(5000)

    assert len(line.signal._past) < 64
