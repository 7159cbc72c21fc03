from hypothesis import given
from hypothesis import strategies as st

from quartier_hil.report.curves import BINS_COUNT, list_bins, reduce_curve


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=3000))
def test_a_curve_keeps_its_extremes_in_at_most_two_points_a_bin(values):
    bins = list_bins(len(values))
    drawn = reduce_curve(values, bins, 1.0, "line")

    assert len(drawn) == 2 * len(bins) <= 2 * BINS_COUNT
    assert round(min(values), 3) == min(drawn)
    assert round(max(values), 3) == max(drawn)
