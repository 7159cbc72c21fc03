"""The learner is fed from the gateway's own history, goes on after a restart, and learns nothing twice."""

import math
from dataclasses import replace

import pytest

from quartier.config.loading import load_site
from quartier.planning.forecast.site_history import SiteFacts
from quartier.planning.service import planner_inputs
from quartier.planning.service.training import ForecastTraining
from quartier.site.records import Now
from quartier.store.history_store import Store
from quartier_drivers.readings import Quality, Reading, make_readings

SITE = """\
site = { id = "b1", district = "issy" }
limits = { contract_import_w = 9000 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }
assets.grid = { role = "grid", device = "gx", part = "grid" }
assets.pv1 = { role = "pv", device = "gx", part = "pv", rated_w = 6000 }
assets.bat1 = { role = "battery", device = "gx", part = "battery", rated_w = 5000, capacity_wh = 10000 }
"""
PREMISES = SiteFacts(pv_rated_w=6000.0, where=(48.82, 2.27))
BEGIN_S = 1_790_000_000 // 3600 * 3600
STEP_S = 300


@pytest.fixture
def training(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(SITE)

    def make():
        return ForecastTraining(PREMISES, load_site(path), tmp_path / "history.db", tmp_path, tmp_path)

    return make


@pytest.fixture
def lived(tmp_path):
    """A history of some hours: 700 W of load by changes, the battery takes 1000 W, the sun gives 200 W
    and by the hour some more."""

    def live(hours, begin_s=BEGIN_S, grid="grid.power_w", beside=()):
        store = Store(tmp_path / "history.db", tmp_path, assets=("grid", "pv1", "bat1"), outbox=False)
        store.open(Now(0, begin_s * 1000, synced=True))
        for at_s in range(0, hours * 3600 + STEP_S, STEP_S):
            ns, wave_w = at_s * 10**9, 200.0 * (at_s // STEP_S % 2)
            values = {
                grid: 1500.0 + wave_w,
                "bat1.power_w": 1000.0,
                "pv1.power_w": -200.0 - at_s // 3600 % 5 * 60.0,
                **dict(beside),
            }
            said = (Reading(point, value, Quality.GOOD, ns) for point, value in values.items())
            store.record(make_readings(said, ns), Now(ns, (begin_s + at_s) * 1000, synced=True))
            store.tick(Now(ns, (begin_s + at_s) * 1000, synced=True))
        store.close(Now(hours * 3600 * 10**9, (begin_s + hours * 3600) * 1000, synced=True), 10.0)

    return live


def test_whole_hours_are_learnt_once_and_their_load_is_without_battery_and_sun(training, lived):
    lived(30)
    one = training()
    assert one.catch_up(BEGIN_S + 30 * 3600 + 60)
    found = one._columns(BEGIN_S, BEGIN_S + 3600, 4)

    assert [(pytest.approx(800.0, abs=101), 200.0)] * 4 == [one._step(found, at) for at in range(4)]
    assert (BEGIN_S // 3600) + 29 == one.learner.newest
    assert one.learner.nets[0].tried > 0
    assert not one.catch_up(BEGIN_S + 30 * 3600 + 120), "the hour that runs is not over"


def test_a_meter_of_va_tells_the_grid_less_its_export(training, lived):
    lived(2, grid="grid.apparent_power_va", beside={"grid.apparent_power_export_va": 300.0}.items())
    one = training()
    found = one._columns(BEGIN_S, BEGIN_S + 3600, 4)

    assert 500.0 == pytest.approx(one._step(found, 1)[0], abs=101)


def test_what_is_not_known_is_no_load_and_without_a_history_nothing_is_learnt(training, lived):
    one = training()
    assert one.catch_up(BEGIN_S + 7200)
    assert math.isnan(one.learner.newest)
    lived(2)
    found = one._columns(BEGIN_S, BEGIN_S + 3600, 4)
    del found["bat1.power_w"]
    assert (None, 200.0) == one._step(found, 0)


def test_what_was_learnt_outlives_a_restart(training, lived):
    lived(30)
    one = training()
    one.catch_up(BEGIN_S + 30 * 3600)
    one.keep()
    other = training()
    other.recall()

    assert "" == other.why_new
    assert one.learner.keep() == other.learner.keep()
    assert not other.catch_up(BEGIN_S + 30 * 3600)


def test_what_a_clock_that_was_wrong_has_taught_is_begun_anew_from_the_history(training, lived):
    lived(30)
    one, other = training(), training()
    now_s = BEGIN_S + 30 * 3600
    one.catch_up(now_s)
    one.catch_up(now_s + 90 * 86_400)
    one.surcharges.carbon.learn(int(now_s // 3600) + 90 * 24, 0.08)
    one.catch_up(now_s)
    other.catch_up(now_s)

    assert "what was learnt is of hours to come" in one.why_new
    assert other.learner.keep() == one.learner.keep()
    assert other.surcharges.keep() == one.surcharges.keep()


def test_a_clock_that_is_put_back_by_less_than_an_hour_forgets_nothing(training, lived):
    lived(30)
    one = training()
    one.catch_up(BEGIN_S + 30 * 3600)
    known = one.learner.keep()

    assert not one.catch_up(BEGIN_S + 29 * 3600 + 60)
    assert ("", known) == (one.why_new, one.learner.keep())


def test_a_jump_of_a_counter_is_no_import_that_a_month_or_a_day_has_reached(training, lived):
    lived(3, beside={"grid.power_w": 5e6}.items())
    one = training()
    one.catch_up(BEGIN_S + 3 * 3600)

    assert (0.0, 0.0) == (one.surcharges.month_w, one.surcharges.peak_history.top_w)
    assert (BEGIN_S // 3600) + 2 == one.surcharges.newest


def test_what_another_house_learnt_is_not_taken(training, lived, tmp_path):
    one = training()
    one.keep()
    other = ForecastTraining(
        SiteFacts(pv_rated_w=3000.0),
        load_site(tmp_path / "site.toml"),
        tmp_path / "history.db",
        tmp_path,
        tmp_path,
    )
    other.recall()

    assert other.why_new.startswith("premises: the site file changed")
    del lived


def test_a_battery_that_rests_for_longer_than_the_history_looks_back_is_known_to_rest(training, lived):
    lived(30)
    at_once, hourly = training(), training()
    at_once.catch_up(BEGIN_S + 30 * 3600)
    for hour in range(1, 31):
        hourly.catch_up(BEGIN_S + hour * 3600)

    assert at_once.learner.nets[0].tried == hourly.learner.nets[0].tried > 12
    assert at_once.learner.newest == hourly.learner.newest


def test_a_first_start_learns_from_four_weeks_at_most(training, lived):
    lived(26)
    one = training()
    spans, tried = [], []

    def learn(begin_s, until_s, *, tries):
        spans.append((begin_s, until_s))
        tried.append(tries)

    one._learn = learn
    one.catch_up(BEGIN_S + 29 * 86_400)

    assert (BEGIN_S + 86_400, BEGIN_S + 29 * 86_400) == (spans[0][0], spans[-1][1])
    assert 28 == len(spans)
    assert [False] * 21 + [True] * 7 == tried


def test_what_today_has_imported_is_learnt_from_the_history_and_kept(training, lived):
    lived(30)
    one = training()
    one.catch_up(BEGIN_S + 30 * 3600)
    assert pytest.approx(1600.0, abs=101) == one.surcharges.peak_history.top_w
    assert 1 <= len(one.surcharges.peak_history.days_w)
    one.keep()
    other = training()
    other.recall()
    assert one.surcharges.keep() == other.surcharges.keep()


def test_what_the_battery_took_is_held_against_the_rule_where_the_site_file_wants_it(tmp_path, lived):
    path = tmp_path / "bound.toml"
    wanted = "planning = { rule_bound = true, day_peak_eur_per_w = 0.0001 }\n"
    path.write_text(SITE + wanted + 'tariff = { contract = "base", base_eur_per_wh = 0.0002 }\n')
    lived(30)
    loaded = load_site(path)
    one = ForecastTraining(
        PREMISES,
        loaded,
        tmp_path / "history.db",
        tmp_path,
        tmp_path,
        planner_inputs.make_plan_backtest(loaded),
    )
    one.catch_up(BEGIN_S + 30 * 3600)

    peak = one.surcharges.rule_baseline.day_peak
    assert pytest.approx(600.0, abs=101) == peak.usual, "without the battery's 1000 W"
    assert peak.days > peak.step_d
    assert 2_000.0 == one.surcharges.rule.energy_wh, "the reserve: there is no sun that is left over"


def test_imports_that_an_earlier_version_did_not_keep_are_learnt_anew_and_nothing_else_twice(training, lived):
    lived(30)
    one, tried = training(), []
    one.catch_up(BEGIN_S + 30 * 3600)
    before, learnt = one.learner.keep(), one.surcharges.keep()
    one.surcharges = type(one.surcharges)("Europe/Paris")
    one.trial = type("Tried", (), {"step": lambda _, *found: tried.append(found)})()
    assert one.catch_up(BEGIN_S + 30 * 3600)

    assert learnt == one.surcharges.keep()
    assert (before, []) == (one.learner.keep(), tried)
    assert not one.catch_up(BEGIN_S + 30 * 3600)


def test_a_restart_in_the_middle_of_a_day_knows_what_it_has_reached_from_what_was_kept_and_the_history(
    training, lived
):
    lived(30)
    whole, first, second = training(), training(), training()
    whole.catch_up(BEGIN_S + 30 * 3600)
    first.catch_up(BEGIN_S + 20 * 3600)
    first.keep()
    second.recall()
    assert second.catch_up(BEGIN_S + 30 * 3600)

    assert whole.surcharges.keep() == second.surcharges.keep()
    assert second.surcharges.peak_history.top_w > 0.0


def test_what_is_planned_apart_is_no_part_of_the_load_and_nothing_is_known_without_it(tmp_path, lived):
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    apart = replace(PREMISES, apart=("boiler",))
    lived(2, beside={"boiler.power_w": 300.0}.items())
    found = []
    for premises in (PREMISES, apart, replace(PREMISES, apart=("gone",))):
        training = ForecastTraining(premises, load_site(path), tmp_path / "history.db", tmp_path, tmp_path)
        columns = training._columns(BEGIN_S, BEGIN_S + 3600, 4)
        found.append(training._step(columns, 2)[0])

    assert 300.0 == pytest.approx(found[0] - found[1])
    assert found[2] is None
