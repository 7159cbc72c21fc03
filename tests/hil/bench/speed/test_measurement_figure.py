import pytest

from quartier_bench.speed.measurement import (
    Figure,
    make_comparison,
    make_single_figure,
    make_skipped_figure,
)


def test_a_ratio_is_taken_round_by_round_so_that_a_drifting_machine_does_not_decide():
    figure = make_comparison("codec.exact", "bytes", [10.0, 20.0, 40.0], [100.0, 200.0, 100.0], "B", 0.25)

    assert (20.0, 100.0, 0.1) == (figure.ours, figure.peer, figure.ratio)
    assert figure.group == "codec"


@pytest.mark.parametrize(
    ("ratio", "floor", "better", "full", "short"),
    [
        (0.5, 0.5, "less", True, True),
        (0.6, 0.5, "less", False, True),
        (0.72, 0.5, "less", False, False),
        (20.0, 20.0, "more", True, True),
        (14.1, 20.0, "more", False, True),
        (13.9, 20.0, "more", False, False),
    ],
)
def test_a_floor_is_kept_wholly_or_in_the_short_form_to_seven_tenths(ratio, floor, better, full, short):
    figure = Figure("kernels.twin", "", ratio, None, "", ratio, floor, better)

    assert (full, short) == (figure.holds(), figure.holds(0.7))


def test_what_was_skipped_or_has_no_floor_is_never_said_to_hold():
    assert make_skipped_figure("daemon.cpu", "CPU", "npm is missing", 0.5).holds() is None
    assert make_single_figure("start.rss", "memory", [50.0], "MiB", None).holds() is None


def test_rounds_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        make_comparison("codec.exact", "bytes", [1.0, 2.0], [1.0], "B", 0.25)
