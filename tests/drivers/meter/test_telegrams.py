"""The common words of meters need little, and do not change."""

import copy
import pickle
from types import MappingProxyType

import pytest
from hypothesis import strategies as st

from quartier_drivers.meter import telegrams
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


GROUPS = st.fixed_dictionaries(
    {
        "label": st.sampled_from(["EAST", "1-0:1.8.0"]),
        "value": st.sampled_from([0, 0.0, 1, 1.0, "1", float("inf"), -5]) | st.text(max_size=3),
    },
    optional={
        "unit": st.sampled_from(["", "Wh"]),
        "time": st.sampled_from(["", "2026-11-25T19:30:00"]),
        "more": st.sampled_from([MappingProxyType({}), {}, {"status": 4}]),
    },
)
TELEGRAMS = st.fixed_dictionaries(
    {"meter": st.sampled_from(["", "4711"])},
    optional={
        "bad_count": st.integers(0, 1),
        "is_whole": st.booleans(),
        "is_proven": st.booleans(),
    },
)


def test_a_group_is_a_key_where_what_it_says_is_one():
    one, same = telegrams.Group("A", 1, more=()), telegrams.Group("A", 1.0, more=())

    assert {one: 5} == {same: 5}
    with pytest.raises(TypeError):
        hash(telegrams.Group("A", 1, more={}))
    assert {telegrams.Telegram("A", ()): 5} == {telegrams.Telegram("A", (), is_proven=True): 5}


@pytest.mark.parametrize("name", ["label", "value", "unit", "time", "more", "other"])
def test_a_group_does_not_change(name):
    with pytest.raises((AttributeError, TypeError)):  # TypeError: a slotted dataclass and a name it has not
        setattr(telegrams.Group("A", 1), name, "x")
    with pytest.raises(AttributeError):
        telegrams.Telegram("A", ()).meter = "x"


def test_a_value_that_is_no_number_is_the_same_as_itself():
    nan = float("nan")

    assert telegrams.Group("A", nan, more={}) == telegrams.Group("A", nan, more={})


def test_what_is_of_another_kind_is_another():
    assert telegrams.Group("A", "A") != "A"
    assert telegrams.Telegram("A", ()) != "A"


def test_groups_and_telegrams_can_be_copied_and_kept():
    group = telegrams.Group("A", 1, "W", "t", {"x": 1})
    telegram = telegrams.Telegram("M", (group,), 2, is_whole=False, is_proven=True)

    for again in (copy.copy(telegram), pickle.loads(pickle.dumps(telegram))):
        assert telegram == again
        assert again.is_proven


def test_nothing_more_is_one_object():
    assert telegrams.Group("A", 1).more is telegrams.Group("B", 2).more is telegrams.NO_DETAILS
