"""What a person should look at in a profile: found by line and key, and never in what is shipped."""

import sys
import time

import pytest
from tests.drivers.builtin_profiles import NAMES

from quartier_drivers.device_profile import lint, loading, toml_files
from quartier_drivers.errors import ConfigError

HEAD = """\
[profile]
protocol = "modbus"
maker = "ACME"
model = "AM300"
source = "Modbus manual rev. 4, tables 3 and 7"
"""
POWER = """
[points.power_w]
register = "holding:10"
type = "int32"
low = -10000
high = 10000
"""
ORDER = """
[points.current_max_a]
register = "holding:100"
[points.current_max_a.write]
low = 0
high = 32
on_release = 0
"""
SILENCE = '\n[limits]\nno_fallback = "the manual names no timer (section 4)"\n'


def found(text, name="acme/am300"):
    return [str(fault) for fault in lint.find_findings(text, name, "am300.toml")]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_in_a_shipped_profile(name):
    text = loading.find_profile_file(name).read_text(encoding="utf-8")

    assert [] == found(text, name)


def test_nothing_is_found_in_a_profile_with_ranges_and_a_reason_for_no_fall_back():
    assert [] == found(HEAD + SILENCE + POWER + ORDER)


def test_what_cannot_be_loaded_is_the_loaders_to_refuse():
    with pytest.raises(ConfigError, match=r"am300.toml:8: points.power_kw: .* ends in no unit"):
        found(HEAD + '\n\n[points.power_kw]\nregister = "holding:10"\n')


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (
            "am300.toml:5: profile.source: is no source; name the manual, its revision and the table or page",
            HEAD.replace("Modbus manual rev. 4, tables 3 and 7", "internet") + POWER,
        ),
        (
            "am300.toml:7: points.power_w: has no low and no high: a garbled int32 would be believed",
            HEAD + POWER.replace("low = -10000\nhigh = 10000\n", ""),
        ),
        (
            "am300.toml:7: points.power_w: has no high: a garbled int32 would be believed",
            HEAD + POWER.replace("high = 10000\n", ""),
        ),
        (
            (
                "am300.toml:9: points.frequency_hz.low: 4000..7000 leaves out 50, an everyday frequency_hz; "
                "look at the scale"
            ),
            HEAD + '\n[points.frequency_hz]\nregister = "input:1"\nlow = 4000\nhigh = 7000\n',
        ),
        (
            (
                "am300.toml:9: points.power_w.scale: int16 times 0.001 never tells more than 32.768; "
                "look at scale and unit"
            ),
            HEAD + '\n[points.power_w]\nregister = "input:1"\nscale = 0.001\ntype = "int16"\n',
        ),
        (
            (
                "am300.toml:14: points.power_l1_w.register: holding:11 of 2 registers cuts into power_w "
                "(holding:10 of 2); look at address and type"
            ),
            HEAD + POWER + POWER.replace("power_w", "power_l1_w").replace("holding:10", "holding:11"),
        ),
        (
            (
                "am300.toml:9: points.current_max_a.write: has no fallback: name what the device does when "
                "nobody writes ([….write.fallback]), or say in limits.no_fallback why there is none"
            ),
            HEAD + ORDER,
        ),
        (
            "am300.toml:9: limits.gap_max: 10 is no less than limits.block_max = 10, which it is part of",
            HEAD + "\n[limits]\nblock_max = 10\ngap_max = 10\n" + POWER,
        ),
        (
            (
                "am300.toml:10: identity.serial: takes 16 registers, but limits.block_max is 10; "
                "shorten its length"
            ),
            HEAD
            + "\n[limits]\nblock_max = 10\n[identity]\n"
            + 'serial = { register = "holding:1", type = "string", length = 16 }\n'
            + POWER,
        ),
        (
            "am300.toml:9: recognise.who: takes 16 registers, but limits.block_max is 10; shorten its length",
            HEAD
            + "\n[limits]\nblock_max = 10\n[recognise.who]\n"
            + 'register = "holding:1"\ntype = "string"\nlength = 16\nlike = "AM*"\n'
            + POWER,
        ),
    ],
)
def test_a_finding_names_line_key_and_what_to_do(expected, text):
    assert [expected] == found(text)


def test_a_file_in_capitals_is_found():
    (told,) = found(HEAD + POWER, "ACME/AM300")

    assert "am300.toml:4: profile.model: is in ACME/AM300.toml; write folder and file in lower case" in told


def test_bits_sums_and_the_same_register_of_another_unit_do_not_cut_into_each_other():
    others = """
[points.fault_on]
register = "holding:11"
bit = 3
[points.x_power_sum_w]
register = "holding:10"
type = "int32"
sum_of = 3
low = -30000
high = 30000
[points.power_l1_w]
register = "holding:11"
type = "int32"
unit = 100
low = -10000
high = 10000
"""

    assert [] == found(HEAD + POWER + others)


