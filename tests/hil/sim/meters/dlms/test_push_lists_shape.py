"""Real pushes come out again from the numbers that an independent decoder read in them."""

import datetime as dt
import json

import pytest

from quartier_sim.meters.dlms.encoding import build_notification
from quartier_sim.meters.dlms.push_lists import (
    PUSH_SHAPES,
    HanValues,
    build_kaifa_body,
    build_kamstrup_body,
    encode_logical_name,
)

KAIFA = {"serial": "6970631402614476", "kind": "MA304H3E"}


@pytest.fixture(scope="module")
def pushes(shared):
    return json.loads((shared / "dlms" / "han_apdus.json").read_text())


@pytest.mark.parametrize(
    ("name", "number", "load"),
    [
        (
            "kaifa.no_list_2",
            2,
            HanValues(moment=dt.datetime(2020, 1, 25, 13, 9, 30), **KAIFA, power=(9745, 0, 0, 435), milliamps=(33813, 28103, 18178), decivolts=(2168, 0, 2188)),  # noqa: DTZ001 - the meter tells no offset
        ),
        (
            "kaifa.no_list_3",
            3,
            HanValues(moment=dt.datetime(2020, 1, 25, 14, 0, 10), **KAIFA, power=(4904, 0, 0, 377), energy=(79591144, 0, 889389, 3210932), milliamps=(14571, 15643, 9525), decivolts=(2193, 0, 2205)),  # noqa: DTZ001 - as above
        ),
    ],
)  # fmt: skip
def test_kaifas_pushes_come_out(pushes, name, number, load):
    body = build_kaifa_body(load, number)
    expected = pushes[name]["hex"].removeprefix("e6e700")

    assert expected == build_notification(body.data, moment=body.moment, tagged=True).hex()


@pytest.mark.parametrize(
    ("name", "number", "moment", "invoke"),
    [
        ("kamstrup.no_list_1_three_phase", 2, dt.datetime(2000, 1, 1, 22, 33), 0),  # noqa: DTZ001 - as above
        ("kamstrup.no_list_2_three_phase", 3, dt.datetime(2017, 8, 16, 16, 0, 5), 0),  # noqa: DTZ001 - as above
    ],
)
def test_kamstrups_pushes_come_out(pushes, name, number, moment, invoke):
    load = HanValues(
        moment=moment, serial="5706567000000000", kind="0" * 18, milliamps=(0, 0, 0), decivolts=(0, 0, 0)
    )
    body = build_kamstrup_body(load, number)

    expected = bytes.fromhex(pushes[name]["hex"].removeprefix("e6e700"))
    found = build_notification(body.data, moment=body.moment, invoke=invoke)
    assert expected[18:] == found[18:]  # behind the weekday and status of a clock that was never set


@pytest.mark.parametrize("shape", PUSH_SHAPES)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_shape_states_the_power_it_carries(shape, number):
    load = HanValues(
        moment=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        serial="7359992892587665",
        power=(1234, 0, 0, 5),
        milliamps=(1000,) * 3,
        decivolts=(2300,) * 3,
    )
    body = PUSH_SHAPES[shape](load, number)

    assert 1234 in [said.value for said in body.says if said.label.endswith(":1.7.0")]
    assert (1234).to_bytes(4, "big") in body.data


def test_logical_names_are_six_bytes():
    assert "0100010700ff" == encode_logical_name("1-0:1.7.0").hex()
    assert "010100028101" == encode_logical_name("1-1:0.2.129*1").hex()
