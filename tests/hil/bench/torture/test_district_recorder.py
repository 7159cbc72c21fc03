"""What the recorder makes of a gateway's messages, and what it acknowledges."""

import json
import time

import pytest

from quartier.district.sparkplug.payload_codec import (
    Datatype,
    Metric,
    SampleKey,
    encode_payload,
)
from quartier_bench.torture.district_recorder import (
    DistrictRecorder,
    ReceivedMessages,
    write_issuers_file,
)
from quartier_district.gateway_session import GatewaySession, TopicNames
from quartier_district.signed_documents import SigningKey
from quartier_sim.site_clock import RigClock

NAMES = TopicNames("issy", "b012")
NOW_MS = 1_764_000_000_000


@pytest.fixture
def told():
    return ReceivedMessages(GatewaySession(NAMES))


def data(first, *values, late=False, boot=7):
    metrics = [Metric("power_w", value, Datatype.DOUBLE, NOW_MS - 2_000, historical=late) for value in values]
    return encode_payload(metrics, timestamp_ms=NOW_MS, seq=0, key=SampleKey(boot, first))


def test_live_samples_tell_how_old_they_are_and_late_ones_are_counted(told):
    told.take("spBv1.0/issy/DDATA/b012/grid", data(1, 1.0, 2.0), NOW_MS)
    told.take("spBv1.0/issy/DDATA/b012/grid", data(3, 3.0, late=True), NOW_MS)

    assert ([2.0], 1) == (list(told.live_age_s), told.late_count)
    assert {("grid", 7): 3} == told.held.counts


def test_events_are_samples_of_their_own_stream_and_count_once(told):
    body = {"boot": 7, "seq": 1, "ts": NOW_MS, "code": "device.silent", "text": "", "data": {}}
    for _ in range(2):
        told.take("quartier/v1/issy/b012/event", json.dumps(body).encode(), NOW_MS)

    assert {("event", 7): 1} == told.held.counts
    assert {"event": (7, 1)} == told.session.ledger.watermark


def test_numbers_of_documents_rise_and_go_on_after_a_restore():
    clock = RigClock(time.time(), 0.0, 1.0)
    recorder = DistrictRecorder(1883, NAMES, clock, SigningKey.fresh("optimiser1"))
    first, second = recorder.next_seq(), recorder.next_seq()
    recorder.forget_numbers()

    assert first < second
    assert recorder.next_seq() >= clock.utc_ms() - 1_000, (
        "from the clock: a restored district cannot fall behind"
    )


def test_the_key_list_names_each_key_the_newest_last(tmp_path):
    old, new = SigningKey.fresh("old"), SigningKey.fresh("new")
    listed = json.loads(write_issuers_file(tmp_path, (old, ("heartbeat",)), (new, ("envelope",))).read_text())

    assert [("old", ["heartbeat"]), ("new", ["envelope"])] == [(one["kid"], one["types"]) for one in listed]
