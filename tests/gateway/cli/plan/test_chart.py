"""Charts of a plan: what is drawn where, and what is told to those who cannot see it."""

import re
import xml.etree.ElementTree as ET
from math import inf

from tests.gateway.cli.plan.days import sheet

from quartier.cli.plan import chart
from quartier.cli.plan.chart import (
    BARS_FORM,
    CHART_HEIGHT,
    JOINED_FORM,
    AxisMark,
    PlanCurve,
    render_plan_chart,
)


def paths(curves, count=3, marks=()):
    """The drawing of each curve."""
    figure = ET.fromstring(render_plan_chart("Power", "kW", curves, marks, count))
    return {
        path.get("class"): path.get("d") for path in figure.iter("path") if " " in path.get("class")
    }, figure


def test_a_step_holds_its_value_until_the_next_on_one_scale():
    drawings, _ = paths([PlanCurve("grid", "buy", [0.0, 1.0, 0.5])])
    top, middle = (f"{CHART_HEIGHT * (1.06 - value) / 1.06:.0f}" for value in (1.0, 0.5))

    assert {"buy step": f"M0 {CHART_HEIGHT}H1V{top}H2V{middle}H3"} == drawings


def test_bars_stand_on_zero_and_hang_below_it():
    drawings, _ = paths([PlanCurve("battery", "store", [1.0, 0.0, -1.0], BARS_FORM)])
    zero = CHART_HEIGHT // 2

    assert {"store bars": f"M0.08 {zero}V54H0.92V{zero}zM2.08 {zero}V946H2.92V{zero}z"} == drawings


def test_what_is_reached_between_steps_is_joined_from_before_the_first():
    drawings, _ = paths([PlanCurve("charged", "store", [0.0, 50.0, 100.0, 100.0], JOINED_FORM)])

    assert {"store joined": "M0 1000L1 528L2 57L3 57"} == drawings


def test_a_cap_that_is_none_is_a_gap_and_a_curve_of_none_is_not_named():
    drawings, figure = paths(
        [PlanCurve("cap", "limit", [1.0, inf, 1.0]), PlanCurve("export cap", "sell", [-inf] * 3)]
    )

    assert {"limit step": "M0 57H1M2 57H3"} == drawings
    assert ["cap"] == ["".join(item.itertext()) for item in figure.iter("li")]


def test_equal_and_missing_values_do_no_harm():
    for curves in ([PlanCurve("nothing", "buy", [0.0, 0.0, 0.0])], []):
        text = render_plan_chart("Power", "kW", curves, [], 3)
        ET.fromstring(text)
        assert "nan" not in text


def test_words_are_escaped_and_the_label_tells_the_range():
    text = render_plan_chart(
        "a < b", "€", [PlanCurve('"x" & y', "buy", [0.25, -3.0, 1.0])], [AxisMark(1, "<1>")], 3
    )
    figure = ET.fromstring(text)

    assert 'a < b, €: "x" & y from -3 to 1' == next(figure.iter("svg")).get("aria-label")
    assert ["<1>"] == [span.text for span in figure.iter("span") if span.get("class").startswith("x")]


def test_marks_and_rules_stand_where_their_step_and_value_are():
    _, figure = paths(
        [PlanCurve("grid", "buy", [0.0, 1.0, 0.5, 0.5])], 4, [AxisMark(1, "13:00"), AxisMark(3, "15:00")]
    )
    spans = [(span.get("class"), span.get("style"), span.text) for span in figure.iter("span")]

    assert ("x", "left:25.000%", "13:00") in spans
    assert ("x also", "left:75.000%", "15:00") in spans
    assert ("y", "top:100.00%", "0") in spans
    assert all(0.0 <= float(re.findall(r"[\d.]+", style)[0]) <= 100.0 for _, style, _ in spans)


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
