"""The task that plans, on a real house: what makes it plan anew, and what leads when it cannot."""

import asyncio
import ctypes
import json
import math
import os
import threading
from dataclasses import replace

import pytest
from tests.gateway.daemon import ahead
from tests.gateway.daemon.ahead import planning

from quartier.control.link import machine
from quartier.control.requests import Envelope, Interval, Signal, SignalInterval
from quartier.daemon import background_tasks, control_loop
from quartier.planning.service import planner, planner_inputs
from quartier.planning.service.plan_request import answer_request
from quartier.planning.service.training import ForecastTraining
from quartier.site.site_layout import ClockSource
from quartier_drivers.readings import Quality, Reading, make_readings


@pytest.fixture
def house(yard, tmp_path):
    return ahead.ahead(yard, tmp_path)


async def running(group, made):
    """The planner as the daemon runs it, without a restart."""
    return group.create_task(made.run())


async def test_a_plan_leads_the_battery_until_it_is_too_old(house, monkeypatch):
    monkeypatch.setattr(planner_inputs, "PLAN_VALID_S", 60.0)
    async with house(planning()) as found, asyncio.TaskGroup() as group:
        await found.well()
        assert "rule: self-consumption" == found.led_by
        made = found.planner()
        task = await running(group, made)
        await found.until(lambda: found.led_by == "local plan")
        assert {"asset": "bat1", "why_not": ""} == {k: made.summary()[k] for k in ("asset", "why_not")}
        assert "plan.made" in [code for code, _ in found.events]
        task.cancel()  # it is gone: nobody plans any more
        await found.until(lambda: found.led_by == "rule: self-consumption")
        assert "the plan is too old" == made.summary()["why_not"]


async def test_a_planner_that_hangs_is_waited_for_no_longer_than_its_patience(house, monkeypatch):
    monkeypatch.setattr(planner, "PLAN_TIMEOUT_S", 0.05)
    gate, count = threading.Event(), [0]

    def hangs(question, learner):
        count[0] += 1
        gate.wait()
        return answer_request(question, learner)

    async with house(planning()) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner(answered=hangs)
        task = await running(group, made)
        await found.until(lambda: made.why == "the planner did not answer in time")
        made._due_ns = 0  # the next one is due: no second job begins beside the first
        await found.until(lambda: made._due_ns > 0)
        assert 1 == count[0]
        await found.until(lambda: found.led_by == "rule: self-consumption")
        gate.set()
        monkeypatch.setattr(planner, "PLAN_TIMEOUT_S", 60.0)
        made._due_ns = 0
        await found.until(lambda: made.answer is not None or made._due_ns > 0)
        task.cancel()


async def test_a_planner_that_hangs_while_it_learns_is_told_so_and_learns_it_later(house, monkeypatch):
    gate = threading.Event()
    async with house(planning()) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner()
        task = await running(group, made)
        await found.until(lambda: made.answer is not None)
        learnt_s = made._learn_s
        with monkeypatch.context() as patch:
            patch.setattr(planner, "TRAINING_TIMEOUT_S", 0.05)
            patch.setattr(ForecastTraining, "catch_up", lambda *_: gate.wait())
            made._learn_s, made._due_ns = 0.0, 0
            await found.until(lambda: made.why == "the planner did not answer in time")
            assert 0.0 == made._learn_s
        gate.set()
        made._due_ns = 0
        await found.until(lambda: not made.why)
        assert learnt_s <= made._learn_s
        task.cancel()


async def test_a_planner_whose_thread_is_gone_begins_anew_with_what_was_written_down(house, monkeypatch):
    monkeypatch.setattr(planner, "PLAN_TIMEOUT_S", 0.05)
    ends = [60 if os.uname().machine == "x86_64" else 93]

    def vanishes(question, learner):
        if ends:
            ctypes.CDLL(None).syscall(ends.pop(), 0)  # the thread alone; Python hears nothing of it
        return answer_request(question, learner)

    async with house(planning()) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner(answered=vanishes)
        task = await running(group, made)
        await found.until(lambda: made.why == "the planner did not answer in time")
        learnt = made._training.learner.keep()
        monkeypatch.setattr(planner, "PLAN_TIMEOUT_S", 60.0)
        made._due_ns = 0
        await found.until(lambda: made.answer is not None)
        assert learnt == made._training.learner.keep()
        assert ["plan.lost", "plan.made"] == [code for code, _ in found.events if code.startswith("plan.")][
            -2:
        ]
        task.cancel()


