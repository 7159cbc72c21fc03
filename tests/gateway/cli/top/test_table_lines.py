from hypothesis import given
from hypothesis import strategies as st

from quartier.cli.top.table_lines import (
    SORT_ORDERS,
    TableColumn,
    TableRow,
    TableSheet,
    make_cell,
    render_sheet,
)

COLUMNS = (
    TableColumn("name"),
    TableColumn("role", drop_rank=2),
    TableColumn("power", right=True, drop_rank=1),
    TableColumn("why"),
)


def row(name, role, power, why, worry=0):
    return TableRow(
        f"asset:{name}", (make_cell(name), make_cell(role), make_cell(power), make_cell(why)), worry
    )


SHEET = TableSheet(
    COLUMNS,
    (
        row("hp1", "load", "2,500 W", "free"),
        row("bat1", "battery", "-80 W", "the device is silent", worry=3),
        row("ev1", "ev", "0 W", "free", worry=1),
    ),
)


def plain(sheet, width):
    return [line.plain for line in render_sheet(sheet, width)]


def test_a_wide_screen_shows_every_column_aligned():
    assert [
        "name  role       power  why",
        "hp1   load     2,500 W  free",
        "bat1  battery    -80 W  the device is silent",
        "ev1   ev           0 W  free",
    ] == plain(SHEET, 80)


def test_where_room_is_short_the_most_spare_column_goes_first_and_the_last_is_cut():
    assert "bat1    -80 W  the device is…" == plain(SHEET, 29)[2]
    assert "bat1  the device is…" == plain(SHEET, 20)[2]


def test_columns_that_must_be_whole_and_the_last_keep_their_room_before_others():
    columns = (TableColumn("name"), TableColumn("outcome", whole=True), TableColumn("because"))
    cells = (make_cell("a name of some length"), make_cell("overwritten"), make_cell("import cap 4000 W"))

    assert "a nam…  overwritten  import cap 40…" == plain(TableSheet(columns, (TableRow("a", cells),)), 35)[1]


def test_a_spare_column_that_is_empty_takes_no_room():
    empty = TableSheet(COLUMNS, (row("hp1", "", "2,500 W", "free"),))

    assert ["name    power  why", "hp1   2,500 W  free"] == plain(empty, 80)


@given(
    st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30)), max_size=5),
    st.integers(1, 100),
)
def test_no_line_is_ever_wider_than_the_screen(cells, width):
    rows = tuple(row(str(number), *cell) for number, cell in enumerate(cells))

    assert all(line.cell_len <= width for line in render_sheet(TableSheet(COLUMNS, rows), width))


def names(sheet):
    return [row.cells[0].plain for row in sheet.rows]


def test_rows_stand_as_they_are_or_worst_first_or_by_name():
    assert [["hp1", "bat1", "ev1"], ["bat1", "ev1", "hp1"], ["bat1", "ev1", "hp1"]] == [
        names(SHEET.filter_and_sort("", order)) for order in SORT_ORDERS
    ]


def test_words_of_any_cell_pick_rows_whatever_their_case():
    assert ["bat1"] == names(SHEET.filter_and_sort("SILENT", SORT_ORDERS[0]))
    assert ["hp1", "ev1"] == names(SHEET.filter_and_sort("free", SORT_ORDERS[0]))
    assert [] == names(SHEET.filter_and_sort("nothing", SORT_ORDERS[0]))


def test_only_buses_devices_and_assets_open():
    assert ("asset", "hp1") == SHEET.rows[0].page_subject
    assert None is TableRow("point:hp1.power_w", ()).page_subject
