"""Schedules, fail-safe parameters and signals at the gate, and over a real broker."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from jwt.api_jws import PyJWS

from quartier.control.requests import Ack, DeviceSchedule, FailsafeDocument, Signal
from quartier.district.documents import key_list
from quartier.district.documents.document_types import AcceptedDocument, RefusedDocument, make_reception_ack
from quartier.district.documents.verification import DocumentVerifier
from quartier.district.records import Identity
from quartier.site.records import Now

ME = Identity("issy", "b012")
NOW_MS = 1_764_000_000_000
KEY = Ed25519PrivateKey.from_private_bytes(b"7" * 32)
C = "quartier/v1/issy/b012"


def framed(**more):
    frame = {"id": "d1", "seq": NOW_MS, "iss": "district", "aud": "issy.b012", "iat": NOW_MS}
    return frame | {"nbf": NOW_MS - 1000, "exp": NOW_MS + 3_600_000} | more


def dated(now_ms, document):
    """The same document, of this time."""
    topic, body = document
    times = {"seq": now_ms, "iat": now_ms, "nbf": now_ms - 1000, "exp": now_ms + 3_600_000}
    return topic, json.dumps(body | times | ({"start": now_ms} if "start" in body else {})).encode()


def schedule(asset="bat1", **more):
    intervals = [{"duration_s": 900, "power_w": -2000}]
    return f"{C}/schedule/{asset}", framed(**{"asset": asset, "start": NOW_MS, "intervals": intervals} | more)


def failsafe(**more):
    body = {"import_max_w": 4000.0, "export_max_w": 0.0, "duration_min_s": 7200.0}
    return f"{C}/failsafe", framed(**body | more)


def signal(kind="level", **more):
    body = {"aud": "issy", "start": NOW_MS, "intervals": [{"duration_s": 900, "level": 2}]}
    return f"quartier/v1/issy/signal/{kind}", framed(**body | more)


def opened():
    public = base64.urlsafe_b64encode(KEY.public_key().public_bytes_raw()).rstrip(b"=").decode()
    types = ["schedule", "failsafe", "signal"]
    return DocumentVerifier(
        ME, key_list.parse_plain_list(json.dumps([{"kid": "opt", "public_key": public, "types": types}]))
    )


@pytest.fixture
def gate():
    return opened()


def check(gate, document, at_s=0.0, *, topic=None, synced=True):
    place, body = document
    payload = json.dumps(body).encode()
    headers = {"kid": "opt", "topic": topic or place, "b64": False, "crit": ["b64"], "typ": None}
    signature = PyJWS().encode(payload, KEY, "EdDSA", headers, is_payload_detached=True)
    return gate.check(topic or place, payload, signature, Now(0, NOW_MS + int(at_s * 1000), synced))


def test_schedules_failsafe_parameters_and_signals_become_what_control_takes(gate):
    found = [check(gate, document) for document in (schedule(), failsafe(), signal())]

    assert [DeviceSchedule, FailsafeDocument, Signal] == [type(one.document) for one in found]
    assert ["schedule", "failsafe", "signal"] == [one.kind for one in found]


def test_we_subscribe_to_each_place_where_one_may_come(gate):
    wanted = {f"{C}/schedule/+", f"{C}/failsafe", f"{C}/envelope/+", "quartier/v1/issy/heartbeat"}
    wanted |= {f"quartier/v1/issy/signal/{kind}" for kind in ("price", "co2", "level", "alert")}

    assert wanted <= {topic for topic, _ in gate.subscriptions()}


@pytest.mark.parametrize(
    "topic",
    [
        f"{C}/failsafe/x",
        f"{C}/signal/level",
        "quartier/v1/issy/signal/colour",
        "quartier/v1/issy/schedule/bat1",
    ],
)
def test_where_none_may_come_there_is_none(gate, topic):
    assert None is check(gate, failsafe(), topic=topic)


def test_a_schedule_is_of_the_asset_of_its_topic(gate):
    refused = check(gate, schedule("bat1"), topic=f"{C}/schedule/bat2")

    assert Ack("d1", NOW_MS, "schedule", "INVALID_CONTENT", "REJECTED", "BOUNDS") == refused.ack


def test_a_signal_is_for_the_district_or_names_this_gateway_a_schedule_names_it_always(gate):
    assert isinstance(check(gate, signal(aud=["issy.b012"], seq=NOW_MS + 1)), AcceptedDocument)
    assert isinstance(check(gate, signal(aud="lyon", seq=NOW_MS + 2)), RefusedDocument)
    assert "UNKNOWN_DEVICE" == check(gate, schedule(aud="issy")).ack.reason


def test_signals_are_signed_expire_and_may_not_be_replayed_but_are_not_acknowledged(gate):
    accepted = check(gate, signal())
    assert None is make_reception_ack(accepted)
    no_topic, body = signal()
    unsigned = gate.check(no_topic, json.dumps(body).encode(), None, Now(0, NOW_MS, synced=True))
    old = check(gate, signal(seq=NOW_MS - 1))
    late = check(gate, signal(seq=NOW_MS + 1), at_s=3_600)

    assert [("BAD_SIG", None), ("REPLAY", None), ("EXPIRED", None)] == [
        (one.reason.value, one.ack) for one in (unsigned, old, late)
    ]


def test_failsafe_parameters_may_be_taken_for_ever_where_they_name_no_end(gate):
    topic, body = failsafe()
    del body["exp"]

    assert isinstance(check(gate, (topic, body), at_s=10 * 365 * 86_400.0), AcceptedDocument)


def test_each_asset_has_its_own_numbers(gate):
    assert isinstance(check(gate, schedule("bat1", seq=NOW_MS)), AcceptedDocument)
    assert isinstance(check(gate, schedule("ev1", seq=NOW_MS - 5)), AcceptedDocument)
    assert "REPLAY" == check(gate, schedule("bat1", seq=NOW_MS - 5)).ack.reason


@given(
    st.sampled_from([schedule, failsafe, signal]),
    st.sampled_from(
        ["asset", "intervals", "start", "exp", "aud", "import_max_w", "duration_min_s", "seq", "nbf", "more"]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
)
def test_a_signed_plan_with_any_value_anywhere_is_judged_not_raised_and_the_next_good_one_acts(
    make, field, value
):
    gate = opened()
    topic, body = make()
    assert isinstance(check(gate, (topic, body | {field: value})), AcceptedDocument | RefusedDocument)
    assert isinstance(check(gate, make(seq=NOW_MS + 86_000_000)), AcceptedDocument)


@pytest.mark.peer
async def test_signed_documents_of_every_plan_arrive_and_a_report_of_flexibility_stays_with_the_broker(
    make_host, link, mosquitto, make_uplink, tmp_path
):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        report = {"ts": 1, "devices": [], "forecast": None}
        uplink = make_uplink(
            broker.port, issuers_file=host.issuers(tmp_path / "keys.json"), flexibility=lambda: report
        )
        async with link.running(uplink):
            await host.until(lambda: uplink.stats["control_on"])
            for document in (schedule(), failsafe(), signal()):
                topic, payload = dated(link.now_ms(), document)
                host.say(topic, payload, host.sign(topic, payload))
            await host.until(lambda: len(uplink.inbox) == 3)
            assert {DeviceSchedule, FailsafeDocument, Signal} == {
                type(item.document) for item in uplink.inbox
            }
            await host.until(lambda: len(host.companion("ack")) == 2)
            assert {"schedule", "failsafe"} == {ack["type"] for ack in host.companion("ack")}
            await host.until(lambda: host.companion("flexibility"))
        async with make_host(broker.port) as later:
            await later.until(lambda: later.companion("flexibility"))
            assert [report] == later.companion("flexibility"), "retained"


@pytest.mark.peer
async def test_a_retained_schedule_and_a_republished_one_are_taken_alike(
    make_host, link, mosquitto, make_uplink, tmp_path
):
    broker = await mosquitto()
    async with make_host(broker.port) as host:
        keys = host.issuers(tmp_path / "keys.json")
        topic, first = dated(link.now_ms(), schedule())
        host.say(topic, first, host.sign(topic, first), retain=True)
        await host.until(lambda: host.companion("schedule/bat1"))
        async with link.running(make_uplink(broker.port, issuers_file=keys)) as uplink:
            await host.until(lambda: uplink.inbox)
            _, again = dated(link.now_ms(), schedule())
            host.say(topic, again, host.sign(topic, again), retain=True)
            await host.until(lambda: len(uplink.inbox) == 2)
            retained, republished = (item.document for item in uplink.inbox)
            assert retained.seq < republished.seq
            assert retained.intervals == republished.intervals
            assert [False, False] == [item.repeated for item in uplink.inbox]
