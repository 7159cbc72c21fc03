"""Commands and envelopes at the daemon: answered, done, kept over a restart; what is no matter of control."""

import json
from types import SimpleNamespace

import pytest
import structlog

from quartier.control.link.envelope_progress import ConnectionMeasurement
from quartier.control.orders.command_progress import CommandContext
from quartier.control.orders.commands import (
    CommandDocument,
    Ping,
    Release,
    Replay,
    ResetAlarm,
    Setpoint,
    Shed,
)
from quartier.control.requests import Ack, Envelope, Interval
from quartier.control.state import ControlState
from quartier.district.service.commands import (
    ACK_DELAY_FLOOR_S,
    ACK_DELAY_MAX_S,
    DistrictCommands,
    PendingAcks,
)
from quartier.site.asset_types import Battery, GridMeter, Load
from quartier.site.records import Now
from quartier.site.samples import StreamPosition
from quartier.site.site_layout import Site, SiteLimits

EPOCH_MS = 1_790_000_000_000
HOUSE = Site(
    name="b1",
    grid=GridMeter(name="grid", rated_w=17_000),
    limits=SiteLimits(
        import_hard_w=10_000,
        export_hard_w=6_000,
        import_failsafe_w=5_000,
        export_failsafe_w=0,
        import_autonomous_w=8_000,
        export_autonomous_w=6_000,
    ),
    assets=(
        Battery(
            name="bat1",
            rated_w=5_000,
            capacity_wh=10_000,
            charge_max_w=5_000,
            discharge_max_w=5_000,
            ramp_max_w_per_s=2_500,
        ),
        Load(name="heat", rated_w=2_000, tier="D", switchable=True),
    ),
)


class Desk:
    """The daemon's side of ``DistrictCommands``: what was replayed, reset, told and answered."""

    def __init__(self):
        self.t = 100
        self.replayed, self.reset_codes, self.events, self.acks = [], [], [], []
        self.log = structlog.testing.CapturingLogger()
        self.commanding = self.made()

    def made(self):
        return DistrictCommands(self._event, self.log, self.replayed.append, self._reset)

    def _event(self, code, _text, data, _now):
        self.events.append((code, data["id"], data["status"]))

    def _reset(self, code, ident, _now):
        self.reset_codes.append((code, ident))
        return code == "cap.unmet"

    @property
    def now(self):
        return Now(self.t * 10**9, EPOCH_MS + self.t * 1000, synced=True)

    def context(self, **more):
        return CommandContext(**({"state": ControlState.fresh(HOUSE), "now": self.now} | more))

    def take(self, request, seq=1, *, repeated=False, persisted=True, **context):
        document = CommandDocument(id=f"c{seq}", seq=seq, exp_utc_ms=2**52, asked=request)
        accepted = SimpleNamespace(repeated=repeated, persisted=persisted)
        return words(self.commanding.take(accepted, document, self.context(**context)))

    def look(self, kept=None, **context):
        there = self.context(**context)
        return words(
            self.commanding.look(there, kept or ConnectionMeasurement(inside=None), there.now.utc_ms)
        )

    def restarted(self, *, outage=False):
        facts = json.loads(json.dumps(self.commanding.dump_state()))
        self.commanding = self.made()
        self.commanding.recall(facts, self.now, outage=outage)
        return self


def words(acks):
    return [" ".join(filter(None, (ack.id, ack.status, ack.reason))) for ack in acks]


@pytest.fixture
def desk():
    return Desk()


def envelope(seq=1):
    return Envelope(
        id=f"e{seq}",
        seq=seq,
        program="dso",
        priority=0,
        nbf_utc_ms=EPOCH_MS,
        exp_utc_ms=EPOCH_MS + 10**7,
        start_utc_ms=EPOCH_MS,
        intervals=(Interval(60, 5_000),),
        default_import_max_w=5_000,
        default_export_max_w=0,
    )


def test_a_ping_is_answered_and_does_nothing(desk):
    assert ["c1 ACCEPTED", "c1 SUCCEEDED"] == desk.take(Ping())
    assert () == desk.commanding.commands.running


def test_rule_the_same_command_again_is_answered_and_has_no_second_effect(desk):
    desk.take(Replay(7, 3))
    assert ["c1 SUCCEEDED"] == desk.take(Replay(7, 3), repeated=True)
    assert [StreamPosition(7, 2)] == desk.replayed, "the one that is named comes too"
    desk.take(Shed(1, 600), 2)
    until_ns = desk.commanding.commands.find_shed_end_ns(desk.now.ns)
    desk.t += 60

    assert ["c2 ACCEPTED"] == desk.take(Shed(1, 600), 2, repeated=True)
    assert until_ns == desk.commanding.commands.find_shed_end_ns(desk.now.ns)
    assert ["c2 STARTED"] == desk.look()
    assert ["c2 STARTED"] == desk.restarted().take(Shed(1, 600), 2, repeated=True)


def test_an_alarm_that_there_is_not_cannot_be_reset(desk):
    assert ["c1 ACCEPTED", "c1 SUCCEEDED"] == desk.take(ResetAlarm("cap.unmet"))
    assert ["c2 REJECTED BOUNDS"] == desk.take(ResetAlarm("no.such"), 2)
    assert [("cap.unmet", "c1"), ("no.such", "c2")] == desk.reset_codes


def test_what_is_refused_is_refused_again_but_for_a_disk_that_is_well_since(desk):
    assert ["c1 REJECTED UNKNOWN_DEVICE"] == desk.take(Setpoint("x", 0, 60))
    assert ["c1 REJECTED UNKNOWN_DEVICE"] == desk.take(Setpoint("x", 0, 60), repeated=True)
    assert ["c2 REJECTED"] == desk.take(Release(), 2, persisted=False)
    assert ["c2 ACCEPTED", "c2 SUCCEEDED"] == desk.take(Release(), 2, repeated=True)


