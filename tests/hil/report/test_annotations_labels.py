from quartier_hil.report import annotations
from quartier_hil.report.annotations import Frame
from quartier_hil.report.curves import Trace

FRAME = Frame(left=50, right=650, top=20, bottom=220)


def _flat(y):
    return Trace((((50.0, y), (650.0, y)),))


def test_a_name_stands_at_its_line():
    (label,) = annotations.place_labels([("grid", _flat(100))], FRAME)

    assert 0 < 100 - (label.top + annotations.LABEL_HEIGHT) <= 5


def test_names_of_lines_that_run_close_keep_apart_and_off_the_lines():
    heights = (60, 82, 104, 126)
    found = annotations.place_labels([(f"asset {y}", _flat(float(y))) for y in heights], FRAME)

    for place, label in enumerate(found):
        assert not [y for y in heights if label.top < y < label.top + annotations.LABEL_HEIGHT]
        assert not [other for other in found[:place] if annotations._labels_touch(label, other)]


def test_a_name_goes_where_its_line_is_flat():
    hill = Trace((((50.0, 200.0), (250.0, 60.0), (650.0, 60.0)),))
    (label,) = annotations.place_labels([("battery", hill)], FRAME)

    assert 250 <= label.x - label.half


def test_no_name_leaves_its_panel():
    for label in annotations.place_labels([("upper", _flat(21)), ("lower", _flat(219))], FRAME):
        assert FRAME.top < label.top
        assert FRAME.bottom > label.top + annotations.LABEL_HEIGHT
        assert FRAME.left < label.x - label.half
        assert FRAME.right > label.x + label.half


def test_a_line_too_short_for_its_name_is_named_all_the_same():
    short = Trace((((600.0, 100.0), (610.0, 100.0)),))

    assert ["a long name"] == [one.text for one in annotations.place_labels([("a long name", short)], FRAME)]
