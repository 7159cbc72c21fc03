def test_a_battery_that_does_not_obey_makes_all_of_c_and_d_go_after_5_s(plant):
    """The sums look right, for the battery was told to discharge; and yet the cap is broken."""
    p = plant(base_w=500, loads_w={"pump": 1_000, "heat": 1_000, "cold": 1_000}, soc_pct=60)
    p.deaf = {"bat1"}
    p.run(60).cap(import_max_w=3_000).run(60)

    assert [0, 0, 1] == [p.points[f"{name}.relay_on"] for name in ("pump", "heat", "cold")]
    assert "over the cap by 10 % for 5 s" in p.state.book.orders["pump.relay_on"].reason


def test_a_breach_of_the_export_cap_stops_what_discharges_and_what_generates(plant):
    p = plant(base_w=0, sun_w=6_000, soc_pct=95)
    p.deaf = {"pv1"}
    p.run(60).cap(export_max_w=1_000).run(60)
    reasons = {command.reason for _, command in p.log if command.point == "pv1.generation_max_w"}

    assert 0 == min(value for _, value in p.written("pv1.generation_max_w"))
    assert any("kept over it: stopped" in reason for reason in reasons)
