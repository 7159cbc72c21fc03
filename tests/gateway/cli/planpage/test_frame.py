"""What the pages of plans have in common."""

from tests.gateway.cli.planpage.days import sheet

from quartier.cli.planpage import frame


def test_a_title_is_text_and_what_stands_below_is_not():
    made = frame.framed("a < b", "b1", "x & y", "<p>main</p>", "<i>foot</i>")

    assert "<title>a &lt; b at b1</title>" in made
    assert "x &amp; y" in made
    assert "<main><p>main</p></main>" in made


def test_what_cannot_be_kept_makes_the_verdict_a_bad_one():
    assert "Fine. Every limit is kept." in frame.verdict("Fine.", [])
    assert '<section class="verdict bad">' in frame.verdict("Fine.", ["a cap & more"])
    assert "<li>a cap &amp; more</li>" in frame.verdict("Fine.", ["a cap & more"])


def test_marks_are_round_hours_and_days():
    steps = sheet([0.2] * 30).steps

    assert [(4, "16:00"), (8, "20:00"), (12, "Sat 13")] == [
        (mark.step, mark.text) for mark in frame.marks(steps)
    ][:3]
    assert frame.meta("b1", steps).endswith("2026-06-13 18:00 · 30 steps of 60 min")


def test_what_is_nothing_is_not_drawn():
    assert [float("inf"), 2.0] == frame.some([0.0, 2.0])
    assert "<b>1 EUR</b><span>cost</span>" in frame.tiles([("1 EUR", "cost")])
