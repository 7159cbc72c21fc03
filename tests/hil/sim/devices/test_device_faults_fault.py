from pathlib import Path

import pytest

from quartier_sim.devices.device_faults import FAULT_KINDS, Fault, FaultyValues, compute_neighbour_w


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_every_kind_needs_nothing_else(kind):
    assert kind == Fault(kind).kind


def test_an_unknown_kind_is_named_with_those_that_are():
    with pytest.raises(ValueError, match="'tired' is no fault; expected one of off, unplugged"):
        Fault("tired")


def test_no_delay_runs_backwards():
    with pytest.raises(ValueError, match="seconds >= 0"):
        Fault("slow", seconds=-1)


def test_wrong_hits_powers_unless_told_otherwise():
    assert [True, True, False] == [
        Fault("wrong").applies_to(point) for point in ("grid.power_w", "power_l1_w", "battery.soc_pct")
    ]
    assert Fault("wrong", points="battery.*").applies_to("battery.soc_pct")


def test_a_loose_contact_is_bad_first_and_then_well_for_as_long():
    loose = Fault("intermittent", seconds=4)

    assert [True, True, False, False, True] == [
        loose.is_contact_open(lasted_s) for lasted_s in (0, 3.9, 4, 7.9, 8)
    ]


def test_every_verb_stands_in_the_table_of_the_page():
    page = (Path(__file__).parents[4] / "hil" / "README.md").read_text(encoding="utf-8")

    assert not [kind for kind in FAULT_KINDS if f"| `{kind}` |" not in page]


def _mains(l1_w, l2_w, l3_w, prefix="", **counters):
    """What a sound meter of three phases shows at 230 V and unity power factor."""
    powers = {1: l1_w, 2: l2_w, 3: l3_w}
    values = {"power_w": float(sum(powers.values())), "frequency_hz": 50.0, **counters}
    for phase, power_w in powers.items():
        values |= {f"power_l{phase}_w": float(power_w), f"voltage_l{phase}_v": 230.0}
        values[f"current_l{phase}_a"] = abs(power_w) / 230.0
    return {prefix + quantity: value for quantity, value in values.items()}


def _shown(values, kind, **told):
    return FaultyValues().apply({kind: Fault(kind, **told)}, values, 0.0)


def _phases_w(shown, prefix=""):
    return [shown[f"{prefix}power_l{phase}_w"] for phase in (1, 2, 3)]


def test_who_is_well_shows_the_very_values():
    values = _mains(1, 2, 3)

    assert values is FaultyValues().apply({}, values, 0.0)


@pytest.mark.parametrize(
    ("phases", "factor", "powers_w", "total_w"),
    [
        ((), -1.0, [-1_000, -2_000, 500], -2_500),
        ((2,), -1.0, [1_000, -2_000, -500], -1_500),
        ((), 0.6, [600, 1_200, -300], 1_500),
        ((1,), 0.0, [0, 2_000, -500], 1_500),
        ((1, 3), 1.5, [1_500, 2_000, -750], 2_750),
    ],
)
def test_wrong_current_transformers_show_in_powers_currents_and_the_sum(phases, factor, powers_w, total_w):
    values = _mains(1_000, 2_000, -500, "grid.")
    shown = _shown(values, "clamps", factor=factor, phases=phases)

    assert powers_w == _phases_w(shown, "grid.")
    assert total_w == shown["grid.power_w"]
    assert [abs(power_w) / 230 for power_w in powers_w] == pytest.approx(
        [shown[f"grid.current_l{phase}_a"] for phase in (1, 2, 3)]
    )
    assert (230, 50) == (shown["grid.voltage_l1_v"], shown["grid.frequency_hz"])


def test_a_meter_of_the_sum_alone_loses_a_third_with_a_dead_phase():
    assert {"power_w": 600} == _shown({"power_w": 900.0}, "clamps", factor=0.0, phases=(2,))


def test_swapped_phases_go_round_and_the_sum_stays():
    shown = _shown(_mains(1, 2, 3, "grid.") | {"a.power_l1_w": 9.0}, "swapped")

    assert [2, 3, 1] == _phases_w(shown, "grid.")
    assert (6, 9) == (shown["grid.power_w"], shown["a.power_l1_w"])


def test_swapped_clamps_show_a_balanced_building_that_takes_nothing():
    shown = _shown(_mains(2_300, 2_300, 2_300), "swapped", what="clamps")

    assert ([-1_150, -1_150, 2_300], 0) == (_phases_w(shown), shown["power_w"])


