import pytest

from quartier_sim.modbus.unit import Refusal, Unit


def request(text):
    return bytes.fromhex(text)


@pytest.fixture
def unit():
    unit = Unit(words_max=4, accept=lambda table, address, words: taken.append((table, address, list(words))))
    taken = unit.taken = []
    unit.put("holding", 10, [0x1234, 0xABCD])
    unit.put("input", 10, [7])
    unit.put("coil", 0, [1, 0, 0, 0, 0, 0, 1, 0, 1])
    return unit


def test_registers_of_one_table_are_not_those_of_another(unit):
    assert request("03 04 1234ABCD") == unit.answer(request("03 000A 0002"))
    assert request("04 02 0007") == unit.answer(request("04 000A 0001"))


def test_coils_are_packed_from_the_lowest_bit(unit):
    assert request("01 02 4101") == unit.answer(request("01 0000 0009"))


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("03 000B 0002", "83 02"),  # runs into an address that is not there
        ("03 000A 0005", "83 03"),  # more than a read may ask for
        ("03 000A 0000", "83 03"),
        ("03 000A", "83 03"),  # too short
        ("2B 0E0100", "AB 01"),  # a function it does not know
        ("05 0000 1234", "85 03"),  # neither on nor off
        ("10 000A 0002 02 0001", "90 03"),  # counts that contradict
    ],
)
def test_what_a_device_refuses_has_the_standards_exception(unit, asked, answered):
    assert request(answered) == unit.answer(request(asked))


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ("05 0003 FF00", ("coil", 3, [1])),
        ("06 000A 0102", ("holding", 10, [0x0102])),
        ("10 000A 0002 04 01020304", ("holding", 10, [0x0102, 0x0304])),
        ("0F 0000 0009 02 4101", ("coil", 0, [1, 0, 0, 0, 0, 0, 1, 0, 1])),
    ],
)
def test_writes_reach_the_device_and_are_echoed(unit, asked, taken):
    assert request(asked)[:5] == unit.answer(request(asked))
    assert [taken] == unit.taken


def test_nothing_can_be_written_unless_the_device_says_so():
    assert request("86 02") == Unit().answer(request("06 000A 0001"))


def test_values_that_want_to_be_asked_for_alone_are_refused_in_a_block():
    unit = Unit(single=True)
    unit.put("holding", 0, [0, 1])
    unit.put("holding", 2, [0, 2])

    assert request("03 04 00000002") == unit.answer(request("03 0002 0002"))
    assert request("83 02") == unit.answer(request("03 0000 0004"))
    assert request("83 02") == unit.answer(request("03 0000 0001"))


def test_gaps_read_zero_where_the_device_fills_them():
    unit = Unit(gaps="zero")
    unit.put("holding", 1, [5])

    assert request("03 06 0000 0005 0000") == unit.answer(request("03 0000 0003"))


def test_a_refusal_names_its_code():
    assert 2 == Refusal(2).code


def test_a_mask_write_changes_the_bits_that_are_not_kept(unit):
    assert request("16 000A 00F2 0025") == unit.answer(request("16 000A 00F2 0025"))
    assert [("holding", 10, [0x1234 & 0x00F2 | 0x0025 & ~0x00F2])] == unit.taken


def test_a_read_and_write_writes_first(unit):
    unit.accept = unit.put

    assert request("17 02 0007") == unit.answer(request("17 000A 0001 000A 0001 02 0007"))
    assert request("97 03") == unit.answer(request("17 000A 0001 000A 0002 02 0007"))


def test_a_unit_tells_who_it_is_where_it_knows(unit):
    known = Unit(identity={1: "AM3", 0: "ACME"})

    assert request("2B 0E 01 01 00 00 02 00 04 41434D45 01 03 414D33") == known.answer(request("2B 0E 01 00"))
    assert request("AB 03") == known.answer(request("2B 0D 01 00"))
    assert request("AB 01") == unit.answer(request("2B 0E 01 00"))
