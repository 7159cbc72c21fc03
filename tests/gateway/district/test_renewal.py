"""Certificates and keys are taken in while the link runs: no sample, document or number is lost by it."""

import datetime as dt
import json
import time

import pytest

from quartier.district.connection.mqtt_types import BrokerCredentials, BrokerServer
from quartier.district.records import Identity, SessionRules
from quartier.district.uplink import SiteView, Uplink, UplinkSettings
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_district.broker_access import CertificateAuthority

pytestmark = pytest.mark.peer
DAY = dt.timedelta(days=1)


@pytest.fixture
async def context(world, catalog, tmp_path, mosquitto, free_port, make_host, notes):
    """(uplink over TLS, host without, authority)."""
    authority = CertificateAuthority(tmp_path / "ca", dt.datetime.now(dt.UTC))
    server, pair = authority.broker("localhost", DAY), authority.gateway("issy", "b012", DAY)
    broker = await mosquitto(
        "allow_anonymous true",
        f"listener {free_port} 127.0.0.1",
        f"cafile {authority.ca_file}",
        f"certfile {server.cert_file}",
        f"keyfile {server.key_file}",
        "require_certificate true",
        "user root",
    )
    async with make_host(broker.port) as host:
        settings = UplinkSettings(
            servers=(BrokerServer("localhost", free_port, tls=True),),
            folder=tmp_path,
            credentials=BrokerCredentials(
                ca_file=authority.ca_file, cert_file=pair.cert_file, key_file=pair.key_file
            ),
            issuers_file=host.issuers(tmp_path / "issuers.json"),
        )
        house = SiteView(
            outbox=world.notebook,
            clock=SiteClock(ClockSetting(1.0, 0.0, time.time())),
            latest=lambda: world.latest,
            report=notes.append,
        )
        yield (
            Uplink(settings, Identity("issy", "b012"), catalog, SessionRules(watermark_wait_s=0.5), house),
            host,
            authority,
        )


async def test_a_renewed_certificate_makes_no_gap_in_samples_and_loses_no_document(context, world, link):
    uplink, host, authority = context
    async with link.running(uplink):
        await host.until(lambda: host.kinds().count("DBIRTH") == 3)
        for number in range(50):
            world.notebook.put("grid", "power_w", float(number), link.now_ms())
        host.watermark()
        authority.gateway("issy", "b012", 2 * DAY)
        await uplink.reread()
        topic, payload = link.envelope(seq=link.now_ms())
        host.say(topic, payload, host.sign(topic, payload))  # nobody may be there to hear it
        for number in range(50):
            world.notebook.put("grid", "power_w", float(number), link.now_ms())
        await host.until(lambda: {("grid", 7, number) for number in range(1, 101)} <= host.keys)
        await host.until(lambda: "e1" in {ack["id"] for ack in host.companion("ack")})
        assert 2 == uplink.stats["lost_connections_count"], "each connection was made anew once"
        assert 2 == host.kinds().count("NBIRTH")


async def test_a_renewed_key_list_counts_without_a_new_connection(context, link, tmp_path):
    uplink, host, _ = context
    listed = tmp_path / "issuers.json"
    async with link.running(uplink):
        await host.until(lambda: "NBIRTH" in host.kinds())
        entries = json.loads(listed.read_text())
        listed.write_text(json.dumps([{**entry, "kid": "opt0"} for entry in entries]))
        await uplink.reread()
        topic, payload = link.envelope(seq=link.now_ms())
        host.say(topic, payload, host.sign(topic, payload))
        await host.until(lambda: host.companion("ack"))
        assert "BAD_SIG" == host.companion("ack")[0]["reason"], "the key that signed is gone"
        listed.write_text(json.dumps([*entries, {**entries[0], "kid": "opt9"}]))
        await uplink.reread()
        host.say(topic, payload, host.sign(topic, payload))
        await host.until(lambda: "NEW" in {ack["status"] for ack in host.companion("ack")})
        assert 0 == uplink.stats["lost_connections_count"]
        assert ["opt1", "opt9"] == [key["kid"] for key in uplink.keys["keys"]]
