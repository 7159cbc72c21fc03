"""A profile of registers says what its device bears; another one is no profile of registers."""

import pytest
from tests.drivers.device_profile.test_lint import HEAD, POWER

from quartier_drivers.device_profile.loading import load_profile, parse_profile
from quartier_drivers.device_profile.register_profile import require_register_profile
from quartier_drivers.errors import ConfigError


def test_limits_and_marks_are_told():
    text = (
        HEAD
        + "[limits]\nblock_max = 60\npause_s = 0.05\nsingle_client = true\n"
        + '[recognise.code]\nregister = "input:11"\nequals = [1011, 1012]\n'
        + POWER
    )

    assert [
        ("a read", "at most 60 registers, without gaps"),
        ("pause", "0.05 s between requests"),
        ("clients", "one at a time; others go through a share"),
        ("known by", "input:11 is 1011 or 1012"),
    ] == list(parse_profile(text, "acme/am300", "am300.toml").describe())


def test_a_chip_bears_any_request():
    lines = '[points.input_on]\nregister = "discrete:0"\ntype = "bool"\n'

    assert [] == list(parse_profile(HEAD.replace("modbus", "gpio") + lines, "a/b", "b.toml").describe())


def test_what_has_no_registers_is_refused():
    with pytest.raises(ConfigError, match="speaks tic, which has no registers"):
        require_register_profile(load_profile("enedis/linky_standard"))
