"""A first look at a server: its certificates are kept for a person to judge, and nothing else is done."""

import pytest

from quartier_drivers.errors import LinkLost
from quartier_drivers.opcua import reader
from quartier_drivers.opcua.connection import credentials
from quartier_drivers.opcua.connection.server_access import REFUSED, TRUSTED, TrustList


async def test_what_a_server_shows_is_kept_as_refused(plant, tmp_path):
    found = await reader.record_certificates(plant.url, tmp_path)

    print_ = credentials.find_fingerprint((plant.folder / "cert.der").read_bytes())
    assert [print_] == found
    assert [(REFUSED, (plant.url,))] == [(one.state, one.urls) for one in TrustList(tmp_path).entries()]


async def test_one_that_is_trusted_already_stays_so(plant, trusting, tmp_path):
    await reader.record_certificates(plant.url, tmp_path / "pki")

    assert [TRUSTED] == [one.state for one in trusting.entries()]


@pytest.mark.parametrize(
    ("host", "says"), [("127.0.0.1", "Connection refused"), ("plant.invalid", "plant.invalid")]
)
async def test_one_that_cannot_be_reached_says_why(tmp_path, free_port, host, says):
    with pytest.raises(LinkLost, match=says):
        await reader.record_certificates(f"opc.tcp://{host}:{free_port}", tmp_path)
