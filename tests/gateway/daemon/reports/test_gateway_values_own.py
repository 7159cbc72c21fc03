"""The gateway's own points: announced in births, stored and shown under the same names."""

from quartier.control.link.state import LinkMode
from quartier.daemon.reports import gateway_values
from quartier.runtime.ticker import Ticker
from quartier_drivers.points import parse_quantity, split_point
from quartier_drivers.readings import Quality

VIEW = {"mode": "HOLD", "caps": {"import": {"max_w": 9000}, "export": {"max_w": 0}}}


class Clock:
    def now_ns(self):
        return 0


def values(store=None, uplink=None, **options):
    ticker = Ticker(1.0, Clock(), lambda: None)
    ticker.lateness.add(0.25)
    ticker.skipped_count = 4
    return gateway_values.find_gateway_values(
        VIEW, ticker, store or {}, uplink or {}, **{"alarms_count": 2, "synced": True, **options}
    )


def test_exactly_the_announced_points_get_values():
    assert list(gateway_values.GATEWAY_POINTS) == list(values())


def test_an_operator_sees_mode_caps_lateness_and_alarms():
    found = values({"backlog_count": 12, "gaps_count": 1}, {"data_on": True}, synced=False)

    assert "HOLD" == gateway_values.LINK_STATES[found["gateway.mode_index"]]
    assert (9000.0, 0.0) == (found["gateway.import_max_w"], found["gateway.export_max_w"])
    assert (0.25, 4, 2) == (
        found["gateway.lateness_s"],
        found["gateway.skipped_count"],
        found["gateway.alarms_count"],
    )
    assert (False, True) == (found["gateway.synced_on"], found["gateway.district_on"])
    assert (12, 1) == (found["gateway.backlog_count"], found["gateway.gaps_count"])


def test_a_house_without_a_district_says_so_and_a_store_that_is_not_open_counts_nothing():
    found = values()

    assert found["gateway.district_on"] is False
    assert 0 == found["gateway.backlog_count"]


def test_every_mode_of_the_link_has_its_number():
    assert set(gateway_values.LINK_STATES) == {str(mode) for mode in LinkMode}


def test_readings_are_good_and_of_now():
    found = gateway_values.make_gateway_readings(values(), 17)

    assert {(Quality.GOOD, 17)} == {(reading.quality, reading.taken_ns) for reading in found}


def test_births_announce_a_kind_that_fits_the_value():
    infos = gateway_values.make_point_infos(gateway_values.GATEWAY_POINTS, "gateway")
    kinds = {"float": float, "int": int, "bool": bool}

    assert set(gateway_values.GATEWAY_POINTS) == set(infos)
    for point, value in values().items():
        assert kinds[infos[point].kind] is type(value), point
        assert infos[point].kind == parse_quantity(split_point(point)[1]).kind
        assert (False, "gateway") == (infos[point].writable, infos[point].address)
