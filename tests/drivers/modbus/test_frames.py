"""Only a sound answer to this very request is taken for one; pymodbus judges what we read and write."""

import struct
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadCoilsResponse,
    ReadDiscreteInputsRequest,
    WriteMultipleCoilsRequest,
    WriteSingleCoilRequest,
)
from pymodbus.pdu.register_message import (
    MaskWriteRegisterRequest,
    ReadHoldingRegistersRequest,
    ReadHoldingRegistersResponse,
    ReadInputRegistersRequest,
    ReadWriteMultipleRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from quartier_drivers.modbus.frames import (
    Answer,
    GarbledAnswer,
    LateAnswers,
    OutOfSync,
    Request,
    RtuAnswerSearch,
    find_exception,
    is_answer,
    make_identity_request,
    make_read,
    make_write,
    parse_answer,
    parse_identity,
    take_tcp_answer,
)
from quartier_native import crc16

PDUS: Mapping[int, type[Any]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
    5: WriteSingleCoilRequest,
    6: WriteSingleRegisterRequest,
    15: WriteMultipleCoilsRequest,
    16: WriteMultipleRegistersRequest,
    22: MaskWriteRegisterRequest,
}
READ = Request(1, 3, 0x10, 2)
SOUND = bytes([3, 4, 0, 7, 0xFF, 0xFF])
WORDS = (7, 0xFFFF)


def rtu(unit: int, pdu: bytes) -> bytes:
    return FramerRTU(DecodePDU(is_server=False)).encode(pdu, unit, 0)


def tcp(number: int, unit: int, pdu: bytes) -> bytes:
    return FramerSocket(DecodePDU(is_server=False)).encode(pdu, unit, number)


def hunt(request: Request = READ) -> RtuAnswerSearch:
    return RtuAnswerSearch(request)


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125))
def test_registers_that_pymodbus_encodes_are_read(words: list[int]) -> None:
    pdu = b"\x03" + ReadHoldingRegistersResponse(registers=words).encode()

    assert Answer(tuple(words)) == parse_answer(Request(1, 3, 0, len(words)), pdu)


@given(st.lists(st.booleans(), min_size=1, max_size=2000))
def test_coils_that_pymodbus_encodes_are_read(bits: list[bool]) -> None:
    pdu = b"\x01" + ReadCoilsResponse(bits=bits).encode()

    assert tuple(bits) == parse_answer(Request(1, 1, 0, len(bits)), pdu).values


@st.composite
def requests(draw: st.DrawFn) -> Request:
    unit, start = draw(st.integers(0, 255)), draw(st.integers(0, 0xFFFF))
    table = draw(st.sampled_from(["coil", "discrete", "input", "holding"]))
    if table in ("discrete", "input") or draw(st.booleans()):
        return make_read(
            unit, table, start, draw(st.integers(1, 2000 if table in ("coil", "discrete") else 125))
        )
    most, highest = (1968, 1) if table == "coil" else (121, 0xFFFF)
    values = tuple(draw(st.lists(st.integers(0, highest), min_size=1, max_size=most)))
    if table == "holding" and draw(st.booleans()):
        return make_write(unit, table, start, (values[0], values[-1]), 22)
    several = draw(st.sampled_from([0, 15] if table == "coil" else [0, 16, 23]))
    return make_write(unit, table, start, values, several)


def judged(request: Request) -> bytes:
    """The PDU that pymodbus makes of the same request."""
    fields: dict[str, object] = {"count": request.count}
    if request.writes:
        bits = request.function in (5, 15)
        fields = {"bits": [bool(one) for one in request.values]} if bits else {"registers": [*request.values]}
    if request.function == 22:
        fields = {"and_mask": request.values[0], "or_mask": request.values[1]}
    if request.function == 23:
        plain = ReadWriteMultipleRegistersRequest(
            read_address=request.address,
            read_count=request.count,
            write_address=request.address,
            write_registers=[*request.values],
            dev_id=request.unit,
        )
        return bytes([23]) + bytes(plain.encode())
    pdu = PDUS[request.function](address=request.address, dev_id=request.unit, **fields)
    return bytes([request.function]) + bytes(pdu.encode())


@given(requests(), st.integers(1, 0xFFFF))
def test_every_frame_is_the_one_that_pymodbus_makes(request_: Request, number: int) -> None:
    pdu = judged(request_)

    assert pdu == request_.pdu
    assert tcp(number, request_.unit, pdu) == number.to_bytes(2, "big") + request_.tcp
    assert rtu(request_.unit, pdu) == request_.rtu


@given(requests())
def test_pymodbus_as_server_understands_every_request(request_: Request) -> None:
    pdu = DecodePDU(is_server=True).decode(request_.pdu)

    assert pdu is not None
    assert request_.function == pdu.function_code
    if request_.function == 22:
        assert request_.values == (pdu.and_mask, pdu.or_mask)
    elif request_.function == 23:
        assert (request_.address, [*request_.values]) == (pdu.write_address, pdu.write_registers)
        assert (request_.address, request_.count) == (pdu.read_address, pdu.read_count)
    elif request_.writes:
        assert list(request_.values) == [int(value) for value in pdu.registers or pdu.bits][: request_.count]
    else:
        assert request_.count == pdu.count


