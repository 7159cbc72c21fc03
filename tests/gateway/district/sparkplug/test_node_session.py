"""The session as tables and as a property: what goes in, what comes out, in which order."""

import pytest
from tests.gateway.district.conftest import ME, bdseq_of, born, codes, command, state

from quartier.district.records import Disconnect, Note, PointWriteRequest, Publication, SessionRules
from quartier.district.sparkplug.host_commands import NEXT_SERVER_METRIC, REBIRTH_METRIC, SCAN_RATE_METRIC
from quartier.district.sparkplug.metric_catalog import MetricCatalog
from quartier.district.sparkplug.node_messages import BIRTH_METRICS_MAX
from quartier.district.sparkplug.node_session import NodeSession, SessionPhase
from quartier.district.sparkplug.payload_codec import Datatype, Metric, decode_payload, encode_payload
from quartier_drivers.readings import Quality


def test_births_come_first_node_before_devices_with_one_count(world, catalog, district):
    session = NodeSession(ME, catalog, SessionRules())
    district.take(session.process_opening(3, world.context))

    assert ["NBIRTH", "DBIRTH:grid", "DBIRTH:bat1", "DBIRTH:ev1"] == district.kinds()
    assert [0, 1, 2, 3] == [message.seq for _, message in district.messages]


def test_the_node_birth_repeats_the_will_and_offers_rebirth(world, catalog, district):
    session = NodeSession(ME, catalog, SessionRules())
    district.take(session.process_opening(42, world.context))
    metrics = {metric.name: metric for metric in district.messages[0][1].metrics}

    assert (42, Datatype.INT64) == (metrics["bdSeq"].value, metrics["bdSeq"].type)
    assert (False, Datatype.BOOLEAN, None) == (
        metrics[REBIRTH_METRIC].value,
        metrics[REBIRTH_METRIC].type,
        metrics[REBIRTH_METRIC].alias,
    )


def test_births_say_every_metric_with_type_unit_class_range_deadband_and_address(world, catalog, district):
    session = NodeSession(ME, catalog, SessionRules())
    district.take(session.process_opening(0, world.context))
    power, energy = district.messages[1][1].metrics

    assert ("power_w", 1234.5, Datatype.DOUBLE, Quality.GOOD) == (
        power.name,
        power.value,
        power.type,
        power.quality,
    )
    assert world.utc_ms - 500 == power.timestamp_ms
    assert {
        "brickClass": "Active_Power_Sensor",
        "engUnit": "W",
        "engLow": -1e5,
        "engHigh": 1e5,
        "deadband": 50.0,
        "address": "input:0x0034",
    } == power.properties
    assert (None, Quality.STALE) == (energy.value, energy.quality)  # never read: null, and said so


def test_nothing_is_said_before_the_primary_host_is_online(world, catalog):
    session = NodeSession(ME, catalog, SessionRules(primary_host="opt"))
    topic = "spBv1.0/STATE/opt"

    assert [] == session.process_opening(0, world.context)
    world.put("grid", "power_w", 1.0)
    assert [] == session.pump(world.context, 10**6)
    assert [] == session.process_message("spBv1.0/STATE/other", state(True, 5), world.context)
    assert [] == session.process_message(topic, state(False, 5), world.context)
    assert codes(session.process_message(topic, b'{"online": 1, "timestamp": 5}', world.context)) == [
        "district.state_malformed"
    ]
    assert SessionPhase.WAITING is session.phase
    assert 4 == len(session.process_message(topic, state(True, 5), world.context))


@pytest.mark.parametrize(
    ("name", "heard", "leaves"),
    [
        ("an older offline is a late Will", (False, 9), False),
        ("the Will carries the birth's time", (False, 10), True),
        ("a newer one too", (False, 11), True),
        ("online again changes nothing", (True, 12), False),
    ],
)
def test_offline_of_the_primary_host_ends_the_session_by_its_timestamp(world, catalog, name, heard, leaves):
    session = NodeSession(ME, catalog, SessionRules(primary_host="opt"))
    session.process_opening(8, world.context)
    session.process_message("spBv1.0/STATE/opt", state(True, 10), world.context)

    effects = session.process_message("spBv1.0/STATE/opt", state(*heard), world.context)

    assert ([ME.topic("NDEATH")] if leaves else []) == [
        e.topic for e in effects if isinstance(e, Publication)
    ]
    assert leaves == any(isinstance(effect, Disconnect) and effect.use_next_server for effect in effects), (
        name
    )


