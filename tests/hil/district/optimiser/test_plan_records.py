from quartier_district.optimiser.plan_records import BuildingPlan, DistrictPlan, SoftLimit


def test_import_and_export_are_the_two_sides_of_the_grids_power():
    lot = BuildingPlan(grid_w=(3.0, -2.0), curtailed_w=(0.0, 0.0))

    assert ((3.0, 0.0), (0.0, 2.0)) == (lot.import_w, lot.export_w)


def test_what_gave_way_is_told_in_the_order_of_the_levels_and_a_trifle_is_none():
    relaxed = {SoftLimit.COMFORT: 5.0, SoftLimit.TRANSFORMER: 2.0, SoftLimit.CARS: 0.5}
    plan = DistrictPlan(lots={}, relaxed_wh=relaxed, cost_eur=0.0, solve_s=0.0, solves_count=1)

    assert (SoftLimit.TRANSFORMER, SoftLimit.COMFORT) == plan.limit_violations
