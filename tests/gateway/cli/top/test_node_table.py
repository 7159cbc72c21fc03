import pytest

from quartier.cli.top import node_table
from quartier.cli.top.table_lines import render_sheet

ROOT = {
    "name": "grid", "under": None, "basis": "measured", "fuse_a": None, "load_w": [6_400.0, 4_100.0, 1_200.0, 1_100.0],
    "import_max_w": [9_000.0, None, None, None], "headroom_w": [2_600.0, None, None, None], "holds": [],
}  # fmt: skip
SHED = {
    "name": "shed", "under": "grid", "basis": "measured", "fuse_a": 16.0, "load_w": [3_900.0, 3_500.0, 400.0, 0.0],
    "import_max_w": [11_040.0, 3_680.0, 3_680.0, 3_680.0], "headroom_w": [7_140.0, 180.0, 3_280.0, 3_680.0],
    "holds": ["ev1", "heat"],
}  # fmt: skip


def test_each_node_is_a_line_with_its_loads_beside_their_caps_and_whom_it_holds():
    assert [
        "node under load by fuse kW L1 L2 L3 room holds back",
        "grid measured 6.4/9.0 4.1 1.2 1.1 2,600 W",
        "shed grid measured 16 A 3.9/11.0 3.5/3.7 0.4/3.7 0.0/3.7 180 W ev1, heat",
    ] == [
        " ".join(line.plain.split()) for line in render_sheet(node_table.make_node_sheet([ROOT, SHED]), 120)
    ]


def test_what_matters_fits_on_a_narrow_screen():
    assert [
        "node  load by         kW       L1       L2       L3   room  holds back",
        "shed  measured  3.9/11.0  3.5/3.7  0.4/3.7  0.0/3.7  180 W  ev1, heat",
    ] == [line.plain for line in render_sheet(node_table.make_node_sheet([SHED]), 72)]


@pytest.mark.parametrize(
    ("l1_w", "style", "worry"), [(3_300.0, "", 0), (3_400.0, "yellow", 1), (3_700.0, "red", 3)]
)
def test_a_phase_near_its_fuse_is_yellow_and_over_it_red(l1_w, style, worry):
    (row,) = node_table.make_node_sheet([SHED | {"load_w": [l1_w, l1_w, 0.0, 0.0]}]).rows

    assert (style, worry) == (row.cells[5].style, row.severity)


def test_a_silent_meter_is_worried_about():
    (row,) = node_table.make_node_sheet([ROOT | {"basis": "silent"}]).rows

    assert ("red", 3) == (row.cells[2].style, row.severity)
    assert "its meter is silent, counted at its worst" in row.more


def test_the_line_below_says_all_of_it():
    (row,) = node_table.make_node_sheet([SHED]).rows

    assert (
        "shed: under grid, fuse 16 A, load measured, together 3,900 W of 11,040 W, L1 3,500 W of 3,680 W,"
        " L2 400 W of 3,680 W, L3 0 W of 3,680 W, holds back ev1 and heat"
    ) == row.more
    assert row.page_subject is None
