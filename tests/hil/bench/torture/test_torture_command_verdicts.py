from quartier_bench.torture.torture_command import LotVerdict, ResultsFile, render_verdicts


def verdict(fault="flapping", lot=1, form="long", *broken):
    return LotVerdict(fault, lot, form, 2.0, tuple(broken), {"samples": 12})


def test_what_held_is_done_and_the_last_word_counts(tmp_path):
    results = ResultsFile(tmp_path / "deep" / "results.jsonl")
    results.append(verdict(), "2026-11-28T10:00:00+00:00")
    results.append(verdict("frozen", 1, "long", "lost"), "2026-11-28T10:01:00+00:00")
    results.append(verdict("half-open"), "2026-11-28T10:02:00+00:00")
    results.append(verdict("half-open", 1, "long", "lost"), "2026-11-28T10:03:00+00:00")
    results.append(verdict("away", 1, "short"), "2026-11-28T10:04:00+00:00")

    assert {("flapping", 1)} == results.find_kept_lots("long")
    assert {("away", 1)} == results.find_kept_lots("short")


def test_a_line_cut_off_by_a_kill_costs_that_lot_alone(tmp_path):
    results = ResultsFile(tmp_path / "results.jsonl")
    results.append(verdict(), "2026-11-28T10:00:00+00:00")
    with results.path.open("a") as file:
        file.write('{"fault": "froz')

    assert [verdict()] == list(results.read())


def test_a_file_that_is_not_there_holds_nothing(tmp_path):
    assert set() == ResultsFile(tmp_path / "results.jsonl").find_kept_lots("long")


def test_rows_say_what_broke():
    assert ["BROKEN flapping/1  2 s  samples 12", "       lost"] == list(
        render_verdicts([verdict("flapping", 1, "long", "lost")])
    )