def test_swapped_clamps_give_each_phase_the_others_current():
    shown = _shown(_mains(2_300, 0, 0), "swapped", what="clamps")

    assert (0, -1_150, 0, 10) == tuple(
        shown[quantity] for quantity in ("power_l1_w", "power_l2_w", "current_l1_a", "current_l2_a")
    )


@pytest.mark.parametrize("value", [0.0, 500.0, 3_000.0, -2_000.0])
def test_a_meter_stands_at_a_given_power_with_the_phases_and_currents_that_belong_to_it(value):
    shown, stuck = FaultyValues(), {"stuck": Fault("stuck", value=value)}
    shown.apply(stuck, _mains(1_000, 1_000, 1_000, energy_import_wh=5.0), 0.0)
    later = shown.apply(stuck, _mains(3_000, 3_000, 3_000, energy_import_wh=9.0), 60.0)

    assert [value / 3] * 3 == pytest.approx(_phases_w(later))
    assert (value, 5) == (later["power_w"], later["energy_import_wh"])
    assert later["current_l2_a"] == pytest.approx(abs(value) / 690)


def test_one_quantity_stands_and_the_others_go_on():
    shown, stuck = FaultyValues(), {"stuck": Fault("stuck", points="power_w")}
    first = shown.apply(stuck, _mains(100, 100, 100, "grid."), 0.0)
    later = shown.apply(stuck, _mains(200, 200, 200, "grid."), 1.0)

    assert (300, 300) == (first["grid.power_w"], later["grid.power_w"])
    assert [200] * 3 == _phases_w(later, "grid.")


def test_what_stood_goes_on_after_it_and_stands_elsewhere_the_next_time():
    shown, stuck = FaultyValues(), {"stuck": Fault("stuck")}
    told = [
        shown.apply(faults, {"power_w": power_w}, 0.0)["power_w"]
        for faults, power_w in ((stuck, 1.0), (stuck, 2.0), ({}, 3.0), (stuck, 4.0), (stuck, 5.0))
    ]

    assert [1, 1, 3, 4, 4] == told


def test_a_reversed_meter_counts_what_it_shows_and_its_counters_never_go_back():
    shown, reversed_ = FaultyValues(), {"clamps": Fault("clamps", factor=-1.0)}
    seen = []
    for hour, faults in enumerate(({}, reversed_, reversed_, {}, {})):
        values = _mains(1_000, 0, 0, energy_import_wh=1_000.0 * hour, energy_export_wh=0.0)
        told = shown.apply(faults, values, hour * 3_600.0)
        seen.append((told["energy_import_wh"], told["energy_export_wh"]))

    # One hour under the fault: 1 kWh is counted as export; then the import goes on from where it stood.
    assert [(0, 0), (1_000, 0), (1_000, 1_000), (2_000, 1_000), (3_000, 1_000)] == seen


def test_a_coarse_meter_shows_changes_of_its_powers_from_a_size_on_and_all_else_as_it_is():
    shown, coarse = FaultyValues(), {"coarse": Fault("coarse", value=100.0)}
    told = [
        shown.apply(coarse, {"power_w": power_w, "frequency_hz": 50.0 + power_w / 1e4}, 0.0)
        for power_w in (500.0, 599.0, 600.0, 620.0, 500.0)
    ]

    assert [500, 500, 600, 600, 500] == [one["power_w"] for one in told]
    assert told[1]["frequency_hz"] > told[0]["frequency_hz"]


def test_the_meter_of_another_building_has_nothing_to_do_with_ours():
    shown, other = FaultyValues(), {"foreign": Fault("foreign", seed=3)}
    told = [shown.apply(other, _mains(*[4_000 + at_s] * 3), at_s)["power_w"] for at_s in range(0, 86_400, 60)]

    assert [compute_neighbour_w(at_s, 3) for at_s in range(0, 86_400, 60)] == told
    assert (True, True) == (min(told) > 100, max(told) < 6_000)
    assert told != [compute_neighbour_w(at_s, 4) for at_s in range(0, 86_400, 60)]


@pytest.mark.parametrize(("told", "words"), [({"phases": (0,)}, "phases: 0"), ({"what": "names"}, "'names'")])
def test_phases_and_ways_of_swapping_that_are_none_are_refused(told, words):
    with pytest.raises(ValueError, match=words):
        Fault("clamps", **told)