async def test_an_answer_that_comes_late_is_thrown_away(house, monkeypatch):
    monkeypatch.setattr(planner, "ANSWER_AGE_MAX_S", 0.0)
    async with house(planning()) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner()
        task = await running(group, made)
        await found.until(lambda: made.why == "a plan came too late and was thrown away")
        assert made.answer is None
        task.cancel()


async def test_a_cap_that_appears_is_planned_with_before_the_next_plan_is_due(house, monkeypatch):
    monkeypatch.setattr(planner, "PLAN_PERIOD_S", 1e6)
    async with house(planning()) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner()
        task = await running(group, made)
        await found.until(lambda: made.answer is not None)
        first = made.answer
        now = found.yard.clock.now()
        document = Envelope(
            id="e1",
            seq=1,
            program="dso",
            priority=0,
            nbf_utc_ms=now.utc_ms - 1000,
            exp_utc_ms=now.utc_ms + 7_200_000,
            start_utc_ms=now.utc_ms,
            intervals=(Interval(3600.0, import_max_w=2500.0),),
            default_import_max_w=3500.0,
            default_export_max_w=0.0,
        )
        found.turn.link, ack = machine.accept_envelope(found.turn.link, found.turn.params, document, now)
        assert "ACCEPTED" == ack.status
        await found.until(lambda: made.answer is not first)
        caps = made.answer.question.import_max_w

        assert 2500.0 == caps[0] == caps[2]
        assert 3500.0 == caps[5]
        task.cancel()


async def test_without_a_trusted_clock_the_rule_leads_at_once_and_the_reason_is_told(house):
    async with house(planning()) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner()
        task = await running(group, made)
        await found.until(lambda: found.led_by == "local plan")
        word = found.yard.folder / "word"
        word.write_text("no")
        clock = found.yard.clock
        clock.setting = replace(clock.setting, word=word)
        await found.until(lambda: not clock.is_synced())
        found.turn()
        await found.until(lambda: found.led_by == "rule: self-consumption")
        await found.until(lambda: made.why == "the clock is not trusted")
        assert ("plan.refused", "no local plan: the clock is not trusted") in found.events
        task.cancel()


async def test_prices_that_the_district_signals_are_kept_once_for_the_back_test(house):
    text = (
        planning()
        .replace('contract = "hchp"', 'contract = "signal"')
        .replace("off_peak_eur_per_wh = 0.0001, peak_eur_per_wh = 0.0004", "export_eur_per_wh = 0.00005")
    )
    async with (
        house('district_link = { url = "mqtt://127.0.0.1:9" }\n' + text) as found,
        asyncio.TaskGroup() as group,
    ):
        now_ms = found.yard.clock.utc_ms() // 3_600_000 * 3_600_000
        price = Signal(
            kind="price",
            id="p1",
            seq=1,
            nbf_utc_ms=now_ms,
            exp_utc_ms=now_ms + 36_000_000,
            start_utc_ms=now_ms,
            spans=(
                SignalInterval(18_000.0, {"import_eur_per_wh": 1e-4}),
                SignalInterval(18_000.0, {"import_eur_per_wh": 4e-4}),
            ),
        )
        found.turn.district_schedules.signals = {"price": price}
        await found.well()
        made = found.planner()
        task = await running(group, made)
        await found.until(lambda: found.led_by == "local plan")
        kept = made._trial.quoted
        first = now_ms // 3_600_000

        assert [1e-4, 1e-4, 4e-4] == [
            kept.find_final_price(first + step).import_eur_per_wh for step in (0, 4, 5)
        ]
        assert (10, None) == (len(kept.keep()), kept.find_final_price(first + 10))
        task.cancel()


