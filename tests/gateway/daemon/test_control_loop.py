"""Turns of a real house in this process: real wires, a real store, an uplink whose broker is away."""

import asyncio
import contextlib
import json

import pytest
from pydantic import ValidationError

from quartier.config.sections.site_file import ControlSection
from quartier.control.link import machine
from quartier.control.orders.commands import CommandDocument, FailsafeTest, Replay, ResetAlarm, Setpoint
from quartier.control.requests import (
    DeviceSchedule,
    Envelope,
    FailsafeDocument,
    FailsafeValues,
    Heartbeat,
    Interval,
    ScheduleInterval,
    Signal,
    SignalInterval,
)
from quartier.daemon.assembly import bus_specs, site_model, site_settings
from quartier.daemon.control_loop import ControlLoop
from quartier.daemon.district_link import make_uplink
from quartier.daemon.reports.losses import LossReport
from quartier.district.documents.document_types import AcceptedDocument
from quartier.district.documents.gateway_forms import FlexibilityForm
from quartier.district.records import EVENT_STREAM
from quartier.district.sparkplug.metric_catalog import build_catalog
from quartier.site.samples import StreamPosition
from quartier.store.history_store import Store
from quartier_drivers.contract import OWN_RULE

VIRTUAL_TIME = True
LINK = ("buses.lan", 'district_link = { url = "mqtt://127.0.0.1:9" }\nbuses.lan')
SDM = (('device = "gx", part = "grid"', 'device = "meter"'), ("assets.boiler", "# assets.boiler"))


class Turning:
    """A turn with all it stands on; time passes while a test waits for something."""

    def __init__(self, yard, devices, store, turn):
        self.yard = yard
        self.devices = devices
        self.store = store
        self.turn = turn
        self.beats_count = 0

    @property
    def now_ms(self):
        return self.yard.clock.utc_ms()

    async def until(self, condition):
        def turned():
            self.turn()
            return condition(self.turn.view)

        await self.yard.until(turned)

    async def well(self):
        await self.until(lambda view: view["grid"]["state"] == "good")

    async def turns(self, count):
        """Turn so often more, each on fresh readings of the grid."""
        for _ in range(count):
            self.yard.image.drop({"grid.power_w"})
            await self.yard.until(lambda: self.yard.seen("grid.power_w") is not None)
            self.turn()

    async def measured(self, power_w):
        """Let the meter show this."""
        self.devices["gx"].publish({"grid.power_w": power_w})
        await self.yard.until(lambda: abs(self.yard.seen("grid.power_w") - power_w) < 5)

    def beat(self):
        self.beats_count += 1
        self.hear("heartbeat", Heartbeat(self.beats_count, self.now_ms))

    def hear(self, kind, document, **options):
        self.turn.uplink.inbox.append(AcceptedDocument(kind, "topic", document, **options))

    def envelope(self, seq=5, *, cap_w=5000.0, persisted=True, **changes):
        body = {
            "id": f"e{seq}",
            "seq": seq,
            "program": "dso",
            "priority": 0,
            "nbf_utc_ms": self.now_ms - 1000,
            "exp_utc_ms": self.now_ms + 3_600_000,
            "start_utc_ms": self.now_ms,
            "intervals": (Interval(3600.0, import_max_w=cap_w),),
            "default_import_max_w": cap_w,
            "default_export_max_w": 0.0,
        }
        self.hear("envelope", Envelope(**{**body, **changes}), persisted=persisted)

    def command(self, asked, seq, **options):
        document = CommandDocument(id=f"c{seq}", seq=seq, exp_utc_ms=self.now_ms + 60_000, asked=asked)
        self.hear("command", document, **options)

    @property
    def acks(self):
        self.turn.pending_acks.send_saved(self.turn.pending_acks.count)
        return [(ack.id, ack.status) for ack in self.turn.uplink._companion.acks]

    def events(self, code):
        run = self.store.run("event", None, 1000)
        found = [s for s in (run.rows() if run else ()) if s.metric == code]
        return [json.loads(sample.value) for sample in found]


