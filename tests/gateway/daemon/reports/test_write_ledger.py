import random
from dataclasses import replace

import pytest

from quartier.control.reason import make_reason
from quartier.daemon.reports.write_ledger import (
    CLIENT_ROWS_COUNT_MAX,
    FLUSH_PERIOD_NS,
    GATEWAY_LEFT_WHO,
    LAST_ROWS_COUNT,
    WRITE_BUDGET_WHO,
    WriteLedger,
)
from quartier.runtime.bus.mailbox import ClientWriteOutcome, Mailbox
from quartier.site.ledger import LedgerEntry
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier_drivers.contract import OWN_RULE, Command, Fallback, Origin, PointInfo
from quartier_drivers.readings import Quality, Reading, make_readings

S = 1_000_000_000
UTC_MS = 1_700_000_000_000
DSO = Origin("document", "dso", "12", 3)
POWER, RELAY, BARE = "bat1.setpoint_w", "heat.relay_on", "fan.relay_on"
INFOS = {
    POWER: PointInfo(
        POWER, "float", "a", 1.0, writable=True, step=1.0, on_release=0.0, fallback=Fallback(0.0, 60.0)
    ),
    RELAY: PointInfo(RELAY, "bool", "b", 1.0, writable=True, on_release="hold"),
    BARE: PointInfo(BARE, "bool", "c", 1.0, writable=True, read_back=False, on_release="own"),
}


class Pages:
    """Keeps every row that is written down, in its order."""

    boot = 7

    def __init__(self):
        self.written = []

    def write_down(self, entry, _now):
        self.written.append(entry)

    @property
    def rows(self):
        return {entry.number: entry for entry in self.written}


class Desk:
    """A ledger beside a real mailbox, in synthetic time."""

    def __init__(self):
        self.pages = Pages()
        self.ledger = WriteLedger(self.pages)
        self.ledger.follow(INFOS, {POWER: 0.0, RELAY: None, BARE: None})
        self.mailbox = Mailbox(self.ledger)
        self.image = ProcessImage()
        self.t = 0.0

    @property
    def ns(self):
        return int(self.t * S)

    @property
    def now(self):
        return Now(self.ns, UTC_MS + int(self.t * 1000), synced=True)

    def at(self, t):
        self.t = t
        return self

    def order(self, point, value, why="free", who=OWN_RULE, life_s=5.0):
        command = Command(point, value, self.ns + int(life_s * S), why, who)
        self.ledger.record_orders([command], self.image.freeze(self.ns), self.now)
        self.mailbox.post([command], self.ns)
        self.ledger.tick(self.now)
        return self

    def send(self, fate="sent", why="because"):
        command = self.mailbox.take(lambda _: True, self.ns)
        read_back = INFOS[command.point].read_back
        if fate == "sent":
            self.mailbox.note_written(command, self.ns, read_back=read_back)
        else:
            self.mailbox.note_failure(command, fate, why, self.ns, read_back=read_back)
        return self

    def read(self, point, value):
        readings = make_readings([Reading(point, value, Quality.GOOD, self.ns)], self.ns)
        self.image.put(readings)
        self.mailbox.compare_readings(readings, INFOS, self.ns)
        return self

    def tick(self):
        self.mailbox.expire(self.ns)
        self.ledger.tick(self.now)
        return self

    def rows(self, asset="bat1"):
        return self.ledger.of(asset)


@pytest.fixture
def desk():
    return Desk()


def test_a_write_tells_who_why_what_was_before_what_came_back_and_when(desk):
    desk.read(POWER, 300.0).at(1).order(POWER, -500.0, "import cap", DSO)
    desk.at(1.2).send().at(1.4).read(POWER, -500.0).at(2).tick()

    (row,) = desk.rows()
    assert (DSO, "import cap", 300.0, -500.0, -500.0) == (row.who, row.why, row.before, row.value, row.shown)
    assert ("done", 1, 1) == (row.outcome, row.count, row.writes)
    assert (1000, 1400, 6000) == tuple(ms - UTC_MS for ms in (row.utc_ms, row.known_ms, row.expires_ms))
    assert [row] == list(desk.pages.rows.values())


