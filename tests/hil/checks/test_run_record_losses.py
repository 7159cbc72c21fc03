from math import inf

from quartier_hil.checks.run_record import LossLog, read_losses, read_silent_devices

CAR, LAMPS = ("loss.ev_silent", "ev1"), ("loss.moded_silent", "lamps1")


def test_a_loss_lasts_from_when_it_was_told_until_it_is_not():
    seen = LossLog()
    for now_s, now in ((1, {}), (2, {CAR: 0.0}), (3, {CAR: 1.0, LAMPS: 0.0}), (9, {LAMPS: 6.0})):
        seen.look(now_s, now)

    assert ((2, 9, CAR), (3, inf, LAMPS)) == seen.spans


def test_what_the_daemon_says_of_its_age_counts_and_not_when_somebody_looked():
    seen = LossLog()
    seen.look(20, {CAR: 4.0})

    assert ((16, inf, CAR),) == seen.spans


def test_losses_contacts_and_boards_of_a_view_are_told_by_code():
    view = {
        "losses": [{"name": "ev-silent", "of": "ev1", "since_utc_ms": 1_000}],
        "contacts": {"dso1": {"why": "cannot be read"}, "dso2": {"why": "acts"}},
        "nodes": [{"name": "park", "basis": "silent"}, {"name": "grid", "basis": "silent"}],
    }

    assert {CAR: 3.0, ("contact.unread", "dso1"): 0.0, ("node.meter_silent", "park"): 0.0} == read_losses(
        view, 4_000
    )


def test_a_bus_tells_which_of_its_devices_are_silent():
    devices = [{"name": "relays", "state": "silent"}, {"name": "meter", "state": "good"}]

    assert {("device.silent", "relays"): 0.0} == read_silent_devices({"buses": [{"devices": devices}]})
