from quartier_hil.district.optimum.plan import Level, Lot, Plan


def test_import_and_export_are_the_two_sides_of_the_grids_power():
    lot = Lot(grid_w=(3.0, -2.0), curtailed_w=(0.0, 0.0))

    assert ((3.0, 0.0), (0.0, 2.0)) == (lot.import_w, lot.export_w)


def test_what_gave_way_is_told_in_the_order_of_the_levels_and_a_trifle_is_none():
    relaxed = {Level.COMFORT: 5.0, Level.TRANSFORMER: 2.0, Level.CARS: 0.5}
    plan = Plan(lots={}, relaxed_wh=relaxed, cost_eur=0.0, solve_s=0.0, solves_count=1)

    assert (Level.TRANSFORMER, Level.COMFORT) == plan.gave_way
