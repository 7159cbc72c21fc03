from quartier_bench.fleet.plant_model import SHEDS_MAX_COUNT, view_columns
from quartier_native.fleets import Building, Fleet, Unit


def test_what_is_written_by_one_name_is_read_by_the_other():
    made = Fleet(
        [Building((-1,), (Unit(kind=0, rated_w=5.0),)), Building((-1,), (Unit(kind=0), Unit(kind=2)))]
    )
    columns = made.columns(SHEDS_MAX_COUNT)
    state, inputs, result = columns.state(), columns.inputs(), columns.result()
    views = view_columns(state, inputs, result)
    views.import_max_w[1] = 7.0
    views.sheds_ns[2, 3] = 9
    state.on[1] = 0
    result.cap_row[0] = 2

    assert 7.0 == inputs.import_max_w[4]
    assert 9 == state.sheds_ns[2 * SHEDS_MAX_COUNT + 3]
    assert [1, 0, 1] == list(views.on)
    assert 2 == views.cap_row[0]
