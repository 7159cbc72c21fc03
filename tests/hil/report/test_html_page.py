import json
import re
from dataclasses import replace

from quartier_hil.checks.run_record import RECORDED_POINTS, OrderLedger, RunRecord
from quartier_hil.checks.verdicts import Verdict
from quartier_hil.report.html_page import (
    ORDERS_MAX_COUNT,
    _format_write_ledger,
    build_chart_data,
    render_page,
)
from quartier_hil.runner.daemon_history import WriteLedgerRow

LEDGER = OrderLedger()
LEDGER.note(7, "bat1.setpoint_w", -2_500, "cap <5 kW> of the district")


WRITTEN = WriteLedgerRow(
    at_s=-7.0,
    last_s=9.0,
    point="bat1.setpoint_w",
    before=0.0,
    value=-2_500.0,
    shown=-2_498.0,
    who="the district's document <7>",
    why="cap of 5 kW",
    outcome="done",
    end="replaced",
    count=4,
)


def _record(count):
    record = RunRecord()
    for second in range(count):
        record.add(float(second), dict.fromkeys(RECORDED_POINTS, second * 7919 % 10007 * 1.37))
    record.mark(5, "a text with </script> & <b>")
    return record


def _page(record, more=""):
    return render_page(
        title="A <day>",
        story="what happens",
        verdicts=[
            Verdict("cap-kept", "promised", "measured", holds=True),
            Verdict("x", "p", "m", holds=False),
        ],
        figures=[("imported", "5 kWh")],
        facts={"records": "none"},
        record=record,
        ledger=LEDGER,
        orders_note="what is <counted>",
        written=[WRITTEN],
        more=more,
        start_unix_s=1e9,
        time_zone="Europe/Paris",
    )


def test_a_day_of_seconds_stays_far_below_two_megabytes():
    assert len(_page(_record(86_400)).encode()) < 1_000_000


def test_the_page_needs_no_network():
    text = _page(_record(10))

    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", text)
    assert "uPlot" in text
    assert "%%" not in text


def test_the_gateways_own_ledger_stands_below_the_orders_that_the_rig_saw():
    text = _page(_record(10))

    assert text.index("<h2>Orders</h2>") < text.index("The gateway's own ledger")
    assert (
        "<tr><td>-0:00:07</td><td>bat1.setpoint_w</td><td>0 to -2,500</td><td>-2,498</td><td>the district&#x27;s "
        "document &lt;7&gt;</td><td>cap of 5 kW</td><td>done, replaced</td><td>4</td></tr>"
    ) in text


def test_a_wide_table_scrolls_in_a_box_that_says_so():
    text = _page(_record(10))

    wide = re.findall(r'<div class="wide[a-z ]*"><table(?: class="([a-z]+)")?>', text)
    assert ["plans", "", ""] == wide, "plans, orders, ledger"
    assert len(wide) + text.count('<table class="verdicts">') + 2 == text.count("<table"), "marks, facts"
    assert "scroll it sideways" in text


def test_an_outcome_that_is_an_end_too_is_told_once():
    told = _format_write_ledger([replace(WRITTEN, outcome="replaced"), replace(WRITTEN, end="")])

    assert ["replaced", "done"] == re.findall(r"<td>([a-z, ]+)</td><td>4</td></tr>", told)


def test_what_a_person_cannot_look_through_is_in_the_file():
    assert "and 1 more in ledger.csv" in _format_write_ledger([WRITTEN] * (ORDERS_MAX_COUNT + 1))
    assert "" == _format_write_ledger([])


def test_further_sections_stand_at_the_end_and_the_head_leads_to_them():
    assert "#street" not in _page(_record(10))

    text = _page(_record(10), more='<header id="street"></header>')
    assert '<a href="#street">Street: below</a>' in text
    assert (
        text.index('href="#street"')
        < text.index("Orders")
        < text.index('id="street"')
        < text.index("<footer>")
    )


def test_texts_cannot_break_the_page():
    text = _page(_record(10))
    block = re.search(
        r'<script class="data" data-charts="charts" type="application/json">(.*?)</script>', text, re.DOTALL
    )

    assert block is not None
    assert "a text with </script> & <b>" == json.loads(block[1])["marks"][0]["text"]
    assert "A &lt;day&gt;" in text
    assert "1 of 2 promises kept" in text


