import pytest

from quartier_hil.checks.run_record import Mark, OrderLedger
from quartier_hil.report.annotations import select_marks
from quartier_hil.scenario.pictures import Picture

PANEL = {"unit": "kW", "curves": [{"level": 1, "label": "one"}]}


def _picture(**more):
    return Picture.model_validate({"name": "x", "title": "x", "panels": [PANEL], **more})


def _rows(*orders):
    ledger = OrderLedger()
    for order in orders:
        ledger.note(*order)
    return ledger.rows


def test_events_and_orders_are_told_in_their_order():
    rows = _rows((5, "lamps1.dim_pct", 100, "not limited"), (31, "lamps1.dim_pct", 50, "envelope d1: dimmed"))
    found = select_marks(_picture(orders=["lamps1.dim_pct"]), [Mark(30, "district: import <= 5 kW")], rows)

    assert [
        (5, "lamps1 100 %: not limited", True),
        (30, "district: import <= 5 kW", False),
        (31, "lamps1 50 %: envelope d1: dimmed", True),
    ] == [(one.at_s, one.text, one.is_order) for one in found]


def test_the_same_reason_with_another_figure_is_told_once():
    rows = _rows(
        (1, "ev1.current_max_a", 9, "import cap 5000 W: charging slowed"),
        (2, "ev1.current_max_a", 8, "import cap 4990 W: charging slowed"),
        (3, "ev1.current_max_a", 0, "import cap 4990 W: charging paused"),
    )

    assert [1, 3] == [one.at_s for one in select_marks(_picture(orders=["ev1.current_max_a"]), [], rows)]


def test_each_step_is_told_though_its_reason_is_the_same():
    rows = _rows((1, "a.dim_pct", 80, "80 % light: enough"), (2, "a.dim_pct", 60, "60 % light: enough"))

    assert [1, 2] == [one.at_s for one in select_marks(_picture(orders=["a.dim_pct"]), [], rows)]


def test_what_is_outside_the_time_is_not_told():
    assert [] == select_marks(_picture(from_s=10, until_s=20), [Mark(9, "early"), Mark(21, "late")], [])


def test_that_nothing_holds_any_more_what_stands_is_no_news():
    rows = _rows((1, "hp1.relay_on", 1, "restored"), (2, "hp1.relay_on", 1, "not limited"))

    assert [1] == [one.at_s for one in select_marks(_picture(orders=["hp1.relay_on"]), [], rows)]


@pytest.mark.parametrize(
    ("point", "value", "words"),
    [
        ("hp1.relay_on", 0, "hp1 off"),
        ("bat1.setpoint_w", -2_000.4, "bat1 -2000 W"),
        ("heat1.sg_ready_state", 1, "heat1 sg ready state 1"),
    ],
)
def test_an_order_is_said_in_words(point, value, words):
    (found,) = select_marks(_picture(orders=[point]), [], _rows((1, point, value, "why")))

    assert f"{words}: why" == found.text
