"""Device schedules: requests below every limit, each taken or refused with a reason, shown to be kept or not."""

import json
from dataclasses import replace
from typing import ClassVar

import pytest
from tests.gateway.control.stepping import step_until

from quartier.control.observe.observations import LastGood
from quartier.control.orders import schedules
from quartier.control.orders.schedules import ScheduleContext
from quartier.control.reason import make_text_reason
from quartier.control.records import Order
from quartier.control.requests import DeviceSchedule, Requests, ScheduleInterval
from quartier.site.records import Now
from quartier_drivers.contract import Origin

EPOCH_MS = 1_790_000_000_000


def schedule(*stretches, seq=1, asset="bat1", start_s=0, exp_s=3_600, nbf_s=-60, **more):
    made = DeviceSchedule(
        id=f"s{seq}",
        seq=seq,
        asset=asset,
        nbf_utc_ms=EPOCH_MS + nbf_s * 1000,
        exp_utc_ms=EPOCH_MS + exp_s * 1000,
        start_utc_ms=EPOCH_MS + start_s * 1000,
        intervals=stretches or (ScheduleInterval(600, 2_000),),
    )
    return replace(made, **more)


class Desk:
    """Takes schedules at a time ``t`` in s; what is measured is said by the test."""

    def __init__(self, house):
        self.house = house
        self.entries = {}
        self.said = []
        self.t = 0
        self.lost_s = None
        self.by_hand = ()
        self.follows_district = True
        self.orders = {
            "bat1.setpoint_w": Order(
                0.0, 0, make_text_reason("x", Origin("document", "schedule bat1", "s1", 1))
            )
        }
        self.measured = {"bat1.soc_pct": 50.0, "bat1.power_w": 0.0}

    @property
    def moment(self):
        now = Now(self.t * 10**9, EPOCH_MS + self.t * 1000, self.lost_s is None)
        memories = {point: LastGood(value, now.ns) for point, value in self.measured.items()}
        lost_ms = None if self.lost_s is None else EPOCH_MS + self.lost_s * 1000
        return ScheduleContext(
            now,
            now.utc_ms,
            lost_ms,
            self.house,
            memories,
            self.by_hand,
            self.follows_district,
            self.orders,
            {"dso"},
        )

    def give(self, document):
        self.entries, acks = schedules.accept_schedule(self.entries, document, self.moment)
        return self._answers(acks)

    def at(self, t, **measured):
        """Time passes; what is said of the schedules then."""
        self.t = t
        self.measured |= {point.replace("__", "."): value for point, value in measured.items()}
        self.entries, acks = schedules.advance_schedules(self.entries, self.moment)
        return self._answers(acks)

    def _answers(self, acks):
        assert {"schedule"} >= {ack.type for ack in acks}
        return [(ack.id, ack.status, ack.reason) for ack in acks]

    def wants(self, t=None):
        self.t = self.t if t is None else t
        found = schedules.find_scheduled_orders(self.entries, self.moment)
        return {name: one.value for name, one in found.items()}


@pytest.fixture
def desk(house):
    return Desk(house)


def test_a_schedule_wants_each_power_in_its_time_and_nothing_in_gaps_before_and_after(desk):
    assert [("s1", "ACCEPTED", "")] == desk.give(
        schedule(
            ScheduleInterval(100, 2_000), ScheduleInterval(50), ScheduleInterval(100, -1_000), start_s=10
        )
    )
    assert [{}, {"bat1": 2_000}, {}, {"bat1": -1_000}, {}] == [desk.wants(t) for t in (9, 10, 110, 160, 260)]


def test_a_request_names_its_document_and_when_it_ends(desk):
    desk.give(schedule(ScheduleInterval(100, 2_000)))
    found = schedules.find_scheduled_orders(desk.entries, desk.moment)["bat1"]

    assert ("document", "schedule bat1", "s1", 1) == (
        found.who.kind,
        found.who.name,
        found.who.id,
        found.who.seq,
    )
    assert "schedule bat1, s1" == str(found.reason)
    assert (100 * 10**9, EPOCH_MS + 100_000) == (found.until_ns, found.until_utc_ms)


def test_a_state_of_charge_is_gone_for_by_the_end_of_its_time(desk):
    desk.give(schedule(ScheduleInterval(3_600, soc_pct=60), exp_s=7_200))
    assert {"bat1": pytest.approx(1_000)} == desk.wants(0)
    desk.measured["bat1.soc_pct"] = 55.0
    assert {"bat1": pytest.approx(1_000)} == desk.wants(1_800)
    del desk.measured["bat1.soc_pct"]
    assert {} == desk.wants(1_900), "without a state of charge nobody knows where it is"


