import os
from pathlib import Path

import pytest

from quartier_bench.load_test.process_group import LoadShape, ProcessGroup, count_open_files

SHAPE = LoadShape(gateways=2, parks=1, hosts=1, period_s=10, begin_s=0, shares=True, primary=True)


class Said:
    """A process that answers with what a test gives it."""

    def __init__(self, **answers):
        self.answers = answers

    def ask(self, order):
        return self.answers.get(order, "")


def test_numbers_are_summed_and_of_times_the_latest_counts(tmp_path):
    stand = ProcessGroup(tmp_path, [1], SHAPE)
    ones = [
        Said(look='{"a": 1, "age_s": 2.5, "cpu_s": 1, "on": true}'),
        Said(look='{"a": 4, "age_s": 0.5, "cpu_s": 2}'),
    ]

    assert {"a": 5, "age_s": 2.5, "cpu_s": 3} == stand.sums(ones)


def test_what_is_numbered_and_not_held_is_missing(tmp_path):
    stand = ProcessGroup(tmp_path, [1], SHAPE)
    stand.hosts = [Said(marks='{"e1": {"grid": 5}}'), Said(marks='{"e2": {"grid": 9}}')]
    stand.parks = [Said(heads='{"e1": {"grid": 7, "pv1": 2}, "e2": {"grid": 9}}')]

    assert 4 == stand.missing()


def test_a_process_that_is_gone_is_no_answer(tmp_path):
    with pytest.raises(RuntimeError, match="is gone"):
        ProcessGroup(tmp_path, [1], SHAPE).look([Said()])


def test_who_waits_in_vain_is_told_what_for(tmp_path):
    with pytest.raises(RuntimeError, match="the tide"):
        ProcessGroup(tmp_path, [1], SHAPE).until("the tide", lambda: False, timeout_s=0.0)


def test_open_files_are_counted():
    before = count_open_files(os.getpid())
    with Path(os.devnull).open() as _:
        assert before + 1 == count_open_files(os.getpid())
