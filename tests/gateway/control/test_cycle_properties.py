import json
from dataclasses import replace
from itertools import pairwise
from math import inf, nan

from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.site.asset_types import Pv

# --- property: whatever is read, lost, capped or delayed ---------------------------------------

values = st.sampled_from(
    [0.0, -1.0, 50.0, 300.0, -3000.0, 8000.0, 99_999.0, nan, inf, -inf, 1e300, "text", True]
)
names = ["grid.power_w", "bat1.power_w", "bat1.soc_pct", "ev1.power_w", "ev1.plugged_on", "pv1.power_w"]
names += ["pump.power_w", "pump.relay_on", "ev1.current_max_a", "pv1.generation_max_w", "bat1.setpoint_w"]
watts = st.sampled_from([0.0, 500.0, 3000.0, 5001.0, 10_000.0, 1e6])
moves = st.one_of(
    st.tuples(st.just("run"), st.sampled_from([1, 2, 5, 11, 35, 130, 400])),
    st.tuples(st.just("late"), st.sampled_from([2, 7, 3600])),
    st.tuples(st.just("raw"), st.sampled_from(names), values),
    st.tuples(st.just("clear")),
    st.tuples(
        st.just("silent"), st.sets(st.sampled_from(["grid", "bat1", "ev1", "pv1", "pump", "bat1.soc_pct"]))
    ),
    st.tuples(st.just("cap"), watts, watts, st.none() | watts, st.none() | watts, st.booleans()),
    st.tuples(st.just("base"), st.sampled_from([-2000.0, 200.0, 2500.0, 9000.0, 40_000.0])),
    st.tuples(st.just("sun"), st.sampled_from([0.0, 900.0, 6000.0])),
    st.tuples(st.just("ev"), st.sampled_from([0.0, 1000.0, 11_040.0])),
    st.tuples(st.just("soc"), st.sampled_from([0.0, 9.9, 20.1, 50.0, 94.9, 100.0])),
)


def moved(p, move):
    kind, *args = move
    if kind == "run":
        p.run(args[0])
    elif kind == "late":
        p.t += args[0]
        p.step()
    elif kind == "raw":
        p.raw[args[0]] = args[1]
    elif kind == "clear":
        p.raw, p.silent = {}, set()
    elif kind == "silent":
        p.silent = args[0]
    elif kind == "cap":
        import_w, export_w, generation_w, consumption_w, careful = args
        p.cap(
            import_max_w=import_w,
            export_max_w=export_w,
            generation_max_w=generation_w,
            consumption_max_w=consumption_w,
            no_battery_export=careful,
            no_grid_charge_above_reserve=careful,
        )
    else:
        setattr(p, {"base": "base_w", "sun": "sun_w", "ev": "ev_wants_w", "soc": "soc_pct"}[kind], args[0])


def switchings(p, point):
    written = p.written(point)
    return [(t, on) for (_, was), (t, on) in pairwise(written) if on != was]


@examples(20)
@given(st.lists(moves, min_size=1, max_size=15))
def test_no_sequence_of_readings_losses_and_caps_breaks_a_device_limit(plant, sequence):
    p = plant(base_w=1000, sun_w=2000, loads_w={"pump": 2000, "heat": 1000, "lift": 500})
    for move in sequence:
        moved(p, move)
    p.run(3)

    for _, command in p.log:
        low, high = {"w": (-5000, 6000), "a": (0, 16), "on": (0, 1)}[command.point.rsplit("_", 1)[-1]]
        assert low <= command.value <= high
        assert command.reason
        assert command.point != "lift.relay_on"
        assert not (command.point == "ev1.current_max_a" and 0 < command.value < 6)
    for on_s, off_s, point in ((300, 180, "pump.relay_on"), (0, 60, "heat.relay_on")):
        for (first, on), (second, _) in pairwise(switchings(p, point)):
            assert second - first >= (on_s if on else off_s)
    assert p.view["caps"]["import"]["max_w"] <= 10_000
    assert p.view["caps"]["export"]["max_w"] <= 6_000
    json.dumps(p.view, allow_nan=False)


def test_a_pv_rated_at_nothing_divides_by_nothing(plant, house):
    nothing = replace(house, assets=(Pv(name="pv1", rated_w=0, curtail="limit"),))

    assert "pv1" in plant(house=nothing, sun_w=10).cap(generation_max_w=0).run(20).view["assets"]
