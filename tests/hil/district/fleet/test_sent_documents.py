import pytest

from quartier_district.fleet.sent_documents import RECEPTIONS, STATUSES, SentDocument, SentDocuments

NOW_MS = 1_780_000_200_000
ALONG = (NOW_MS, NOW_MS + 900_000, NOW_MS + 1_800_000)


def letter(seq, *caps_w, after_w=4_000.0, sent_ms=NOW_MS, exp_ms=NOW_MS + 7_200_000):
    both = {"import": caps_w, "export": caps_w}
    return SentDocument(
        seq=seq,
        payload=b"{}",
        start_ms=NOW_MS,
        step_ms=900_000,
        caps_w=both,
        after_w=dict.fromkeys(both, after_w),
        exp_ms=exp_ms,
        sent_ms=sent_ms,
    )


def ack(seq, status, reception="OK", reason=""):
    return {"seq": seq, "status": status, "reception": reception, "reason": reason}


def test_until_a_newer_document_is_accepted_the_older_one_may_hold_as_well():
    letters = SentDocuments()
    letters.send(letter(1, 9_000.0, 9_000.0))
    assert (9_000.0, 9_000.0, 4_000.0) == letters.list_possible_limits_w("import", ALONG, 4_000.0)
    letters.answer(ack(1, "ACCEPTED"), NOW_MS)
    letters.send(letter(2, 2_000.0, 10_000.0))

    assert (9_000.0, 10_000.0, 4_000.0) == letters.list_possible_limits_w("import", ALONG, 4_000.0)
    letters.answer(ack(2, "NEW"), NOW_MS)
    assert (9_000.0, 10_000.0, 4_000.0) == letters.list_possible_limits_w("import", ALONG, 4_000.0)
    letters.answer(ack(2, "ACCEPTED"), NOW_MS)
    assert (2_000.0, 10_000.0, 4_000.0) == letters.list_possible_limits_w("import", ALONG, 4_000.0)


def test_what_nobody_answered_counts_at_the_share_at_least_and_what_was_refused_never_held():
    letters = SentDocuments()
    letters.send(letter(1, 1_000.0, 1_000.0, after_w=1_000.0))
    assert (4_000.0,) * 3 == letters.list_possible_limits_w("import", ALONG, 4_000.0)
    letters.send(letter(2, 9_000.0, 9_000.0))
    letters.answer(ack(2, "REJECTED", reason="CLOCK"), NOW_MS)

    assert (4_000.0,) * 3 == letters.list_possible_limits_w("import", ALONG, 4_000.0)
    assert ("REJECTED", "CLOCK") == (letters.last.status, letters.last.reason)


def test_a_document_that_has_ended_holds_nothing_and_the_share_counts_again():
    letters = SentDocuments()
    letters.send(letter(1, 1_000.0, exp_ms=NOW_MS + 900_000, after_w=500.0))
    letters.answer(ack(1, "ACCEPTED"), NOW_MS)

    assert (1_000.0, 4_000.0, 4_000.0) == letters.list_possible_limits_w("import", ALONG, 4_000.0)


def test_the_same_bytes_go_again_with_longer_pauses_until_they_are_answered():
    letters = SentDocuments()
    letters.send(letter(1, 9_000.0))

    assert letters.due(NOW_MS + 9_999) is None
    assert (b"{}", 2) == (letters.due(NOW_MS + 10_000).payload, letters.last.tries_count)
    assert letters.due(NOW_MS + 29_999) is None
    assert 3 == letters.due(NOW_MS + 30_000).tries_count
    letters.answer(ack(1, "NEW"), NOW_MS + 30_001)
    assert 4 == letters.due(NOW_MS + 70_000).tries_count
    letters.answer(ack(1, "STARTED"), NOW_MS + 70_001)
    assert letters.due(NOW_MS + 7_000_000) is None


def test_who_never_answers_is_remembered_as_long_as_what_he_was_told_may_hold():
    letters = SentDocuments()
    for number in range(200):
        at_ms = NOW_MS + number * 900_000
        letters.send(letter(number, 9_000.0, sent_ms=at_ms, exp_ms=at_ms + 7_200_000))
    assert 8 == len(letters.sent)

    for number in range(5):
        letters.send(SentDocument(seq=number, payload=b"", exp_ms=NOW_MS * 2, sent_ms=NOW_MS))
    assert 1 == len(letters.sent)


def test_nothing_goes_again_after_its_end_or_once_it_was_refused():
    letters = SentDocuments()
    letters.send(letter(1, 9_000.0))
    assert letters.due(NOW_MS + 7_200_000) is None
    letters.answer(ack(1, "REJECTED"), NOW_MS)
    assert letters.due(NOW_MS + 60_000) is None


@pytest.mark.parametrize("status", sorted(STATUSES))
@pytest.mark.parametrize("reception", sorted(RECEPTIONS))
def test_each_word_of_both_enums_is_understood(status, reception):
    letters = SentDocuments()
    letters.send(letter(1, 9_000.0))

    assert letters.answer(ack(1, status, reception), NOW_MS)
    assert (reception, status) == (letters.last.reception, letters.last.status)
    assert (status not in {"NEW", "REJECTED"}) == letters.last.is_accepted


def test_an_answer_to_nothing_or_in_other_words_is_counted_and_changes_nothing():
    letters = SentDocuments()
    letters.send(letter(1, 9_000.0))

    assert not letters.answer(ack(7, "ACCEPTED"), NOW_MS)
    assert not letters.answer(ack(1, "FINE"), NOW_MS)
    assert not letters.answer(ack(1, "ACCEPTED", reception="WELL"), NOW_MS)
    assert (3, "") == (letters.strange_count, letters.last.status)
