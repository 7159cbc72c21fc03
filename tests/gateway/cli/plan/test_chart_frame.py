"""What the pages of plans have in common."""

from tests.gateway.cli.plan.days import sheet

from quartier.cli.plan import chart


def test_a_title_is_text_and_what_stands_below_is_not():
    made = chart.render_frame("a < b", "b1", "x & y", "<p>main</p>", "<i>foot</i>")

    assert "<title>a &lt; b at b1</title>" in made
    assert "x &amp; y" in made
    assert "<main><p>main</p></main>" in made


def test_what_cannot_be_kept_makes_the_verdict_a_bad_one():
    assert "Fine. Every limit is kept." in chart.render_verdict("Fine.", [])
    assert '<section class="verdict bad">' in chart.render_verdict("Fine.", ["a cap & more"])
    assert "<li>a cap &amp; more</li>" in chart.render_verdict("Fine.", ["a cap & more"])


def test_marks_are_round_hours_and_days():
    steps = sheet([0.2] * 30).steps

    assert [(4, "16:00"), (8, "20:00"), (12, "Sat 13")] == [
        (mark.step, mark.text) for mark in chart.make_marks(steps)
    ][:3]
    assert chart.describe_series("b1", steps).endswith("2026-06-13 18:00 · 30 steps of 60 min")


def test_what_is_nothing_is_not_drawn():
    assert [float("inf"), 2.0] == chart.hide_zeros([0.0, 2.0])
    assert "<b>1 EUR</b><span>cost</span>" in chart.render_tiles([("1 EUR", "cost")])
