from quartier_district.optimiser.linear_program import DistrictModel
from quartier_district.optimiser.plan_records import SoftLimit


def test_each_soft_limit_is_a_column_of_its_level_and_none_of_them_costs_anything(judge, car, heat):
    house = judge.house("a", [1.0, 2.0], cars=(car(9.0, 2),), heat=heat([1.0, 1.0]))
    model = DistrictModel(judge.street([house], [1e-4, 2e-4], 9.0))

    counts = {level: len(columns) for level, columns in model.levels.items()}
    assert {
        SoftLimit.TRANSFORMER: 4,
        SoftLimit.CONTRACT: 4,
        SoftLimit.CARS: 1,
        SoftLimit.COMFORT: 2,
    } == counts
    soft = set().union(
        *(model.levels[level] for level in (SoftLimit.TRANSFORMER, SoftLimit.CARS, SoftLimit.COMFORT))
    )
    assert not soft & model.cost_eur.keys()


def test_what_a_lot_says_is_in_watts_and_a_car_that_is_away_takes_nothing(judge, battery, car):
    house = judge.house("a", [1_000.0] * 3, battery=battery(), cars=(car(9.0, 3, since=1),))
    model = DistrictModel(judge.street([house], [1e-4] * 3, 9_000.0))
    mine = model.columns["a"]
    values = [0.0] * model.matrix.columns_count
    values[mine.bought[1]], values[mine.sold_over[2]], values[mine.discharged[2]] = 2.5, 1.0, 0.5

    lot = model.lots(values)["a"]
    assert mine.cars["ev1"][0] is None
    assert ((0.0, 2_500.0, -1_000.0), (0.0, 0.0, -500.0)) == (lot.grid_w, lot.battery_w)
    assert ((0.0, 0.0, 0.0), None) == (lot.cars_w["ev1"], lot.heat_w)