def test_an_old_online_does_not_count_after_a_newer_one(world, catalog):
    session = NodeSession(ME, catalog, SessionRules(primary_host="opt"))
    session.process_opening(8, world.context)
    session.process_message("spBv1.0/STATE/opt", state(True, 10), world.context)
    session.process_closing()
    session.process_opening(9, world.context)

    assert [] == session.process_message("spBv1.0/STATE/opt", state(True, 9), world.context)
    assert 4 == len(session.process_message("spBv1.0/STATE/opt", state(True, 10), world.context))


def test_death_carries_only_bdseq_and_no_seq(world, catalog, district):
    session = born(world, catalog)
    (ndeath,) = district.take(session.on_leaving(world.now))
    message = decode_payload(ndeath.payload)

    assert (ME.topic("NDEATH"), 1) == (ndeath.topic, ndeath.qos)
    assert (None, [("bdSeq", 3, Datatype.INT64)]) == (
        message.seq,
        [(m.name, m.value, m.type) for m in message.metrics],
    )


def test_a_session_that_was_never_born_leaves_without_a_word(world, catalog):
    assert [] == NodeSession(ME, catalog, SessionRules()).on_leaving(world.now)


def test_live_samples_go_by_stream_with_their_key_and_without_datatype(world, catalog, district):
    session = born(world, catalog)
    world.put("grid", "power_w", 10.0)
    world.put("bat1", "soc_pct", 50.5)
    world.put("grid", "power_w", -20.0)
    world.put("node", "rs485.requests_count", 18)

    district.take(session.pump(world.context, 10**6))

    assert ["DDATA:grid", "DDATA:bat1", "NDATA"] == district.kinds()
    grid = district.messages[0][1]
    assert (7, 1) == (grid.key.boot, grid.key.first)
    assert [("power_w", 10.0, None, False), ("power_w", -20.0, None, False)] == [
        (m.name, m.value, m.type, m.historical) for m in grid.metrics
    ]
    assert [4, 5, 6] == [message.seq for _, message in district.messages]
    assert [] == session.pump(world.context, 10**6)  # by exception: nothing twice


def test_quality_is_said_whenever_it_is_not_good_and_nan_is_null(world, catalog, district):
    session = born(world, catalog)
    world.put("grid", "power_w", 10.0, Quality.STALE)
    world.put("grid", "power_w", float("nan"))

    district.take(session.pump(world.context, 10**6))

    assert [(10.0, Quality.STALE), (None, Quality.BAD)] == [
        (m.value, m.quality) for m in district.messages[0][1].metrics
    ]


def test_local_streams_never_leave_and_events_go_elsewhere(world, make_catalog, district):
    session = born(world, make_catalog(local=("bat1",)))
    world.put("bat1", "soc_pct", 50.5)
    world.put("event", "store.gap", "{}")

    district.take(session.pump(world.context, 10**6))

    assert [] == district.kinds()


def test_a_device_of_which_no_birth_spoke_gets_its_own_before_its_data(world, catalog, district):
    session = born(world, catalog)
    world.put("heat1", "power_w", 900.0)

    district.take(session.pump(world.context, 10**6))

    assert ["DBIRTH:heat1", "DDATA:heat1"] == district.kinds()
    assert 1 == district.keys["heat1", 7, 1]


def test_what_a_device_learns_is_born_without_the_others(world, catalog, district):
    session = born(world, catalog)
    world.put("grid", "power_w", 1.0)
    world.put("bat1", "cycles_count", 7)

    district.take(session.pump(world.context, 10**6))

    assert "DBIRTH:bat1" == district.kinds()[0]
    assert ["DDATA:bat1", "DDATA:grid"] == sorted(district.kinds()[1:])


def test_a_metric_of_the_node_that_no_birth_named_has_all_born_anew(world, catalog, district):
    session = born(world, catalog)
    world.put("node", "gateway.spare_count", 1)

    district.take(session.pump(world.context, 10**6))

    assert ["NBIRTH", "DBIRTH:grid", "DBIRTH:bat1", "DBIRTH:ev1"] == district.kinds()


