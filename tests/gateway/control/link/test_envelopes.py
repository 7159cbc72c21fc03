from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.control.link import envelopes as link_envelopes
from quartier.control.records import PowerLimits
from quartier.control.requests import Interval

EPOCH_MS = 1_790_000_000_000


def ms(t):
    return EPOCH_MS + int(t * 1000)


@pytest.mark.parametrize(
    ("t", "import_w"), [(-1, 7000), (0, 4000), (99.999, 4000), (100, 8000), (299.999, 8000), (300, 7000)]
)
def test_each_instant_belongs_to_one_interval_or_the_default(document, t, import_w):
    two = replace(document(), intervals=(Interval(100, 4000), Interval(200, 8000)))

    assert import_w == link_envelopes.find_limits_at(two, ms(t)).import_w


def test_a_direction_left_out_falls_back_to_the_default(document):
    only = replace(document(), intervals=(Interval(100, None, None, 500),))

    assert PowerLimits(7000, 3000, 500, inf) == link_envelopes.find_limits_at(only, ms(1))


def test_lowest_is_the_tightest_of_a_window(document):
    dip = replace(document(), intervals=(Interval(100, 8000), Interval(10, 1000), Interval(100, 8000)))

    assert 1000 == link_envelopes.find_lowest_limits(dip, ms(50), ms(150)).import_w
    assert 8000 == link_envelopes.find_lowest_limits(dip, ms(111), ms(150)).import_w


@pytest.mark.parametrize(("t", "eases"), [(50, 210), (105, 110), (150, 210), (220, 1000)])
def test_a_cap_eases_where_any_direction_next_rises_at_the_latest_with_its_document(document, t, eases):
    steps = (Interval(100, 1000), Interval(10, 500), Interval(100, 1000))
    made = replace(document(), intervals=steps, default_import_max_w=7000, exp_utc_ms=ms(1000))

    assert ms(eases) == link_envelopes.find_next_rise_ms(made, ms(t))


def test_a_ramp_slows_a_loosening_and_never_a_tightening(document):
    steps = (Interval(100, 2000), Interval(100, 6000), Interval(100, 1000))
    slow = replace(document(), intervals=steps, ramp_w_per_s=50)

    assert [2000, 2500, 6000, 1000] == [
        link_envelopes.find_limits_at(slow, ms(t)).import_w for t in (99, 110, 190, 201)
    ]


def test_used_up_is_the_last_interval_or_the_end(document):
    assert ms(14_400) == link_envelopes.find_schedule_end_ms(document())
    assert ms(500) == link_envelopes.find_schedule_end_ms(document(exp_s=500))


powers = st.none() | st.floats(0, 1e5)
envelopes = st.builds(
    lambda pairs, ramp: (pairs, ramp),
    st.lists(st.tuples(st.integers(1, 500), powers, powers, powers), min_size=1, max_size=4),
    st.none() | st.floats(1, 100),
)


@given(envelopes, envelopes, st.integers(-100, 3000))
def test_flattened_is_at_no_time_looser_than_either(document, first, second, t):
    made = [
        replace(document(), intervals=tuple(Interval(*one) for one in pairs), ramp_w_per_s=ramp)
        for pairs, ramp in (first, second)
    ]
    flat = link_envelopes.find_limits_at(link_envelopes.flatten_envelopes(*made), ms(t))

    for one in made:
        assert flat == flat.least(link_envelopes.find_limits_at(one, ms(t)))


@given(envelopes, st.integers(-100, 3000), st.integers(0, 500))
def test_a_window_is_never_looser_than_its_end(document, made, t, back):
    one = replace(document(), intervals=tuple(Interval(*i) for i in made[0]), ramp_w_per_s=made[1])
    window = link_envelopes.find_lowest_limits(one, ms(t - back), ms(t))

    assert window == window.least(link_envelopes.find_limits_at(one, ms(t)))


@pytest.mark.parametrize(
    "change",
    [
        {"intervals": ()},
        {"intervals": (Interval(1.0),) * 289},
        {"intervals": (Interval(0.0, 1.0),)},
        {"intervals": (Interval(float("inf"), 1.0),)},
        {"intervals": (Interval(1.0, float("inf")),)},
        {"default_export_max_w": -1.0},
        {"randomize_start_s": float("nan")},
        {"ramp_w_per_s": -1.0},
        {"exp_utc_ms": 0},
    ],
)
def test_an_unusable_envelope_is_told(document, change):
    assert link_envelopes.find_envelope_fault(replace(document(), **change))


def test_a_usable_envelope_has_no_fault(document):
    assert "" == link_envelopes.find_envelope_fault(replace(document(), ramp_w_per_s=1.0))
