import tomllib
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier_drivers.device_profile.toml_positions import KeyPath, find_positions

TEXT = '''\
# a comment with [brackets] and a = sign
title = "x"                     # 2
"quoted.key" = 1                # 3
dotted . "ke\\u0079".here = [   # 4
  1, # one
  { a = 1, b = { c = """
 = [not.a.key]
""" } },
  \'\'\'
[nor.this]\'\'\',
]
when = 1979-05-27 07:32:00      # 12
[table.inner]                   # 13
text = """                      # 14
a = 1
\\""" b = 2
"""
after = true                    # 18
[[list]]                        # 19
a = 1
[list.sub]                      # 21
b = 2
[[list]]                        # 23
a = -1.5e3                      # 24
[[list.deep]]                   # 25
c = \'it\' # 26
'''


def paths(value: Any, here: KeyPath = ()) -> set[KeyPath]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {here} if here else set()
    return found.union(*(paths(inner, (*here, key)) for key, inner in below))


def test_every_key_has_the_line_it_stands_on() -> None:
    lines = dict(reversed(list(find_positions(TEXT))))

    assert paths(tomllib.loads(TEXT)) == set(lines)
    assert 2 == lines["title",]
    assert 3 == lines["quoted.key",]
    assert 4 == lines["dotted", "key", "here"]
    assert 5 == lines["dotted", "key", "here", 0]
    assert 6 == lines["dotted", "key", "here", 1, "b", "c"]
    assert 9 == lines["dotted", "key", "here", 2]
    assert 12 == lines["when",]
    assert 13 == lines["table", "inner"]
    assert 18 == lines["table", "inner", "after"]
    assert 22 == lines["list", 0, "sub", "b"]
    assert 24 == lines["list", 1, "a"]
    assert 26 == lines["list", 1, "deep", 0, "c"]


def test_a_text_that_is_no_toml_gives_what_stands_before_the_trouble() -> None:
    assert [(("a",), 1)] == list(find_positions("a = 1\nb 2\nc = 3\n"))
    assert [(("a",), 1), (("a", 0), 1)] == list(find_positions("a = [1 2]"))
    assert [(("a",), 1)] == list(find_positions('a = "open'))
    assert [] == list(find_positions("[a\nb = 1"))


@given(st.text())
def test_no_text_raises(text: str) -> None:
    list(find_positions(text))


KEYS = st.text(st.characters(codec="utf-8"))
SCALARS = st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text() | st.datetimes()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


@examples(60)  # each writes and reads a whole text
@given(data=st.dictionaries(KEYS, VALUES), multiline=st.booleans())
def test_positions_name_exactly_the_paths_that_tomllib_reads(
    *, data: dict[str, Any], multiline: bool
) -> None:
    text = tomli_w.dumps(data, multiline_strings=multiline)

    assert paths(tomllib.loads(text)) == {path for path, _ in find_positions(text)}
