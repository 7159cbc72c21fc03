from math import inf

from quartier.config.sections.asset_sections import LoadSection
from quartier.config.sections.operation_mode_sections import (
    ChpSection,
    CoolingSection,
    HeatSection,
    LightsSection,
    SubstationSection,
    VentilationSection,
    WasteSection,
)
from quartier.daemon.assembly import operation_modes

SHARED = {"name": "street", "writable": True, "quantity": "dim_pct"}


def street(**more: object) -> LightsSection:
    return LightsSection(role="lights", device="cabinet", rated_w=4_000, **more)


def test_lights_have_a_mode_for_each_step_of_dimming_down_to_their_least():
    made = operation_modes.make_operation_mode_asset(street(dim_step_pct=15), SHARED)

    assert [(100, 4_000), (85, 3_400), (70, 2_800), (55, 2_200), (50, 2_000)] == [
        (mode.value, mode.power_w) for mode in made.modes
    ]


def test_an_evening_runs_from_noon_to_noon_however_it_is_written():
    made = operation_modes.make_operation_mode_asset(
        street(evening=("05:30 100 %", "22:30 80 %", "00:30 60 %")), SHARED
    )

    assert ((22.5 * 3600, 80), (0.5 * 3600, 60), (5.5 * 3600, 100)) == made.evening


def heat(quantity: str, **more: object) -> list[tuple[str, float, float]]:
    made = operation_modes.make_operation_mode_asset(
        HeatSection(role="heat", device="hp", rated_w=4_000, **more), {**SHARED, "quantity": quantity}
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


def test_a_tank_without_a_label_loses_what_the_union_allows():
    def water(**more):
        section = HeatSection(role="heat", device="hp", rated_w=3_000, **more)
        return operation_modes.make_operation_mode_asset(section, {**SHARED, "quantity": "relay_on"}).water

    assert water() is None
    assert (0.3, 70.0, 250.0) == (
        (said := water(tank_m3=0.3, tank_loss_w=70.0, heat_pct=250.0)).volume_m3,
        said.loss_w,
        said.heat_pct,
    )
    assert 98 == round(water(tank_m3=0.3).loss_w)  # 16.66 + 8.33 * 300^0.4


def test_a_chp_rests_or_is_asked_to_run_and_its_least_run_begins_after_its_start():
    chp = ChpSection(role="chp", device="c", rated_w=20_000, led="electricity", start_import_w=30_000)
    made = operation_modes.make_operation_mode_asset(chp, SHARED | {"quantity": "request_on"})

    assert [(0, 0), (1, -20_000)] == [(mode.value, mode.power_w) for mode in made.modes]
    assert (300 + 1_800, 900) == (made.min_off_s, made.min_on_s)
    assert made.writable


def test_a_chp_that_is_led_by_heat_takes_no_order_whatever_its_device_can():
    made = operation_modes.make_operation_mode_asset(
        ChpSection(role="chp", device="c", rated_w=20_000), SHARED | {"quantity": "request_on"}
    )

    assert not made.writable


def test_a_batch_has_its_window_in_seconds_of_the_day():
    waste = WasteSection(role="waste", device="w", rated_w=45_000, window_start="22:00", deadline="05:30")
    made = operation_modes.make_operation_mode_asset(waste, SHARED | {"quantity": "run_on"})

    assert (79_200, 19_800, 3_600) == (made.window_s, made.deadline_s, made.duration_s)
    assert ["runs", "waits"] == [mode.name for mode in made.modes]


def test_a_run_has_its_hours_in_seconds_of_the_day_and_ends_by_midnight_where_none_are_said():
    bare = LoadSection(role="load", device="r", tier="D", rated_w=2_200, run_w=(2_000, 400))
    said = bare.model_copy(update={"window_start": "20:00", "deadline": "06:00", "run_resumes": False})

    for load, hours in ((bare, (None, 0.0, 86_400.0, True)), (said, (72_000.0, 21_600.0, 36_000.0, False))):
        made = operation_modes.make_daily_run(load, SHARED | {"quantity": "relay_on"})
        assert hours == (made.window_s, made.deadline_s, made.window_length_s, made.resumes)
        assert [("runs", 1, 2_200), ("waits", 0, 0)] == [(m.name, m.value, m.power_w) for m in made.modes]
        assert (1_800.0, "D") == (made.duration_s, made.tier)


def test_what_turns_takes_the_third_power_of_its_speed_down_to_its_least():
    pump = SubstationSection(role="substation", device="s", rated_w=8_000, pump_min_pct=45, pump_step_pct=25)
    fans = VentilationSection(
        role="ventilation", device="v", rated_w=1_000, speed_min_pct=50, speed_step_pct=50
    )
    loop = operation_modes.make_operation_mode_asset(pump, SHARED | {"quantity": "pump_pct"})
    air = operation_modes.make_operation_mode_asset(fans, SHARED | {"quantity": "speed_pct"})

    assert [(100, 8_000), (75, 3_375), (50, 1_000), (45, 729)] == [
        (m.value, round(m.power_w)) for m in loop.modes
    ]
    assert [(100, 1_000), (50, 125)] == [(m.value, m.power_w) for m in air.modes]


def test_a_loop_has_the_bands_that_are_said_and_no_other():
    pump = SubstationSection(
        role="substation", device="s", rated_w=1, pump_min_pct=40, supply_max_c=75, return_min_c=5
    )
    made = operation_modes.make_operation_mode_asset(pump, SHARED | {"quantity": "pump_pct"})

    assert (("supply_c", -inf, 75), ("return_c", 5, inf)) == made.bands


def test_cooling_is_the_mirror_of_heat():
    cooling = CoolingSection(role="cooling", device="a", rated_w=4_000, shift_up_k=3, shift_down_k=1)
    made = operation_modes.make_operation_mode_asset(cooling, SHARED | {"quantity": "setpoint_shift_k"})

    assert [("boost", -1), ("normal", 0), ("lowered", 3)] == [(m.name, m.value) for m in made.modes]


def test_lights_know_where_they_stand():
    made = operation_modes.make_operation_mode_asset(street(dusk_offset_s=900), SHARED, (48.8, 2.3))

    assert ((48.8, 2.3), 900) == (made.place, made.dusk_s)
