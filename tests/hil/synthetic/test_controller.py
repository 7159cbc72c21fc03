from quartier.control.requests import Heartbeat
from quartier.site.records import Now
from quartier_hil.synthetic.controller import Controller

EPOCH_MS = 1_790_000_000_000


def _now(seconds):
    return Now(round(seconds * 1e9), EPOCH_MS + int(seconds * 1e3), synced=True)


def test_a_fresh_gateway_holds_the_failsafe_caps(day):
    controller = Controller(day().site).start(_now(1))

    view = controller.turn(_now(2)).view
    assert ("INIT", 6_000) == (view["mode"], view["caps"]["import"]["max_w"])


def test_a_heartbeat_alone_grants_nothing(day):
    controller = Controller(day().site).start(_now(1))
    controller.heartbeat(Heartbeat(1, _now(2).utc_ms), _now(2))

    assert "INIT" == controller.turn(_now(3)).view["mode"]


def test_a_restart_goes_on_with_what_was_kept(day):
    found = day(duration_s=10).perform()
    kept = found.controller.leave(found.now)

    again = Controller(found.site, kept).start(found.now)
    assert "CONTROLLED" == again.turn(found.now).view["mode"]


def test_a_restart_on_another_boot_of_the_machine_is_an_outage(day):
    found = day(duration_s=10).perform()
    kept = found.controller.leave(found.now)

    again = Controller(found.site, kept).start(found.now, outage=True)
    assert "INIT" == again.turn(found.now).view["mode"]
    assert again.state.events.outage.is_open
