"""How soon documents are answered, by what a recorder heard."""

import pytest

from quartier_bench.torture.district_recorder import RECEIVED_MAX_S, VERDICT_MAX_S, AnswerTimes


@pytest.fixture
def prompt():
    found = AnswerTimes()
    found.ask(7, 100.0)
    return found


def heard(prompt, status, at_s, seq=7):
    prompt.take({"seq": seq, "status": status}, at_s)


def test_the_first_word_is_the_reception_and_the_verdict_comes_after_it(prompt):
    heard(prompt, "NEW", 100.5)
    assert 1 == prompt.waiting_count
    heard(prompt, "ACCEPTED", 101.5)
    heard(prompt, "ACCEPTED", 109.0)

    assert ({7: 0.5}, {7: 1.5}) == (prompt.received_s, prompt.verdict_s)
    assert (0, "") == (prompt.waiting_count, prompt.fault)


def test_what_is_refused_on_arrival_has_one_answer(prompt):
    heard(prompt, "REJECTED", 101.0)

    assert ({7: 1.0}, {7: 1.0}) == (prompt.received_s, prompt.verdict_s)


def test_documents_that_nobody_asked_about_and_later_words_count_for_nothing(prompt):
    heard(prompt, "NEW", 100.1, seq=8)
    heard(prompt, "STARTED", 100.2)
    prompt.take({}, 100.3)

    assert ({}, {}) == (prompt.received_s, prompt.verdict_s)
    assert "1 of 1 documents were not answered" == prompt.fault


@pytest.mark.parametrize(
    ("received_s", "judged_s", "words"),
    [(RECEIVED_MAX_S + 0.1, 4.0, "received after 2.1 s, owed 2"), (1.0, VERDICT_MAX_S + 0.1, "owed 5")],
)
def test_what_came_too_late_is_a_fault(prompt, received_s, judged_s, words):
    heard(prompt, "NEW", 100.0 + received_s)
    heard(prompt, "ACCEPTED", 100.0 + judged_s)

    assert words in prompt.fault


def test_median_and_worst_are_told(prompt):
    for seq, late_s in ((1, 0.1), (2, 0.2), (3, 0.9)):
        prompt.ask(seq, 0.0)
        heard(prompt, "NEW", late_s, seq)
        heard(prompt, "ACCEPTED", 2 * late_s, seq)

    figures = prompt.figures
    assert (4, 0.2, 0.9) == (figures["asked"], figures["received_p50_s"], figures["received_max_s"])
    assert (0.4, 1.8) == (figures["judged_p50_s"], figures["judged_max_s"])
