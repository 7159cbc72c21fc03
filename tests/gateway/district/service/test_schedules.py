"""What the district plans, as the daemon holds it: taken, kept as long as nothing changes, told."""

import json
from dataclasses import replace

import pytest

from quartier.control.observe.observations import LastGood
from quartier.control.orders.schedules import ScheduleContext
from quartier.control.requests import DeviceSchedule, ScheduleInterval, Signal, SignalInterval
from quartier.control.state import ControlState
from quartier.district.documents.document_types import AcceptedDocument
from quartier.district.documents.gateway_forms import FlexibilityForm
from quartier.district.service.schedules import DistrictSchedules
from quartier.site.asset_types import GridMeter, Load
from quartier.site.records import Now
from quartier.site.site_layout import Site, SiteLimits

NOW_MS = 1_790_000_100_000
LIMITS = SiteLimits(
    import_hard_w=9_000,
    export_hard_w=0,
    import_failsafe_w=4_000,
    export_failsafe_w=0,
    import_autonomous_w=7_000,
    export_autonomous_w=0,
)
PUMP = Load(name="pump", rated_w=1_000, tier="D", switchable=True)
HOUSE = Site(name="b1", grid=GridMeter(name="grid", rated_w=9_000), assets=(PUMP,), limits=LIMITS)


class Silent:
    """A log that nobody reads."""

    def info(self, *_words, **_fields):
        pass

    warning = info


class Office:
    """An agenda with what it answered and told."""

    def __init__(self):
        self.acks = []
        self.events = []
        self.texts = []
        self.agenda = DistrictSchedules(self.happened, Silent())
        self.t = 0
        self.lost_ms = None

    def happened(self, code, text, _data, _now):
        self.events.append(code)
        self.texts.append(text)

    @property
    def moment(self):
        now = Now(self.t * 10**9, NOW_MS + self.t * 1000, self.lost_ms is None)
        memories = {"pump.power_w": LastGood(1_000.0, now.ns), "grid.power_w": LastGood(1_500.0, now.ns)}
        return ScheduleContext(now, now.utc_ms, self.lost_ms, HOUSE, memories)

    def hear(self, document, **options):
        self.acks += self.agenda.take(AcceptedDocument("kind", "topic", document, **options), self.moment)

    def asked(self):
        return {name: one.value for name, one in self.agenda.update_requests(self.moment).items()}


@pytest.fixture
def office():
    return Office()


TIMES = {"nbf_utc_ms": 0, "exp_utc_ms": NOW_MS + 10**7, "start_utc_ms": NOW_MS}
RUN = DeviceSchedule(id="s1", seq=1, asset="pump", intervals=(ScheduleInterval(900, 1_000.0),), **TIMES)


def level(*levels, seq=1):
    return Signal(
        kind="level",
        id=f"l{seq}",
        seq=seq,
        spans=tuple(SignalInterval(900, {"level": n}) for n in levels),
        **TIMES,
    )


def test_a_schedule_goes_before_a_level(office):
    office.hear(level(1))
    assert {"pump": 0.0} == office.asked()
    office.hear(RUN)
    assert {"pump": 1.0} == office.asked()


def test_a_document_again_is_answered_and_no_second_event(office):
    for repeated in (False, True):
        office.hear(RUN, repeated=repeated)
        office.hear(level(1), repeated=repeated)

    assert ["ACCEPTED", "ACCEPTED"] == [ack.status for ack in office.acks]
    assert ["schedule.answered", "signal.taken"] == office.events


def test_an_outage_drops_schedules_and_says_so(office):
    office.hear(RUN)
    acks = office.agenda.drop_schedules()

    assert ["ACCEPTED", "ABORTED"] == [ack.status for ack in (*office.acks, *acks)]
    assert {} == office.asked()


