import csv
import json
from types import SimpleNamespace

from quartier_hil.checks.verdicts import Verdict
from quartier_hil.real_devices.readings import ReadingRow
from quartier_hil.report.report_files import format_figures, write_run_report


def test_a_report_folder_holds_page_numbers_and_samples(prepared, tmp_path):
    for second in range(3):
        prepared.record.add(float(second), {"grid.power_w": second * 100.0})
    page = write_run_report(
        prepared, [Verdict("x", "p", "m", holds=True)], prepared.kpis.table(), tmp_path / "report"
    )

    facts = json.loads((tmp_path / "report" / "run.json").read_text())
    rows = list(csv.DictReader((tmp_path / "report" / "samples.csv").read_text().splitlines()))
    assert "A title" in page.read_text()
    assert [("x", "p", "m", True, "kept")] == [
        (one["check"], one["promised"], one["measured"], one["holds"], one["result"])
        for one in facts["verdicts"]
    ]
    assert ["0", "100", "200"] == [row["grid.power_w"] for row in rows]
    assert ["0", "1", "2"] == [row["since_start_s"] for row in rows]


def test_figures_are_in_peoples_words():
    assert [("imported", "1.50 kWh"), ("memory of the daemon", "70 MB")] == format_figures(
        {"import_wh": 1500.0, "memory_max_mb": 70.2}
    )


def test_the_highest_imports_of_a_step_and_of_an_hour_are_told_apart():
    figures = {"import_max_w": 4_000.0, "hour_max_w": 2_500.0, "unplanned_hour_max_w": 3_000.0}

    assert [
        ("highest mean import of an hour, with the plan", "2.50 kW"),
        ("highest mean import of an hour, without", "3.00 kW"),
        ("highest import of one step", "4.00 kW"),
    ] == format_figures(figures)


def test_each_period_of_the_supply_contract_is_a_figure():
    told = {"import_wh": 1500.0, "import_red_peak_wh": 1500.0, "cost_red_peak_eur": 1.09425}

    assert [("imported", "1.50 kWh"), ("red peak", "1.50 kWh, 1.09 EUR")] == format_figures(told)


def test_every_real_reading_is_kept_with_its_source_and_what_was_real_stands_in_run_json(prepared, tmp_path):
    prepared.real_devices = SimpleNamespace(
        facts={"real devices": "charger at 10.0.0.4"},
        account={"bench": "left shelf"},
        readings=SimpleNamespace(
            rows=[
                ReadingRow(prepared.clock.origin_s + 1.5, "ev1.power_w", 7000.0, "meter clamp"),
                ReadingRow(prepared.clock.origin_s + 2.5, "ev1.power_w", None, "meter clamp", "no answer"),
            ]
        ),
    )
    prepared.record.add(0.0, {"grid.power_w": 1.0})
    page = write_run_report(prepared, [], {}, tmp_path / "report")
    rows = list(csv.DictReader((tmp_path / "report" / "readings.csv").read_text().splitlines()))

    assert "charger at 10.0.0.4" in page.read_text()
    assert {"bench": "left shelf"} == json.loads((tmp_path / "report" / "run.json").read_text())["real"]
    assert [("1.50", "7000", ""), ("2.50", "", "no answer")] == [
        (row["since_start_s"], row["value"], row["why"]) for row in rows
    ]


def test_a_page_of_a_run_over_wires_names_every_wire_and_what_its_orders_count(prepared, tmp_path):
    prepared.record.add(0.0, {"grid.power_w": 1.0})
    text = write_run_report(prepared, [], {}, tmp_path / "report").read_text()

    assert "TIC on a pty (Linky)" in text
    assert "Modbus RTU on a pty (SDM630, EM24, relays)" in text
    assert f"showed it every {0.25 * prepared.scenario.rate:g} s" in text
    assert "counts the looks that saw a new order" in text
