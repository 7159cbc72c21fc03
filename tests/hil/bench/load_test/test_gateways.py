import json
import time

from quartier.control.requests import Envelope, Heartbeat, Interval
from quartier.district.documents.document_types import AcceptedDocument
from quartier_bench.load_test.gateways import POINTS, GatewayGroup, build_gateway_catalog
from quartier_district.signed_documents import DOCUMENT_TYPES, SigningKey, make_heartbeat


def park(tmp_path, count=3, servers=("mqtt://127.0.0.1:1", "mqtt://127.0.0.1:2")):
    key = SigningKey.fresh("k")
    (tmp_path / "issuers.json").write_text(json.dumps([key.listing(DOCUMENT_TYPES)]))
    config = {
        "servers": list(servers),
        "group": "issy",
        "folder": str(tmp_path / "edges"),
        "issuers_file": str(tmp_path / "issuers.json"),
        "boot": 7,
        "rate": 1.0,
        "origin": time.time(),
        "first": 10,
        "hosts": 1,
        "primary": True,
        "count": count,
        "period_s": 10.0,
        "begin_s": 0.0,
    }
    return GatewayGroup(config)


async def test_gateways_have_names_of_their_own_and_share_the_servers(tmp_path):
    made = park(tmp_path)

    assert ["e000010", "e000011", "e000012"] == [one.edge for one in made.gateways]
    assert {"host0"} == {one.uplink.session.rules.primary_host for one in made.gateways}
    assert [1, 2, 1] == [one.uplink._settings.servers[0].port for one in made.gateways]


async def test_a_sample_is_one_value_of_each_point(tmp_path):
    made = park(tmp_path, 1)
    made.gateways[0].sample()

    assert {"e000010": {"grid": 3, "pv1": 1, "bat1": 2, "ev1": 1}} == made.answer("heads")
    assert (7, 7) == (made.answer("look")["kept"], made.answer("look")["samples"])


async def test_documents_move_the_link_state_and_are_answered(tmp_path):
    one = park(tmp_path, 1).gateways[0]
    now = one.clock.now()
    envelope = Envelope(
        id="a",
        seq=1,
        program="district",
        priority=2,
        nbf_utc_ms=now.utc_ms - 1000,
        exp_utc_ms=now.utc_ms + 100_000,
        start_utc_ms=now.utc_ms,
        intervals=(Interval(60.0, import_max_w=5000.0),),
        default_import_max_w=8000.0,
        default_export_max_w=0.0,
    )
    one.uplink.inbox.append(AcceptedDocument("heartbeat", "", Heartbeat(1, now.utc_ms)))
    one.uplink.inbox.append(AcceptedDocument("envelope", "", envelope))
    one.control()

    assert "CONTROLLED" == str(one.state.mode)
    assert 1 == one.uplink.stats["acks_waiting_count"]


async def test_who_is_told_to_be_still_samples_no_more(tmp_path):
    made = park(tmp_path, 2)
    made.answer("still")

    assert not made.samples
    assert 0 == made.answer("look")["born"]


def test_the_catalog_holds_every_point():
    assert {"grid", "pv1", "bat1", "ev1"} == set(build_gateway_catalog().devices)
    assert len(POINTS) == sum(
        build_gateway_catalog().count(device) for device in build_gateway_catalog().devices
    )
    assert make_heartbeat(5)
