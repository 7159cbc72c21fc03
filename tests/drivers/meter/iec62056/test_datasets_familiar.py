"""Mode D has no block check: lines count once their form and widths were seen a little before."""

from types import SimpleNamespace

import pytest

from quartier_drivers.meter.iec62056.datasets import RepeatedForms
from quartier_drivers.meter.iec62056.push_decoder import make_decoder

SETS = [
    "1-0:0.0.0*255(1095110000987654)",
    "1-0:1.8.1*255(004321.5678)",
    "1-0:2.8.1*255(000001.9160)",
    "1-0:96.5.5*255(82)",
    "1-0:32.7.0*255(238.39*V)",
    "1-0:21.7.0*255(+00154*W)",
]


def changed(**values: str) -> list[str]:
    """The same lines with other digits."""
    return [line.replace("004321.5678", values.get("energy", "004321.5678")) for line in SETS]


def heard(stream: bytes) -> list[set[tuple[str, object]]]:
    port = make_decoder()
    return [{(group.label, group.value) for group in one.groups} for one in port.feed(stream) + port.end()]


def test_the_first_message_of_a_line_tells_nothing_and_the_second_all(wire: SimpleNamespace):
    push = wire.pushed("HAG5eHZ010C_EHZ1ZA22", SETS)

    assert [0, 1, 2] == [len(heard(push * count)) for count in (1, 2, 3)]
    assert len(SETS) == len(heard(push * 2)[0])
    assert 1 == len(make_decoder(is_capture=True).feed(push))


def test_other_digits_and_another_sign_are_the_same_line(wire: SimpleNamespace):
    first = wire.pushed("HAG5eHZ010C_EHZ1ZA22", SETS)
    second = wire.pushed(
        "HAG5eHZ010C_EHZ1ZA22",
        [line.replace("+00154", "-00283").replace("(82)", "(A2)") for line in changed(energy="004399.0001")],
    )
    (told,) = heard(first + second)

    assert {("1-0:21.7.0", -283), ("1-0:1.8.1", 4399.0001), ("1-0:96.5.5", "A2")} <= told


@pytest.mark.parametrize("size", [1, 2, 5, 9, 27, 28, 29, 40])
def test_a_port_joined_anywhere_that_loses_any_stretch_tells_only_what_was_said(
    wire: SimpleNamespace, size: int
):
    push = wire.pushed("HAG5eHZ010C_EHZ1ZA22", SETS)
    (said,) = heard(push * 2)
    for start in range(len(push)):
        assert all(told <= said for told in heard(push[start:] + push * 2))
        assert all(told <= said for told in heard(push * 2 + push[:start] + push[start + size :] + push))


def test_a_doubled_byte_costs_its_line_alone(wire: SimpleNamespace):
    push = wire.pushed("HAG5eHZ010C_EHZ1ZA22", SETS)
    place = push.index(b"4321")
    told = heard(push * 2 + push[:place] + b"4" + push[place:])

    assert told[0] - told[1] == {("1-0:1.8.1", 4321.5678)}


def test_a_number_of_varying_width_is_believed_once_each_width_was_seen():
    familiar = RepeatedForms()
    messages = [f"1.7.0({value}*W)" for value in (98, 99, 100, 101, 97)]

    assert ["", messages[1], "", messages[3], messages[4]] == [familiar.of(one) for one in messages]


def test_a_message_with_a_block_check_counts_at_once_on_a_port_too(wire: SimpleNamespace):
    assert 1 == len(make_decoder().feed(wire.data_message(*SETS)))


def test_what_is_remembered_has_an_end():
    familiar = RepeatedForms()
    for number in range(3_000):
        for _ in range(2):
            familiar.of(f"{number}.0({number % 10})")

    assert len(familiar._known) <= 512
