import pytest

from quartier.control.allocate import thermal_preferences
from quartier.site.asset_types import CoolingAsset, OperationMode

ROOM = CoolingAsset(
    name="air1",
    rated_w=4_000,
    tier="C",
    quantity="setpoint_shift_k",
    senses=("room_c",),
    modes=(
        OperationMode("boost", -2, 4_000),
        OperationMode("normal", 0, 3_000),
        OperationMode("lowered", 2, 1_500),
    ),
    normal=1,
    boosts=0,
    comfort_min_c=22,
    comfort_max_c=26,
)


@pytest.mark.parametrize(
    ("room_c", "wanted", "highest", "tier"),
    [(24, 0, 0, "C"), (23.9, 1, 0, "C"), (22, 1, 1, "C"), (26, 0, 0, "C"), (26.1, 1, 0, "B")],
)
def test_a_room_is_cooled_ahead_down_to_its_band_and_left_alone_last_when_it_is_warm(
    seen, room_c, wanted, highest, tier
):
    leaning = thermal_preferences.find_cooling_preference(
        ROOM, seen(ROOM, grid_w=-5_000, room_c=room_c, power_w=0)
    )

    assert (wanted, highest, tier) == (leaning.wanted, leaning.highest, leaning.tier)
    assert 2 == leaning.lowest
