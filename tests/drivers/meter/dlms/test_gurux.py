"""Another stack judges: Gurux's translator, run beside, reads each generated telegram as we do."""

import json
import random
import struct
import subprocess
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.drivers.meter.dlms.conftest import (
    AUTHENTICATION,
    KEY,
    LLC,
    TITLE,
    array,
    clock,
    described,
    enum,
    hdlc,
    i8,
    i16,
    kaifa,
    kamstrup,
    named,
    notification,
    octets,
    sealed,
    structure,
    text,
    u8,
    u16,
    u32,
    u64,
    unit,
    wrapped,
)

from quartier_drivers.meter.dlms import axdr, client_services, decoder
from quartier_drivers.meter.dlms.assembly import ApduAssembly
from quartier_drivers.meter.dlms.axdr import Item
from quartier_drivers.meter.dlms.ciphering import GENERAL_GLO, ApduOpener, CipherKeys
from quartier_drivers.meter.dlms.client_services import Attribute
from quartier_drivers.meter.dlms.link import RELEASE_REQUEST
from quartier_drivers.meter.dlms.pushed_lists import parse_notification as read
from quartier_drivers.meter.dlms.scanner import FrameScanner
from quartier_drivers.meter.units import render_obis

PEERS = Path(__file__).parents[3] / "peers"
SIZES = {
    axdr.INT8: 1,
    axdr.INT16: 2,
    axdr.INT32: 4,
    axdr.INT64: 8,
    axdr.UINT8: 1,
    axdr.UINT16: 2,
    axdr.UINT32: 4,
    axdr.UINT64: 8,
    axdr.ENUM: 1,
}
WORDS = {
    axdr.INT8: "Int8",
    axdr.INT16: "Int16",
    axdr.INT32: "Int32",
    axdr.INT64: "Int64",
    axdr.ENUM: "Enum",
    axdr.UINT8: "UInt8",
    axdr.UINT16: "UInt16",
    axdr.UINT32: "UInt32",
    axdr.UINT64: "UInt64",
    axdr.FLOAT32: "Float32",
    axdr.FLOAT64: "Float64",
    axdr.BOOLEAN: "Boolean",
    axdr.NULL: "None",
    axdr.OCTETS: "OctetString",
    axdr.TEXT: "String",
    axdr.BITS: "BitString",
    axdr.DATE_TIME: "DateTime",
    axdr.ARRAY: "Array",
    axdr.STRUCTURE: "Structure",
}
Tree = tuple[str, object]
pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def translator() -> list[str]:
    subprocess.run(["sh", str(PEERS / "install.sh")], check=True, capture_output=True)
    return [str(PEERS / "judges" / "bin" / "python"), str(PEERS / "gurux_translator.py")]


def translated(translator: list[str], lines: Sequence[str]) -> list[str]:
    keys = [f"encryption {KEY.hex()}", f"authentication {AUTHENTICATION.hex()}"]
    made = subprocess.run(
        translator, input="\n".join([*keys, *lines]), capture_output=True, check=True, text=True
    )
    return [json.loads(line) for line in made.stdout.splitlines() if line.startswith('"')]


def tree_of(element: ET.Element) -> Tree:
    if element.tag in ("Array", "Structure"):
        return element.tag, [tree_of(child) for child in element]
    return element.tag, element.get("Value", "")


def tree(item: Item) -> Tree:
    """An item in the translator's words."""
    word, value = WORDS[item.tag], item.value
    if isinstance(value, list):
        return word, [tree(part) for part in value]
    if isinstance(value, bytes):
        return word, value.hex().upper()
    if item.tag in SIZES:
        assert isinstance(value, int)
        return word, f"{value % (1 << 8 * SIZES[item.tag]):0{2 * SIZES[item.tag]}X}"
    if isinstance(value, float):
        return word, struct.pack(">f" if item.tag == axdr.FLOAT32 else ">d", value).hex().upper()
    return word, "" if value is None else str(value)


def scaler_lists(chance: random.Random) -> bytes:
    """Names, values and units as in Norway, Sweden and Austria, in any of the number types."""
    numbers = (
        lambda: u8(chance.randrange(256)),
        lambda: u16(chance.randrange(1 << 16)),
        lambda: u32(chance.randrange(1 << 32)),
        lambda: u64(chance.randrange(1 << 64)),
        lambda: i8(chance.randrange(-128, 128)),
        lambda: i16(chance.randrange(-(1 << 15), 1 << 15)),
    )
    labels = chance.sample(
        [f"1-{chance.randrange(2)}:{c}.{d}.{e}" for c in range(1, 80) for d in (7, 8) for e in range(3)], 20
    )
    items = [
        (
            named(name),
            chance.choice(numbers)(),
            unit(chance.randrange(-4, 4), chance.choice((27, 29, 30, 33, 35, 44, 255))),
        )
        for name in labels
    ]
    if chance.random() < 0.3:
        return structure(octets(clock()), *(part for item in items for part in item))
    return array(*(structure(*item) for item in items))


