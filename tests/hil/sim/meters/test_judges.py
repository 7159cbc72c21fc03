"""Stacks that are not ours read what the rig's meters say: 200 telegrams of each protocol and more."""

import math
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from quartier_sim.meters.dlms import push_meters as dlms
from quartier_sim.meters.mbus import random_telegrams as mbus
from quartier_sim.meters.p1 import p1_meters as p1
from quartier_sim.meters.p1.telegrams import encrypt_telegram
from quartier_sim.meters.sml import sml_meters as sml
from quartier_sim.meters.telegrams import Statement

pytestmark = pytest.mark.peer
COUNT = 250


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def test_sml_reads_alike_in_libsml():
    program = shutil.which("sml_server")
    if program is None:
        pytest.fail("sml_server is missing; apt-get install libsml-utils")
    telegrams = list(sml.generate_telegrams(11, COUNT))
    data = b"".join(telegram.data for telegram in telegrams)
    run = subprocess.run([program, "-"], input=data, capture_output=True, timeout=120, check=True)
    told = re.findall(r"^(\d+-\d+:[\d.]+)\*(\d+)#(-?[\d.]+)#(.*)$", run.stdout.decode(), re.MULTILINE)
    expected = [said for telegram in telegrams for said in telegram.numbers]

    assert len(expected) == len(told)
    for said, (code, last, value, unit) in zip(expected, told, strict=True):
        assert (said.label, said.unit) == (code if last == "255" else f"{code}*{last}", unit)
        assert _near(said.value, float(value)), said


def test_p1_reads_alike_in_dsmr_parser_and_opens_where_it_is_sealed(judge):
    drawn = list(p1.generate_telegrams(11, COUNT))
    keys = (dlms.EXAMPLE_KEYS.encryption.hex(), dlms.EXAMPLE_KEYS.authentication.hex())
    told = judge(
        "p1",
        (
            {
                "kind": kind,
                "hex": telegram.data.hex(),
                "sealed": encrypt_telegram(telegram, dlms.EXAMPLE_KEYS, number).data.hex(),
                "keys": keys,
            }
            for number, (kind, telegram) in enumerate(drawn)
        ),
    )

    judged_count = 0
    for (kind, telegram), answer in zip(drawn, told, strict=True):
        numbers = dict(answer["numbers"])
        for said in telegram.numbers:
            if said.label in answer["unknown"]:
                continue
            judged_count += 1
            assert _near(said.value, numbers[said.label]), (kind, said)
    assert judged_count > 12 * COUNT


def test_m_bus_numbers_read_alike_in_pymbusparser(judge):
    telegrams = list(mbus.generate_telegrams(11, COUNT))
    for telegram, told in zip(telegrams, judge("mbus", (one.data.hex() for one in telegrams)), strict=True):
        records = {str(record["index"]): record for record in told["records"]}
        assert telegram.meter == told["meter"]["identity"]["id"]
        for said in telegram.numbers:
            record = records[said.label]
            assert said.more["storage"] == record["storage"], said
            assert (said.more["tariff"], said.more["subunit"]) == (record["tariff"], record["subunit"]), said
            if said.unit == "s":
                continue  # it leaves durations in their own unit
            # It leaves tonnes as they are, and a real number without its power of ten.
            scale = 1_000 if record["unit"] == "t" else 1
            power = said.more["exponent"] if record["kind"] == "float" else 0
            assert _near(said.value, float(record["value"]) * scale * 10.0**power), (said, record)


def test_han_pushes_read_alike_in_guruxs_translator(judge):
    pushes = list(dlms.generate_pushes(11, COUNT, tags=False))
    for push, leaves in zip(pushes, judge("dlms", map(_asked, pushes)), strict=True):
        found = _numbers(leaves)
        for said in push.telegram.numbers:
            assert any(_means(said, *number) for number in found), (push.shape, push.carrier, said)
        for said in push.telegram.statements:
            if not said.is_number:
                assert said.value in _texts(leaves), (push.shape, said)


def _asked(push: dlms.GeneratedPush) -> dict[str, object]:
    data = push.telegram.data
    if push.carrier == "bare":
        return {"apdu": data.hex()}
    if push.carrier == "wrapper":
        return {"frames": [data.hex()]}
    return {"frames": [frame.hex() for frame in (_hdlc(data) if data[0] == 0x7E else _m_bus(data))]}


def _hdlc(data: bytes) -> Iterator[bytes]:
    while data:
        size = (data[1] & 7) << 8 | data[2]
        yield data[: size + 2]
        data = data[size + 2 :]


def _m_bus(data: bytes) -> Iterator[bytes]:
    while data:
        yield data[: data[1] + 6]
        data = data[data[1] + 6 :]


def _numbers(leaves: Sequence[tuple[str, int | str]]) -> list[tuple[int, int | None]]:
    """Each number, with the scaler that stands behind it."""
    found: list[tuple[int, int | None]] = []
    for place, (kind, value) in enumerate(leaves):
        if kind in ("UInt16", "UInt32", "Int16"):
            behind = leaves[place + 1] if place + 1 < len(leaves) else ("", 0)
            found.append((int(value), int(behind[1]) if behind[0] == "Int8" else None))
    return found


def _means(said: Statement, number: int, scaler: int | None) -> bool:
    """Whether a leaf is what was said; where no scaler stands there, the maker's page has it."""
    powers = range(-3, 2) if scaler is None else (scaler,)
    return any(_near(float(said.value), number * 10.0**power) for power in powers)


def _texts(leaves: Sequence[tuple[str, int | str]]) -> set[str]:
    texts = set()
    for kind, value in leaves:
        if kind == "String":
            texts.add(str(value))
        elif kind == "OctetString":
            texts.add(bytes.fromhex(str(value)).decode("latin-1"))
    return texts