def test_one_register_is_written_by_6_and_more_by_16_unless_the_profile_says() -> None:
    assert 6 == make_write(1, "holding", 0, (1,)).function
    assert 16 == make_write(1, "holding", 0, (1,), 16).function
    assert 16 == make_write(1, "holding", 0, (1, 2), 6).function
    assert 5 == make_write(1, "coil", 0, (1,)).function


@pytest.mark.parametrize(
    ("pdu", "what"),
    [
        (bytes([4, 4, 0, 7, 0, 8]), "function 4"),
        (bytes([3, 2, 0, 7]), "4 bytes, expected 6"),
        (bytes([3, 6, 0, 7, 0, 8, 0, 9]), "8 bytes, expected 6"),
        (bytes([3, 6, 0, 7, 0, 8]), "6 bytes of data"),
        (bytes([0x83, 2, 0]), "exception of 3 bytes"),
        (bytes([0x84, 2]), "function 132"),
    ],
)
def test_an_answer_of_another_function_or_count_is_rubbish(pdu: bytes, what: str) -> None:
    with pytest.raises(GarbledAnswer, match=what):
        parse_answer(READ, pdu)


def test_an_exception_is_an_answer() -> None:
    assert Answer(exception=2) == parse_answer(READ, bytes([0x83, 2]))
    assert Answer(exception=4) == parse_answer(READ, bytes([0x83, 0]))


@pytest.mark.parametrize(
    "echo", [struct.pack(">BHH", 6, 5, 8), struct.pack(">BHH", 6, 4, 7), struct.pack(">BHH", 16, 5, 1)]
)
def test_a_write_is_acknowledged_only_by_its_own_echo(echo: bytes) -> None:
    with pytest.raises(GarbledAnswer):
        parse_answer(make_write(1, "holding", 5, (7,)), echo)


def test_the_echo_of_each_write_function_is_known() -> None:
    assert (7,) == parse_answer(make_write(1, "holding", 5, (7,)), struct.pack(">BHH", 6, 5, 7)).values
    assert (7, 8) == parse_answer(make_write(1, "holding", 5, (7, 8)), struct.pack(">BHH", 16, 5, 2)).values
    assert (1,) == parse_answer(make_write(1, "coil", 5, (1,)), struct.pack(">BHH", 5, 5, 0xFF00)).values
    assert (0,) == parse_answer(make_write(1, "coil", 5, (0,)), struct.pack(">BHH", 5, 5, 0)).values


def test_a_mask_is_echoed_whole_and_what_is_read_after_a_write_comes_back() -> None:
    mask = make_write(1, "holding", 5, (0xFFF0, 3), 22)
    both = make_write(1, "holding", 5, (7, 8), 23)

    assert (0xFFF0, 3) == parse_answer(mask, struct.pack(">BHHH", 22, 5, 0xFFF0, 3)).values
    assert (7, 9) == parse_answer(both, struct.pack(">BBHH", 23, 4, 7, 9)).values
    with pytest.raises(GarbledAnswer):
        parse_answer(mask, struct.pack(">BHHH", 22, 5, 0xFFF0, 2))
    with pytest.raises(GarbledAnswer):
        parse_answer(both, struct.pack(">BHH", 23, 5, 2))


def test_late_answers_with_an_old_number_are_dropped_and_counted() -> None:
    seen = LateAnswers()
    buffer = bytearray(tcp(4, 1, bytes([3, 4, 9, 9, 9, 9])) + tcp(5, 1, SOUND))

    assert Answer(WORDS) == take_tcp_answer(buffer, READ, 5, seen)
    assert 1 == seen.late
    assert not buffer


@given(st.integers(0, len(tcp(5, 1, SOUND)) - 1))
def test_a_tcp_answer_may_come_in_any_two_pieces(cut: int) -> None:
    whole = tcp(5, 1, SOUND)
    buffer = bytearray(whole[:cut])

    assert take_tcp_answer(buffer, READ, 5, LateAnswers()) is None
    buffer += whole[cut:]
    assert Answer(WORDS) == take_tcp_answer(buffer, READ, 5, LateAnswers())


@given(st.sampled_from([0, 1, 4, 5]), st.integers(0, 2), st.integers(2, 4), st.binary(max_size=2))
def test_the_quick_look_takes_only_the_very_answer(
    number: int, unit: int, function: int, more: bytes
) -> None:
    frame = tcp(number, unit, bytes([function]) + SOUND[1:]) + more

    assert ((number, unit, function, more) == (5, 1, 3, b"")) == is_answer(frame, READ, b"\x00\x05")


