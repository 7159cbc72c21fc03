from types import SimpleNamespace

from quartier_hil.bench import scanning


def test_points_are_counted_at_every_depth():
    point = SimpleNamespace(points={"V": 1, "Tms": 2}, groups={})
    curve = SimpleNamespace(points={"ActPt": 1}, groups={"Pt": [point, point], "One": point})

    assert 1 + 3 * 2 == scanning._points(curve)
