"""One meter asked for all it has to say."""

import pytest
from tests.drivers.meter.mbus.conftest import Line, Slave, converse, framed, record

from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.meter.mbus.header import parse_mask
from quartier_drivers.meter.mbus.link_layer import LineTiming
from quartier_drivers.meter.mbus.meter_reader import MbusReader

FIRST, SECOND, THIRD = record(1, "13"), record(2, "14"), record(3, "15")
BUSY = b"\x70\x08"


def reader(primary=5, secondary="", **more):
    return MbusReader(primary, parse_mask(secondary) if secondary else None, LineTiming(), **more)


def read(line, **more):
    return converse(reader(**more).read(), line)


def values(telegrams):
    return [(group.label, group.value) for group in telegrams[0].groups]


def test_a_primary_address_is_reset_and_asked():
    line = Line([Slave("11490378", primary=5)])

    (found,) = read(line)

    assert ("11490378", [("0", 12.565), ("status", "0x00")]) == (found.meter, values([found]))
    assert ["1040054516", "107b058016"] == [sent.hex() for sent in line.sent]


def test_a_secondary_address_is_selected_and_asked_at_253():
    line = Line([Slave("11490378", primary=5), Slave("22490378", primary=5)])

    (found,) = read(line, secondary="22490378")

    assert "22490378" == found.meter
    assert [0xFD] * 3 == [sent[5] if sent[0] == 0x68 else sent[2] for sent in line.sent]


def test_others_are_deselected_once_and_after_each_failure():
    slave = Slave("22490378", primary=5)
    asking, line = reader(secondary="22490378"), Line([slave])
    converse(asking.read(), line)
    line.sent.clear()
    converse(asking.read(), line)
    assert [0x68, 0x10] == [sent[0] for sent in line.sent]

    line.slaves = []
    with pytest.raises(NoReply):
        converse(asking.read(), line)
    line.slaves = [slave]
    line.sent.clear()
    converse(asking.read(), line)
    assert [0x10, 0x68, 0x10] == [sent[0] for sent in line.sent]


def test_several_telegrams_are_one_reading_with_the_frame_count_bit_in_turn():
    slave = Slave("11490378", primary=5, bodies=(FIRST + b"\x1f", SECOND + b"\x1f", THIRD))

    found = read(Line([slave]))

    assert [("0", 0.001), ("1", 0.02), ("2", 0.3), ("status", "0x00")] == values(found)
    assert [0x7B, 0x5B, 0x7B] == slave.asked


def test_a_lost_answer_is_asked_for_with_the_same_bit_and_nothing_is_skipped():
    slave = Slave("11490378", primary=5, bodies=(FIRST + b"\x1f", SECOND))
    lost = iter([False, True, False, True, False])
    line = Line([slave], spoil=lambda said: b"" if len(said) > 1 and next(lost) else said)

    assert [("0", 0.001), ("1", 0.02), ("status", "0x00")] == values(read(line))
    assert [0x7B, 0x5B, 0x5B] == slave.asked


def test_a_damaged_answer_is_asked_for_again():
    spoilt = iter([True, False])
    line = Line(
        [Slave("11490378", primary=5)],
        spoil=lambda said: said[:-3] if len(said) > 1 and next(spoilt) else said,
    )

    assert [("0", 12.565), ("status", "0x00")] == values(read(line))


def test_a_meter_that_does_not_acknowledge_its_reset_is_read_all_the_same():
    assert "11490378" == read(Line([Slave("11490378", primary=5, acknowledges_resets=False)]))[0].meter


def test_a_meter_that_always_says_that_more_follows_is_read_once():
    slave = Slave("11490378", primary=5, bodies=(FIRST + b"\x1f",))

    assert [("0", 0.001), ("status", "0x00")] == values(read(Line([slave])))


def test_readings_end_at_the_most_telegrams():
    bodies = [record(number, "13") + b"\x1f" for number in range(30)]

    assert 4 + 1 == len(values(read(Line([Slave("11490378", primary=5, bodies=bodies)]), telegrams_max=4)))


def test_a_busy_meter_is_asked_again_after_a_while():
    class Busy(Slave):
        def hear(self, request):
            said = super().hear(request)
            return framed(0x08, 5, 0x70, b"\x08") if len(self.asked) == 1 else said

    waits = []
    found = converse(reader().read(), Line([Busy("11490378", primary=5)]), waits=waits)

    assert "11490378" == found[0].meter
    assert 1.0 in waits


def test_a_meter_that_stays_busy_refuses():
    with pytest.raises(Refused, match="meter 5: application error: application too busy"):
        read(Line([Slave("11490378", primary=5, bodies=(BUSY,))]))


def test_silence_is_no_reply():
    line = Line([])
    with pytest.raises(NoReply, match="meter 5 is silent"):
        read(line)

    assert 1 + 3 == len(line.sent)


def test_a_secondary_address_that_nobody_has_is_no_reply():
    with pytest.raises(NoReply, match="meter 11490378 does not answer to its selection"):
        read(Line([Slave("22490378")]), secondary="11490378")


def test_two_at_one_address_are_told():
    with pytest.raises(NoReply, match="several meters"):
        read(Line([Slave("11490378", primary=5), Slave("22490378", primary=5)]))


def test_an_answer_of_another_address_is_none():
    class Wrong(Slave):
        def hear(self, request):
            return framed(0x08, 6, 0x78, FIRST) if request[1] & 0x4F == 0x4B else b"\xe5"

    with pytest.raises(NoReply, match="address 6 answered instead"):
        read(Line([Wrong("11490378")]))


def test_an_answer_of_another_meter_than_selected_is_none():
    class Deaf(Slave):
        def hear(self, request):
            return super().hear(request) if request[0] == 0x10 else b"\xe5"

    with pytest.raises(NoReply, match="meter 2249037877040E07 answered instead"):
        read(Line([Deaf("22490378", selected=True, primary=253)]), secondary="11490378")


def test_a_meter_without_data_is_told():
    class Empty(Slave):
        def hear(self, request):
            return b"\xe5" if super().hear(request) else b""

    with pytest.raises(NoReply, match="has no data to give"):
        read(Line([Empty("11490378", primary=5)]))


def test_an_application_reset_takes_its_turn_of_the_bit():
    line = Line([Slave("11490378", primary=5)])

    read(line, application=0x10)

    assert "68040468730550" + "10" == line.sent[1][:8].hex()
    assert 0x5B == line.sent[2][1]


def test_without_reset_the_bit_goes_on_from_reading_to_reading():
    slave = Slave("11490378", primary=5)
    asking, line = reader(resets=False), Line([slave])

    converse(asking.read(), line)
    converse(asking.read(), line)

    assert [0x7B, 0x5B] == slave.asked


def test_a_key_is_not_shown():
    assert "secret" not in repr(reader(key=b"secretsecretsecr"))
