from quartier_sim.sunspec import random_models
from quartier_sim.sunspec.register_image import RegisterImage


def test_the_same_seed_gives_the_same_values_and_another_others():
    one, same, other = (
        random_models.generate_models(random_models.SECOND_GENERATION, seed) for seed in (4, 4, 5)
    )

    assert one == same
    assert one != other


def test_every_type_of_both_generations_is_drawn_and_some_points_are_not_implemented():
    image = RegisterImage(
        random_models.generate_models(
            sorted({*random_models.FIRST_GENERATION, *random_models.SECOND_GENERATION}), 1
        )
    )
    kinds = {cell.point.kind for cell in image}

    assert {
        "int16",
        "uint32",
        "int32",
        "uint64",
        "acc64",
        "float32",
        "string",
        "bitfield32",
        "sunssf",
    } <= kinds
    absent = [cell.path for cell in image if image.get(cell.path) is None]
    assert 100 < len(absent) < len(image.cells) / 2
    assert any(path.endswith("_SF") for path in absent)


def test_groups_are_drawn_at_every_depth():
    image = RegisterImage(random_models.generate_models([707, 160], 2))

    assert "707.Crv[0].MomCess.Pt[0].Tms" in image.cells
    assert "160.module[0].DCW" in image.cells
