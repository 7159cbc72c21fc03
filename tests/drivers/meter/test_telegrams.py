"""The common words of meters need little, and do not change."""

import pytest

from quartier_drivers.meter.telegrams import DecoderCounts, Group, Telegram


def test_a_group_says_only_what_it_was_told():
    one = Group("EAST", "003519702")

    assert ("", "", {}) == (one.unit, one.time, dict(one.more))
    assert one.more is Group("PAPP", "1").more, "nothing more is one object"


def test_groups_and_telegrams_do_not_change():
    with pytest.raises(AttributeError):
        Group("EAST", "1").value = "2"
    with pytest.raises(TypeError):
        Group("EAST", "1").more["x"] = 1


def test_a_telegram_is_whole_and_undamaged_unless_it_says_so():
    assert (0, True) == (Telegram("", ()).bad_count, Telegram("", ()).is_whole)
    assert DecoderCounts(0, 0, 0, 0, 0) == DecoderCounts()
