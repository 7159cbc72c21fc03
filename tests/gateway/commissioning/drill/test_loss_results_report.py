from pathlib import Path

from quartier.commissioning.drill import loss_results
from quartier.commissioning.drill.loss_results import evaluate_loss


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
