from quartier_hil.synthetic import site_assembly

LAMPS = '[[house.assets]]\nkind = "lights"\nname = "lamps1"\nrated_w = 3000\n'
LAUNDRY = '[[house.assets]]\nkind = "load"\nname = "laundry1"\nrated_w = 2000\ntier = "C"\n'


def test_further_assets_are_in_the_house_that_is_steered(day):
    site = day(LAMPS + LAUNDRY).site

    assert {"lamps1", "laundry1"} <= {asset.name for asset in site.house.assets}


def test_what_nobody_ordered_is_what_the_device_does_by_itself(day):
    made = day(LAMPS + LAUNDRY)
    own = site_assembly.list_initial_outputs(made.site, made.scenario.house)

    assert (100, 1, 0, 16) == tuple(
        own[point] for point in ("lamps1.dim_pct", "laundry1.relay_on", "hp1.relay_on", "ev1.current_max_a")
    )


def test_outputs_reach_the_plant_by_asset_and_quantity():
    orders = site_assembly.make_plant_orders({"bat1.setpoint_w": -5.0, "lamps1.dim_pct": 60.0})

    assert (-5, {"lamps1": {"dim_pct": 60}}) == (orders.battery_w, orders.more)
    assert 60 == orders.values["order.lamps1.dim_pct"]


def test_the_connections_meter_may_be_slow_or_know_no_frequency(day):
    grids = [day(f'[house]\ngrid_meter = "{kind}"\n').site.house.grid for kind in ("usual", "slow", "plain")]

    assert [1.0, 5.0, 1.0] == [grid.period_s for grid in grids]
    assert [1.0, 1.0, None] == [grid.frequency_period_s for grid in grids]


def test_fail_safe_values_that_nobody_agreed_are_the_specifications(day):
    limits = day("[house]\nfailsafe_agreed = false\ncontract_import_w = 15000\n").site.house.limits

    assert (7_500, 0) == (limits.import_failsafe_w, limits.export_failsafe_w)


def test_the_connections_meter_may_be_read_once_a_minute_or_be_a_linky_alone(day):
    minute = day('[house]\ngrid_meter = "minute"\n').site.house
    linky = day('[house]\ngrid_meter = "linky"\nmeters = ["tic"]\n').site.house

    assert (60, False) == (minute.grid.period_s, minute.grid.is_apparent)
    assert (True, ["grid"]) == (linky.grid.is_apparent, [one.name for one in linky.supplies])


def test_what_may_be_generated_unlisted_stands_in_the_site_file_where_it_is_said(day):
    assert 800 == day().site.house.unlisted_generation_w
    assert 0 == day("[house]\nunlisted_generation_w = 0\n").site.house.unlisted_generation_w
