from quartier_drivers.readings import FLOAT, INT, Layout, SharedQuantities


def test_layouts_of_one_owner_name_their_points_when_they_are_asked_for():
    told = SharedQuantities(("power_w", "mode_index"), bytes([FLOAT, INT]))
    one, plain = Layout.of("pv1", told), Layout(("pv1.power_w", "pv1.mode_index"), told.kinds)

    for layout in (one, plain):
        assert (2, ("pv1.power_w", "pv1.mode_index"), ("pv1",)) == (len(layout), layout.points, layout.owners)
        assert "pv1.mode_index" == layout.point(1)
        assert (0, 1) == (layout.place("pv1.power_w"), layout.place("pv1.mode_index"))
        assert [None] * 4 == [layout.place(point) for point in ("pv2.power_w", "pv1.soc_pct", "power_w", "")]


def test_a_point_that_is_told_twice_is_found_at_its_last_place():
    assert (1, ("a", "b")) == (
        Layout(("a.x_w", "a.x_w", "b.x_w"), bytes(3)).place("a.x_w"),
        Layout(("a.x_w", "b.x_w"), bytes(2)).owners,
    )
