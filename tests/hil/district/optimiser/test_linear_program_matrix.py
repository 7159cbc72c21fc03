from math import inf

from quartier_district.optimiser.linear_program import ProgramMatrix


def test_rows_are_kept_compressed_in_the_order_in_which_they_came():
    matrix = ProgramMatrix()
    first, second = matrix.column(), matrix.column(-1.0, 2.0)
    more = matrix.columns(2, high=3.0)

    assert 0 == matrix.row(1.0, 1.0, [(first, 1.0), (second, -2.0)])
    assert 1 == matrix.row(-inf, 5.0, [(more[1], 4.0)])
    assert (4, 2) == (matrix.columns_count, matrix.rows_count)
    assert ([0, 2, 3], [0, 1, 3], [1.0, -2.0, 4.0]) == (matrix.starts, matrix.indices, matrix.values)
    assert [0.0, -1.0, 0.0, 0.0] == matrix.column_low
    assert [inf, 2.0, 3.0, 3.0] == matrix.column_high
