"""Another decoder, pymbusparser, judges: the same numbers for generated telegrams."""

import random
from decimal import Decimal

import pytest
from tests.drivers.meter.mbus.conftest import FIELDS, SIZES, record, reply

from quartier_drivers.meter.mbus.push_decoder import MbusDecoder

judge = pytest.importorskip("pymbusparser")

TELEGRAMS_COUNT = 400
SPANS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
# A value information block, its power of ten, and the unit of a duration.
BLOCKS = [
    *((f"{code:02X}", code - 3, "") for code in range(8)),
    *((f"{0x08 + code:02X}", code, "") for code in range(8)),
    *((f"{0x10 + code:02X}", code - 6, "") for code in range(8)),
    *((f"{0x18 + code:02X}", code - 3, "") for code in range(8)),
    *((f"{0x20 + code:02X}", 0, span) for code, span in enumerate(SPANS)),
    *((f"{0x24 + code:02X}", 0, span) for code, span in enumerate(SPANS)),
    *((f"{0x28 + code:02X}", code - 3, "") for code in range(8)),
    *((f"{0x30 + code:02X}", code, "") for code in range(8)),
    *((f"{0x38 + code:02X}", code - 6, "") for code in range(8)),
    *((f"{0x40 + code:02X}", code - 7, "") for code in range(8)),
    *((f"{0x48 + code:02X}", code - 9, "") for code in range(8)),
    *((f"{0x50 + code:02X}", code - 3, "") for code in range(8)),
    *((f"{first + code:02X}", code - 3, "") for first in (0x58, 0x5C, 0x60, 0x64, 0x68) for code in range(4)),
    ("6E", 0, ""),
    ("78", 0, ""),
    *((f"FB{code:02X}", code + 5, "") for code in range(2)),
    *((f"FB{0x02 + code:02X}", code + 3, "") for code in range(2)),
    *((f"FB{0x0C + code:02X}", code + 5, "") for code in range(4)),
    *((f"FB{0x14 + code:02X}", code, "") for code in range(4)),
    *((f"FB{0x28 + code:02X}", code + 5, "") for code in range(2)),
    *((f"FB{0x2C + code:02X}", code - 3, "") for code in range(4)),
    *((f"FB{0x34 + code:02X}", code, "") for code in range(4)),
    *((f"FB{0x74 + code:02X}", code - 3, "") for code in range(4)),
    *((f"FD{0x40 + code:02X}", code - 9, "") for code in range(16)),
    *((f"FD{0x50 + code:02X}", code - 12, "") for code in range(16)),
    *((f"FD{code:02X}", 0, "") for code in (0x08, 0x0C, 0x0E, 0x0F, 0x10, 0x3A, 0x60, 0x61)),
    ("863B", 3, ""),
    ("8675", 2, ""),
    ("86BB75", 2, ""),
    ("ABFC01", 0, ""),
    ("FDC8FC02", -1, ""),
    ("937E", -3, ""),
    ("867D", 6, ""),
]
FUNCTIONS = {
    "Instantaneous value": "instantaneous",
    "Maximum value": "maximum",
    "Minimum value": "minimum",
    "Value during error state": "error",
}


def drawn(dice):
    """A record, and the number that it means."""
    block, exponent, span = dice.choice(BLOCKS)
    kind = dice.choice([name for name in FIELDS if name not in ("none", "variable")])
    place = {
        "function": dice.randrange(4),
        "storage": dice.choice([0, 0, 1, dice.randrange(2**12)]),
        "tariff": dice.choice([0, 0, dice.randrange(16)]),
        "subunit": dice.choice([0, 0, dice.randrange(4)]),
    }
    size = SIZES[FIELDS[kind]]
    if kind == "real":
        raw = dice.choice([0.0, 0.5, -12.25, dice.randrange(-(2**20), 2**20) / 64])
    elif kind.startswith("bcd"):
        raw = dice.choice([dice.randrange(100**size), -dice.randrange(10 ** (2 * size - 1))])
    else:
        raw = dice.randrange(-(2 ** min(8 * size - 1, 50)), 2 ** min(8 * size - 1, 50))
    means = Decimal(raw).scaleb(exponent) * SPANS.get(span, 1)
    # The judge leaves durations in their own unit, and does not scale reals.
    left = Decimal(SPANS.get(span, 1)).scaleb(exponent if kind == "real" else 0)
    return record(raw, block, kind, **place), means, left, block, place


@pytest.mark.parametrize("seed", range(8))
def test_numbers_are_what_was_meant_and_what_the_judge_reads(seed):
    dice = random.Random(seed)
    for _ in range(TELEGRAMS_COUNT // 8):
        rows = [drawn(dice) for _ in range(dice.randrange(1, 16))]
        frame = reply(b"".join(row[0] for row in rows), serial=f"{dice.randrange(10**8):08}")

        (ours,) = MbusDecoder().feed(frame)
        theirs = judge.parse(frame, include_enrichment=False)

        assert theirs["meter"]["identity"]["id"].zfill(8) == ours.meter
        assert len(rows) == len(theirs["records"]) == len(ours.groups) - 1
        for (_, means, left, block, place), group, told in zip(
            rows, ours.groups, theirs["records"], strict=False
        ):
            assert float(means) == pytest.approx(group.value, rel=1e-12), block
            number = Decimal(str(told["value"]["value"])) * left
            assert float(number) == pytest.approx(group.value, rel=1e-9), block
            assert {
                "function": FUNCTIONS[told["function"]],
                **{key: place[key] for key in ("storage", "tariff", "subunit")},
            } == {key: group.more[key] for key in ("function", "storage", "tariff", "subunit")}
            assert (told["storage_number"], told["tariff"], told["subunit"]) == (
                place["storage"],
                place["tariff"],
                place["subunit"],
            )


def test_dates_are_what_the_judge_reads():
    dice = random.Random(1)
    for _ in range(200):
        year, month, day = dice.randrange(80), dice.randrange(1, 13), dice.randrange(1, 29)
        hour, minute = dice.randrange(24), dice.randrange(60)
        type_g = day | (year & 7) << 5 | month << 8 | (year >> 3) << 12
        body = (
            b"\x02\x6c"
            + type_g.to_bytes(2, "little")
            + b"\x04\x6d"
            + bytes([minute, hour])
            + type_g.to_bytes(2, "little")
        )
        (ours,) = MbusDecoder().feed(reply(body))
        theirs = judge.parse(reply(body), include_enrichment=False)

        assert [told["value"]["value"] for told in theirs["records"]] == [
            group.value for group in ours.groups[:2]
        ]
