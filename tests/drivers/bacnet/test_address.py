import pytest

from quartier_drivers.bacnet.address import Place, parsed


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("192.168.1.10", Place(("192.168.1.10", 47808))),
        ("192.168.1.10:47809", Place(("192.168.1.10", 47809))),
        ("2001:5", Place(None, 2001, b"\x05")),
        ("2001:0x0A0B0C", Place(None, 2001, b"\x0a\x0b\x0c")),
        ("7:10.0.0.5:47809", Place(None, 7, bytes((10, 0, 0, 5, 0xBA, 0xC1)))),
        ("2001:5@192.168.1.1", Place(("192.168.1.1", 47808), 2001, b"\x05")),
        ("2001:5@127.0.0.1:4000", Place(("127.0.0.1", 4000), 2001, b"\x05")),
    ],
)
def test_a_place_is_read_as_a_site_file_says_it(text, place):
    assert place == parsed(text)


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
        parsed(text)


@pytest.mark.parametrize(
    "text", ["192.168.1.10", "192.168.1.10:47809", "2001:5", "2001:0x0A0B", "2001:5@10.0.0.1"]
)
def test_a_place_is_shown_as_it_is_read(text):
    assert text == str(parsed(text))
