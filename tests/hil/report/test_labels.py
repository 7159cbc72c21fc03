from quartier_hil.report import labels
from quartier_hil.report.labels import Frame
from quartier_hil.report.traces import Trace

FRAME = Frame(left=50, right=650, top=20, bottom=220)


def _flat(y):
    return Trace((((50.0, y), (650.0, y)),))


def test_a_name_stands_at_its_line():
    (label,) = labels.placed([("grid", _flat(100))], FRAME)

    assert 0 < 100 - (label.top + labels.HEIGHT) <= 5


def test_names_of_lines_that_run_close_keep_apart_and_off_the_lines():
    heights = (60, 82, 104, 126)
    found = labels.placed([(f"asset {y}", _flat(float(y))) for y in heights], FRAME)

    for place, label in enumerate(found):
        assert not [y for y in heights if label.top < y < label.top + labels.HEIGHT]
        assert not [other for other in found[:place] if labels._touch(label, other)]


def test_a_name_goes_where_its_line_is_flat():
    hill = Trace((((50.0, 200.0), (250.0, 60.0), (650.0, 60.0)),))
    (label,) = labels.placed([("battery", hill)], FRAME)

    assert 250 <= label.x - label.half


def test_no_name_leaves_its_panel():
    for label in labels.placed([("upper", _flat(21)), ("lower", _flat(219))], FRAME):
        assert FRAME.top < label.top
        assert FRAME.bottom > label.top + labels.HEIGHT
        assert FRAME.left < label.x - label.half
        assert FRAME.right > label.x + label.half


def test_a_line_too_short_for_its_name_is_named_all_the_same():
    short = Trace((((600.0, 100.0), (610.0, 100.0)),))

    assert ["a long name"] == [one.text for one in labels.placed([("a long name", short)], FRAME)]
