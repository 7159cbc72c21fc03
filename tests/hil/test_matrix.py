"""No class of device and no way to fail is without its scenario, or its reason."""

import pytest

from quartier_hil import matrix
from quartier_hil.devices.fault import VERBS
from quartier_hil.fittings import Asset
from quartier_hil.shelf import builtin

CELLS = [(row, verb) for row in matrix.ROWS for verb in VERBS]


@pytest.mark.parametrize(("row", "verb"), CELLS, ids=[f"{row.words}-{verb}" for row, verb in CELLS])
def test_each_class_fails_in_each_way_somewhere_or_it_is_said_why_it_cannot(row, verb):
    found = matrix.cell(row, verb)

    assert bool(found.scenario) != bool(found.why_not)
    assert not found.scenario or found.scenario in builtin()


def test_every_class_of_asset_has_a_row():
    kinds = {one.model_fields["kind"].annotation.__args__[0] for one in Asset.__origin__.__args__}
    words = " ".join(row.words for row in matrix.ROWS)
    named = {
        "cars": "charging point",
        "lights": "lights",
        "heat": "heat pump",
        "chp": "CHP",
        "load": "plain load",
    }

    assert [] == [kind for kind in sorted(kinds) if named.get(kind, kind) not in words]


def test_the_page_has_each_row_with_its_scenarios():
    text = matrix.page({}, dict.fromkeys(matrix.names(), "1 of 1"))

    assert text.startswith(matrix.HEAD)
    lines = text.splitlines()
    for row in matrix.ROWS:
        (line,) = [one for one in lines if one.startswith(f"| {row.words} |")]
        assert len(VERBS) + 2 == len(line.strip("|").split("|"))
        assert line.endswith(f"| {', '.join(row.scenarios)} |")
        assert "not run yet" not in line


def test_a_result_without_wires_has_precedence_in_its_cell():
    results = {("charger-verbs", "charger", "off"): "12 s, 1 s, 89%"}
    text = matrix.page(results, {"charger-verbs": "20 of 20"})
    (line,) = [one for one in text.splitlines() if one.startswith("| charging point")]

    assert ["12 s, 1 s, 89%", "over wires 20 of 20"] == line.strip("| ").split(" | ")[1:3]


def test_a_cell_without_a_result_says_that_it_was_not_run():
    (line,) = [one for one in matrix.page({}, {}).splitlines() if one.startswith("| M-Bus meter")]

    assert 7 == line.count("over wires not run yet")


def test_a_cell_without_scenario_and_reason_is_a_hole():
    row = matrix.Row("nothing", "meter", ("cap-kept",))

    assert matrix.Cell() == matrix.cell(row, "off")


def test_what_was_kept_over_wires_is_read_from_its_page():
    text = "| scenario | kept |\n| --- | --- |\n| cap-kept | 10 of 10 |  |\n"

    assert {"cap-kept": "10 of 10"} == matrix.kept_on_wires(text)
