from quartier.app import modes
from quartier.config.modes import Lights

SHARED = {"name": "street", "writable": True}


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
