from quartier.control.link.state import LinkMode
from quartier_bench.fleet.district_limits import FleetLink

START_MS = 1_768_474_800_000


def run(link, first, last, *, beats=True):
    shares = []
    for second in range(first, last):
        if beats and second % 30 == 0:
            link.accept_heartbeat(second)
        shares.append(link.second(second)[0])
    return shares


def test_a_fleet_begins_controlled_and_follows_the_districts_caps():
    link = FleetLink([(0, 1.0), (300, 0.6), (600, 1.0)], START_MS, "failsafe")
    shares = run(link, 0, 900)

    assert LinkMode.CONTROLLED is link.mode
    assert [1.0, 0.6, 0.6, 1.0] == [shares[at] for at in (299, 300, 599, 600)]


def test_without_heartbeats_half_of_the_contract_is_left_after_120_s_and_four_fifths_after_two_hours():
    link = FleetLink([(0, 1.0)], START_MS, "failsafe")
    run(link, 0, 61)
    shares = run(link, 61, 7400, beats=False)

    assert [1.0, 0.5, 0.5, 0.8] == [shares[at - 61] for at in (180, 181, 7380, 7381)]
    assert LinkMode.AUTONOMOUS is link.mode


def test_a_building_that_is_long_alone_takes_what_its_site_file_says():
    link = FleetLink([(0, 1.0)], START_MS, "failsafe", autonomous=0.6)
    run(link, 0, 61)

    assert 0.6 == run(link, 61, 7400, beats=False)[-1]


def test_a_document_that_says_hold_lets_the_caps_go_on():
    link = FleetLink([(0, 1.0), (600, 0.6)], START_MS, "hold")
    run(link, 0, 61)
    shares = run(link, 61, 700, beats=False)

    assert LinkMode.HOLD is link.mode
    assert [1.0, 0.6] == [shares[500 - 61], shares[-1]]


def test_a_restart_drops_nothing():
    link = FleetLink([(0, 1.0), (60, 0.6)], START_MS, "failsafe")
    run(link, 0, 100)
    link.restart_gateways(130)

    assert (LinkMode.CONTROLLED, 0.6) == (link.mode, link.second(130)[0])


def test_after_an_outage_the_fail_safe_value_holds_until_a_document_comes_again():
    link = FleetLink([(0, 1.0)], START_MS, "failsafe")
    run(link, 0, 31)
    assert 0.5 == link.second(31, outage=True)[0]
    assert (LinkMode.INIT, 0.5) == (link.mode, link.second(59)[0])

    link.accept_heartbeat(60)
    link.accept_document(60)
    assert (LinkMode.CONTROLLED, 1.0) == (link.mode, link.second(60)[0])