OPCUA = """\
[profile]
protocol = "opcua"
maker = "ACME"
model = "Substation"
source = "OPC UA interface description rev. 3, table 4"
[points.power_w]
node = "nsu=urn:a;s=Power"
low = -1000
high = 9000
"""


def test_points_of_a_server_have_ranges_a_reason_for_no_fall_back_and_nodes_of_their_own():
    order = '[points.position_pct]\nnode = "nsu=urn:a;s=Valve"\n[points.position_pct.write]\nlow = 0\nhigh = 100\non_release = 0\n'
    twice = '[points.heat_power_w]\nnode = "nsu=urn:a;s=Power"\nlow = 0\n'

    assert [] == found(OPCUA, "acme/substation")
    assert any("has no fallback" in one for one in found(OPCUA + order, "acme/substation"))
    assert [
        "am300.toml:10: points.heat_power_w: has no high: whatever the server says would be believed",
        "am300.toml:11: points.heat_power_w.node: nsu=urn:a;s=Power is read by points.power_w too; look at the node",
    ] == found(OPCUA + twice, "acme/substation")


def test_an_object_whose_unit_nobody_declares_is_found():
    text = HEAD.replace('"modbus"', '"bacnet"') + '[points.power_w]\nobject = "analog-input:1"\n'

    assert [True] == ["declares no units" in fault for fault in found(text)]


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (
            'group = "1-0:15.7.0"',
            "points.power_w.group: 1-0:15.7.0 is absolute power, which has no direction",
        ),
        ('group = ["16.7.0", "15.7"]', "points.power_w.group: 15.7 is absolute power"),
        ('group = "1-0:1.7.0"', "points.power_w.minus: is missing: 1-0:1.7.0 is import alone"),
        (
            'group = ["16.7.0", "1.7.0"]',
            "points.power_w.minus: is missing: 1.7.0 is import alone; name the export",
        ),
        ('group = "1.7.0"\nminus = ""', ""),
        ('group = ["16.7.0", "1.7.0"]\nminus = ["", "2.7.0"]', ""),
        ('group = ["1-0:1.7.0", "1.7.0"]\nminus = "*2.7.0"', ""),
        ('group = "1-0:16.7.0"', ""),
    ],
)
def test_power_of_a_meter_without_direction_is_found(group, said):
    head = HEAD.replace('"modbus"', '"sml"')
    lines = found(f'{head}[points.power_w]\n{group}\n[points.apparent_power_va]\ngroup = "1-0:9.7.0"\n')

    assert [said] == [line.partition(": ")[2][: len(said)] for line in lines] or not (said or lines)


def test_a_register_without_sign_tells_no_export():
    text = HEAD + SILENCE + POWER.replace("int32", "uint32")

    (line,) = found(text)
    assert "points.power_w.type: uint32 has no sign, but low is -10000: export would read as import" in line
    assert [] == found(text.replace("low = -10000", "low = 0"))


def test_the_work_of_overlaps_grows_with_the_number_of_points_not_with_its_square():
    def calls(count):
        points = (
            f'[points.p{at}_w]\nregister = "input:{2 * at}"\ntype = "int32"\nlow = 0\nhigh = 1\n'
            for at in range(count)
        )
        made_profile = loading.parse_profile(HEAD + "".join(points), "acme/am300", "am300.toml")
        made = 0

        def counted(_frame, event, _argument):
            nonlocal made
            made += event == "call"

        sys.setprofile(counted)
        try:
            assert [] == list(lint._check_overlaps(made_profile))
        finally:
            sys.setprofile(None)
        return made

    assert calls(400) < 5 * calls(100)


def test_a_point_is_told_once_however_many_it_cuts_into():
    text = HEAD + "".join(
        f'[points.{name}]\nregister = "input:{at}"\ntype = "int32"\nlow = 0\nhigh = 9000\n'
        for name, at in (("power_w", 10), ("power_l1_w", 12), ("power_l2_w", 11))
    )
    (said,) = [one for one in found(text) if "cuts into" in one]
    assert "points.power_l2_w.register: input:11 of 2 registers cuts into power_w (input:10 of 2)" in said


def test_the_largest_profile_is_checked_in_seconds():
    """20,000 points once took over 120 s; the limit of the file's size leaves 7,000, which take 1.3 s here."""
    points = ",".join(f'x{number}_w={{register="holding:{number}"}}' for number in range(7_000))
    text = f"points = {{{points}}}\n{HEAD}"
    assert 200_000 < len(text) < toml_files.TEXT_MAX_BYTES
    started_s = time.process_time()

    assert 7_000 == len(lint.find_findings(text, "acme/am300", "am300.toml"))
    assert time.process_time() - started_s < 30
