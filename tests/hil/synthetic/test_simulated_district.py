from quartier_hil.synthetic.controller import Controller

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

    assert ["REJECTED"] * 5 == [status for _, status, _ in found.peer.answers]
    assert {12_000} == {found.view["caps"]["import"]["max_w"]}
    assert [(-59, "CONTROLLED")] == found.modes


def test_a_schedule_is_followed_and_answered_and_goes_on_after_a_restart_but_not_after_a_power_cut(day):
    found = day(PLAN, duration_s=120).perform()
    kept = found.controller.leave(found.now)

    assert 1_500 == found.controller.state.book.orders["bat1.setpoint_w"].value
    assert ["ACCEPTED", "STARTED", "SUCCEEDED"] == [ack.status for ack in found.controller.plan_acks]
    assert {"bat1"} == Controller(found.site, kept).start(found.now).entries.keys()
    assert {} == Controller(found.site, kept).start(found.now, outage=True).entries


def test_a_shed_command_has_its_tiers_off_and_fail_safe_parameters_are_taken(day):
    text = (
        '[[events]]\nat_s = 10\ndo = "shed"\nlevel = 1\nfor_s = 100\n'
        '[[events]]\nat_s = 10\ndo = "failsafe"\nimport_max_w = 4000\nexport_max_w = 0\n'
    )
    found = day(text, duration_s=60).perform()

    assert {"ACCEPTED"} == {ack.status for ack in found.peer.acks}
    assert 0 == found.controller.state.book.orders["ev1.current_max_a"].value
    assert 4_000 == found.controller.linked.failsafe.import_max_w


def test_who_comes_back_is_told_the_newest_document_of_each_program(day):
    text = (
        '[[events]]\nat_s = 10\ndo = "caps"\nprogram = "market"\nimport_max_w = 5000\nfor_s = 500\n'
        '[[events]]\nat_s = 20\ndo = "kill"\ndown_s = 5\n'
    )
    found = day(text, duration_s=60).perform()

    assert ["district", "market", "district", "market"] == [ack.id.split("-")[0] for ack in found.peer.acks]
    assert 5_000 == found.view["caps"]["import"]["max_w"]
