from quartier_sim.opcua.plants import HEAT_SUBSTATION_SPACE, HeatSubstation


def test_it_is_shown_what_a_substation_measures():
    assert {
        "power_w",
        "supply_c",
        "return_c",
        "flow_m3_per_h",
        "speed_pct",
        "valve_pct",
        "heat_w",
    } == set(HeatSubstation().quantities)


def test_it_may_run_as_it_likes_until_it_is_ordered():
    assert {"pump_pct": 100.0, "setpoint_shift_k": 0.0} == HeatSubstation().orders()


def test_names_and_quantities_are_each_used_once():
    for key in ("name", "quantity"):
        found = [getattr(variable, key) for variable in HEAT_SUBSTATION_SPACE.variables]
        assert len(found) == len(set(found))
