"""The client of the gateway reads the rig's meter under each security, as the client of another stack does."""

import datetime as dt
import json
import subprocess
from pathlib import Path

import pytest
from tests.hil.sim.meters.dlms.conftest import NOON

from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.meter import dlms
from quartier_sim.meters.dlms.polled_lines import HdlcLink
from quartier_sim.meters.dlms.polled_meter import AUTH_HIGH, AUTH_LOW, PolledMeter
from quartier_sim.meters.dlms.push_meters import EXAMPLE_KEYS

WANTED = ("0-0:96.1.0", "1-0:1.8.0", "1-0:32.7.0", "1-0:2.8.0")
EXPECTED = {"0-0:96.1.0": "LGZ1030655933512", "1-0:1.8.0": 4770, "1-0:32.7.0": 236.1}
SECRETS = {"encryption_key": EXAMPLE_KEYS.encryption, "authentication_key": EXAMPLE_KEYS.authentication}
ACCESS = {
    "none": ({}, {}),
    "low": (
        {"security": "low", "password": b"secret", "client": 32},
        {"mechanism": AUTH_LOW, "password": b"secret"},
    ),
    "high": ({"security": "high", "client": 1, **SECRETS}, {"mechanism": AUTH_HIGH}),
    "ciphered": (
        {"security": "high", "client": 1, "is_ciphered": True, "counter": "0-0:43.1.0", **SECRETS},
        {"mechanism": AUTH_HIGH, "is_ciphered": True, "seen_counter": 41},
    ),
}


def held(talk, hear):
    """Lead a conversation with whoever hears; the telegrams that it brings."""
    heard = b""
    try:
        ask = next(talk)
        while True:
            heard = hear(ask.send) if ask.send else b""
            ask = talk.send(heard)
    except StopIteration as end:
        return end.value


def over_hdlc(meter, size=128):
    stations = {}

    def hear(frame):
        return stations.setdefault(frame[5:6], HdlcLink(meter, client=frame[5:6], size=size)).hear(frame)

    return hear


def reader(wanted=WANTED, **settings):
    return dlms.reader(unit=17, wanted=wanted, **settings)


def said(telegrams):
    return {group.label: group.value for telegram in telegrams for group in telegram.groups}


@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize(("block_size", "size"), [(0, 128), (15, 128), (0, 24)])
@pytest.mark.parametrize("access", ACCESS)
def test_each_security_reads_the_same_in_blocks_lists_and_segments(meter, access, block_size, size, lists):
    client, demanded = ACCESS[access]
    meter.block_size, meter.lists = block_size, lists
    for key, value in demanded.items():
        setattr(meter, key, value)
    made = reader(**client)

    for _ in range(2):
        assert EXPECTED == said(held(made.read(), over_hdlc(meter, size)))


def test_a_load_curve_is_read_by_number_and_then_by_time(meter, curve):
    made = reader(("0-0:96.1.0", "1-0:99.1.0"), rows=3)
    first = held(made.read(), over_hdlc(meter))
    curve.capture(NOON + dt.timedelta(hours=2), [b"\x06\x00\x00\x04\xff"])
    second = held(made.read(), over_hdlc(meter))

    assert [10_050, 10_060, 10_070] == [one.groups[0].value for one in first[:-1]]
    assert [12_790] == [one.groups[0].value for one in second[:-1]]
    assert "2026-11-25T14:00:00+01:00" == second[0].groups[0].time


def test_a_wrong_password_and_a_missing_one_are_refused(meter):
    meter.mechanism, meter.password = AUTH_LOW, b"secret"
    with pytest.raises(Refused, match="password"):
        held(reader(security="low", password=b"other").read(), over_hdlc(meter))


@pytest.mark.parametrize("wrong", SECRETS)
def test_keys_that_differ_are_refused(meter, wrong):
    meter.mechanism = AUTH_HIGH
    keys = {**SECRETS, wrong: bytes(16)}
    with pytest.raises((Refused, NoReply)):
        held(reader(security="high", **keys).read(), over_hdlc(meter))


@pytest.mark.parametrize("apdu", [b"\xc1\x01\xc1", b"\xc3\x01\xc1\x00\x46", b"\xc0\x03\xc1\x01"])
def test_what_it_does_not_know_it_does_not_support(meter, apdu):
    meter.lists = False

    assert b"\xd8\x01\x02" == meter.answer(apdu)


def test_a_ciphered_request_counts_once():
    meter = PolledMeter(mechanism=AUTH_HIGH, is_ciphered=True, seen_counter=7, _is_public=False)
    with pytest.raises(ValueError, match="invocation counter 7 after 7"):
        meter.answer(b"\xc8\x11\x30\x00\x00\x00\x07" + bytes(12))


@pytest.mark.peer
@pytest.mark.parametrize("block_size", [0, 20])
@pytest.mark.parametrize("security", ["none", "high"])
def test_the_client_of_another_stack_gets_what_it_holds(meter, curve, security, block_size):
    peers = Path(__file__).parents[4] / "peers"
    subprocess.run(["sh", str(peers / "install.sh")], check=True, capture_output=True)
    if security == "high":
        meter.mechanism, meter.is_ciphered = AUTH_HIGH, True
    meter.block_size = block_size
    attributes = [[1, "0.0.96.1.0.255", 2], [3, "1.0.1.8.0.255", 2], [3, "1.0.1.8.0.255", 3]]
    how = {
        "security": security,
        "encryption": EXAMPLE_KEYS.encryption.hex(),
        "authentication": EXAMPLE_KEYS.authentication.hex(),
        "title": b"QTR\0\0\0\0\1".hex(),
        "attributes": attributes,
        "curve": ["1.0.99.1.0.255", "2026-11-25T12:10:00+01:00", "2026-11-25T12:40:00+01:00"],
    }
    argv = [str(peers / "judges" / "bin" / "python"), str(peers / "dlms_cosem_client.py")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        line = json.dumps(how)
        while True:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            heard = process.stdout.readline()
            if not heard or heard.startswith("["):
                break
            line = meter.answer(bytes.fromhex(heard)).hex()
    *values, rows = [bytes.fromhex(one) for one in json.loads(heard)]
    names = [
        (kind, bytes(int(part) for part in code.split(".")), number) for kind, code, number in attributes
    ]

    assert [meter.objects[name] for name in names] == values
    assert b"\x01\x02" + b"".join(row for _, row in curve.rows[1:3]) == rows
