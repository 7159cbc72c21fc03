from quartier.house.assets import Mode
from quartier.house.modes import Lights


def test_the_point_of_an_asset_in_modes_is_its_own():
    lights = Lights(name="street", rated_w=100, quantity="dim_pct", modes=(Mode("full", 100, 100),))

    assert "street.dim_pct" == lights.point
