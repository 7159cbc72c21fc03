from pathlib import Path

import pytest

from quartier.commissioning.drill import loss_results
from quartier.commissioning.drill.loss_results import (
    BROKEN,
    FAILED,
    KEPT,
    NOT_SHOWN,
    SKIPPED,
    evaluate_loss,
    format_seconds,
    make_result_rows,
)


@pytest.mark.parametrize(
    ("noticed_s", "reached_s", "verdict"),
    [
        (11.0, 12.0, KEPT),
        (11.1, 12.0, BROKEN),
        (11.0, 12.1, BROKEN),
        (None, 12.0, BROKEN),
        (11.0, None, BROKEN),
        (0.0, 0.0, KEPT),
    ],
)
def test_both_times_must_keep_what_is_declared_and_what_was_never_seen_keeps_nothing(
    told, noticed_s, reached_s, verdict
):
    assert verdict == evaluate_loss({**told, "noticed_s": noticed_s, "reached_s": reached_s}).verdict


@pytest.mark.parametrize(
    ("noticed_s", "deadline_s", "verdict"),
    [(11.0, 12.0, NOT_SHOWN), (11.1, 12.0, BROKEN), (None, 12.0, BROKEN), (11.0, None, KEPT)],
)
def test_a_loss_that_had_nothing_to_take_back_is_not_shown_but_must_be_noticed(
    told, noticed_s, deadline_s, verdict
):
    told["declared"]["deadline_s"] = deadline_s
    told |= {"noticed_s": noticed_s, "reached_s": None, "is_shown": False}

    found = evaluate_loss(told)
    assert verdict == found.verdict
    page = loss_results.render_result_page([found], Path("/tmp"))
    assert ('class="broken"' in page) == (verdict == BROKEN)


def test_where_no_time_is_declared_none_is_asked_for(told):
    told["declared"]["deadline_s"] = None
    told["reached_s"] = None

    assert KEPT == evaluate_loss(told).verdict


def test_what_could_not_be_made_was_not_kept_and_says_why():
    skipped = evaluate_loss(
        {"loss": "disk-dead", "of": "", "how": "x", "state": "skipped", "why": "needs root"}
    )
    failed = evaluate_loss(
        {"loss": "disk-dead", "of": "", "how": "x", "state": "failed", "why": "is not a broker"}
    )

    assert (SKIPPED, "needs root") == (skipped.verdict, skipped.why)
    assert (FAILED, "is not a broker") == (failed.verdict, failed.why)


def test_a_loss_that_the_daemon_does_not_declare_is_a_failure(told):
    assert FAILED == evaluate_loss({**told, "declared": None}).verdict


def test_a_row_of_the_table_has_measured_and_declared_side_by_side(told):
    row = next(make_result_rows([evaluate_loss(told)]))

    assert (KEPT, "grid-meter-lost", "10.5 s", "11.0 s", "11.5 s", "12.0 s", "-3000 to 0") == (
        *row[:2],
        *row[3:],
    )


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.314, "0.31 s"), (1.99, "1.99 s"), (61.0, "61.0 s")]
)
def test_times_are_told_as_finely_as_they_matter(value, text):
    assert text == format_seconds(value)


def test_each_loss_has_its_times_its_words_and_a_link_to_its_curves(told):
    told |= {"page": "/tmp/drill/grid-meter-lost/index.html", "words": "<b>"}
    text = loss_results.render_result_page([evaluate_loss(told)], Path("/tmp/drill"))

    assert 'href="grid-meter-lost/index.html"' in text
    assert "10.5 s" in text
    assert "&lt;b&gt;" in text
    assert "96% of the declared time" in text


def test_what_was_skipped_says_why_and_shows_no_curve():
    text = loss_results.render_result_page(
        [evaluate_loss({"loss": "disk-dead", "of": "", "how": "x", "state": "skipped", "why": "needs root"})],
        Path("/tmp"),
    )

    assert "SKIPPED" in text
    assert "needs root" in text
    assert "curves" not in text


def test_on_a_phone_the_table_scrolls_in_its_own_box(told):
    text = loss_results.render_result_page([evaluate_loss(told)], Path("/tmp/drill"))

    assert ".wide { overflow-x: auto }" in text
    assert '<div class="wide">\n<table>' in text
    assert "</table></div>" in text
