"""Combinable VIFE, against lines typed from EN 13757-3 Tables 15 and 16."""

import pytest

from quartier_drivers.meter.mbus.record_meaning import (
    COMBINABLE_VIFE,
    COUNT_FORM,
    DURATION_FORM,
    EXTENDED_VIFE,
    NO_QUALIFIER,
    RESERVED_QUALIFIER,
    TIME_FORM,
    Qualifier,
)


def test_each_table_has_a_line_for_each_code():
    assert (128, 128) == (len(COMBINABLE_VIFE), len(EXTENDED_VIFE))


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        (NO_QUALIFIER, 0x00),
        (Qualifier(error="too many DIFE"), 0x01),
        (Qualifier(error="too many VIFE"), 0x0B),
        (Qualifier(error="no data available"), 0x15),
        (Qualifier(error="data overflow"), 0x16),
        (Qualifier(error="data underflow"), 0x17),
        (Qualifier(error="data error"), 0x18),
        (Qualifier(error="premature end of record"), 0x1C),
        (Qualifier(per="s"), 0x20),
        (Qualifier(per="revolution"), 0x27),
        (Qualifier("increment per input pulse 0"), 0x28),
        (Qualifier("increment per output pulse 1"), 0x2B),
        (Qualifier(per="l"), 0x2C),
        (Qualifier(per="A"), 0x35),
        (Qualifier(times="s"), 0x36),
        (Qualifier("start", TIME_FORM), 0x39),
        (Qualifier("uncorrected"), 0x3A),
        (Qualifier("only positive"), 0x3B),
        (Qualifier("only negative"), 0x3C),
        (Qualifier("lower limit"), 0x40),
        (Qualifier("upper limit"), 0x48),
        (Qualifier("exceeds of lower limit", COUNT_FORM), 0x41),
        (Qualifier("begin of first lower limit exceed", TIME_FORM), 0x42),
        (Qualifier("end of last lower limit exceed", TIME_FORM), 0x47),
        (Qualifier("end of first upper limit exceed", TIME_FORM), 0x4B),
        (Qualifier("begin of last upper limit exceed", TIME_FORM), 0x4E),
        (Qualifier("first lower limit exceed", DURATION_FORM, 1), 0x50),
        (Qualifier("last lower limit exceed", DURATION_FORM, 86400), 0x57),
        (Qualifier("first upper limit exceed", DURATION_FORM, 1), 0x58),
        (Qualifier("last upper limit exceed", DURATION_FORM, 3600), 0x5E),
        (Qualifier("first", DURATION_FORM, 60), 0x61),
        (Qualifier("last", DURATION_FORM, 86400), 0x67),
        (Qualifier("during lower limit exceed"), 0x68),
        (Qualifier("leakage"), 0x69),
        (Qualifier("begin of first", TIME_FORM), 0x6A),
        (Qualifier("end of first", TIME_FORM), 0x6B),
        (Qualifier("during upper limit exceed"), 0x6C),
        (Qualifier("overflow"), 0x6D),
        (Qualifier("begin of last", TIME_FORM), 0x6E),
        (Qualifier("end of last", TIME_FORM), 0x6F),
        (Qualifier(exponent=-6), 0x70),
        (Qualifier(exponent=1), 0x77),
        (Qualifier(shift=-3), 0x78),
        (Qualifier(shift=0), 0x7B),
        (Qualifier(exponent=3), 0x7D),
        (Qualifier("future"), 0x7E),
        (RESERVED_QUALIFIER, 0x10),
    ],
)
def test_combinable_codes(expected, code):
    assert expected == COMBINABLE_VIFE[code]


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        (Qualifier("L1"), 0x01),
        (Qualifier("L3-L1"), 0x07),
        (Qualifier("quadrant 4"), 0x0B),
        (Qualifier("import minus export"), 0x0C),
        (Qualifier(is_unsigned=True), 0x11),
        (RESERVED_QUALIFIER, 0x7F),
    ],
)
def test_codes_behind_fc(expected, code):
    assert expected == EXTENDED_VIFE[code]
