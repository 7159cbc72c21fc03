import json

from quartier_bench.speed import measurement
from quartier_bench.speed.measurement import make_comparison, make_single_figure, make_skipped_figure

FIGURES = [
    make_comparison("codec.exact", "bytes a sample", [1.0], [8.0], "B", 0.25, peer_name="Gorilla"),
    make_single_figure("start.memory", "memory", [70.0], "MiB", 60.0),
    make_skipped_figure("daemon.cpu", "CPU", "npm is not here: apt-get install npm", 0.5),
]


def test_a_row_shows_both_sides_their_ratio_the_floor_and_whether_it_holds():
    head, _, first, second, third = measurement.render_table(FIGURES, 1.0)

    assert ["figure", "what", "ours", "peer", "ratio", "floor", "holds"] == head.split()
    assert first.split()[-8:] == ["1.00", "B", "8.00", "B", "0.125", "≤", "0.250", "yes"]
    assert second.endswith("NO")
    assert third.endswith("SKIPPED: npm is not here: apt-get install npm")


def test_the_short_form_tells_what_misses_its_floor_but_by_less_than_it_may():
    rows = measurement.render_table(FIGURES, 0.7)

    assert rows[3].endswith("nearly")


def test_the_same_as_json_can_be_read_back():
    made = json.loads(json.dumps(measurement.build_document({"cores": 2}, FIGURES, short=True, rounds=3)))

    assert [True, False, None] == [figure["holds"] for figure in made["figures"]]
    assert "codec" == made["figures"][0]["group"]
