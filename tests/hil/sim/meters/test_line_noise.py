from collections import Counter
from random import Random

import pytest

from quartier_sim.meters.line_noise import LINE_QUALITIES, LineNoise, damage_telegrams
from quartier_sim.meters.telegrams import Telegram, TelegramPart

TELEGRAMS = [
    Telegram(
        (
            TelegramPart(b"\x02"),
            *(TelegramPart(f"\n{frame:03d}.{group:02d}\r".encode()) for group in range(20)),
            TelegramPart(b"\x03"),
        )
    )
    for frame in range(50)
]


def test_a_clean_line_changes_nothing():
    heard = damage_telegrams(TELEGRAMS, LineNoise(), seed=1)

    assert b"".join(telegram.data for telegram in TELEGRAMS) == bytes(heard.data)
    assert [] == heard.hit
    assert [piece for telegram in TELEGRAMS for piece in telegram.pieces] == heard.intact


@pytest.mark.parametrize("name", LINE_QUALITIES)
def test_the_same_seed_gives_the_same_noise(name):
    assert damage_telegrams(TELEGRAMS, LINE_QUALITIES[name], 7) == damage_telegrams(
        TELEGRAMS, LINE_QUALITIES[name], 7
    )


@pytest.mark.parametrize("name", [name for name in LINE_QUALITIES if name != "clean"])
def test_every_piece_is_counted_once_and_whole_ones_are_heard_in_order(name):
    heard = damage_telegrams(TELEGRAMS, LINE_QUALITIES[name], 3)
    sent = Counter(piece for telegram in TELEGRAMS for piece in telegram.pieces)

    assert sent == Counter(heard.intact) + Counter(heard.hit)
    assert heard.hit
    at = 0
    for piece in heard.intact:
        at = heard.data.index(piece.data, at) + len(piece.data)


def test_a_cut_telegram_loses_its_end_and_a_late_one_its_beginning():
    cut = damage_telegrams(TELEGRAMS[:1], LineNoise(cut=1.0), 5)
    late = damage_telegrams(TELEGRAMS[:1], LineNoise(late=1.0), 5)

    assert TELEGRAMS[0].data.startswith(bytes(cut.data))
    assert TELEGRAMS[0].data.endswith(bytes(late.data))
    assert len(cut.data) < len(TELEGRAMS[0].data) > len(late.data)


def test_a_stray_byte_between_two_pieces_hits_neither():
    random = Random(1)
    telegram = Telegram((TelegramPart(b"a"), TelegramPart(b"b")))
    heard = damage_telegrams([telegram], LineNoise(stray=1.0, strays=b"\n"), random.randrange(99))

    assert b"\na\nb" == bytes(heard.data)
    assert [TelegramPart(b"a"), TelegramPart(b"b")] == heard.intact


def test_pieces_of_which_nothing_came_are_told_apart():
    (telegram, *_) = TELEGRAMS
    heard = damage_telegrams([telegram], LineNoise(cut=1.0), 3)
    sound = sum(len(piece.data) for piece in heard.intact)

    assert heard.gone
    assert len(heard.hit) - len(heard.gone) <= 1, "the cut goes through one piece at most"
    assert sound <= len(heard.data) < sound + max(len(piece.data) for piece in heard.hit)
