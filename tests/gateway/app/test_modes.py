from quartier.app import modes
from quartier.config.modes import Heat, Lights

SHARED = {"name": "street", "writable": True, "quantity": "dim_pct"}


def street(**more: object) -> Lights:
    return Lights(role="lights", device="cabinet", rated_w=4_000, **more)


def test_lights_have_a_mode_for_each_step_of_dimming_down_to_their_least():
    made = modes.moded(street(dim_step_pct=15), SHARED)

    assert [(100, 4_000), (85, 3_400), (70, 2_800), (55, 2_200), (50, 2_000)] == [
        (mode.value, mode.power_w) for mode in made.modes
    ]


def test_an_evening_runs_from_noon_to_noon_however_it_is_written():
    made = modes.moded(street(evening=("05:30 100 %", "22:30 80 %", "00:30 60 %")), SHARED)

    assert ((22.5 * 3600, 80), (0.5 * 3600, 60), (5.5 * 3600, 100)) == made.evening


def heat(quantity: str, **more: object) -> list[tuple[str, float, float]]:
    made = modes.moded(
        Heat(role="heat", device="hp", rated_w=4_000, **more), {**SHARED, "quantity": quantity}
    )
    assert "normal" == made.modes[made.normal].name
    return [(mode.name, mode.value, mode.power_w) for mode in made.modes]


def test_heat_has_the_states_of_sg_ready_and_the_fourth_only_where_it_is_wanted():
    three = [("boost", 3, 4_000), ("normal", 2, 3_000), ("blocked", 1, 0)]

    assert three == heat("sg_ready_state")
    assert [("forced on", 4, 4_000), ("boost", 3, 3_500), *three[1:]] == heat("sg_ready_state", force_on=True)


def test_heat_by_a_shift_of_its_setpoint_is_never_off_and_by_a_relay_never_boosted():
    shifted = [("boost", 1, 4_000), ("normal", 0, 2_000), ("lowered", -3, 1_000)]

    assert shifted == heat("setpoint_shift_k", shift_up_k=1, shift_down_k=3, normal_w=2_000)
    assert [("normal", 1, 4_000), ("blocked", 0, 0)] == heat("relay_on")
