"""A text that is not valid TOML is refused with line, column and what to write instead."""

import pytest

from quartier_drivers.device_profile.toml_files import read_toml
from quartier_drivers.errors import ConfigError


def fault(text: str) -> str:
    with pytest.raises(ConfigError) as error:
        read_toml("f", text)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("\ufeffa = 3,5", "1:5", "not a comma: 3.5"),
        ("a = 3,5", "1:5", "write a decimal point, not a comma: 3.5"),
        ("a = 1.000,5", "1:5", "not a comma: 1000.5"),
        ("ok = [3,5]\na = { b = 3,5 }  # watt", "2:11", "not a comma: 3.5"),
        ("a = 4, 5", "1:5", "not a comma: 4.5"),
        ("a = 4,5 kW", "1:5", "without its unit, with a decimal point: 4500"),
        ("a = { x = 4,5, y = 2 }", "1:11", "not a comma: 4.5"),
        ("a = {x=-4,5,y=2}", "1:8", "not a comma: -4.5"),
        ("a = { y = 2, x = 1.000,5 }", "1:18", "not a comma: 1000.5"),
        ("a = { x = 4,5, y = 3,5 }", "1:11", "not a comma: 4.5"),
        ('a = { x = "1,2", "y" = 4,5 kW, z = 1 }', "1:24", "with a decimal point: 4500"),
        ("a = { b = [1, 2], c = 4,5, d = 3 }", "1:23", "not a comma: 4.5"),
        ("a = { b = { c = 4,5, d = 1 }, e = 3 }", "1:17", "not a comma: 4.5"),
        ("a = [\n { b = 1 },\n { x = 4,5, y = 3 },\n]", "3:8", "not a comma: 4.5"),
        ("[x]\na = [{ x = 4,5, y = 3 }, { x = 1 }]", "2:12", "not a comma: 4.5"),
        ("a = [1,05, 2]", "1:6", "not a comma: 1.05"),
        ("a = [\n 1, 2,\n 1,5 kW,\n]", "3:2", "with a decimal point: 1500"),
        ("a = +5,0", "1:5", "not a comma: +5.0"),
        ("a = “b1”", "1:5", 'here is “ (U+201C); write the plain quote "'),
        ('a = "b1”\nb = 1', "1:8", "here is ” (U+201D)"),
        ("a = «b1»", "1:5", 'write the plain quote "'),
        ("a = \u2018b1\u2019", "1:5", "write the plain quote '"),
        ('t = "it\u2019s"\na = ["x", “y”]', "2:11", "here is “"),
        ('a = "b1', "1:5", "a quote is missing"),
        ("a = 'b1\nb = 1", "1:5", "a quote is missing"),
        ('a = b1"', "1:5", "a quote is missing"),
        ("a = 'it's'", "1:5", "a quote is missing"),
        ('a = "x" "y"', "1:5", "more after the closing quote"),
        ('a = """x\ny', "1:5", "no closing quotes"),
        ("a = victron/gx", "1:5", 'put the text in quotes: "victron/gx"'),
        ("a = 192.168.1.20", "1:5", '"192.168.1.20"'),
        ("a = 07:30", "1:5", '"07:30"'),
        ("a = mqtts://x.example  # broker", "1:5", '"mqtts://x.example"'),
        ('a = [\n  "x",\n  y,\n]', "3:3", '"y"'),
        ("a = True", "1:5", "write true, in small letters"),
        ("a = Yes", "1:5", "write true"),
        ("a = FAUX", "1:5", "write false"),
        ("a = null", "1:5", "no empty value; leave the key out"),
        ("a = ", "1:4", "the value is missing"),
        ("a = 5 kW", "1:5", "without its unit, which the key's name says: 5000"),
        ("a = 16A", "1:5", "key's name says: 16"),
        ("a = 5 000", "1:5", "without spaces: 5000"),
        ("a = 007", "1:5", "does not begin with 0: 7"),
        ("latitude = 48.82°", "1:12", "write the number without its unit, which the key's name says: 48.82"),
        ("a = .5", "1:5", "both sides of the point: 0.5"),
        ("a = 12.", "1:5", "both sides of the point: 12.0"),
        ("a =\u00a05", "1:4", "a no-break space (U+00A0)"),
        ("a\u200b = 5", "1:2", "an invisible space (U+200B)"),
        ("b = 1\n\ufeffa = 1", "2:1", "a byte order mark (U+FEFF)"),
        ("a = \u22125", "1:5", "here is \u2212 (U+2212); write -"),
        ('a = "x\x00"', "1:7", "a control character (U+0000)"),
        ('a: "b1"', "1:2", "write = between a key and its value"),
        ("a = {b: 3}", "1:7", "write = between"),
        ("a == 3", "1:4", "write one ="),
        ('{ "a": 3 }', "1:1", "unlike JSON"),
        ("a", "1:1", "expected key = value"),
        ("b = 1 c = 2", "1:7", "write each key on a line of its own"),
        ('a = "b1",', "1:9", "remove the comma or semicolon at the end of the line"),
        ("; note", "1:1", "a comment begins with #"),
        ('a = "b1" // note', "1:10", "a comment begins with #"),
        ("[a.b\nc = 1", "1:1", "as many ] as ["),
        ("[a.heat pump]", "1:1", "letters without accents"),
        ("puissance_dé = 1", "1:1", "letters without accents"),
        ('a = { role = grid, device = "gx" }', "1:14", 'put the text in quotes: "grid"'),
        ('a = { b = true, role = "load", device = gx }', "1:41", 'put the text in quotes: "gx"'),
        ('a = ["x", victron/gx]', "1:11", 'put the text in quotes: "victron/gx"'),
        ('a = "C:\\p"', "1:8", r"write \\ for each \, or put the text in single quotes"),
        ("a = { b = 1,\n c = 2 }", "1:5", "on one line, or as a section"),
        ("a = { b = 1, }", "1:12", "remove the comma before }"),
        ("a = [1, 2\nb = 3", "1:5", "lacks a comma between two values, or ] at its end"),
        ("a = [1 2]", "1:5", "lacks a comma"),
        ("a = 1\r\n  a = 2\r\nb = 3", "2:3", "a is on line 1 already"),
        ("[x]\nb = 1\n[y]\n[x]", "4:1", "x is on line 1 already"),
        ("[x.y]\na = 1\nb = 2\na = [\n 1,\n]", "4:1", "x.y.a is on line 2 already"),
        ("a = { b = 1, b = 2 }", "1:1", "a.b is on line 1 already"),
        ("[a]\nb = 1\n[a.b]", "3:1", "a.b is on line 2 already"),
        ("a = { b = 1 }\na.c = 2", "2:1", "a is on line 1 already"),
    ],
)
def test_a_common_mistake_is_told_with_its_column_and_what_to_write(text: str, place: str, hint: str) -> None:
    found = fault(text)
    assert found.startswith(f"f:{place}: file: is not valid TOML: "), found
    assert hint in found.partition("; ")[2]


def test_a_mistake_without_a_known_cause_keeps_the_place_of_the_parser() -> None:
    assert "f:1:2: file: is not valid TOML: Invalid initial character for a key part" == fault("[]")


def test_tabs_are_spaces() -> None:
    assert {"a": {"b": 3}} == read_toml("f", "[a]\n\tb\t=\t3\t# three\n")


def test_a_value_is_shown_in_part_only() -> None:
    assert f'"{"x" * 40}…"' in fault(f"a = {'x' * 90}")


def test_a_contract_in_kva_is_told_its_watts():
    for text, watts in (("12kVA", "10800"), ("12,5 kVA", "11250")):
        with pytest.raises(ConfigError, match=f"counts 900 W for 1 kVA: {watts}"):
            read_toml("x.toml", f"contract_import_w = {text}\n")
