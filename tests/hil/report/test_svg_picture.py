import re
from xml.etree import ElementTree as ET

import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.checks.run_record import OrderLedger, RunRecord
from quartier_hil.report.svg_picture import LINES_MAX_COUNT, WIDTH, _spread_places, draw_picture
from quartier_hil.scenario.scenario_file import Scenario

SVG = "{http://www.w3.org/2000/svg}"
SCENARIO = Scenario.model_validate(
    {
        "title": "x",
        "start": "2026-06-12T18:30:00",
        "duration_s": 1800,
        "pictures": [
            {
                "name": "x",
                "title": "A <cap> & a battery",
                "orders": ["bat1.setpoint_w"],
                "panels": [
                    {
                        "unit": "kW",
                        "curves": [
                            {"point": "grid.power_w", "label": "grid"},
                            {"point": "cap.import_w", "label": "import cap"},
                            {"point": "order.battery_w", "label": "ordered"},
                            {"point": "bat1.power_w", "label": "battery"},
                        ],
                    },
                    {"unit": "A", "curves": [{"level": 63, "label": "fuse 63 A"}]},
                ],
            }
        ],
    }
)
LEDGER = OrderLedger()
LEDGER.note(600, "bat1.setpoint_w", -2_500, "cap <5 kW> of the district")


def _record(points=("grid.power_w", "bat1.power_w", "order.battery_w", "cap.import_w")):
    record = RunRecord()
    for second in range(1, 1801):
        capped = 600 <= second < 1200
        values = {
            "grid.power_w": 4_000.0 if capped else 6_000.0,
            "bat1.power_w": -2_000.0 if capped else 0.0,
            "order.battery_w": -2_000.0 if capped else 0.0,
            "cap.import_w": 5_000.0 if capped else float("inf"),
        }
        record.add(float(second), {point: values[point] for point in points})
    record.mark(600, "district: import <= 5 kW")
    return record


def _drawn():
    return draw_picture(SCENARIO.pictures[0], SCENARIO, _record(), LEDGER)


def _texts(svg):
    return [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_the_same_run_gives_the_same_bytes():
    assert _drawn() == _drawn()


def test_every_curve_is_named_once_and_every_axis_has_its_unit():
    texts = _texts(_drawn())

    for words in ("grid", "import cap", "ordered", "battery", "fuse 63 A", "kW", "A"):
        assert 1 == texts.count(words)


def test_what_happened_has_its_number_in_the_curves_and_its_words_below():
    texts = _texts(_drawn())

    assert ["1", "2", "1", "2"] == re.findall('class="b" [^>]*>([0-9]+)</text>', _drawn())
    assert "18:40:00 district: import <= 5 kW" in texts
    assert "18:40:00 bat1 -2500 W: cap <5 kW> of the district" in texts


def test_an_order_and_what_follows_have_one_colour_and_a_cap_is_red_and_dashed():
    paths = re.findall(r'class="l (l\w)( s)?"', _drawn())

    grid, cap, ordered, battery, fuse = paths
    assert (("lx", " s"), ("lx", " s")) == (cap, fuse)
    assert (battery[0], " s") == ordered
    assert grid[0] != battery[0]


def test_nothing_is_drawn_where_there_is_no_cap():
    (x,) = re.findall(r'class="l lx s" d="M([\d.]+)', _drawn())[:1]

    assert WIDTH / 3 < float(x) < WIDTH / 2


def test_a_curve_without_a_value_is_a_fault_with_its_name():
    with pytest.raises(ConfigError) as caught:
        draw_picture(SCENARIO.pictures[0], SCENARIO, _record(points=("grid.power_w", "cap.import_w")), LEDGER)

    assert "pictures.x: order.battery_w has no value" in str(caught.value.faults[0])


def test_more_than_a_person_reads_is_a_fault():
    record = _record()
    for second in range(LINES_MAX_COUNT):
        record.mark(second, "again")

    with pytest.raises(ConfigError, match="fewer orders"):
        draw_picture(SCENARIO.pictures[0], SCENARIO, record, LEDGER)


def test_colours_follow_light_and_dark():
    style = ET.fromstring(_drawn()).find(f"{SVG}style").text

    assert "prefers-color-scheme:dark" in style
    assert 2 == style.count(".lx{")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [([100, 101, 300], [100, 115, 300]), ([745, 746], [731, 746]), ([], [])],
)
def test_numbers_do_not_overlap(wanted, found):
    assert found == _spread_places(wanted)
