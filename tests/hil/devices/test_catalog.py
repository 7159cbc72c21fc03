import pytest

from quartier_drivers import profile
from quartier_hil.devices.catalog import DEVICES, make


def test_every_profile_has_a_device_to_try_it_on():
    assert set(DEVICES) == set(profile.names())


def test_settings_reach_the_device():
    assert {7} == set(make("eastron/sdm630", unit=7).units)


def test_a_profile_without_a_device_is_an_error():
    with pytest.raises(KeyError):
        make("acme/am300")
