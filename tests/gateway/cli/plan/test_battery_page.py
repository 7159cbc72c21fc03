"""The page of a plan is whole in itself, and says in rows what its curves show."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from tests.gateway.cli.plan.days import BATTERY, sheet

from quartier.cli.plan.battery_page import render_battery_page

VOID = {"meta", "br"}


class Page(HTMLParser):
    """The elements of a page; raises where one is closed that is not open."""

    def __init__(self, text):
        super().__init__()
        self.outside, self.ids, self.targets, self.open, self.texts = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"script", "link", "img", "iframe"} or "src" in told:
            self.outside.append((tag, told))
        if "id" in told:
            self.ids.append(told["id"])
        if "href" in told:
            self.targets.append(told["href"])

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def handle_data(self, data):
        self.texts.append(data)


def words(text):
    return " ".join("".join(Page(text).texts).split())


def test_the_page_needs_nothing_beside_itself_and_each_step_leads_to_its_row():
    text = render_battery_page(sheet([0.21, 0.30, 0.54]))
    found = Page(text)

    assert [] == found.outside == found.open
    assert ["#s0", "#s1", "#s2"] == found.targets
    assert ["s0", "s1", "s2"] == found.ids
    assert "http" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_the_page_tells_the_cost_and_what_the_battery_saves():
    told = words(render_battery_page(sheet([0.20, 0.50])))

    # 500 Wh are left of the sun's 500 W; 600 Wh of the battery are above its reserve.
    assert "0.08 EURcost0.35 EURcost without the battery0.27 EURsaved" in told
    assert "Proven best: no plan of these steps costs less. Every limit is kept." in told
    assert "b1 · 2026-06-12 12:00 to 2026-06-12 14:00 · 2 steps of 60 min" in told


def test_each_step_has_a_row_with_its_numbers_and_its_reason():
    one = sheet([0.20, 0.50])
    text = render_battery_page(one)

    assert (
        '<tr id="s1"><th scope="row">13:00</th><td class="n" data-unit="kW">-0.50</td>'
        '<td class="n" data-unit="kW">0.00</td><td class="n" data-unit="%">' in text
    )
    assert all(line in words(text) for line in one.why)
    assert 'title="13:00 discharges' in text


def test_what_cannot_be_kept_is_told_first_and_not_called_kept():
    text = render_battery_page(sheet([0.2, 0.2], given_up=["the caps <cannot> be kept"]))

    assert "<li>the caps &lt;cannot&gt; be kept</li>" in text
    assert '<section class="verdict bad">' in text
    assert "Every limit is kept" not in text


def test_a_plan_that_is_not_proven_says_by_how_much():
    one = sheet([0.2, 0.2])

    assert "At most 0.0123 EUR above the best plan" in render_battery_page(
        replace(one, plan=replace(one.plan, gap_eur=0.0123))
    )


def test_names_are_escaped():
    assert "Plan of &lt;bat&gt;" in render_battery_page(sheet([0.2], name="<bat>"))


def test_steps_of_several_days_tell_the_day_and_marks_are_few():
    text = render_battery_page(sheet([0.2] * 192, begin="2026-06-12T00:00+02:00", step_s=900))

    assert '<th scope="row">Sat 13 23:45</th>' in text
    assert "to 2026-06-14 00:00 UTC+02:00" in text
    assert 7 == text[: text.index("House and sun")].count('class="x')
    assert ">Sat 13</span>" in text


@pytest.mark.parametrize(
    ("begin", "count", "hours"), [("2026-10-25T00:00+02:00", 25, 25), ("2026-03-29T00:00+01:00", 23, 23)]
)
def test_the_days_of_the_clock_change_have_their_hours(begin, count, hours):
    text = render_battery_page(sheet([0.2] * count, begin=begin))

    assert f"{count} steps of 60 min" in text
    assert hours == text.count('<tr id="s')


def test_reserve_and_target_are_drawn_where_there_are_some():
    without = replace(BATTERY, reserve_wh=0.0)
    plain, more = (
        words(render_battery_page(sheet([0.2] * 4, battery=one)))
        for one in (without, replace(BATTERY, target_wh=2000.0))
    )

    assert "chargedfull" in plain
    assert "reserve" not in plain
    assert "chargedfullreservetarget" in more
