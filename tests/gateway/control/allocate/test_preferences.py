from dataclasses import replace

import pytest

from quartier.control.allocate import preferences
from quartier.control.observe.daily_runs import RUN_MODE, WAIT_MODE, RunProgress
from quartier.control.reason import NO_REASON
from quartier.control.records import Preference
from quartier.site.asset_types import (
    BatchLoad,
    Battery,
    ChpUnit,
    HeatAsset,
    Lights,
    OperationMode,
    OperationModeAsset,
)

MODES = (OperationMode("full", 100, 900), OperationMode("half", 50, 400), OperationMode("off", 0, 0))


def test_each_class_is_asked_by_its_own_file(at_hour):
    street = Lights(name="s", rated_w=900, quantity="dim_pct", modes=MODES, tier="C")

    assert preferences.find_lights_preference(street, at_hour(1)) == preferences.find_class_preference(
        street, at_hour(1)
    )


def test_an_asset_of_no_class_stays_normal_and_may_be_moved_to_any_mode(at_hour):
    plain = OperationModeAsset(name="x", rated_w=900, quantity="step_index", modes=MODES, normal=1, tier="D")

    assert Preference(1, 0, 2, "D", NO_REASON) == preferences.find_class_preference(plain, at_hour(1))


@pytest.mark.parametrize("kind", [OperationModeAsset, HeatAsset])
def test_an_asset_of_tier_a_is_moved_by_nobody(at_hour, kind):
    vital = kind(name="x", rated_w=900, quantity="step_index", modes=MODES, normal=1, tier="A")

    assert Preference(1, 1, 1, "A", NO_REASON) == preferences.find_class_preference(vital, at_hour(1))


ENGINE = ChpUnit(
    name="chp1",
    rated_w=20_000,
    tier="D",
    quantity="request_on",
    modes=(OperationMode("rest", 0, 0), OperationMode("asked to run", 1, -20_000)),
    start_import_w=30_000,
    min_on_s=900,
    min_off_s=2_100,
)
REST, RUN = preferences.REST, preferences.CHP_RUN


@pytest.mark.parametrize(
    ("grid_w", "power_w", "mode", "wanted"),
    [
        (30_000, 0, REST, REST),
        (30_001, 0, REST, RUN),
        (10_001, -20_000, RUN, RUN),  # without it the import would be 30,001 W
        (7_000, -20_000, RUN, RUN),  # 27 kW: between 90 % and all of its start value it stays as it is
        (6_999, -20_000, RUN, REST),
        (28_000, 0, RUN, RUN),  # asked, and not yet generating
    ],
)
def test_it_is_asked_for_while_the_import_without_it_is_high(seen, grid_w, power_w, mode, wanted):
    preference = preferences.find_chp_preference(
        ENGINE, seen(ENGINE, grid_w=grid_w, mode=mode, power_w=power_w)
    )

    assert (wanted, 300) == (preference.preferred_mode, preference.after_s)


def test_a_battery_that_charges_is_no_need(seen):
    battery = Battery(
        name="bat1",
        rated_w=5_000,
        capacity_wh=10_000,
        charge_max_w=5_000,
        discharge_max_w=5_000,
        ramp_max_w_per_s=1_000,
    )
    make_inputs = seen(ENGINE, grid_w=34_000, mode=REST, power_w=0, others=(battery,))

    assert REST == preferences.find_chp_preference(ENGINE, make_inputs).preferred_mode


@pytest.mark.parametrize("mode", [REST, RUN])
def test_while_the_import_is_not_known_it_stays_as_it_is(seen, mode):
    assert (
        mode
        == preferences.find_chp_preference(
            ENGINE, seen(ENGINE, grid_w=None, mode=mode, power_w=0)
        ).preferred_mode
    )


def test_led_by_heat_it_is_never_moved(seen):
    heat = replace(ENGINE, start_import_w=None)
    preference = preferences.find_chp_preference(heat, seen(heat, grid_w=90_000, mode=REST, power_w=0))

    assert (REST, REST, REST) == (preference.highest, preference.preferred_mode, preference.lowest)


STREET = Lights(
    name="street",
    rated_w=4_000,
    tier="C",
    quantity="dim_pct",
    modes=tuple(OperationMode(f"{p} % light", p, 40.0 * p) for p in (100, 80, 60, 50)),
    evening=((22 * 3600, 80), (30 * 60, 55), (5.5 * 3600, 100)),
)


@pytest.mark.parametrize(
    ("hour", "light_pct"),
    [(13, 100), (21.9, 100), (22, 80), (23.9, 80), (0.4, 80), (0.5, 60), (5.4, 60), (5.5, 100), (11.9, 100)],
)
def test_the_evening_says_how_much_light_is_enough_and_more_is_taken_where_no_step_fits(
    at_hour, hour, light_pct
):
    preference = preferences.find_lights_preference(STREET, at_hour(hour))

    assert light_pct == STREET.modes[preference.preferred_mode].value


def test_without_a_trusted_clock_they_are_as_bright_as_ever(at_hour):
    assert 0 == preferences.find_lights_preference(STREET, at_hour(2, synced=False)).preferred_mode


def test_nothing_dims_them_below_half_not_even_a_mode_that_could(at_hour):
    darker = replace(
        STREET, modes=(*STREET.modes, OperationMode("20 % light", 20, 800), OperationMode("off", 0, 0))
    )

    assert 3 == preferences.find_lights_preference(darker, at_hour(2)).lowest


PARIS = replace(STREET, place=(48.82, 2.27), dusk_s=600)


