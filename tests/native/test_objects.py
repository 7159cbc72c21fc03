"""Lines of P1 telegrams."""

from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.meter.p1.lines import _group
from quartier_native.reference import objects

BLANK = objects.Group("", "")
LABELS = st.sampled_from(
    ["1-0:1.8.1", "0-0:96.1.1", "0-1:24.2.1", "0-10:1.1.1", "00-1:1.1.1", "1.8.0", "255-255:255.255.255"]
) | st.sampled_from(["1-0:1.8.1*255", "1-0:1.8", "1-0:1111.8.0", "x", "", "1-0.1.8.0", "1:1.8.0"])
VALUES = (
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "-", "+"]),
        st.from_regex(r"[0-9]{0,17}(\.[0-9]{0,11})?", fullmatch=True),
        st.sampled_from(["", "*kWh", "*m3", "*", "*a b", "*a:b", "*é", "*k(", "*" + "W" * 17]),
    )
    | st.sampled_from(["260701121355S", "W", "S", "E0043", "a:b", "a*b", "", "0.5.1", "4530303433", "()"])
    | st.text(st.characters(codec="latin-1"), max_size=6)
)
ROWS = st.builds(
    "{}({}){}".format, LABELS, VALUES, st.sampled_from([""] * 9 + [" ", "(1)", ")"])
) | st.sampled_from(["", "(00012.345)", " (1)", "\x1c(2)", "/KFM5", "1-0:1.8.1("])


@given(ROWS)
def test_a_line_that_is_taken_is_what_the_driver_makes_of_it(row):
    group = objects.object_of(row)

    assert group is None or repr(_group(row, {})) == repr(group)


def test_plain_lines_are_read_and_others_are_left():
    rows = [
        "1-0:1.8.1(001.5*kWh)",
        "0-1:24.2.1(5*m3)",
        "0-0:96.13.0()",
        "0-0:17.0.0(1)",
        "(2)",
        "1-0:32.7.0(230.1)",
    ]
    known = {}
    groups, others = objects.read_objects(rows, known, BLANK)

    assert [(1, rows[1]), (3, rows[3]), (4, rows[4])] == others
    assert [1.5, "", "", "", "", 230.1] == [group.value for group in groups]
    assert {rows[0], rows[2], rows[5]} == set(known)
    assert groups[0] is objects.read_objects(rows, known, BLANK)[0][0]
