from quartier.config import loading
from quartier_bench.torture import counting_site


def test_the_site_is_one_that_the_gateway_takes_without_a_word(tmp_path):
    link = counting_site.DistrictLink(url="mqtt://127.0.0.1:1883", backfill_messages_per_s=50.0)
    file = counting_site.write_site(tmp_path, [1502, 1503], 20, link, period_s=5.0)
    loaded = loading.load_site_leniently(file)

    assert {} == loaded.disabled
    assert {"grid", "load1"} == set(loaded.site.assets)
    assert 20 == len(loaded.profiles["meter0"].parts[""])
    assert (0.0, 50.0) == (
        loaded.site.store.deadbands.power_w,
        loaded.site.district_link.backfill_messages_per_s,
    )


def test_files_of_the_link_stand_under_their_keys(tmp_path):
    link = counting_site.DistrictLink(
        url="mqtts://district.test:8883", files=(("ca_file", tmp_path / "ca.pem"),)
    )

    assert (
        f'ca_file = "{tmp_path}/ca.pem"'
        in counting_site.write_site(tmp_path, [1502], 1, link, period_s=1.0).read_text()
    )


def test_the_first_meter_is_the_grids():
    assert ["grid", "load1", "load2"] == [counting_site.name_asset(place) for place in range(3)]
