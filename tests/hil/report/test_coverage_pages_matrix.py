"""No class of device and no way to fail is without its scenario, or its reason."""

import pytest

from quartier_hil.report import coverage_pages
from quartier_hil.scenario.builtin_scenarios import list_builtin
from quartier_hil.scenario.site import Asset
from quartier_sim.devices.device_faults import COMMON_FAULT_KINDS

CELLS = [(row, verb) for row in coverage_pages.DEVICE_CLASSES for verb in COMMON_FAULT_KINDS]


@pytest.mark.parametrize(("row", "verb"), CELLS, ids=[f"{row.words}-{verb}" for row, verb in CELLS])
def test_each_class_fails_in_each_way_somewhere_or_it_is_said_why_it_cannot(row, verb):
    found = coverage_pages.find_cell(row, verb)

    assert bool(found.scenario) != bool(found.why_not)
    assert not found.scenario or found.scenario in list_builtin()


def test_every_class_of_asset_has_a_row():
    kinds = {one.model_fields["kind"].annotation.__args__[0] for one in Asset.__origin__.__args__}
    words = " ".join(row.words for row in coverage_pages.DEVICE_CLASSES)
    named = {
        "cars": "charge point",
        "lights": "lights",
        "heat": "heat pump",
        "chp": "CHP",
        "load": "plain load",
    }

    assert [] == [kind for kind in sorted(kinds) if named.get(kind, kind) not in words]


def test_the_page_has_each_row_with_its_scenarios():
    text = coverage_pages.render_matrix_page(
        {}, dict.fromkeys(coverage_pages.list_matrix_scenarios(), "1 of 1")
    )

    assert text.startswith(coverage_pages.MATRIX_HEAD)
    lines = text.splitlines()
    for row in coverage_pages.DEVICE_CLASSES:
        (line,) = [one for one in lines if one.startswith(f"| {row.words} |")]
        assert len(COMMON_FAULT_KINDS) + 2 == len(line.strip("|").split("|"))
        assert line.endswith(f"| {', '.join(row.scenarios)} |")
        assert "not run yet" not in line


def test_a_result_without_wires_has_precedence_in_its_cell():
    results = {("charger-verbs", "charger", "off"): "12 s, 1 s, 89%"}
    text = coverage_pages.render_matrix_page(results, {"charger-verbs": "20 of 20"})
    (line,) = [one for one in text.splitlines() if one.startswith("| charge point")]

    assert ["12 s, 1 s, 89%", "over wires 20 of 20"] == line.strip("| ").split(" | ")[1:3]


def test_a_cell_without_a_result_says_that_it_was_not_run():
    (line,) = [
        one
        for one in coverage_pages.render_matrix_page({}, {}).splitlines()
        if one.startswith("| M-Bus meter")
    ]

    assert 7 == line.count("over wires not run yet")


def test_a_cell_without_scenario_and_reason_is_a_hole():
    row = coverage_pages.DeviceClass("nothing", "meter", ("cap-kept",))

    assert coverage_pages.MatrixCell() == coverage_pages.find_cell(row, "off")


def test_what_was_kept_over_wires_is_read_from_its_page():
    text = "| scenario | kept |\n| --- | --- |\n| cap-kept | 10 of 10 |  |\n"

    assert {"cap-kept": "10 of 10"} == coverage_pages.parse_wired_results(text)
