import xml.etree.ElementTree as ET

from quartier.commissioning.svg_chart import ChartCurve, render_chart


def points(svg):
    found = ET.fromstring(svg).find("polyline").get("points")
    return [tuple(map(float, pair.split(","))) for pair in found.split()]


def test_a_command_stands_until_the_next_one():
    svg = render_chart("t", [ChartCurve("c", "#000", [0.0, 10.0], [0.0, 100.0], steps=True)], 20.0)
    places = points(svg)

    assert 4 == len(places)
    assert places[0][1] == places[1][1] != places[2][1]
    assert places[1][0] == places[2][0]


def test_up_is_more_and_right_is_later():
    places = points(render_chart("t", [ChartCurve("c", "#000", [0.0, 10.0], [0.0, 100.0])], 20.0))

    assert places[1][1] < places[0][1]
    assert places[1][0] > places[0][0]


def test_titles_are_escaped_and_empty_curves_do_no_harm():
    svg = render_chart("a < b", [ChartCurve("x & y", "#000", [], [])], 10.0)

    assert "a &lt; b" in svg
    ET.fromstring(svg)
