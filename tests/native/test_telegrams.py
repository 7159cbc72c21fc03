"""The compiled groups and telegrams and their twins look alike, behave alike, and do not change."""

import copy
import pickle
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_native import meters
from quartier_native import telegrams as kernel
from quartier_native.reference import telegrams as twin

ENGINES = pytest.mark.parametrize("engine", [kernel, twin], ids=["kernel", "twin"])
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


@given(GROUPS, GROUPS)
def test_groups_show_and_compare_like_their_twins(one, other):
    made, meant = kernel.Group(**one), twin.Group(**one)

    assert repr(meant) == repr(made)
    assert (meant == twin.Group(**other)) == (made == kernel.Group(**other))
    assert [getattr(meant, name) for name in twin.Group.__match_args__] == [
        getattr(made, name) for name in kernel.Group.__match_args__
    ]


@given(TELEGRAMS, TELEGRAMS, st.lists(GROUPS, max_size=2), st.lists(GROUPS, max_size=2))
def test_telegrams_show_and_compare_like_their_twins(one, other, groups, others):
    def telegram(engine, words, inside):
        return engine.Telegram(groups=tuple(engine.Group(**group) for group in inside), **words)

    made, meant = telegram(kernel, one, groups), telegram(twin, one, groups)
    assert repr(meant) == repr(made)
    assert (meant == telegram(twin, other, others)) == (made == telegram(kernel, other, others))
    assert [getattr(meant, name) for name in twin.Telegram.__match_args__][2:] == [
        getattr(made, name) for name in kernel.Telegram.__match_args__
    ][2:]


@ENGINES
def test_a_group_is_a_key_where_what_it_says_is_one(engine):
    one, same = engine.Group("A", 1, more=()), engine.Group("A", 1.0, more=())

    assert {one: 5} == {same: 5}
    with pytest.raises(TypeError):
        hash(engine.Group("A", 1, more={}))
    assert {engine.Telegram("A", ()): 5} == {engine.Telegram("A", (), is_proven=True): 5}


@ENGINES
@pytest.mark.parametrize("name", ["label", "value", "unit", "time", "more", "other"])
def test_a_group_does_not_change(engine, name):
    with pytest.raises((AttributeError, TypeError)):  # TypeError: a slotted dataclass and a name it has not
        setattr(engine.Group("A", 1), name, "x")
    with pytest.raises(AttributeError):
        engine.Telegram("A", ()).meter = "x"


def test_a_value_that_is_no_number_is_the_same_as_itself():
    nan = float("nan")

    assert kernel.Group("A", nan, more={}) == kernel.Group("A", nan, more={})


@ENGINES
def test_what_is_of_another_kind_is_another(engine):
    assert engine.Group("A", "A") != "A"
    assert engine.Telegram("A", ()) != "A"


@ENGINES
def test_groups_and_telegrams_can_be_copied_and_kept(engine):
    group = engine.Group("A", 1, "W", "t", {"x": 1})
    telegram = engine.Telegram("M", (group,), 2, is_whole=False, is_proven=True)

    for again in (copy.copy(telegram), pickle.loads(pickle.dumps(telegram))):
        assert telegram == again
        assert again.is_proven


@ENGINES
def test_nothing_more_is_one_object(engine):
    assert engine.Group("A", 1).more is engine.Group("B", 2).more is meters.NOTHING_MORE


def test_what_is_no_group_is_refused_by_the_kernel():
    for wrong in ((None, 1), ("A", 1, None), (1, 1), ("A", 1, "", None)):
        with pytest.raises(TypeError):
            kernel.Group(*wrong)
    with pytest.raises(TypeError):
        kernel.Telegram("A", [])
