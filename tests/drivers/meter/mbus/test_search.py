"""Every meter on the line is found, however they collide."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.mbus.conftest import Line, Slave, converse, garbage, in_turn, overlaid, record
from tests.effort import examples

from quartier_drivers.meter.mbus.header import parse_mask
from quartier_drivers.meter.mbus.link_layer import LineTiming
from quartier_drivers.meter.mbus.search import MeterSearch

COLLISIONS = pytest.mark.parametrize("collide", [overlaid, in_turn, garbage])


def look(line, *, thorough=False, wanted=None, addresses=None):
    told = []
    one = MeterSearch(LineTiming(), lambda what, found: told.append((what, found)), is_thorough=thorough)
    if addresses is None:
        converse(one.secondary(*([wanted] if wanted else [])), line)
    else:
        converse(one.primary(addresses), line)
    return one.survey, told


def serials(survey):
    return sorted(one.serial for one in survey.found)


def test_one_meter_is_found_at_once():
    line = Line([Slave("11490378", medium=0x16, primary=5)])

    survey, _ = look(line)

    (found,) = survey.found
    assert (5, "1149037877040E16", "11490378", "ACW", "cold_water", 14, "") == (
        found.primary,
        found.secondary,
        found.serial,
        found.maker,
        found.medium,
        found.version,
        found.note,
    )
    assert 4 == survey.asked_count == len(line.sent)


def test_nobody_is_found_on_an_empty_line():
    survey, _ = look(Line([]))

    assert ([], [], 3) == (survey.found, survey.notes, survey.asked_count)


@COLLISIONS
def test_equal_prefixes_are_told_apart_to_the_last_digit(collide):
    numbers = ["12345678", "12345679", "12345670", "12345578", "92345678", "00000000", "99999999"]

    assert sorted(numbers) == serials(look(Line([Slave(one) for one in numbers], collide))[0])


@COLLISIONS
def test_equal_numbers_are_told_apart_by_medium_version_and_maker(collide):
    slaves = [
        Slave("12345678", "ACW", 1, 0x07),
        Slave("12345678", "ACW", 1, 0x04),
        Slave("12345678", "ACW", 2, 0x04),
        Slave("12345678", "KAM", 2, 0x04),
    ]

    survey, _ = look(Line(slaves, collide))

    assert sorted(one.identity[::-1].hex() for one in slaves) == sorted(
        bytes.fromhex(one.secondary[8:])[::-1].hex() + one.serial.lower() for one in survey.found
    )


@given(
    st.sets(st.from_regex(r"[0-3]{3}[0-9]{5}", fullmatch=True), max_size=25),
    st.sampled_from([overlaid, in_turn, garbage]),
)
@examples(20)
def test_any_set_of_meters_is_found(numbers, collide):
    assert sorted(numbers) == serials(look(Line([Slave(one) for one in numbers], collide))[0])


def test_meters_that_noise_hides_now_and_then_are_found_all_the_same():
    for seed in range(8):
        dice = random.Random(seed)
        numbers = [f"{dice.randrange(10**8):08}" for _ in range(12)]

        def spoil(said, dice=dice):
            return (
                said
                if not said or dice.random() > 0.02
                else bytes(byte ^ dice.choice([0, 0, 4]) for byte in said)
            )

        assert sorted(numbers) == serials(look(Line([Slave(one) for one in numbers], garbage, spoil))[0])


def test_noise_out_of_nothing_does_not_lead_astray():
    for seed in range(8):
        dice = random.Random(seed)
        numbers = [f"{dice.randrange(10**8):08}" for _ in range(20)]

        def spoil(said, dice=dice):
            return said or (bytes([dice.randrange(256)]) if dice.random() < 0.05 else b"")

        survey, _ = look(Line([Slave(one) for one in numbers], garbage, spoil))

        assert sorted(numbers) == serials(survey)
        assert 1500 > survey.asked_count
        by_address, _ = look(Line([Slave("12345678", primary=7)], garbage, spoil), addresses=range(60))
        assert 3 > len([one for one in by_address.found if not one.serial])


def test_a_meter_that_does_not_hear_its_selection_once_is_found_where_noise_told_of_two():
    pair = [Slave("12345678"), Slave("12345679")]

    class Hard(Slave):
        tries = 0

        def hear(self, request):
            alone = request[0] == 0x68 and request[7:11] == bytes.fromhex("79563412")
            Hard.tries += alone
            return b"" if alone and Hard.tries == 1 else super().hear(request)

    assert ["12345678", "12345679"] == serials(look(Line([pair[0], Hard("12345679")]))[0])


def test_a_meter_that_another_drowns_is_found_by_a_thorough_search():
    strong, weak = Slave("12345678"), Slave("62345678")
    line = Line([strong, weak], lambda answers: answers[0])

    assert ["12345678"] == serials(look(line)[0])
    assert ["12345678", "62345678"] == serials(look(line, thorough=True)[0])


def test_a_mask_limits_the_search():
    line = Line([Slave("12345678"), Slave("92345678")])

    assert ["92345678"] == serials(look(line, wanted=parse_mask("9FFFFFFF"))[0])


@pytest.mark.parametrize("numbers", [["1234567A", "1234567B"], ["12345671", "1234567B"], ["1234567A"]])
def test_hexadecimal_numbers_are_found(numbers):
    assert numbers == serials(look(Line([Slave(one) for one in numbers]))[0])


def test_a_medium_that_nobody_has_named_is_found():
    pair = [Slave("12345678", medium=0xC7), Slave("12345678", medium=0x07)]

    assert {"type_c7", "water"} == {one.medium for one in look(Line(pair, garbage))[0].found}


def test_what_cannot_be_told_apart_is_noted():
    survey, _ = look(Line([Slave("12345678"), Slave("12345678")], garbage))

    assert [] == survey.found
    assert ["secondary 1234567877040E07 answers, but cannot be read"] == [
        note for note in survey.notes if "cannot be read" in note
    ]


@pytest.mark.parametrize(("there", "slaves"), [(True, 1), (True, 3), (False, 0)])
def test_whether_anybody_is_there_is_asked_of_all_at_once(there, slaves):
    one = MeterSearch(LineTiming(), lambda *_: None)
    line = Line([Slave(f"{number:08}", primary=number) for number in range(slaves)], garbage)

    assert there is converse(one.has_any_meter(), line)
    assert (1 if there else 3) == len(line.sent)


def test_who_was_found_need_not_be_asked_for():
    one, line = MeterSearch(LineTiming(), lambda *_: None), Line([Slave("12345678")])
    converse(one.secondary(), line)
    line.sent.clear()

    assert converse(one.has_any_meter(), line)
    assert [] == line.sent


def test_a_primary_search_asks_each_address():
    slaves = [Slave("11111111", primary=1), Slave("22222222", primary=250), Slave("33333333", primary=0)]

    survey, told = look(Line(slaves), addresses=range(251))

    assert [(0, "33333333"), (1, "11111111"), (250, "22222222")] == [
        (one.primary, one.serial) for one in survey.found
    ]
    assert (251, ("address 0", 0), ("address 250", 2)) == (len(told), told[0], told[-1])


def test_both_searches_know_a_meter_only_once():
    slaves = [
        Slave("11111111", primary=1),
        Slave("22222222", primary=2),
        Slave("33333333", primary=3, has_secondary=False),
    ]
    one = MeterSearch(LineTiming(), lambda *_: None)

    converse(one.secondary(), Line(slaves))
    converse(one.primary(range(5)), Line(slaves))

    assert [(1, "11111111"), (2, "22222222"), (3, "33333333")] == sorted(
        (each.primary, each.serial) for each in one.survey.found
    )


@COLLISIONS
def test_several_at_one_primary_address_are_told(collide):
    slaves = [Slave("11111111", primary=1), Slave("22222222", primary=1)]

    survey, _ = look(Line(slaves, collide), addresses=[1])

    assert "several meters here" in survey.found[0].note
    one = MeterSearch(LineTiming(), lambda *_: None)
    converse(one.secondary(), Line(slaves, collide))
    converse(one.primary([1]), Line(slaves, collide))
    assert (2, ["2 meters share address 1: read them by their secondary addresses"]) == (
        len(one.survey.found),
        one.survey.notes,
    )


@pytest.mark.parametrize("said", [b"\xe5", b"\x00\xff\x55", b"\xe5\xe5"])
def test_a_line_where_everything_is_answered_is_given_up(said):
    class Babbler(Line):
        def answer(self, request):
            self.sent.append(request)
            return said

    line = Babbler([])
    one = MeterSearch(LineTiming(), lambda *_: None)
    converse(one.secondary(), line)
    assert 600 > len(line.sent)
    converse(one.primary(), line)

    assert 700 > len(line.sent)
    assert [] == one.survey.found
    assert "something answers whatever is asked" in " ".join(one.survey.notes)


def test_what_an_unhealthy_meter_says_is_noted():
    survey, _ = look(Line([Slave("11111111", primary=1, bodies=(b"\x70\x08",))]), addresses=[1])

    assert "application error: application too busy for readout" == survey.found[0].note


def test_a_frame_that_cannot_be_read_is_noted():
    survey, _ = look(Line([Slave("11111111", primary=1, bodies=(record(1, "13")[:-1],))]), addresses=[1])

    assert ["address 1: premature end in the data of a record"] == survey.notes
