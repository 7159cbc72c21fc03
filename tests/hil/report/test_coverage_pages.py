from pathlib import Path

import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.report import coverage_pages
from quartier_hil.scenario import scenario_file, specification_rows
from quartier_hil.scenario.builtin_scenarios import list_builtin

ROOT = Path(__file__).parents[3]
HEAD = 'title = "t"\nstart = 2026-06-12T18:30:00\nduration_s = 60\n'
CHECK = '[[checks]]\ncheck = "mode"\nat_s = 5\nexpected = "HOLD"\nproves = ["{row}"]\n'


def test_each_row_of_the_specification_has_a_scenario_or_a_test_that_says_why_none_can():
    proofs = coverage_pages.list_proofs(list_builtin())

    assert [] == [
        name
        for name, row in specification_rows.SPECIFICATION_ROWS.items()
        if not (proofs[name] or row.elsewhere)
    ]
    assert [] == [
        name
        for name, row in specification_rows.SPECIFICATION_ROWS.items()
        if bool(row.elsewhere) != bool(row.why)
    ]


def test_what_is_shown_elsewhere_is_there():
    assert [] == [
        row.elsewhere
        for row in specification_rows.SPECIFICATION_ROWS.values()
        if not (ROOT / row.elsewhere).exists()
    ]


def test_page_has_each_row_with_its_proof():
    scenarios = list_builtin()
    proofs = coverage_pages.list_proofs(scenarios)
    lines = [
        line for line in coverage_pages.render_coverage_page(scenarios).splitlines() if line.startswith("| `")
    ]

    assert [f"`{name}`" for name in specification_rows.SPECIFICATION_ROWS] == [
        line.split(" | ")[0].removeprefix("| ") for line in lines
    ]
    for line, (name, row) in zip(lines, specification_rows.SPECIFICATION_ROWS.items(), strict=True):
        proved = line.rsplit(" | ", 1)[1]
        assert all(f"`{one.scenario}`: " in proved for one in proofs[name]), name
        assert row.elsewhere in proved, name


def test_a_row_that_there_is_none_of_is_refused_with_the_nearest(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + CHECK.format(row="link.hold.used-upp"))

    with pytest.raises(ConfigError, match=r"did you mean link\.hold\.used-up\?"):
        scenario_file.load_scenario(path)


def test_a_proof_is_told_in_the_words_of_its_judge(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + CHECK.format(row="link.hold.used-up"))

    assert [coverage_pages.Proof("mine", "mode", "link state HOLD at 5 s")] == coverage_pages.list_proofs(
        {"mine": path}
    )["link.hold.used-up"]
