import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from quartier_hil.report import curves
from quartier_hil.report.curves import Trace

PIXELS = st.lists(st.integers(0, 2000).map(lambda tenths: tenths / 10), min_size=2, max_size=300)


def _curve(heights, apart=0.3):
    return [(curves.round_to_grid(place * apart), y) for place, y in enumerate(heights)]


@given(PIXELS)
def test_a_thinned_curve_keeps_its_ends_and_its_extremes(heights):
    (stroke,) = curves.thin_curve(_curve(heights), steps=False).strokes
    ys = [y for _, y in stroke]

    assert (heights[0], heights[-1]) == (ys[0], ys[-1])
    assert abs(max(heights) - max(ys)) <= curves.TOLERANCE_PIXELS
    assert abs(min(heights) - min(ys)) <= curves.TOLERANCE_PIXELS


@given(PIXELS)
def test_the_path_leads_to_the_last_corner(heights):
    trace = curves.thin_curve(_curve(heights, apart=7.0), steps=False)
    x = y = 0
    for word, run, rise in re.findall(r"([Mhvl])(-?[\d.]+)(?: ?(-?[\d.]+))?", curves.format_svg_path(trace)):
        dx, dy = {"h": (run, 0), "v": (0, run)}.get(word, (run, rise))
        x, y = x + round(float(dx) * 10), y + round(float(dy) * 10)

    assert tuple(round(10 * at) for at in trace.strokes[-1][-1]) == (x, y)


def test_a_value_that_stands_is_a_stair():
    spots = [(float(x), 10.0 if x < 50 else 30.0) for x in range(100)]
    trace = curves.thin_curve(spots, steps=True)

    assert ((0, 10), (50, 10), (50, 30), (99, 30)) == trace.strokes[0]
    assert "M0 10h50v20h49" == curves.format_svg_path(trace)


def test_a_gap_stays_a_gap():
    spots = [(0.0, 1.0), (10.0, 1.0), None, (30.0, 2.0), (40.0, 2.0)]

    assert 2 == len(curves.thin_curve(spots, steps=False).strokes)


def test_ten_thousand_samples_of_a_slow_curve_are_a_few_corners():
    spots = [(curves.round_to_grid(place * 0.07), 100.0 - place * 0.01) for place in range(10_000)]

    assert 3 >= len(curves.thin_curve(spots, steps=False).strokes[0])


def test_pixels_on_the_edge_of_two_tenths_go_one_way():
    assert (
        curves.round_to_grid(12.25)
        == curves.round_to_grid(12.25 - 1e-9)
        == curves.round_to_grid(12.25 + 1e-9)
    )


def test_numbers_are_short():
    trace = Trace((((0.5, 10.0), (0.5, 9.5), (1.0, 9.0), (21.0, 9.0)),))

    assert "M.5 10v-.5l.5-.5h20" == curves.format_svg_path(trace)
    assert all(first[0] <= second[0] for first, second in pairwise(trace.spots))
