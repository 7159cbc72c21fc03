from math import inf

from quartier_hil.checks.verdicts import Verdict
from quartier_hil.report.verdict_files import (
    VERDICTS_FILE,
    VERDICTS_PAGE,
    make_verdict_line,
    record_line,
)

VERDICTS = [Verdict("cap-kept", "a", "b", holds=True), Verdict("reached", "a", "b", holds=False)]


def _line(name, **figures):
    return make_verdict_line(
        name, VERDICTS, figures, site_s=2_400.0, rate=20.0, real_s=121.26, date="2026-06-12"
    )


def test_a_line_tells_what_was_kept_and_how_quickly_a_cap_was_answered():
    found = _line("cap-kept", tighten_command_s=1.24, tighten_inside_s=inf, skipped_count=3.0)

    assert ("cap-kept", 1, 2, ("reached",)) == (found.scenario, found.kept_count, found.count, found.broken)
    assert (1.24, inf, 3, 121.3) == (found.command_s, found.inside_s, found.skipped_count, found.real_s)


def test_a_scenario_that_is_run_again_takes_its_own_place_and_leaves_the_others(tmp_path):
    for name, figures in (("b", {}), ("a", {}), ("b", {"tighten_command_s": 1.24, "tighten_inside_s": inf})):
        page = record_line(tmp_path, _line(name, **figures))
    rows = [row for row in page.read_text().splitlines() if row.startswith(("| a", "| b"))]

    assert [
        "| a | 1 of 2 | reached |  | 40 min | 20 |  |  |  | 2026-06-12, 121 s |",
        "| b | 1 of 2 | reached |  | 40 min | 20 | 1.2 s | never |  | 2026-06-12, 121 s |",
    ] == rows
    assert tmp_path / VERDICTS_PAGE == page


def test_a_record_that_nobody_can_read_is_begun_anew(tmp_path):
    (tmp_path / VERDICTS_FILE).write_text("[{")
    page = record_line(tmp_path, make_verdict_line("a", [], {}, site_s=60.0, rate=None, real_s=0.4, date=""))

    assert "| a | 0 of 0 |  |  | 1 min | no wires |  |  |  | 0 s |\n" in page.read_text()
