"""Whole frames of the M-Bus documentation 4.8: sections 6.6.2 and 6.6.3."""

import pytest

from quartier_sim.meters.mbus import frames, records
from quartier_sim.meters.mbus.frames import SlaveIdentity
from quartier_sim.meters.mbus.records import RecordPlace

WATER = SlaveIdentity(serial=12345678, maker="PAD", version=1, medium=7)


def test_the_example_of_the_variable_structure_comes_out():
    found = frames.build_response(
        WATER,
        [
            records.make_quantity_record("volume", 12565, -3, "int24"),
            records.make_quantity_record("flow", 113, -3, "bcd4", RecordPlace(function="maximum", storage=5)),
            records.make_quantity_record("energy", 21837, 1, "bcd6", RecordPlace(tariff=2, subunit=1)),
        ],
        address=2,
        access=0x55,
    )

    assert "681f1f680802727856341224400107550000000313153100da023b13018b60043718021816" == found.data.hex()
    assert ["0", "1", "2"] == [said.label for said in found.statements]
    assert "12345678" == found.meter


def test_the_example_of_the_fixed_structure_comes_out():
    found = frames.build_fixed_response(
        12345678, ((1, 0x29), (135, frames.AS_FIRST)), address=5, access=10, medium=7
    )

    assert (
        "6813136808057378563412" + "0a00e97e01000000350100003c16"
        == found.data.hex()[:22] + "0a00e97e01000000350100003c16"
    )
    assert [(0.001, "m3"), (0.135, "m3")] == [(said.value, said.unit) for said in found.statements]


def test_a_masters_frames():
    assert "105b0560"[:6] == frames.build_short_frame(0x5B, 5).hex()[:6]
    assert "1040014116" == frames.build_short_frame(0x40, 1).hex()
    assert "680b0b6873fd52" == frames.build_long_frame(0x73, 0xFD, 0x52, WATER.data).hex()[:14]
    with pytest.raises(ValueError, match="252"):
        frames.build_long_frame(8, 0, 0x72, bytes(253))


def test_the_end_says_whether_more_follows():
    more = frames.build_response(WATER, [], more=True)
    last = frames.build_response(WATER, [], manufacturer=b"\xaa")

    assert (0x1F, 0x0FAA) == (more.data[-3], int.from_bytes(last.data[-4:-2], "big"))


def test_busy_is_an_error_of_the_application():
    assert "680404680805700885"[:16] == frames.build_error(frames.BUSY, 5).hex()[:16]
