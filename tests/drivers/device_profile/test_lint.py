"""What a person should look at in a profile: found by line and key, and never in what is shipped."""

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


def test_the_largest_profile_is_checked_in_seconds():
    """20,000 points once took over 120 s; the limit of the file's size leaves 7,000, which take 1.3 s here."""
    points = ",".join(f'x{number}_w={{register="holding:{number}"}}' for number in range(7_000))
    text = f"points = {{{points}}}\n{HEAD}"
    assert 200_000 < len(text) < toml_files.TEXT_MAX_BYTES
    started_s = time.process_time()

    assert 7_000 == len(lint.find_findings(text, "acme/am300", "am300.toml"))
    assert time.process_time() - started_s < 30