@pytest.mark.parametrize("doubt", ["clock", "number"])
def test_in_doubt_only_a_level_that_asks_for_less_is_taken(office, doubt):
    office.hear(level(2))
    office.lost_ms = NOW_MS if doubt == "clock" else None
    options = {} if doubt == "clock" else {"persisted": False}
    office.hear(level(1, seq=2), **options)
    office.hear(
        Signal(kind="alert", id="a", seq=1, spans=(SignalInterval(9, {"code": "X"}),), **TIMES), **options
    )
    assert {"level": 1} == {kind: one.seq for kind, one in office.agenda.signals.items()}
    office.hear(level(3, seq=3), **options)
    assert {"level": 3} == {kind: one.seq for kind, one in office.agenda.signals.items()}


def test_what_is_kept_is_the_same_object_until_something_changed(office):
    office.hear(RUN)
    office.hear(level(1))
    first, again = office.agenda.dump_state(), office.agenda.dump_state()
    assert all(first[name] is again[name] for name in first)
    office.hear(replace(RUN, seq=2))
    assert first["schedules"] != office.agenda.dump_state()["schedules"]


def test_the_report_forecasts_yesterday_once_it_is_known_and_nothing_without_a_clock(office):
    state = ControlState(site=HOUSE)
    assert office.agenda.report(state, office.moment, ())["forecast"]["grid_w"] is None
    for office.t in range(0, 2_000, 30):
        office.agenda.follow(office.moment)
    office.t += 86_400 - 1_000
    report = office.agenda.report(state, office.moment, ())
    assert {1_500.0, None} == set(report["forecast"]["grid_w"])
    assert {1_000.0, None} == set(report["devices"][0]["forecast_w"])
    assert 96 == len(report["forecast"]["grid_w"])
    assert FlexibilityForm.model_validate_json(json.dumps(report)), "as its schema says"
    assert None is office.agenda.report(state, office.moment, ("grid",))["forecast"]["grid_w"]
    office.lost_ms = NOW_MS
    assert None is office.agenda.report(state, office.moment, ())["forecast"]["grid_w"]


def test_the_report_says_what_is_planned_where_a_plan_is_followed(office):
    planned = {"grid": [700.0] * 95 + [None], "bat1": [-300.0] * 96}
    report = office.agenda.report(ControlState(site=HOUSE), office.moment, (), planned)

    assert planned["grid"] == report["forecast"]["grid_w"]
    assert "local plan, else persistence of the last day" == report["forecast"]["method"]
    told = {device["device"]: device["forecast_w"] for device in report["devices"]}
    assert planned["bat1"] == told.pop("bat1", planned["bat1"])
    assert {None} == set(told.values()), "nothing is known of the day before"
    assert FlexibilityForm.model_validate_json(json.dumps(report)), "as its schema says"
    private = office.agenda.report(ControlState(site=HOUSE), office.moment, ("grid",), planned)
    assert None is private["forecast"]["grid_w"]


def test_the_report_has_what_is_forecast_and_null_where_nothing_may_leave(office):
    one = {name: [1.0] * 96 for name in ("mean_w", "low_w", "middle_w", "high_w")}
    one |= {"model": "ridge", "error_w": 300.0, "miss_w": None, "inside_pct": None}
    report = office.agenda.report(ControlState(site=HOUSE), office.moment, (), None, {"sun": one})

    assert [None, one, None] == [report["forecast"][name] for name in ("load", "sun", "net")]
    assert FlexibilityForm.model_validate_json(json.dumps(report)), "as its schema says"
    plain = office.agenda.report(ControlState(site=HOUSE), office.moment, ())
    assert [None] * 3 == [plain["forecast"][name] for name in ("load", "sun", "net")]


def test_it_is_shown_with_the_level_in_force(office):
    office.hear(level(2))
    office.asked()

    told = office.agenda.render_schedules(office.moment)
    assert (2, 2, []) == (told["level"], told["signals"]["level"]["level"], told["schedules"])


def test_an_alert_is_an_event_with_its_words(office):
    spans = (
        SignalInterval(9, {"code": "GRID_EMERGENCY", "text": "a storm comes"}),
        SignalInterval(9, {"code": "OVER", "text": ""}),
    )
    office.hear(Signal(kind="alert", id="a1", seq=1, spans=spans, **TIMES))

    assert ["signal alert a1: a storm comes: OVER"] == office.texts
