from math import inf

import pytest

from quartier_hil.checks.verdicts import Verdict
from quartier_hil.report import verdict_files
from quartier_hil.suite.results import RESULTS_FILE, ResultsFile, ScenarioResult

KEPT, BROKEN = Verdict("a", "1", "1", holds=True), Verdict("b", "1", "2", holds=False)


def judged(name="cap-kept", digest="d", verdicts=(KEPT,), rate=20.0, real_s=12.0):
    line = verdict_files.make_verdict_line(
        name,
        verdicts,
        {"tighten_inside_s": inf},
        site_s=60.0,
        rate=rate,
        real_s=real_s,
        date="2026-11-28",
    )
    return ScenarioResult(digest=digest, seed=1, line=line, verdicts=tuple(verdicts))


def appended(folder, *all_of_them):
    results = ResultsFile(folder)
    for one in all_of_them:
        results.append(one, "2026-11-28T10:00:00+00:00")
    return results


def test_a_run_comes_back_as_it_was(tmp_path):
    one = judged(verdicts=(KEPT, BROKEN))

    assert [one] == list(appended(tmp_path, one).read())


def test_it_is_known_by_name_and_digest_and_the_last_word_counts(tmp_path):
    results = appended(tmp_path, judged(verdicts=(BROKEN,)), judged(), judged(digest="e", verdicts=(BROKEN,)))

    assert {("cap-kept", "d"): judged(), ("cap-kept", "e"): judged(digest="e", verdicts=(BROKEN,))} == (
        results.find_last_results()
    )


def test_how_long_it_took_last_is_known_whatever_code_it_was(tmp_path):
    results = appended(tmp_path, judged(), judged(digest="e", real_s=14.0), judged(rate=10.0, real_s=24.0))

    assert {("cap-kept", 20.0): 14.0, ("cap-kept", 10.0): 24.0} == results.took_s()


def test_what_is_no_verdict_is_passed_over(tmp_path):
    (tmp_path / RESULTS_FILE).write_text('{"digest": "d"}\n{"scenario": 3}\n')

    assert [judged()] == list(appended(tmp_path, judged()).read())


@pytest.mark.parametrize(("verdicts", "kept"), [((KEPT,), True), ((KEPT, BROKEN), False)])
def test_it_is_kept_where_every_promise_is(verdicts, kept):
    assert kept == judged(verdicts=verdicts).is_kept


def test_its_suite_has_its_promises_its_seed_and_its_time():
    suite = judged(verdicts=(BROKEN,)).suite

    assert ("cap-kept", (BROKEN,), 1, 12.0) == (suite.scenario, suite.verdicts, suite.seed, suite.real_s)