def test_every_curve_has_a_value_or_a_gap_at_every_time_and_time_rises():
    drawn = build_chart_data(_record(5_000), 1e9)

    assert drawn["times"] == sorted(set(drawn["times"]))
    for chart in drawn["charts"]:
        for curve in chart["curves"]:
            assert len(drawn["times"]) == len(curve["values"])


def test_what_is_no_number_is_a_gap():
    record = RunRecord()
    record.add(0.0, {"grid.power_w": 1000.0})
    drawn = build_chart_data(record, 0.0)
    power = {curve["label"]: curve["values"] for curve in drawn["charts"][0]["curves"]}

    assert ([1.0, 1.0], [None, None]) == (power["grid"], power["PV"])


def test_each_asset_that_was_steered_has_what_it_was_ordered_beside_what_was_measured():
    record = RunRecord()
    for second in range(10):
        record.add(float(second), {"order.battery_w": -500.0, "bat1.power_w": -480.0})
    charts = {chart["title"]: chart for chart in build_chart_data(record, 0.0)["charts"]}
    row = "".join(re.findall(r"<tr><td>battery</td>.*?</tr>", _page(record)))

    (battery,) = [chart for title, chart in charts.items() if title.startswith("Ordered and measured")]
    assert ["measured", "setpoint"] == [curve["label"] for curve in battery["curves"]]
    assert [-0.5] == sorted(set(battery["curves"][1]["values"]))
    for cell in ("setpoint", "0:00:10", "20 W", "100.0 %", "± 100 W"):
        assert f"<td>{cell}</td>" in row


def test_each_order_stands_with_its_reason():
    row = "".join(re.findall(r"<tr><td>.0:00:07</td>.*?</tr>", _page(_record(10))))

    assert "<td>bat1.setpoint_w</td><td>-2,500</td><td>cap &lt;5 kW&gt; of the district</td>" in row


def test_what_a_house_has_beside_the_usual_is_drawn_with_its_unit():
    record = RunRecord(further=("lamps1.power_w", "heat1.tank_c", "park.current_l2_a"))
    for second in range(10):
        record.add(second, {"lamps1.power_w": 3_000.0, "heat1.tank_c": 45.0, "park.current_l2_a": 62.0})
    charts = build_chart_data(record, 0)["charts"][-3:]

    assert [("Further assets", "kW"), ("Temperatures", "°C"), ("Phases of the boards", "A")] == [
        (chart["title"], chart["unit"]) for chart in charts
    ]
    assert [("lamps1", 3), ("heat1 tank", 45), ("park current l2", 62)] == [
        (chart["curves"][0]["label"], chart["curves"][0]["values"][0]) for chart in charts
    ]


def test_what_energy_costs_and_whether_a_plan_leads_are_drawn():
    record = RunRecord(further=("contract.price_eur_per_kwh", "plan.leads_on"))
    record.add(0.0, {"contract.price_eur_per_kwh": 0.7295, "plan.leads_on": 1.0})

    assert [("EUR/kWh", 0.73), ("", 1.0)] == [
        (chart["unit"], round(chart["curves"][0]["values"][0], 2))
        for chart in build_chart_data(record, 0)["charts"][-2:]
    ]


def test_a_curve_that_was_read_from_a_real_device_is_called_so():
    record = RunRecord(real=frozenset({"ev1.power_w"}))
    for second in range(3):
        record.add(float(second), dict.fromkeys(RECORDED_POINTS, 1.0))
    labels = [
        curve["label"] for chart in build_chart_data(record, 0.0)["charts"] for curve in chart["curves"]
    ]

    assert {"car (real)", "measured (real)"} == {label for label in labels if label.endswith("(real)")}


def test_the_cap_is_drawn_as_it_is_in_force_and_not_as_it_was_promised():
    record = RunRecord()
    record.add(0.0, {"cap.import_w": 12_000.0, "limit.import_w": 3_500.0, "limit.export_w": 6_000.0})
    caps = {
        curve["label"]: curve["values"][0]
        for curve in build_chart_data(record, 1e9)["charts"][0]["curves"][:2]
    }

    assert {"import cap": 3.5, "export cap": -6.0} == caps


def test_the_table_of_orders_says_what_it_counts():
    text = _page(_record(10))

    assert '<p class="hint">what is &lt;counted&gt;</p>' in text
    assert "<th>orders seen</th>" in text
