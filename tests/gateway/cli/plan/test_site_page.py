"""The page of a plan of several things."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

from tests.gateway.cli.estate import SITE, outcome

from quartier.cli.plan.site_page import render_site_page

VOID = {"meta", "br", "path"}


class Page(HTMLParser):
    """Its tags, and what it would load."""

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.rows, self.links = [], [], set(), []
        self.feed(text)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"script", "link", "img", "iframe"} or "src" in said:
            self.loads.append(tag)
        if tag == "tr" and "id" in said:
            self.rows.add(said["id"])
        if tag == "a":
            self.links.append(said["href"].lstrip("#"))

    def handle_endtag(self, tag):
        assert tag == self.open.pop()


def test_the_page_is_whole_and_loads_nothing(monkeypatch, tmp_path):
    found = Page(render_site_page(outcome(monkeypatch, tmp_path)))

    assert ([], []) == (found.open, found.loads)
    assert set(found.links) == found.rows
    assert 5 == len(found.rows)


def test_a_night_in_which_the_clock_changes_has_room_for_its_offsets(monkeypatch, tmp_path):
    told = outcome(monkeypatch, tmp_path)
    zone = ZoneInfo("Europe/Paris")
    first = datetime(2026, 10, 25, 0, tzinfo=UTC)
    times = tuple(
        (first + timedelta(minutes=15) * at).astimezone(zone) for at in range(len(told.steps.times))
    )
    there = replace(told, steps=replace(told.steps, times=(*times[:-1], times[0] + timedelta(hours=3))))

    assert '<table class="spells offset">' in render_site_page(there)
    assert '<table class="spells">' in render_site_page(told)


def test_each_part_has_its_curve_and_its_reasons(monkeypatch, tmp_path):
    told = outcome(monkeypatch, tmp_path, worth=0.1)
    text = render_site_page(told)

    for name, spells in told.segments.items():
        assert f"<h3>{name} <small>" in text
        for spell in spells:
            assert spell.why.replace("'", "&#x27;") in text
    assert "bat1: stored <small>%" in text
    assert "boiler: stored <small>°C" in text
    assert "Every limit is kept." in text
    assert "Not planned" not in text
    assert "of one core." in text.replace("\n", " ")


def test_what_is_not_planned_is_told(monkeypatch, tmp_path):
    text = render_site_page(outcome(monkeypatch, tmp_path, site=SITE.replace(", tank_m3 = 0.3", "")))

    assert "<b>Not planned</b>" in text
    assert "see assets.boiler.tank_m3 in the site file" in text