@pytest.mark.parametrize(
    ("hour", "day"),  # 15 January: the sun is up from 08:39 to 17:21
    [(8.4, False), (8.55, True), (12.0, True), (17.4, True), (17.6, False), (0.0, False)],
)
def test_in_daylight_there_is_nothing_to_dim(seen, hour, day):
    preference = preferences.find_lights_preference(PARIS, seen(PARIS, hour, power_w=0))

    assert ((0, 0) if day else (preference.preferred_mode, 3)) == (
        preference.preferred_mode,
        preference.lowest,
    )
    assert day is (str(preference.reason) == "daylight, nothing to dim")


@pytest.mark.parametrize(
    ("dusk_s", "hour", "day"), [(-1_800, 16.7, True), (-1_800, 17.0, False), (1_800, 17.7, True)]
)
def test_lamps_that_are_lit_before_sunset_have_a_shorter_day(seen, dusk_s, hour, day):
    early = replace(PARIS, dusk_s=dusk_s)

    assert day is preferences.is_daylight(early, seen(early, hour))


def test_lamps_that_burn_in_daylight_may_be_dimmed_all_the_same(seen):
    assert 3 == preferences.find_lights_preference(PARIS, seen(PARIS, 12, power_w=201)).lowest


def test_without_place_or_clock_no_daylight_is_believed(seen):
    assert not preferences.is_daylight(STREET, seen(STREET, 12))
    assert not preferences.is_daylight(PARIS, seen(PARIS, 12, synced=False))


KILN = BatchLoad(
    name="kiln",
    rated_w=4_500,
    tier="D",
    quantity="relay_on",
    senses=("waiting_on",),
    modes=(OperationMode("runs", 1, 4_500), OperationMode("waits", 0, 0)),
    run_w=(4_500,) * 8,
    window_s=6 * 3600,
    deadline_s=22 * 3600,
)
STILL = {"power_w": 0}


@pytest.fixture
def preference(seen):
    """``preference(until_h, progress, …)``: so many hours before its deadline, None where that is not known."""

    def made(until_h=10.0, grid_w=0.0, kiln=KILN, *, points=STILL, **progress):
        make_inputs = seen(kiln, 12, mode=WAIT_MODE, grid_w=grid_w, **points)
        due_ns = None if until_h is None else make_inputs.now_ns + round(until_h * 3.6e12)
        state = replace(make_inputs.state, runs={"kiln": RunProgress(due_ns=due_ns, **progress)})
        return preferences.find_run_preference(kiln, replace(make_inputs, state=state))

    return made


def told(preference):
    return (
        preference.preferred_mode,
        preference.highest,
        preference.lowest,
        preference.tier,
        str(preference.reason),
        preference.claims,
    )


@pytest.mark.parametrize(
    ("until_h", "grid_w", "wanted", "highest", "tier", "words"),
    [
        (16.01, -9_000, WAIT_MODE, WAIT_MODE, "D", "its hours begin at 06:00"),
        (15.99, 0, WAIT_MODE, RUN_MODE, "D", "for own generation, until 19:48 at the latest"),
        (10, -4_499, WAIT_MODE, RUN_MODE, "D", "for own generation, until 19:48 at the latest"),
        (10, -4_500, RUN_MODE, RUN_MODE, "D", "with own generation"),
        (10, None, WAIT_MODE, RUN_MODE, "D", "for own generation, until 19:48 at the latest"),
        (2.21, 0, WAIT_MODE, RUN_MODE, "D", "for own generation, until 19:48 at the latest"),
        (2.2, 0, RUN_MODE, RUN_MODE, "B", "has to be done by 22:00"),
        (None, 0, RUN_MODE, RUN_MODE, "D", "the time of day is not known"),
    ],
)
def test_a_run_begins_with_own_generation_or_as_late_as_it_may(
    preference, until_h, grid_w, wanted, highest, tier, words
):
    claims = tier == "B"
    assert (wanted, highest, WAIT_MODE, tier, words, claims) == told(preference(until_h, grid_w))


def test_a_short_run_begins_five_minutes_before_it_need(preference):
    short = replace(KILN, run_w=(4_500,))
    assert WAIT_MODE == preference(1_201 / 3600, kiln=short).preferred_mode
    assert RUN_MODE == preference(1_200 / 3600, kiln=short).preferred_mode


@pytest.mark.parametrize("until_h", [10, 0.1, None])
def test_a_run_that_has_begun_goes_on_after_c_and_d_and_claims_its_place(preference, until_h):
    assert (RUN_MODE, RUN_MODE, WAIT_MODE, "B", "its run has begun", True) == told(
        preference(until_h, is_begun=True)
    )


def test_a_run_that_is_late_goes_as_soon_as_it_may_whatever_its_hours(preference):
    assert (RUN_MODE, RUN_MODE, WAIT_MODE, "B", "late: it was due at 22:00", True) == told(
        preference(20, is_late=True)
    )
    words = "its run has begun, late: it was due at 22:00"
    assert words == str(preference(-1, is_begun=True, is_late=True).reason)


def test_a_run_that_is_done_waits_for_the_next(preference):
    words = "its run is done, the next begins after 22:00"
    assert (WAIT_MODE, WAIT_MODE, WAIT_MODE, "D", words, False) == told(preference(is_done=True))


def test_where_nothing_waits_nothing_begins(preference):
    assert "no run is waiting" == str(preference(0.1, points=STILL | {"waiting_on": 0}).reason)
    assert "has to be done by 22:00" == str(preference(0.1, points=STILL | {"waiting_on": 1}).reason)


def test_before_it_was_ever_looked_at_it_runs_as_the_time_is_not_known(seen):
    assert "the time of day is not known" == str(preferences.find_run_preference(KILN, seen(KILN, 12)).reason)
