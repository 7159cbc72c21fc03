import io

import pytest
from rich.console import Console

from quartier_hil.checks.verdicts import Verdict
from quartier_hil.report import verdict_files
from quartier_hil.suite.results import ScenarioResult
from quartier_hil.suite.scenario_queue import Progress, format_duration


class Watch:
    """A clock that is set by hand."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def said():
    return io.StringIO()


def progress(said, watch, expected_s, count, jobs=1):
    return Progress(Console(file=said, width=200), expected_s, count, jobs=jobs, now_s=watch)


def judged(*verdicts):
    line = verdict_files.make_verdict_line("a", verdicts, {}, site_s=60.0, rate=20.0, real_s=12.0, date="")
    return ScenarioResult(digest="d", seed=1, line=line, verdicts=verdicts)


def test_it_says_which_of_how_many_is_on_how_long_it_takes_and_what_is_left(said, watch):
    with progress(said, watch, {"a": 60.0, "b": 40.0}, 5) as shown:
        shown.begin("a")
        watch.now_s = 15.0

        assert "4 of 5  a 15 s of about 60 s; 15 s so far, about 85 s to go" == shown.words()
    assert "4 of 5  a 0 s of about 60 s; 0 s so far, about 100" not in said.getvalue()
    assert "4 of 5  a 0 s of about 60 s; 0 s so far, about 2 min to go\n" == said.getvalue()


def test_what_takes_longer_than_expected_takes_nothing_from_what_waits(said, watch):
    shown = progress(said, watch, {"a": 60.0, "b": 40.0}, 2)
    shown.begin("a")
    watch.now_s = 300.0

    assert 40.0 == shown.left_s()


def test_two_at_once_take_half_the_time(said, watch):
    assert 50.0 == progress(said, watch, {"a": 60.0, "b": 40.0}, 2, jobs=2).left_s()


def test_at_its_end_each_says_what_it_kept_and_what_it_broke(said, watch):
    shown = progress(said, watch, {"a": 60.0, "b": 40.0}, 2)
    shown.begin("a")
    watch.now_s = 61.0
    shown.end("a", judged(Verdict("x", "1 s", "1 s", holds=True), Verdict("[y]", "2 s", "3 s", holds=False)))
    shown.begin("b")
    shown.end("b", None)

    assert [
        "BROKEN a  1 of 2, 61 s",
        "       [y] broken: promised 2 s; measured 3 s",
        "NOT RUN  b, 0 s",
    ] == [row for row in said.getvalue().splitlines() if " of about " not in row]


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("40 s", 40.2), ("99 s", 99.4), ("2 min", 99.6), ("99 min", 99 * 60), ("3 h 05 min", 11_090)],
)
def test_times_are_said_as_people_say_them(words, seconds):
    assert words == format_duration(seconds)