def any_tree(chance: random.Random, depth: int = 0) -> bytes:
    """Any data in any order: what no meter sends, and the standard allows."""
    if depth < 4 and chance.random() < (0.9 if depth == 0 else 0.35):
        parts = [any_tree(chance, depth + 1) for _ in range(chance.randrange(1, 9))]
        return (structure if chance.random() < 0.6 or depth == 0 else array)(*parts)
    return chance.choice(
        (
            b"\x00",
            b"\x03" + bytes([chance.randrange(2)]),
            b"\x05" + struct.pack(">i", chance.randrange(-(1 << 31), 1 << 31)),
            b"\x14" + struct.pack(">q", chance.randrange(-(1 << 63), 1 << 63)),
            u64(chance.randrange(1 << 64)),
            enum(chance.randrange(256)),
            b"\x17" + struct.pack(">f", chance.uniform(-1e6, 1e6)),
            b"\x18" + struct.pack(">d", chance.uniform(-1e12, 1e12)),
            text("".join(chance.choices("ABCdef0123", k=chance.randrange(1, 20)))),
            octets(chance.randbytes(chance.choice((1, 2, 7, 9, 140)))),
            named(f"1-0:{chance.randrange(1, 80)}.8.0"),
        )
    )


def telegrams(count: int) -> list[tuple[str, bytes]]:
    """``frame`` or ``apdu``, and its bytes."""
    chance, made = random.Random(20261125), []
    for number in range(1, count + 1):
        kind = number % 6
        body = (
            scaler_lists(chance),
            any_tree(chance),
            kaifa(chance.choice((1, 9, 13, 14, 18))),
            kamstrup(),
            described(
                *(
                    (3, f"1-0:{c}.7.0", 2, u32(chance.randrange(1 << 32)))
                    for c in chance.sample(range(1, 80), 12)
                )
            ),
            scaler_lists(chance),
        )[kind]
        apdu = notification(body, chance.choice((b"", clock(minute=chance.randrange(60)))))
        shape = number % 4
        if shape == 0:
            made.append(("frame", wrapped(apdu)))
        elif shape == 1 and len(apdu) < 1900:
            made.append(("frame", hdlc(LLC + apdu, to=b"\x41", by=b"\x03")))
        else:
            made.append(("apdu", sealed(apdu, number, 0x30 if shape == 2 else 0x20)))
    return made


def apdu_of(data: bytes) -> bytes:
    if data[0] == GENERAL_GLO:
        return ApduOpener(CipherKeys(KEY)).open(data).apdu
    scanner, assembly = FrameScanner(), ApduAssembly(is_capture=True)
    (apdu,) = [assembly.add(found) for found in (*scanner.feed(data), *scanner.end())]
    assert apdu is not None
    return apdu


def notice_in(xml: str) -> ET.Element:
    begin, end = xml.index("<DataNotification>"), xml.rindex("</DataNotification>")
    return ET.fromstring(xml[begin:end] + "</DataNotification>")


def test_hundreds_of_generated_telegrams_are_read_alike(translator: list[str]) -> None:
    made = telegrams(300)
    judged = translated(translator, [f"{kind} {data.hex()}" for kind, data in made])

    assert len(made) == len(judged)
    for (_, data), xml in zip(made, judged, strict=True):
        element = notice_in(xml)
        notice = read(apdu_of(data))
        moment = element.find("DateTime")
        assert moment is not None
        assert moment.get("Value", "").upper() == notice.moment.hex().upper()
        (value,) = element.findall("NotificationBody/DataValue/*")
        assert tree_of(value) == tree(notice.body)


