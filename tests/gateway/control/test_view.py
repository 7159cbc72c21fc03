def test_a_view_says_mode_caps_whose_and_why(plant):
    view = plant(base_w=2000).run(3).view

    assert ("CONTROLLED", "test", "WELL", [], []) == (
        view["mode"], view["why"], view["stage"], view["rules"], view["alarms"],
    )  # fmt: skip
    cap = view["caps"]["export"]
    assert (6000, "hard limit") == (cap["max_w"], cap["whose"])
    assert 2.0 == view["mode_age_s"]


def test_each_asset_shows_power_age_quality_tier_state_and_last_command(plant):
    asset = plant(base_w=2000).run(3).view["assets"]["bat1"]

    assert {"role", "tier", "power_w", "age_s", "quality", "soc_pct", "state", "command", "led_by"} == set(
        asset
    )
    assert ("battery", "D", "good", "steered") == (
        asset["role"],
        asset["tier"],
        asset["quality"],
        asset["state"],
    )
    assert ("self-consumption: grid at 0 W", "rule: self-consumption") == (
        asset["command"]["reason"],
        asset["led_by"],
    )


def test_states_have_the_words_of_their_role(plant, house):
    p = plant(base_w=3000, soc_pct=10, ev_wants_w=7000, loads_w={"pump": 2000}).cap(import_max_w=3000).run(3)
    states = {name: asset["state"] for name, asset in p.view["assets"].items()}

    assert ("paused", "shed", "free", "measured only") == (
        states["ev1"],
        states["pump"],
        states["pv1"],
        states["lift"],
    )
    del house


def test_what_moved_is_named_with_the_rule_that_moved_it(plant):
    p = plant(base_w=3000, soc_pct=10, loads_w={"pump": 2000}).cap(import_max_w=3500).run(1)

    assert ["pump: import cap 3500 W (envelope dso 1): shed, tier C"] == p.view["acted"]
