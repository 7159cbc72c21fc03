"""A telegram counts once; a meter that began anew is believed after a while."""

from quartier_drivers.meter.keys import ANEW_COUNT, SENDERS_MAX, InvocationCounters


def test_what_does_not_rise_was_sent_again():
    rising = InvocationCounters()

    assert [None, None, 9, 9, None] == [rising.take("a", counter) for counter in (7, 9, 9, 8, 10)]
    assert rising.take("b", 1) is None


def test_gaps_upward_are_no_matter():
    rising = InvocationCounters()

    assert [None] * 3 == [rising.take("a", counter) for counter in (1, 1_000, 2**32 - 1)]


def test_a_meter_that_began_anew_is_believed_after_so_many_in_a_row():
    rising = InvocationCounters()
    rising.take("a", 1_000)
    taken = [rising.take("a", counter) for counter in range(1, ANEW_COUNT + 3)]

    assert [1_000] * (ANEW_COUNT - 1) + [None] * 3 == taken


def test_one_telegram_sent_again_and_again_or_old_ones_in_pieces_are_never_believed():
    rising = InvocationCounters()
    rising.take("a", 1_000)

    assert {1_000} == {rising.take("a", 5) for _ in range(10 * ANEW_COUNT)}
    assert {1_000} == {rising.take("a", start + place) for start in range(0, 500, 50) for place in range(15)}


def test_a_new_telegram_ends_the_count_of_old_ones():
    rising = InvocationCounters()
    rising.take("a", 1_000)
    for counter in range(1, ANEW_COUNT):
        rising.take("a", counter)
    rising.take("a", 1_001)

    assert 1_001 == rising.take("a", ANEW_COUNT)


def test_of_many_senders_only_the_last_ones_are_remembered():
    rising = InvocationCounters()
    for sender in range(100):
        rising.take(sender, 7)
        rising.take(sender, 7)

    assert SENDERS_MAX == len(rising._last)
    assert len(rising._anew) <= SENDERS_MAX
    assert rising.take(0, 1) is None
