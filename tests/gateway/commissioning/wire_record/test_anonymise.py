"""A masked record names nobody, and every decoder reads it as before."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples
from tests.gateway.commissioning.wire_record.conftest import of
from tests.gateway.commissioning.wire_record.judge import fields

from quartier.commissioning.wire_record import record_file
from quartier.commissioning.wire_record.anonymise import anonymise_record
from quartier_drivers.meter import protocols
from quartier_drivers.protocol import EncryptedError
from quartier_drivers.registry import load_protocol
from quartier_sim.meters.captures import CAPTURES

PIECE_BYTES = 37
CASES = {
    "tic-standard": {},
    "tic-historique": {},
    "p1-dutch": {},
    "iec62056-d": {},
    "sml": {},
    "sml-kermit": {"checksum": "kermit"},
    "dlms-hdlc": {},
    "dlms-mbus": {},
    "mbus": {},
    "mbus-fixed": {},
}


def taken(name, *, parity=False):
    """A capture in pieces that cut through everything."""
    data = b"".join(telegram.data for telegram in CAPTURES[name](5, 12))
    if parity:
        data = bytes(byte | (byte.bit_count() & 1) << 7 for byte in data)
    pieces = [("in", data[at : at + PIECE_BYTES].hex()) for at in range(0, len(data), PIECE_BYTES)]
    return of(name.partition("-")[0], ("opened", "/dev/ttyUSB0 9600 8N1"), *pieces, where="/dev/ttyUSB0")


def heard(record):
    return b"".join(frame.data for frame in record.frames)


def plain(kind, data):
    return bytes(byte & 0x7F for byte in data) if load_protocol(kind).has_seven_bits else data


def decoded(kind, data, settings):
    """Counts, and all groups without what names a meter."""
    decoder = protocols.make_decoder(kind, settings, is_capture=True)
    telegrams = [*decoder.feed(plain(kind, data)), *decoder.end()]
    values = [
        (group.label, group.unit, group.value)
        for telegram in telegrams
        for group in telegram.groups
        if isinstance(group.value, int | float)
    ]
    return decoder.counts.good_count, decoder.counts.bad_count, values


def traces(name):
    """What of an identifier may not be found: as text, in hex, as BCD either way round."""
    yield name.encode()
    yield name.encode().hex().encode()
    digits = re.sub(r"[^0-9]", "", name)
    if len(digits) >= 8 and len(digits) % 2 == 0:
        packed = bytes.fromhex(digits)
        if sum(byte != 0 for byte in packed) >= 3:
            yield packed
            yield packed[::-1]


@pytest.mark.parametrize("parity", [False, True])
@pytest.mark.parametrize(("name", "settings"), CASES.items())
def test_nothing_of_an_identifier_stays_and_the_decoder_reads_the_same_numbers(name, settings, parity):
    kind = name.partition("-")[0]
    if parity and not load_protocol(kind).has_seven_bits:
        return
    record = taken(name, parity=parity)
    masked = anonymise_record(record)
    before, after = plain(kind, heard(record)), plain(kind, heard(masked))
    told = {*load_protocol(kind).find_identifiers(before), *(one.meter for one in CAPTURES[name](5, 12))}
    known = {text for text in told if len(text) >= 8 and re.search(r"[1-9].*[1-9]", text)}

    assert known, "the capture names nobody"
    for text in known:
        for trace in traces(text):
            assert trace not in after, (text, trace)
    assert decoded(kind, before, settings) == decoded(kind, after, settings)
    assert [len(frame.data) for frame in record.frames] == [len(frame.data) for frame in masked.frames]


def test_the_text_of_the_file_names_neither_meter_nor_adapter():
    record = taken("tic-standard")
    text = record_file.make_file(anonymise_record(record)).decode()

    assert "/dev/ttyUSB0" not in text
    assert "anonymised" in text
    for name in load_protocol("tic").find_identifiers(heard(record)):
        assert name not in text
        assert name.encode().hex() not in text


@pytest.mark.peer
def test_modbus_has_no_serial_that_its_device_told_and_no_address(tmp_path):
    serial = b"HQ2133ABCDE7".hex()
    record = of(
        "modbus-tcp",
        ("opened", "connected", "10.0.0.2:40000", "10.0.0.3:502"),
        ("out", "000700000006e40303200006"),
        ("in", f"00070000000fe4030c{serial}"),
        secrets=("HQ2133ABCDE7",),
    )
    path = tmp_path / "a.pcapng"
    path.write_bytes(record_file.make_file(anonymise_record(record)))

    assert b"HQ2133ABCDE7" not in path.read_bytes()
    assert bytes([10, 0, 0, 3]) not in path.read_bytes()
    assert b"10.0.0." not in path.read_bytes()
    assert [("192.0.2.1", "192.0.2.2")] == fields(path, "ip.src", "ip.dst", wanted="modbus")[:1]
    assert ["3", "3"] == [row[0] for row in fields(path, "modbus.func_code", wanted="modbus")]


@pytest.mark.peer
def test_modbus_rtu_has_its_checksum_after_it(tmp_path):
    from quartier_native import crc16  # noqa: PLC0415 - the frame is made by hand

    body = b"\x01\x03\x0c" + b"HQ2133ABCDE7"
    frame = body + crc16(body).to_bytes(2, "little")
    record = of("modbus-rtu", ("in", frame[:6].hex()), ("in", frame[6:].hex()), secrets=("HQ2133ABCDE7",))
    path = tmp_path / "a.pcapng"
    path.write_bytes(record_file.make_file(anonymise_record(record)))

    assert b"HQ2133ABCDE7" not in path.read_bytes()
    assert [("1", "3")] == fields(path, "mbrtu.unit_id", "modbus.func_code")


def test_an_address_inside_a_forwarded_broadcast_is_masked_too():
    record = of(
        "bacnet-ip",
        ("opened", "bound", "10.0.0.2:47808", ""),
        ("in", "810400120a000009bac001001008", "10.0.0.1:47808"),
    )

    assert bytes([10, 0, 0, 9]) not in anonymise_record(record).frames[1].data


def test_a_number_that_looks_like_an_address_stays_in_modbus():
    record = of(
        "modbus-tcp",
        ("opened", "connected", "10.0.0.2:40000", "10.0.0.3:502"),
        ("in", "0007000000070104040a000003"),
    )

    assert bytes([10, 0, 0, 3]) in anonymise_record(record).frames[1].data


@examples(20)
@given(st.sampled_from(sorted(CASES)), st.data())
def test_whatever_noise_did_it_stays_as_long_and_nothing_fails(name, data):
    kind = name.partition("-")[0]
    heard_bytes = bytearray(b"".join(telegram.data for telegram in CAPTURES[name](5, 3)))
    for at in data.draw(st.lists(st.integers(0, len(heard_bytes) - 1), max_size=30)):
        heard_bytes[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(heard_bytes)))
    record = of(kind, ("in", bytes(heard_bytes[:end]).hex()))
    with contextlib.suppress(EncryptedError):
        assert end == len(anonymise_record(record).frames[0].data)
