from quartier_hil.offline import premises

LAMPS = '[[house.assets]]\nkind = "lights"\nname = "lamps1"\nrated_w = 3000\n'
LAUNDRY = '[[house.assets]]\nkind = "load"\nname = "laundry1"\nrated_w = 2000\ntier = "C"\n'


def test_further_assets_are_in_the_house_that_is_steered(day):
    site = day(LAMPS + LAUNDRY).site

    assert {"lamps1", "laundry1"} <= {asset.name for asset in site.house.assets}


def test_what_nobody_ordered_is_what_the_device_does_by_itself(day):
    made = day(LAMPS + LAUNDRY)
    own = premises.own(made.site, made.scenario.house)

    assert (100, 1, 0, 16) == tuple(
        own[point] for point in ("lamps1.dim_pct", "laundry1.relay_on", "hp1.relay_on", "ev1.current_max_a")
    )


def test_outputs_reach_the_plant_by_asset_and_quantity():
    orders = premises.orders({"bat1.setpoint_w": -5.0, "lamps1.dim_pct": 60.0})

    assert (-5, {"lamps1": {"dim_pct": 60}}) == (orders.battery_w, orders.more)
    assert 60 == orders.values["order.lamps1.dim_pct"]
