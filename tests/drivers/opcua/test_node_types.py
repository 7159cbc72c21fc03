"""Names of nodes: by URI, both ways, and what is said of the others."""

from fractions import Fraction
from uuid import UUID

import pytest

from quartier_drivers.opcua.node_types import TYPE_NUMBERS, NodeName, fit_type, parse_node

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


def fit(raw, kind, low=-1e9, high=1e9):
    return fit_type(Fraction(raw), TYPE_NUMBERS[kind], Fraction(low), Fraction(high))


@pytest.mark.parametrize(
    ("raw", "kind", "expected"),
    [
        (1, "Boolean", True),
        (0, "Boolean", False),
        (42.4, "Int16", 42),
        (-128, "SByte", -128),
        (255, "Byte", 255),
        (2**63 - 1, "Int64", 2**63 - 1),
        (21.5, "Double", 21.5),
        (0.1, "Float", 0.10000000149011612),
    ],
)
def test_a_number_takes_the_type_of_the_node(raw, kind, expected):
    found = fit(raw, kind, high=2**64)

    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    ("raw", "kind", "says"),
    [
        (2, "Boolean", "neither on nor off"),
        (256, "Byte", "does not fit Byte"),
        (-1, "UInt32", "does not fit UInt32"),
        (1e39, "Float", "does not fit Float"),
        (1, "String", "takes no number"),
    ],
)
def test_what_does_not_fit_says_so(raw, kind, says):
    with pytest.raises(ValueError, match=says):
        fit(raw, kind, high=1e40)


def test_a_step_outside_the_limits_is_not_taken():
    assert 15 == fit(15.6, "Int16", high=15.7)

    with pytest.raises(ValueError, match="between two steps"):
        fit(15.5, "Int16", low=15.2, high=15.8)
