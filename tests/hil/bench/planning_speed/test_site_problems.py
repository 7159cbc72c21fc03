"""Sites that are drawn: sound, the same for the same seed, and of every kind."""

from quartier.planning.site.site_model import check_site
from quartier_bench.planning_speed.site_problems import draw_site, draw_strained_site, make_car_park


def test_every_site_that_is_drawn_is_one_that_can_be_planned_and_all_kinds_come() -> None:
    sites = [draw_site(seed) for seed in range(100)]
    for site in sites:
        check_site(site)

    assert {0, 1, 2} == {len(site.batteries) for site in sites}
    assert {0, 1, 2, 3, 5} == {len(site.cars) for site in sites}
    assert {0, 1, 2} == {len(site.tanks) for site in sites} == {len(site.batches) for site in sites}
    assert {True, False} == {site.contract.peak_eur_per_w > 0.0 for site in sites}


def test_the_same_seed_draws_the_same_site() -> None:
    assert draw_site(7) == draw_site(7) != draw_site(8)
    assert make_car_park() == make_car_park()


def test_the_large_site_is_a_car_park_over_two_days() -> None:
    site = make_car_park()
    check_site(site)

    assert (20, 1, 1, 192) == (len(site.cars), len(site.batteries), len(site.tanks), site.outlook.count)


def test_strained_sites_are_sound_and_their_own() -> None:
    for seed in range(50):
        check_site(draw_strained_site(seed))

    assert draw_strained_site(7) == draw_strained_site(7) != draw_strained_site(8)
    assert draw_strained_site(7) != draw_site(7)