@pytest.mark.parametrize(
    ("change", "reception", "reason"),
    [
        ({"asset": "bat9"}, "INVALID_CONTENT", "UNKNOWN_DEVICE"),
        (
            {"intervals": (ScheduleInterval(60, 0.0), ScheduleInterval(60, 5_100))},
            "INVALID_CONTENT",
            "BOUNDS",
        ),
        ({"intervals": (ScheduleInterval(60, soc_pct=99),)}, "INVALID_CONTENT", "BOUNDS"),
        ({"asset": "ev1", "intervals": (ScheduleInterval(60, soc_pct=50),)}, "INVALID_CONTENT", "BOUNDS"),
        ({"exp_utc_ms": EPOCH_MS}, "OK", "EXPIRED"),
        ({"seq": 0}, "OK", "REPLAY"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_with_its_reason(desk, change, reception, reason):
    desk.give(schedule(seq=1))
    before = desk.entries
    desk.entries, (ack,) = schedules.accept_schedule(
        desk.entries, replace(schedule(seq=2), **change), desk.moment
    )

    assert (reception, "REJECTED", reason) == (ack.reception, ack.status, ack.reason)
    assert before == desk.entries


def test_without_a_trusted_clock_no_new_schedule_is_taken(desk):
    desk.lost_s = 0
    assert [("s1", "REJECTED", "CLOCK")] == desk.give(schedule())


def test_without_a_trusted_clock_a_schedule_goes_no_further_than_its_running_interval(desk):
    desk.give(schedule(ScheduleInterval(100, 2_000), ScheduleInterval(100, 3_000)))
    desk.lost_s = 50

    assert [{"bat1": 2_000}, {}] == [desk.wants(t) for t in (99, 101)]


def test_the_same_schedule_again_is_acknowledged_without_a_second_effect(desk):
    desk.give(schedule())
    desk.at(1)
    before = desk.entries

    assert [("s1", "STARTED", "")] == desk.give(schedule())
    assert before is desk.entries


def test_a_newer_schedule_of_an_asset_revokes_the_one_before(desk):
    desk.give(schedule())
    assert [("s1", "REVOKED", ""), ("s2", "ACCEPTED", "")] == desk.give(
        schedule(ScheduleInterval(60, -500), seq=2)
    )
    assert {"bat1": -500} == desk.wants()

    desk.at(1, bat1__power_w=-500.0)
    assert [("s3", "ACCEPTED", "")] == desk.give(schedule(seq=3)), "one that succeeded is not revoked"


def test_a_schedule_succeeds_when_each_power_was_measured_in_its_time(desk):
    desk.give(
        schedule(
            ScheduleInterval(100, 2_000), ScheduleInterval(100, -1_000), ScheduleInterval(50), start_s=10
        )
    )
    assert [] == desk.at(5)
    assert [("s1", "STARTED", "")] == desk.at(10)
    assert [] == desk.at(20, bat1__power_w=1_950.0)
    assert [] == desk.at(50, bat1__power_w=0.0), "it was kept once"
    assert [] == desk.at(110)
    assert [("s1", "SUCCEEDED", "")] == desk.at(120, bat1__power_w=-1_000.0)
    assert [] == desk.at(300)
    assert [] == desk.at(3_601)
    assert {} == desk.entries, "what has expired is forgotten"


def test_a_schedule_of_which_one_power_was_missed_is_aborted_at_its_end(desk):
    desk.give(schedule(ScheduleInterval(100, 2_000), ScheduleInterval(100, -1_000)))
    desk.at(0)
    assert [] == desk.at(110, bat1__power_w=-1_000.0)
    assert [("s1", "ABORTED", "SELF_PROTECTION")] == desk.at(200), "it was ordered, and did not obey"
    assert [] == desk.at(210)


@pytest.mark.parametrize(
    ("whose", "reason"),
    [
        (Origin("document", "dso", "e1"), "REGULATORY"),
        (Origin("grid", "low frequency"), "REGULATORY"),
        (Origin("document", "district", "e1"), "BOUNDS"),
        (Origin("rule", "hard limit"), "SAFETY"),
    ],
)
def test_a_schedule_says_what_kept_it_from_success(desk, whose, reason):
    desk.give(schedule(ScheduleInterval(100, 2_000)))
    desk.orders = {"bat1.setpoint_w": Order(500.0, 0, make_text_reason("cap", whose))}
    desk.at(50)
    desk.at(60)

    assert [("s1", "ABORTED", reason)] == desk.at(100)


def test_the_first_time_that_was_missed_is_the_reason(desk):
    desk.give(schedule(ScheduleInterval(100, 2_000), ScheduleInterval(100, -1_000)))
    desk.by_hand = ("bat1",)
    desk.at(50)
    desk.by_hand = ()
    desk.at(150)

    assert [("s1", "ABORTED", "LOCAL_OVERRIDE")] == desk.at(200)


def test_a_time_that_passed_unseen_was_missed(desk):
    desk.give(
        schedule(
            ScheduleInterval(100, 2_000),
            ScheduleInterval(100, 500),
            ScheduleInterval(50),
            ScheduleInterval(100, -1_000),
        )
    )
    desk.at(1, bat1__power_w=2_000.0)
    assert [] == desk.at(300, bat1__power_w=-1_000.0), "nobody looked while it should have been 500 W"
    assert "ABORTED" == desk.at(350)[0][1]


def test_a_target_succeeds_when_the_measured_state_of_charge_is_there(desk):
    desk.give(schedule(ScheduleInterval(600, soc_pct=60)))
    desk.at(1)
    assert [] == desk.at(300, bat1__soc_pct=59.0)
    assert [("s1", "SUCCEEDED", "")] == desk.at(500, bat1__soc_pct=59.6)


def test_what_is_not_measured_is_not_kept(desk):
    desk.give(schedule(ScheduleInterval(100, 0.0)))
    desk.measured.clear()
    assert [("s1", "STARTED", "")] == desk.at(1)
    desk.give(schedule(ScheduleInterval(100, soc_pct=50.0), seq=2))
    assert [("s2", "STARTED", "")] == desk.at(2)


def test_what_a_person_orders_goes_before_and_is_said(desk):
    desk.by_hand = ("bat1",)
    assert [("s1", "ACCEPTED", "LOCAL_OVERRIDE")] == desk.give(schedule(ScheduleInterval(100, 0.0)))
    assert [] == desk.at(1), "it stands at 0 W, but by another's word"
    assert [("s1", "ABORTED", "LOCAL_OVERRIDE")] == desk.at(100)


def test_where_the_district_does_not_lead_its_schedules_are_not_followed(desk):
    desk.give(schedule(ScheduleInterval(100, 0.0), ScheduleInterval(100, 0.0)))
    desk.follows_district = False
    assert ({}, []) == (desk.wants(1), desk.at(1))
    desk.follows_district = True
    assert [("s1", "STARTED", "")] == desk.at(150)
    assert [("s1", "ABORTED", "SAFETY")] == desk.at(200), "its first time passed without"
    desk.give(schedule(ScheduleInterval(300, 0.0), seq=2))
    desk.follows_district = False
    desk.at(250)
    assert [("s2", "ABORTED", "SAFETY")] == desk.at(300)


def test_a_schedule_that_wants_nothing_is_over_without_success(desk):
    desk.give(schedule(ScheduleInterval(100)))
    assert [] == desk.at(1)
    assert [("s1", "ABORTED", "EXPIRED")] == desk.at(100)


def test_a_grid_outage_drops_schedules(desk):
    desk.give(schedule())
    desk.give(schedule(ScheduleInterval(60, 0.0), asset="ev1"))
    desk.at(1, ev1__power_w=0.0)
    desk.entries, acks = schedules.drop_schedules(desk.entries)

    assert {} == desk.entries
    assert [("bat1", "ABORTED", "SAFETY")] == [("bat1", ack.status, ack.reason) for ack in acks]


def test_an_asset_that_a_new_site_file_no_longer_names_ends_its_schedule(desk):
    desk.give(schedule())
    desk.house = replace(desk.house, assets=desk.house.assets[1:])

    assert {} == desk.wants()
    assert [("s1", "ABORTED", "UNKNOWN_DEVICE")] == desk.at(1)


def test_what_a_new_site_file_makes_impossible_is_no_longer_wanted(desk):
    desk.give(schedule())
    weaker = replace(desk.house.assets[0], charge_max_w=1_000)
    desk.house = replace(desk.house, assets=(weaker, *desk.house.assets[1:]))

    assert {} == desk.wants()


def test_before_its_nbf_nothing_is_wanted(desk):
    desk.give(schedule(nbf_s=30))
    assert [{}, {"bat1": 2_000}] == [desk.wants(t) for t in (29, 30)]


def test_schedules_and_how_far_they_came_survive_json(desk):
    desk.give(schedule(ScheduleInterval(100, 2_000), ScheduleInterval(100, soc_pct=60)))
    desk.at(1)
    early = schedules.load_schedules(json.loads(json.dumps(schedules.dump_schedules(desk.entries))))
    assert {"bat1": replace(desk.entries["bat1"], why="")} == early, "what may still be made good is no fact"
    desk.at(150)
    back = schedules.load_schedules(json.loads(json.dumps(schedules.dump_schedules(desk.entries))))

    assert desk.entries == back


@pytest.mark.parametrize("data", [None, {}, [None], [{}], [{"schedule": {}}], [{"schedule": 5}]])
def test_what_is_kept_broken_is_left_out(data):
    assert {} == schedules.load_schedules(data)


def test_schedules_are_shown_with_what_they_want_now(desk):
    desk.give(schedule(ScheduleInterval(100, 2_000), start_s=10))
    before = schedules.render_schedules(desk.entries, desk.moment)
    desk.at(20)

    assert [None] == [one["power_w"] for one in before]
    assert [
        {
            "asset": "bat1",
            "id": "s1",
            "status": "STARTED",
            "power_w": 2_000,
            "soc_pct": None,
            "until_utc_ms": EPOCH_MS + 110_000,
            "exp_utc_ms": EPOCH_MS + 3_600_000,
        }
    ] == schedules.render_schedules(desk.entries, desk.moment)


@pytest.fixture
def scheduled(plant):
    """A building whose battery and loads follow schedules, inside caps."""

    class Scheduled(plant):
        entries: ClassVar = {}

        def requests(self):
            now = self.now()
            moment = ScheduleContext(now, now.utc_ms, None, self.house, self.state.last_good)
            return Requests(caps=self.caps, overrides=schedules.find_scheduled_orders(self.entries, moment))

        def follow(self, *documents):
            self.entries = {
                document.asset: schedules.ScheduleProgress.from_schedule(document) for document in documents
            }
            return self

    return Scheduled


@pytest.mark.parametrize("watts", [3_000.0, -2_000.0])
def test_a_schedule_is_followed_inside_every_cap(scheduled, watts):
    p = scheduled(soc_pct=60).run(10).follow(schedule(ScheduleInterval(3_600, watts), exp_s=4_000))
    p.run(60)
    assert pytest.approx(watts, abs=30) == p.points["bat1.setpoint_w"]
    assert "schedule bat1, s1" == str(p.state.book.orders["bat1.setpoint_w"].reason)
    p.cap(import_max_w=1_000, export_max_w=500).run(60)

    assert -1_020 <= p.points["bat1.setpoint_w"] <= 520
    assert 0 == p.longest_over_s(1_000, since=100)
    assert 0 == p.longest_over_s(500, since=100, export=True)


@pytest.mark.long
def test_a_schedule_stops_a_load_and_slows_a_car_and_they_come_back(scheduled):
    p = scheduled(loads_w={"pump": 3_000}, ev_wants_w=8_000).run(10)
    p.follow(
        schedule(ScheduleInterval(300, 0.0), asset="pump"),
        schedule(ScheduleInterval(300, 6 * 690.0), seq=2, asset="ev1"),
    ).run(280)
    assert (0, 6) == (p.points["pump.relay_on"], p.points["ev1.current_max_a"])
    step_until(p.follow(), lambda: (p.points["pump.relay_on"], p.points["ev1.current_max_a"]) == (1, 16), 900)


@pytest.mark.long
def test_a_battery_reaches_its_target_by_the_end_against_the_houses_own_request_and_rests_there(scheduled):
    class Kept(scheduled):
        said: ClassVar = []

        def step(self):
            decision = super().step()
            now = self.now()
            moment = ScheduleContext(now, now.utc_ms, None, self.house, self.state.last_good)
            self.entries, acks = schedules.advance_schedules(self.entries, moment)
            self.said = [*self.said, *((self.t, ack.status) for ack in acks)]
            return decision

    p = Kept(soc_pct=50.0, base_w=1_500).run(10)
    p.follow(schedule(ScheduleInterval(300, soc_pct=52), exp_s=4_000)).run(260)
    assert 51.5 < p.soc_pct < 52, "steadily, not at once"
    p.run(29)
    assert 51.7 < p.soc_pct < 52.2
    (_, started), (reached, succeeded) = p.said
    assert ("STARTED", "SUCCEEDED") == (started, succeeded)
    assert reached < 300


@pytest.mark.long
def test_a_schedule_takes_nothing_out_of_the_reserve(scheduled):
    p = scheduled(soc_pct=21.0, base_w=500).run(10)
    p.follow(schedule(ScheduleInterval(3_600, -5_000.0), exp_s=4_000)).run(300)

    assert p.soc_pct >= 20
    assert 0 == pytest.approx(p.points["bat1.setpoint_w"], abs=300)