@pytest.fixture
def turning(yard, tmp_path):
    @contextlib.asynccontextmanager
    async def opened(*changes, rate=20.0):
        async with yard(rate=rate) as (found, devices):
            loaded = await found.follow(LINK, *changes)
            site, points, clock = loaded.site, found.fleet.points, found.clock
            store = Store(tmp_path / "history.db", tmp_path, assets=tuple(site.assets))
            await asyncio.to_thread(store.open, clock.now())
            values = bus_specs.find_release_values(found.fleet.wires, points)
            house = site_model.make_site(site, points, values)
            params = site_settings.make_link_params(site, house.limits)
            state = machine.start_link(params, None, clock.now(), outage=False)
            turn = ControlLoop(house, params, state, found.parts(store))
            turn.loss_report = LossReport.of(site, house, found.fleet, store)
            catalog = build_catalog(points, {}, deadband=lambda _point: 0.0)
            turn.uplink = make_uplink(site, tmp_path, catalog, found.parts(store))
            try:
                yield Turning(found, devices, store, turn)
            finally:
                await asyncio.to_thread(store.close, clock.now(), 5.0)

    return opened


async def test_what_is_decided_reaches_the_device(turning):
    async with turning() as house:
        await house.until(lambda _: house.devices["gx"].orders().get("battery.setpoint_w", 0) < 0)

        assert "self-consumption" in house.turn.view["assets"]["bat1"]["command"]["reason"]
        assert json.loads(json.dumps(house.turn.view)) == house.turn.view


async def test_an_envelope_is_accepted_at_once_and_succeeds_when_the_meter_shows_it(turning):
    async with turning() as house:
        await house.well()
        await house.measured(8000.0)
        house.beat()
        house.envelope()
        await house.turns(5)
        assert [("e5", "ACCEPTED"), ("e5", "STARTED")] == house.acks, (
            "8 kW are no 5 kW, whatever was promised"
        )
        assert 5000 == house.turn.view["caps"]["import"]["max_w"]
        assert "CONTROLLED" == house.turn.view["mode"]

        await house.measured(5100.0)
        await house.turns(2)
        assert ["ACCEPTED", "STARTED", "SUCCEEDED"] == [s for _, s in house.acks], "within max(2 %, 200 W)"
        await house.turns(2)
        assert 3 == len(house.acks), "said once"


async def test_nothing_succeeds_before_its_start(turning):
    async with turning(rate=5.0) as house:  # a start that is seconds away for a busy machine too
        await house.well()
        house.beat()
        house.envelope(start_utc_ms=house.now_ms + 20_000)
        await house.turns(3)
        assert [("e5", "ACCEPTED")] == house.acks
        await house.until(lambda _: ("e5", "SUCCEEDED") in house.acks)


async def test_an_envelope_that_was_never_kept_is_aborted_at_its_end(turning):
    async with turning(rate=5.0) as house:  # as above
        await house.well()
        await house.measured(8000.0)
        house.beat()
        house.envelope(exp_utc_ms=house.now_ms + 15_000)
        await house.until(lambda _: len(house.acks) == 3)

        assert ["ACCEPTED", "STARTED", "ABORTED"] == [status for _, status in house.acks]
        assert "UNCONTROLLED_LOADS" == house.turn.uplink._companion.acks[-1].reason
        await house.measured(100.0)
        await house.turns(2)
        assert 3 == len(house.acks)


