"""Everything sound must be heard, in its order; what noise hit may be, and what nobody said is forged."""

import pytest

from quartier_bench.soak.word_ledger import WordCounts, WordLedger


def told(said, heard):
    """``said``: capitals are sound, small letters were hit, a dot before one says that nothing came of it."""
    ledger, gone = WordLedger(), False
    for letter in said:
        if letter == ".":
            gone = True
            continue
        word = letter.upper()
        if gone:
            ledger.record_lost([word])
        else:
            ledger.say([word], is_sound=letter.isupper())
        gone = False
    ledger.hear(heard)
    return ledger.close()


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("ABC", "ABC", WordCounts(sound=3)),
        ("ABC", "AB", WordCounts(sound=3, lost=1)),
        ("ABC", "AC", WordCounts(sound=3, lost=1)),
        ("AbC", "AC", WordCounts(sound=2, hit=1)),
        ("AbC", "ABC", WordCounts(sound=2, hit=1, recovered=1)),
        ("AbC", "AXC", WordCounts(sound=2, hit=1, misread=1)),
        ("A.bC", "AC", WordCounts(sound=2, hit=1)),
        ("", "X", WordCounts(misread=1)),
        ("ABCDEFGH", "X", WordCounts(sound=8, lost=8, misread=1)),
    ],
)
def test_what_became_of_each_word_is_counted(said, heard, expected):
    assert expected == told(said, heard)


def test_a_word_that_is_said_again_and_again_is_found_where_it_was_sound():
    # The first B was hit and not heard; that B is heard says nothing of it.
    assert WordCounts(sound=4, hit=1) == told("AbBAC", "ABAC")


def test_what_was_never_said_is_not_looked_for_in_a_later_frame():
    assert WordCounts(sound=9, hit=1, misread=1) == told("AbCDEFGHIB", "ABCDEFGHIB"[:1] + "X" + "CDEFGHIB")


def test_what_is_on_the_way_waits():
    ledger = WordLedger()
    ledger.say("AB", is_sound=True)
    ledger.hear("A")

    assert 1 == ledger.waiting_count
    assert 0 == ledger.counts.lost
