from quartier.commissioning.probe.probe_trace import CommandedChange, ProbeTrace, TimeSeries


def test_edges_are_the_commands_that_change_something():
    trace = ProbeTrace(((0, 0), (5, 500), (8, 500), (12, 0)), 20, TimeSeries(), TimeSeries())

    assert [CommandedChange(0, 5, 12, 0, 500), CommandedChange(5, 12, 20, 500, 0)] == trace.edges
    assert [500, -500] == [edge.change_w for edge in trace.edges]


def test_nothing_commanded_is_no_edge():
    assert [] == ProbeTrace((), 20, TimeSeries(), TimeSeries()).edges


def test_a_window_is_open_at_its_end():
    series = TimeSeries((1.0, 2.0, 3.0), (10.0, 20.0, 30.0))

    assert (10.0, 20.0) == series.find_values(1.0, 3.0)
    assert (2.0, 3.0) == series.part(1.5, 9).times_s


def test_a_meter_asked_more_often_than_it_measures_is_found_out():
    times_s = [0.5 * place for place in range(80)]
    series = TimeSeries(times_s, [float(int(at_s // 5)) for at_s in times_s])

    assert 0.5 == series.period_s
    assert 5.0 == series.update_s
    assert 7 == series.changes
    assert 1.0 == series.step


def test_a_still_meter_says_nothing_of_how_often_it_measures():
    series = TimeSeries((0.0, 1.0, 2.0), (7.0, 7.0, 7.0))

    assert (1.0, 0, 0.0) == (series.update_s, series.changes, series.step)
    assert 1.0 == TimeSeries().period_s
