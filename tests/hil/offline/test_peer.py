from quartier_hil.offline.controller import Controller

MODES = '[[events]]\nat_s = 10\ndo = "{what}"\n{key} = false\n'

PLAN = '[[events]]\nat_s = 10\ndo = "schedule"\nasset = "bat1"\npower_w = 1500\nfor_s = 200\n'


def test_the_house_is_controlled_from_the_first_second(day):
    assert [(-59, "CONTROLLED")] == day(duration_s=5).perform().modes


def test_the_link_is_lost_two_minutes_after_the_last_heartbeat(day):
    found = day(MODES.format(what="broker", key="up"), duration_s=200).perform()

    (at_s, mode) = found.modes[-1]
    assert "FAILSAFE" == mode
    assert 10 + 90 <= at_s <= 10 + 122


def test_who_comes_back_is_told_the_newest_document_again(day):
    back = '[[events]]\nat_s = 200\ndo = "broker"\nup = true\n'
    found = day(MODES.format(what="broker", key="up") + back, duration_s=300).perform()

    assert ["CONTROLLED", "FAILSAFE", "CONTROLLED"] == [mode for _, mode in found.modes]
    assert {"ACCEPTED"} == {ack.status for ack in found.peer.acks}


NONSENSE = '[[events]]\nat_s = {at_s}\ndo = "document"\nkind = "{kind}"\n'


def test_documents_without_sense_are_answered_and_move_nothing(day):
    kinds = ("nan", "negative", "huge", "replayed", "late")
    text = "".join(NONSENSE.format(at_s=10 * place, kind=kind) for place, kind in enumerate(kinds, 1))
    found = day(text, duration_s=80).perform()

    assert ["REJECTED", "REJECTED", "ACCEPTED", "REJECTED", "REJECTED"] == [
        status for _, status, _ in found.peer.answers
    ]
    assert {12_000} == {found.view["caps"]["import"]["max_w"]}
    assert [(-59, "CONTROLLED")] == found.modes


def test_a_schedule_is_followed_and_answered_and_goes_on_after_a_restart_but_not_after_a_power_cut(day):
    found = day(PLAN, duration_s=120).perform()
    kept = found.controller.leave(found.now)

    assert 1_500 == found.controller.state.book.orders["bat1.setpoint_w"].value
    assert ["ACCEPTED", "STARTED", "SUCCEEDED"] == [ack.status for ack in found.controller.plan_acks]
    assert {"bat1"} == Controller(found.site, kept).start(found.now).entries.keys()
    assert {} == Controller(found.site, kept).start(found.now, outage=True).entries