async def test_a_signal_of_weeks_that_does_not_change_is_heard_on_as_time_goes(house):
    text = (
        planning()
        .replace('contract = "hchp"', 'contract = "signal"')
        .replace("off_peak_eur_per_wh = 0.0001, peak_eur_per_wh = 0.0004", "export_eur_per_wh = 0.00005")
    )
    async with house('district_link = { url = "mqtt://127.0.0.1:9" }\n' + text) as found:
        await found.well()
        made, now = found.planner(), found.yard.clock.now()
        begin_ms = now.utc_ms // 3_600_000 * 3_600_000
        times = {"nbf_utc_ms": begin_ms, "start_utc_ms": begin_ms, "exp_utc_ms": begin_ms + 14 * 86_400_000}
        spans = (SignalInterval(14 * 86_400.0, {"import_eur_per_wh": 1e-4}),)
        found.turn.district_schedules.signals = {
            "price": Signal(kind="price", id="p1", seq=1, spans=spans, **times)
        }
        await made._hear(now)
        heard = [len(made._trial.quoted.keep())]
        await made._hear(now._replace(utc_ms=now.utc_ms + 86_400_000))
        heard.append(len(made._trial.quoted.keep()))

        assert [7 * 24, 8 * 24] == heard


def says(found, point, value):
    """A meter tells a point now."""
    now_ns = found.yard.clock.now_ns()
    found.yard.image.put(make_readings([Reading(point, value, Quality.GOOD, now_ns)], now_ns))


async def test_a_clock_that_a_meter_contradicts_leaves_the_rule_until_it_agrees_again(house):
    async with house(planning()) as found, asyncio.TaskGroup() as group:
        turn = found.turn
        meter = ClockSource(name="tic", clock_s=2.0)
        turn.adopt(replace(turn.site, clock_sources=(meter,), plans=True), turn.params)
        await found.well()
        made = found.planner()
        task = await running(group, made)

        def then(led_by, behind_s):
            says(found, "tic.clock_offset_s", behind_s)
            return found.led_by == led_by

        await found.until(lambda: then("local plan", 1.0))
        learnt = made._training.learner
        caps = turn.view["caps"]
        await found.until(lambda: then("rule: self-consumption", -7_200.0))
        await found.until(lambda: then("rule: self-consumption", -7_200.0) and made.answer is None)
        why = "the clock contradicts tic"
        assert why == made.summary()["why_not"]
        reason = turn.view["assets"]["bat1"]["command"]["reason"]
        assert reason.endswith(f"; no plan is followed: {why}")
        assert ["clock.contradicted"] == [one.code for one in turn.view["alarms"]]
        assert caps == turn.view["caps"]
        made._learn_s = made._due_ns = 0  # the hour that a wrong clock begins
        learnt.newest = 1e6  # and what was learnt seems to be of years to come
        await found.until(lambda: then("rule: self-consumption", -7_200.0) and made._due_ns > 0)
        assert made._training.learner is learnt
        learnt.newest = math.nan
        await found.until(lambda: then("local plan", 1.0))
        task.cancel()


async def test_what_a_meter_says_in_words_counts_while_it_is_young(house, monkeypatch):
    async with house(planning()) as found:
        says(found, "tic.tomorrow_profile_text", "0000C001 NONUTILE")
        assert "0000C001 NONUTILE" == found.turn.find_text("tic.tomorrow_profile_text")
        assert "" == found.turn.find_text("tic.message_text")
        monkeypatch.setattr(control_loop, "TEXT_AGE_MAX_S", -1.0)
        assert "" == found.turn.find_text("tic.tomorrow_profile_text")


async def test_a_forecast_that_knows_too_little_leaves_the_rule(house):
    async with house(planning(history_min_s=259_200.0)) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner()
        task = await running(group, made)
        await found.until(lambda: "h are wanted" in made.why)
        assert "rule: self-consumption" == found.led_by
        task.cancel()


async def test_plans_that_cost_more_than_the_rule_in_their_back_test_are_followed_no_more(house):
    async with house(planning()) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner()
        task = await running(group, made)
        await found.until(lambda: found.led_by == "local plan")
        trial = made._trial
        trial.hours, trial.bare_eur = 100.0, 10.0
        trial.by_plan.cost_eur, trial.by_rule.cost_eur = 6.0, 5.0
        made._due_ns = 0
        await found.until(lambda: found.led_by == "rule: self-consumption")
        assert "in its back-test of the last week a plan cost 1.00 EUR more than the rule" == made.why
        task.cancel()


