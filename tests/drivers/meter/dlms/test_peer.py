"""The meter that our client is tried on is one to another stack, too: the client of dlms-cosem reads it as ours does."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.drivers.meter.dlms.conftest import AUTHENTICATION, KEY, TITLE, array
from tests.drivers.meter.dlms.server import Meter
from tests.drivers.meter.dlms.test_client import CURVE, objects, rows

from quartier_drivers.meter.dlms.axdr import read_item
from quartier_drivers.meter.dlms.values import parse_obis

PEERS = Path(__file__).parents[3] / "peers"
ATTRIBUTES = [
    [1, "0.0.96.1.0.255", 2],
    [8, "0.0.1.0.0.255", 2],
    [3, "1.0.1.8.0.255", 2],
    [3, "1.0.1.8.0.255", 3],
]
pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def peer() -> list[str]:
    subprocess.run(["sh", str(PEERS / "install.sh")], check=True, capture_output=True)
    return [str(PEERS / "judges" / "bin" / "python"), str(PEERS / "dlms_cosem_client.py")]


def asked(peer: list[str], meter: Meter, how: Mapping[str, Any]) -> list[bytes]:
    """Hold its conversation with a meter of ours."""
    with subprocess.Popen(peer, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = json.dumps(how)
        while True:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            heard = process.stdout.readline()
            if not heard or heard.startswith("["):
                break
            line = meter.answer(bytes.fromhex(heard)).hex()
    return [bytes.fromhex(one) for one in json.loads(heard)] if heard else []


@pytest.mark.parametrize("block_size", [0, 20])
@pytest.mark.parametrize("security", ["none", "high"])
def test_another_client_gets_what_ours_gets(peer: list[str], security: str, block_size: int) -> None:
    settings = {"mechanism": 5, "is_ciphered": True} if security == "high" else {}
    meter = Meter(objects(), buffers={CURVE: rows(0, 15, 30, 45)}, block_size=block_size, **settings)  # type: ignore[arg-type]  # by name
    how = {
        "security": security,
        "encryption": KEY.hex(),
        "authentication": AUTHENTICATION.hex(),
        "title": TITLE.hex(),
        "attributes": ATTRIBUTES,
        "curve": ["1.0.99.1.0.255", "2026-11-25T20:10:00+01:00", "2026-11-25T20:40:00+01:00"],
    }
    *values, curve = asked(peer, meter, how)

    dotted = [
        (kind, bytes(int(part) for part in label.split(".")), number) for kind, label, number in ATTRIBUTES
    ]
    assert [objects()[kind, named, number] for kind, named, number in dotted] == values  # type: ignore[index]  # as it is
    assert parse_obis("0-0:96.1.0") == dotted[0][1]
    assert array(*(row for _, row in rows(15, 30))) == curve
    assert 2 == len(read_item(curve).items)
