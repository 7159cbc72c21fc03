"""What is not planned, and what to do about it."""

from quartier.cli.plan.assumptions import explain_left_out
from quartier.planning.site.asset_selection import AssetSelection, ExcludedAsset


def test_a_key_of_the_site_file_a_word_or_nothing_is_the_next_step():
    found = AssetSelection(
        left_out={
            "pump": ExcludedAsset("its water is not in the site file", "assets.pump.tank_m3"),
            "bat1": ExcludedAsset("its state of charge is not known", "bat1.soc_pct"),
            "ev1": ExcludedAsset("no car is there"),
        }
    )

    assert [
        "pump: its water is not in the site file; see assets.pump.tank_m3 in the site file",
        "bat1: its state of charge is not known; say --with bat1.soc_pct=40",
        "ev1: no car is there",
    ] == explain_left_out(found)
