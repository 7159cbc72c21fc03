import pytest

from quartier_hil.drill import reactions

STOOD = [(-2.0, -3000.0), (-1.0, -3000.0)]


@pytest.mark.parametrize(
    ("after", "expected_s"),
    [
        ([(1, -3000), (2, 0), (3, 0)], 2),
        ([(1, 0), (2, -3000), (3, 0)], 3),  # not for good the first time
        ([(1, -3000), (2, -3000)], None),
        ([(1, 0), (2, -100)], None),
    ],
)
def test_an_order_has_fallen_when_it_stays_there(after, expected_s):
    assert expected_s == reactions.measure_settling(0.0)([*STOOD, *after]).after_s


def test_where_no_order_stood_nothing_was_shown():
    assert reactions.measure_settling(0.0)([(-1.0, 0.0), (1.0, 0.0)]).after_s is None
    assert reactions.measure_settling(0.0)([(1.0, 0.0)]).after_s is None


@pytest.mark.parametrize(
    ("measure", "before", "is_shown"),
    [
        (reactions.measure_settling(0.0), [(-1.0, 0.0)], False),
        (reactions.measure_settling(0.0), [(-1.0, -3000.0)], True),
        (reactions.measure_decrease(1.0), [(-1.0, 0.0)], False),
        (reactions.measure_decrease(1.0), [], False),
        (reactions.measure_decrease(1.0), [(-1.0, 16.0)], True),
    ],
)
def test_an_order_that_did_not_stand_before_the_loss_shows_no_reaction(measure, before, is_shown):
    still = before[-1][1] if before else 0.0

    found = measure([*before, (1.0, still), (2.0, still)])
    assert (None, is_shown) == (found.after_s, found.is_shown)


def test_an_order_sinks_when_it_is_lower_than_it_stood():
    assert 2 == reactions.measure_decrease(1.0)([(-1, 16), (1, 16), (2, 10), (3, 16)]).after_s
    assert reactions.measure_decrease(1.0)([(-1, 16), (1, 16), (2, 17)]).after_s is None
    assert reactions.measure_decrease(1.0)([(1, 16)]).after_s is None


@pytest.mark.parametrize(
    ("after", "expected_s"),
    [([(1, -3000), (9, -3000)], 0), ([(1, -3100), (2, -3500), (9, -3500)], 2), ([(1, -3100), (12, 0)], 1)],
)
def test_an_order_rests_after_its_last_move_in_time(after, expected_s):
    assert expected_s == reactions.measure_last_change(until_s=10.0)([*STOOD, *after]).after_s


def test_what_sinks_never_rose_and_what_came_back_did():
    fell = [(-1, 8000), (1, 6000), (2, 4000)]

    assert 0 == reactions.measure_last_rise()(fell).after_s
    assert 3 == reactions.measure_last_rise()([*fell, (3, 6000)]).after_s


def test_the_longest_is_of_after_the_loss():
    assert 0.2 == reactions.measure_largest([(-1, 9), (1, 0.1), (2, 0.2), (3, 0.1)]).after_s
    assert reactions.measure_largest([(-1, 9)]).after_s is None
