import pytest

from quartier_sim.meters.mbus import frames, records
from quartier_sim.meters.mbus.frames import ACKNOWLEDGED, SlaveIdentity
from quartier_sim.meters.mbus.slaves import MasterFrame, Slave

NKE, REQ_0, REQ_1 = 0x40, 0x5B, 0x7B
PAGES = [[records.make_quantity_record("energy", page, 0)] for page in (10, 20, 30)]


@pytest.fixture
def slave():
    return Slave(SlaveIdentity(serial=12345678, medium=4), lambda: PAGES, address=5)


def _select(slave, number="12345678", rest="ffffffff"):
    wanted = bytes.fromhex(number)[::-1] + bytes.fromhex(rest)
    return slave.answer(MasterFrame(0x73, 0xFD, 0x52, wanted))


def _energy(reply):
    return None if reply is None else reply.telegram.statements[0].value


def test_it_answers_at_its_address_and_nowhere_else(slave):
    assert ACKNOWLEDGED == slave.answer(MasterFrame(NKE, 5)).data
    assert slave.answer(MasterFrame(NKE, 6)) is None
    assert ACKNOWLEDGED == slave.answer(MasterFrame(NKE, 0xFE)).data
    assert slave.answer(MasterFrame(NKE, 0xFF)) is None


def test_a_toggled_frame_count_bit_brings_the_next_telegram_and_the_same_one_the_same(slave):
    slave.answer(MasterFrame(NKE, 5))
    seen = [
        _energy(slave.answer(MasterFrame(control, 5)))
        for control in (REQ_1, REQ_1, REQ_0, REQ_1, REQ_1, REQ_0)
    ]

    assert [10, 10, 20, 30, 30, 10] == seen
    assert 0x1F == slave.told[0].data[-3]
    assert 0x1F != slave.told[2].data[-3]


@pytest.mark.parametrize(
    ("number", "rest", "fits"),
    [
        ("12345678", "ffffffff", True),
        ("12ffffff", "ffffffff", True),
        ("ffffffff", "ffffff04", True),
        ("12345679", "ffffffff", False),
        ("ffffffff", "ffffff07", False),
    ],
)
def test_it_is_selected_by_a_mask_that_fits(slave, number, rest, fits):
    reply = _select(slave, number, rest)

    assert fits == (reply is not None)
    assert fits == (slave.answer(MasterFrame(REQ_1, 0xFD)) is not None)


def test_another_selection_or_a_reset_ends_the_first(slave):
    _select(slave)
    _select(slave, "99999999")
    assert slave.answer(MasterFrame(REQ_1, 0xFD)) is None
    _select(slave)
    slave.answer(MasterFrame(NKE, 0xFD))
    assert slave.answer(MasterFrame(REQ_1, 0xFD)) is None


def test_busy_slaves_say_so_for_a_while(slave):
    slave.busy_count = 1

    assert frames.build_error(frames.BUSY, 5) == slave.answer(MasterFrame(REQ_1, 5)).data
    assert 10 == _energy(slave.answer(MasterFrame(REQ_1, 5)))


def test_its_address_can_be_set_and_without_power_it_is_silent(slave):
    slave.answer(MasterFrame(0x53, 5, 0x51, bytes.fromhex("017a09")))
    assert ACKNOWLEDGED == slave.answer(MasterFrame(NKE, 9)).data
    slave.off = True
    assert slave.answer(MasterFrame(NKE, 9)) is None


def test_a_fixed_structure_stands_in_for_records():
    told = frames.build_fixed_response(1, ((1, 2), (2, 2)))

    assert (
        told.data
        == Slave(SlaveIdentity(serial=1), list, fixed=lambda: told).answer(MasterFrame(REQ_1, 0)).data
    )