def test_rule_a_shed_acts_also_where_its_number_cannot_be_kept(desk):
    assert ["c1 ACCEPTED"] == desk.take(Shed(1, 600), persisted=False)


def test_what_becomes_of_a_command_is_an_event_each(desk):
    desk.take(Shed(1, 600))
    desk.look()
    desk.take(Shed(2, 600), 2)

    assert [("c1", "ACCEPTED"), ("c1", "STARTED"), ("c1", "REVOKED"), ("c2", "ACCEPTED")] == [
        (ident, status) for code, ident, status in desk.events if code == "command.answered"
    ]


def test_an_envelope_is_followed_over_a_restart(desk):
    ack = Ack("e1", 1, "envelope", "OK", "ACCEPTED")
    assert ["e1 ACCEPTED"] == words(desk.commanding.follow_envelope(envelope(), ack))
    assert ["e1 STARTED"] == desk.look()
    desk.restarted()
    assert ["e1 STARTED"] == words(desk.commanding.follow_envelope(envelope(), ack)), "the same again"
    assert ["e1 SUCCEEDED"] == desk.look(ConnectionMeasurement(inside=True))


def test_one_that_was_refused_is_answered_and_not_followed(desk):
    ack = Ack("e1", 1, "envelope", "OK", "REJECTED", "REPLAY")

    assert ["e1 REJECTED REPLAY"] == words(desk.commanding.follow_envelope(envelope(), ack))
    assert [] == desk.look(ConnectionMeasurement(inside=True))


def test_over_an_outage_a_shed_goes_on_and_a_setpoint_is_said_to_be_over(desk):
    desk.take(Shed(1, 600))
    assert ["c2 REJECTED SELF_PROTECTION"] == desk.take(Setpoint("bat1", -1_000, 600), 2)
    assert ["c3 ACCEPTED"] == desk.take(Setpoint("heat", 0, 600), 3)
    desk.restarted(outage=True)

    assert ["c3 ABORTED SAFETY", "c1 STARTED"] == desk.look()
    assert frozenset() == desk.commanding.setpoint_assets


def test_nothing_is_kept_of_nothing_and_what_is_broken_is_left(desk):
    assert {} == desk.commanding.dump_state()
    desk.commanding.recall({"commands": {"running": 3}}, desk.now, outage=False)
    desk.commanding.recall("rubbish", desk.now, outage=False)

    assert ["commands.not_recalled"] == [call.args[0] for call in desk.log.calls]


def test_what_runs_is_shown_with_the_time_that_is_left(desk):
    desk.take(Shed(2, 600))
    desk.t += 100
    (shown,) = json.loads(json.dumps(desk.commanding.render_commands(desk.now)))

    assert ("c1", "shed", 2, 500.0, "ACCEPTED") == tuple(
        shown[name] for name in ("id", "op", "level", "left_s", "status")
    )
    desk.t += 500
    assert [] == desk.commanding.render_commands(desk.now)


def at(seconds):
    return Now(int(seconds * 1e9), 0, synced=True)


def ack(status, seq=1, kind="command"):
    return Ack(f"c{seq}", seq, kind, "OK", status)


@pytest.fixture
def said():
    return []


@pytest.fixture
def pending_acks(said):
    return PendingAcks(lambda one: said.append((one.seq, one.status)))


def test_what_was_accepted_is_said_only_once_it_is_kept_and_what_follows_stays_behind_it(pending_acks, said):
    pending_acks.answer([ack("ACCEPTED"), ack("STARTED")], at(0))
    assert ([], True) == (said, pending_acks.wake_event.is_set())
    count = pending_acks.count
    pending_acks.answer([ack("SUCCEEDED"), ack("ACCEPTED", 2)], at(1))

    pending_acks.send_saved(count)
    assert [(1, "ACCEPTED"), (1, "STARTED")] == said
    pending_acks.send_saved(pending_acks.count)
    assert [(1, "SUCCEEDED"), (2, "ACCEPTED")] == said[2:]


def test_a_refusal_keeps_nobody_waiting_nor_does_a_document_that_is_no_command(pending_acks, said):
    pending_acks.answer([ack("REJECTED"), ack("ACCEPTED", 2, "envelope")], at(0))

    assert [(1, "REJECTED"), (2, "ACCEPTED")] == said
    assert not pending_acks.wake_event.is_set()


def test_where_the_disk_refuses_it_is_said_all_the_same_in_time(pending_acks, said):
    pending_acks.answer([ack("ACCEPTED")], at(0))
    pending_acks.look(at(ACK_DELAY_MAX_S - 0.1))
    assert [] == said

    pending_acks.look(at(ACK_DELAY_MAX_S))
    assert [(1, "ACCEPTED")] == said
    pending_acks.send_saved(pending_acks.count)
    assert [(1, "ACCEPTED")] == said, "once"


def test_what_waited_too_long_leaves_the_rest_to_the_disk(pending_acks, said):
    pending_acks.answer([ack("ACCEPTED")], at(0))
    count = pending_acks.count
    pending_acks.answer([ack("ACCEPTED", 2)], at(2))
    pending_acks.look(at(ACK_DELAY_MAX_S))

    pending_acks.send_saved(count)
    assert [(1, "ACCEPTED")] == said, "the second came after what was kept"


def test_a_fast_clock_gives_the_disk_its_time():
    said = []
    pending_acks = PendingAcks(said.append, rate=60.0)
    pending_acks.answer([ack("ACCEPTED")], at(0))
    pending_acks.look(at(60 * ACK_DELAY_FLOOR_S - 1))

    assert [] == said
