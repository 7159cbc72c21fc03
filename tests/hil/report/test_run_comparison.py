"""Two runs compared: what is worse, what differs and by how much."""

import json
import math

import pytest

from quartier_hil.checks.verdicts import Verdict
from quartier_hil.cli import main
from quartier_hil.report import run_comparison
from quartier_hil.report.run_comparison import NotARun, compare_runs, read_run

KEPT = Verdict("cap-kept", "import <= 5 kW", "4.9 kW at most", holds=True)
BROKEN = Verdict("cap-kept", "import <= 5 kW", "5.2 kW <for> 9 s", holds=False)
IDLE = Verdict("cap-kept", "import <= 5 kW", "0 s over", holds=True, unshown="never reached")
SAMPLES = ((0, 100, 1e9), (1, 200, 4000), (2, 300, 4000), (3, 300, 1e9))


@pytest.fixture
def make_run(tmp_path):
    """``make_run(name, verdicts, figures, samples)``: the folder of a run."""

    def make(name, verdicts=(KEPT,), figures=None, samples=SAMPLES):
        folder = tmp_path / name
        folder.mkdir()
        data = {"title": "A cap", "verdicts": [one.row for one in verdicts]}
        (folder / "run.json").write_text(json.dumps({**data, "figures": figures or {"cost_eur": 1.5}}))
        rows = [f"{1_700_000_000 + row[0]},{','.join(map(str, row))}" for row in samples]
        (folder / "samples.csv").write_text(
            "\n".join(["unix_s,since_start_s,grid.power_w,cap.import_w", *rows])
        )
        return folder

    return make


def test_equal_runs_have_no_difference(make_run, capsys):
    old, new = make_run("old"), make_run("new")

    assert 0 == main(["compare", str(old), str(new)])
    assert 3 == capsys.readouterr().out.count("the same")


@pytest.mark.parametrize(
    ("before", "after", "code", "word"),
    [
        (KEPT, BROKEN, 1, "worse: cap-kept: import <= 5 kW: kept -> broken: 5.2 kW <for> 9 s"),
        (KEPT, IDLE, 1, "worse: cap-kept: import <= 5 kW: kept -> not shown"),
        (BROKEN, KEPT, 0, "better: cap-kept: import <= 5 kW: broken -> kept"),
        (KEPT, None, 1, "worse: cap-kept: import <= 5 kW: kept -> missing"),
        (None, KEPT, 0, "new: cap-kept: import <= 5 kW: missing -> kept"),
        (None, BROKEN, 1, "worse: cap-kept: import <= 5 kW: missing -> broken"),
    ],
)
def test_a_verdict_that_changed_is_named_and_a_worse_one_is_exit_1(
    make_run, capsys, before, after, code, word
):
    old, new = make_run("old", [before] if before else []), make_run("new", [after] if after else [])

    assert code == main(["compare", str(old), str(new)])
    assert word in capsys.readouterr().out


def test_figures_and_curves_that_differ_are_listed_with_their_size(make_run, tmp_path, capsys):
    samples = [(0, 100, 1e9), (0.9, 200, 4000), (2, 330, 1e9), (3, 300, 1e9)]
    old, new = make_run("old"), make_run("new", figures={"cost_eur": 1.4, "plans_count": 3}, samples=samples)
    found = compare_runs(read_run(old), read_run(new))

    assert [("cost_eur", 1.5, 1.4)] == [(one.name, one.old, one.new) for one in found.figures[:1]]
    assert math.isnan(found.figures[1].old)
    curves = {one.point: one for one in found.curves}
    assert (7.5, 30.0, 2.0) == (
        (power := curves["grid.power_w"]).mean,
        power.largest,
        power.at_s,
    )
    assert 4000 == curves["cap.import_w"].largest, "a limit that is not set differs by the whole limit"

    assert 0 == main(["compare", str(old), str(new), "--json", "--page", str(tmp_path / "diff.html")])
    document = json.loads(capsys.readouterr().out)
    assert {"name": "plans_count", "old": None, "new": 3.0} in document["figures"]
    page = (tmp_path / "diff.html").read_text()
    assert 2 == page.count("<svg")
    assert "nan" not in page


def test_a_curve_of_one_run_and_a_limit_of_nothing_are_differences(make_run, capsys):
    old = make_run("old")
    new = make_run("new", samples=[(*row[:2], 0) for row in SAMPLES])
    text = (new / "samples.csv").read_text().replace("grid.power_w", "grid.other_w")
    (new / "samples.csv").write_text(text)
    main(["compare", str(old), str(new)])
    said = capsys.readouterr().out
    assert "grid.power_w: only in one run" in said
    assert "grid.other_w: only in one run" in said
    unset = compare_runs(
        read_run(make_run("unset", samples=[(*row[:2], 1e9) for row in SAMPLES])), read_run(new)
    )
    assert 1.0 == {one.point: one for one in unset.curves}["cap.import_w"].largest


def test_a_tolerance_hides_small_differences(make_run):
    samples = [(*row[:1], row[1] * 1.001, row[2]) for row in SAMPLES]
    old, new = read_run(make_run("old")), read_run(make_run("new", samples=samples))

    assert compare_runs(old, new).curves
    assert () == compare_runs(old, new, tolerance=0.01).curves


def test_foreign_text_is_no_markup_on_the_page(make_run):
    old, new = read_run(make_run("old")), read_run(make_run("new", [BROKEN]))
    page = run_comparison.render_comparison_page(compare_runs(old, new))
    assert "5.2 kW &lt;for&gt; 9 s" in page


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("run.json", None, "No such file or directory; expected the folder of a run, see --report"),
        ("run.json", "[]", "run.json: cannot be read"),
        ("run.json", "{", "run.json: cannot be read"),
        ("samples.csv", "unix_s,since_start_s", "has no samples"),
        ("samples.csv", "unix_s,since_start_s\n1,2\n1", "samples.csv: cannot be read"),
        ("samples.csv", "unix_s\n1", "samples.csv: cannot be read: 'since_start_s'"),
        ("samples.csv", "unix_s,since_start_s\n1,x", "could not convert"),
    ],
)
def test_a_folder_that_is_no_run_is_exit_2_with_its_file(make_run, capsys, file, content, words):
    old, new = make_run("old"), make_run("new")
    (new / file).unlink() if content is None else (new / file).write_text(content)

    with pytest.raises(NotARun):
        read_run(new)
    assert 2 == main(["compare", str(old), str(new)])
    assert words in capsys.readouterr().err