async def test_what_is_shown_is_json_and_has_every_step_with_its_reason(house):
    async with house(planning()) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner()
        assert {} == made.find_planned_powers(found.yard.clock.utc_ms())
        assert ([], "the first plan is not made yet") == (
            made.render_plan()["steps"],
            made.render_plan()["why_not"],
        )
        task = await running(group, made)
        await found.until(lambda: made.answer is not None)
        told = json.loads(json.dumps(made.render_plan()))

        assert 96 == len(told["steps"])
        assert all(step["why"] for step in told["steps"])
        codes = {step["code"] for step in told["steps"]}
        assert codes <= {"plan.charges", "plan.discharges", "plan.waits"}
        expected = made.find_planned_powers(found.yard.clock.utc_ms())
        assert {"grid": 96, "bat1": 96} == {name: len(watts) for name, watts in expected.items()}
        grids = [round(step["grid_w"], 1) for step in told["steps"]]
        assert set(expected["grid"]) <= {*grids, None}
        assert grids[0] == expected["grid"][0]
        assert ("bat1", "Europe/Paris", 900) == (told["asset"], told["time_zone"], told["step_s"])
        task.cancel()


async def test_the_forecast_is_told_where_no_plan_can_be_made_and_is_in_the_report(house):
    async with house(planning(history_min_s=259_200.0)) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner()
        assert made.summary()["forecast_points"] is None
        task = await running(group, made)
        await found.until(lambda: "h are wanted" in made.why)
        told = made.summary()["forecast_points"]

        assert told["load_1h_w"] > 0.0, "the site file's default"
        assert told["error_w"] is None
        report = found.turn.flexibility(())["forecast"]
        assert "persistence of the last day" == report["method"]
        assert 96 == len(report["load"]["high_w"])
        assert None is report["sun"], "there is none"
        (readings,) = background_tasks.read_forecast_points(found.turn, found.yard.clock.now())
        by_name = {one.point: one for one in readings}
        assert told["net_1h_w"] == by_name["gateway.forecast_net_1h_w"].value
        task.cancel()


async def test_the_days_largest_import_and_carbon_enter_the_plan_and_are_told(house):
    keys = {"day_peak_eur_per_w": 0.001, "co2_eur_per_g": 0.0001}
    async with house(planning(**keys)) as found, asyncio.TaskGroup() as group:
        await found.well()
        made = found.planner()
        surcharges, now = made._training.surcharges, found.yard.clock.now()
        for hour in range(now.utc_ms // 3_600_000 - 72, now.utc_ms // 3_600_000 + 1):  # at midnight too
            surcharges.learn(hour, 1_800.0)
        spans = (SignalInterval(7_200, {"import_g_per_wh": 0.08}),)
        times = dict.fromkeys(("nbf_utc_ms", "start_utc_ms"), now.utc_ms - 600_000)
        exp_ms = now.utc_ms + 7_200_000
        signal = Signal(kind="co2", id="c1", seq=1, exp_utc_ms=exp_ms, spans=spans, **times)
        found.turn.district_schedules.signals = {"co2": signal}
        task = await running(group, made)
        await found.until(lambda: made.answer is not None)
        told = json.loads(json.dumps(made.render_plan()))

        assert (1_800.0, [1_800.0] * 3) == (told["day_peak"]["today_w"], told["day_peak"]["above_w"])
        assert pytest.approx(0.001) == sum(told["day_peak"]["eur_per_wh"])
        assert (True, 1) == (told["co2"]["is_forecast"], told["co2"]["days_count"])
        co2 = list(made.answer.outlook.import_g_per_wh)
        assert pytest.approx([0.08] * len(co2), rel=1e-12) == co2, "as now, where nothing else was ever heard"
        assert told["peak_w"] < 2_500.0, (
            "a kW for an hour costs three times a dear kWh: little is bought at once"
        )
        task.cancel()


async def test_what_was_learnt_is_recalled_and_what_is_of_another_house_begins_anew(house, tmp_path):
    async with house(planning()) as found, asyncio.TaskGroup() as group:
        found.planner()._training.keep()
        await found.well()
        found.loaded.site.limits.__dict__["contract_import_w"] = 11_000.0
        made = found.planner()
        task = await running(group, made)
        await found.until(lambda: made.answer is not None)

        assert [{"why": "premises: the site file changed; what was learnt is begun anew"}] == found.yard.said(
            "forecast.begun_anew"
        )
        task.cancel()
    assert (tmp_path / "forecast.a").exists()