def test_many_births_come_in_portions_and_no_data_before_them(world, district):
    catalog = MetricCatalog()
    for number in range(5):
        for at in range(BIRTH_METRICS_MAX // 2):
            catalog.add(f"load{number}", f"r{at}_w", Datatype.DOUBLE)
    session = NodeSession(ME, catalog, SessionRules(watermark=False))
    world.put("load4", "r1_w", 5.0)

    district.take(session.process_opening(3, world.context))
    assert ["NBIRTH", "DBIRTH:load0", "DBIRTH:load1"] == district.kinds()
    world.put("load0", "r1_w", 5.0)
    while session.has_more:
        district.take(session.pump(world.context, 10**6))
    district.take(session.pump(world.context, 10**6))

    assert [f"DBIRTH:load{number}" for number in (2, 3, 4)] == district.kinds()[3:6]
    assert "DDATA:load0" == district.kinds()[6]
    assert list(range(7)) == [message.seq for _, message in district.messages[:7]]


def test_more_samples_than_one_pump_takes_are_asked_for_again_at_once(world, catalog, district):
    session = born(world, catalog)
    for _ in range(4_001):
        world.put("grid", "power_w", 1.0)

    district.take(session.pump(world.context, 10**7))
    assert (4_000, True) == (len(district.keys), session.has_more)
    district.take(session.pump(world.context, 10**7))
    assert (4_001, False) == (len(district.keys), session.has_more)


def test_long_texts_keep_a_message_below_64_kib(world, catalog, district):
    session = born(world, catalog)
    for _ in range(40):
        world.put("node", "gateway.version_text", "x" * 4_000)

    published = district.take(session.pump(world.context, 10**7))

    assert max(len(effect.payload) for effect in published) <= 64 * 1024
    assert 40 == len(district.keys)


def test_a_message_holds_consecutive_numbers_of_one_boot_only(world, catalog, district):
    world.put("grid", "power_w", 1.0)
    world.put("grid", "power_w", 2.0)
    world.put("grid", "power_w", 3.0)
    del world.notebook.kept[1]  # evicted
    world.notebook.restart()
    world.put("grid", "power_w", 4.0)
    session = born(world, catalog, watermark=False)

    district.take(session.pump(world.pass_s(1).context, 10**6))

    assert [(7, 1), (7, 3), (8, 1)] == [(m.key.boot, m.key.first) for _, m in district.messages]


def test_time_never_goes_back_inside_a_message(world, catalog, district):
    session = born(world, catalog)
    world.put("grid", "power_w", 1.0)
    world.pass_s(-0.5).put("grid", "power_w", 2.0)

    district.take(session.pump(world.context, 10**6))

    assert [1, 1] == [len(message.metrics) for _, message in district.messages]


def test_a_rebirth_keeps_bdseq_starts_at_zero_and_has_a_pause(world, catalog, district):
    session = born(world, catalog)
    assert [] == session.process_message(
        ME.topic("NCMD"), command(REBIRTH_METRIC, True), world.pass_s(1).context
    )
    world.put("grid", "power_w", 1.0)
    assert [] == session.pump(world.pass_s(1).context, 10**6)  # data stops until it is done

    district.take(session.pump(world.pass_s(4).context, 10**6))

    assert ["NBIRTH", "DBIRTH:grid", "DBIRTH:bat1", "DBIRTH:ev1"] == district.kinds()
    assert (0, 3) == (district.messages[0][1].seq, bdseq_of(district.messages[0][1]))
    assert 4 == len(
        session.process_message(ME.topic("NCMD"), command(REBIRTH_METRIC, True), world.pass_s(6).context)
    )


def test_what_a_host_asked_of_the_pace_is_told_after_births_and_never_between_them(world, catalog, district):
    session = born(world, catalog)
    rate = command(SCAN_RATE_METRIC, 500, Datatype.INT64)
    session.process_message(ME.topic("NCMD"), command(REBIRTH_METRIC, True), world.pass_s(1).context)
    assert [] == session.process_message(
        ME.topic("NCMD"), rate, world.context
    )  # the births that are due say it
    district.take(session.pump(world.pass_s(5).context, 10**6))
    assert ["NBIRTH", "DBIRTH:grid", "DBIRTH:bat1", "DBIRTH:ev1"] == district.kinds()
    assert [500] == [m.value for m in district.messages[0][1].metrics if m.name == SCAN_RATE_METRIC]

    for number in range(BIRTH_METRICS_MAX):
        catalog.add("grid", f"m{number}_w", Datatype.DOUBLE)
    district.messages.clear()
    district.take(
        session.process_message(ME.topic("NCMD"), command(REBIRTH_METRIC, True), world.pass_s(6).context)
    )
    assert [] == session.process_message(ME.topic("NCMD"), rate, world.context)
    while session.has_more:
        district.take(session.pump(world.context, 10**6))
    district.take(session.pump(world.pass_s(1).context, 10**6))
    assert ["NBIRTH", "DBIRTH:grid", "DBIRTH:bat1", "DBIRTH:ev1", "NDATA"] == district.kinds()


def test_births_that_an_untrusted_clock_dated_are_said_again_when_it_is_trusted(world, catalog, district):
    world.synced = False
    session = born(world, catalog, watermark=False)
    district.take(session.pump(world.pass_s(60).context, 10**6))
    assert [] == district.kinds()

    world.synced = True
    district.take(session.pump(world.pass_s(1).context, 10**6))
    district.take(session.pump(world.pass_s(60).context, 10**6))
    assert ["NBIRTH", "DBIRTH:grid", "DBIRTH:bat1", "DBIRTH:ev1"] == district.kinds()


@pytest.mark.parametrize(("server", "born_count"), [(0, 0), (1, 4)])
def test_the_host_has_a_time_of_its_own_on_each_server(world, catalog, server, born_count):
    session = NodeSession(ME, catalog, SessionRules(primary_host="opt", servers_count=2))
    session.process_opening(8, world.context, 0)
    session.process_message("spBv1.0/STATE/opt", state(False, 20), world.context)
    session.process_opening(9, world.context, server)
    assert born_count == len(session.process_message("spBv1.0/STATE/opt", state(True, 10), world.context))


def test_a_rebirth_by_false_is_none(world, catalog):
    session = born(world, catalog)
    assert [] == session.process_message(
        ME.topic("NCMD"), command(REBIRTH_METRIC, False), world.pass_s(60).context
    )


@pytest.mark.parametrize(
    ("topic", "name", "value", "kind"),
    [
        (ME.topic("DCMD", "bat1"), "setpoint_w", 5000.0, Datatype.DOUBLE),
        (ME.topic("DCMD", "ev1"), "current_max_a", 32.0, Datatype.DOUBLE),
        (ME.topic("NCMD"), "bat1.setpoint_w", 5000.0, Datatype.DOUBLE),
        (ME.topic("DCMD", "bat1"), REBIRTH_METRIC, True, Datatype.BOOLEAN),
    ],
)
def test_what_moves_power_is_refused(world, catalog, topic, name, value, kind):
    session = born(world, catalog, harmless=frozenset({"gateway.lamp_on"}))

    effects = session.process_message(topic, command(name, value, kind), world.pass_s(60).context)

    assert ["district.command_refused"] == codes(effects)
    assert 1 == session.refused_count
    assert len(effects) == 1


def test_a_harmless_point_is_passed_on(world, catalog):
    session = born(world, catalog, harmless=frozenset({"gateway.lamp_on"}))
    effects = session.process_message(ME.topic("NCMD"), command("gateway.lamp_on", True), world.context)
    assert [PointWriteRequest("gateway.lamp_on", True)] == effects


@pytest.mark.parametrize(("value", "taken"), [(-1, False), (0, True), (60_000, True), (60_001, False)])
def test_the_scan_rate_is_bounded_and_told(world, catalog, district, value, taken):
    session = born(world, catalog)
    effects = session.process_message(
        ME.topic("NCMD"), command(SCAN_RATE_METRIC, value, Datatype.INT64), world.context
    )
    district.take(effects)

    assert (["NDATA"] if taken else []) == district.kinds()
    assert (value if taken else 0) == session.scan_ms


def test_one_command_that_asks_for_many_rates_is_answered_once(world, catalog, district):
    session = born(world, catalog)
    asked = [Metric(SCAN_RATE_METRIC, value, Datatype.INT64, 0) for value in range(2_000)]
    district.take(
        session.process_message(ME.topic("NCMD"), encode_payload(asked, timestamp_ms=0), world.context)
    )

    assert (["NDATA"], 1_999) == (district.kinds(), session.scan_ms)


@pytest.mark.parametrize(
    ("rules", "waiting", "room", "pause_s"),
    [
        ({}, 0, 10**6, 1.0),
        ({}, 3, 10**6, 1.0),
        ({}, 3, 0, 0.05),
        ({"scan_ms": 200}, 0, 10**6, 0.2),
        ({"scan_ms": 30_000}, 0, 10**6, 1.0),
    ],
)
def test_the_next_look_comes_sooner_where_a_pace_or_a_full_wire_asks_for_it(
    world, catalog, rules, waiting, room, pause_s
):
    session = born(world, catalog, **rules)
    for number in range(waiting):
        world.put("grid", "power_w", float(number))
    session.pump(world.pass_s(1).context, room)
    assert pause_s == session.pause_s


def test_a_pace_that_a_host_asked_for_gathers_what_comes_meanwhile(world, catalog, district):
    session = born(world, catalog, scan_ms=5_000)
    for number in range(10):
        world.put("grid", "power_w", float(number))
        district.take(session.pump(world.pass_s(1).context, 10**6))
    assert [1, 5] == [len(message.metrics) for _, message in district.messages]


@pytest.mark.parametrize(("servers", "leaves"), [(1, False), (2, True)])
def test_next_server_walks_only_where_there_is_one(world, catalog, servers, leaves):
    session = born(world, catalog, servers_count=servers)
    effects = session.process_message(
        ME.topic("NCMD"), command("Node Control/Next Server", True), world.context
    )
    assert leaves == any(isinstance(effect, Disconnect) for effect in effects)


def test_rubbish_commands_are_refused_not_raised(world, catalog):
    session = born(world, catalog)
    assert ["district.command_refused"] == codes(
        session.process_message(ME.topic("NCMD"), b"\xff\x01", world.context)
    )


def test_a_retained_command_ends_no_session_though_a_host_may(world, catalog):
    session = born(world, catalog, servers_count=2)
    order = ME.topic("NCMD"), command(NEXT_SERVER_METRIC, True), world.context
    assert ["district.command_refused"] == codes(session.process_message(*order, retained=True))
    assert (SessionPhase.BORN, 1) == (session.phase, session.refused_count)
    assert any(isinstance(effect, Disconnect) for effect in session.process_message(*order))


def test_a_silent_asset_dies_after_its_last_samples_and_is_born_when_it_answers(world, catalog, district):
    session = born(world, catalog)
    world.put("ev1", "charge_state", 3, Quality.STALE)
    world.silent.add("ev1")

    district.take(session.pump(world.pass_s(1).context, 10**6))
    world.put("ev1", "charge_state", 4, Quality.STALE)
    district.take(session.pump(world.pass_s(1).context, 10**6))
    assert ["DDATA:ev1", "DDEATH:ev1"] == district.kinds()

    world.silent.clear()
    session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
    district.take(session.pump(world.pass_s(1).context, 10**6))
    assert ["DBIRTH:ev1", "DDATA:ev1"] == district.kinds()[2:]
    assert [4, 5, 6, 7] == [message.seq for _, message in district.messages]
    assert 1 == district.keys["ev1", 7, 2]


def test_a_silent_asset_with_a_backlog_delivers_it_before_its_death(world, catalog, district):
    world.put("ev1", "charge_state", 3)
    world.silent.add("ev1")
    session = born(world, catalog, watermark=False)

    district.take(session.pump(world.pass_s(1).context, 10**6))
    district.take(session.pump(world.pass_s(1).context, 10**6))

    assert ["DDATA:ev1", "DDEATH:ev1"] == district.kinds()


@pytest.mark.parametrize(("after_s", "alarms"), [(59, 0), (61, 1)])
def test_another_bdseq_60_s_after_the_births_is_an_alarm_and_a_rebirth(
    world, catalog, district, after_s, alarms
):
    session = born(world, catalog)
    session.watermark(b'{"bdseq": 2, "streams": {}}', world.context)  # of the session before

    told = session.watermark(b'{"bdseq": 2, "streams": {}}', world.pass_s(after_s).context)
    effects = session.pump(world.context, 10**6)

    assert alarms == len([e for e in told if isinstance(e, Note) and e.alarm])
    assert alarms * 4 == len(district.take(effects))


def test_a_late_echo_is_no_lost_birth_while_the_watermark_moves(world, catalog, district):
    """The district works through 165 s of what was sent before the births."""
    for value in range(5):
        world.put("grid", "power_w", float(value))
    session = born(world, catalog)
    session.watermark(b'{"bdseq": 2, "streams": {"grid": {"boot": 7, "seq": 1}}}', world.context)
    for seq in range(2, 6):
        mark = b'{"bdseq": 2, "streams": {"grid": {"boot": 7, "seq": %d}}}' % seq
        assert [] == codes(session.watermark(mark, world.pass_s(40).context))
        district.take(session.pump(world.context, 10**6, 0))
    session.watermark(b'{"bdseq": 3, "streams": {"grid": {"boot": 7, "seq": 5}}}', world.context)

    assert 1 == session.births_count
    assert [] == district.kinds()


def test_births_are_lost_where_what_was_sent_after_them_is_stored(world, catalog, district):
    session = born(world, catalog)
    for seq in (1, 2):
        world.put("grid", "power_w", 1.0)
        district.take(session.pump(world.pass_s(40).context, 10**6))
        told = session.watermark(district.watermark(2), world.context)
        assert (["district.no_echo"] if seq == 2 else []) == codes(told)


def test_without_a_watermark_there_is_an_alarm_and_no_rebirth(world, catalog):
    session = born(world, catalog)
    told = [(s, codes(session.pump(world.pass_s(1).context, 10**6))) for s in range(1, 500)]

    assert [(120, ["district.no_watermark"])] == [(second, found) for second, found in told if found]
    assert 1 == session.births_count
    assert ["district.watermark_back"] == codes(
        session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
    )


def test_the_rebirth_without_echo_backs_off_and_an_echo_ends_it(world, catalog):
    session = born(world, catalog)
    waits = []
    for second in range(1, 500):
        if "district.no_echo" in codes(
            session.watermark(b'{"bdseq": 2, "streams": {}}', world.pass_s(1).context)
        ):
            waits.append(second)
        session.pump(world.context, 10**6)
    assert [60, 180, 420] == waits

    session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
    assert [] == codes(session.watermark(b'{"bdseq": 2, "streams": {}}', world.pass_s(59).context))


def test_a_new_catalog_is_born_at_once(world, catalog, make_catalog, district):
    session = born(world, catalog)
    session.set_catalog(make_catalog(local=("ev1",)))
    district.take(session.pump(world.pass_s(0.1).context, 10**6))
    assert ["NBIRTH", "DBIRTH:grid", "DBIRTH:bat1"] == district.kinds()


def test_aliases_are_born_with_names_and_used_alone_after(world, catalog, district):
    session = NodeSession(ME, catalog, SessionRules(aliases=True))
    district.take(session.process_opening(0, world.context))
    world.put("bat1", "soc_pct", 51.0)
    district.take(session.pump(world.context, 10**6))

    aliases = [
        m.alias for _, message in district.messages[:4] for m in message.metrics if m.alias is not None
    ]
    assert len(aliases) == len(set(aliases)) == 9
    names = {m.alias: m.name for m in district.messages[2][1].metrics}
    (metric,) = district.messages[4][1].metrics
    assert ("", "soc_pct") == (metric.name, names[metric.alias])


@pytest.mark.parametrize("spelling", ["spBv1.0/STATE/opt", "spBv1/0/STATE/opt"])
def test_the_primary_host_is_heard_in_both_spellings_of_its_state(world, catalog, district, spelling):
    """RabbitMQ gives a retained STATE back with a slash for the dot."""
    session = NodeSession(ME, catalog, SessionRules(primary_host="opt"))
    session.process_opening(3, world.context)
    assert (spelling, 1) in session.subscriptions()

    district.take(
        session.process_message(spelling, state(online=True, timestamp=5), world.context, retained=True)
    )
    assert "NBIRTH" in district.kinds()
    district.take(session.process_message(spelling, state(online=False, timestamp=5), world.context))
    assert "NDEATH" in district.kinds()


def test_only_the_spelling_of_one_kind_of_broker_may_be_refused(catalog):
    assert ("spBv1/0/STATE/opt",) == tuple(
        NodeSession(ME, catalog, SessionRules(primary_host="opt")).optional_topics
    )
    assert () == tuple(NodeSession(ME, catalog, SessionRules()).optional_topics)


def test_a_district_that_stores_nothing_is_an_alarm(world, catalog, district):
    """It was started again, hears everything, and never confirms what runs."""
    session = born(world, catalog)
    told = []
    for minute in range(40):
        world.put("grid", "power_w", float(minute))
        effects = session.pump(world.pass_s(60).context, 10**6)
        district.take(effects)
        session.watermark(b'{"bdseq": 3, "streams": {}}', world.context)
        told += [(minute, code) for code in codes(effects)]
    assert (15, "district.backlog_grows") == told[0]
    assert {"district.backlog_grows"} == {code for _, code in told}