async def test_a_document_is_an_event_once_and_its_repetition_is_answered_only(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        await house.measured(8000.0)
        house.envelope()
        await house.turns(1)
        accepted = house.turn.link.program("dso").envelope
        house.hear("envelope", accepted, repeated=True)
        house.turn()

        assert ["ACCEPTED", "STARTED", "STARTED"] == [status for _, status in house.acks]
        (event,) = house.events("document.answered")
        assert {"program": "dso", "id": "e5", "status": "ACCEPTED", "reason": ""} == event["data"]


async def test_an_old_document_is_rejected_and_promises_nothing(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        house.envelope(8)
        house.turn()
        house.envelope(7, cap_w=100.0)
        await house.turns(3)

        assert ("e7", "REJECTED") in house.acks
        assert ("e7", "SUCCEEDED") not in house.acks
        assert 5000 == house.turn.view["caps"]["import"]["max_w"]


async def test_without_its_number_on_disk_a_document_may_tighten_but_not_loosen(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        house.envelope(5)
        house.turn()
        house.beat()
        house.envelope(6, cap_w=9000.0, persisted=False)
        house.turn()
        assert 5000 == house.turn.view["caps"]["import"]["max_w"]
        refused = house.turn.uplink._companion.acks[-1]
        assert ("e6", "TEMPORARY_ERROR", "REJECTED") == (refused.id, refused.reception, refused.status)

        house.envelope(7, cap_w=3000.0, persisted=False)
        house.turn()
        assert 3000 == house.turn.view["caps"]["import"]["max_w"]
        assert ("e7", "ACCEPTED") in house.acks


async def test_the_first_document_frees_nothing_while_its_number_is_not_on_disk(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        house.envelope(5, persisted=False)
        house.turn()

        assert "INIT" == house.turn.view["mode"]
        assert [("e5", "REJECTED")] == house.acks


async def test_a_change_of_mode_is_logged_and_kept(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        house.envelope()
        await house.turns(3)

        (said,) = house.yard.said("link.mode")
        assert ("INIT", "CONTROLLED") == (said["before"], said["now"])
        assert [{"mode": "CONTROLLED"}] == [event["data"] for event in house.events("link.mode")]


async def test_control_knows_how_finely_what_it_orders_can_be_written(turning):
    async with turning() as house:
        await house.well()
        house.devices["gx"].publish({"grid.power_w": 3000.0})
        await house.until(lambda _view: "bat1.setpoint_w" in house.turn.site.steps)
        step = house.yard.fleet.points["bat1.setpoint_w"].step

        assert 0 < step == house.turn.site.steps["bat1.setpoint_w"]


async def test_a_lost_meter_raises_one_alarm_that_clears_and_the_battery_is_given_back(turning):
    async with turning(*SDM) as house:
        gx, meter = house.devices["gx"], house.devices["meter"]
        await house.until(lambda _: gx.orders().get("battery.setpoint_w", 0) < 0)
        meter.fault("silent")
        await house.until(lambda view: view["grid"]["state"] == "lost")
        raised = [said["text"] for said in house.yard.said("alarm.raised")]
        assert 1 == sum(text.endswith("(grid-meter-lost, within 12 s)") for text in raised)
        await house.until(lambda _: gx.orders()["battery.setpoint_w"] == 0)

        meter.clear()
        await house.until(lambda view: not view["alarms"] and not house.turn.alarm_manager.book.active_count)
        raised = [(said["code"], said["of"]) for said in house.yard.said("alarm.raised")]
        cleared = [(said["code"], said["of"]) for said in house.yard.said("alarm.cleared")]
        events = [event["data"] for event in house.events("alarm.raised")]
        assert ("loss.grid_meter_lost", "") in raised
        assert sorted(raised) == sorted(cleared)
        assert sorted(raised) == sorted((data["code"], data["of"]) for data in events)


@pytest.mark.parametrize(("volts", "gone"), [(110.0, True), (120.0, False)])
async def test_an_outage_is_every_measured_phase_below_half_its_voltage(turning, volts, gone):
    async with turning(*SDM) as house:
        await house.well()
        house.devices["meter"].publish({"voltage_l1_v": volts, "voltage_l2_v": 20.0, "voltage_l3_v": 20.0})
        await house.yard.until(lambda: abs((house.yard.seen("grid.voltage_l1_v") or 0) - volts) < 1)
        await house.turns(1)
        assert not house.turn.is_out, "one reading of nothing is no outage"
        await house.turns(8)

        assert gone is house.turn.is_out


async def test_between_two_turns_a_look_sees_a_row_begin_to_act(turning):
    async with turning(*SDM) as house:
        await house.well()
        assert (False, 1.0) == (house.turn.is_fast, house.turn.site.grid.frequency_period_s)
        house.devices["meter"].publish({"frequency_hz": 49.7})
        await house.yard.until(house.turn.look)
        assert not house.turn.look(), "said once"
        house.turn()

        assert "low frequency: tier D off" in house.turn.view["alarms"]
        kept = house.turn.dump_state()
        assert [1, pytest.approx(49.7, abs=0.01)] == kept["grid"]["low"], "a restart goes on with it"
        house.turn.recall(kept, 1.0)
        house.turn()
        assert "low frequency: tier D off" in house.turn.view["alarms"]


async def test_a_restart_goes_on_with_the_run_of_the_day(turning):
    async with turning(("rated_w = 2000, switch", "rated_w = 2000, run_w = [1500], switch")) as house:
        await house.well()
        house.turn.recall(
            {"runs": {"boiler": {**house.turn.dump_state()["runs"]["boiler"], "is_done": True}}}, 1.0
        )
        assert house.turn.state.runs["boiler"].is_done


async def test_frequency_read_every_200_ms_is_for_the_fast_cycle(turning):
    async with turning(*SDM, ('role = "grid"', 'role = "grid", frequency_period_s = 0.2'), rate=2.0) as house:
        await house.well()

        assert (True, 0.2) == (house.turn.is_fast, house.turn.site.grid.frequency_period_s)
        house.devices["meter"].publish({"frequency_hz": 48.9})
        await house.yard.until(house.turn.look)
        house.turn()
        assert "low frequency: tier D, C, B off" in house.turn.view["alarms"]


async def test_a_new_site_file_goes_on_with_link_and_documents(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        house.envelope()
        house.turn()
        loaded = await house.yard.follow(LINK, ("contract_import_w = 12000", "contract_import_w = 4000"))
        points = house.yard.fleet.points
        values = bus_specs.find_release_values(house.yard.fleet.wires, points)
        fresh = site_model.make_site(loaded.site, points, values)
        house.turn.adopt(fresh, site_settings.make_link_params(loaded.site, fresh.limits))
        await house.turns(2)

        assert fresh == house.turn.site
        assert ("CONTROLLED", 4000) == (house.turn.view["mode"], house.turn.view["caps"]["import"]["max_w"])


CONTACT = """\
devices.inputs = { bus = "board", profile = "waveshare/io8", unit = 4 }
contacts.dso1 = { device = "inputs", part = "in1", import_max_w = 4200, release_s = 5 }
"""
DSO = ("assets.boiler", f"{CONTACT}assets.boiler")


async def test_a_contact_on_a_board_caps_the_house_and_both_turns_of_it_are_kept(turning):
    async with turning(DSO) as house:
        board = house.devices["inputs"]
        await house.until(lambda view: view["contacts"]["dso1"]["why"] == "rests")
        assert [] == house.events("contact.acts"), "not yet read is no event"

        board.publish({"in1.input_on": 1.0})
        await house.until(lambda view: view["contacts"]["dso1"]["why"] == "acts")
        cap = house.turn.view["caps"]["import"]
        assert (4200.0, "contact dso1") == (cap["max_w"], cap["whose"])

        board.publish({"in1.input_on": 0.0})
        await house.until(lambda view: view["contacts"]["dso1"]["why"] == "releasing")
        assert 4200 == house.turn.view["caps"]["import"]["max_w"]
        await house.until(lambda view: view["contacts"]["dso1"]["why"] == "rests")

        assert [{"import_max_w": 4200.0}] == [event["data"] for event in house.events("contact.acts")]
        assert ["contact dso1 released"] == [event["text"] for event in house.events("contact.released")]
        assert [{"contact": "dso1", "why": "acts", "import_max_w": 4200.0}] == house.yard.said("contact.acts")


async def test_a_board_that_falls_silent_leaves_its_contact_acting(turning):
    async with turning(DSO) as house:
        await house.until(lambda view: view["contacts"]["dso1"]["why"] == "rests")
        house.devices["inputs"].fault("silent")
        await house.until(lambda view: view["contacts"]["dso1"]["why"] == "cannot be read")

        assert "contact dso1, cannot be read" == house.turn.view["caps"]["import"]["whose"]
        assert "contact dso1 cannot be read" in house.events("contact.acts")[0]["text"]
        assert any(said["text"].startswith("contact dso1") for said in house.yard.said("alarm.raised"))


async def test_a_house_without_a_district_turns_too(turning):
    async with turning() as house:
        house.turn.uplink = None
        await house.until(lambda _: house.devices["gx"].orders().get("battery.setpoint_w", 0) < 0)


async def test_a_cap_of_the_district_stands_in_the_ledger_with_its_document_until_it_eases(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        steps = (Interval(600.0, import_max_w=900.0), Interval(3000.0, import_max_w=9000.0))
        house.envelope(cap_w=9000.0, intervals=steps)
        start_ms = house.now_ms
        await house.until(lambda _: any(row.who.kind == "document" for row in house.turn.ledger.of("bat1")))

        row = next(row for row in house.turn.ledger.of("bat1") if row.who.kind == "document")
        assert ("dso", "e5", 5) == (row.who.name, row.who.id, row.who.seq)
        assert "(envelope dso e5)" in row.why
        assert 595_000 <= house.turn.until_ms(row.who) - start_ms <= 605_000
        assert None is house.turn.until_ms(OWN_RULE)
        assert None is house.turn.needs("bat1"), "a battery is moved, not held"


def schedule(house, power_w, seq=5, asset="bat1", for_s=3_600.0):
    return DeviceSchedule(
        id=f"s{seq}",
        seq=seq,
        asset=asset,
        nbf_utc_ms=house.now_ms - 1000,
        exp_utc_ms=house.now_ms + 7_200_000,
        start_utc_ms=house.now_ms,
        intervals=(ScheduleInterval(for_s, power_w),),
    )


async def test_a_schedule_of_the_district_moves_the_battery_and_succeeds_when_it_is_measured(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        house.envelope(cap_w=15_000.0)
        house.hear("schedule", schedule(house, 800.0))
        await house.until(lambda _: house.devices["gx"].orders().get("battery.setpoint_w") == 800)
        assert ("s5", "STARTED") in house.acks
        house.devices["gx"].publish({"battery.power_w": 800.0})
        await house.until(lambda _: ("s5", "SUCCEEDED") in house.acks)

        reason = house.turn.view["assets"]["bat1"]["command"]["reason"]
        assert "schedule bat1, s5" == reason
        (shown,) = house.turn.render_plans()["schedules"]
        assert ("SUCCEEDED", 800.0) == (shown["status"], shown["power_w"])
        assert 1 == len(house.events("schedule.answered"))


async def test_a_schedule_of_an_unknown_asset_is_refused(turning):
    async with turning() as house:
        await house.well()
        house.hear("schedule", schedule(house, 800.0, asset="bat9"))
        house.turn()

        ack = house.turn.uplink._companion.acks[-1]
        assert ("REJECTED", "UNKNOWN_DEVICE") == (ack.status, ack.reason)


async def test_without_its_number_on_disk_a_schedule_is_not_taken(turning):
    async with turning() as house:
        await house.well()
        house.hear("schedule", schedule(house, 800.0), persisted=False)
        house.turn()

        ack = house.turn.uplink._companion.acks[-1]
        assert ("TEMPORARY_ERROR", "REJECTED") == (ack.reception, ack.status)
        assert [] == house.turn.render_plans()["schedules"]


@pytest.mark.parametrize(
    ("import_w", "persisted", "status"),
    [(1_000.0, False, "ACCEPTED"), (1e5, False, "REJECTED"), (1e5, True, "ACCEPTED")],
)
async def test_failsafe_parameters_without_a_number_on_disk_may_tighten_but_not_loosen(
    turning, import_w, persisted, status
):
    async with turning() as house:
        await house.well()
        values = FailsafeValues(import_max_w=import_w, export_max_w=0.0)
        document = FailsafeDocument(id="f5", seq=5, values=values)
        house.hear("failsafe", document, persisted=persisted)
        house.turn()

        assert [("f5", status)] == house.acks
        told = house.turn.render_plans()["failsafe"]
        assert (status == "ACCEPTED") == told["from_district"]
        assert 1 == len(house.events("failsafe.answered"))


async def test_schedules_and_signals_go_on_after_a_restart_and_a_power_cut_drops_schedules(turning):
    async with turning() as house:
        await house.well()
        spans = (SignalInterval(3_600.0, {"level": 1}),)
        times = {"nbf_utc_ms": 0, "exp_utc_ms": house.now_ms + 10**7, "start_utc_ms": house.now_ms}
        house.hear("signal", Signal(kind="level", id="l1", seq=1, spans=spans, **times))
        house.hear("schedule", schedule(house, 800.0))
        house.turn()
        kept = json.loads(json.dumps(house.turn.dump_state()))
        house.turn.district_schedules.recall({}, outage=False)
        assert [] == house.turn.render_plans()["schedules"]
        house.turn.recall(kept, 1.0)

        told = house.turn.render_plans()
        assert (["s5"], 1) == ([one["id"] for one in told["schedules"]], told["signals"]["level"]["level"])
        house.turn.district_schedules.recall(kept, outage=True)
        assert [] == house.turn.render_plans()["schedules"]
        assert {"level"} == house.turn.render_plans()["signals"].keys()


async def test_a_report_of_flexibility_tells_of_all_but_what_stays_in_the_building(turning):
    async with turning() as house:
        assert house.turn.flexibility(()) is None, "nobody knows yet"
        await house.until(lambda _: house.turn.flexibility(()) is not None)
        report = json.loads(json.dumps(house.turn.flexibility(("bat1",))))
        assert FlexibilityForm.model_validate(report), "as its schema says"
        assert FlexibilityForm.model_validate(house.turn.flexibility(()))

        assert "bat1" not in {device["device"] for device in report["devices"]}
        assert report["devices"]
        assert (3_600, None) == (report["valid_s"], report["forecast"]["grid_w"])
        assert "persistence of the last day" == report["forecast"]["method"]


async def test_rule_a_newer_envelope_of_the_same_topic_revokes_the_one_before(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        house.envelope(5)
        house.turn()
        house.envelope(6)
        house.turn()

        assert 1 == house.acks.count(("e5", "REVOKED"))
        assert house.acks.index(("e5", "REVOKED")) < house.acks.index(("e6", "ACCEPTED"))


async def test_a_command_is_judged_follows_the_caps_and_is_kept_for_the_next_run(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        house.envelope()
        await house.turns(2)
        house.command(Setpoint("bat1", -1_000.0, 600.0), 7)
        await house.until(
            lambda view: "command" in view["assets"]["bat1"].get("override", {"words": ""})["words"]
        )
        await house.until(lambda _: house.devices["gx"].orders().get("battery.setpoint_w") == -1_000)
        house.devices["gx"].publish({"battery.power_w": -1_000.0})
        await house.until(lambda _: ("c7", "SUCCEEDED") in house.acks)
        kept = house.turn.dump_state()["district"]

        assert ["setpoint"] == [row["document"]["op"] for row in kept["commands"]["running"]]
        assert {"dso"} == set(kept["promises"])


async def test_while_the_machine_goes_on_a_command_lasts_over_a_restart_whatever_the_clock_was_set_to(
    turning, monkeypatch
):
    async with turning() as house:
        await house.well()
        house.beat()
        house.envelope()
        await house.turns(2)
        house.command(Setpoint("bat1", -1_000.0, 600.0), 7)
        await house.until(lambda _: house.turn.district_commands.commands.running)
        kept = json.loads(json.dumps(house.turn.dump_state()))
        before = [one.until_ns for one in house.turn.district_commands.commands.running]
        clock = house.yard.clock
        now = clock.now()
        monkeypatch.setattr(clock, "now", lambda: now._replace(utc_ms=0))
        house.turn.recall(kept, 0.0)
        same_boot = [one.until_ns for one in house.turn.district_commands.commands.running]
        house.turn.recall({**kept, "boot": "another"}, 0.0)

        assert (before, ()) == (same_boot, house.turn.district_commands.commands.running)


async def test_rule_test_failsafe_puts_the_house_into_fail_safe_and_back(turning):
    async with turning() as house:
        await house.well()
        house.beat()
        house.envelope(cap_w=9000.0)
        await house.turns(2)
        house.command(FailsafeTest(60.0), 7)
        await house.until(lambda view: view["mode"] == "FAILSAFE")
        assert 6000 == house.turn.view["caps"]["import"]["max_w"], "half of the contract"
        assert not [row for row in house.turn.view["losses"] if row["name"] == "uplink-lost"]
        await house.until(lambda _: ("c7", "SUCCEEDED") in house.acks)
        house.beat()
        await house.until(lambda view: view["mode"] == "CONTROLLED")

        assert 9000 == house.turn.view["caps"]["import"]["max_w"]
        modes = [event["data"]["mode"] for event in house.events("link.mode")]
        assert ["CONTROLLED", "FAILSAFE", "CONTROLLED"] == modes


async def test_events_are_replayed_by_the_uplink_and_alarms_reset_by_the_alarm_manager(turning):
    async with turning() as house:
        await house.well()
        house.turn.alarm_manager.note("district.document_suspect", "moved", {}, house.yard.clock.now())
        house.turn.uplink._companion.begin({EVENT_STREAM: StreamPosition(7, 9)})
        house.turn()
        house.command(Replay(7, 3), 7)
        house.command(ResetAlarm("district.document_suspect"), 8)
        house.turn()

        assert StreamPosition(7, 2) == house.turn.uplink._companion._event_mark
        assert [("c7", "SUCCEEDED"), ("c8", "SUCCEEDED")] == house.acks[1::2]
        (record,) = house.turn.alarm_manager.book.select_records("district.document_suspect")
        assert ("the district", "c8") == (record.acknowledged.by, record.acknowledged.uid)


async def test_rule_a_verdict_is_said_in_the_turn_after_the_reception(turning):
    async with turning() as house:
        await house.well()
        house.command(FailsafeTest(60.0), 7)
        house.command(Setpoint("nobody", 0.0, 60.0), 8)
        house.turn()

        assert [] == list(house.turn.uplink._companion.acks), "first the disk"
        assert {("c7", "ACCEPTED"), ("c8", "REJECTED")} <= set(house.acks)
    with pytest.raises(ValidationError, match="cycle_s"):
        ControlSection(cycle_s=5.1)  # accepted or rejected within 5 s
