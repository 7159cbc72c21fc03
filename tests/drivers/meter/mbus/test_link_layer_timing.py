"""Waits by the speed of the line."""

import pytest

from quartier_drivers.meter.mbus.link_layer import BAUDS, LineTiming


@pytest.mark.parametrize(("answer_s", "baud"), [(1.15, 300), (0.1875, 2400), (0.084375, 9600)])
def test_an_answer_may_take_330_bits_and_50_ms(answer_s, baud):
    assert answer_s == pytest.approx(LineTiming(baud).answer_s())


@pytest.mark.parametrize("baud", BAUDS)
def test_a_gap_is_longer_than_a_rest_and_than_a_character(baud):
    timing = LineTiming(baud)

    assert timing.gap_s > timing.rest_s > timing.sending_s(1)


def test_slow_meters_are_allowed_for():
    assert LineTiming(2400).answer_s() + 0.5 == pytest.approx(LineTiming(2400, 0.5).answer_s())


def test_over_tcp_the_request_is_still_to_be_sent_when_we_wait():
    assert LineTiming(300).answer_s() + 0.1 + 17 * 11 / 300 == pytest.approx(
        LineTiming(300, over_tcp=True).answer_s(17)
    )
    assert LineTiming(300).answer_s() == LineTiming(300).answer_s(17)
    assert LineTiming(2400).gap_s + 0.2 == pytest.approx(LineTiming(2400, over_tcp=True).gap_s)


def test_eleven_bits_are_a_character():
    assert 0.055 == pytest.approx(LineTiming(2400).sending_s(12))


def test_a_reading_takes_its_reset_or_selection_and_the_longest_telegram_at_most():
    timing = LineTiming(2400)

    assert (6 + 266) * 11 / 2400 + 2 * (0.1875 + 33 / 2400) == pytest.approx(timing.reading_s(selects=False))
    assert 12 * 11 / 2400 == pytest.approx(timing.reading_s(selects=True) - timing.reading_s(selects=False))
