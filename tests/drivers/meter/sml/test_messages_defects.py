"""A maker's defect is mended where a profile names it, and only as far as the meter has it."""

from types import SimpleNamespace

import pytest

from quartier_drivers.meter.sml.messages import is_outward
from quartier_drivers.meter.sml.push_decoder import make_decoder

EDL_IN, EDL_OUT = 0x182, 0x1A2
FNN_IN, FNN_OUT, FNN_L2_OUT = 0x1C0104, 0x1C0904, 0x1C2104


@pytest.mark.parametrize(
    ("status", "quantity", "expected"),
    [
        (EDL_IN, "16.7.0", False),
        (EDL_OUT, "16.7.0", True),
        (0xA2, "16.7.0", True),
        (0x82, "16.7.0", False),
        (EDL_OUT, "36.7.0", False),  # it speaks of the sum alone
        (FNN_IN, "16.7.0", False),
        (FNN_OUT, "16.7.0", True),
        (FNN_OUT, "56.7.0", False),
        (FNN_L2_OUT, "56.7.0", True),
        (FNN_L2_OUT, "36.7.0", False),
    ],
)
def test_the_direction_stands_where_the_status_word_has_it(status, quantity, expected):
    assert expected is is_outward(status, quantity)


def powers(
    wire: SimpleNamespace, defects, status, values, server=b"\x06EMH\x01\x02\x03", labels=("1-0:16.7.0",)
):
    entries = [wire.entry("1-0:1.8.0", wire.unsigned(1, 4), 30, -1, status=status)]
    entries += [wire.entry(label, value, 27, -2) for label, value in zip(labels, values, strict=True)]
    [telegram] = make_decoder(defects=defects).feed(wire.frame(server, entries))
    return [group.value for group in telegram.groups[1:]]


def test_power_without_sign_takes_it_from_the_status(wire: SimpleNamespace):
    value = wire.unsigned(12650, 4)

    assert [-126.5] == powers(wire, ["unsigned-power"], wire.unsigned(EDL_OUT, 2), [value])
    assert [126.5] == powers(wire, ["unsigned-power"], wire.unsigned(EDL_IN, 2), [value])
    assert [126.5] == powers(wire, [], wire.unsigned(EDL_OUT, 2), [value])
    assert [126.5] == powers(wire, ["unsigned-power"], wire.NOTHING, [value])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (EDL_OUT, [126.5, -126.5]),
        (EDL_IN, [126.5, 126.5]),
        (FNN_OUT, [126.5, -126.5]),
        (0x1B0, [126.5, -126.5]),
    ],
)
def test_absolute_power_gets_its_direction_from_the_status(wire: SimpleNamespace, status, expected):
    value = wire.unsigned(12650, 4)

    assert expected == powers(wire, [], wire.unsigned(status, 3), [value], labels=["1-0:15.7.0"])
    assert expected == powers(
        wire, ["unsigned-power"], wire.unsigned(status, 3), [value], labels=["1-0:15.7.0"]
    )


@pytest.mark.parametrize("status", [None, 0x010001, 0x018001, 0x20])
def test_absolute_power_without_a_direction_is_no_signed_power(wire: SimpleNamespace, status):
    said = wire.NOTHING if status is None else wire.unsigned(status, 3)

    assert [126.5] == powers(wire, [], said, [wire.unsigned(12650, 4)], labels=["1-0:15.7.0"])
    assert [0.0, 0.0] == powers(wire, [], said, [wire.unsigned(0, 4)], labels=["1-0:15.7.0"]), (
        "0 has no direction"
    )


def test_absolute_power_beside_signed_power_adds_nothing(wire: SimpleNamespace):
    values = [wire.unsigned(12650, 4), wire.signed(-12650, 4)]

    assert [126.5, -126.5] == powers(
        wire, [], wire.unsigned(EDL_IN, 3), values, labels=["1-0:15.7.0", "1-0:16.7.0"]
    )
    assert ["text"] == powers(wire, [], wire.NOTHING, [wire.octets(b"text")], labels=["1-0:15.7.0"])


def test_power_that_has_its_sign_keeps_it(wire: SimpleNamespace):
    assert [-5.0] == powers(wire, ["unsigned-power"], wire.unsigned(EDL_OUT, 2), [wire.signed(-500, 4)])
    assert [0.0] == powers(wire, ["unsigned-power"], wire.unsigned(EDL_OUT, 2), [wire.signed(0, 4)])


def test_counters_and_voltages_have_no_direction(wire: SimpleNamespace):
    entries = [
        wire.entry("1-0:1.8.0", wire.unsigned(10, 4), 30, -1, status=wire.unsigned(EDL_OUT, 2)),
        wire.entry("1-0:32.7.0", wire.unsigned(2301, 2), 35, -1),
        wire.entry("1-0:16.7.0", wire.octets(b"text"), 27, 0),
    ]
    [telegram] = make_decoder(defects=["unsigned-power"]).feed(wire.frame(b"\x06EMH\x01\x02\x03", entries))

    assert [1.0, 230.1, "text"] == [group.value for group in telegram.groups]


def test_narrow_power_of_dzg_is_widened(wire: SimpleNamespace):
    server = wire.server_id("DZG", 50_004_711)
    narrow = wire.signed(0x9C40 - 0x10000, 2)

    assert [400.0] == powers(wire, ["narrow-power"], wire.unsigned(0x040104, 3), [narrow], server)
    assert [-255.36] == powers(wire, [], wire.unsigned(0x040104, 3), [narrow], server)


def test_dzg_power_that_is_right_is_left_alone(wire: SimpleNamespace):
    def wide(value, status=0x040104, number=50_004_711):
        server = wire.server_id("DZG", number)
        return powers(wire, ["narrow-power"], wire.unsigned(status, 3), [value], server)[0]

    narrow = wire.signed(-10470, 2)
    assert -104.7 == wide(narrow, number=60_004_711)
    assert -104.7 == wide(narrow, status=0x040904)
    assert -400.0 == wide(wire.signed(-40000, 3))
    assert 104.7 == wide(wire.signed(10470, 2))
    assert -603.0 == wide(wire.signed(-60300, 4))
