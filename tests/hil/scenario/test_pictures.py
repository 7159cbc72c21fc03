import pytest
from pydantic import ValidationError

from quartier_hil.scenario.pictures import Curve, Picture

CAP = {"point": "cap.import_w", "label": "import cap"}


def _picture(*curves, **more):
    panels = [{"unit": "kW", "curves": list(curves)}]
    return Picture.model_validate({"name": "lights", "title": "Lights", "panels": panels, **more})


def test_a_picture_knows_the_points_that_it_draws():
    shown = _picture({"point": "grid.power_w", "label": "grid"}, CAP, {"level": 5, "label": "fuse"})

    assert ["grid.power_w", "cap.import_w"] == list(shown.points)


@pytest.mark.parametrize("curve", [{"label": "x"}, {"label": "x", "level": 1, "point": "a.b_w"}])
def test_a_curve_is_a_point_or_a_level_and_not_both(curve):
    with pytest.raises(ValidationError, match="either point or level"):
        Curve.model_validate(curve)


def test_the_name_of_a_picture_is_that_of_a_file():
    with pytest.raises(ValidationError, match="name"):
        _picture(CAP, name="../lights")
