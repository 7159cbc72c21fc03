"""Single settings of the site file: seed, link parameters, deadbands, local assets."""

from tests.gateway.daemon.assembly.test_site_model import SITE, read, served

from quartier.daemon.assembly import site_settings

__all__ = ["read"]


def test_neighbours_do_not_draw_the_same_random_delays(read):
    first, second = read().site, read(SITE.replace('"b012"', '"b013"')).site

    assert site_settings.find_random_seed(first) == site_settings.find_random_seed(read().site)
    assert site_settings.find_random_seed(first) != site_settings.find_random_seed(second)


def test_the_link_machine_is_told_the_times_of_the_file(read):
    site = read().site
    _, _, house = served(read())
    params = site_settings.make_link_params(site, house.limits)

    assert (120.0, 9000.0, 93600.0) == (params.heartbeat_timeout_s, params.failsafe_min_s, params.hold_max_s)
    assert house.limits == params.limits


def test_what_is_shared_locally_is_named(read):
    assert ("pv3",) == site_settings.list_local_assets(read().site)


def test_deadbands_of_the_file_count_for_their_units(read):
    found = site_settings.make_deadbands(read().site)

    assert (80.0, 2.0) == (found["w"].width, found["pct"].width)
    assert found["w"] == found["va"] == found["var"]
    assert (0.0, 60.0) == (found["wh"].width, found["wh"].period_s)