def test_the_age_of_a_row_is_that_of_the_time_that_passed_and_unknown_of_what_others_wrote(desk):
    desk.order(RELAY, 0.0)
    entry = LedgerEntry(boot=0, number=1, point=POWER, why="released", utc_ms=UTC_MS, last_ms=UTC_MS)
    desk.ledger.take_release_rows([entry], desk.now)

    assert [9.0] == [row["age_s"] for row in desk.ledger.render_rows("heat", 9 * S)]
    assert [False] == ["age_s" in row for row in desk.ledger.render_rows("bat1", 9 * S)]


def test_a_refreshed_lease_is_one_row_with_a_count_and_the_last_time(desk):
    for t in range(0, 400, 20):
        desk.at(t).order(POWER, 100.0, life_s=20).at(t + 0.1).send().read(POWER, 100.0).tick()

    (row,) = desk.rows()
    assert (20, 20, {"done": 19}, UTC_MS + 380_000) == (row.count, row.writes, row.fates, row.last_ms)
    assert 2 == len(desk.pages.written)


def test_counts_of_what_goes_on_reach_the_store_every_ten_minutes(desk):
    for t in range(0, 2 * FLUSH_PERIOD_NS // S + 20, 20):
        desk.at(t).order(POWER, 100.0, life_s=20).at(t + 0.1).send().read(POWER, 100.0).tick()
    assert 5 >= len(desk.pages.written) >= 4
    assert desk.rows()[0].count - desk.pages.rows[1].count <= 30


def test_a_setpoint_that_follows_for_one_reason_is_one_row_with_its_range(desk):
    for t in range(60):
        desk.at(t).order(POWER, 10.0 * t).at(t + 0.1).send().read(POWER, 10.0 * t).tick()

    (row,) = desk.rows()
    assert (60, 0, 0.0, 590.0, 590.0) == (row.count, row.resumed, row.low, row.high, row.value)
    assert len(desk.pages.written) <= 4


def test_reasons_that_take_turns_are_two_rows_not_two_a_second(desk):
    for t in range(120):
        desk.at(t).order(POWER, float(t), "cap" if t % 2 else "free").at(t + 0.1).send().read(
            POWER, float(t)
        ).tick()

    assert {("cap", 60, 59), ("free", 60, 59)} == {(row.why, row.count, row.resumed) for row in desk.rows()}
    assert len(desk.pages.written) <= 30


def test_each_switching_is_a_row_of_its_own(desk):
    for t, value in enumerate((1.0, 0.0, 1.0, 0.0)):
        desk.at(t * 10).order(RELAY, value, "free" if value else "cap").send().at(t * 10 + 1).read(
            RELAY, value
        ).tick()

    assert [0.0, 1.0, 0.0, 1.0] == [row.value for row in desk.rows("heat")]
    assert ["", "replaced", "replaced", "replaced"] == [row.end for row in desk.rows("heat")]
    assert [1.0, 0.0, 1.0] == [row.before for row in desk.rows("heat")[:3]]


def test_an_order_that_is_overtaken_before_it_went_out_is_replaced(desk):
    desk.order(RELAY, 1.0).at(1).order(RELAY, 0.0, "cap")

    first = desk.rows("heat")[1]
    assert ("replaced", 0, "replaced") == (first.outcome, first.writes, first.end)


def test_one_that_is_overtaken_on_its_way_tells_what_the_device_said(desk):
    desk.order(RELAY, 1.0)
    command = desk.mailbox.take(lambda _: True, desk.ns)
    desk.at(1).order(RELAY, 0.0, "cap")
    desk.mailbox.note_failure(command, "refused", "exception 2", desk.ns, read_back=True)

    assert ("refused", "exception 2") == (desk.rows("heat")[1].outcome, desk.rows("heat")[1].note)
    assert "pending" == desk.rows("heat")[0].outcome


def test_a_refusal_is_told_with_the_devices_words(desk):
    desk.order(POWER, 9e6).send("refused", "outside its limits").tick()
    assert ("refused", "outside its limits", 0) == (
        desk.rows()[0].outcome,
        desk.rows()[0].note,
        desk.rows()[0].writes,
    )


def test_a_write_of_unknown_fate_is_settled_by_the_next_reading(desk):
    desk.order(POWER, 100.0).send("unknown", "no reply").tick()
    assert ("unknown", 1) == (desk.pages.rows[1].outcome, desk.rows()[0].writes)
    desk.at(1).read(POWER, 100.0).at(11).tick()
    assert ("done", 1) == (desk.pages.rows[1].outcome, desk.rows()[0].writes)


def test_what_never_went_out_expires_and_what_was_not_read_back_is_unknown(desk):
    desk.order(POWER, 100.0).order(RELAY, 1.0).send().at(6.1).tick()
    assert ("unknown", "expired") == (desk.rows()[0].outcome, desk.rows("heat")[0].outcome)


def test_an_order_for_a_point_that_no_bus_has_expires_too(desk):
    command = Command(POWER, 1.0, 5 * S, "free")
    desk.ledger.record_orders([command], desk.image.freeze(0), desk.now)
    desk.at(6).tick()
    assert ("expired", "it never went out") == (desk.rows()[0].outcome, desk.rows()[0].note)


def test_a_point_that_cannot_be_read_back_is_done_when_the_device_took_it(desk):
    desk.order(BARE, 1.0).send().tick()
    assert ("done", 1) == (desk.rows("fan")[0].outcome, desk.rows("fan")[0].writes)


def test_what_stands_in_a_worn_register_already_did_not_go_out(desk):
    desk.order(POWER, 1.0)
    desk.mailbox.note_unneeded_write(desk.mailbox.take(lambda _: True, 0), 0)
    assert ("done", 0) == (desk.rows()[0].outcome, desk.rows()[0].writes)


def test_giving_back_for_a_lost_input_is_a_row_with_its_outcome(desk):
    desk.order(BARE, 1.0).send()
    desk.at(2).ledger.record_releases([BARE], {BARE: make_reason("meter.lost")}, desk.now)
    desk.mailbox.withdraw([BARE], desk.ns, "given back to the device")
    desk.ledger.handle_relinquish([BARE], "done", "", desk.at(3).ns)

    row, before = desk.rows("fan")
    assert (Origin("release"), "given back: grid meter lost", None, "done") == (
        row.who,
        row.why,
        row.value,
        row.outcome,
    )
    assert "replaced" == before.end


def test_giving_back_again_is_the_same_row(desk):
    desk.ledger.record_releases([BARE], {BARE: make_reason("meter.lost")}, desk.now)
    desk.ledger.handle_relinquish([BARE], "done", "", desk.at(1).ns)
    desk.at(5).ledger.record_releases([BARE], {BARE: make_reason("meter.lost")}, desk.now)
    desk.at(6).ledger.record_releases([BARE], {BARE: make_reason("meter.lost")}, desk.now)
    desk.ledger.handle_relinquish([BARE], "refused", "no", desk.at(7).ns)
    (row,) = desk.rows("fan")

    assert (3, 2, "refused", {"done": 1}) == (row.count, row.writes, row.outcome, row.fates)
    desk.at(10).ledger.record_releases([BARE], {BARE: make_reason("meter.implausible")}, desk.now)
    assert 2 == len(desk.rows("fan")), "for another reason"


def test_a_bus_that_gives_back_a_worn_register_is_told_as_that_rule(desk):
    desk.order(POWER, 1.0).send("refused", "its budget is spent")
    desk.ledger.handle_relinquish([POWER], "done", "", desk.at(1).ns)
    assert (WRITE_BUDGET_WHO, 0.0, "done") == (
        desk.rows()[0].who,
        desk.rows()[0].value,
        desk.rows()[0].outcome,
    )


def test_leaving_is_a_row_for_each_safe_value_and_none_where_nothing_is_written(desk):
    desk.order(POWER, 100.0).send().order(RELAY, 1.0).send()
    desk.ledger.handle_release([POWER, RELAY, BARE], "done", "", desk.at(2).ns)
    desk.ledger.close(desk.now)

    assert (GATEWAY_LEFT_WHO, 0.0, "done") == (
        desk.rows()[0].who,
        desk.rows()[0].value,
        desk.rows()[0].outcome,
    )
    assert (GATEWAY_LEFT_WHO, None) == (desk.rows("fan")[0].who, desk.rows("fan")[0].value)
    assert 1 == len(desk.rows("heat"))
    assert desk.rows()[0] == desk.pages.rows[desk.rows()[0].number]


@pytest.mark.parametrize(("stands_w", "left_w"), [(300.0, 300.0), (5000.0, 1000.0)])
def test_leaving_raises_no_cap_that_stands_lower(desk, stands_w, left_w):
    desk.ledger.follow({POWER: replace(INFOS[POWER], on_release="cap")}, {POWER: 1000.0})
    desk.order(POWER, stands_w).send().at(1).read(POWER, stands_w).ledger.handle_release(
        [POWER], "done", "", desk.ns
    )
    assert left_w == desk.rows()[0].value


def test_memory_keeps_the_last_rows_of_each_asset_and_forgets_who_left_the_site(desk):
    for t in range(LAST_ROWS_COUNT + 5):
        desk.at(t).order(RELAY, float(t % 2)).send()
    assert LAST_ROWS_COUNT == len(desk.rows("heat"))
    desk.ledger.follow({POWER: INFOS[POWER]}, {})
    assert [] == desk.rows("heat")


def test_a_point_that_shows_another_value_ends_its_row_and_says_by_whom(desk):
    desk.order(POWER, -2000.0, "cap", DSO).at(0.2).send().at(0.5).read(POWER, -2000.0).tick()
    desk.at(70).read(POWER, 0.0).order(POWER, -2000.0, "cap", DSO)

    now, found, before = desk.rows()
    assert ("reverted", ("device", 0.0, -2000.0)) == (before.end, (found.who.kind, found.value, found.before))
    assert (DSO, 0.0, "replaced") == (now.who, now.before, found.end)


@pytest.mark.parametrize("by_s", [-3_600, 3_600])
def test_a_clock_that_was_set_hides_no_change_and_invents_no_timer(desk, by_s, monkeypatch):
    desk.order(POWER, -2000.0).send()
    desk.at(1).read(POWER, -2000.0)
    monkeypatch.setattr(
        Desk, "now", property(lambda one: Now(one.ns, UTC_MS + int((one.t + by_s) * 1000), synced=True))
    )
    desk.at(12).read(POWER, -500.0)
    desk.ledger.look(desk.image.freeze(desk.ns), desk.now)
    last = desk.ledger.of("bat1")[0]

    assert ("stranger", -500.0) == (last.who.kind, last.value)


def test_a_change_is_found_within_seconds_also_where_nothing_is_ordered_anew(desk):
    desk.order(RELAY, 1.0).send().at(0.5).read(RELAY, 1.0).tick()
    desk.at(3).read(RELAY, 0.0).ledger.look(desk.image.freeze(desk.ns), desk.now)
    assert "stranger" == desk.rows("heat")[0].who.kind
    desk.at(20).read(RELAY, 0.0).ledger.look(desk.image.freeze(desk.ns), desk.now)
    assert 2 == len(desk.rows("heat"))


def test_what_release_wrote_meanwhile_stands_until_something_is_ordered(desk):
    left = LedgerEntry(
        boot=0,
        number=9,
        point=POWER,
        why="safe value",
        utc_ms=UTC_MS - 9000,
        last_ms=UTC_MS - 9000,
        value=0.0,
    )
    desk.ledger.take_release_rows([left], desk.now)
    desk.ledger.close(desk.now)
    assert [(7, 1, 0.0)] == [(row.boot, row.number, row.value) for row in desk.pages.rows.values()]
    desk.order(POWER, 5.0)
    assert ["", "replaced"] == [row.end for row in desk.rows()]


@pytest.mark.parametrize("seed", range(40))
def test_every_command_of_a_random_run_has_a_row_and_an_outcome_by_its_expiry(seed):
    dice, desk, count = random.Random(seed), Desk(), 0
    for step in range(400):
        desk.at(step * 0.25)
        match dice.choice(("order", "order", "send", "send", "read", "tick", "lose")):
            case "order":
                count += 1
                point = dice.choice((POWER, RELAY, BARE))
                value = float(dice.randrange(3)) if point == POWER else float(dice.randrange(2))
                desk.order(point, value, dice.choice(("free", "cap")), dice.choice((OWN_RULE, DSO)))
            case "send" if desk.mailbox._waiting:
                desk.send(dice.choice(("sent", "sent", "refused", "unknown", "expired")))
            case "read":
                desk.read(POWER, float(dice.randrange(3))).read(RELAY, float(dice.randrange(2)))
            case _:
                desk.tick()
        for row in (row for name in ("bat1", "heat", "fan") for row in desk.rows(name)):
            late = row.expires_ms is not None and row.expires_ms + 1250 < desk.now.utc_ms
            assert not (late and row.outcome == "pending"), row
    desk.at(200).tick().at(900).ledger.close(desk.now)

    rows = desk.pages.rows.values()
    rows = [row for row in rows if row.expires_ms is not None]  # the others were found by reading
    assert count == sum(row.count for row in rows)
    assert all(row.count == sum(row.fates.values()) + 1 for row in rows)
    assert all("pending" != row.outcome and 0 <= row.writes <= row.count for row in rows)


CLIENT = Origin("client", "portal", "192.168.1.40")


def passed(desk, value, verdict="done", note="", point="heat.holding_1000_index"):
    desk.ledger.handle_client_write(
        ClientWriteOutcome(
            point=point,
            who=CLIENT,
            why="function 6 from 192.168.1.40",
            value=value,
            verdict=verdict,
            note=note,
        ),
        desk.ns,
    )


def test_what_another_client_writes_is_a_row_beside_ours_and_the_same_again_a_count(desk):
    desk.order(RELAY, 1.0).send().at(1).read(RELAY, 1.0)
    for t in (2, 12, 22):
        passed(desk.at(t).tick(), 7.0)
    passed(desk.at(30).tick(), 8.0, "refused", "exception 2")
    ours, first, second = reversed(desk.ledger.of("heat"))

    assert ("", "done") == (ours.end, ours.outcome), "our order stands"
    assert (CLIENT, 3, 3, 22_000, "replaced") == (
        first.who,
        first.count,
        first.writes,
        first.last_ms - UTC_MS,
        first.end,
    )
    assert ("refused", "exception 2", "") == (second.outcome, second.note, second.end)


def test_rows_of_other_clients_do_not_grow_beyond_their_bound(desk):
    for place in range(CLIENT_ROWS_COUNT_MAX + 20):
        passed(desk, 7.0, point=f"heat.holding_{place}_index")
    desk.ledger.close(desk.now)

    assert CLIENT_ROWS_COUNT_MAX == len(desk.ledger._client_rows)
    assert LAST_ROWS_COUNT == len(desk.ledger.of("heat"))
    assert CLIENT_ROWS_COUNT_MAX + 20 == len(desk.pages.rows)