def test_numbers_are_scaled_as_the_translators_digits_say(translator: list[str]) -> None:
    made = [(kind, data) for number, (kind, data) in enumerate(telegrams(300), 1) if number % 6 in (0, 5)]
    judged = translated(translator, [f"{kind} {data.hex()}" for kind, data in made])
    count = 0
    for (_, data), xml in zip(made, judged, strict=True):
        ours = decoder(encryption_key=KEY, is_capture=True)
        (telegram,) = ours.feed(data) + ours.end()
        values = {
            group.label: float(group.value) for group in telegram.groups if not isinstance(group.value, str)
        }
        leaves = [leaf for leaf in notice_in(xml).iter() if leaf.tag not in ("Array", "Structure")]
        for name, number, scaler in zip(leaves, leaves[1:], leaves[2:], strict=False):
            if name.tag == "OctetString" and scaler.tag == "Int8" and len(name.get("Value", "")) == 12:
                raw, bits = int(number.get("Value", ""), 16), int(number.tag.lstrip("UInt"))
                raw -= (1 << bits) if number.tag[0] == "I" and raw >> (bits - 1) else 0
                power = int.from_bytes(bytes.fromhex(scaler.get("Value", "")), "big", signed=True)
                count += 1
                assert (
                    float(Decimal(raw).scaleb(power))
                    == values[render_obis(bytes.fromhex(name.get("Value", "")))]
                )

    assert count > 1500


def test_what_we_ask_is_understood(translator: list[str]) -> None:
    energy, time = Attribute(3, bytes([1, 0, 1, 8, 0, 255])), Attribute(8, bytes([0, 0, 1, 0, 0, 255]))
    curve = Attribute(
        7,
        bytes([1, 0, 99, 1, 0, 255]),
        2,
        client_services.select_by_range(time, clock(hour=0), clock(hour=23)),
    )
    rows = Attribute(7, bytes([1, 0, 99, 1, 0, 255]), 2, client_services.select_by_entry(5, 9))
    asked = [
        client_services.make_associate_request(client_services.NO_SECURITY, b""),
        client_services.make_associate_request(client_services.LOW_SECURITY, b"12345678"),
        client_services.make_associate_request(
            client_services.HIGH_SECURITY_GMAC, b"challengechallen", title=TITLE
        ),
        client_services.make_get([energy]),
        client_services.make_get([energy, time]),
        client_services.make_get([curve]),
        client_services.make_get([rows]),
        client_services.make_get_next(7),
        client_services.make_action(15, bytes([0, 0, 40, 0, 0, 255]), 1, Item(axdr.OCTETS, b"\1\2")),
        RELEASE_REQUEST,
    ]
    none, low, high, one, two, by_time, by_row, following, method, over = translated(
        translator, [f"apdu {apdu.hex()}" for apdu in asked]
    )

    assert "AssociationRequest" in none
    assert '<MechanismName Value="Low"' in low
    assert "3132333435363738" in low
    assert '<MechanismName Value="HighGmac"' in high
    assert '<CallingAPTitle Value="4B464D1020043BD7"' in high
    for conformance in (
        "BlockTransferWithGetOrRead",
        "MultipleReferences",
        "Get",
        "SelectiveAccess",
        "Action",
    ):
        assert f'<ConformanceBit Name="{conformance}"' in none
    assert '<InstanceId Value="0100010800FF"' in one
    assert 2 == two.count("<AttributeDescriptor>")
    assert clock(hour=23).hex().upper() in by_time
    assert '<AccessSelector Value="01"' in by_time
    assert '<AccessSelector Value="02"' in by_row
    assert '<UInt32 Value="00000009"' in by_row
    assert '<BlockNumber Value="00000007"' in following
    assert '<MethodId Value="01"' in method
    assert "ReleaseRequest" in over


def test_what_another_stack_pushes_is_read_in_segments_and_under_each_security(translator: list[str]) -> None:
    command = [translator[0], str(PEERS / "gurux_pushes.py"), KEY.hex(), AUTHENTICATION.hex(), TITLE.hex()]
    made = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    expected = {
        "0-0:42.0.0": "LGZ1030655933512",
        "1-0:1.8.0": 123456,
        "1-0:16.7.0": -1234,
        "1-0:32.7.0": 2301,
        "1-0:31.7.0": -77,
        "1-0:2.8.0": 2**40,
        "1-0:14.7.0": 50,
    }

    assert 8 == len(made)
    ours = decoder(encryption_key=KEY, is_capture=True)
    strict = decoder(encryption_key=KEY, authentication_key=AUTHENTICATION, is_capture=True)
    for _, security, messages in made:
        data = b"".join(map(bytes.fromhex, messages))
        (telegram,) = ours.feed(data)
        assert expected == {group.label: group.value for group in telegram.groups}
        assert (security & 0x10 > 0) == bool(strict.feed(data))
    assert 0 == ours.counts.bad_count
    assert 4 == strict.counts.bad_count
