from hypothesis import given
from hypothesis import strategies as st

from quartier.cli.top.sheet import ORDERS, Column, Row, Sheet, lines, text

COLUMNS = (Column("name"), Column("role", spare=2), Column("power", right=True, spare=1), Column("why"))


def row(name, role, power, why, worry=0):
    return Row(f"asset:{name}", (text(name), text(role), text(power), text(why)), worry)


SHEET = Sheet(
    COLUMNS,
    (
        row("hp1", "load", "2,500 W", "free"),
        row("bat1", "battery", "-80 W", "the device is silent", worry=3),
        row("ev1", "ev", "0 W", "free", worry=1),
    ),
)


def plain(sheet, width):
    return [line.plain for line in lines(sheet, width)]


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
    columns = (Column("name"), Column("outcome", whole=True), Column("because"))
    cells = (text("a name of some length"), text("overwritten"), text("import cap 4000 W"))

    assert "a nam…  overwritten  import cap 40…" == plain(Sheet(columns, (Row("a", cells),)), 35)[1]


def test_a_spare_column_that_is_empty_takes_no_room():
    empty = Sheet(COLUMNS, (row("hp1", "", "2,500 W", "free"),))

    assert ["name    power  why", "hp1   2,500 W  free"] == plain(empty, 80)


@given(
    st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30)), max_size=5),
    st.integers(1, 100),
)
def test_no_line_is_ever_wider_than_the_screen(cells, width):
    rows = tuple(row(str(number), *cell) for number, cell in enumerate(cells))

    assert all(line.cell_len <= width for line in lines(Sheet(COLUMNS, rows), width))


def names(sheet):
    return [row.cells[0].plain for row in sheet.rows]


def test_rows_stand_as_they_are_or_worst_first_or_by_name():
    assert [["hp1", "bat1", "ev1"], ["bat1", "ev1", "hp1"], ["bat1", "ev1", "hp1"]] == [
        names(SHEET.sifted("", order)) for order in ORDERS
    ]


def test_words_of_any_cell_pick_rows_whatever_their_case():
    assert ["bat1"] == names(SHEET.sifted("SILENT", ORDERS[0]))
    assert ["hp1", "ev1"] == names(SHEET.sifted("free", ORDERS[0]))
    assert [] == names(SHEET.sifted("nothing", ORDERS[0]))


def test_only_buses_devices_and_assets_open():
    assert ("asset", "hp1") == SHEET.rows[0].opens
    assert None is Row("point:hp1.power_w", ()).opens
