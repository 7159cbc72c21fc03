"""Names of nodes: by URI, both ways, and what is said of the others."""

from uuid import UUID

import pytest

from quartier_drivers.opcua.node_types import NodeName, parse_node

GUID = "09087e75-8e5e-499b-954f-f2a9603db28a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("i=2258", NodeName("", 2258)),
        ("nsu=http://maker/;s=Pump.Speed", NodeName("http://maker/", "Pump.Speed")),
        ("nsu=urn:a;i=4294967295", NodeName("urn:a", 4294967295)),
        (f"nsu=urn:a;g={GUID}", NodeName("urn:a", UUID(GUID))),
        ("nsu=urn:a;b=AAEC", NodeName("urn:a", b"\0\1\2")),
        ('nsu=urn:a;s="DB1"."speed;max"', NodeName("urn:a", '"DB1"."speed;max"')),
        ("nsu=urn:a%3Bb%25;s=x", NodeName("urn:a;b%", "x")),
    ],
)
def test_a_name_reads_and_writes_the_same(text, expected):
    assert expected == parse_node(text)
    assert text == str(expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ns=2;s=Pump", "by index"),
        ("Pump", "is no node"),
        ("nsu=;s=Pump", "is no node"),
        ("i=-1", "a number of 0..4294967295"),
        ("i=4294967296", "a number of 0..4294967295"),
        ("i=pump", "a number of 0..4294967295"),
        ("nsu=urn:a;g=123", "a GUID"),
        ("nsu=urn:a;b=***", "base64"),
    ],
)
def test_what_is_no_name_says_what_is_expected(text, says):
    with pytest.raises(ValueError, match=says):
        parse_node(text)


def test_the_index_is_found_by_the_uri_wherever_it_stands():
    one = parse_node("nsu=urn:b;s=x")

    assert 1 == one.index(["http://opcfoundation.org/UA/", "urn:b"])
    assert 2 == one.index(["http://opcfoundation.org/UA/", "urn:c", "urn:b"])
    assert one.index(["http://opcfoundation.org/UA/"]) is None
    assert 0 == parse_node("i=85").index([])
