"""What is encoded cheaply is what the rig's meters encode, telegram by telegram."""

import datetime as dt
import random

import pytest

from quartier_bench.soak.meter_senders import UPDATE_S, LinkySender, P1Sender, RandomLoad, compute_arc
from quartier_drivers.meter.p1 import push_decoder as p1_push_decoder
from quartier_drivers.meter.tic import push_decoder
from quartier_sim.meters import telegrams

BEGIN = dt.datetime(2026, 6, 12, 11, 59, 30, tzinfo=dt.UTC)


def said(talker, count, step_s):
    return [talker.next(BEGIN + dt.timedelta(seconds=step_s * place)) for place in range(count)]


@pytest.mark.parametrize(
    ("talker", "decoder", "step_s"),
    [(LinkySender, push_decoder.make_decoder, 1.2), (P1Sender, p1_push_decoder.make_decoder, 1.0)],
)
def test_the_decoder_hears_the_words_that_were_said(talker, decoder, step_s):
    speaking, hearing = talker(RandomLoad(1)), decoder()
    uttered = said(speaking, 60, step_s)
    heard = [one for each in uttered for one in hearing.feed(each.data)] + hearing.end()

    assert [word for each in uttered for word in each.words] == [
        word for one in heard for word in speaking.extract_words(one)
    ]
    assert 60 == len(heard)
    assert 60 == len({each.data for each in uttered}), "no two are alike"


@pytest.mark.parametrize("talker", [LinkySender, P1Sender])
def test_words_of_the_pieces_are_those_of_the_whole(talker):
    speaking = talker(RandomLoad(1))
    for uttered in said(speaking, 30, 1.0):
        assert list(uttered.words) == speaking.words(uttered.telegram.pieces)
        assert uttered.data == uttered.telegram.data


def test_a_linky_fills_its_line():
    uttered = LinkySender(RandomLoad(1)).next(BEGIN)

    assert len(uttered.data) == uttered.lasts_s * 960


@pytest.mark.parametrize("talker", [LinkySender, P1Sender])
def test_what_the_image_must_show_changes_with_the_load(talker):
    speaking = talker(RandomLoad(1))
    seen = [dict(speaking.values) for _ in said(speaking, 3, 2 * UPDATE_S)]
    speaking.next(BEGIN + dt.timedelta(hours=1))

    assert speaking.values
    assert speaking.values != seen[0]


def test_the_crc_by_table_is_that_of_the_standard():
    chance = random.Random(1)
    for _ in range(50):
        data = chance.randbytes(chance.randrange(200))
        assert telegrams.compute_crc_arc(data) == compute_arc(data)
        assert compute_arc(data + b"more") == compute_arc(b"more", compute_arc(data))
