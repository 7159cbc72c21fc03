from quartier.site.asset_types import Lights, OperationMode


def test_the_point_of_an_asset_in_modes_is_its_own():
    lights = Lights(name="street", rated_w=100, quantity="dim_pct", modes=(OperationMode("full", 100, 100),))

    assert "street.dim_pct" == lights.point