@given(
    st.sampled_from([0, 1, 4, 5]),
    st.integers(0, 2),
    st.sampled_from([3, 0x83, 0x84]),
    st.binary(min_size=1, max_size=3),
)
def test_the_quick_look_at_a_refusal_says_what_the_slow_one_says(
    number: int, unit: int, function: int, rest: bytes
) -> None:
    frame = tcp(number, unit, bytes([function]) + rest)
    refused = (number, unit, function, len(rest)) == (5, 1, 0x83, 1)

    code = find_exception(frame, READ, b"\x00\x05")
    assert (rest[0] if refused else 0) == code
    if code:
        assert Answer(exception=code) == take_tcp_answer(bytearray(frame), READ, 5, LateAnswers())


@pytest.mark.parametrize("missing", range(1, len(SOUND) - 2))
def test_a_tcp_answer_that_was_cut_short_is_not_filled_up_from_the_next_one(missing: int) -> None:
    stream = tcp(5, 1, SOUND)[:-missing] + tcp(4, 1, SOUND)
    with pytest.raises((OutOfSync, GarbledAnswer)):
        take_tcp_answer(bytearray(stream), READ, 5, LateAnswers())


def test_a_tcp_answer_before_a_late_one_is_taken() -> None:
    for size in range(len(tcp(4, 1, SOUND)) + 1):
        stream = tcp(5, 1, SOUND) + tcp(4, 1, SOUND)[:size]

        assert Answer(WORDS) == take_tcp_answer(bytearray(stream), READ, 5, LateAnswers())


def test_a_tcp_answer_of_another_unit_is_rubbish() -> None:
    with pytest.raises(GarbledAnswer, match="unit 2"):
        take_tcp_answer(bytearray(tcp(5, 2, SOUND)), READ, 5, LateAnswers())


@pytest.mark.parametrize("header", ["0005 0001 0007 01", "0005 0000 0000 01", "0005 0000 ffff 01"])
def test_a_tcp_stream_out_of_step_is_recognised(header: str) -> None:
    with pytest.raises(OutOfSync):
        take_tcp_answer(bytearray.fromhex(header), READ, 5, LateAnswers())


@given(st.binary(max_size=40), st.integers(0, 8))
def test_an_rtu_answer_is_found_behind_noise_and_in_pieces(noise: bytes, cut: int) -> None:
    frame = rtu(1, SOUND)
    # Noise that begins like the answer itself may be taken for a damaged one: left out here.
    noise = bytes(one for one in noise if one != 1)
    hunting = hunt()

    assert hunting.feed(noise + frame[:cut]) is None
    assert Answer(WORDS) == hunting.feed(frame[cut:])


def test_a_late_rtu_answer_of_another_shape_is_passed_over() -> None:
    hunting = hunt()

    assert hunting.feed(rtu(1, bytes([4, 4, 0, 1, 0, 2])) + rtu(1, bytes([3, 2, 0, 1]))) is None
    assert "expected 6" in hunting.wrong
    assert Answer(WORDS) == hunting.feed(rtu(1, SOUND))


def test_frames_of_other_units_are_passed_over() -> None:
    assert Answer(WORDS) == hunt().feed(rtu(2, bytes([3, 4, 1, 3, 1, 3])) + rtu(1, SOUND))


def test_a_wrong_checksum_is_rubbish_as_soon_as_the_frame_is_whole() -> None:
    frame = bytearray(rtu(1, SOUND))
    frame[4] ^= 1

    with pytest.raises(GarbledAnswer, match="checksum"):
        hunt().feed(bytes(frame))


def test_an_rtu_exception_is_an_answer() -> None:
    assert Answer(exception=2) == hunt().feed(rtu(1, bytes([0x83, 2])))


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_no_bytes_make_the_hunt_fail_or_grow(chunks: list[bytes]) -> None:
    hunting = hunt()
    for chunk in chunks:
        try:
            hunting.feed(chunk)
        except GarbledAnswer:
            break

    assert len(hunting.buffer) <= 1024


IDENTITY = bytes.fromhex("2B 0E 01 01 00 00 02 00 04 41434D45 01 03 414D33")


def test_a_device_that_says_who_it_is_is_heard_to_its_end() -> None:
    request = make_identity_request(1)

    assert bytes.fromhex("2B 0E 01 00") == request.pdu
    assert not request.writes
    assert {0: "ACME", 1: "AM3"} == parse_identity(parse_answer(request, IDENTITY))
    frame = b"\x01" + IDENTITY
    frame += crc16(frame).to_bytes(2, "little")
    for size in (1, 5, 11, len(frame)):
        hunt, found = RtuAnswerSearch(request), None
        for start in range(0, len(frame), size):
            found = hunt.feed(frame[start : start + size])
        assert found is not None
        assert {0: "ACME", 1: "AM3"} == parse_identity(found)


@pytest.mark.parametrize("cut", [1, 4, 12, 18])
def test_objects_that_do_not_add_up_are_rubbish(cut: int) -> None:
    with pytest.raises(GarbledAnswer):
        parse_answer(make_identity_request(1), IDENTITY[:cut] + b"\xff")
