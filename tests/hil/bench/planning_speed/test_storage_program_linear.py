"""A program as HiGHS takes it."""

import highspy
import pytest
from highspy._core import _Highs as Highs

from quartier_bench.planning_speed.storage_program import INF, LinearProgram


def solved(program):
    highs = Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)  # as all here: in one process all solvers share theirs
    highs.passModel(program.model())
    highs.run()
    assert highspy.HighsModelStatus.kOptimal == highs.getModelStatus()
    return list(highs.getSolution().col_value)


@pytest.mark.parametrize(("whole", "found"), [(False, 2.5), (True, 3.0)])
def test_a_column_is_as_cheap_as_its_row_and_its_kind_allow(whole, found):
    program = LinearProgram()
    rest = program.new(1.0, 1.0)
    bought = program.new(0.0, 10.0, 2.0, whole=whole)
    program.row({bought: 2.0, rest: 1.0}, 6.0, INF)

    assert (2, whole) == (program.count, program.is_whole)
    assert [1.0, found] == pytest.approx(solved(program))
