import json
import re

from quartier_bench.fleet import events, results
from quartier_bench.fleet.html_page import make_chart_data, render_page
from quartier_bench.fleet.results import find_rebounds
from quartier_bench.fleet.simulation import DaySettings, FleetDay


def made(small, plain, **how):
    happens = events.parse_events(["cap@18:05-18:10=0.3"], 43_200)
    settings = DaySettings(
        stock=small, drive=plain(small), events=happens, from_second=21_600, seconds=900, **how
    )
    record = FleetDay(settings).run()
    return results.DayResult(
        settings, record, find_rebounds(record, record, happens, 21_600), "engine x", "a core", 1.5, 43_200
    )


def test_every_curve_has_a_value_for_every_time(small, plain):
    done = made(small, plain)
    drawn = make_chart_data(done, done.record)

    assert [
        "The district",
        "Of which",
        "Of each contract the district allows",
        "Buildings",
    ] == [chart["title"] for chart in drawn["charts"]]
    assert [2, 6, 1, 2] == [len(chart["curves"]) for chart in drawn["charts"]]
    for chart in drawn["charts"]:
        assert {len(drawn["times"])} == {len(curve["values"]) for curve in chart["curves"]}


def test_the_page_holds_all_it_needs(small, plain):
    done = made(small, plain)
    text = render_page(done, None, "Fifty <buildings>")
    held = json.loads(re.findall(r'type="application/json">(.*?)</script>', text, re.DOTALL)[0])

    assert "Fifty &lt;buildings&gt;" in text
    assert "%%" not in text
    assert 1 == len(held["charts"][0]["curves"])
    assert [
        "cap of 0.3 of each contract begins; CONTROLLED, 0.3 of each contract",
        "cap of 0.3 of each contract ends; CONTROLLED, 1 of each contract",
    ] == [mark["text"] for mark in held["marks"] if "begins" in mark["text"] or "ends" in mark["text"]]
