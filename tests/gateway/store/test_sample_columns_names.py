from quartier.store.sample_columns import PointNameTable


def test_points_are_numbered_in_the_order_in_which_they_come():
    names = PointNameTable()

    assert [0, 1, 2] == [names.add(*point) for point in (("grid", "a_w"), ("pv1", "a_w"), ("grid", "b_w"))]
    assert [("grid", "a_w"), ("pv1", "a_w"), ("grid", "b_w")] == list(names)
    assert (("grid", "b_w"), [("pv1", "a_w")], 3) == (names[2], names[1:2], len(names))
    assert {"a_w": 0, "b_w": 2} == names.numbers("grid")
    assert {} == names.numbers("ev1")


def test_like_metrics_of_many_streams_are_kept_once():
    names = PointNameTable()
    for number in range(3):
        names.add(f"load{number}", f"power_l{number // 9}_w")

    assert 1 == len({id(metric) for _, metric in names})
