import json
import re
from dataclasses import replace

import pytest

from quartier_hil.checks.verdicts import Verdict
from quartier_hil.street import street_scenario
from quartier_hil.street.street_page import (
    StreetData,
    build_chart_data,
    list_narration_lines,
    render_sections,
    render_street_page,
)
from quartier_hil.street.street_scenario import StreetSample

TITLES = {"b001": "Lilac <house>", "b002": "Corner house", "b003": "Garden house"}


@pytest.fixture
def told():
    """Each takes 12 kW until the district leads them, and 8 kW then."""
    moments = []
    for second in range(1, int(street_scenario.ENDS_AT_S) + 1):
        watts = 12_000.0 if second < street_scenario.DISTRICT_AT_S + 60 else 8_000.0
        moments.append(
            StreetSample(float(second), dict.fromkeys(TITLES, watts), dict.fromkeys(TITLES, "CONTROLLED"))
        )
    verdicts = [Verdict("within", "at most 26 kW", "24 kW", True), Verdict("share", "6 kW", "7 kW", False)]
    return StreetData(
        TITLES, street_scenario.LIMIT_W, moments, [37_000.0] * int(street_scenario.ENDS_AT_S), verdicts, 30.0
    )


def test_the_load_is_drawn_beside_its_limit_and_beside_the_evening_without_a_district(told):
    drawn = build_chart_data(told)
    together, each = drawn["charts"]

    assert {"without a district": 37.0, "its limit": 26.0, "transformer": 24.0} == {
        curve["label"]: curve["values"][-1] for curve in together["curves"]
    }
    assert 36.0 == together["curves"][2]["values"][0]
    assert list(TITLES.values()) == [curve["label"] for curve in each["curves"]]
    for chart in drawn["charts"]:
        assert {len(drawn["times"])} == {len(curve["values"]) for curve in chart["curves"]}


def test_the_figures_are_the_highest_minutes_of_each_part_of_the_evening(told):
    text = render_sections(told)

    assert [26.0, 37.0, 36.0, 24.0, 24.0] == [float(kw) for kw in re.findall(r"<b>([\d.]+) kW</b>", text)]
    assert '<p class="badge broken">1 of 2 promises kept, 1 broken</p>' in text


def test_a_tile_shows_the_figure_of_its_row(told):
    """A district that is dead, but not yet noticed as lost, still has its houses led."""
    moments = [
        replace(one, powers_w=dict.fromkeys(TITLES, 8_600.0)) if 1_260 <= one.at_s < 1_380 else one
        for one in told.moments
    ]
    verdicts = street_scenario.evaluate_street(moments, {}, told.limit_w)
    page = render_sections(replace(told, moments=moments, verdicts=verdicts))
    measured = {one.promised: one.measured for one in verdicts}

    assert "25.80 kW" in measured["led by the district, until its loss is noticed: at most 26 kW"]
    assert "<b>25.80 kW</b><span>led by the district, until its loss is noticed</span>" in page


def test_the_page_gives_the_full_minutes_of_an_event(told):
    moments = [
        replace(one, modes=dict.fromkeys(TITLES, "INIT")) if one.at_s < 1_735 else one for one in told.moments
    ]
    (row,) = re.findall(
        r"<td>([^<]*)</td><td>The district controls each house again",
        render_sections(replace(told, moments=moments)),
    )

    assert "+28 min" == row
    assert "28 min" == street_scenario.format_minute(1_735.0)


def test_the_page_holds_all_it_needs_and_no_text_can_break_it(told):
    text = render_street_page(told)
    (block,) = re.findall(
        r'data-charts="transformer" type="application/json">(.*?)</script>', text, re.DOTALL
    )

    assert "%%" not in text
    assert "uPlot=function" in text or "uPlot" in text
    assert '<p class="story">Lilac &lt;house&gt;' in text
    assert 9 == len(json.loads(block)["marks"])


def test_what_happened_is_told_in_words(told):
    assert (
        "Three buildings behind one transformer of 26 kW. No district controls them yet."
        == list_narration_lines(told)[0][1]
    )
