"""Names and numbers of devices are written as people know them."""

import pytest

from quartier_drivers.meter.sml.elements import render_device_id, render_obis, render_octets


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("0100010800ff", "1-0:1.8.0"),
        ("010060320101", "1-0:96.50.1*1"),
        ("010000020000", "1-0:0.2.0*0"),
        ("8181c78203ff", "129-129:199.130.3"),
        ("0101010800ff", "1-1:1.8.0"),
        ("010001", "010001"),
        ("", ""),
    ],
)
def test_obis_numbers_are_written_with_f_only_where_it_says_something(name, written):
    assert written == render_obis(bytes.fromhex(name))


def test_a_number_of_a_device_is_written_as_on_its_plate():
    assert "1EMH0005004711" == render_device_id(bytes.fromhex("0a01454d48 00 004c5da7".replace(" ", "")))
    assert "1DZG0060004711" == render_device_id(b"\x0a\x01DZG\x00" + (60004711).to_bytes(4, "big"))
    assert "06455359010700471100" == render_device_id(bytes.fromhex("06455359010700471100"))
    assert "4711" == render_device_id(b"4711")
    assert "" == render_device_id(b"")


def test_octets_are_text_where_they_can_be_read():
    assert "EMH" == render_octets(b"EMH")
    assert "0a0145" == render_octets(b"\x0a\x01E")
    assert "c3a4" == render_octets("ä".encode())
