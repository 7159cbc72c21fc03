import re
from html.parser import HTMLParser

from quartier.commissioning.probe.probe_report import ProbeReport, render_report
from quartier.commissioning.svg_chart import WIDTH
from quartier_drivers.errors import Fault


class Outside(HTMLParser):
    """Everything a page would fetch."""

    def __init__(self):
        super().__init__()
        self.wanted = []

    def handle_starttag(self, tag, attributes):
        self.wanted += [
            value for name, value in attributes if name in {"src", "href"} or tag in {"script", "link"}
        ]


def sheet(report, **change):
    given = {
        "site": "b012 of issy",
        "asset": "bat1",
        "role": "battery",
        "point": "bat1.setpoint_w",
        "when": "2026-11-25 12:00 UTC",
        "who": "A. Installer",
        "sentence": report.sentence,
        "is_good": not report.faults,
        "findings": report.found,
        "changes": [Fault("p.toml", 3, "points.power_w.sign", "1 is set, it should be -1")],
        "measured": report.seen,
        "trace": report.trace,
        "devices": [("gx", "Victron Energy GX", "c0619ab12345", "3.70")],
        "bounds": ["The grid is kept between -6000 W and 9000 W."],
    }
    return ProbeReport(**{**given, **change})


def test_the_page_tells_verdict_date_who_and_serials(probe, plant):
    text = render_report(sheet(probe(plant())))

    for needle in (
        "As it should be.",
        "2026-11-25 12:00 UTC",
        "A. Installer",
        "c0619ab12345",
        "on L2",
        "p.toml:3",
    ):
        assert needle in text


def test_a_fault_is_told_as_one(probe, plant):
    text = render_report(sheet(probe(plant(gain=-1.0))))

    assert "Not as it should be." in text
    assert "goes the other way round" in text


def test_the_page_fetches_nothing(probe, plant):
    outside = Outside()
    outside.feed(render_report(sheet(probe(plant()))))

    assert [] == outside.wanted


def test_a_probe_that_measured_nothing_has_a_page_too(probe, plant):
    text = render_report(sheet(probe(plant(lost_after_s=0))))

    assert "bat1 was not stepped" in text


def test_what_devices_say_is_escaped(probe, plant):
    assert (
        "<b>"
        not in render_report(sheet(probe(plant()), devices=[("<b>x", "", "", "")])).partition("<h2>Devices")[
            2
        ]
    )


def test_on_a_phone_tables_and_curves_scroll_in_their_own_box_and_labels_are_readable(probe, plant):
    text = render_report(sheet(probe(plant())))
    phone = text.partition("@media screen and (max-width: 195mm)")[2].partition("\n")[0]
    curves_px = int(re.search(r"svg { min-width: (\d+)px; }", phone)[1])
    fonts_px = [int(size) for size in re.findall(r"svg \.\w+ { font-size: (\d+)px", text)]

    assert ".wide, figure { overflow-x: auto; }" in text
    assert text.count("<table>") == text.count('<div class="wide"><table>') == 2
    assert text.count("<svg ") == text.count("<figure><svg ")
    assert min(fonts_px) * curves_px / WIDTH >= 9
