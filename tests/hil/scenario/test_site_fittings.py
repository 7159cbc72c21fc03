import pytest
from pydantic import ValidationError

from quartier_hil.scenario import site
from quartier_hil.scenario.site import ChargePark

PARK = ChargePark(kind="cars", name="ev", count=5, single_count=3, arrive_from_s=0, arrive_to_s=10)


def test_a_park_stands_for_its_points():
    assert ("ev01", "ev02", "ev03", "ev04", "ev05") == site.list_asset_names(PARK)


def test_single_phase_cars_take_the_phases_in_turn():
    assert [1, 2, 3, None, None] == [site.find_phase(PARK, place) for place in range(5)]


def test_a_name_is_that_of_an_owner_of_points():
    with pytest.raises(ValidationError, match="name"):
        site.Board(name="Board A", fuse_a=3)


def test_boxes_are_those_of_assets_and_meters_those_of_boards_that_have_one():
    boards = [site.Board(name="a", fuse_a=3, metered=True), site.Board(name="b", fuse_a=3)]

    assert ("a_meter", "ev01_box") == site.list_device_names(boards, [PARK])[:2]
