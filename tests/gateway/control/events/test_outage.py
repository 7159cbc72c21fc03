from quartier.control.events import outage
from quartier.control.events.outage import OutageRecovery

S = 1_000_000_000


def looked(one, seconds, *, well=True, gone=False, start_s=0):
    for t in range(start_s, start_s + seconds):
        one = outage.update_recovery(one, 7, t * S, gone=gone, well=well)
    return one


def test_without_an_outage_nothing_waits_and_nothing_limits():
    one = looked(OutageRecovery(), 100)

    assert (False, None) == (outage.is_waiting(one, 0), outage.find_import_ceiling_w(one, 10_000, 0))


def test_after_an_outage_the_grid_must_be_well_for_60_s_in_one():
    one = looked(OutageRecovery(), 1, gone=True)
    one = looked(one, 60, start_s=1)
    assert one.rises_ns is None
    one = looked(one, 1, start_s=61, well=False)
    one = looked(one, 60, start_s=62)
    assert one.rises_ns is None

    one = looked(one, 1, start_s=122)
    assert 0 <= (one.rises_ns - 122 * S) / S <= 300


def test_what_is_raised_rises_by_a_tenth_of_the_contract_a_minute_from_what_came_back():
    one = outage.note_rise(OutageRecovery(is_open=True, rises_ns=0), 3_000, 10_000, 0)

    assert 3_000 == outage.find_import_ceiling_w(one, 10_000, 0)
    assert 4_000 == outage.find_import_ceiling_w(one, 10_000, 60 * S)
    assert one == outage.note_rise(one, 3_500, 10_000, 419 * S)
    assert OutageRecovery() == outage.note_rise(one, 3_500, 10_000, 420 * S)


def test_nothing_rises_before_it_is_known_what_the_building_takes():
    one = outage.note_rise(OutageRecovery(is_open=True, rises_ns=0), None, 10_000, S)

    assert 0.0 == outage.find_import_ceiling_w(one, 10_000, S)


def test_another_outage_begins_anew():
    one = OutageRecovery(is_open=True, normal_ns=1, rises_ns=2, from_w=3)

    assert outage.begin_recovery() == looked(one, 1, gone=True)


def test_it_waits_until_it_may_rise():
    one = OutageRecovery(is_open=True, rises_ns=5 * S)

    assert [True, False] == [outage.is_waiting(one, t * S) for t in (4, 5)]
