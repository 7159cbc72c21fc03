from quartier.commissioning.trace import Edge, Series, Trace


def test_edges_are_the_commands_that_change_something():
    trace = Trace(((0, 0), (5, 500), (8, 500), (12, 0)), 20, Series(), Series())

    assert [Edge(0, 5, 12, 0, 500), Edge(5, 12, 20, 500, 0)] == trace.edges
    assert [500, -500] == [edge.change_w for edge in trace.edges]


def test_nothing_commanded_is_no_edge():
    assert [] == Trace((), 20, Series(), Series()).edges


def test_a_window_is_open_at_its_end():
    series = Series((1.0, 2.0, 3.0), (10.0, 20.0, 30.0))

    assert (10.0, 20.0) == series.within(1.0, 3.0)
    assert (2.0, 3.0) == series.part(1.5, 9).times_s


def test_a_meter_asked_more_often_than_it_measures_is_found_out():
    times_s = [0.5 * place for place in range(80)]
    series = Series(times_s, [float(int(at_s // 5)) for at_s in times_s])

    assert 0.5 == series.period_s
    assert 5.0 == series.update_s
    assert 7 == series.changes
    assert 1.0 == series.step


def test_a_still_meter_says_nothing_of_how_often_it_measures():
    series = Series((0.0, 1.0, 2.0), (7.0, 7.0, 7.0))

    assert (1.0, 0, 0.0) == (series.update_s, series.changes, series.step)
    assert 1.0 == Series().period_s
