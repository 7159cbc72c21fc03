import pytest

from quartier_drivers.bacnet.address import DevicePlace, parse_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("192.168.1.10", DevicePlace(("192.168.1.10", 47808))),
        ("192.168.1.10:47809", DevicePlace(("192.168.1.10", 47809))),
        ("2001:5", DevicePlace(None, 2001, b"\x05")),
        ("2001:0x0A0B0C", DevicePlace(None, 2001, b"\x0a\x0b\x0c")),
        ("7:10.0.0.5:47809", DevicePlace(None, 7, bytes((10, 0, 0, 5, 0xBA, 0xC1)))),
        ("2001:5@192.168.1.1", DevicePlace(("192.168.1.1", 47808), 2001, b"\x05")),
        ("2001:5@127.0.0.1:4000", DevicePlace(("127.0.0.1", 4000), 2001, b"\x05")),
    ],
)
def test_a_place_is_read_as_a_site_file_says_it(text, place):
    assert place == parse_place(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "192.168.1",
        "300.1.1.1",
        "192.168.1.1:0",
        "0:5",
        "65535:5",
        "2001:256",
        "2001:0xABC",
        "5@1.1.1.1",
        "2001:5@x",
    ],
)
def test_what_is_no_place_is_told_with_what_was_expected(text):
    with pytest.raises(ValueError, match=r"is no address; expected 192\.168\.1\.10"):
        parse_place(text)


@pytest.mark.parametrize(
    "text", ["192.168.1.10", "192.168.1.10:47809", "2001:5", "2001:0x0A0B", "2001:5@10.0.0.1"]
)
def test_a_place_is_shown_as_it_is_read(text):
    assert text == str(parse_place(text))
